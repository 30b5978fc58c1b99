"""Who asked us to stop, and asked us to go on: written once each, asked before every send, never deleted."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.models import Address, OptOut, OptOutWay, Purpose, utc_now

EVERY_PURPOSE = (Purpose.CONVERSATION, Purpose.FOLLOW_UPS)


def is_opted_out(db: Session, address_id: uuid.UUID, purpose: Purpose) -> bool:
    """Whether nothing may be sent to this address for this purpose."""
    return bool(
        db.scalar(
            select(
                exists().where(
                    OptOut.address_id == address_id, OptOut.purpose == purpose, OptOut.ended_at.is_(None)
                )
            )
        )
    )


def is_blocked_by_carrier(db: Session, address_id: uuid.UUID) -> bool:
    """Whether the carrier itself keeps our messages back, until they tell the carrier otherwise."""
    by_carrier = exists().where(
        OptOut.address_id == address_id,
        OptOut.ended_at.is_(None),
        OptOut.way.in_([OptOutWay.CARRIER, OptOutWay.REFUSED]),
    )
    return bool(db.scalar(select(by_carrier)))


def record_opt_out(
    db: Session,
    address: Address,
    *,
    way: OptOutWay,
    words: str | None,
    purposes: tuple[Purpose, ...] = EVERY_PURPOSE,
    at: dt.datetime | None = None,
) -> None:
    """Nothing is sent to this address from now on, for these purposes; repeating it changes nothing.

    Call with the address locked.
    """
    address.stop_asked_at = address.stop_asked_message_id = None
    for purpose in purposes:
        if not is_opted_out(db, address.id, purpose):
            db.add(
                OptOut(
                    address_id=address.id,
                    purpose=purpose,
                    way=way,
                    words=words,
                    opted_out_at=at or utc_now(),
                )
            )
            audit.record(
                db, audit.RESIDENT, "opt_out.recorded", "address", address.id, purpose=purpose, way=way
            )
    db.flush()


def end_opt_out(
    db: Session,
    address: Address,
    *,
    way: OptOutWay,
    words: str | None,
    purposes: tuple[Purpose, ...] = EVERY_PURPOSE,
) -> bool:
    """They want to hear from us again; what was recorded before stays. False when they never had stopped.

    Call with the address locked.
    """
    in_force = db.scalars(
        select(OptOut).where(
            OptOut.address_id == address.id, OptOut.purpose.in_(purposes), OptOut.ended_at.is_(None)
        )
    ).all()
    for row in in_force:
        row.ended_at = utc_now()
        row.ended_way = way
        row.ended_words = words
        audit.record(db, audit.RESIDENT, "opt_out.ended", "address", address.id, purpose=row.purpose, way=way)
    db.flush()
    return bool(in_force)
