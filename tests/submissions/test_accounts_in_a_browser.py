"""Accounts and signing in, in a real browser: axe, keyboard alone, a telephone, nothing from elsewhere."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pyotp
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from submissions.database import unit_of_work
from submissions.models import Reviewer, Role
from submissions.review import accounts, passwords
from tests.submissions.desk_site import PASSWORD, make_app, make_reviewer, make_submission

pytestmark = pytest.mark.slow
PATIENCE = 60_000  # a busy machine is slow, not wrong


@pytest.fixture
def address(sqlite_database) -> Iterator[str]:
    passwords.forget_all_guesses()
    make_reviewer("boss", Role.ADMIN, "Bo Admin")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = uvicorn.Server(uvicorn.Config(make_app(), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + 60
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    elsewhere: list[str] = []
    page.on(
        "request", lambda request: None if request.url.startswith(address) else elsewhere.append(request.url)
    )
    yield page
    context.close()
    assert elsewhere == []


def press_enter(page: Page, field: str) -> None:
    with page.expect_navigation():
        page.press(field, "Enter")


def sign_in(page: Page) -> None:
    page.goto("/desk/sign-in")
    page.fill("#username", "boss")
    page.fill("#password", PASSWORD)
    press_enter(page, "#password")


def faults(page: Page) -> list[str]:
    return [fault["id"] for fault in Axe().run(page).response["violations"]]


def test_the_pages_of_accounts_have_no_fault_and_fit_a_telephone(page):
    reference = make_submission("أنا هنا", language="ar", english=["I am here."])
    accounts.create_api_token("Statistics of the council", Role.VIEWER, 30)
    found = make_reviewer("tia", Role.VIEWER, "Tia Cruz")
    sign_in(page)
    page.goto(f"/desk/submissions/{reference}")
    for path in (
        "/desk/account",
        "/desk/second-factor",
        "/desk/accounts",
        f"/desk/accounts/{found.id}",
        "/desk/accounts/new",
        "/desk/api-tokens",
        "/desk/audit",
    ):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path)
        assert faults(page) == [], path
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_an_app_is_set_up_and_used_with_the_keyboard_alone(page):
    sign_in(page)
    page.goto("/desk/second-factor")
    expect(page.get_by_alt_text("QR code with the same key")).to_be_visible()
    secret = page.inner_text(".desk-key").replace(" ", "")
    page.keyboard.press("Tab")  # the skip link
    while page.evaluate("document.activeElement.id") != "code":
        assert page.evaluate("document.activeElement !== document.body"), "the field is not reached"
        page.keyboard.press("Tab")
    page.keyboard.type(pyotp.TOTP(secret).now())
    press_enter(page, "#code")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert page.locator(".desk-codes li").count() == 10
    assert faults(page) == []
    with unit_of_work() as db:
        db.execute(update(Reviewer).values(totp_last_step=None))  # as if half a minute had passed
    page.context.clear_cookies()
    sign_in(page)
    expect(page.get_by_role("heading", name="Your code")).to_be_visible()
    assert faults(page) == []
    page.fill("#code", "000000")
    press_enter(page, "#code")
    expect(page.get_by_role("alert")).to_contain_text("The code is not right")
    page.fill("#code", pyotp.TOTP(secret).now())
    press_enter(page, "#code")
    expect(page.get_by_role("heading", name="Submissions").first).to_be_visible()
