"""What became of a message of ours, as Twilio tells it: kept once, applied in any order, never backwards."""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from channels.send_outcomes import act_on_failure
from submissions.addresses import address_of
from submissions.database import unit_of_work
from submissions.delivery_states import STATE_OF_WORD, UNHAPPY, later_state, state_of_whole
from submissions.models import Delivery, DeliveryReceipt, DeliveryStatus, Message, utc_now

logger = logging.getLogger(__name__)

LONGEST_STATUS = 40
FORGET_AFTER = dt.timedelta(days=30)


def keep_delivery_receipt(
    *, provider_message_id: str, status: str, error_code: str | None, received_at: dt.datetime
) -> None:
    """Keeps a receipt and applies it, if its message is known to us yet; again, it changes nothing.

    Raises DatabaseUnavailable.
    """
    status = status.strip().lower()[:LONGEST_STATUS]
    if not 1 <= len(provider_message_id) <= 60 or not status:
        logger.warning("a receipt without MessageSid or status was let go")
        return
    code = int(error_code) if error_code and error_code.isascii() and error_code.isdecimal() else None
    known = select(DeliveryReceipt.id).where(
        DeliveryReceipt.provider_message_id == provider_message_id, DeliveryReceipt.status == status
    )
    # Two units of work: who commits the message's id later finds the receipt, or the receipt the id.
    with unit_of_work() as db:
        if db.scalar(known) is None:
            try:
                with db.begin_nested():
                    db.add(
                        DeliveryReceipt(
                            provider_message_id=provider_message_id,
                            status=status,
                            error_code=code if code != 0 else None,
                            received_at=received_at,
                        )
                    )
                    db.flush()
            except IntegrityError:
                logger.debug("the receipt was kept by another thread")
    apply_receipts(provider_message_id)


def apply_receipts(provider_message_id: str) -> bool:
    """Applies what is kept for the carrier's id and not applied yet. False when no message has that id."""
    with unit_of_work() as db:
        conversation_id = db.scalar(
            select(Message.conversation_id)
            .join(Delivery, Delivery.message_id == Message.id)
            .where(Delivery.provider_message_id == provider_message_id)
        )
        if conversation_id is None:
            return False
        address_of(db, conversation_id, lock=True)
        row = db.scalars(
            select(Delivery)
            .where(Delivery.provider_message_id == provider_message_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one_or_none()
        if row is None:
            return False
        receipts = db.scalars(
            select(DeliveryReceipt)
            .where(
                DeliveryReceipt.provider_message_id == provider_message_id,
                DeliveryReceipt.applied_at.is_(None),
            )
            .order_by(DeliveryReceipt.received_at)
            .with_for_update()
        ).all()
        for receipt in receipts:
            receipt.applied_at = utc_now()
            if row.provider_message_id == provider_message_id:  # unless one before made it go out anew
                apply_status(db, row, receipt.status, receipt.error_code)
        return True


def apply_status(db: Session, row: Delivery, word: str, error_code: int | None) -> None:
    """Moves a delivery, and its message, forward to the state of the carrier's word, if that is forward.

    Call with the delivery and its address locked.
    """
    message = db.get(Message, row.message_id, with_for_update=True, populate_existing=True)
    if message is None:
        return
    before = DeliveryStatus(row.status)
    after = later_state(before, word)
    if after is before:
        if word not in STATE_OF_WORD:
            row.provider_status = word  # a word we do not know: kept, and it moves nothing
        return
    row.provider_status = word
    address = address_of(db, message.conversation_id)
    if after in UNHAPPY and address is not None:
        act_on_failure(db, row, message, address, code=error_code, failed_as=after)
        return
    row.status = after
    row.error_code = None
    db.flush()
    parts = list(db.scalars(select(Delivery.status).where(Delivery.message_id == message.id)))
    message.delivery_status = state_of_whole(parts)
    if message.delivery_status not in UNHAPPY:
        message.last_error = None


def apply_what_waits() -> int:
    """Applies receipts that came before their message was known and were not met since; how many messages.

    Only a crash between two commits leaves one. Forgets those nobody's message was found for in 30 days.
    """
    with unit_of_work() as db:
        old = select(DeliveryReceipt).where(DeliveryReceipt.received_at < utc_now() - FORGET_AFTER)
        for receipt in db.scalars(old.limit(1000)):
            db.delete(receipt)
    with unit_of_work(read_only=True) as db:
        waiting = db.scalars(
            select(DeliveryReceipt.provider_message_id)
            .join(Delivery, Delivery.provider_message_id == DeliveryReceipt.provider_message_id)
            .where(DeliveryReceipt.applied_at.is_(None))
            .distinct()
        ).all()
    for provider_message_id in waiting:
        apply_receipts(provider_message_id)
    return len(waiting)
