"""Finds views by what they mean and by their words, across languages: an English question finds an
Arabic view.

Two lists, one by full text (the original and its English) and one by the nearness of e5 vectors, are
joined by reciprocal rank: what stands high in either comes first. Source of the method and of its
constant: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion", SIGIR 2009.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from submissions import similar_views, vectors, word_search
from submissions.database import is_postgresql
from submissions.models import Submission, ViewIndex
from submissions.search_words import question_words
from submissions.translation_memory import sentence_key
from submissions.view_indexing import ViewTexts, index_words, texts_of
from translations import embeddings

__all__ = ["Hit", "ViewTexts", "find", "index_view", "kept_vector", "texts_of"]

_RANK_CONSTANT = 60
QUESTION_CHARACTERS = 500
NEWEST_RANKED = 2_000
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
    """The views with any of the words, the best of the newest first."""
    words = question_words(" ".join(word for word in question.split() if word.lower() not in _COMMON))
    if not words:
        return []
    query = word_search.any_of(db, words)
    if is_postgresql(db):
        # The newest are looked at: to rank a hundred thousand that have a common word would take seconds.
        statement = (
            "SELECT submission_id FROM (SELECT id, submission_id, view_index_words FROM view_index "
            "WHERE view_index_words @@ CAST(:query AS tsquery) ORDER BY id DESC LIMIT :newest) AS newest "
            "ORDER BY ts_rank(view_index_words, CAST(:query AS tsquery)) DESC, id DESC LIMIT :limit"
        )
    else:
        statement = (
            "SELECT view_index.submission_id FROM (SELECT rowid AS id, rank AS score FROM view_index_words "
            "WHERE view_index_words MATCH :query ORDER BY rowid DESC LIMIT :newest) AS newest "
            "JOIN view_index ON view_index.id = newest.id ORDER BY newest.score, newest.id DESC LIMIT :limit"
        )
    rows = db.execute(text(statement), {"query": query, "newest": NEWEST_RANKED, "limit": limit})
    return [row[0] if isinstance(row[0], uuid.UUID) else uuid.UUID(row[0]) for row in rows]


def index_view(
    db: Session,
    submission_id: uuid.UUID,
    texts: ViewTexts,
    vector: vectors.Vectors,
    english_vector: vectors.Vectors | None = None,
) -> ViewIndex | None:
    """Puts the view where searches find it, and beside the views that say the same; None: it is not sent, or
    taken back.

    `vector` (384) is that of the whole original, `english_vector` that of its English if it is in another
    language. Call in a unit of work that holds the submission's row.
    """
    row = index_words(db, submission_id)
    if row is None:
        return None
    row.model, row.vector = embeddings.MODEL_NAME, np.asarray(vector, dtype="<f4").tobytes()
    key = sentence_key(texts.original)
    english_key = None if english_vector is None else sentence_key(texts.english)
    is_new_text = (row.vector_sha256, row.english_sha256) != (key, english_key)
    row.vector_sha256, row.english_sha256 = key, english_key
    row.english_vector = None if english_vector is None else np.asarray(english_vector, dtype="<f4").tobytes()
    db.flush()
    if is_new_text:
        _put_in_group(db, row, vector, english_vector)
    return row


def _put_in_group(
    db: Session, row: ViewIndex, vector: vectors.Vectors, english_vector: vectors.Vectors | None
) -> None:
    language = db.scalar(select(Submission.source_language).where(Submission.id == row.submission_id))
    english = vector if language == similar_views.ENGLISH else english_vector
    perhaps: list[uuid.UUID] = []
    if english is not None:
        words = similar_views.telling_words(row.english or row.original)
        perhaps = _by_words(db, words, similar_views.MOST_BY_WORDS)
    similar_views.put_in_group(db, row, vector, english, perhaps)


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
