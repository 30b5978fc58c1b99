"""My view, the outcomes and the desk's outcomes in a browser: keyboard, small phones, right to left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from submissions import intake, outcomes
from submissions.database import unit_of_work
from submissions.models import Outcome, Role, utc_now
from submissions.review import passwords
from tests.channels.conftest import RunningGateway
from tests.factories import VIEW_AR, make_view
from tests.submissions.desk_site import PASSWORD, make_reviewer

pytestmark = pytest.mark.slow
THEME = "community_engagement"


@pytest.fixture
def context(browser: Browser, sqlite_gateway: RunningGateway) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=sqlite_gateway.url, viewport={"width": 320, "height": 640}, reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)
    elsewhere: list[str] = []
    context.on(
        "request",
        lambda request: None if request.url.startswith(sqlite_gateway.url) else elsewhere.append(request.url),
    )
    yield context
    context.close()
    assert elsewhere == []


def serious_faults(page: Page) -> list[str]:
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]}"
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]


def look(page: Page, name: str) -> None:
    """Fits the screen, and axe finds nothing serious; a picture where OWNWORDS_TEST_PICTURES says."""
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert serious_faults(page) == []
    if folder := os.environ.get("OWNWORDS_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def sent(text: str, language: str) -> str:
    conversation_id, ids = make_view(text, language=language, consented_at=utc_now())
    with unit_of_work() as db:
        return str(intake.submit(db, conversation_id, ids)[0].reference)


def test_a_view_is_corrected_and_taken_back_in_arabic_by_keyboard_on_a_small_phone(context: BrowserContext):
    expect.set_options(timeout=30_000)
    reference = sent(VIEW_AR, "ar")
    page = context.new_page()
    page.goto("/my-submission?lang=ar")
    look(page, "find-ar")
    page.locator("#reference").focus()
    page.keyboard.type("OW-0000-0000")
    page.keyboard.press("Enter")
    expect(page.locator("#reference-wrong")).to_be_visible()
    look(page, "wrong-ar")
    page.locator("#reference").fill(reference)
    page.keyboard.press("Enter")
    expect(page.locator(".words")).to_have_text(VIEW_AR)
    assert reference not in page.url
    look(page, "view-ar")
    page.locator("main summary").nth(1).focus()
    page.keyboard.press("Enter")
    page.locator("#correct").fill("المكتبة لنا جميعاً.")
    look(page, "correct-ar")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".words")).to_have_text("المكتبة لنا جميعاً.")
    expect(page.get_by_role("status")).to_be_visible()
    page.locator("main summary").nth(2).focus()
    page.keyboard.press("Enter")
    look(page, "withdraw-ar")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".words")).to_have_count(0)
    look(page, "withdrawn-ar")
    page.locator(".aside button").click()
    expect(page.locator("#reference")).to_be_visible()


def test_outcomes_are_written_published_by_another_and_read_in_any_language(
    browser: Browser, context: BrowserContext, sqlite_gateway: RunningGateway
):
    expect.set_options(timeout=30_000)
    passwords.forget_all_guesses()
    make_reviewer("ana", Role.REVIEWER)
    make_reviewer("ben", Role.MANAGER, "Ben Okoro")
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    sign_in(page, "ana")
    page.goto(f"/desk/outcomes/{THEME}")
    page.fill("#said", "Buses come late in the evening.")
    page.fill("#did", "We asked the operator for two more buses.")
    page.get_by_role("button", name="Keep as a draft").click()
    expect(page.get_by_role("button", name="Propose it")).to_be_visible()
    with unit_of_work(read_only=True) as db:
        outcome_id = db.query(Outcome.id).scalar()
    outcomes.set_text(
        "reviewer:ana", outcome_id, "ur", "بسیں شام کو دیر سے آتی ہیں۔", "ہم نے دو اور بسیں مانگیں۔"
    )
    page.get_by_role("button", name="Propose it").click()
    expect(page.get_by_text("Somebody else who may publish")).to_be_visible()
    look(page, "desk-outcome")
    page.goto("/desk/outcomes")
    look(page, "desk-outcomes")
    other = browser.new_context(base_url=sqlite_gateway.url, viewport={"width": 390, "height": 844})
    other.set_default_timeout(60_000)
    second = other.new_page()
    sign_in(second, "ben")
    second.goto(f"/desk/outcomes/{THEME}")
    second.get_by_role("button", name="Publish it").click()
    expect(second.get_by_role("button", name="Take it off the page")).to_be_visible()
    look(second, "desk-outcome-phone")
    other.close()
    page.set_viewport_size({"width": 320, "height": 640})
    for language, words in (("ur", "دو اور بسیں"), ("so", "two more buses"), ("en", "two more buses")):
        page.goto(f"/outcomes?lang={language}")
        expect(page.locator(".outcome")).to_contain_text(words)
        look(page, f"outcomes-{language}")


def sign_in(page: Page, username: str) -> None:
    page.goto("/desk/sign-in")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/desk")
