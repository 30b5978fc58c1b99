"""Keeps the row by which a view is found, in the same transaction as what it is made from.

Whoever writes a view's parts, its English, its redactions or its status in a session of ours need not know of
it: the views that were touched are indexed anew before the commit. The vector comes later, by a job.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, event, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, UOWTransaction, selectinload

from submissions import redactions
from submissions.database import is_postgresql
from submissions.models import (
    Redaction,
    RedactionSpan,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    TranslationStatus,
    ViewIndex,
    utc_now,
)
from submissions.search_words import words_of

_TOUCHED = "views to index"  # in `Session.info`: sets of ids by the kind of row that tells the view


@dataclass(frozen=True)
class ViewTexts:
    """What is indexed of a view: its parts joined, and the English that stands beside them."""

    original: str
    english: str


def texts_of(db: Session, submission_id: uuid.UUID, *, covered: bool = False) -> ViewTexts | None:
    """None when the view is gone; `covered`: without what is redacted."""
    submission = db.scalar(
        select(Submission)
        .where(Submission.id == submission_id)
        .options(
            selectinload(Submission.parts)
            .selectinload(SubmissionPart.segments)
            .selectinload(Segment.translations)
        )
        .execution_options(populate_existing=True)
    )
    if submission is None:
        return None
    held = redactions.load(db, [submission_id] if covered else [])
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
                    english.append((held.of_translation(segment, row) or "").strip())
    originals = [held.original(part.id, part.original_text) for part in submission.parts]
    return ViewTexts("\n".join(originals), " ".join(english))


def index_words(db: Session, submission_id: uuid.UUID) -> ViewIndex | None:
    """Puts the view's words where searches find them; a view not sent, or taken back, is found by none."""
    status = db.scalar(select(Submission.status).where(Submission.id == submission_id))
    if status is None or status == SubmissionStatus.DRAFT:
        return None
    if status == SubmissionStatus.WITHDRAWN:
        db.execute(delete(ViewIndex).where(ViewIndex.submission_id == submission_id))
        return None
    # The row first and the texts after it: who waits for the row then reads what the other one wrote.
    row = _locked_row(db, submission_id)
    texts = texts_of(db, submission_id, covered=True)
    if texts is None:
        return None
    row.original, row.english = texts.original, texts.english
    row.words = words_of(texts.original, texts.english)
    row.updated_at = utc_now()
    db.flush()
    return row


def _locked_row(db: Session, submission_id: uuid.UUID) -> ViewIndex:
    insert = postgresql.insert if is_postgresql(db) else sqlite.insert
    db.execute(
        insert(ViewIndex.__table__)  # type: ignore[arg-type]
        .values(submission_id=submission_id, original="", english="", words="", updated_at=utc_now())
        .on_conflict_do_nothing(index_elements=["submission_id"])
    )
    return db.scalars(
        select(ViewIndex).where(ViewIndex.submission_id == submission_id).with_for_update()
    ).one()


def _told_by(row: Any) -> tuple[type, uuid.UUID] | None:
    """The kind of row and the id by which the view is known that this row is part of."""
    if isinstance(row, Submission):
        history = inspect(row).attrs.status.history
        return (Submission, row.id) if history.has_changes() else None
    if isinstance(row, SubmissionPart | Redaction):
        return Submission, row.submission_id
    if isinstance(row, SegmentTranslation) and row.target_language == "en":
        return Segment, row.segment_id
    return (Redaction, row.redaction_id) if isinstance(row, RedactionSpan) else None


@event.listens_for(Session, "after_flush")
def _note_what_was_touched(db: Session, _context: UOWTransaction) -> None:
    changed = [row for row in db.dirty if db.is_modified(row)]
    for row in (*db.new, *changed, *db.deleted):
        if told := _told_by(row):
            db.info.setdefault(_TOUCHED, {}).setdefault(told[0], set()).add(told[1])


@event.listens_for(Session, "before_commit")
def _index_what_was_touched(db: Session) -> None:
    if db.in_nested_transaction():  # a savepoint: the end will do
        return
    db.flush()
    touched = db.info.pop(_TOUCHED, None)
    if touched:
        for submission_id in sorted(_views(db, touched)):
            index_words(db, submission_id)
        db.info.pop(_TOUCHED, None)


@event.listens_for(Session, "after_rollback")
def _forget_after_rollback(db: Session) -> None:
    db.info.pop(_TOUCHED, None)


def _views(db: Session, touched: dict[type, set[uuid.UUID]]) -> Iterable[uuid.UUID]:
    views = set(touched.get(Submission, ()))
    if segments := touched.get(Segment):
        views |= set(
            db.scalars(
                select(SubmissionPart.submission_id)
                .join(Segment, Segment.part_id == SubmissionPart.id)
                .where(Segment.id.in_(segments))
            )
        )
    if redacted := touched.get(Redaction):
        views |= set(db.scalars(select(Redaction.submission_id).where(Redaction.id.in_(redacted))))
    return views
