"""Who was texted what and when, over all forums, so that nobody is asked too often."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from submissions.commission import get_commission
from submissions.follow_ups.attendees import masked_number, person_hash
from submissions.follow_ups.numbers import read_mobile_number
from submissions.models import (
    Address,
    DeliveryStatus,
    FollowUp,
    FollowUpRecipient,
    Forum,
    OptOut,
    Purpose,
    RecipientState,
    utc_now,
)

SHOWN = 200
# A text that never arrived has asked nobody anything.
NOT_REACHED = (DeliveryStatus.CANCELED, DeliveryStatus.FAILED, DeliveryStatus.UNDELIVERED)
_REACHED = (
    FollowUpRecipient.state == RecipientState.QUEUED,
    or_(
        FollowUpRecipient.delivery_status.is_(None),
        FollowUpRecipient.delivery_status.not_in(NOT_REACHED),
    ),
)


@dataclass(frozen=True)
class Contact:
    """One text to one person; the number is masked."""

    number: str
    asked_at: dt.datetime
    follow_up_id: uuid.UUID
    follow_up: str
    forum: str
    language: str
    times: int  # asked within the days that count
    is_at_the_cap: bool
    has_answered: bool
    is_opted_out: bool


def counts_since(now: dt.datetime | None = None) -> dt.datetime:
    """From when on texts count against the cap."""
    return (now or utc_now()) - dt.timedelta(days=get_commission().follow_ups.within_days)


def times_asked(db: Session, people: Collection[bytes], now: dt.datetime | None = None) -> dict[bytes, int]:
    """How often each was texted within the days that count; who was not is not in it."""
    rows = db.execute(
        select(FollowUpRecipient.person_hash, func.count())
        .where(
            FollowUpRecipient.person_hash.in_(people),
            FollowUpRecipient.queued_at >= counts_since(now),
            *_REACHED,
        )
        .group_by(FollowUpRecipient.person_hash)
    )
    return {person: number for person, number in rows if person is not None}


def is_at_cap(times: int) -> bool:
    return times >= get_commission().follow_ups.texts_per_person


def latest_contacts(db: Session, phone: str | None = None) -> list[Contact]:
    """The latest texts first, at most SHOWN; of one person when a number is given.

    Raises NumberNotUsable.
    """
    statement = (
        select(FollowUpRecipient, FollowUp, Forum, Address)
        .join(FollowUp, FollowUp.id == FollowUpRecipient.follow_up_id)
        .join(Forum, Forum.id == FollowUp.forum_id)
        .outerjoin(Address, Address.id == FollowUpRecipient.address_id)
        .where(*_REACHED)
        .order_by(FollowUpRecipient.queued_at.desc(), FollowUpRecipient.id)
        .limit(SHOWN)
    )
    if phone is not None:
        statement = statement.where(FollowUpRecipient.person_hash == person_hash(read_mobile_number(phone)))
    rows = db.execute(statement).all()
    people = {row.person_hash for row, *_ in rows if row.person_hash is not None}
    times = times_asked(db, people)
    silent = _opted_out(db, {row.address_id for row, *_ in rows if row.address_id is not None})
    return [
        Contact(
            number=masked_number(address),
            asked_at=row.queued_at or follow_up.created_at,
            follow_up_id=follow_up.id,
            follow_up=follow_up.name,
            forum=forum.name,
            language=row.language,
            times=times.get(row.person_hash or b"", 0),
            is_at_the_cap=is_at_cap(times.get(row.person_hash or b"", 0)),
            has_answered=row.answered_at is not None,
            is_opted_out=row.address_id in silent,
        )
        for row, follow_up, forum, address in rows
    ]


def _opted_out(db: Session, addresses: Collection[uuid.UUID]) -> set[uuid.UUID]:
    return set(
        db.scalars(
            select(OptOut.address_id).where(
                OptOut.address_id.in_(addresses),
                OptOut.purpose == Purpose.FOLLOW_UPS,
                OptOut.ended_at.is_(None),
            )
        )
    )
