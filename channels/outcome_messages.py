"""Tells those who agreed to hear back that the outcomes are published: one message each, in the day only."""

from __future__ import annotations

import uuid

from huey import crontab
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels import outbox
from channels.rendering import render
from channels.settings import get_settings
from submissions import jobs, outcomes
from submissions.addresses import conversation_with, lock_address
from submissions.conversations import OutboundMessage, find_conversation, record_outbound_message
from submissions.database import unit_of_work
from submissions.follow_ups.clock import may_text_at
from submissions.models import DeliveryStatus, HearBack, Message, Purpose, utc_now
from submissions.opt_outs import is_opted_out

MESSAGE_KEY = "outcome_ready"
OUTCOMES_PATH = "/outcomes"
QUIET_HOURS = "waits for the day: outcomes are not sent at night"
AT_ONCE = 30  # queued in a minute, so that nothing is still waiting when the day ends


def hold_back(db: Session, message: Message, sms_parts: int) -> str | None:
    """For the outbox: what was queued in the day and comes to be sent at night waits for the morning."""
    is_at_night = message.message_key == MESSAGE_KEY and not may_text_at(utc_now())
    return QUIET_HOURS if is_at_night else None


def install() -> None:
    """Makes the check known to the outbox. Again, it changes nothing."""
    if hold_back not in outbox.SENDING_CHECKS:
        outbox.SENDING_CHECKS.append(hold_back)


def add_minute_job() -> None:
    """Has the worker translate outcomes, and tell those who are to hear of them."""
    jobs.get_queue().huey.periodic_task(crontab(minute="*"), name="outcomes")(work_on_outcomes)


def work_on_outcomes() -> None:
    outcomes.translate_waiting()
    tell_contributors()


def tell_contributors() -> int:
    """Queues the message for those who agreed before the last announcement and have not been told; how many.

    The mark "told" and the message are one commit, so a crash anywhere neither loses nor repeats one.
    """
    if not may_text_at(utc_now()):
        return 0
    with unit_of_work() as db:
        db.execute(
            update(Message)
            .where(Message.delivery_status == DeliveryStatus.HELD, Message.last_error == QUIET_HOURS)
            .values(delivery_status=DeliveryStatus.QUEUED, last_error=None)
        )
    with unit_of_work(read_only=True) as db:
        announcement = outcomes.last_announcement(db)
        if announcement is None or not outcomes.published_in(db, "en"):
            return 0
        ids = db.scalars(
            select(HearBack.id).where(
                HearBack.told_at.is_(None),
                HearBack.ended_at.is_(None),
                HearBack.agreed_at <= announcement.announced_at,
            )
        ).all()
    count = 0
    for hear_back_id in ids:
        count += _tell(hear_back_id)
        if count >= AT_ONCE:
            break
    return count


def _tell(hear_back_id: uuid.UUID) -> bool:
    with unit_of_work() as db:
        row = db.scalars(select(HearBack).where(HearBack.id == hear_back_id).with_for_update()).one_or_none()
        if row is None or row.told_at is not None or row.ended_at is not None:
            return False
        address = lock_address(db, row.address_id)
        cannot = address.invalid_at is not None or not address.address_encrypted
        if cannot or is_opted_out(db, address.id, Purpose.FOLLOW_UPS):
            return False
        conversation_id = row.conversation_id or conversation_with(db, address)
        conversation = find_conversation(db, conversation_id)
        where = {"address": get_settings().resolved_public_url + OUTCOMES_PATH}
        said = render(MESSAGE_KEY, where, [], conversation.language, address.channel)
        message = record_outbound_message(
            db,
            conversation_id,
            OutboundMessage(
                message_key=MESSAGE_KEY,
                arguments=where,
                text=said.text,
                blocks=said.blocks,
                language=said.language,
            ),
        )
        row.told_at, row.message_id = utc_now(), message.id
        return True
