"""Conversations and their messages: kept first, in order, once, whatever is delivered twice or at once.

Every function that takes a session works inside the caller's unit of work and is kept when that commits.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from submissions.database import unit_of_work
from submissions.errors import ConversationNotFound, LeaseLost, MessageNotFound
from submissions.models import Channel, Conversation, DeliveryStatus, Direction, Message, utc_now

WEB_CHANNELS = (Channel.WEB_CHAT, Channel.WEB_FORM)
MAXIMUM_PROVIDER_MESSAGE_ID_LENGTH = 80
# How long after a failed try the next one comes; the last figure repeats, for as long as it takes.
RETRY_AFTER_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300)
MAXIMUM_ERROR_LENGTH = 300


@dataclass(frozen=True)
class OutboundMessage:
    """What is to be said: the key and arguments as decided, and the wording as rendered for the channel."""

    message_key: str
    text: str
    language: str | None
    arguments: dict[str, Any] = field(default_factory=dict)
    blocks: list[dict[str, Any]] = field(default_factory=list)  # [{text, lang, dir, role}]
    options: list[dict[str, Any]] = field(default_factory=list)  # [{title, payload}]


def sha256_of(text: str) -> bytes:
    """SHA-256 of the UTF-8 bytes; the proof that an original is unchanged.

    A lone surrogate, which no valid UTF-8 has but a careless client can send, counts as its three bytes.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def start_conversation(
    db: Session,
    *,
    channel: str,
    token: str | None = None,
    language: str | None = None,
    language_source: str | None = None,
) -> Conversation:
    """A new conversation. Only the SHA-256 of `token` is kept; `language` stays None until it is known."""
    conversation = Conversation(
        channel=channel,
        token_sha256=hashlib.sha256(token.encode()).digest() if token is not None else None,
        language=language,
        language_source=language_source,
        is_choosing_language=language is None,
        message_count=0,
    )
    db.add(conversation)
    db.flush()
    return conversation


def find_conversation(db: Session, conversation_id: uuid.UUID) -> Conversation:
    """Raises ConversationNotFound."""
    conversation = db.get(Conversation, conversation_id)
    if conversation is None:
        raise ConversationNotFound(conversation_id)
    return conversation


def may_read(conversation: Conversation, token: str) -> bool:
    """Whether this is the conversation's bearer token."""
    given = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    return conversation.token_sha256 is not None and hmac.compare_digest(conversation.token_sha256, given)


def lock_conversation(db: Session, conversation_id: uuid.UUID) -> Conversation:
    """The conversation as it is now, locked until the unit of work ends. Raises ConversationNotFound.

    On SQLite the whole unit of work holds the one write lock already.
    """
    conversation = db.scalars(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if conversation is None:
        raise ConversationNotFound(conversation_id)
    return conversation


def record_inbound_message(
    db: Session,
    *,
    conversation_id: uuid.UUID,
    channel: str,
    provider_message_id: str,
    original_text: str,
    choice: str | None = None,
    received_at: dt.datetime | None = None,
) -> Message:
    """The stored message: a new one, or the same as before when it was delivered already.

    A message is known by its channel and `provider_message_id` (1 to 80 characters); on the web that id comes
    from the resident's browser, so it counts inside its conversation only. The text is kept exactly.
    Raises ConversationNotFound.
    """
    if not 1 <= len(provider_message_id) <= MAXIMUM_PROVIDER_MESSAGE_ID_LENGTH:
        raise ValueError("provider_message_id must have 1 to 80 characters")
    if channel in WEB_CHANNELS:
        provider_message_id = f"{conversation_id}/{provider_message_id}"
    conversation = lock_conversation(db, conversation_id)
    known = select(Message).where(
        Message.channel == channel, Message.provider_message_id == provider_message_id
    )
    if (message := db.scalars(known).one_or_none()) is not None:
        return message
    try:
        with db.begin_nested():
            message = Message(
                conversation_id=conversation_id,
                position=_next_position(conversation),
                direction=Direction.INBOUND,
                channel=channel,
                provider_message_id=provider_message_id,
                original_text=original_text,
                original_sha256=sha256_of(original_text),
                choice=choice,
                attempts=0,
                created_at=received_at or utc_now(),
            )
            db.add(message)
            db.flush()
    except IntegrityError:
        # Another thread kept it in another conversation, whose lock is not ours, since we looked.
        return db.scalars(known).one()
    return message


def _next_position(conversation: Conversation) -> int:
    """Call only with the conversation locked, so that readers who saw position n never miss a smaller one."""
    conversation.message_count += 1
    conversation.last_message_at = utc_now()
    return conversation.message_count


def find_inbound_message(db: Session, conversation_id: uuid.UUID, message_id: uuid.UUID) -> Message:
    """Raises MessageNotFound, also for a message of another conversation or an outbound one."""
    message = db.get(Message, message_id)
    if (
        message is None
        or message.conversation_id != conversation_id
        or message.direction != Direction.INBOUND
    ):
        raise MessageNotFound(message_id)
    return message


def record_replies(
    db: Session, message_id: uuid.UUID, replies: Sequence[OutboundMessage], *, worker: str | None = None
) -> list[Message]:
    """Keeps the answers to an inbound message and marks it handled, both or neither.

    When it is handled already, nothing changes and the answers kept before are returned. With `worker`,
    raises LeaseLost unless that worker holds the conversation. Raises MessageNotFound.
    """
    message = db.get(Message, message_id)
    if message is None or message.direction != Direction.INBOUND:
        raise MessageNotFound(message_id)
    conversation = lock_conversation(db, message.conversation_id)
    if worker is not None and conversation.leased_by != worker:
        raise LeaseLost(conversation.id)
    db.refresh(message)
    if message.handled_at is not None:
        return list(
            db.scalars(
                select(Message).where(Message.in_reply_to_id == message_id).order_by(Message.reply_index)
            )
        )
    rows = [
        _outbound_row(conversation, reply, in_reply_to_id=message_id, reply_index=index)
        for index, reply in enumerate(replies)
    ]
    db.add_all(rows)
    message.handled_at = utc_now()
    message.next_attempt_at = None
    message.last_error = None
    db.flush()
    return rows


def record_outbound_message(db: Session, conversation_id: uuid.UUID, outbound: OutboundMessage) -> Message:
    """Keeps a message nobody's message asked for, such as the first menu. Raises ConversationNotFound."""
    row = _outbound_row(lock_conversation(db, conversation_id), outbound)
    db.add(row)
    db.flush()
    return row


def record_interim_message(db: Session, message_id: uuid.UUID, outbound: OutboundMessage) -> Message | None:
    """Keeps a word that an inbound message must wait (`temporary_trouble`), once for each message.

    None when one was kept before or the message is handled. Its reply index is -1, beside the answers.
    Raises MessageNotFound.
    """
    message = db.get(Message, message_id)
    if message is None or message.direction != Direction.INBOUND:
        raise MessageNotFound(message_id)
    conversation = lock_conversation(db, message.conversation_id)
    db.refresh(message)
    known = exists().where(Message.in_reply_to_id == message_id, Message.reply_index == -1)
    if message.handled_at is not None or db.scalar(select(known)):
        return None
    row = _outbound_row(conversation, outbound, in_reply_to_id=message_id, reply_index=-1)
    db.add(row)
    db.flush()
    return row


def _outbound_row(
    conversation: Conversation,
    outbound: OutboundMessage,
    *,
    in_reply_to_id: uuid.UUID | None = None,
    reply_index: int | None = None,
) -> Message:
    is_web = conversation.channel in WEB_CHANNELS
    return Message(
        conversation_id=conversation.id,
        position=_next_position(conversation),
        direction=Direction.OUTBOUND,
        channel=conversation.channel,
        message_key=outbound.message_key,
        arguments=outbound.arguments,
        text=outbound.text,
        blocks=outbound.blocks,
        options=outbound.options,
        language=outbound.language,
        in_reply_to_id=in_reply_to_id,
        reply_index=reply_index,
        # On the web a message is out when it is kept: the page reads it from the record.
        delivery_status=DeliveryStatus.SENT if is_web else DeliveryStatus.QUEUED,
        attempts=0,
    )


def messages_after(
    db: Session, conversation_id: uuid.UUID, position: int = 0, *, limit: int = 500
) -> list[Message]:
    """The messages with a greater position, in order, at most `limit`."""
    return list(
        db.scalars(
            select(Message)
            .where(Message.conversation_id == conversation_id, Message.position > position)
            .order_by(Message.position)
            .limit(limit)
        )
    )


def _due_conversations(now: dt.datetime) -> Select[Conversation]:
    """Conversations nobody works on whose first unanswered message is due, the longest waiting first."""
    earlier = aliased(Message)
    is_behind_another = exists().where(
        earlier.conversation_id == Message.conversation_id,
        earlier.direction == Direction.INBOUND,
        earlier.handled_at.is_(None),
        earlier.position < Message.position,
    )
    return (
        select(Conversation)
        .join(Message, Message.conversation_id == Conversation.id)
        .where(
            Message.direction == Direction.INBOUND,
            Message.handled_at.is_(None),
            or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= now),
            or_(Conversation.leased_until.is_(None), Conversation.leased_until <= now),
            ~is_behind_another,
        )
        .order_by(Message.created_at)
        .limit(1)
    )


def lease_next_conversation(worker: str, seconds: float) -> uuid.UUID | None:
    """A conversation with a message to answer, now this worker's for so many seconds; None when none is due.

    Its own unit of work. No other worker gets the conversation until it is released or the time is over, so
    its messages are answered in order.
    """
    now = utc_now()
    with unit_of_work(read_only=True) as db:  # looking must not take SQLite's one write lock
        if db.scalars(_due_conversations(now)).first() is None:
            return None
    with unit_of_work() as db:
        due = _due_conversations(now).with_for_update(of=Conversation, skip_locked=True)
        conversation = db.scalars(due).first()
        if conversation is None:
            return None
        conversation.leased_by = worker
        conversation.leased_until = now + dt.timedelta(seconds=seconds)
        return conversation.id


def renew_lease(conversation_id: uuid.UUID, worker: str, seconds: float) -> None:
    """Keeps the conversation for so many seconds from now. Raises LeaseLost when another worker has it."""
    with unit_of_work() as db:
        conversation = lock_conversation(db, conversation_id)
        if conversation.leased_by != worker:
            raise LeaseLost(conversation_id)
        conversation.leased_until = utc_now() + dt.timedelta(seconds=seconds)


def release_lease(conversation_id: uuid.UUID, worker: str) -> None:
    """Lets other workers have the conversation; nothing happens when this worker does not hold it."""
    with unit_of_work() as db:
        db.execute(
            update(Conversation)
            .where(Conversation.id == conversation_id, Conversation.leased_by == worker)
            .values(leased_by=None, leased_until=None)
        )


def next_message(db: Session, conversation_id: uuid.UUID) -> Message | None:
    """The first message of the conversation still to be answered, if its next try is due."""
    message = db.scalars(
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.direction == Direction.INBOUND,
            Message.handled_at.is_(None),
        )
        .order_by(Message.position)
        .limit(1)
    ).first()
    if message is None or (message.next_attempt_at is not None and message.next_attempt_at > utc_now()):
        return None
    return message


def make_waiting_due() -> int:
    """Lets what waits for its next try be tried now; how many messages. Its own unit of work."""
    now = utc_now()
    with unit_of_work() as db:
        changed = db.scalars(
            update(Message)
            .where(
                Message.direction == Direction.INBOUND,
                Message.handled_at.is_(None),
                Message.next_attempt_at > now,
            )
            .values(next_attempt_at=now)
            .returning(Message.id)
        )
        return len(changed.all())


def record_failure(db: Session, message_id: uuid.UUID, error: str) -> Message:
    """Counts a failed try and sets when the next one comes.

    `error` names what failed, without any resident's words. Raises MessageNotFound.
    """
    message = db.get(Message, message_id, with_for_update=True)
    if message is None:
        raise MessageNotFound(message_id)
    wait = RETRY_AFTER_SECONDS[min(message.attempts, len(RETRY_AFTER_SECONDS) - 1)]
    message.attempts += 1
    message.next_attempt_at = utc_now() + dt.timedelta(seconds=wait)
    message.last_error = error[:MAXIMUM_ERROR_LENGTH]
    return message
