"""Sending: in order, once, never to whoever does not want it, and honest about what went wrong."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from channels import send_outcomes
from channels.delivery_receipts import keep_delivery_receipt
from channels.message_parts import split_text
from channels.outbox import OPTED_OUT, OVER_BUDGET
from channels.outbox_worker import OutboxWorker
from submissions.database import unit_of_work
from submissions.delivery_states import RANK, STATE_OF_WORD, later_state
from submissions.models import Address, DeliveryStatus, Message, OptOut, SendingState, utc_now
from submissions.outbox import find_sending_problems, resume_sending, stop_sending
from tests.channels.phone import WHATSAPP_RESIDENT, Phone, deliveries, row, rows
from tests.channels.twilio_in_place import SERVICE_SID, TEMPLATE_SID, TEMPLATE_TEXT, Failure

OPTIONS = [{"title": "Send it", "payload": "affirm"}, {"title": "Change it", "payload": "deny"}]


@pytest.fixture
def phone(database, tmp_path, twilio):
    return Phone(database, tmp_path / "data", twilio)


@pytest.fixture
def sqlite_phone(sqlite_database, tmp_path, twilio):
    return Phone(sqlite_database, tmp_path / "data", twilio)


def status_of(message):
    return row(Message, message.id).delivery_status


def make_due(message):
    with unit_of_work() as db:
        db.get_one(Message, message.id).next_attempt_at = None


def hear(sid, status, error_code=None):
    keep_delivery_receipt(
        provider_message_id=sid, status=status, error_code=error_code, received_at=utc_now()
    )


def test_answers_go_out_in_order_from_the_number_they_wrote_to(phone, twilio):
    phone.receive()
    first, second = phone.queue("first"), phone.queue("second 📚 ação")
    phone.send_all()
    assert twilio.bodies() == ["first", "second 📚 ação"]
    form = twilio.sent[0]["form"]
    assert (form["To"], form["From"]) == ("+447700900123", "+447700900999")
    assert form["StatusCallback"] == "https://views.example.org/twilio/status"
    assert {status_of(first), status_of(second)} == {DeliveryStatus.SENT}


def test_a_messaging_service_wins_over_the_number(sqlite_phone, twilio, tmp_path):
    phone = Phone(
        sqlite_phone.settings.database_url,
        tmp_path / "data",
        twilio,
        twilio_messaging_service_sid=SERVICE_SID,
    )
    phone.receive()
    phone.queue()
    phone.send_all()
    assert "From" not in twilio.sent[0]["form"]
    assert twilio.sent[0]["form"]["MessagingServiceSid"] == SERVICE_SID


def test_states_go_forward_whatever_the_order_of_the_callbacks(phone, twilio):
    phone.receive()
    message = phone.queue()
    phone.send_all()
    sid = twilio.sent[0]["sid"]
    for status in ("delivered", "sent", "a-new-word", "queued", "delivered", "undelivered"):
        hear(sid, status)
    assert status_of(message) == DeliveryStatus.DELIVERED
    assert deliveries()[0].provider_status == "a-new-word"


def test_a_callback_before_our_own_commit_of_the_id_is_not_lost(phone, twilio, monkeypatch):
    phone.receive()
    message = phone.queue()
    commit = send_outcomes.record_sent

    def callback_comes_first(attempt, sid, status):
        hear(sid, "delivered")
        assert status_of(message) == DeliveryStatus.SENDING
        return commit(attempt, sid, status)

    monkeypatch.setattr(send_outcomes, "record_sent", callback_comes_first)
    phone.send_all()
    assert status_of(message) == DeliveryStatus.DELIVERED


@given(st.lists(st.sampled_from([*STATE_OF_WORD, "new", "another"]), max_size=12))
def test_no_sequence_of_words_ever_leads_backwards_or_depends_on_its_order(words):
    state = DeliveryStatus.SENT
    for word in words:
        after = later_state(state, word)
        assert RANK[after] >= RANK[state]
        state = after
    backwards = DeliveryStatus.SENT
    for word in [*reversed(words), *words]:
        backwards = later_state(backwards, word)
    assert backwards == state


@pytest.mark.parametrize(
    "failure",
    [Failure(429, 20429), Failure(400, 63018), Failure(401, 20003)],
)
def test_what_was_surely_not_sent_is_tried_again(sqlite_phone, twilio, failure):
    sqlite_phone.receive()
    message = sqlite_phone.queue()
    twilio.failures.append(failure)
    sqlite_phone.send_all()
    kept = row(Message, message.id)
    assert kept.delivery_status == DeliveryStatus.QUEUED
    assert kept.next_attempt_at > kept.created_at
    assert twilio.bodies() == []
    make_due(message)
    OutboxWorker(sqlite_phone.settings, threads=1).send_next()
    assert twilio.bodies() == ["Thank you."]
    assert rows(SendingState) == []


def test_twilio_that_cannot_be_reached_has_sent_nothing(sqlite_phone, twilio):
    sqlite_phone.receive()
    message = sqlite_phone.queue()
    twilio.close()
    sqlite_phone.send_all()
    assert status_of(message) == DeliveryStatus.QUEUED
    assert row(Message, message.id).last_error == "Twilio cannot be reached"


@pytest.mark.parametrize("accepts", [True, False])
@pytest.mark.parametrize("status", [500, 503, 0])
def test_what_may_have_been_sent_is_looked_up_and_never_sent_twice(phone, twilio, status, accepts):
    phone.receive()
    message = phone.queue("only once")
    twilio.failures.append(Failure(status, accepts=accepts))
    phone.send_all()
    assert status_of(message) == DeliveryStatus.SENDING
    assert phone.worker.look_up_doubtful() == 1
    phone.send_all()
    assert twilio.bodies() == ["only once"]
    assert status_of(message) == DeliveryStatus.SENT
    assert deliveries()[0].provider_message_id == twilio.sent[0]["sid"]


def test_the_look_up_minds_equal_words_sent_before_and_letters_twilio_changed(sqlite_phone, twilio):
    twilio.smart_encoding = True
    sqlite_phone.receive()
    sqlite_phone.queue("I have “kept” that")
    sqlite_phone.send_all()
    sqlite_phone.queue("I have “kept” that")
    twilio.failures.append(Failure(500, accepts=True))
    sqlite_phone.send_all()
    sqlite_phone.worker.look_up_doubtful()
    sqlite_phone.send_all()
    assert len(twilio.sent) == 2
    assert {made.provider_message_id for made in deliveries()} == {sent["sid"] for sent in twilio.sent}


def test_a_slow_look_up_cannot_undo_a_newer_attempt(sqlite_phone, twilio):
    sqlite_phone.receive()
    sqlite_phone.queue()
    twilio.failures.append(Failure(500))
    sqlite_phone.send_all()
    [old] = send_outcomes.in_doubt(utc_now())
    sqlite_phone.worker.look_up_doubtful()
    sqlite_phone.send_all()
    send_outcomes.record_not_found(old)
    sqlite_phone.send_all()
    assert len(twilio.sent) == 1


def test_an_opt_out_at_the_carrier_is_ours_too(phone, twilio):
    phone.receive()
    refused, later = phone.queue("one"), phone.queue("two")
    twilio.failures.append(Failure(400, 21610))
    phone.send_all()
    assert twilio.sent == []
    assert row(Message, refused.id).last_error == "asked the carrier to stop (21610)"
    assert row(Message, later.id).last_error == OPTED_OUT
    assert {(made.purpose, made.way, made.words) for made in rows(OptOut)} == {
        ("conversation", "refused", "21610"),
        ("follow_ups", "refused", "21610"),
    }


def test_stop_cancels_what_is_queued_but_its_own_confirmation_and_start_lets_us_write_again(phone, twilio):
    phone.receive()
    queued = phone.queue("too late")
    phone.receive("STOP")
    phone.queue("All right.", key="stopped")
    phone.send_all()
    assert twilio.bodies() == ["All right."]
    assert row(Message, queued.id).last_error == OPTED_OUT
    phone.queue("not wanted")
    phone.send_all()
    assert twilio.bodies() == ["All right."]
    phone.receive("START")
    phone.queue("welcome back")
    phone.send_all()
    assert twilio.bodies() == ["All right.", "welcome back"]
    first = rows(OptOut)[0]
    assert (first.words, first.way, first.ended_words) == ("STOP", "words", "START")


def test_who_writes_again_is_answered_but_hears_no_follow_ups(phone, twilio):
    phone.receive("STOP")
    phone.receive("one thing more: the library must stay")
    phone.queue("I have kept that.")
    follow_up = phone.queue("How was the forum?", key="follow_up_forum")
    phone.send_all()
    assert twilio.bodies() == ["I have kept that."]
    assert row(Message, follow_up.id).last_error == OPTED_OUT


def test_whom_the_carrier_keeps_from_us_must_tell_the_carrier(phone, twilio):
    phone.receive("STOP", OptOutType="STOP")
    phone.receive("one thing more: the library must stay")
    phone.queue("I have kept that.")
    phone.send_all()
    assert twilio.sent == []


def test_where_twilio_has_answered_a_stop_we_say_nothing_more(phone, twilio):
    phone.receive("STOP", OptOutType="STOP")
    phone.queue("All right.", key="stopped")
    phone.send_all()
    assert twilio.sent == []
    stop = next(message for message in rows(Message) if message.original_text == "STOP")
    assert stop.handled_at is not None


def test_what_may_be_a_stop_holds_all_but_the_question(phone, twilio):
    phone.receive()
    phone.queue("held")
    phone.receive("oh stop texting me love")
    phone.queue("Shall we stop?", key="ask_stop")
    phone.send_all()
    assert twilio.bodies() == ["Shall we stop?"]
    phone.receive("please don't text me now thanks")
    phone.send_all()
    assert {made.way for made in rows(OptOut)} == {"confirmed"}
    assert twilio.bodies() == ["Shall we stop?"]


def test_nobody_writes_to_a_number_that_is_none(sqlite_phone, twilio):
    sqlite_phone.receive()
    sqlite_phone.queue("one")
    later = sqlite_phone.queue("two")
    twilio.failures.append(Failure(400, 21211))
    sqlite_phone.send_all()
    assert (twilio.sent, status_of(later)) == ([], DeliveryStatus.FAILED)


def test_a_handset_that_is_off_is_tried_again_hours_later_and_then_given_up(sqlite_phone, twilio):
    sqlite_phone.receive()
    message = sqlite_phone.queue()
    for count in range(1, 5):
        sqlite_phone.send_all()
        assert len(twilio.sent) == count
        hear(twilio.sent[-1]["sid"], "undelivered", "30003")
        make_due(message)
    sqlite_phone.send_all()
    assert len(twilio.sent) == 4
    assert status_of(message) == DeliveryStatus.UNDELIVERED


def test_the_kill_switch_stops_sending_and_never_receiving(phone, twilio):
    stop_sending("reviewer:anna", "a wrong text")
    assert phone.receive()
    phone.queue("waits")
    phone.send_all()
    assert twilio.sent == []
    with unit_of_work(read_only=True) as db:
        assert find_sending_problems(db).stopped_reason == "a wrong text"
    resume_sending("reviewer:anna")
    phone.send_all()
    assert twilio.bodies() == ["waits"]


def test_a_budget_of_parts_holds_what_is_over_it_but_not_help_in_danger(sqlite_phone, twilio, tmp_path):
    phone = Phone(sqlite_phone.settings.database_url, tmp_path / "data", twilio, sms_parts_per_day=3)
    phone.receive()
    phone.queue("a" * 161)
    held = phone.queue("b" * 161)
    help_lines = phone.queue("Call 999", key="danger_help")
    phone.send_all()
    assert row(Message, held.id).last_error == OVER_BUDGET
    assert row(Message, held.id).next_attempt_at > utc_now()
    # In order: it goes as soon as the one before it may.
    assert status_of(help_lines) == DeliveryStatus.QUEUED


def test_inside_the_window_options_are_buttons_made_once(phone, twilio):
    phone.receive("olá", WHATSAPP_RESIDENT)
    for _ in range(2):
        phone.queue("Shall I send it?", key="ask_send", options=OPTIONS)
    phone.send_all()
    assert len(twilio.made_contents) == 1
    actions = twilio.made_contents[0].types["twilio/quick-reply"]["actions"]
    assert [(action["id"], action["title"]) for action in actions] == [
        ("affirm", "Send it"),
        ("deny", "Change it"),
    ]
    form = twilio.sent[1]["form"]
    assert form["To"] == WHATSAPP_RESIDENT
    assert form["From"] == "whatsapp:+447700900999"
    assert json.loads(form["ContentVariables"]) == {"1": "Shall I send it?"}
    assert "Body" not in form


def test_buttons_that_are_gone_at_the_carrier_are_made_anew(sqlite_phone, twilio):
    """Somebody tidied up in Twilio's console, or the simulator was started again."""
    phone = sqlite_phone
    phone.receive("olá", WHATSAPP_RESIDENT)
    phone.queue("Send?", options=OPTIONS)
    phone.send_all()
    for content in twilio.made_contents:
        del twilio.contents[content.sid]
    phone.queue("Send now?", options=OPTIONS)
    phone.send_all()
    assert twilio.bodies() == ["Send?"]
    with unit_of_work() as db:
        db.execute(update(Message).values(next_attempt_at=None))
    phone.send_all()
    assert twilio.bodies() == ["Send?", "Send now?"]
    assert len(twilio.made_contents) == 1
    assert twilio.sent[1]["form"]["ContentSid"] == twilio.made_contents[0].sid


def test_more_options_are_a_list_and_too_many_or_no_buttons_at_all_are_numbered(sqlite_phone, twilio):
    phone = sqlite_phone
    phone.receive("olá", WHATSAPP_RESIDENT)
    many = [{"title": f"choice {number}", "payload": f"p{number}"} for number in range(11)]
    phone.queue("Which?", options=many[:10])
    numbered = "Which?\n" + "\n".join(f"{number}. {one['title']}" for number, one in enumerate(many, 1))
    phone.queue(numbered, options=many, blocks=[{"text": "Which?"}])
    phone.send_all()
    assert len(twilio.made_contents[0].types["twilio/list-picker"]["items"]) == 10
    assert twilio.bodies() == ["Which?", numbered]
    twilio.refuses_contents = True
    phone.queue("Send?", options=OPTIONS)
    phone.send_all()
    assert twilio.bodies()[-1] == "Send?\n1. Send it\n2. Change it"


def close_window():
    with unit_of_work() as db:
        for address in db.query(Address):
            address.last_inbound_at = utc_now() - dt.timedelta(hours=23, minutes=51)


def test_outside_the_window_a_template_says_there_is_a_reply_which_follows_their_answer(
    database, tmp_path, twilio
):
    templates = {"en": TEMPLATE_SID}
    phone = Phone(database, tmp_path / "data", twilio, whatsapp_reply_templates=templates)
    phone.receive("olá", WHATSAPP_RESIDENT)
    close_window()
    first, second = phone.queue("the reply"), phone.queue("and more")
    phone.send_all()
    assert [message["form"].get("ContentSid") for message in twilio.sent] == [templates["en"]]
    assert {status_of(first), status_of(second)} == {DeliveryStatus.HELD}
    phone.receive("yes?", WHATSAPP_RESIDENT)
    phone.send_all()
    assert twilio.bodies()[1:] == ["the reply", "and more"]


def test_a_window_that_whatsapp_says_is_closed_is_closed(sqlite_database, tmp_path, twilio):
    phone = Phone(sqlite_database, tmp_path / "data", twilio, whatsapp_reply_templates={"en": TEMPLATE_SID})
    phone.receive("olá", WHATSAPP_RESIDENT)
    message = phone.queue("the reply")
    phone.send_all()
    hear(twilio.sent[0]["sid"], "failed", "63016")
    phone.send_all()
    assert status_of(message) == DeliveryStatus.HELD
    assert twilio.sent[1]["form"]["ContentSid"] == TEMPLATE_SID
    phone.receive("yes?", WHATSAPP_RESIDENT)
    phone.send_all()
    assert twilio.bodies() == ["the reply", TEMPLATE_TEXT, "the reply"]


def test_without_a_template_the_reply_waits_and_the_team_sees_it(sqlite_phone, twilio):
    sqlite_phone.receive("olá", WHATSAPP_RESIDENT)
    close_window()
    sqlite_phone.queue("the reply")
    sqlite_phone.send_all()
    assert twilio.sent == []
    with unit_of_work(read_only=True) as db:
        assert find_sending_problems(db).held == 1


def test_a_long_text_goes_in_parts_and_loses_nothing(phone, twilio):
    text = " ".join(f"Sentence {number} about the library. 📚" for number in range(120))
    phone.receive()
    message = phone.queue(text)
    phone.send_all()
    assert len(twilio.sent) > 1
    assert "".join(twilio.bodies()) == text
    assert all(body.rstrip().endswith(("📚", ".")) for body in twilio.bodies())
    hear(twilio.sent[0]["sid"], "delivered")
    assert status_of(message) == DeliveryStatus.SENT
    for sent in twilio.sent:
        hear(sent["sid"], "delivered")
    assert status_of(message) == DeliveryStatus.DELIVERED


@given(st.text(), st.integers(20, 60))
def test_pieces_put_together_are_the_text(text, limit):
    pieces = split_text(text, limit)
    assert "".join(pieces) == text
    # One letter of many marks may be longer than a piece; it is not torn.
    assert all(len(piece) <= limit or len(set(piece)) for piece in pieces)
