"""The desk in a real browser: axe, keyboard alone, narrow screens, right to left, nothing from elsewhere."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from submissions.models import Role, SubmissionStatus
from submissions.review import passwords
from tests.submissions.desk_site import PASSWORD, find, make_app, make_reviewer, make_sample, make_submission

pytestmark = pytest.mark.slow
SERIOUS = ("serious", "critical")


@pytest.fixture
def address(sqlite_database) -> Iterator[str]:
    passwords.forget_all_guesses()
    make_reviewer(role=Role.ADMIN)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = uvicorn.Server(uvicorn.Config(make_app(), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith(address) else faults.append(request.url)
    )
    page.on("dialog", lambda dialog: (faults.append("a script ran"), dialog.dismiss()))
    yield page
    context.close()
    # Statuses that a page is meant to answer with show in the console; nothing else may.
    assert [fault for fault in faults if "Failed to load resource" not in fault] == []


def sign_in(page: Page) -> None:
    page.goto("/desk/sign-in")
    page.fill("#username", "ana")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/desk")


def serious_violations(page: Page) -> list[str]:
    results = Axe().run(page).response
    return [
        f"{page.url}: {violation['id']}: {node['html'][:120]}"
        for violation in results["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def is_wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_page_has_a_serious_violation_or_scrolls_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    references = make_sample()
    withdrawn = make_submission("Adeus.", english=["Goodbye."], status=SubmissionStatus.WITHDRAWN)
    page.goto("/desk/sign-in")
    found = serious_violations(page)
    page.fill("#username", "nobody")
    page.click("main button[type=submit]")
    assert page.locator(".govuk-error-summary").is_visible()
    found += serious_violations(page)
    sign_in(page)
    paths = ["/desk?status=all", "/desk?q=nothing-like-it&from=x", "/desk/problems", "/desk/password"]
    paths += [f"/desk/submissions/{one}" for one in [*references[:7], withdrawn, "OW-0000-0000"]]
    paths += [f"/desk/submissions/{references[0]}/{one}" for one in ("reply", "redactions", "notes")]
    paths += [f"/desk/safeguarding/views/{references[0]}", "/desk/safeguarding"]
    paths += ["/desk/canned-replies", "/desk/register", "/desk/register?unread=yes"]
    for path in paths:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")
        found += serious_violations(page)
        assert not is_wider_than_the_screen(page), f"{path} at {width}"
    assert found == []


def test_the_conflict_page_has_no_serious_violation(page):
    reference = make_submission("Olá.", english=["Hello."])
    sign_in(page)
    page.goto(f"/desk/submissions/{reference}")
    other = page.context.new_page()
    other.goto(f"/desk/submissions/{reference}")
    with other.expect_navigation():
        other.click("text=Mark in review")
    page.click(".desk-sentence summary >> nth=0")
    page.fill("textarea", "Hello there.")
    page.fill("input[name=reason]", "nicer")
    page.click("text=Save correction")
    assert "Somebody else changed" in page.inner_text("h1")
    assert page.input_value("textarea") == "Hello there."
    assert serious_violations(page) == []
    page.click("text=Save mine all the same")
    assert "Hello there." in page.inner_text(".desk-sentence__english")


def press_until(page: Page, selector: str, limit: int = 60) -> None:
    """Moves the focus with the Tab key alone until it is on what the selector names."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"the Tab key never reached {selector}")


def press_enter_and_wait(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_view_is_corrected_themed_and_approved_with_the_keyboard_alone(page):
    first = make_submission("Olá vizinhos.", english=["Goodbye."], themes={"safeguarding": 0.6}, hours_ago=1)
    second = make_submission("لا تغلقوا المكتبة", english=["Do not close it"], language="ar", hours_ago=2)
    sign_in(page)
    press_until(page, f'a[href="/desk/submissions/{first}"]')
    press_enter_and_wait(page)
    press_until(page, ".desk-sentence summary")
    page.keyboard.press("Enter")
    press_until(page, "textarea")
    page.keyboard.press("Control+A")
    page.keyboard.type("Hello neighbours.")  # the letters of shortcuts are only letters here
    press_until(page, "input[name=reason]")
    page.keyboard.type("not a farewell")
    press_enter_and_wait(page)
    assert "Hello neighbours." in page.inner_text(".desk-sentence__english")
    press_until(page, "input[name='theme.safeguarding']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    press_until(page, "#themes button")
    press_enter_and_wait(page)
    assert page.locator("#themes .desk-reason").count() == 1
    press_until(page, "button[value=approved]")
    press_enter_and_wait(page)
    assert find(first).status == SubmissionStatus.APPROVED
    page.keyboard.press("n")
    page.wait_for_url(f"**/{second}*")
    page.keyboard.press("l")
    page.wait_for_url("**/desk*")


def test_single_key_shortcuts_can_be_switched_off(page):
    first = make_submission("Um.", english=["One."], hours_ago=1)
    make_submission("Dois.", english=["Two."], hours_ago=2)
    sign_in(page)
    page.goto(f"/desk/submissions/{first}")
    page.click("#shortcut-switch")
    page.keyboard.press("n")
    page.wait_for_timeout(300)
    assert page.url.endswith(first)
    assert page.inner_text("#shortcut-switch") == "Switch single-key shortcuts on"


def test_without_javascript_the_same_can_be_done(browser, address):
    reference = make_submission("Olá.", english=["Hello."])
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.goto(f"/desk/submissions/{reference}")
    page.click("button[value=approved]")
    page.wait_for_selector("text=Open again for review")
    context.close()
    assert find(reference).status == SubmissionStatus.APPROVED


def test_arabic_stands_on_the_right_and_a_script_in_a_view_stays_text(page, tmp_path: Path):
    reference = make_submission(
        "<script>alert(1)</script> لا تغلقوا المكتبة", language="ar", english=["<b>No</b>"]
    )
    sign_in(page)
    page.goto(f"/desk/submissions/{reference}")
    original = page.locator(".desk-sentence__original [lang=ar]").first
    assert original.evaluate("(e) => getComputedStyle(e).direction") == "rtl"
    assert "<script>alert(1)</script>" in page.inner_text(".desk-sentences")
    assert "<b>No</b>" in page.inner_text(".desk-sentences")
