"""What waits to be sent on the telephone: holding it, letting it go, and the switch that stops all sending.

`channels.outbox_worker` sends it. On the web a message is out as soon as it is kept.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.models import (
    Address,
    Channel,
    ConversationAddress,
    DeliveryStatus,
    Direction,
    Message,
    Purpose,
    SendingState,
    utc_now,
)

PHONE_CHANNELS = (Channel.SMS, Channel.WHATSAPP)
STOPPED = "stopped"  # the row of the kill switch
TROUBLE = "trouble"  # the row of what keeps the carrier from taking anything
# Message keys of what nobody asked for at that moment; all others belong to the conversation.
FOLLOW_UP_PREFIXES = ("follow_up", "outcome")
WAITS_FOR_WINDOW = "waits until they write again: outside WhatsApp's 24 hours"


def purpose_of(message_key: str | None) -> Purpose:
    """What a message is for, which decides whose opt-out holds for it."""
    is_follow_up = (message_key or "").startswith(FOLLOW_UP_PREFIXES)
    return Purpose.FOLLOW_UPS if is_follow_up else Purpose.CONVERSATION


def hold(message: Message, reason: str) -> None:
    """Not to be sent before something happens; `reason` is what the team reads."""
    message.delivery_status = DeliveryStatus.HELD
    message.last_error = reason
    message.next_attempt_at = None


def release_held(db: Session, address: Address) -> None:
    """Queues what was held for this person: they have written, so WhatsApp's window is open."""
    db.execute(
        update(Message)
        .where(
            Message.delivery_status == DeliveryStatus.HELD,
            Message.conversation_id.in_(
                select(ConversationAddress.conversation_id).where(
                    ConversationAddress.address_id == address.id
                )
            ),
        )
        .values(delivery_status=DeliveryStatus.QUEUED, last_error=None, next_attempt_at=None)
    )


def stop_sending(actor: str, reason: str) -> None:
    """Sends nothing from now on, in any process; receiving goes on, and what is written waits."""
    _set_state(STOPPED, actor, reason)


def resume_sending(actor: str) -> None:
    """Sends again, what has waited included."""
    with unit_of_work() as db:
        for name in (STOPPED, TROUBLE):
            row = db.get(SendingState, name)
            if row is not None:
                db.delete(row)
        audit.record(db, actor, "sending.resumed", "sending", STOPPED)


def note_trouble(reason: str) -> None:
    """The carrier takes nothing from us at the moment; the desk shows it until a message has been taken."""
    _set_state(TROUBLE, audit.SYSTEM, reason)


def _set_state(name: str, actor: str, reason: str) -> None:
    with unit_of_work() as db:
        row = db.get(SendingState, name, with_for_update=True)
        if row is None:
            db.add(SendingState(name=name, details={"reason": reason}, changed_by=actor))
            audit.record(db, actor, f"sending.{name}", "sending", name)
        elif row.details.get("reason") != reason:
            row.details = {"reason": reason}
            row.changed_at = utc_now()
            row.changed_by = actor


def is_stopped(db: Session) -> bool:
    """Whether somebody has pulled the switch."""
    return db.get(SendingState, STOPPED) is not None


@dataclass(frozen=True)
class SendingProblems:
    """What the team should know of sending; counts only."""

    stopped_reason: str | None
    trouble: str | None
    waiting: int  # queued for longer than `late_after`
    held: int
    failed: list[tuple[str, int]]  # (reason, how many in the last week), most first

    def __bool__(self) -> bool:
        return bool(self.stopped_reason or self.trouble or self.waiting or self.held or self.failed)


def find_sending_problems(
    db: Session, *, late_after: dt.timedelta = dt.timedelta(minutes=5)
) -> SendingProblems:
    """What does not go out as it should."""
    outbound = (Message.direction == Direction.OUTBOUND, Message.channel.in_(PHONE_CHANNELS))

    def count(*conditions: object) -> int:
        query = select(func.count()).select_from(Message).where(*outbound, *conditions)  # type: ignore[arg-type]
        return db.scalar(query) or 0

    failed = db.execute(
        select(Message.last_error, func.count())
        .where(
            *outbound,
            Message.delivery_status.in_([DeliveryStatus.FAILED, DeliveryStatus.UNDELIVERED]),
            Message.created_at > utc_now() - dt.timedelta(days=7),
        )
        .group_by(Message.last_error)
        .order_by(func.count().desc())
    ).all()
    return SendingProblems(
        stopped_reason=_reason(db, STOPPED),
        trouble=_reason(db, TROUBLE),
        waiting=count(
            Message.delivery_status == DeliveryStatus.QUEUED, Message.created_at < utc_now() - late_after
        ),
        held=count(Message.delivery_status == DeliveryStatus.HELD),
        failed=[(reason or "no reason given", number) for reason, number in failed],
    )


def _reason(db: Session, name: str) -> str | None:
    row = db.get(SendingState, name)
    return None if row is None else str(row.details.get("reason") or "no reason given")
