"""Queueing a follow-up in batches, each person once, and what forbids a text at the last moment.

The mark on a person's row and the message in the outbox are one commit, so a crash leaves either both or
neither. The outbox then sends the message once.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.addresses import conversation_with, lock_address
from submissions.commission import get_commission
from submissions.conversations import OutboundMessage, find_conversation, record_outbound_message
from submissions.database import unit_of_work
from submissions.follow_ups import approval, ledger
from submissions.follow_ups.attendees import NOT_ON_LIST
from submissions.follow_ups.clock import may_text_at
from submissions.follow_ups.templates import find_fit
from submissions.follow_ups.texts import MESSAGE_KEY
from submissions.models import (
    Address,
    Attendee,
    Channel,
    DeliveryStatus,
    FollowUp,
    FollowUpRecipient,
    FollowUpState,
    FollowUpText,
    Message,
    Purpose,
    RecipientState,
    utc_now,
)
from submissions.opt_outs import is_opted_out
from submissions.outbox import is_stopped
from submissions.sms_text import count_sms_parts
from submissions.whatsapp_window import is_window_open
from translations.languages import direction_of

logger = logging.getLogger(__name__)

PREFIX = "follow_up"
# Why a text in the outbox is held; it goes back into the queue when the reason has gone.
QUIET_HOURS = "waits for the morning: texts of this kind are sent in the day only"
PAUSED = "the follow-up is paused"
OVER_BUDGET = "the follow-up's budget is used up"
PASSING_REASONS = (QUIET_HOURS, PAUSED)
# Why somebody was passed over for good.
OPTED_OUT, AT_CAP, UNREACHABLE = "opted out", "texted often enough", "cannot be reached"
NO_TEMPLATE = "outside WhatsApp's 24 hours, and WhatsApp has not approved the text in their language"
BUDGET_USED_UP = "The budget is used up."


def queue_next_batches(now: dt.datetime | None = None) -> int:
    """Queues the next texts of every follow-up that is being sent; how many. Runs every minute.

    Nothing outside the hours, nothing while all sending is stopped, and no more while the batch before is
    still in the outbox, so that a pause takes effect. Safe in any number of processes.
    """
    at = now or utc_now()
    if not may_text_at(at):
        return 0
    release_held(at)
    with unit_of_work(read_only=True) as db:
        if is_stopped(db):
            return 0
        being_sent = list(
            db.scalars(
                select(FollowUp.id)
                .where(FollowUp.state == FollowUpState.SENDING)
                .order_by(FollowUp.approved_at)
            )
        )
    batch = get_commission().follow_ups.batch
    queued = 0
    for follow_up_id in being_sent:
        for _ in range(batch - _in_outbox(follow_up_id)):
            if not _take_next(follow_up_id, at):
                break
            queued += 1
    if queued:
        logger.info("follow-ups: %s texts queued", queued)
    return queued


def _in_outbox(follow_up_id: uuid.UUID) -> int:
    waiting = (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)
    with unit_of_work(read_only=True) as db:
        return (
            db.scalar(
                select(func.count())
                .select_from(FollowUpRecipient)
                .join(Message, Message.id == FollowUpRecipient.message_id)
                .where(FollowUpRecipient.follow_up_id == follow_up_id, Message.delivery_status.in_(waiting))
            )
            or 0
        )


def _take_next(follow_up_id: uuid.UUID, now: dt.datetime) -> bool:
    """Queues or passes over one person, in a unit of work of its own. False when there is none to take."""
    with unit_of_work() as db:
        follow_up = approval.lock(db, follow_up_id)  # one person at a time, and no pause in between
        if follow_up.state != FollowUpState.SENDING:
            return False
        recipient = db.scalars(
            select(FollowUpRecipient)
            .where(
                FollowUpRecipient.follow_up_id == follow_up_id,
                FollowUpRecipient.state == RecipientState.WAITING,
            )
            .order_by(FollowUpRecipient.id)
            .limit(1)
        ).first()
        if recipient is None:
            _finish(db, follow_up, now)
            return False
        text = db.get(FollowUpText, recipient.text_id) if recipient.text_id else None
        address = _lock_person(db, recipient)
        reason: str | None = NOT_ON_LIST
        if address is not None and text is not None:
            reason = _forbidden(db, recipient, address, text, now)
        if reason is not None or address is None or text is None:
            recipient.state, recipient.reason = RecipientState.SKIPPED, reason
            return True
        parts = count_sms_parts(text.text) if address.channel == Channel.SMS else 0
        if _cost_with(db, follow_up, parts) > follow_up.budget_pence:
            follow_up.state, follow_up.pause_reason = FollowUpState.PAUSED, BUDGET_USED_UP
            audit.record(db, audit.SYSTEM, "follow_up.paused", "follow_up", follow_up_id)
            return False
        _queue(db, recipient, address, text, parts, now)
        return True


def _lock_person(db: Session, recipient: FollowUpRecipient) -> Address | None:
    """The address, locked, with the person's rows on all lists: another follow-up must not count them at the
    same time. None when they were taken off the list or their number was deleted."""
    rows = db.scalars(
        select(Attendee)
        .where(Attendee.person_hash == recipient.person_hash)
        .order_by(Attendee.id)
        .with_for_update()
    ).all()
    # Read again: it is emptied when somebody takes the attendee off the list.
    db.refresh(recipient)
    mine = next((row for row in rows if row.id == recipient.attendee_id), None)
    return lock_address(db, mine.address_id) if mine is not None else None


def _forbidden(
    db: Session, recipient: FollowUpRecipient, address: Address, text: FollowUpText, now: dt.datetime
) -> str | None:
    if is_opted_out(db, address.id, Purpose.FOLLOW_UPS):
        return OPTED_OUT
    if address.invalid_at is not None or not address.address_encrypted:
        return UNREACHABLE
    person = recipient.person_hash or b""
    if ledger.is_at_cap(ledger.times_asked(db, [person], now).get(person, 0)):
        return AT_CAP
    is_open = is_window_open(address.last_inbound_at, address.window_closed_at, now)
    if address.channel == Channel.WHATSAPP and not is_open:
        fit = find_fit(db, text.language, text.text)
        if fit is None or not fit.is_approved:
            return NO_TEMPLATE
    return None


def _cost_with(db: Session, follow_up: FollowUp, more_parts: int) -> float:
    """What the texts queued so far (without those taken back) and so many parts more cost, in pence."""
    used = db.scalar(
        select(func.coalesce(func.sum(FollowUpRecipient.sms_parts), 0)).where(
            FollowUpRecipient.follow_up_id == follow_up.id,
            func.coalesce(FollowUpRecipient.delivery_status, "") != DeliveryStatus.CANCELED,
        )
    )
    return (int(used or 0) + more_parts) * (follow_up.part_pence or 0.0)


def _queue(
    db: Session,
    recipient: FollowUpRecipient,
    address: Address,
    text: FollowUpText,
    parts: int,
    now: dt.datetime,
) -> None:
    conversation_id = conversation_with(db, address, at=now)
    conversation = find_conversation(db, conversation_id)
    if conversation.language is None:
        # They said which language they read, so their answer is not met with the menu.
        conversation.language, conversation.language_source = text.language, "chosen"
        conversation.is_choosing_language = False
    message = record_outbound_message(
        db,
        conversation_id,
        OutboundMessage(
            message_key=MESSAGE_KEY,
            text=text.text,
            language=text.language,
            blocks=[
                {
                    "text": text.text,
                    "lang": text.language,
                    "dir": direction_of(text.language),
                    "role": "message",
                }
            ],
        ),
    )
    recipient.state = RecipientState.QUEUED
    recipient.queued_at = now
    recipient.message_id = message.id
    recipient.sms_parts = parts
    recipient.delivery_status = message.delivery_status
    db.flush()


def _finish(db: Session, follow_up: FollowUp, now: dt.datetime) -> None:
    """Done when nothing of it can still be paused."""
    open_ = db.scalar(
        select(func.count())
        .select_from(FollowUpRecipient)
        .join(Message, Message.id == FollowUpRecipient.message_id)
        .where(
            FollowUpRecipient.follow_up_id == follow_up.id,
            Message.delivery_status.in_([DeliveryStatus.QUEUED, DeliveryStatus.SENDING])
            | ((Message.delivery_status == DeliveryStatus.HELD) & Message.last_error.in_(PASSING_REASONS)),
        )
    )
    if not open_:
        follow_up.state, follow_up.finished_at = FollowUpState.DONE, now
        audit.record(db, audit.SYSTEM, "follow_up.finished", "follow_up", follow_up.id)


def check_before_sending(db: Session, message: Message, sms_parts: int) -> str | None:
    """For the outbox: why this text must not go now, or None. Everything else it lets pass."""
    if not (message.message_key or "").startswith(PREFIX):
        return None
    row = db.execute(
        select(FollowUpRecipient, FollowUp)
        .join(FollowUp, FollowUp.id == FollowUpRecipient.follow_up_id)
        .where(FollowUpRecipient.message_id == message.id)
    ).one_or_none()
    if row is None:
        return None if may_text_at(utc_now()) else QUIET_HOURS
    recipient, follow_up = row
    if follow_up.state == FollowUpState.CANCELED:
        return approval.CALLED_OFF
    if recipient.attendee_id is None:
        return NOT_ON_LIST
    if follow_up.state == FollowUpState.PAUSED:
        return PAUSED
    if not may_text_at(utc_now()):
        return QUIET_HOURS
    if _cost_with(db, follow_up, sms_parts - recipient.sms_parts) > follow_up.budget_pence:
        return OVER_BUDGET
    return None


def release_held(now: dt.datetime) -> int:
    """Puts back into the queue what was held for a reason that has gone; how many."""
    if not may_text_at(now):
        return 0
    with unit_of_work() as db:
        held = db.scalars(
            select(Message)
            .join(FollowUpRecipient, FollowUpRecipient.message_id == Message.id)
            .join(FollowUp, FollowUp.id == FollowUpRecipient.follow_up_id)
            .where(
                Message.delivery_status == DeliveryStatus.HELD,
                Message.last_error.in_(PASSING_REASONS),
                FollowUp.state.in_([FollowUpState.SENDING, FollowUpState.DONE]),
            )
            .order_by(Message.id)
            .with_for_update(of=Message, skip_locked=True)
        ).all()
        for message in held:
            message.delivery_status, message.last_error = DeliveryStatus.QUEUED, None
        return len(held)
