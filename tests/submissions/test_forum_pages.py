"""Forums and follow-ups in a real browser: a list taken in, a text sent by a second person, axe."""

import pytest
from playwright.sync_api import Page

from submissions.follow_ups import sending
from submissions.models import Role
from tests.submissions.desk_site import make_reviewer
from tests.submissions.forums import PEOPLE, at_noon, make_follow_up, make_forum, texts_in_outbox, use_keys
from tests.submissions.test_desk_in_a_browser import (
    PASSWORD,
    is_wider_than_the_screen,
    serious_violations,
)
from tests.submissions.test_desk_in_a_browser import address as address
from tests.submissions.test_desk_in_a_browser import page as page

pytestmark = pytest.mark.slow


def sign_in(page: Page, username: str) -> None:
    page.context.clear_cookies()
    page.goto("/desk/sign-in")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/desk")


def press(page: Page, words: str) -> None:
    with page.expect_navigation():
        page.click(f"button:has-text('{words}')")


def test_a_list_is_taken_in_and_a_second_person_sends_the_texts(page, tmp_path):
    use_keys(tmp_path)
    make_reviewer("ben", Role.REVIEWER, "Ben")
    make_reviewer("maya", Role.MANAGER, "Maya")
    forum_id = make_forum({}, code_word="PARK26")
    sign_in(page, "ben")
    found: list[str] = []

    def look(width: int = 390) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")
        found.extend(serious_violations(page))
        assert not is_wider_than_the_screen(page), page.url

    file = tmp_path / "list.csv"
    page.goto(f"/desk/forums/{forum_id}")
    file.write_text("phone,language,consented_on\n020 7946 0018,Polish,2026-06-14\n")
    page.set_input_files("#file", file)
    press(page, "Take the list in")
    assert "Line 2: This is not a mobile number" in page.inner_text(".govuk-error-summary")
    look()
    rows = "".join(f"{number};{language};14/06/2026\n" for language, number in PEOPLE.items())
    file.write_text(f"\ufeffphone;language;consented_on\n{rows}", encoding="utf-8")
    page.set_input_files("#file", file)
    press(page, "Take the list in")
    assert "5 people were added" in page.inner_text("main")
    look(1280)
    follow_up_id = make_follow_up(forum_id)
    page.goto(f"/desk/follow-ups/{follow_up_id}")
    look(320)
    press(page, "Ask for approval")
    assert "approval of a manager" in page.inner_text("main")
    sign_in(page, "maya")
    page.goto(f"/desk/follow-ups/{follow_up_id}")
    press(page, "Approve and send")
    sending.queue_next_batches(at_noon())
    assert len(texts_in_outbox()) == 5
    page.reload()
    look()
    press(page, "Pause")
    assert "Paused." in page.inner_text("main")
    for path in ("/desk/forums", "/desk/forums/new", "/desk/forums/contacts"):
        page.goto(path)
        look()
    assert found == []
