"""/simulator in a real browser, in Arabic: SMS, WhatsApp's buttons, a voice note, a switch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from channels.wording import wording
from tests.channels.conftest import wait_until
from tests.channels.simulator.conftest import Machine

pytestmark = pytest.mark.slow
VIEW = "نحتاج إلى ضوء أكثر في الحديقة."


@pytest.fixture
def page(browser: Browser, machine: Machine) -> Iterator[Page]:
    context = browser.new_context(base_url=machine.url, viewport={"width": 1200, "height": 1000})
    made = context.new_page()
    problems: list[str] = []
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    made.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    made.goto("/simulator")
    yield made
    context.close()
    assert problems == []


def write(phone: Locator, text: str) -> None:
    phone.locator("textarea").fill(text)
    phone.locator("textarea").press("Enter")


def says(key: str, channel: str) -> str:
    """The first line of the wording."""
    return wording(key, "ar", channel).text.splitlines()[0]


def test_an_arabic_resident_uses_both_telephones(page: Page, machine: Machine, tmp_path: Path) -> None:
    sms, whatsapp = page.locator(".sms"), page.locator(".whatsapp")

    write(sms, "0")
    expect(sms.locator(".ours").last).to_contain_text("العربية")
    write(sms, "العربية")
    expect(sms.locator(".ours").last).to_contain_text(says("ask_consent", "sms"))
    expect(sms.locator(".ours").last).to_contain_text("UCS-2")
    expect(sms.locator(".thread")).to_have_attribute("dir", "rtl")
    write(sms, "1")
    expect(sms.locator(".ours").last).to_contain_text(says("ask_view", "sms"))

    write(whatsapp, "0")
    expect(whatsapp.locator(".ours").last).to_contain_text("العربية")
    write(whatsapp, "العربية")
    agree = whatsapp.get_by_role("button", name=wording("option_agree", "ar", "whatsapp").text, exact=True)
    agree.click()
    expect(whatsapp.locator(".ours").last).to_contain_text(says("ask_view", "whatsapp"))
    write(whatsapp, VIEW)
    expect(whatsapp.locator(".resident").last).to_contain_text(VIEW)
    expect(whatsapp.locator(".ours .facts").last).to_contain_text("read")

    record = page.get_by_role("button", name="Record a voice note")
    record.click()
    stop = page.get_by_role("button", name="Stop and send")
    expect(stop).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(400)
    stop.click()
    expect(whatsapp.locator(".resident").last).to_contain_text("audio/webm")
    expect(whatsapp.locator(".bubble").last).to_contain_text("read")

    whatsapp.get_by_role("button", name="Send a place").click()
    expect(whatsapp.locator(".ours").last).to_contain_text(says("place_received", "whatsapp"))
    whatsapp.get_by_role("button", name="Send a contact card").click()
    expect(whatsapp.locator(".ours").last).to_contain_text(says("contact_received", "whatsapp"))
    thumb = whatsapp.get_by_role("button", name="React with a thumb up").last
    thumb.click()
    expect(whatsapp.locator(".resident").last).to_contain_text("A reaction:")
    expect(thumb).to_have_attribute("aria-pressed", "true")
    thumb.click()
    expect(whatsapp.locator(".resident").last).to_contain_text("taken back")
    wait_until(machine.simulator.courier.wait_until_idle)
    assert (
        whatsapp.locator(".bubble").last.get_attribute("class") == "bubble resident"
    )  # it asks for no answer

    page.get_by_label("Accept it, then fail with").select_option("30003")
    page.get_by_role("button", name="Set the switches").click()
    expect(page.locator("#switches-set")).to_have_text("Set.")
    write(sms, VIEW)
    expect(sms.locator(".facts.failed")).to_contain_text("30003")
    expect(page.locator("#webhooks")).to_contain_text(re.compile(r"/twilio/status \(undelivered\): 204"))
    wait_until(machine.simulator.courier.wait_until_idle)

    for width, height in ((1200, 1000), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=tmp_path / f"simulator-{width}.png", full_page=True)
        too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert page.evaluate(too_wide) is False


def test_no_barrier_and_a_new_person_starts_afresh(page: Page) -> None:
    sms = page.locator(".sms")
    write(sms, "0")
    expect(sms.locator(".ours").last).to_be_visible()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert [problem["id"] for problem in found.response["violations"]] == []
    before = page.get_by_label("Number of these telephones").input_value()
    page.get_by_role("button", name="Be somebody new").click()
    expect(page.get_by_label("Number of these telephones")).not_to_have_value(before)
    expect(sms.locator(".bubble")).to_have_count(0)
