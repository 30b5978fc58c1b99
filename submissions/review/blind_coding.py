"""Blind coding: while somebody has views of a round to code, no page shows what others made of its views.

Not their themes, sub-codes and evidence, not what a machine proposed, not the history of these, and no list
by theme. Who has coded all of their views sees everything again, and changes no coding from then on.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from submissions.codeframes import State, standing
from submissions.models import AuditEntry, Coding, CodingItem, CodingRound, Submission, SubmissionStatus
from submissions.review.sessions import Principal

# Entries of the audit that tell which theme somebody gave.
_TELLING = ("theme.", "sub_codes.", "evidence.", "coding.")


@dataclass(frozen=True)
class BlindRound:
    id: uuid.UUID
    name: str


def rounds(db: Session, principal: Principal) -> list[BlindRound]:
    """The rounds that go on in which this person still has a view to code; asked once in a unit of work."""
    if principal.reviewer_id is None:
        return []  # a program codes nothing
    kept = db.info.setdefault("blind rounds", {})
    if principal.reviewer_id not in kept:
        kept[principal.reviewer_id] = _rounds(db, principal.reviewer_id)
    found: list[BlindRound] = kept[principal.reviewer_id]
    return found


def _rounds(db: Session, reviewer_id: uuid.UUID) -> list[BlindRound]:
    rows: list[CodingRound] = []
    for is_first, coder in ((True, CodingRound.first_coder_id), (False, CodingRound.second_coder_id)):
        coded = exists().where(Coding.item_id == CodingItem.id, Coding.is_first_coder.is_(is_first))
        has_more = exists().where(
            CodingItem.round_id == CodingRound.id,
            Submission.id == CodingItem.submission_id,
            Submission.status != SubmissionStatus.WITHDRAWN,
            ~coded,
        )
        rows += db.scalars(select(CodingRound).where(coder == reviewer_id, has_more))
    if not rows:
        return []
    now = standing(db)
    # A round of an earlier codeframe cannot be gone on with.
    return [
        BlindRound(row.id, row.name)
        for row in rows
        if now.state == State.SIGNED and row.codeframe_version == now.version
    ]


def views(db: Session, principal: Principal) -> frozenset[uuid.UUID]:
    """The submissions whose themes this person must not see now."""
    ids = [one.id for one in rounds(db, principal)]
    if not ids:
        return frozenset()
    return frozenset(db.scalars(select(CodingItem.submission_id).where(CodingItem.round_id.in_(ids))))


def round_of(db: Session, principal: Principal, submission_id: uuid.UUID) -> BlindRound | None:
    """The round because of which this person sees no themes of this view."""
    found = rounds(db, principal)
    if not found:
        return None
    round_id = db.scalar(
        select(CodingItem.round_id)
        .where(CodingItem.submission_id == submission_id, CodingItem.round_id.in_([one.id for one in found]))
        .limit(1)
    )
    return next((one for one in found if one.id == round_id), None)


def without_themes(history: Sequence[AuditEntry]) -> list[AuditEntry]:
    """The history of a view without what tells of its themes."""
    return [entry for entry in history if not entry.action.startswith(_TELLING)]
