"""Stakeholders: known once, asked not too often whatever the team, offered in chat, forgotten in time."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from sqlalchemy import func, select

from submissions import evidence_sessions, offers, stakeholder_files, stakeholders
from submissions.addresses import configure_keys
from submissions.database import unit_of_work
from submissions.erasure import erase
from submissions.errors import SubmissionNotFound
from submissions.evidence_sessions import NotAccepted
from submissions.models import (
    AuditEntry,
    Message,
    Offer,
    Role,
    Stakeholder,
    StakeholderContact,
    StakeholderSession,
    StakeholderSubmission,
    utc_now,
)
from submissions.settings import StoreSettings
from submissions.stakeholder_files import RowsNotAccepted
from submissions.stakeholders import AskedRecently, ChangedMeanwhile, Contact, Facts
from tests.factories import make_conversation, make_message
from tests.submissions.desk_site import Desk, hidden, make_reviewer, make_submission
from tests.submissions.test_evidence_sessions import FACTS as SESSION

ACTOR = "reviewer:ana"
ALMAHDI = Facts(
    name="The Al-Mahdi Centre",
    interest=5,
    influence=3,
    manager="A. Reis",
    team="Faith",
    contact="020 7946 0000",
)
TODAY = utc_now().date()


@pytest.fixture(autouse=True)
def keys(tmp_path):
    configure_keys(StoreSettings(data=tmp_path))


def add(facts: Facts = ALMAHDI) -> uuid.UUID:
    with unit_of_work() as db:
        return stakeholders.add(db, facts, actor=ACTOR).id


def ask(stakeholder_id: uuid.UUID, days_ago: int = 0, team: str = "Faith", because: str = "") -> None:
    asked = Contact(
        "asked", TODAY - dt.timedelta(days=days_ago), team, "A. Reis", "To speak in June", because
    )
    with unit_of_work() as db:
        stakeholders.note_contact(db, stakeholder_id, asked, actor=ACTOR)


def test_asking_again_too_soon_needs_a_reason_whatever_the_team(database):
    one = add()
    twin = add(Facts(name="AL MAHDI centre Ltd", interest=2, influence=2))
    ask(one, days_ago=61)
    ask(one, days_ago=1)  # 60 days later it is free again
    for other in (one, twin):
        with pytest.raises(AskedRecently) as warned:
            ask(other, team="Housing")
        assert [contact.team for contact in warned.value.contacts] == ["Faith"]
    ask(twin, team="Housing", because="The date was moved.")
    with unit_of_work(read_only=True) as db:
        [contact] = stakeholders.contacts_of(db, twin)
        assert contact.asked_again_because == "The date was moved."
        actions = db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert actions.count("stakeholder.asked_again") == 1
        assert [len(group) for group in stakeholders.twins(stakeholders.list_all(db))] == [2]
        details = repr(db.scalars(select(AuditEntry.details)).all())
        assert "moved" not in details
    heard = Contact("heard", TODAY, "", "A. Reis", "They will come.")
    with unit_of_work() as db:
        stakeholders.note_contact(db, one, heard, actor=ACTOR)  # only asking is counted


def test_facts_are_checked_and_two_people_at_once_are_told(database):
    with pytest.raises(NotAccepted) as refused:
        add(Facts(name=" ", kind="team", interest=0, influence=6, notes="x" * 4001))
    assert set(refused.value.problems) == {"name", "kind", "interest", "influence", "notes"}
    one = add()
    moved = Facts(**{**ALMAHDI.__dict__, "influence": 5})
    with unit_of_work() as db:
        stakeholders.change(db, one, moved, version=1, actor=ACTOR)
    with pytest.raises(ChangedMeanwhile) as conflict, unit_of_work() as db:
        stakeholders.change(db, one, ALMAHDI, version=1, actor="reviewer:ben")
    assert (conflict.value.saved_by, conflict.value.version) == (ACTOR, 2)
    with unit_of_work(read_only=True) as db:
        row = stakeholders.find(db, one)
        assert row.influence == 5
        assert "7946" not in str(row.contact_sealed)
        assert stakeholders.facts_of(row).contact == "020 7946 0000"


def test_the_list_goes_out_and_comes_in_again_all_or_nothing(database):
    add(Facts(name="=HYPERLINK(1)", interest=1, influence=2, notes="-1"))
    add()
    with unit_of_work() as db:
        content = stakeholder_files.write(db, actor=ACTOR)
        assert b"\n'=HYPERLINK(1)," in content
        done = stakeholder_files.take_in(db, content, actor=ACTOR)
        assert (done.added, len(done.there_before)) == (0, 2)
        for row in stakeholders.list_all(db):
            db.delete(row)
        db.flush()
        assert stakeholder_files.take_in(db, content, actor=ACTOR).added == 2
        names = {row.name: stakeholders.facts_of(row).notes for row in stakeholders.list_all(db)}
    assert names == {"=HYPERLINK(1)": "-1", "The Al-Mahdi Centre": ""}
    wrong = "name,interest,influence\nA,1,9\nB,1,1\nb,2,2\n"
    with pytest.raises(RowsNotAccepted) as refused, unit_of_work() as db:
        stakeholder_files.take_in(db, wrong.encode(), actor=ACTOR)
    assert [line for line, _ in refused.value.faults] == [2, 4]
    with unit_of_work(read_only=True) as db:
        assert len(stakeholders.list_all(db)) == 2


def test_links_go_with_the_view_and_everything_with_the_stakeholder(database):
    one = add()
    reference = make_submission("Não fechem a biblioteca.", english=["Do not close the library."])
    with unit_of_work() as db:
        session_id = evidence_sessions.add(db, SESSION, actor=ACTOR).id
    with unit_of_work() as db:
        for _ in range(2):
            stakeholders.link_session(db, one, session_id, actor=ACTOR)
            stakeholders.link_submission(db, one, reference, actor=ACTOR)
        with pytest.raises(NotAccepted):
            stakeholders.link_submission(db, one, "OW-0000-0000", actor=ACTOR)
        assert [row.id for row in stakeholders.of_session(db, session_id)] == [one]
    erase(reference)
    ask(one)
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(StakeholderSubmission)).all() == []
    with unit_of_work() as db:
        stakeholders.forget(db, one, actor=ACTOR)
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(StakeholderContact)).all() == []
        assert db.scalars(select(StakeholderSession)).all() == []
        evidence_sessions.find(db, session_id)
        with pytest.raises(SubmissionNotFound):
            stakeholders.find(db, one)


def test_retention_forgets_those_with_whom_nothing_has_passed_for_years(database):
    one, quiet = add(), add(Facts(name="Quiet", interest=1, influence=1))
    later = utc_now() + dt.timedelta(days=1096)
    with unit_of_work() as db:
        ahead = Contact("heard", TODAY + dt.timedelta(days=300), "", "A. Reis", "An appointment.")
        stakeholders.note_contact(db, one, ahead, actor=ACTOR)
    assert stakeholders.forget_old(dry_run=True) == 0
    assert stakeholders.forget_old(later, dry_run=True) == 1
    assert stakeholders.forget_old(later) == 1
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Stakeholder.id)).all() == [one] != [quiet]


@pytest.mark.parametrize(
    "text",
    [
        "Hello, I speak for the mothers of Church Street",
        "I’m late, but I am writing on behalf of our tenants' association.",
        "We represent 40 families",
        "Falo em nome da associação de moradores",
        "Hablo en nombre de las madres del colegio",
        "Je parle au nom de mon association",
        "أنا أتحدث باسم مسجد الحي",
        "Я говорю от имени русскоязычных жителей",
        "我代表社区老人",
        "Rappresento il gruppo delle donne",
        "Mówię w imieniu rodziców",
    ],
)
def test_who_speaks_for_others_is_recognised(text):
    assert offers.speaks_for_others(text)


@pytest.mark.parametrize(
    "text",
    [
        "I speak for nobody but myself: I am 82",
        "I speak for myself",
        "They speak for 'the community'. What about the rest of us",
        "I speak four languages",
        "Nobody speaks for us",
        "Quero falar de habitação",
    ],
)
def test_who_speaks_of_themselves_is_no_offer(text):
    assert not offers.speaks_for_others(text)


def offered(
    text: str = "I speak for the tenants of <b>Lisson Green</b>", intent: str = "submit_view"
) -> uuid.UUID:
    message_id = make_message(make_conversation(language="en"), text, detected_language="en", intent=intent)
    with unit_of_work() as db:
        message = db.get_one(Message, message_id)
        offers.note(db, message)
        offers.note(db, message)
    return message_id


def test_an_offer_is_decided_once_and_goes_with_its_message(database):
    first, second = offered(), offered("Can I talk to somebody?", intent="request_human")
    offered("The library is good")
    one = add()
    with unit_of_work() as db:
        assert {shown.offer.kind for shown in offers.list_new(db)} == {"speaks_for", "wants_person"}
        assert offers.decide(db, first, actor=ACTOR, stakeholder_id=one)
        assert not offers.decide(db, first, actor="reviewer:ben")
        assert offers.decide(db, second, actor=ACTOR)
        assert offers.count_new(db) == 0
        assert [shown.offer.message_id for shown in offers.of_stakeholder(db, one)] == [first]
        db.delete(db.get_one(Message, first))
        db.flush()
        assert db.scalar(select(func.count()).select_from(Offer)) == 1


def test_through_the_pages(sqlite_database):
    make_reviewer("ana", Role.REVIEWER)
    message_id = offered()
    desk = Desk().signed_in("ana")
    page = desk.get("/desk/stakeholders").text
    assert "&lt;b&gt;Lisson Green" in page
    token = {"csrf_token": hidden(page, "csrf_token")}
    form = {"name": "Lisson Green tenants", "kind": "organisation", "interest": "5", "influence": "2"}
    refused = desk.client.post("/desk/stakeholders/new", data=form | token | {"interest": "6"})
    assert refused.status_code == 422
    made = desk.client.post("/desk/stakeholders/new", data=form | token | {"offer": str(message_id)})
    assert made.status_code == 303
    address = made.headers["location"]
    assert "Offered in chat" in desk.get(address).text
    late = desk.client.post(f"/desk/stakeholders/offers/{message_id}", data=token)
    assert late.status_code == 409
    asked = {"contact_kind": "asked", "happened_on": TODAY.isoformat(), "person": "Ana", "about": "June?"}
    assert desk.client.post(f"{address}/contacts", data=asked | token).status_code == 303
    warned = desk.client.post(f"{address}/contacts", data=asked | token)
    assert warned.status_code == 409
    assert "They were asked a short while before" in warned.text
    because = {"asked_again_because": "It was moved"}
    assert desk.client.post(f"{address}/contacts", data=asked | token | because).status_code == 303
    assert "Asked again so soon because" in desk.get(address).text
    files = {"file": ("a.csv", b"name,interest,influence\nLisson Green Tenants,1,1\nOther,1,1\n", "text/csv")}
    imported = desk.client.post("/desk/stakeholders/import", data=token, files=files)
    assert "1 taken in." in imported.text
    assert "There before" in imported.text
    assert desk.get("/desk/stakeholders/list.csv").text.count("\n") == 3
    assert desk.client.post(f"{address}/remove", data=token).status_code == 422
    assert desk.client.post(f"{address}/remove", data=token | {"is_wanted": "yes"}).status_code == 303
    assert desk.get(address).status_code == 404
