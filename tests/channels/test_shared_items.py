"""Places, contact cards and reactions by WhatsApp: kept and shown as what they are, and never words."""

import uuid

import pytest
from sqlalchemy import select, update

from channels.twilio_inbox import keep_inbound
from channels.twilio_shared import read_shared
from channels.wording import catalogue_languages, wording
from submissions.database import unit_of_work
from submissions.models import (
    Address,
    Conversation,
    Delivery,
    FollowUpRecipient,
    MediaFile,
    Message,
    Purpose,
    SharedItem,
    SharedKind,
    utc_now,
)
from submissions.opt_outs import is_opted_out
from submissions.review import reading
from tests.channels.conftest import RunningGateway, wait_until
from tests.channels.phone import WHATSAPP_RESIDENT, Phone, new_sid, row, rows
from tests.channels.twilio_in_place import webhook_form

PLACE = {
    "MessageType": "location",
    "Latitude": "51.5347",
    "Longitude": "-0.2047",
    "Label": "Queen's Park",
    "Address": "Kingswood Avenue, London",
}
CARD = {
    "MessageType": "contacts",
    "NumMedia": "1",
    "MediaUrl0": "https://api.twilio.com/2010-04-01/Accounts/AC/Messages/MM/Media/ME",
    "MediaContentType0": "text/vcard",
}


def reaction(to: str = "", **more: str) -> dict[str, str]:
    return {"MessageType": "reaction", "OriginalRepliedMessageSid": to, **more}


@pytest.fixture
def phone(database, tmp_path, twilio) -> Phone:
    """On SQLite and on PostgreSQL."""
    return Phone(database, tmp_path / "data", twilio)


def read(body: str = "", **form: str) -> tuple[str, str, dict] | None:
    found = read_shared({"Body": body, **form})
    return None if found is None else (str(found.kind), found.text, found.details)


def test_a_place_is_read_whole():
    assert read(**PLACE) == (
        "place",
        "",
        {
            "latitude": 51.5347,
            "longitude": -0.2047,
            "label": "Queen's Park",
            "address": "Kingswood Avenue, London",
        },
    )


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ("", "-0.2"),
        ("51.5", ""),
        ("north", "-0.2"),
        ("91", "0"),
        ("51.5", "181"),
        ("nan", "0"),
        ("inf", "0"),
        ("1e3", "0"),
        ("٥١", "0"),
        ("51,5", "-0,2"),
        ("5" * 4000, "0"),
        ("51.5\n", "0; DROP TABLE message"),
    ],
)
def test_broken_coordinates_are_left_out_and_never_guessed(latitude, longitude):
    form = {"MessageType": "location", "Latitude": latitude, "Longitude": longitude}
    assert read(**form) == ("place", "", {})
    assert read(**form, Label="The park") == ("place", "", {"label": "The park"})


def test_what_stands_beside_a_place_or_a_card_is_no_sentence_of_theirs():
    assert read("Queen's Park", **PLACE)[1:] == ("", {**read(**PLACE)[2], "text": "Queen's Park"})
    assert read("Ana", **CARD) == ("contact", "", {"text": "Ana"})
    # By MMS words can be written beside a card: they are theirs.
    assert read("Call her", MediaContentType0="text/x-vcard; charset=utf-8") == (
        "contact",
        "Call her",
        {},
    )


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ("👍", {"emoji": "👍"}),
        ("👨‍👩‍👧‍👦", {"emoji": "👨‍👩‍👧‍👦"}),
        ("", {}),
        (" \x00\n", {}),
        ("\ud83d", {}),
        ("x" * 5000, {"emoji": "x" * 40}),
    ],
)
def test_a_reaction_keeps_its_emoji_and_no_words(body, details):
    assert read(body, MessageType="Reaction") == ("reaction", "", details)


@pytest.mark.parametrize("kind", ["text", "image", "button", "interactive", "", "order"])
def test_other_messages_are_what_they_were(kind):
    assert read("Hello", MessageType=kind) is None
    assert read("", MessageType=kind, MediaContentType0="image/jpeg") is None


def test_each_is_kept_once_beside_its_message_on_every_database(phone):
    sids = [new_sid() for _ in range(3)]
    forms = [PLACE, CARD, reaction(Body="❤️")]
    for _ in range(2):
        for sid, form in zip(sids, forms, strict=True):
            phone.receive("", sender=WHATSAPP_RESIDENT, sid=sid, **form)
    kinds = {row(Message, item.message_id).provider_message_id: item.kind for item in rows(SharedItem)}
    assert kinds == dict(zip(sids, ["place", "contact", "reaction"], strict=True))
    assert [message.original_text for message in rows(Message)] == ["", "", ""]
    assert len(rows(MediaFile)) == 1
    with unit_of_work() as db:
        db.delete(db.scalars(select(Conversation)).one())
    assert rows(SharedItem) == []


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\u202eevil\u202c", "é" * 5000])
def test_no_label_can_break_the_keeping(phone, text):
    phone.receive("", sender=WHATSAPP_RESIDENT, **{**PLACE, "Label": text, "Address": text})
    [item] = rows(SharedItem)
    assert item.details["latitude"] == 51.5347
    assert len(item.details.get("label", "")) <= 300


def test_a_reaction_asks_for_no_answer_and_changes_no_wish(phone, twilio):
    phone.receive("Hello", sender=WHATSAPP_RESIDENT)
    phone.queue("We have kept that.")
    phone.send_all()
    [sent] = twilio.sent
    phone.receive("STOP", sender=WHATSAPP_RESIDENT)
    [address] = rows(Address)
    before = address.last_inbound_at
    phone.receive("👍", sender=WHATSAPP_RESIDENT, **reaction(sent["sid"]))
    [item] = rows(SharedItem)
    message = row(Message, item.message_id)
    assert message.handled_at is not None
    ours = rows(Delivery)[0].message_id
    assert item.details == {"emoji": "👍", "to_message_id": str(ours)}
    with unit_of_work(read_only=True) as db:
        assert is_opted_out(db, address.id, Purpose.CONVERSATION)
    # Nobody promises that it opens WhatsApp's 24 hours.
    assert row(Address, address.id).last_inbound_at == before


def test_a_reaction_to_somebody_elses_message_says_only_that(phone, twilio):
    phone.receive("Hello", sender=WHATSAPP_RESIDENT)
    phone.queue("We have kept that.")
    phone.send_all()
    [sent] = twilio.sent
    phone.receive("👍", sender="whatsapp:+447700900199", **reaction(sent["sid"]))
    phone.receive("", sender="whatsapp:+447700900199", **reaction("SM" + "9" * 5000))
    assert [item.details for item in rows(SharedItem)] in ([{"emoji": "👍"}, {}], [{}, {"emoji": "👍"}])


def test_a_stop_that_the_carrier_tells_of_is_heeded_whatever_else_it_says(phone):
    phone.receive("STOP", sender=WHATSAPP_RESIDENT, OptOutType="STOP", **reaction())
    with unit_of_work(read_only=True) as db:
        assert is_opted_out(db, db.scalars(select(Address.id)).one(), Purpose.CONVERSATION)


def test_a_reaction_is_no_answer_to_a_follow_up(phone, monkeypatch):
    asked = []
    monkeypatch.setattr("channels.twilio_inbox.note_answer", lambda *a, **k: asked.append(a))
    phone.receive("👍", sender=WHATSAPP_RESIDENT, **reaction())
    assert asked == []
    phone.receive("", sender=WHATSAPP_RESIDENT, **PLACE)
    assert len(asked) == 1
    assert rows(FollowUpRecipient) == []


class Resident:
    """Somebody on WhatsApp who writes to the running gateway."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway

    def send(self, text: str = "", **form: str) -> None:
        keep_inbound(webhook_form(new_sid(), text, WHATSAPP_RESIDENT, **form), received_at=utc_now())
        self.gateway.app.state.gateway.worker.wake()

    def heard(self) -> list[tuple[str, str]]:
        """(key, language) of what we said."""
        with unit_of_work(read_only=True) as db:
            said = db.scalars(
                select(Message).where(Message.direction == "out").order_by(Message.position)
            ).all()
        return [(message.message_key or "", message.language or "") for message in said]

    def wait_for(self, number: int) -> list[tuple[str, str]]:
        wait_until(lambda: len(self.heard()) >= number)
        return self.heard()


def test_the_resident_is_told_in_their_language_and_the_assistant_hears_nothing(sqlite_gateway, bot):
    resident = Resident(sqlite_gateway)
    resident.send("polski")
    said = len(resident.wait_for(2))
    asked = len(bot.handled)
    resident.send(**PLACE)
    assert resident.wait_for(said + 1)[said:] == [("place_received", "pl")]
    resident.send(**CARD)
    assert resident.wait_for(said + 2)[said + 1 :] == [("contact_received", "pl")]
    resident.send("👍", **reaction())
    resident.send(MessageType="location", Latitude="nowhere", Longitude="1")
    assert resident.wait_for(said + 3)[said + 2 :] == [("not_text", "pl")]  # and nothing to the reaction
    assert len(bot.handled) == asked


def test_who_begins_with_a_place_is_told_and_asked_for_the_language(sqlite_gateway, bot):
    resident = Resident(sqlite_gateway)
    resident.send(**PLACE)
    assert [key for key, _ in resident.wait_for(2)] == ["place_received", "choose_language"]


def test_the_team_reads_what_each_was(phone, twilio):
    phone.receive("Hello", sender=WHATSAPP_RESIDENT)
    answer = phone.queue("We have kept that.")
    phone.send_all()
    for form in (PLACE, CARD, reaction(twilio.sent[0]["sid"], Body="👍"), {"MessageType": "order"}):
        phone.receive("", sender=WHATSAPP_RESIDENT, **form)
    with unit_of_work(read_only=True) as db:
        said = reading.read_conversation(db, db.scalars(select(Conversation)).one())
    shared = [one.shared for one in said]
    assert [one.kind if one else None for one in shared] == [
        None,
        None,
        SharedKind.PLACE,
        SharedKind.CONTACT,
        SharedKind.REACTION,
        None,
    ]
    assert shared[4].reacted_to == row(Message, answer.id).created_at
    assert [one.is_wordless for one in said] == [False, False, False, False, False, True]
    assert len(said[3].files) == 1
    assert not any(one.is_part_of_view for one in said)


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
@pytest.mark.parametrize("key", ["place_received", "contact_received"])
def test_it_is_said_in_every_language(key, language):
    assert wording(key, language, "whatsapp").language == language


def test_a_reaction_after_an_erased_view_keeps_no_conversation(phone):
    """`_delete_conversation_without_words` goes by words, and a reaction has none."""
    phone.receive("👍", sender=WHATSAPP_RESIDENT, **reaction())
    with unit_of_work() as db:
        from submissions.erasure import _delete_conversation_without_words

        conversation_id = db.scalars(select(Conversation.id)).one()
        db.execute(update(Message).values(choice=None))
        assert _delete_conversation_without_words(db, conversation_id) == 1
    assert rows(SharedItem) == []
    assert isinstance(conversation_id, uuid.UUID)
