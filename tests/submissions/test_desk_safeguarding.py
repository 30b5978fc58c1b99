"""Danger: urgent views go to the named lead, with the time to first reading, until an outcome is recorded."""

import datetime as dt
import re

import pytest

from submissions.database import unit_of_work
from submissions.models import Reviewer, Role, SafeguardingCase, SubmissionStatus, utc_now
from submissions.review import safeguarding
from submissions.review.sessions import Principal
from tests.factories import make_conversation, make_message
from tests.submissions.desk_site import Desk, find, make_reviewer, make_submission

PAGE = "/desk/safeguarding"
FEAR = "أنا خائف الآن"


@pytest.fixture
def desk(database) -> Desk:
    make_reviewer(role=Role.ADMIN)
    return Desk().signed_in()


def make_urgent(**values) -> str:
    return make_submission(FEAR, language="ar", english=["I am afraid now."], is_urgent=True, **values)


def name_lead(desk: Desk, username: str = "lead", name: str = "Lea Dunn") -> Reviewer:
    lead = make_reviewer(username, name=name)
    assert desk.post(f"{PAGE}/lead", PAGE, lead=str(lead.id)).status_code == 303
    return lead


def record(desk: Desk, page: str, version: int = 0, **fields: str):
    done = {"told_resident": "", "action": "", "outcome": ""} | fields
    return desk.post(page, page, case_version=str(version), **done)


def test_without_a_lead_urgent_views_stay_on_top_of_the_list(desk):
    make_submission("Olá.", english=["Hello."])
    urgent = make_urgent()
    listed = desk.get("/desk").text
    assert re.findall(r"OW-[0-9A-Z]{4}-[0-9A-Z]{4}(?=</a>)", listed)[0] == urgent
    assert "Nobody is named as safeguarding lead" in desk.get(PAGE).text


def test_with_a_lead_urgent_views_leave_the_ordinary_list_and_come_back_with_an_outcome(desk):
    ordinary, urgent = make_submission("Olá.", english=["Hello."]), make_urgent()
    name_lead(desk)
    listed = desk.get("/desk").text
    assert ordinary in listed
    assert urgent not in listed
    assert "1 urgent without an outcome" in listed
    assert "Lea Dunn" in listed
    assert "1 submission" in listed
    assert urgent in desk.get("/desk?urgent=yes").text
    assert urgent in desk.get("/desk?status=all").text
    assert urgent not in desk.get(f"/desk/submissions/{ordinary}").text  # nor is it the next one
    assert urgent in desk.get(PAGE).text
    page = f"{PAGE}/views/{urgent}"
    assert record(desk, page, action="Called the family worker.", outcome="referred").status_code == 303
    listed = desk.get("/desk").text
    assert urgent in listed
    assert "Safeguarding closed" in listed
    assert "urgent without an outcome" not in listed
    assert "Referred to a service" in desk.get(PAGE).text


def test_the_time_to_first_reading_counts_from_when_it_became_urgent(desk):
    urgent = make_urgent(hours_ago=3)
    assert "Not read yet" in desk.get(PAGE).text
    page = desk.get(f"{PAGE}/views/{urgent}").text
    assert FEAR in page
    assert "I am afraid now." in page
    assert "After 3 hours, by <bdi>ana</bdi>" in page
    html = desk.get(PAGE).text
    assert "Not read yet" not in html
    assert "After 3 hours" in html
    assert find(urgent).first_read_at is not None


def test_a_case_cannot_be_closed_without_saying_what_was_done(desk):
    page = f"{PAGE}/views/{make_urgent()}"
    refused = record(desk, page, told_resident="To call 999.", outcome="emergency")
    assert refused.status_code == 422
    assert "Write what was done" in refused.text
    assert "To call 999." in refused.text  # what was typed is still there
    with unit_of_work(read_only=True) as db:
        assert db.query(SafeguardingCase).count() == 0


def test_two_people_recording_at_once_are_told_and_nothing_is_overwritten(desk):
    page = f"{PAGE}/views/{make_urgent()}"
    assert record(desk, page, action="Rang the school.").status_code == 303
    late = record(desk, page, action="Rang nobody.")
    assert late.status_code == 422
    assert "Somebody else recorded something meanwhile" in late.text
    assert record(desk, page, version=1, action="Rang the school and 101.").status_code == 303


def test_danger_told_in_a_conversation_without_a_view_is_not_lost(desk):
    conversation_id = make_conversation(language="ar", is_urgent=True)
    make_message(conversation_id, FEAR, detected_language="ar", intent="report_danger")
    html = desk.get(PAGE).text
    assert "Conversation without a view" in html
    page = f"{PAGE}/conversations/{conversation_id}"
    assert FEAR in desk.get(page).text
    assert "Not read yet" not in desk.get(PAGE).text
    assert record(desk, page, action="Nothing could be found out.", outcome="not_danger").status_code == 303
    html = desk.get(PAGE).text
    assert "Nothing waits for an outcome" in html
    assert "No danger" in html


def test_other_conversations_cannot_be_read_there(desk):
    quiet = make_conversation(language="pt")
    make_message(quiet, "Olá.")
    assert desk.get(f"{PAGE}/conversations/{quiet}").status_code == 404


def test_a_view_that_was_taken_back_waits_for_its_outcome_all_the_same(desk):
    urgent = make_urgent(status=SubmissionStatus.WITHDRAWN)  # perhaps by whoever it tells of
    assert urgent in desk.get(PAGE).text


def test_a_lead_whose_account_is_closed_no_longer_takes_views_off_the_list(desk):
    urgent = make_urgent()
    lead = name_lead(desk)
    assert urgent not in desk.get("/desk").text
    with unit_of_work() as db:
        db.get_one(Reviewer, lead.id).disabled_at = utc_now()
    assert urgent in desk.get("/desk").text


def test_the_next_one_after_a_closed_case_is_an_ordinary_one(desk):
    closed, later = make_urgent(hours_ago=2), make_submission("Oi.", english=["Hi."], hours_ago=3)
    make_submission("Olá.", english=["Hello."], hours_ago=1)
    record(desk, f"{PAGE}/views/{closed}", action="Rang.", outcome="advice_given")
    html = desk.get(f"/desk/submissions/{closed}").text
    assert re.search(r'href="/desk/submissions/(OW-\S+)" rel="next"', html)[1] == later


def test_what_the_service_said_is_shown_with_its_time(desk):
    with unit_of_work(read_only=True) as db:
        principal = Principal("reviewer:ana", "Ana", Role.ADMIN, None)
        urgent = make_urgent(hours_ago=1)
        conversation_id = find(urgent).conversation_id
    from submissions.conversations import OutboundMessage, record_outbound_message

    with unit_of_work() as db:
        record_outbound_message(db, conversation_id, OutboundMessage("danger_help", "999", "ar"))
    with unit_of_work(read_only=True) as db:
        [line] = safeguarding.open_lines(db, principal)
    assert [(told.key, told.language) for told in line.told] == [("danger_help", "ar")]
    assert dt.timedelta(minutes=59) < utc_now() - line.urgent_since < dt.timedelta(minutes=61)
    assert "Help lines in Arabic" in desk.get(PAGE).text
