"""The record button of the chat page, in a real browser with a microphone that beeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from submissions.models import MediaFile, MediaState
from tests.channels.conftest import RunningGateway, wait_until
from tests.channels.phone import rows
from tests.channels.test_chat_page import choose, serious_faults

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Browser, sqlite_gateway: RunningGateway) -> Iterator[Page]:
    context = browser.new_context(
        base_url=sqlite_gateway.url,
        locale="en-GB",
        reduced_motion="reduce",
        viewport={"width": 320, "height": 568},
    )
    page = context.new_page()
    page.axe_is_running = False
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto("/")
    expect(page.get_by_role("button", name="Português", exact=True)).to_be_visible()
    yield page
    context.close()
    assert problems == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).press("Enter")


def record(page: Page) -> None:
    press(page, "Record a voice message")
    expect(page.get_by_role("button", name="Stop recording")).to_be_focused()
    expect(page.get_by_role("timer")).not_to_have_text("0:00")
    press(page, "Stop recording")
    expect(page.get_by_role("button", name="Send recording")).to_be_focused()


def test_a_recording_is_made_heard_and_sent_by_keyboard_alone(page: Page):
    choose(page, "English")
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    record(page)
    player = page.locator("audio")
    expect(player).to_have_attribute("aria-label", "Voice message")
    player.evaluate("audio => audio.play()")
    wait_until(lambda: player.evaluate("audio => audio.currentTime > 0"))
    assert serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("textarea").is_hidden()
    press(page, "Send recording")
    expect(page.get_by_role("log")).to_contain_text("I have your voice note")
    expect(page.locator(".mine").last).to_contain_text("Voice message")
    expect(page.locator("textarea")).to_be_focused()
    [kept] = rows(MediaFile)
    assert (kept.state, kept.detected_type) == (MediaState.STORED, "audio/webm")
    page.reload()
    expect(page.locator(".mine").last).to_contain_text("Voice message")


def test_a_recording_is_deleted_and_nothing_was_sent(page: Page):
    record(page)
    press(page, "Delete recording")
    expect(page.get_by_role("button", name="Record a voice message")).to_be_focused()
    expect(page.locator(".frame > [role=status]").last).to_have_text("The recording was deleted.")
    assert rows(MediaFile) == []


def test_without_a_network_the_recording_stays_and_goes_later_and_once(page: Page):
    choose(page, "English")
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    record(page)
    page.context.set_offline(True)
    press(page, "Send recording")
    expect(page.get_by_role("alert")).to_contain_text("Your recording is still here")
    page.context.set_offline(False)
    press(page, "Send recording")
    expect(page.get_by_role("log")).to_contain_text("I have your voice note", timeout=15_000)
    assert len(rows(MediaFile)) == 1


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ("navigator.mediaDevices.getUserMedia = refuse('NotAllowedError')", "The microphone is not allowed"),
        ("navigator.mediaDevices.getUserMedia = refuse('NotFoundError')", "The recording did not work"),
        ("delete window.MediaRecorder", "This browser cannot record"),
    ],
)  # fmt: skip
def test_without_a_microphone_they_are_told_and_can_write(page: Page, without: str, words: str):
    refuse = "const refuse = name => async () => { throw new DOMException('no', name) };"
    page.evaluate(f"() => {{ {refuse} {without} }}")
    press(page, "Record a voice message")
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("textarea")).to_be_visible()


def test_a_recording_ends_at_the_limit_and_can_still_be_sent(page: Page):
    page.clock.install()
    press(page, "Record a voice message")
    expect(page.get_by_role("button", name="Stop recording")).to_be_visible()
    expect(page.get_by_role("timer")).not_to_have_text("0:00")  # the recorder needs something to keep
    page.clock.fast_forward(181_000)
    expect(page.get_by_role("alert")).to_contain_text("3 minutes")
    expect(page.get_by_role("timer")).to_have_text("3:00")
    expect(page.get_by_role("button", name="Send recording")).to_be_visible()


def test_in_arabic_the_recorder_stands_from_right_to_left(page: Page):
    choose(page, "العربية")
    expect(page.locator(".frame")).to_have_attribute("dir", "rtl")
    press(page, "تسجيل رسالة صوتية")
    stop = page.get_by_role("button", name="إنهاء التسجيل")
    expect(stop).to_be_visible()
    delete = page.get_by_role("button", name="حذف التسجيل")
    assert stop.bounding_box()["x"] > delete.bounding_box()["x"]
    expect(page.get_by_role("timer")).not_to_have_text("0:00")  # the recorder needs something to keep
    stop.press("Enter")
    expect(page.get_by_role("button", name="إرسال التسجيل")).to_be_focused()
    assert serious_faults(page) == []
