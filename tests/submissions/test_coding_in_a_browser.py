"""Coding in a real browser: axe at three widths, the keyboard alone, and evidence marked by hand."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from submissions import codeframes
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import Role
from submissions.review import coding_rounds, passwords
from submissions.review.coding_rounds import NewRound
from submissions.review.sessions import Principal
from tests.submissions.desk_site import PASSWORD, make_app, make_reviewer, make_sample, make_submission

pytestmark = pytest.mark.slow


@pytest.fixture
def address(sqlite_database) -> Iterator[str]:
    passwords.forget_all_guesses()
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
    page = context.new_page()
    page.set_default_timeout(60_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith(address) else faults.append(request.url)
    )
    yield page
    context.close()
    assert faults == []


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def sign_in(page: Page) -> None:
    page.goto("/desk/sign-in")
    page.fill("#username", "ana")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/desk")


def press(page: Page, key: str) -> None:
    """A key that leads to another page."""
    with page.expect_navigation():
        page.keyboard.press(key)


def test_a_round_is_coded_by_keyboard_and_every_page_is_clean_at_every_width(page):
    references = make_sample()
    ana, ben = make_reviewer(role=Role.ADMIN), make_reviewer("ben", Role.REVIEWER, "Ben")
    someone = Principal("reviewer:ana", "Ana", Role.ADMIN, ana.id)
    with unit_of_work() as db:
        themes = codeframes.themes_of(get_commission())
        codeframes.sign_off(
            db, sha256=codeframes.hash_of(themes), reason="", actor="reviewer:ana", reviewer_id=ana.id
        )
    with unit_of_work() as db:
        made = coding_rounds.start(db, someone, NewRound("Pilot", 4, 7, str(ana.id), str(ben.id)))
        round_id = made.id
    here = f"/desk/codeframe/rounds/{round_id}"
    sign_in(page)
    page.goto(here)
    press(page, "n")
    assert "View 1 of 4" in page.inner_text("h1")
    found = violations(page)
    for number in range(4):
        page.keyboard.press("1")
        if number == 0:
            page.keyboard.press("2")
            page.keyboard.press("2")  # and off again
            assert page.locator("input:checked").count() == 1
            # Also with the focus on a box, and there the space bar ticks.
            page.focus("#theme-3")
            page.keyboard.press("Space")
            assert page.is_checked("#theme-3")
            page.keyboard.press("3")
        press(page, "s")
    page.wait_for_url(f"**{here}")
    assert "when both have coded everything" in page.inner_text("main")
    with unit_of_work(read_only=True) as db:
        items = coding_rounds.load(db, round_id).items
    assert [item.first.themes for item in items] == [["identity_faith_values"]] * 4
    for item in items:
        with unit_of_work() as db:
            theme = "safeguarding" if item is items[0] else "identity_faith_values"
            other = Principal("reviewer:ben", "Ben", Role.REVIEWER, ben.id)
            coding_rounds.save_coding(db, other, round_id, item.id, [theme], seen="")
    view = f"/desk/submissions/{references[1]}"
    page.goto(view)
    page.check("input[name='theme.community_engagement'][value=accepted]")
    with page.expect_navigation():
        page.click("text=Save themes")
    page.locator("summary", has_text="Mark as evidence").first.focus()
    page.keyboard.press("Enter")
    page.locator("input[name='evidence.community_engagement']").first.focus()
    page.keyboard.press("Space")
    press(page, "Enter")
    assert page.locator("mark").count() == 2
    assert "Evidence for Community Engagement" in page.inner_text("#view")
    english = make_submission("Keep it. It is good.", language="en")
    paths = [here, f"{here}/settle/{items[0].id}", "/desk/codeframe", "/desk/codeframe/rounds"]
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        for path in [*paths, "/desk/codeframe/recoding", view, f"/desk/submissions/{english}"]:
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
            found += violations(page)
            is_wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            assert not is_wide, f"{path} at {width}"
    assert found == []
