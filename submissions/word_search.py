"""Which views have these words, by the full-text index of SQLite (FTS5) or PostgreSQL (GIN).

Rare words are looked up once, and the few views that have them are known by their ids. Frequent words are
looked for in each view while somebody walks down a list in its order: a page is full before long. Both find
every view that has the words.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, exists, func, literal, select, text
from sqlalchemy.orm import Session

from submissions.database import is_postgresql
from submissions.models import Submission, ViewIndex
from submissions.search_words import QuestionWord, question_words

# From here on a walk down the list is the shorter way: measured, docs/figures.md.
FEW = 5_000
SAMPLE = 1_000


@dataclass(frozen=True)
class Matching:
    """`ids` are all views that have the words, or None when there are more than FEW of them."""

    condition: ColumnElement[bool]
    ids: frozenset[uuid.UUID] | None


def any_of(db: Session, words: Sequence[QuestionWord]) -> str:
    """A query of the full-text index: views with at least one of the words."""
    if is_postgresql(db):
        return " | ".join(word.for_tsquery for word in words) + _stems(db, words, " | ")
    return " OR ".join(word.for_fts5 for word in words)


def all_of(db: Session, words: Sequence[QuestionWord]) -> str:
    """A query of the full-text index: views with each of the words."""
    if is_postgresql(db):
        return " & ".join(f"({word.for_tsquery}{_stems(db, [word], ' | ')})" for word in words)
    return " AND ".join(word.for_fts5 for word in words)


def _stems(db: Session, words: Sequence[QuestionWord], joined_by: str) -> str:
    """The English word without its ending, as PostgreSQL indexes the English of a view."""
    english = [word.text for word in words if word.is_english]
    if not english:
        return ""
    # A word of the dictionary's stop list has no stem.
    stems = db.execute(
        text("SELECT ts_lexize('english_stem', word) FROM unnest(CAST(:words AS text[])) AS word"),
        {"words": english},
    ).scalars()
    return "".join(f"{joined_by}'{stem[0]}'" for stem in stems if stem and stem[0].isalnum())


def views_with(db: Session, question: str) -> Matching | None:
    """The views that have each word of the question; None when it holds no word."""
    words = question_words(question)
    if not words:
        return None
    query = all_of(db, words)
    if is_postgresql(db) and _is_frequent(db, query):
        return Matching(_has_words(db, query), None)
    found = "view_index_words @@ CAST(:query AS tsquery)"
    if not is_postgresql(db):
        found = (
            "view_index.id IN (SELECT rowid FROM view_index_words WHERE view_index_words MATCH :query "
            "ORDER BY rowid DESC LIMIT :most)"
        )
    statement = text(f"SELECT submission_id FROM view_index WHERE {found} LIMIT :most")  # noqa: S608  constants
    with _by_the_index(db):
        ids = frozenset(db.scalars(statement.columns(submission_id=Uuid), {"query": query, "most": FEW + 1}))
    if len(ids) <= FEW:
        return Matching(is_one_of(db, Submission.id, ids), ids)
    return Matching(_has_words(db, query), None)


def _is_frequent(db: Session, query: str) -> bool:
    """Whether one in fifty of the newest views has the words: the index would give a long list of them."""
    newest = text(
        "SELECT count(*) FROM "
        "(SELECT view_index_words AS words FROM view_index ORDER BY id DESC LIMIT :sample) AS newest "
        "WHERE words @@ CAST(:query AS tsquery)"
    )
    return (db.scalar(newest, {"query": query, "sample": SAMPLE}) or 0) >= SAMPLE // 50


@contextmanager
def _by_the_index(db: Session) -> Iterator[None]:
    """PostgreSQL misjudges how often words stand together, and would rather read the whole table."""
    if not is_postgresql(db):
        yield
        return
    db.execute(text("SET LOCAL enable_seqscan = off"))
    yield
    db.execute(text("SET LOCAL enable_seqscan = on"))


def _has_words(db: Session, query: str) -> ColumnElement[bool]:
    has = exists().where(ViewIndex.submission_id == Submission.id)
    if is_postgresql(db):
        return has.where(
            text("view_index.view_index_words @@ CAST(:words AS tsquery)").bindparams(words=query)
        )
    # Not a match for each row: FTS5 would begin its search anew for each. The list of rows is made once.
    rows = text("SELECT rowid FROM view_index_words WHERE view_index_words MATCH :words")
    return has.where(ViewIndex.id.in_(rows.bindparams(words=query)))


def is_one_of(db: Session, ids_column: Any, ids: Collection[uuid.UUID]) -> ColumnElement[bool]:
    """As `ids_column.in_(ids)`, in one parameter, however many there are."""
    if is_postgresql(db):
        return ids_column == any_(literal(list(ids), ARRAY(Uuid)))
    as_text = json.dumps([one.hex for one in ids])
    return ids_column.in_(select(func.json_each(as_text).table_valued("value").c.value))
