"""Briefings and what is common and contested in a real browser: axe, narrow screens, by keyboard alone."""

from __future__ import annotations

import pytest

from submissions import summaries
from submissions.exports import downloads
from tests.factories import VIEW_AR
from tests.submissions.test_desk_in_a_browser import (  # noqa: F401  fixtures of the desk
    address,
    is_wider_than_the_screen,
    page,
    serious_violations,
    sign_in,
)
from tests.submissions.test_summaries import SIGNER, TEXT, THEME, give_sub_code, make_views, sign_off, write

pytestmark = pytest.mark.slow
HERE = f"/desk/briefings/{THEME}"


def test_a_point_is_written_with_the_keyboard_alone_and_no_page_has_a_serious_violation(
    page,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    views = make_views()
    for name in ("ar", "bn"):
        give_sub_code(views[name])
    sign_in(page)
    page.goto(f"{HERE}/summary")
    page.get_by_role("link", name="Write a point from it").first.press("Enter")
    page.get_by_label("The point, in the team's words").fill(TEXT)
    # Enter in the field of words looks for views and keeps nothing.
    page.get_by_label("Words or a reference").fill("money")
    with page.expect_navigation():
        page.get_by_label("Words or a reference").press("Enter")
    assert page.get_by_label("The point, in the team's words").input_value() == TEXT
    arabic = page.get_by_role("group", name=views["ar"])
    arabic.get_by_label("Not cited").focus()
    page.keyboard.press("ArrowDown")
    assert arabic.get_by_label("Speaks for it").is_checked()
    english = page.get_by_role("group", name=views["en"])
    english.get_by_label("Not cited").focus()
    page.keyboard.press("ArrowUp")
    assert english.get_by_label("Speaks against it").is_checked()
    with page.expect_navigation():
        page.get_by_role("button", name="Keep the point").press("Enter")
    assert views["en"] in page.locator(".summary-points").inner_text()
    with page.expect_navigation():
        page.get_by_role("button", name="Propose it").press("Enter")
    assert "Proposed" in page.locator("#written").inner_text()
    write({views["ar"]: "for", views["en"]: "against"}, "contested", "Is it dear?")
    sign_off(SIGNER)
    summaries.begin("reviewer:ana", THEME)
    file = downloads.request("briefing-pdf", actor="reviewer:ana", theme_key=THEME)
    found = []
    for path in (
        "/desk/briefings",
        HERE,
        f"{HERE}/summary",
        f"{HERE}/summary/point?kind=contested",
        f"{HERE}/summary/point?from=sub_code:libraries",
        f"/desk/briefings/files/{file}?still=1",
        "/desk/exports",
        "/desk/overview",
    ):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")
        found += serious_violations(page)
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert not is_wider_than_the_screen(page), (path, width)
    assert found == []
    page.goto(HERE)
    words = page.locator('.summary-point p[lang="ar"]', has_text=VIEW_AR).first
    assert words.evaluate("element => getComputedStyle(element).direction") == "rtl"
