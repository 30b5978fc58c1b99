"""The interpreters' page in a real browser: axe, and wide and narrow screens."""

import os
from pathlib import Path

import pytest

from tests.submissions.desk_site import make_sample
from tests.submissions.test_desk_in_a_browser import (  # noqa: F401  fixtures of the desk
    address,
    is_wider_than_the_screen,
    page,
    serious_violations,
    sign_in,
)

pytestmark = pytest.mark.slow
PICTURES = os.environ.get("OWNWORDS_TEST_PICTURES", "")


def test_the_interpreters_page_has_no_serious_violation_on_any_screen(page):  # noqa: F811
    make_sample()
    sign_in(page)
    page.goto("/desk/interpreters")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert serious_violations(page) == []
        assert not is_wider_than_the_screen(page), width
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"interpreters-{width}.png"), full_page=True)
