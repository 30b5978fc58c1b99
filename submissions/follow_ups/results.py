"""What became of a follow-up, by language: sent, delivered, failed, opted out, answered."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from submissions.database import unit_of_work
from submissions.models import (
    DeliveryStatus,
    FollowUpRecipient,
    Message,
    OptOut,
    Purpose,
    RecipientState,
    utc_now,
)
from translations.languages import LANGUAGES

OUTCOMES_FOLLOWED = dt.timedelta(days=60)
_DELIVERED = (DeliveryStatus.DELIVERED, DeliveryStatus.READ)
_FAILED = (DeliveryStatus.FAILED, DeliveryStatus.UNDELIVERED)
_WAITING = (DeliveryStatus.QUEUED, DeliveryStatus.HELD, DeliveryStatus.SENDING, None)


@dataclass(frozen=True)
class LanguageResult:
    """`people` = waiting + passed_over + sent + failed; the others are among the sent."""

    language: str | None  # None: all languages
    people: int
    waiting: int
    passed_over: int
    sent: int
    delivered: int
    failed: int
    opted_out: int
    answered: int


@dataclass(frozen=True)
class Results:
    languages: list[LanguageResult]
    total: LanguageResult
    reasons: list[tuple[str, int]]  # why somebody was passed over or a text failed, most first
    parts: int
    cost_pence: float


def results_of(db: Session, follow_up_id: uuid.UUID, part_pence: float) -> Results:
    """As it stands now."""
    rows = db.execute(
        select(FollowUpRecipient, Message.delivery_status, Message.last_error)
        .outerjoin(Message, Message.id == FollowUpRecipient.message_id)
        .where(FollowUpRecipient.follow_up_id == follow_up_id)
    ).all()
    counted = [(row, status or row.delivery_status, error) for row, status, error in rows]
    languages = sorted(
        {row.language for row, _, _ in counted},
        key=lambda code: LANGUAGES[code].english_name if code in LANGUAGES else code,
    )
    reasons: Counter[str] = Counter()
    for row, status, error in counted:
        if row.state == RecipientState.SKIPPED:
            reasons[row.reason or "no reason given"] += 1
        elif status in (*_FAILED, DeliveryStatus.CANCELED, DeliveryStatus.HELD):
            reasons[error or "no reason given"] += 1
    parts = sum(row.sms_parts for row, status, _ in counted if status != DeliveryStatus.CANCELED)
    return Results(
        languages=[_count(code, [one for one in counted if one[0].language == code]) for code in languages],
        total=_count(None, counted),
        reasons=reasons.most_common(),
        parts=parts,
        cost_pence=parts * part_pence,
    )


def _count(
    language: str | None, rows: list[tuple[FollowUpRecipient, str | None, str | None]]
) -> LanguageResult:
    queued = [(row, status) for row, status, _ in rows if row.state == RecipientState.QUEUED]
    canceled = sum(status == DeliveryStatus.CANCELED for _, status in queued)
    failed = sum(status in _FAILED for _, status in queued)
    in_outbox = sum(status in _WAITING for _, status in queued)
    return LanguageResult(
        language=language,
        people=len(rows),
        waiting=sum(row.state == RecipientState.WAITING for row, _, _ in rows) + in_outbox,
        passed_over=sum(row.state == RecipientState.SKIPPED for row, _, _ in rows) + canceled,
        sent=len(queued) - canceled - failed - in_outbox,
        delivered=sum(status in _DELIVERED for _, status in queued),
        failed=failed,
        opted_out=sum(row.opted_out_at is not None for row, _ in queued),
        answered=sum(row.answered_at is not None for row, _ in queued),
    )


def note_outcomes(now: dt.datetime | None = None) -> None:
    """Copies what became of each text beside the person's row, since messages are deleted before figures are;
    and who stopped follow-ups after one. Runs every minute."""
    since = (now or utc_now()) - OUTCOMES_FOLLOWED
    with unit_of_work(read_only=True) as db:
        if not _changed(db, since) and not _stopped_since(db, since):
            return
    with unit_of_work() as db:
        for row, status in _changed(db, since):
            row.delivery_status = status
        for row, opted_out_at in _stopped_since(db, since):
            row.opted_out_at = opted_out_at


def _changed(db: Session, since: dt.datetime) -> list[tuple[FollowUpRecipient, str | None]]:
    rows = db.execute(
        select(FollowUpRecipient, Message.delivery_status)
        .join(Message, Message.id == FollowUpRecipient.message_id)
        .where(
            FollowUpRecipient.queued_at >= since,
            or_(
                FollowUpRecipient.delivery_status.is_(None),
                FollowUpRecipient.delivery_status != Message.delivery_status,
            ),
        )
        .order_by(FollowUpRecipient.id)
    )
    return [(row, status) for row, status in rows]


def _stopped_since(db: Session, since: dt.datetime) -> list[tuple[FollowUpRecipient, dt.datetime]]:
    """A wish to stop counts for the last text before it, once."""
    rows = db.execute(
        select(FollowUpRecipient, OptOut.opted_out_at)
        .join(OptOut, OptOut.address_id == FollowUpRecipient.address_id)
        .where(
            OptOut.purpose == Purpose.FOLLOW_UPS,
            FollowUpRecipient.state == RecipientState.QUEUED,
            FollowUpRecipient.queued_at >= since,
            OptOut.opted_out_at >= FollowUpRecipient.queued_at,
        )
        .order_by(FollowUpRecipient.queued_at)
    ).all()
    latest = {(row.address_id, stopped_at): row for row, stopped_at in rows}
    return sorted(
        ((row, stopped_at) for (_, stopped_at), row in latest.items() if row.opted_out_at is None),
        key=lambda one: one[0].id,
    )
