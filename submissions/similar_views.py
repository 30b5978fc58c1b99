"""Views that say nearly the same, in whatever language: near-duplicates, and letters of an organised
campaign.

They are grouped so that a reviewer sees them together; nothing is merged or deleted, and each still counts as
one contribution.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from submissions.models import Submission, SubmissionStatus, ViewIndex
from submissions.search_words import words_of
from submissions.vectors import Vectors, nearest

# Measured with `python -m evals.similar_views`: docs/figures.md has the tables. In one language:
SAME_FROM = 0.95
# Of two views' English, one of them a translation: the same meaning, or nearly it in many of the same words.
SAME_IN_ENGLISH_FROM = 0.95
NEARLY_SAME_IN_ENGLISH_FROM, SAME_WORDS_FROM = 0.90, 0.35
# Very short texts are alike by their length alone ("Thank you."): they are never grouped.
SHORTEST_CHARACTERS = 25
_NEIGHBOURS = 20
MOST_BY_WORDS = 50
_LONGER, _LOOKED_FOR = 4, 8
ENGLISH = "en"
SHOWN = 50


@dataclass(frozen=True)
class Similar:
    """Another view of the same group."""

    reference: str
    language: str | None
    start: str  # of the original
    status: str


def put_in_group(
    db: Session, row: ViewIndex, vector: Vectors, english: Vectors | None, perhaps: Collection[uuid.UUID] = ()
) -> None:
    """Gives the row the group of the views it is nearest to, a new one, or none; groups that meet become one.

    `vector` (384) is the original's and `english` that of its English, which an English view is itself;
    `perhaps` are views that share words with it. Call with the row flushed. Its own old group is left first,
    so that a view that was added to is judged anew.
    """
    row.group_id, row.group_similarity = None, None
    if len(row.original.strip()) < SHORTEST_CHARACTERS:
        return
    near = nearest(db, vector, _NEIGHBOURS + 1)
    similarity = {hit.submission_id: hit.similarity for hit in near if hit.similarity >= SAME_FROM}
    if english is not None:
        in_english = nearest(db, english, _NEIGHBOURS + 1)
        candidates = {hit.submission_id for hit in (*near, *in_english)} | set(perhaps)
        similarity |= _same_in_english(db, row, english, candidates - similarity.keys())
    similarity.pop(row.submission_id, None)
    others = list(
        db.scalars(select(ViewIndex).where(ViewIndex.submission_id.in_(similarity)).order_by(ViewIndex.id))
    )
    others = [other for other in others if len(other.original.strip()) >= SHORTEST_CHARACTERS]
    if not others:
        return
    known = list(dict.fromkeys(other.group_id for other in others if other.group_id is not None))
    group_id = known[0] if known else uuid.uuid4()
    for surplus in known[1:]:
        db.execute(update(ViewIndex).where(ViewIndex.group_id == surplus).values(group_id=group_id))
    for other in others:
        if other.group_id is None:
            other.group_id, other.group_similarity = group_id, similarity[other.submission_id]
    row.group_id = group_id
    row.group_similarity = max(similarity[other.submission_id] for other in others)


def _same_in_english(
    db: Session, row: ViewIndex, english: Vectors, candidates: Collection[uuid.UUID]
) -> dict[uuid.UUID, float]:
    """Those of the candidates whose English says the same, with the cosine; at least one of the two is a
    translation, since English views are compared as they came."""
    found: dict[uuid.UUID, float] = {}
    rows = db.execute(
        select(ViewIndex, Submission.source_language)
        .join(Submission, Submission.id == ViewIndex.submission_id)
        .where(ViewIndex.submission_id.in_(candidates), ViewIndex.model == row.model)
    )
    for other, language in rows:
        content = other.vector if language == ENGLISH else other.english_vector
        if content is None or (row.english_vector is None and language == ENGLISH):
            continue
        similarity = float(np.frombuffer(content, dtype="<f4") @ english)
        if is_same_in_english(similarity, row.english or row.original, other.english or other.original):
            found[other.submission_id] = similarity
    return found


def is_same_in_english(similarity: float, first: str, second: str) -> bool:
    """Whether two English texts, one of them a translation, say the same; `similarity` is their cosine."""
    return similarity >= SAME_IN_ENGLISH_FROM or (
        similarity >= NEARLY_SAME_IN_ENGLISH_FROM and shared_words(first, second) >= SAME_WORDS_FROM
    )


def shared_words(first: str, second: str) -> float:
    """How many of the two texts' longer words stand in both, 0 to 1."""
    words = [{word for word in words_of(text).split() if len(word) >= _LONGER} for text in (first, second)]
    together = words[0] | words[1]
    return len(words[0] & words[1]) / len(together) if together else 0.0


def telling_words(text: str) -> str:
    """The longest words of a text, by which others like it are looked for."""
    return " ".join(sorted(words_of(text).split(), key=lambda word: (-len(word), word))[:_LOOKED_FOR])


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
