"""What residents and reviewers do in a browser, in words of their own."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from channels.wording import wording
from tests.end_to_end.running_system import RunningSystem

PATIENCE_MILLISECONDS = 30_000
NEW_PASSWORD = "seven green buses in the rain"
REFERENCE = re.compile(r"OW-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")


class Resident:
    """Somebody on the chat page, in one language."""

    def __init__(self, page: Page, system: RunningSystem, language: str) -> None:
        self.page = page
        self.language = language
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        page.goto(system.url)

    def says(self, key: str) -> str:
        """The wording of a key in this resident's language."""
        return wording(key, self.language, "web_chat").text

    def choose(self, title: str) -> None:
        self.page.locator(".option").get_by_text(title, exact=True).click()

    def pick(self, option_key: str) -> None:
        self.choose(self.says(option_key))

    def write(self, text: str) -> None:
        self.page.locator("textarea").fill(text)
        self.page.locator("textarea").press("Enter")

    def sees(self, text: str, times: int = 1) -> None:
        """Waits until a text has been said so often."""
        expect(self.page.locator(".theirs").filter(has_text=text)).to_have_count(times)

    def sees_button(self, option_key: str) -> None:
        expect(self.page.locator(".option").get_by_text(self.says(option_key), exact=True)).to_be_visible()

    def reference(self) -> str:
        """The reference of the view that was sent last."""
        expect(self.page.locator("bdi.reference").last).to_be_visible()
        return self.page.locator("bdi.reference").last.inner_text()

    def sends_a_view(self, autonym: str, *texts: str) -> str:
        """From choosing a language to the reference, with the view in as many messages as texts."""
        self.choose(autonym)
        self.pick("option_agree")
        self.sees(self.says("ask_view"))
        for count, text in enumerate(texts, start=1):
            self.write(text)
            self.sees(self.says("view_kept"), times=count)
        self.pick("option_finish")
        self.sees_button("option_send")
        self.pick("option_send")
        return self.reference()


def sign_in(page: Page, system: RunningSystem) -> None:
    """As the first reviewer; the first time with the one-time password that `make run` printed."""
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(f"{system.url}/desk/sign-in")
    is_first_time = system.one_time_password != NEW_PASSWORD
    page.fill("#username", system.username)
    page.fill("#password", system.one_time_password)
    page.press("#password", "Enter")
    if is_first_time:
        page.fill("#current", system.one_time_password)
        page.fill("#new", NEW_PASSWORD)
        page.fill("#repeated", NEW_PASSWORD)
        page.press("#repeated", "Enter")
        system.one_time_password = NEW_PASSWORD
    page.wait_for_url("**/desk")
