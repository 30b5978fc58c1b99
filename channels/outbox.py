"""The outbox's rows: what may be sent next, marked before it is sent.

The mark (a delivery in SENDING) is committed before Twilio is called. What came of it is written down by
`send_outcomes`, which also finds what a crash or a time-out left marked.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from channels.message_parts import is_exempt_from_budget, plan_parts
from channels.settings import Settings
from submissions.addresses import address_of, readable_address
from submissions.database import unit_of_work
from submissions.follow_ups.sending import NO_TEMPLATE
from submissions.follow_ups.sending import PREFIX as FOLLOW_UP
from submissions.follow_ups.templates import Fit, find_fit
from submissions.models import (
    Address,
    Channel,
    ConversationAddress,
    Delivery,
    DeliveryKind,
    DeliveryStatus,
    Direction,
    Message,
    MessageTemplate,
    utc_now,
)
from submissions.opt_outs import is_blocked_by_carrier, is_opted_out
from submissions.outbox import WAITS_FOR_WINDOW, hold, is_stopped, purpose_of
from submissions.whatsapp_window import is_window_open

# Sent whatever waits before them, and while an ambiguous wish to stop holds everything else.
ASK_STOP, STOP_CONFIRMED, REPLY_WAITING = "ask_stop", "stopped", "reply_waiting"
OUT_OF_TURN = (ASK_STOP, STOP_CONFIRMED, REPLY_WAITING)
OPTED_OUT = "opted out"
OVER_BUDGET = "waits until tomorrow: the day's budget of SMS parts is used up"

# Asked before each message, in the unit of work that would mark it: a reason to hold it back, or None.
# Follow-ups with a budget of their own add themselves here.
SendingCheck = Callable[[Session, Message, int], str | None]
SENDING_CHECKS: list[SendingCheck] = []


@dataclass(frozen=True)
class Attempt:
    """A part of a message that is marked as being sent. `send_to` is readable: never log it."""

    delivery_id: uuid.UUID
    message_id: uuid.UUID
    attempted_at: dt.datetime
    channel: str
    kind: str
    body: str
    send_to: str
    our_address: str | None
    language: str | None
    options: list[dict[str, Any]]
    fit: Fit | None = None  # the approved wording that says `body`, where free text may not go


class Nothing:
    """Nothing may be sent now."""


class LookAgain:
    """A message was held, canceled or put off; the next one may be ready."""


def claim_next(
    settings: Settings,
    channels: Collection[str],
    *,
    announce_reply: Callable[[Session, Address, Message], None],
    now: dt.datetime | None = None,
) -> Attempt | Nothing | LookAgain:
    """Marks the next part that may be sent on these channels as being sent, and gives it to the caller.

    Everything that can forbid a message is asked here, at the last moment: the kill switch, opt-outs, numbers
    nobody can be reached at, WhatsApp's window, the budget. `announce_reply` is called where a message must
    wait for the window to open. Its own unit of work.
    """
    at = now or utc_now()
    if settings.sending_stopped or not channels:
        return Nothing()
    with unit_of_work(read_only=True) as db:  # looking must not take SQLite's one write lock
        if is_stopped(db) or _next_due(db, channels, at) is None:
            return Nothing()
    with unit_of_work() as db:
        due = None if is_stopped(db) else _next_due(db, channels, at)
        if due is None:
            return Nothing()
        message_id, conversation_id = due
        address = address_of(db, conversation_id, lock=True)
        message = db.get(Message, message_id, with_for_update={"skip_locked": True}, populate_existing=True)
        if address is None or message is None or message.delivery_status != DeliveryStatus.QUEUED:
            return LookAgain()
        if not _may_be_sent(db, settings, address, message, at, announce_reply):
            return LookAgain()
        fit = None
        if _is_follow_up(message) and not _may_be_free_text(address, message, at):
            fit = find_fit(db, message.language, message.text)
            if fit is None or not fit.is_approved:
                # Never "you have a reply" in its place: nobody has written to us, and it says nothing.
                _end(message, DeliveryStatus.CANCELED, NO_TEMPLATE)
                return LookAgain()
        return _mark(db, address, message, at, fit)


def _next_due(db: Session, channels: Collection[str], now: dt.datetime) -> tuple[uuid.UUID, uuid.UUID] | None:
    earlier = aliased(Message)
    is_behind_another = exists().where(
        earlier.conversation_id == Message.conversation_id,
        earlier.direction == Direction.OUTBOUND,
        earlier.delivery_status.in_([DeliveryStatus.QUEUED, DeliveryStatus.SENDING]),
        earlier.position < Message.position,
    )
    row = db.execute(
        select(Message.id, Message.conversation_id)
        .join(ConversationAddress, ConversationAddress.conversation_id == Message.conversation_id)
        .join(Address, Address.id == ConversationAddress.address_id)
        .where(
            Message.delivery_status == DeliveryStatus.QUEUED,
            Message.channel.in_(channels),
            or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= now),
            or_(
                Message.message_key.in_(OUT_OF_TURN),
                Address.stop_asked_at.is_(None) & ~is_behind_another,
            ),
        )
        .order_by(Message.created_at, Message.position)
        .limit(1)
    ).first()
    return None if row is None else (row[0], row[1])


def _may_be_sent(
    db: Session,
    settings: Settings,
    address: Address,
    message: Message,
    now: dt.datetime,
    announce_reply: Callable[[Session, Address, Message], None],
) -> bool:
    if is_opted_out(db, address.id, purpose_of(message.message_key)) and not _may_confirm(
        db, address, message
    ):
        return _end(message, DeliveryStatus.CANCELED, OPTED_OUT)
    if address.invalid_at is not None:
        return _end(message, DeliveryStatus.FAILED, f"no one can be reached there ({address.invalid_code})")
    if not address.address_encrypted:
        return _end(message, DeliveryStatus.CANCELED, "the number has been deleted, as promised")
    if not _is_follow_up(message) and not _may_be_free_text(address, message, now):
        hold(message, WAITS_FOR_WINDOW)
        announce_reply(db, address, message)
        return False
    parts = sum(part.sms_parts for part in plan_parts(message))
    if _is_over_budget(db, settings, message, parts, now):
        message.next_attempt_at = now.replace(hour=0, minute=0, second=0) + dt.timedelta(days=1)
        message.last_error = OVER_BUDGET
        return False
    for check in SENDING_CHECKS:
        reason = check(db, message, parts)
        if reason is not None:
            hold(message, reason)
            return False
    return True


def _is_follow_up(message: Message) -> bool:
    return (message.message_key or "").startswith(FOLLOW_UP)


def _may_be_free_text(address: Address, message: Message, now: dt.datetime) -> bool:
    """Whether WhatsApp's window does not matter, or is open."""
    if message.channel != Channel.WHATSAPP or message.message_key == REPLY_WAITING:
        return True
    return is_window_open(address.last_inbound_at, address.window_closed_at, now)


def _end(message: Message, status: DeliveryStatus, reason: str) -> bool:
    message.delivery_status = status
    message.last_error = reason
    message.next_attempt_at = None
    return False


def _may_confirm(db: Session, address: Address, message: Message) -> bool:
    """The one word that confirms a STOP may still go, unless the carrier has confirmed it or blocks us."""
    return message.message_key == STOP_CONFIRMED and not is_blocked_by_carrier(db, address.id)


def _is_over_budget(db: Session, settings: Settings, message: Message, parts: int, now: dt.datetime) -> bool:
    if message.channel != Channel.SMS or is_exempt_from_budget(message):
        return False
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    used = (
        select(func.coalesce(func.sum(Delivery.sms_parts), 0))
        .join(Message, Message.id == Delivery.message_id)
        .where(Delivery.attempted_at >= midnight)
    )
    for limit, condition in (
        (settings.sms_parts_per_day, None),
        (settings.sms_parts_per_day_and_language, Message.language == message.language),
    ):
        query = used if condition is None else used.where(condition)
        if limit and (db.scalar(query) or 0) + parts > limit:
            return True
    return False


def _mark(db: Session, address: Address, message: Message, now: dt.datetime, fit: Fit | None) -> Attempt:
    planned = plan_parts(message)
    rows = list(db.scalars(select(Delivery).where(Delivery.message_id == message.id).order_by(Delivery.part)))
    if not rows:
        rows = [
            Delivery(
                id=uuid.uuid4(),
                message_id=message.id,
                part=index,
                kind=part.kind,
                status=DeliveryStatus.QUEUED,
                attempts=0,
                sms_parts=part.sms_parts,
            )
            for index, part in enumerate(planned)
        ]
        db.add_all(rows)
    row = next(row for row in rows if row.status == DeliveryStatus.QUEUED)
    row.status = message.delivery_status = DeliveryStatus.SENDING
    row.attempts += 1
    row.attempted_at = now
    row.error_code = None
    # A mark may outlive its worker; from then on it is looked up, not sent.
    message.next_attempt_at = None
    part = planned[row.part]
    # The window may have closed, or opened, since it was planned. A follow-up is always one part.
    row.kind = part.kind if fit is None else DeliveryKind.TEMPLATE
    return Attempt(
        delivery_id=row.id,
        message_id=message.id,
        attempted_at=now,
        channel=message.channel,
        kind=row.kind,
        body=part.body,
        send_to=readable_address(address),
        our_address=address.our_address,
        language=message.language,
        options=message.options or [],
        fit=fit,
    )


def find_template(db: Session, settings: Settings, language: str | None) -> tuple[str, str] | None:
    """(language, ContentSid) of the approved "you have a reply": in this language, else in English."""
    for wanted in dict.fromkeys((language or "en", "en")):
        if wanted in settings.whatsapp_reply_templates:
            return wanted, settings.whatsapp_reply_templates[wanted]
        sid = db.scalar(
            select(MessageTemplate.content_sid).where(
                MessageTemplate.purpose == REPLY_WAITING, MessageTemplate.language == wanted
            )
        )
        if sid is not None:
            return wanted, sid
    return None
