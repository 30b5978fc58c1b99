"""The form in all languages and the chat in some, on the narrowest telephone: nothing sticks out or turns.

OWNWORDS_TEST_PICTURES=FOLDER keeps a picture of each, to be looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.channels.conftest import RunningGateway
from translations.languages import LANGUAGES

pytestmark = pytest.mark.slow
PICTURES = os.environ.get("OWNWORDS_TEST_PICTURES", "")
IN_THE_CHAT = ("ur", "so", "ckb", "tr", "am")
# What is longer than its box, by its tag and class; the conversation and the menu scroll within.
STICKING_OUT = """() => {
  const found = [];
  const look = root => { for (const node of root.querySelectorAll("*")) {
    if (node.shadowRoot) look(node.shadowRoot);
    const box = node.getBoundingClientRect();
    if (box.width && (box.right > innerWidth + 1 || box.left < -1)) {
      if (!node.closest(".govuk-visually-hidden, .govuk-skip-link, [hidden], svg"))
        found.push(node.tagName + "." + node.className + " " + box.left + ".." + box.right);
    }
  } };
  look(document);
  return found;
}"""


@pytest.fixture
def page(browser: Browser, sqlite_gateway: RunningGateway) -> Iterator[Page]:
    context = browser.new_context(
        base_url=sqlite_gateway.url,
        locale="en-GB",
        reduced_motion="reduce",
        viewport={"width": 320, "height": 640},
    )
    yield context.new_page()
    context.close()


def keep_picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def test_the_form_fits_and_reads_in_the_right_direction_in_every_language(page: Page) -> None:
    faults = {}
    for code, language in LANGUAGES.items():
        page.goto(f"/form?lang={code}")
        expect(page.locator("html")).to_have_attribute("lang", code)
        expect(page.locator("html")).to_have_attribute("dir", language.direction)
        keep_picture(page, f"form-{code}")
        if found := page.evaluate(STICKING_OUT):
            faults[code] = found[:3]
    assert faults == {}


def test_the_chat_fits_and_reads_in_the_right_direction(page: Page) -> None:
    """In languages of both directions, four scripts and long words: each takes a conversation's time."""
    page.goto("/")
    faults = {}
    for code in IN_THE_CHAT:
        language = LANGUAGES[code]
        page.locator("textarea").fill("0")
        page.locator("textarea").press("Enter")
        page.get_by_role("button", name=language.autonym, exact=True).last.click()
        shown = page.locator(f".message [lang='{code}'], .message[lang='{code}']").last
        expect(shown).to_be_visible(timeout=30_000)
        direction = shown.evaluate("node => getComputedStyle(node).direction")
        keep_picture(page, f"chat-{code}")
        if found := page.evaluate(STICKING_OUT):
            faults[code] = found[:3]
        assert direction == language.direction, code
    assert faults == {}
