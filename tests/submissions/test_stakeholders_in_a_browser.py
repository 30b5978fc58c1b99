"""Stakeholders, paper forms and a session with its files in a real browser: axe, phone width and keyboard."""

import datetime as dt
import os
from pathlib import Path

import pytest

from submissions import evidence_sessions, paper_forms, session_files, stakeholders
from submissions.addresses import configure_keys
from submissions.database import unit_of_work
from submissions.media import MediaStore
from submissions.models import utc_now
from submissions.settings import StoreSettings
from submissions.stakeholders import Contact, Facts
from tests.submissions.test_desk_in_a_browser import (  # noqa: F401  fixtures of the desk
    address,
    is_wider_than_the_screen,
    page,
    serious_violations,
    sign_in,
)
from tests.submissions.test_evidence_sessions import FACTS, add_session, enter
from tests.submissions.test_paper_forms import GOOD, WRONG
from tests.submissions.test_stakeholders import offered

pytestmark = pytest.mark.slow
PICTURES = os.environ.get("OWNWORDS_TEST_PICTURES", "")
ACTOR = "reviewer:ana"


def test_the_pages_have_no_serious_violation_on_any_screen_and_the_warning_is_read(page, tmp_path):  # noqa: F811
    configure_keys(StoreSettings(data=tmp_path))
    offered("Hello, I speak for the mothers of Church Street and we want to come to a session")
    today = utc_now().date()
    with unit_of_work() as db:
        for number, name in enumerate(
            ("Al-Mahdi Centre", "AL MAHDI CENTRE", "Registered providers of housing")
        ):
            facts = Facts(name=name, interest=1 + number * 2, influence=5 - number, manager="A. Reis")
            made = stakeholders.add(db, facts, actor=ACTOR)
        asked = Contact("asked", today - dt.timedelta(days=3), "Housing", "B. Osei", "To speak in July")
        stakeholders.note_contact(db, made.id, asked, actor=ACTOR)
    session_id = add_session()
    reference = str(enter(session_id).reference)
    session_files.attach(MediaStore(tmp_path), session_id, "minutes.pdf", b"%PDF-1.7 x", actor=ACTOR)
    moved = evidence_sessions.SessionFacts(**{**FACTS.__dict__, "place": "City Hall"})
    with unit_of_work() as db:
        evidence_sessions.change(db, session_id, moved, version=1, actor=ACTOR)
    batch_id = paper_forms.upload((GOOD + WRONG).encode(), "forms.csv", actor=ACTOR)
    sign_in(page)
    session = f"/desk/evidence-sessions/{session_id}"
    for name, path in (
        ("list", "/desk/stakeholders"),
        ("one", f"/desk/stakeholders/{made.id}"),
        ("form", f"/desk/stakeholders/{made.id}/edit"),
        ("session", session),
        ("contribution", f"{session}/contributions/{reference}"),
        ("paper", "/desk/paper-forms"),
        ("batch", f"/desk/paper-forms/{batch_id}"),
    ):
        page.goto(path)
        assert serious_violations(page) == [], path
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            if PICTURES:
                page.screenshot(path=str(Path(PICTURES) / f"st-{name}-{width}.png"), full_page=True)
            assert not is_wider_than_the_screen(page), (path, width)

    page.goto(f"/desk/stakeholders/{made.id}")
    page.get_by_label("What it was").select_option("asked")
    page.get_by_label("Date").fill(today.isoformat())
    page.get_by_label("What about").fill("To come in August")
    with page.expect_navigation():
        page.get_by_role("button", name="Write it down").press("Enter")
    assert "B. Osei" in page.get_by_role("alert").inner_text()
    assert serious_violations(page) == []
    page.get_by_label("Why it cannot wait").fill("The room was moved")
    with page.expect_navigation():
        page.get_by_role("button", name="Write it down").press("Enter")
    assert "The room was moved" in page.locator("#contacts").inner_text()
