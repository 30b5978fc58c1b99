"""Contributions typed in by the team: formal like any other, exactly as typed, never without agreement."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from sqlalchemy import select

from submissions import evidence_sessions, translation_jobs
from submissions.conversations import sha256_of
from submissions.database import unit_of_work
from submissions.erasure import erase
from submissions.errors import SubmissionNotFound
from submissions.evidence_sessions import ChangedMeanwhile, Contribution, NotAccepted, SessionFacts
from submissions.models import (
    AuditEntry,
    EvidenceContribution,
    Job,
    Role,
    SegmentTranslation,
    Submission,
    TranslationStatus,
    utc_now,
)
from submissions.references import normalise_reference
from tests.factories import VIEW_EN, VIEW_SO
from tests.submissions.desk_site import Desk, hidden, make_reviewer

ACTOR = "reviewer:ana"
FACTS = SessionFacts(
    method="group",
    held_on=dt.date(2016, 7, 14),
    place="Church Street Library",
    contributors=["Women's sewing group"],
    lead="Councillor Hug",
    attended_by=["Councillor Hug"],
    note_taker="A. Reis",
    interpreter="H. Warsame",
    notes="Twelve came.",
)
SAID = " Ha xirina maktabadda!\n\n“Halkaas” ayay deriska ku kulmaan. 📚 "
HEARD = Contribution(
    text=SAID, language="so", contributor="A mother of two", has_agreed=True, was_read_back=True
)


def add_session() -> uuid.UUID:
    with unit_of_work() as db:
        return evidence_sessions.add(db, FACTS, actor=ACTOR).id


def enter(session_id: uuid.UUID, given: Contribution = HEARD) -> Submission:
    with unit_of_work() as db:
        return evidence_sessions.add_contribution(db, session_id, given, actor=ACTOR)


def test_a_contribution_is_a_submission_kept_exactly(database):
    session_id = add_session()
    made = enter(session_id)
    with unit_of_work(read_only=True) as db:
        submission = db.get_one(Submission, made.id)
        assert normalise_reference(str(submission.reference)) == submission.reference
        assert (submission.channel, submission.method) == ("desk", "group")
        assert (submission.status, submission.source_language) == ("received", "so")
        assert [part.original_text for part in submission.parts] == [SAID]
        assert submission.parts[0].original_sha256 == sha256_of(SAID)
        assert submission.consented_at == dt.datetime(2016, 7, 14, 11, tzinfo=dt.UTC)  # noon in London
        assert submission.submitted_at is not None
        kinds = set(db.scalars(select(Job.kind).where(Job.submission_id == made.id)))
        assert kinds == {"translate", "find_themes"}
        [(contribution, same)] = evidence_sessions.contributions_of(db, session_id)
        assert same.id == made.id
        assert (contribution.contributor, contribution.was_read_back) == ("A mother of two", True)
        assert evidence_sessions.list_sessions(db)[0][1] == 1
        entries = db.scalars(select(AuditEntry)).all()
        assert [entry.action for entry in entries] == ["evidence_session.added", "submission.entered"]
        assert "Halkaas" not in repr([entry.details for entry in entries])


def test_english_by_a_person_stands_beside_the_whole_and_no_machine_writes_over_it(
    database, tmp_path, monkeypatch
):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    english = "Do not close the library. It is where neighbours meet."
    made = enter(add_session(), Contribution(text=VIEW_SO, language="so", english=english, has_agreed=True))
    translation_jobs.translate_submission(made.id)
    with unit_of_work(read_only=True) as db:
        [row] = db.scalars(select(SegmentTranslation)).all()
        assert (row.text, row.status) == (english, TranslationStatus.CORRECTED)
        assert (row.interpreter, row.is_current) == ("H. Warsame", True)
        [part] = db.get_one(Submission, made.id).parts
        assert [(one.start, one.end) for one in part.segments] == [(0, len(VIEW_SO))]


def test_without_agreement_words_or_language_nothing_is_kept(sqlite_database):
    session_id = add_session()
    for given, name in [
        (Contribution(text=VIEW_EN, language="en"), "has_agreed"),
        (Contribution(text=" \n", language="en", has_agreed=True), "text"),
        (Contribution(text="a" * 20_001, language="en", has_agreed=True), "text"),
        (Contribution(text=VIEW_EN, language="xx", has_agreed=True), "language"),
    ]:
        with pytest.raises(NotAccepted) as refused:
            enter(session_id, given)
        assert list(refused.value.problems) == [name]
    with pytest.raises(SubmissionNotFound):
        enter(uuid.uuid4())
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Submission)).all() == []


def test_facts_are_checked_against_the_commission_and_the_calendar(sqlite_database):
    tomorrow = utc_now().date() + dt.timedelta(days=2)
    wrong = SessionFacts(method="fax", held_on=tomorrow, lead="Councillor Nobody", place="x" * 201)
    with pytest.raises(NotAccepted) as refused, unit_of_work() as db:
        evidence_sessions.add(db, wrong, actor=ACTOR)
    assert set(refused.value.problems) == {"method", "held_on", "contributors", "lead", "place"}


def test_two_people_at_once_are_told(database):
    session_id = add_session()
    moved = SessionFacts(**{**FACTS.__dict__, "place": "City Hall", "method": "open_forum"})
    enter(session_id)
    with unit_of_work() as db:
        assert evidence_sessions.change(db, session_id, moved, version=1, actor=ACTOR).version == 2
    with pytest.raises(ChangedMeanwhile) as conflict, unit_of_work() as db:
        evidence_sessions.change(db, session_id, FACTS, version=1, actor="reviewer:ben")
    assert (conflict.value.saved_by, conflict.value.version) == (ACTOR, 2)
    with unit_of_work(read_only=True) as db:
        assert evidence_sessions.find(db, session_id).place == "City Hall"
        assert db.scalars(select(Submission.method)).all() == ["open_forum"]


def test_erasing_a_contribution_leaves_none_of_its_words(sqlite_database):
    session_id = add_session()
    erase(str(enter(session_id).reference))
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(EvidenceContribution)).all() == []
        assert evidence_sessions.find(db, session_id).place == "Church Street Library"


def form_of(**changes: object) -> dict[str, object]:
    return {
        "contributors": "Women's sewing group\r\n\r\nOne Westminster",
        "method": "group",
        "held_on": "2016-07-14",
        "place": "Church Street Library",
        "lead": "Councillor Hug",
        "attended_by": ["Councillor Aiken"],
        **changes,
    }


def test_a_session_and_a_contribution_through_the_pages(sqlite_database):
    make_reviewer("ana", Role.REVIEWER)
    desk = Desk().signed_in("ana")
    token = {"csrf_token": hidden(desk.get("/desk/evidence-sessions/new").text, "csrf_token")}
    refused = desk.client.post("/desk/evidence-sessions/new", data=form_of(held_on="14 July") | token)
    assert refused.status_code == 422
    assert "Write the date as" in refused.text
    assert 'value="14 July"' in refused.text
    added = desk.client.post("/desk/evidence-sessions/new", data=form_of() | token)
    assert added.status_code == 303
    address = added.headers["location"]
    shown = desk.get(address).text
    assert "One Westminster" in shown
    assert "Councillor Hug, Councillor Aiken" in shown

    words = {"text": "Não fechem.\r\n<b>É nossa</b>", "language": "pt", "was_read_back": "yes"}
    kept_typed = desk.client.post(f"{address}/contributions", data=words | token)
    assert kept_typed.status_code == 422
    assert "They must have agreed" in kept_typed.text
    assert "&lt;b&gt;É nossa" in kept_typed.text
    entered = desk.client.post(f"{address}/contributions", data=words | token | {"has_agreed": "yes"})
    assert entered.status_code == 303
    page = desk.get(entered.headers["location"]).text
    reference = entered.headers["location"].partition("added=")[2]
    assert f"/desk/submissions/{reference}" in page
    assert "read back" in page
    with unit_of_work(read_only=True) as db:
        [submission] = db.scalars(select(Submission)).all()
        assert submission.parts[0].original_text == "Não fechem.\n<b>É nossa</b>"
    assert "Entered by the team" in desk.get(f"/desk/submissions/{reference}").text
    assert reference in desk.get("/desk?channel=desk").text


def test_saving_over_another_keeps_what_was_typed_and_says_who(sqlite_database):
    make_reviewer("ana", Role.REVIEWER)
    session_id = add_session()
    desk = Desk().signed_in("ana")
    address = f"/desk/evidence-sessions/{session_id}/edit"
    opened = desk.get(address).text
    with unit_of_work() as db:
        changed = SessionFacts(**{**FACTS.__dict__, "place": "City Hall"})
        evidence_sessions.change(db, session_id, changed, version=1, actor="reviewer:ben")
    fields = {name: hidden(opened, name) for name in ("csrf_token", "version")}
    answer = desk.client.post(address, data=form_of(place="The mosque") | fields)
    assert answer.status_code == 409
    assert "<bdi>ben</bdi> changed this session" in answer.text
    assert 'value="The mosque"' in answer.text
    again = {**fields, "version": hidden(answer.text, "version")}
    assert desk.client.post(address, data=form_of(place="The mosque") | again).status_code == 303
    with unit_of_work(read_only=True) as db:
        assert evidence_sessions.find(db, session_id).place == "The mosque"


def test_a_viewer_reads_and_may_not_write(sqlite_database):
    make_reviewer("vera", Role.VIEWER)
    session_id = add_session()
    desk = Desk().signed_in("vera")
    shown = desk.get(f"/desk/evidence-sessions/{session_id}")
    assert shown.status_code == 200
    assert "Enter a contribution" not in shown.text
    assert "Add a session" not in desk.get("/desk/evidence-sessions").text
    for path in ("/desk/evidence-sessions/new", f"/desk/evidence-sessions/{session_id}/edit"):
        assert desk.get(path).status_code == 403
