"""Our record against Twilio's list: what was dropped comes in, what differs is said."""

from __future__ import annotations

import datetime as dt

from channels.reconciliation import reconcile
from submissions.database import unit_of_work
from submissions.models import Delivery, DeliveryStatus, Direction, Message, utc_now
from tests.channels.phone import RESIDENT, Phone, new_sid, row, rows
from tests.channels.twilio_in_place import OURS


def an_hour_ago():
    return utc_now() - dt.timedelta(hours=1)


def test_what_was_dropped_is_taken_in_and_differences_are_reported(database, tmp_path, twilio):
    phone = Phone(database, tmp_path / "data", twilio)
    known = new_sid()
    phone.receive("known", sid=known)
    written = {"to": OURS, "from_": RESIDENT, "direction": "inbound", "at": an_hour_ago()}
    twilio.add(known, body="known", **written)
    twilio.add("SM-dropped", body=" never arrived 📚 ", **written)
    sent, lost = phone.queue("heard of"), phone.queue("not in the list")
    phone.send_all()
    delivered, forgotten = (message["sid"] for message in twilio.sent)
    twilio.messages[delivered].move_to("delivered")
    del twilio.messages[forgotten]
    twilio.add(
        "SM-by-hand", body="by hand", to=RESIDENT, from_=OURS, direction="outbound-api", at=an_hour_ago()
    )
    with unit_of_work() as db:
        for delivery in db.query(Delivery):
            delivery.sent_at = utc_now() - dt.timedelta(hours=1)

    found = reconcile(phone.settings)
    assert found is not None
    assert found.taken_in == ["SM-dropped"]
    assert found.unknown_to_us == ["SM-by-hand"]
    assert found.unknown_to_twilio == [forgotten]
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
