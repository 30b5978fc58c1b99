"""Our record against Twilio's list: what was dropped comes in, what differs is said."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest

from channels.reconciliation import reconcile
from submissions.database import unit_of_work
from submissions.models import Delivery, DeliveryStatus, Direction, Message, utc_now
from tests.channels.phone import RESIDENT, Phone, new_sid, row, rows
from tests.fakes.twilio import FakeTwilio


@pytest.fixture
def twilio():
    fake = FakeTwilio()
    yield fake
    fake.close()


def an_hour_ago():
    return format_datetime(utc_now() - dt.timedelta(hours=1))


def test_what_was_dropped_is_taken_in_and_differences_are_reported(database, tmp_path, twilio):
    phone = Phone(database, tmp_path / "data", twilio)
    known = new_sid()
    phone.receive("known", sid=known)
    listed = {"direction": "inbound", "date_created": an_hour_ago(), "status": "received"}
    form = {"To": "+447700900999", "From": RESIDENT}
    twilio.keep({**form, "Body": "known"}, **{**listed, "sid": known})
    twilio.keep({**form, "Body": " never arrived 📚 "}, **{**listed, "sid": "SM-dropped"})
    sent, lost = phone.queue("heard of"), phone.queue("not in the list")
    phone.send_all()
    twilio.messages[-2]["status"] = "delivered"
    forgotten = twilio.messages.pop()
    twilio.keep({"To": RESIDENT, "Body": "by hand"}, sid="SM-by-hand", date_created=an_hour_ago())
    with unit_of_work() as db:
        for delivery in db.query(Delivery):
            delivery.sent_at = utc_now() - dt.timedelta(hours=1)

    found = reconcile(phone.settings)
    assert found is not None
    assert found.taken_in == ["SM-dropped"]
    assert found.unknown_to_us == ["SM-by-hand"]
    assert found.unknown_to_twilio == [forgotten["sid"]]
    assert (found.inbound, found.outbound, found.states_moved) == (2, 2, 1)
    assert row(Message, sent.id).delivery_status == DeliveryStatus.DELIVERED
    assert row(Message, lost.id).delivery_status == DeliveryStatus.SENT
    texts = [message.original_text for message in rows(Message) if message.direction == Direction.INBOUND]
    assert sorted(texts) == [" never arrived 📚 ", "known"]
    again = reconcile(phone.settings)
    assert again is not None
    assert (again.taken_in, again.states_moved) == ([], 0)


def test_without_an_account_there_is_nothing_to_compare(sqlite_database, tmp_path, twilio):
    phone = Phone(sqlite_database, tmp_path / "data", twilio, twilio_auth_token="")
    assert reconcile(phone.settings) is None
