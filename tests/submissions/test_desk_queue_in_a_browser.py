"""The list in a real browser: giving views to people and saving lists by keyboard, axe, narrow screens."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import Page

from submissions.models import Role
from tests.submissions.desk_site import make_reviewer, make_submission
from tests.submissions.test_desk_in_a_browser import (  # noqa: F401  fixtures
    address,
    is_wider_than_the_screen,
    page,
    press_enter_and_wait,
    press_until,
    serious_violations,
    sign_in,
)

pytestmark = pytest.mark.slow


def look(page: Page, name: str) -> None:  # noqa: F811
    """Keeps a picture where somebody asks for them."""
    if folder := os.environ.get("OWNWORDS_TEST_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_views_are_given_and_lists_saved_with_the_keyboard_alone_on_any_screen(page: Page) -> None:  # noqa: F811
    make_reviewer("bo", role=Role.REVIEWER, name="بو Bo with a name that is rather long for a list")
    first = make_submission(
        "لا تغلقوا المكتبة", language="ar", english=["Keep it."], is_urgent=True, hours_ago=5
    )
    make_submission("Olá vizinhos.", english=["Hello."], themes={"safeguarding": 0.6}, hours_ago=2)
    sign_in(page)
    press_until(page, "input[name=view]")
    page.keyboard.press("Space")
    press_until(page, "#to")
    page.keyboard.press("ArrowDown")
    press_until(page, ".desk-assign button")
    press_enter_and_wait(page)
    assert "With بو Bo" in page.inner_text(".desk-list")
    press_until(page, ".desk-saved summary")
    page.keyboard.press("Enter")
    press_until(page, "#saved-name")
    page.keyboard.type("For today")
    press_enter_and_wait(page)
    found = []
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        for path in ("/desk?assigned=nobody", "/desk?status=all", f"/desk/submissions/{first}"):
            page.goto(path)
            page.evaluate(
                "document.querySelectorAll('details').forEach((details) => { details.open = true })"
            )
            found += serious_violations(page)
            assert not is_wider_than_the_screen(page), f"{path} at {width}"
            look(page, f"{width}-{re.sub('[^a-z]+', '-', path)}")
    assert found == []
    page.goto("/desk?status=all")
    page.click(".desk-saved summary")
    assert page.inner_text(".desk-saved__list a") == "For today"
