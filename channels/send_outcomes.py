"""What came of sending: taken, refused, or not known, and what that means for the message and its address.

A row still marked as being sent after a crash or a time-out may have been sent; `in_doubt` finds it and it is
looked up, so that no row is ever sent twice.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.errors import PermanentSendError, TemporarySendError
from channels.message_parts import plan_parts
from channels.outbox import Attempt
from channels.twilio_client import Remedy, remedy_for
from submissions.addresses import address_of, readable_address
from submissions.database import unit_of_work
from submissions.delivery_states import state_of_whole
from submissions.models import (
    Address,
    ConversationAddress,
    Delivery,
    DeliveryKind,
    DeliveryStatus,
    Message,
    OptOutWay,
    SendingState,
    utc_now,
)
from submissions.opt_outs import record_opt_out
from submissions.outbox import TROUBLE

RETRY_SOON_SECONDS = (2, 5, 15, 60, 300, 900, 1800, 3600, 3600, 7200)
RETRY_LATER_SECONDS = (3600, 4 * 3600, 12 * 3600)


def record_sent(attempt: Attempt, provider_message_id: str, provider_status: str | None) -> bool:
    """The carrier has taken it, under this id. False when somebody else has decided about the attempt."""
    with unit_of_work() as db:
        found = _still_ours(db, attempt)
        if found is None:
            return False
        row, message, _ = found
        row.status = DeliveryStatus.SENT
        row.provider_message_id = provider_message_id
        row.provider_status = provider_status
        row.sent_at = utc_now()
        message.last_error = None
        _follow_parts(db, message)
        trouble = db.get(SendingState, TROUBLE)
        if trouble is not None:
            db.delete(trouble)
        return True


def record_not_sent(attempt: Attempt, error: TemporarySendError | PermanentSendError) -> None:
    """The carrier has surely not taken it: tries again later, or does what the refusal asks for."""
    with unit_of_work() as db:
        found = _still_ours(db, attempt)
        if found is None:
            return
        row, message, address = found
        act_on_failure(db, row, message, address, code=error.code, reason=error.reason, error=error)


def record_unknown(attempt: Attempt, reason: str) -> None:
    """Perhaps sent: the mark stays, and `in_doubt` finds it when Twilio must know."""
    with unit_of_work() as db:
        found = _still_ours(db, attempt)
        if found is not None:
            found[1].last_error = f"being looked up at the carrier: {reason}"


def record_not_found(attempt: Attempt) -> None:
    """Looked up, and the carrier does not know it: it was never sent, and goes back into the queue."""
    with unit_of_work() as db:
        found = _still_ours(db, attempt)
        if found is not None:
            row, message, _ = found
            row.status = message.delivery_status = DeliveryStatus.QUEUED


def _still_ours(db: Session, attempt: Attempt) -> tuple[Delivery, Message, Address] | None:
    """The rows, locked, unless the attempt was decided upon, is another one by now, or was erased."""
    message = db.get(Message, attempt.message_id)
    address = address_of(db, message.conversation_id, lock=True) if message is not None else None
    row = db.get(Delivery, attempt.delivery_id, with_for_update=True, populate_existing=True)
    if (
        message is None
        or address is None
        or row is None
        or row.status != DeliveryStatus.SENDING
        or row.attempted_at != attempt.attempted_at
    ):
        return None
    db.refresh(message, with_for_update=True)
    return row, message, address


def _follow_parts(db: Session, message: Message) -> None:
    db.flush()
    parts = list(db.scalars(select(Delivery.status).where(Delivery.message_id == message.id)))
    message.delivery_status = state_of_whole(parts)


def act_on_failure(
    db: Session,
    row: Delivery,
    message: Message,
    address: Address,
    *,
    code: int | None,
    reason: str | None = None,
    error: TemporarySendError | PermanentSendError | None = None,
    failed_as: DeliveryStatus = DeliveryStatus.FAILED,
) -> None:
    """What a refusal, or a failure that a receipt tells of, means for the message and its address.

    Call with all three locked.
    """
    remedy, words = remedy_for(code)
    if isinstance(error, TemporarySendError) and remedy not in (Remedy.RETRY_SOON, Remedy.RETRY_LATER):
        remedy = Remedy.RETRY_SOON
    if remedy is Remedy.TEMPLATE and row.kind == DeliveryKind.TEMPLATE:
        # It was one, and WhatsApp does not know it as approved: sending it again would change nothing.
        remedy = Remedy.NONE
        address.window_closed_at = utc_now()
    reason = reason or words
    row.error_code = code
    message.last_error = (f"{reason} ({code})" if code else reason)[:300]
    waits = {Remedy.RETRY_SOON: RETRY_SOON_SECONDS, Remedy.RETRY_LATER: RETRY_LATER_SECONDS}.get(remedy, ())
    if remedy is Remedy.TEMPLATE or 0 < row.attempts <= len(waits):
        row.status = DeliveryStatus.QUEUED
        row.provider_message_id = None
        row.sent_at = None
        if remedy is Remedy.TEMPLATE:
            address.window_closed_at = utc_now()
        else:
            # A little disorder, so that what failed together does not come again together.
            seconds = waits[row.attempts - 1] * random.uniform(0.8, 1.3)  # noqa: S311  no secret
            message.next_attempt_at = utc_now() + dt.timedelta(seconds=seconds)
        message.delivery_status = DeliveryStatus.QUEUED
        return
    if remedy is Remedy.OPT_OUT:
        record_opt_out(db, address, way=OptOutWay.REFUSED, words=str(code))
    if remedy is Remedy.BAD_ADDRESS:
        address.invalid_at, address.invalid_code = utc_now(), str(code)
    row.status = failed_as
    message.delivery_status = failed_as
    message.next_attempt_at = None
    # The parts after one that failed would make no sense without it.
    for later in db.scalars(
        select(Delivery).where(Delivery.message_id == message.id, Delivery.status == DeliveryStatus.QUEUED)
    ):
        later.status = DeliveryStatus.CANCELED


def in_doubt(attempted_before: dt.datetime) -> list[Attempt]:
    """Parts marked as being sent for so long that nobody can be sending them any more, the oldest first."""
    with unit_of_work(read_only=True) as db:
        rows = db.execute(
            select(Delivery, Message, Address)
            .join(Message, Message.id == Delivery.message_id)
            .join(ConversationAddress, ConversationAddress.conversation_id == Message.conversation_id)
            .join(Address, Address.id == ConversationAddress.address_id)
            .where(Delivery.status == DeliveryStatus.SENDING, Delivery.attempted_at <= attempted_before)
            .order_by(Delivery.attempted_at)
            .limit(200)
        ).all()
        return [
            Attempt(
                delivery_id=row.id,
                message_id=message.id,
                attempted_at=row.attempted_at,
                channel=message.channel,
                kind=row.kind,
                body=plan_parts(message)[row.part].body,
                send_to=readable_address(address),
                our_address=address.our_address,
                language=message.language,
                options=message.options or [],
            )
            for row, message, address in rows
            if row.attempted_at is not None
        ]


def known_provider_ids(candidates: Collection[str]) -> set[str]:
    """Which of these ids of the carrier belong to deliveries of ours already."""
    with unit_of_work(read_only=True) as db:
        return set(
            db.scalars(
                select(Delivery.provider_message_id).where(Delivery.provider_message_id.in_(candidates))
            )
        ) - {None}  # type: ignore[return-value]
