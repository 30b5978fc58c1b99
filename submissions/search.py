"""Finds views by what they mean and by their words, across languages: an English question finds an
Arabic view.

Two lists, one by full text (the original and its English) and one by the nearness of e5 vectors, are
joined by reciprocal rank: what stands high in either comes first. Source of the method and of its
constant: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion", SIGIR 2009.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session, selectinload

from submissions import similar_views, vectors
from submissions.database import is_postgresql
from submissions.models import Segment, Submission, SubmissionPart, TranslationStatus, ViewIndex, utc_now
from submissions.translation_memory import sentence_key
from translations import embeddings

_RANK_CONSTANT = 60
QUESTION_CHARACTERS = 500
_WORDS = re.compile(r"\w+")
# Words of a question that say nothing of what it is about; the rest decides.
_COMMON_TEXT = (
    "a an and are about at be by can do does for from has have how i in is it me my not of on or our people "
    "say should that the their there they this to us was we what when where which who why will with you"
)
_COMMON = frozenset(_COMMON_TEXT.split())
# From here on a view counts as about the question: measured, docs/figures.md.
NEAR_FROM = 0.81
# A view further than this behind the nearest is left out, however near it is by itself.
WITHIN_OF_NEAREST = 0.05


@dataclass(frozen=True)
class Hit:
    submission_id: uuid.UUID
    score: float  # for ordering only
    has_words: bool
    similarity: float | None  # cosine of question and view; None when found by its words alone


def find(db: Session, question: str, limit: int = 200) -> list[Hit]:
    """The views that answer to the question, best first, drafts left out; empty for a question without
    words."""
    question = " ".join(question.replace("\0", " ").split())[:QUESTION_CHARACTERS]
    if not any(character.isalnum() for character in question):
        return []
    by_words = _by_words(db, question, limit)
    by_meaning = _by_meaning(db, question, limit)
    words = {submission_id: rank for rank, submission_id in enumerate(by_words)}
    meaning = {near.submission_id: (rank, near.similarity) for rank, near in enumerate(by_meaning)}
    hits = []
    for submission_id in words.keys() | meaning.keys():
        score, similarity = 0.0, None
        if submission_id in words:
            score += 1 / (_RANK_CONSTANT + words[submission_id])
        if submission_id in meaning:
            rank, similarity = meaning[submission_id]
            score += 1 / (_RANK_CONSTANT + rank)
        hits.append(Hit(submission_id, score, submission_id in words, similarity))
    hits.sort(key=lambda hit: (-hit.score, hit.submission_id))
    return hits[:limit]


def _by_meaning(db: Session, question: str, limit: int) -> list[vectors.Near]:
    near = vectors.nearest(db, embeddings.embed([question])[0], limit)
    if not near:
        return []
    least = max(NEAR_FROM, near[0].similarity - WITHIN_OF_NEAREST)
    return [one for one in near if one.similarity >= least]


def _by_words(db: Session, question: str, limit: int) -> list[uuid.UUID]:
    words = [word for word in _WORDS.findall(question) if word.lower() not in _COMMON]
    if not words:
        return []
    if is_postgresql(db):
        # Any of the words; `||` of two tsqueries is "or".
        query = " | ".join(f"'{word}'" for word in words)
        rows = db.execute(
            text(
                "WITH question AS "
                "(SELECT to_tsquery('simple', :query) || to_tsquery('english', :query) AS q) "
                "SELECT submission_id FROM view_index, question "
                "WHERE (to_tsvector('simple', original) || to_tsvector('english', english)) @@ q "
                "ORDER BY ts_rank("
                "to_tsvector('simple', original) || to_tsvector('english', english), q) DESC, id LIMIT :limit"
            ),
            {"query": query, "limit": limit},
        )
        return [row[0] for row in rows]
    match = " OR ".join(f'"{word}"' for word in words)
    rows = db.execute(
        text(
            "SELECT view_index.submission_id FROM view_index_words "
            "JOIN view_index ON view_index.id = view_index_words.rowid "
            "WHERE view_index_words MATCH :match ORDER BY view_index_words.rank, view_index.id LIMIT :limit"
        ),
        {"match": match, "limit": limit},
    )
    return [uuid.UUID(row[0]) for row in rows]


@dataclass(frozen=True)
class ViewTexts:
    """What is indexed of a view: its parts joined, and the English that stands beside them."""

    original: str
    english: str


def texts_of(db: Session, submission_id: uuid.UUID) -> ViewTexts | None:
    """None when the view is gone."""
    submission = db.scalar(
        select(Submission)
        .where(Submission.id == submission_id)
        .options(
            selectinload(Submission.parts)
            .selectinload(SubmissionPart.segments)
            .selectinload(Segment.translations)
        )
    )
    if submission is None:
        return None
    english = []
    for part in submission.parts:
        for segment in part.segments:
            for row in segment.translations:
                if (
                    row.is_current
                    and row.target_language == "en"
                    and row.text
                    and row.status != TranslationStatus.WAITING_FOR_PACKAGE
                ):
                    english.append(row.text.strip())
    return ViewTexts("\n".join(part.original_text for part in submission.parts), " ".join(english))


def index_view(db: Session, submission_id: uuid.UUID, texts: ViewTexts, vector: vectors.Vectors) -> ViewIndex:
    """Puts the view where searches find it, and beside the views that say the same.

    `vector` (384) is that of the whole original. Call in a unit of work that holds the submission's row.
    """
    row = db.scalar(select(ViewIndex).where(ViewIndex.submission_id == submission_id))
    if row is None:
        row = ViewIndex(submission_id=submission_id)
        db.add(row)
    row.original, row.english = texts.original, texts.english
    row.model, row.vector = embeddings.MODEL_NAME, np.asarray(vector, dtype="<f4").tobytes()
    key = sentence_key(texts.original)
    is_new_text, row.vector_sha256 = row.vector_sha256 != key, key
    row.updated_at = utc_now()
    db.flush()
    if is_new_text:
        similar_views.put_in_group(db, row, vector)
    return row


def kept_vector(db: Session, submission_id: uuid.UUID, original: str) -> vectors.Vectors | None:
    """The view's vector, if exactly this text was embedded before by the model of today."""
    row = db.scalar(select(ViewIndex).where(ViewIndex.submission_id == submission_id))
    if (
        row is None
        or row.vector is None
        or row.model != embeddings.MODEL_NAME
        or row.vector_sha256 != sentence_key(original)
    ):
        return None
    return np.frombuffer(row.vector, dtype="<f4")
