"""The chat page in a real browser, as residents meet it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.channels.conftest import RunningGateway, wait_until
from tests.fakes.bot import FakeBot, reply

pytestmark = pytest.mark.slow
SCRIPT = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


@pytest.fixture
def page(browser: Browser, sqlite_gateway: RunningGateway) -> Iterator[Page]:
    # Without motion: while a message fades in, its contrast is not what it will be.
    context = browser.new_context(base_url=sqlite_gateway.url, locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.axe_is_running = False
    page.on("console", lambda message: note(message.text))

    def note(text: str) -> None:
        if "Content Security" in text and not page.axe_is_running:
            problems.append(text)

    elsewhere: list[str] = []
    page.on(
        "request",
        lambda request: None if request.url.startswith(sqlite_gateway.url) else elsewhere.append(request.url),
    )
    page.goto("/")
    yield page
    context.close()
    assert problems == []
    assert elsewhere == []


def choose(page: Page, title: str) -> None:
    page.get_by_role("button", name=title, exact=True).click()


def write(page: Page, text: str) -> None:
    page.locator("textarea").fill(text)
    page.locator("textarea").press("Enter")


def test_a_view_is_written_in_portuguese_by_keyboard_alone(page: Page, bot: FakeBot):
    button = page.get_by_role("button", name="Português", exact=True)
    expect(button).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if button.evaluate("node => node.getRootNode().activeElement === node"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Concordo", exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "pt")
    choose(page, "Concordo")
    expect(page.get_by_role("log")).to_contain_text("Escreva o que pensa")
    write(page, "A biblioteca fechou.")
    expect(page.get_by_role("button", name="Terminar")).to_be_visible()
    assert bot.texts() == ["Português", "Concordo", "A biblioteca fechou."]


def test_arabic_turns_the_page_round_and_each_text_keeps_its_own_direction(page: Page, bot: FakeBot):
    bot.replies = lambda message: [reply("submission_saved", reference="OW-7K3M-92QF")]
    choose(page, "العربية")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator(".frame")).to_have_attribute("dir", "rtl")
    reference = page.locator("bdi.reference").first
    expect(reference).to_have_text("OW-7K3M-92QF")
    write(page, "I write this in English")
    mine = page.locator(".mine p").last
    expect(mine).to_have_attribute("dir", "auto")
    assert mine.evaluate("node => getComputedStyle(node).direction") == "ltr"


def test_a_view_that_contains_a_script_is_shown_and_never_run(page: Page):
    choose(page, "English")
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    write(page, SCRIPT)
    expect(page.locator(".mine p").last).to_have_text(SCRIPT)
    expect(page.get_by_role("button", name="Finish")).to_be_visible()
    page.reload()
    expect(page.locator(".mine p").last).to_have_text(SCRIPT)
    assert page.evaluate("window.ran") is None


def test_the_conversation_goes_on_after_a_reload_and_can_be_forgotten(page: Page):
    choose(page, "English")
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    page.locator("textarea").fill("half a sentence")
    page.reload()
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    expect(page.locator(".message")).to_have_count(4)
    expect(page.locator("textarea")).to_have_value("half a sentence")
    choose(page, "Forget this conversation")
    choose(page, "Remove")
    expect(page.locator(".message")).to_have_count(1)
    expect(page.locator("textarea")).to_have_value("")
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"
    page.reload()
    expect(page.get_by_role("button", name="Português")).to_be_visible()


def test_what_is_written_without_a_network_goes_when_it_is_back_and_only_once(page: Page, bot: FakeBot):
    choose(page, "English")
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    page.context.set_offline(True)
    write(page, "written in the underground")
    expect(page.get_by_text("You are not connected")).to_be_visible()
    expect(page.locator(".state")).to_contain_text("Not sent yet")
    page.context.set_offline(False)
    expect(page.get_by_role("button", name="Finish")).to_be_visible(timeout=15_000)
    assert bot.texts().count("written in the underground") == 1
    expect(page.locator(".state")).to_have_count(0)


def test_a_text_that_is_too_long_stays_in_the_box_with_the_reason(page: Page):
    choose(page, "English")
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    text = "too long " * 500
    write(page, text)
    expect(page.get_by_role("alert")).to_contain_text("4000")
    expect(page.locator("textarea")).to_have_value(text)
    expect(page.locator("#counter")).to_contain_text("500")


def test_a_message_the_server_refuses_comes_back_into_the_box(page: Page):
    choose(page, "English")
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    page.locator("textarea").evaluate(
        "node => { node.value = 'bell \\u0007'; node.dispatchEvent(new Event('input', {bubbles: true})) }"
    )
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("could not read")
    expect(page.locator("textarea")).to_have_value("bell \x07")


def test_a_conversation_that_is_gone_begins_anew_with_the_text_still_there(
    page: Page, sqlite_gateway: RunningGateway, bot: FakeBot
):
    page.evaluate(
        "localStorage.setItem('own-words-conversation',"
        " JSON.stringify({id: '00000000-0000-4000-8000-000000000000', token: 'a.b'}))"
    )
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("no longer here")
    write(page, "Hello to the team, here I am again")
    wait_until(lambda: bot.texts() == ["Hello to the team, here I am again"])


@pytest.mark.parametrize("language", ["English", "العربية"])
def test_axe_finds_no_serious_fault_in_the_chat(page: Page, language: str):
    assert serious_faults(page) == []
    choose(page, language)
    expect(page.locator(".option")).to_have_count(3)
    write(page, "Somebody wrote this")
    expect(page.locator(".theirs")).to_have_count(3 + 1)
    assert serious_faults(page) == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_no_serious_fault_in_the_form(page: Page, language: str):
    page.goto(f"/form?lang={language}")
    assert serious_faults(page) == []
    page.locator("form .button").click()  # with its list of what to mend
    assert serious_faults(page) == []


def serious_faults(page: Page) -> list[str]:
    page.axe_is_running = True  # it puts styles into the page, which the page's own policy then refuses
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:120]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def test_touch_targets_are_large_enough_at_the_smallest_size(page: Page):
    page.set_viewport_size({"width": 320, "height": 568})
    choose(page, "English")
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    for button in page.locator("own-words-chat button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
