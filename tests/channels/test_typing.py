"""Read ticks and typing dots on WhatsApp: one request in Twilio's form for each message being answered.

Twilio's published descriptions have nothing of it, so the stand-in takes what its page shows and no more:
https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource
"""

import datetime as dt

import pytest
from sqlalchemy import select, update

from channels.outbox_worker import TYPING_PAUSE_SECONDS
from channels.simulator.errors import StandInRefusal
from submissions.database import unit_of_work
from submissions.models import Message, utc_now
from tests.channels.phone import WHATSAPP_RESIDENT, Phone, new_sid
from tests.channels.twilio_in_place import TwilioInPlace


@pytest.fixture
def twilio():
    fake = Telling()
    yield fake
    fake.close()


class Telling(TwilioInPlace):
    """Notes each request for dots, and refuses where a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict] = []
        self.refuses_with: list[int] = []

    def show_typing(self, form) -> None:
        self.asked.append(dict(form))
        if self.refuses_with:
            raise StandInRefusal(self.refuses_with.pop(0))
        super().show_typing(form)


@pytest.fixture
def phone(sqlite_database, tmp_path, twilio) -> Phone:
    return Phone(sqlite_database, tmp_path / "data", twilio)


def written_by(phone: Phone, twilio: TwilioInPlace, sender: str = WHATSAPP_RESIDENT, **values) -> str:
    """A message that Twilio knows and that we have kept; its SID."""
    message, _, _ = twilio.take_in(from_=sender, body="Hello")
    phone.receive("Hello", sender=sender, sid=message.sid, **values)
    return message.sid


def test_a_message_that_is_being_answered_is_marked_as_read_once_with_dots(phone, twilio):
    sid = written_by(phone, twilio)
    for _ in range(3):
        phone.worker._show_typing()
    assert twilio.asked == [{"messageId": [sid], "channel": ["whatsapp"]}]
    shown = twilio.find_message(sid)
    assert shown.history == ["received", "read"]
    assert shown.typing_until > utc_now()


def test_there_are_no_dots_for_text_messages_for_what_is_answered_or_for_what_is_old(phone, twilio):
    written_by(phone, twilio, "+447700900123")
    written_by(phone, twilio, received_at=utc_now() - dt.timedelta(seconds=26))
    answered = written_by(phone, twilio)
    with unit_of_work() as db:
        db.execute(
            update(Message).where(Message.provider_message_id == answered).values(handled_at=utc_now())
        )
    phone.receive("👍", sender=WHATSAPP_RESIDENT, MessageType="reaction")
    phone.worker._show_typing()
    assert twilio.asked == []


def test_a_message_that_twilio_does_not_know_keeps_no_other_from_its_dots(phone, twilio):
    phone.receive("Hello", sender=WHATSAPP_RESIDENT, sid=new_sid())
    known = written_by(phone, twilio, "whatsapp:+447700900125")
    phone.worker._show_typing()
    assert [form["messageId"] for form in twilio.asked][-1] == [known]
    assert twilio.find_message(known).status == "read"


def test_trouble_pauses_the_dots_and_never_the_sending(phone, twilio, monkeypatch):
    twilio.refuses_with = [20503]
    written_by(phone, twilio)
    phone.worker._show_typing()
    written_by(phone, twilio, "whatsapp:+447700900125")
    phone.worker._show_typing()
    assert len(twilio.asked) == 1
    phone.queue("Thank you.")
    phone.send_all()
    assert twilio.bodies() == ["Thank you."]
    phone.worker._typing_again_at -= TYPING_PAUSE_SECONDS
    phone.worker._show_typing()
    assert len(twilio.asked) == 2


def test_more_messages_than_one_pass_takes_all_get_theirs(phone, twilio):
    sids = {written_by(phone, twilio, f"whatsapp:+4477009001{number:02}") for number in range(12)}
    for _ in range(3):
        phone.worker._show_typing()
    assert {form["messageId"][0] for form in twilio.asked} == sids
    assert len(twilio.asked) == 12
    with unit_of_work(read_only=True) as db:
        assert len(db.scalars(select(Message.id)).all()) == 12


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"messageId": ["SM1"]},
        {"messageId": ["SM1"], "channel": ["WHATSAPP"]},
        {"message_id": ["SM1"], "channel": ["whatsapp"]},
        {"messageId": ["SM1"], "channel": ["whatsapp"], "more": ["x"]},
    ],
)
def test_the_stand_in_takes_only_the_form_that_twilio_shows(twilio, form):
    with pytest.raises(StandInRefusal):
        twilio.show_typing(form)


def test_the_stand_in_shows_no_dots_under_a_message_of_our_own(phone, twilio):
    written_by(phone, twilio)
    phone.queue("Thank you.")
    phone.send_all()
    with pytest.raises(StandInRefusal):
        twilio.show_typing({"messageId": [twilio.sent[0]["sid"]], "channel": ["whatsapp"]})


def test_no_dots_while_all_sending_is_stopped(sqlite_database, tmp_path, twilio):
    phone = Phone(sqlite_database, tmp_path / "data", twilio, sending_stopped=True)
    written_by(phone, twilio)
    phone.worker._show_typing()
    assert twilio.asked == []
