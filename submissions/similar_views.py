"""Views that say nearly the same, in whatever language: near-duplicates, and letters of an organised
campaign.

They are grouped so that a reviewer sees them together; nothing is merged or deleted, and each still counts as
one contribution.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from submissions.models import Submission, SubmissionStatus, ViewIndex
from submissions.vectors import nearest

# Measured with `python -m evals.similar_views`: docs/figures.md has the table.
SAME_FROM = 0.95
# Very short texts are alike by their length alone ("Thank you."): they are never grouped.
SHORTEST_CHARACTERS = 25
_NEIGHBOURS = 20
SHOWN = 50


@dataclass(frozen=True)
class Similar:
    """Another view of the same group."""

    reference: str
    language: str | None
    start: str  # of the original
    status: str


def put_in_group(db: Session, row: ViewIndex, vector: NDArray[np.float32]) -> None:
    """Gives the row the group of the views it is nearest to, a new one, or none; groups that meet become one.

    Call with the row flushed. Its own old group is left first, so that a view that was added to is
    judged anew.
    """
    row.group_id, row.group_similarity = None, None
    if len(row.original.strip()) < SHORTEST_CHARACTERS:
        return
    near = [
        hit
        for hit in nearest(db, vector, _NEIGHBOURS + 1)
        if hit.submission_id != row.submission_id and hit.similarity >= SAME_FROM
    ]
    others = list(
        db.scalars(
            select(ViewIndex)
            .where(ViewIndex.submission_id.in_([hit.submission_id for hit in near]))
            .order_by(ViewIndex.id)
        )
    )
    others = [other for other in others if len(other.original.strip()) >= SHORTEST_CHARACTERS]
    if not others:
        return
    similarity = {hit.submission_id: hit.similarity for hit in near}
    known = list(dict.fromkeys(other.group_id for other in others if other.group_id is not None))
    group_id = known[0] if known else uuid.uuid4()
    for surplus in known[1:]:
        db.execute(update(ViewIndex).where(ViewIndex.group_id == surplus).values(group_id=group_id))
    for other in others:
        if other.group_id is None:
            other.group_id, other.group_similarity = group_id, similarity[other.submission_id]
    row.group_id = group_id
    row.group_similarity = max(similarity[other.submission_id] for other in others)


def similar_to(
    db: Session, submission_id: uuid.UUID, among: ColumnElement[bool] | None = None
) -> tuple[list[Similar], int]:
    """(the other views of its group, at most 50 and the oldest first; how many others there are), only
    `among` those the reader may see."""
    group_id = db.scalar(select(ViewIndex.group_id).where(ViewIndex.submission_id == submission_id))
    if group_id is None:
        return [], 0
    rows = db.execute(
        select(Submission.reference, Submission.source_language, ViewIndex.original, Submission.status)
        .join(ViewIndex, ViewIndex.submission_id == Submission.id)
        .where(
            ViewIndex.group_id == group_id,
            Submission.id != submission_id,
            Submission.status != SubmissionStatus.DRAFT,
            *([] if among is None else [among]),
        )
        .order_by(Submission.submitted_at, Submission.id)
    ).all()
    shown = [
        Similar(str(reference), language, " ".join(original.split())[:160], status)
        for reference, language, original, status in rows[:SHOWN]
    ]
    return shown, len(rows)
