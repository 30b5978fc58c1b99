"""Linking what somebody writes to the forum they were at: after a follow-up, or by the forum's code word."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from submissions.commission import get_commission
from submissions.follow_ups.attendees import person_hash
from submissions.models import (
    Address,
    ConversationForum,
    DeliveryStatus,
    FollowUp,
    FollowUpRecipient,
    ForumLinkWay,
    Message,
    RecipientState,
    utc_now,
)

# The text has left us, whatever the carrier has told of it since.
_GONE_OUT = (
    DeliveryStatus.SENDING,
    DeliveryStatus.SENT,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.READ,
    DeliveryStatus.UNDELIVERED,
)


def note_answer(
    db: Session, address: Address, message: Message, *, phone: str | None, at: dt.datetime
) -> None:
    """Links the conversation to the forum of the last follow-up that reached this person lately, if any.

    `phone` also finds a text that went to the same person on another channel. Call with the address locked.
    """
    who = [FollowUpRecipient.address_id == address.id]
    if phone is not None:
        who.append(FollowUpRecipient.person_hash == person_hash(phone))
    row = db.execute(
        select(FollowUpRecipient, FollowUp.forum_id)
        .join(FollowUp, FollowUp.id == FollowUpRecipient.follow_up_id)
        .join(Message, Message.id == FollowUpRecipient.message_id)
        .where(
            or_(*who),
            FollowUpRecipient.state == RecipientState.QUEUED,
            FollowUpRecipient.queued_at >= at - _answers_within(),
            FollowUpRecipient.queued_at <= at,
            Message.delivery_status.in_(_GONE_OUT),
        )
        .order_by(FollowUpRecipient.queued_at.desc())
        .limit(1)
    ).first()
    if row is None:
        return
    recipient, forum_id = row
    queued_at = recipient.queued_at or at
    if recipient.answered_at is None:
        recipient.answered_at = at
    link = db.get(ConversationForum, message.conversation_id)
    if link is None or link.way != ForumLinkWay.CODE_WORD or link.linked_at < queued_at:
        link_conversation(db, message.conversation_id, forum_id, ForumLinkWay.FOLLOW_UP, at=at)


def link_conversation(
    db: Session,
    conversation_id: uuid.UUID,
    forum_id: uuid.UUID,
    way: ForumLinkWay,
    *,
    at: dt.datetime | None = None,
) -> None:
    """Views sent from now on belong to this forum. Call with the conversation or its address locked."""
    link = db.get(ConversationForum, conversation_id)
    if link is None:
        link = ConversationForum(conversation_id=conversation_id)
        db.add(link)
    link.forum_id, link.way, link.linked_at = forum_id, way, at or utc_now()
    db.flush()


def forum_of_conversation(db: Session, conversation_id: uuid.UUID) -> uuid.UUID | None:
    """The forum that what is written there now belongs to; None after the days of commission.yml."""
    link = db.get(ConversationForum, conversation_id)
    if link is None or link.linked_at < utc_now() - _answers_within():
        return None
    return link.forum_id


def _answers_within() -> dt.timedelta:
    return dt.timedelta(days=get_commission().follow_ups.answers_days)
