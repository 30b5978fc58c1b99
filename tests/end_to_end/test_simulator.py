"""SMS and WhatsApp on a fresh machine, without an account: the simulator and the real assistant."""

import re

from playwright.sync_api import Page, expect

from channels.wording import wording
from tests.end_to_end.people import PATIENCE_MILLISECONDS, REFERENCE, sign_in

VIEW = "نحتاج إلى ضوء أكثر في الحديقة، فكثير من الناس يخافون في الليل."


def test_an_arabic_view_sent_by_text_message_reaches_the_desk(page: Page, system):
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    page.goto(f"{system.url}/simulator")
    sms = page.locator(".sms")

    def write(text: str, answer: str) -> None:
        before = sms.locator(".ours").count()
        sms.locator("textarea").fill(text)
        sms.locator("textarea").press("Enter")
        expect(sms.locator(".ours").nth(before)).to_be_visible()
        expect(sms.locator(".ours").last).to_contain_text(answer)

    def first_line(key: str) -> str:
        return wording(key, "ar", "sms").text.splitlines()[0]

    write("0", "العربية")
    write("العربية", first_line("ask_consent"))
    expect(sms.locator(".thread")).to_have_attribute("dir", "rtl")
    write("1", first_line("ask_view"))
    write(VIEW, first_line("view_kept"))
    sms.locator("textarea").fill("1")
    sms.locator("textarea").press("Enter")
    expect(sms.locator(".ours").filter(has_text=VIEW).last).to_be_visible()
    sms.locator("textarea").fill("1")
    sms.locator("textarea").press("Enter")
    saved = sms.locator(".ours").filter(has_text=re.compile(REFERENCE))
    expect(saved.last).to_be_visible()
    reference = REFERENCE.search(saved.last.inner_text())[0]

    sign_in(page, system)
    page.goto(f"{system.url}/desk/submissions/{reference}")
    expect(page.locator("body")).to_contain_text(VIEW)
