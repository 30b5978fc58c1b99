"""The desk's pages of what is special to telephones: WhatsApp's approvals, places, cards and reactions."""

import uuid

import pytest
from sqlalchemy import select

from channels import follow_ups
from channels.follow_up_templates import work_on_templates
from submissions.database import unit_of_work
from submissions.follow_ups import attendees, sending
from submissions.models import (
    FollowUpTemplate,
    MediaFile,
    Message,
    Role,
    SharedItem,
    SharedKind,
)
from tests.channels.phone import Phone
from tests.factories import make_message
from tests.submissions.desk_site import Desk, find, make_reviewer, make_submission
from tests.submissions.forums import ANA, PEOPLE, attendee, make_follow_up, make_forum


@pytest.fixture
def phone(sqlite_database, tmp_path, twilio) -> Phone:
    return Phone(sqlite_database, tmp_path / "data", twilio)


@pytest.fixture
def desk(phone, monkeypatch) -> Desk:
    follow_ups.install()
    monkeypatch.setattr(sending, "may_text_at", lambda _: True)
    make_reviewer("ben", Role.REVIEWER, "Ben")
    return Desk().signed_in("ben")


def follow_up_on_whatsapp() -> str:
    forum_id = make_forum({"en": PEOPLE["en"]})
    with unit_of_work() as db:
        attendees.add_one(db, forum_id, attendee(PEOPLE["pl"], "pl", channel="whatsapp"), actor=ANA)
    return f"/desk/follow-ups/{make_follow_up(forum_id)}"


def test_the_preview_says_who_gets_what_and_asks_whatsapp_once(desk, phone, twilio):
    page = follow_up_on_whatsapp()
    shown = desk.get(page).text
    assert "WhatsApp, by template" in shown
    assert "WhatsApp not asked" in shown
    assert "1 person would not be texted" in shown
    assert "1 person on WhatsApp is not sent it," in shown
    answer = desk.post(f"{page}/templates", page)
    assert answer.headers["location"] == f"{page}#whatsapp"
    shown = desk.get(page).text
    assert "To be sent to WhatsApp" in shown
    assert "Ask WhatsApp to approve" not in shown
    again = desk.post(f"{page}/templates", page)
    assert again.status_code == 409
    assert "There is nothing to ask" in again.text
    twilio.switches.approval = "rejected"
    work_on_templates(phone.settings)
    shown = desk.get(page).text
    assert "Refused by WhatsApp" in shown
    assert "Reason given: <bdi>INVALID_FORMAT" in shown


def test_an_approved_wording_is_shown_as_one(desk, phone, twilio):
    page = follow_up_on_whatsapp()
    desk.post(f"{page}/templates", page)
    work_on_templates(phone.settings)
    shown = desk.get(page).text
    assert "Approved by WhatsApp" in shown
    assert "1 person would get it as a template." in shown
    assert "not sent it" not in shown


def test_what_whatsapp_gives_as_its_reason_cannot_run_on_the_page(desk, phone):
    page = follow_up_on_whatsapp()
    desk.post(f"{page}/templates", page)
    with unit_of_work() as db:
        row = db.scalars(select(FollowUpTemplate)).one()
        row.status, row.reason = "<script>", "<script>alert(1)</script>"
    shown = desk.get(page).text
    assert "<script>alert" not in shown
    assert "WhatsApp: &lt;script&gt;" in shown


def test_without_anybody_on_whatsapp_nothing_is_said_of_it(desk):
    assert "WhatsApp" not in desk.get(f"/desk/follow-ups/{make_follow_up(make_forum())}").text


def shared(conversation_id: uuid.UUID, kind: SharedKind, **details: object) -> uuid.UUID:
    message_id = make_message(conversation_id, "")
    with unit_of_work() as db:
        db.add(SharedItem(message_id=message_id, kind=kind, details=details))
    return message_id


def test_places_cards_and_reactions_are_shown_as_what_they_are(desk):
    reference = make_submission("Mais luz no parque.", english=["More light in the park."])
    conversation_id = find(reference).conversation_id
    with unit_of_work(read_only=True) as db:
        first = db.scalars(select(Message.id).where(Message.conversation_id == conversation_id)).first()
    shared(
        conversation_id, SharedKind.PLACE, latitude=51.5347, longitude=-0.2047, label="<b>Queen's Park</b>"
    )
    shared(conversation_id, SharedKind.PLACE)
    shared(conversation_id, SharedKind.REACTION, emoji="👍", to_message_id=str(first))
    shared(conversation_id, SharedKind.REACTION)
    shared(conversation_id, SharedKind.CONTACT, text="Sam")
    card = shared(conversation_id, SharedKind.CONTACT)
    with unit_of_work() as db:
        file = {"state": "stored", "stored_name": "card", "detected_type": "application/octet-stream"}
        db.add(MediaFile(message_id=card, position=0, **file))
    page = desk.get(f"/desk/submissions/{reference}").text
    assert "51.53470, -0.20470" in page
    assert "&lt;b&gt;Queen&#39;s Park&lt;/b&gt;" in page
    assert "which could not be read" in page
    assert "Reacted with <bdi>👍</bdi> to the message of" in page
    assert "Took a reaction back" in page
    assert "Sent with it: <bdi>Sam</bdi>" in page
    assert "Contact card received" in page
    assert page.count("Part of the view") == 1
    assert "Neither words nor a file" not in page
