from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from typing import Any

import pytest
from sqlalchemy import func, select, update

from submissions import conversations
from submissions.conversations import OutboundMessage
from submissions.database import unit_of_work
from submissions.errors import ConversationNotFound, LeaseLost, MessageNotFound
from submissions.models import Conversation, Message, utc_now
from tests.factories import VIEW_AR, VIEW_PT, make_conversation, make_message
from tests.submissions.threads import in_threads

HELLO = OutboundMessage(message_key="welcome", text="Olá!", language="pt")
MENU = OutboundMessage(
    message_key="choose_language", text="1 English", language="en", options=[{"title": "English"}]
)


def receive(
    conversation_id: uuid.UUID, provider_message_id: str, text: str = VIEW_PT, channel: str = "web_chat"
) -> uuid.UUID:
    with unit_of_work() as db:
        return conversations.record_inbound_message(
            db,
            conversation_id=conversation_id,
            channel=channel,
            provider_message_id=provider_message_id,
            original_text=text,
        ).id


def all_messages(conversation_id: uuid.UUID) -> list[Message]:
    with unit_of_work(read_only=True) as db:
        return conversations.messages_after(db, conversation_id)


def test_a_message_posted_from_twenty_threads_five_times_is_kept_once_and_unchanged(database: str) -> None:
    conversation_id = make_conversation()
    ids = in_threads(20, lambda _: [receive(conversation_id, "m-1") for _ in range(5)])
    assert len({one for answer in ids for one in answer}) == 1
    (message,) = all_messages(conversation_id)
    assert message.original_text == VIEW_PT
    assert message.original_sha256 == hashlib.sha256(VIEW_PT.encode()).digest()
    assert message.position == 1


def test_one_text_message_that_arrives_in_two_conversations_at_once_is_kept_once(database: str) -> None:
    pair = [make_conversation(channel="sms"), make_conversation(channel="sms")]
    ids = in_threads(10, lambda number: receive(pair[number % 2], "SM1", channel="sms"))
    assert len(set(ids)) == 1
    assert sum(len(all_messages(one)) for one in pair) == 1


def test_positions_have_no_gap_when_twenty_threads_write(database: str) -> None:
    conversation_id = make_conversation()
    in_threads(20, lambda number: [receive(conversation_id, f"{number}-{i}") for i in range(3)])
    assert [message.position for message in all_messages(conversation_id)] == list(range(1, 61))


def test_a_reader_who_follows_positions_misses_nothing(database: str) -> None:
    conversation_id = make_conversation()
    seen: list[int] = []

    def work(number: int) -> None:
        if number == 0:
            while len(seen) < 30:
                with unit_of_work(read_only=True) as db:
                    after = seen[-1] if seen else 0
                    seen.extend(m.position for m in conversations.messages_after(db, conversation_id, after))
        else:
            for i in range(10):
                receive(conversation_id, f"{number}-{i}")

    in_threads(4, work)
    assert seen == list(range(1, 31))


def test_the_same_id_from_two_browsers_is_two_messages(database: str) -> None:
    first, second = make_conversation(), make_conversation()
    assert receive(first, "1") != receive(second, "1")


def test_an_unknown_conversation_or_a_bad_id_is_refused(database: str) -> None:
    with pytest.raises(ConversationNotFound):
        receive(uuid.uuid4(), "1")
    with pytest.raises(ValueError, match="1 to 80"):
        receive(make_conversation(), "x" * 81)


def test_a_token_opens_its_conversation_only(database: str) -> None:
    with unit_of_work() as db:
        conversation = conversations.start_conversation(db, channel="web_chat", token="secret")
        other = conversations.start_conversation(db, channel="web_chat", token="other")
        without = conversations.start_conversation(db, channel="sms")
        assert conversation.token_sha256 != b"secret"
        assert conversations.may_read(conversation, "secret")
        assert not conversations.may_read(other, "secret")
        assert not conversations.may_read(without, "")
        assert not conversations.may_read(conversation, "\ud800")


def test_replies_are_kept_with_the_mark_that_the_message_is_handled_and_only_once(database: str) -> None:
    conversation_id = make_conversation()
    message_id = make_message(conversation_id)

    def answer(_: int) -> list[uuid.UUID]:
        with unit_of_work() as db:
            return [row.id for row in conversations.record_replies(db, message_id, [HELLO, MENU])]

    answers = in_threads(12, answer)
    assert all(one == answers[0] for one in answers), answers
    inbound, hello, menu = all_messages(conversation_id)
    assert inbound.handled_at is not None
    assert [hello.message_key, menu.message_key] == ["welcome", "choose_language"]
    assert [hello.reply_index, menu.reply_index] == [0, 1]
    assert [hello.position, menu.position] == [2, 3]
    assert menu.options == [{"title": "English"}]
    assert hello.delivery_status == "sent"  # read from the record by the web page


def test_replies_by_phone_wait_to_be_sent(database: str) -> None:
    conversation_id = make_conversation(channel="sms")
    message_id = make_message(conversation_id)
    with unit_of_work() as db:
        (row,) = conversations.record_replies(db, message_id, [HELLO])
    assert row.delivery_status == "queued"


def test_an_error_among_the_replies_keeps_neither_them_nor_the_mark(database: str) -> None:
    conversation_id = make_conversation()
    message_id = make_message(conversation_id)
    with pytest.raises(RuntimeError), unit_of_work() as db:  # noqa: PT012
        conversations.record_replies(db, message_id, [HELLO])
        raise RuntimeError("crash before the commit")
    (inbound,) = all_messages(conversation_id)
    assert inbound.handled_at is None


def test_the_word_that_it_takes_longer_is_said_once(database: str) -> None:
    conversation_id = make_conversation()
    message_id = make_message(conversation_id)
    trouble = OutboundMessage(message_key="temporary_trouble", text="…", language="pt")

    def say(_: int) -> bool:
        with unit_of_work() as db:
            return conversations.record_interim_message(db, message_id, trouble) is not None

    assert sorted(in_threads(6, say)) == [False] * 5 + [True]
    with unit_of_work() as db:
        conversations.record_replies(db, message_id, [HELLO])
    with unit_of_work() as db:
        assert conversations.record_interim_message(db, message_id, trouble) is None
    assert [message.message_key for message in all_messages(conversation_id)] == [
        None,
        "temporary_trouble",
        "welcome",
    ]


def test_messages_of_another_conversation_or_direction_are_not_found(database: str) -> None:
    conversation_id = make_conversation()
    message_id = make_message(conversation_id)
    with unit_of_work() as db:
        (reply,) = conversations.record_replies(db, message_id, [HELLO])
    with unit_of_work() as db:
        with pytest.raises(MessageNotFound):
            conversations.find_inbound_message(db, make_conversation_in(db), message_id)
        with pytest.raises(MessageNotFound):
            conversations.find_inbound_message(db, conversation_id, reply.id)
        with pytest.raises(MessageNotFound):
            conversations.record_replies(db, reply.id, [HELLO])


def make_conversation_in(db: Any) -> uuid.UUID:
    return conversations.start_conversation(db, channel="web_chat").id


def test_workers_share_conversations_and_keep_the_order_inside_each(database: str) -> None:
    conversation_ids = [make_conversation() for _ in range(6)]
    for number in range(5):
        for conversation_id in conversation_ids:
            make_message(conversation_id, str(number))
    handled: list[tuple[uuid.UUID, str]] = []
    busy: set[uuid.UUID] = set()
    overlaps: list[uuid.UUID] = []

    def work(number: int) -> int:
        worker, idle, done = f"worker-{number}", 0, 0
        while idle < 3:
            conversation_id = conversations.lease_next_conversation(worker, 60)
            if conversation_id is None:
                idle += 1
                continue
            if conversation_id in busy:
                overlaps.append(conversation_id)
            busy.add(conversation_id)
            with unit_of_work(read_only=True) as db:
                message = conversations.next_message(db, conversation_id)
            assert message is not None
            with unit_of_work() as db:
                conversations.record_replies(db, message.id, [HELLO], worker=worker)
            handled.append((conversation_id, str(message.original_text)))
            busy.discard(conversation_id)
            conversations.release_lease(conversation_id, worker)
            done += 1
        return done

    counts = in_threads(5, work)
    assert sum(counts) == 30
    assert overlaps == []
    for conversation_id in conversation_ids:
        assert [text for one, text in handled if one == conversation_id] == list("01234")


def test_a_lease_that_ran_out_goes_to_another_and_the_first_can_store_nothing(database: str) -> None:
    conversation_id = make_conversation()
    message_id = make_message(conversation_id)
    assert conversations.lease_next_conversation("slow", 60) == conversation_id
    assert conversations.lease_next_conversation("quick", 60) is None
    with unit_of_work() as db:  # the slow one was suspended for longer than its lease
        db.execute(update(Conversation).values(leased_until=utc_now() - dt.timedelta(seconds=1)))
    assert conversations.lease_next_conversation("quick", 60) == conversation_id
    with pytest.raises(LeaseLost), unit_of_work() as db:
        conversations.record_replies(db, message_id, [HELLO], worker="slow")
    with pytest.raises(LeaseLost):
        conversations.renew_lease(conversation_id, "slow", 60)
    conversations.release_lease(conversation_id, "slow")  # changes nothing
    conversations.renew_lease(conversation_id, "quick", 60)
    with unit_of_work() as db:
        assert len(conversations.record_replies(db, message_id, [HELLO], worker="quick")) == 1


def test_a_failed_message_waits_longer_each_time_and_those_behind_it_wait_too(database: str) -> None:
    conversation_id = make_conversation()
    first = make_message(conversation_id, "first")
    make_message(conversation_id, VIEW_AR)
    waits = []
    for _ in range(10):
        with unit_of_work() as db:
            message = conversations.record_failure(db, first, "BotUnavailable: connection refused")
            assert message.next_attempt_at is not None
            waits.append(round((message.next_attempt_at - utc_now()).total_seconds()))
    assert waits == [1, 2, 5, 10, 30, 60, 120, 300, 300, 300]
    assert conversations.lease_next_conversation("w", 60) is None
    with unit_of_work() as db:
        assert conversations.next_message(db, conversation_id) is None
        message = db.get_one(Message, first)
        assert (message.attempts, message.last_error) == (10, "BotUnavailable: connection refused")
        message.next_attempt_at = utc_now()
    assert conversations.lease_next_conversation("w", 60) == conversation_id
    with unit_of_work() as db:
        message = conversations.next_message(db, conversation_id)
        assert message is not None
        assert message.id == first


def test_the_longest_waiting_conversation_comes_first(database: str) -> None:
    late, early = make_conversation(), make_conversation()
    early_message = make_message(early)
    make_message(late)
    with unit_of_work() as db:
        db.get_one(Message, early_message).created_at = utc_now() - dt.timedelta(hours=1)
    assert [conversations.lease_next_conversation("w", 60) for _ in range(3)] == [early, late, None]


def test_deleting_a_conversation_deletes_its_messages(database: str) -> None:
    conversation_id = make_conversation()
    message_id = make_message(conversation_id)
    with unit_of_work() as db:
        conversations.record_replies(db, message_id, [HELLO])
    with unit_of_work() as db:
        db.delete(db.get_one(Conversation, conversation_id))
    with unit_of_work() as db:
        assert db.scalar(select(func.count()).select_from(Message)) == 0
