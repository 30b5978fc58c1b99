"""Which sentences wait for a person's translation, by language, with how long they have waited."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from submissions import redactions
from submissions.models import (
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    TranslationStatus,
    utc_now,
)
from submissions.redactions import Redactions
from submissions.translation_memory import OPEN

ENGLISH = "en"
# What a person must look at: nothing yet, or a machine's work that it doubts itself.
WANTED = (TranslationStatus.WAITING_FOR_PACKAGE, TranslationStatus.NEEDS_PERSON)


@dataclass(frozen=True)
class LanguageQueue:
    language: str | None
    sentences: int
    submissions: int
    oldest_at: dt.datetime  # when the view that has waited longest was sent


@dataclass(frozen=True)
class Line:
    """A sentence to translate, as a row of the interpreter's file."""

    reference: str
    number: int  # of the sentence in the view, from 1
    original: str  # with what is personal covered
    check: str  # says which exact original it was: `check_of`
    segment_id: uuid.UUID
    submitted_at: dt.datetime


def check_of(original: str) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of the sentence as the file has it.

    Never of words that are covered: who knows the rest could find a number by trying.
    """
    return hashlib.sha256(original.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _waiting() -> Select[Segment, SubmissionPart, Submission]:
    return (
        select(Segment, SubmissionPart, Submission)
        .join(SubmissionPart, SubmissionPart.id == Segment.part_id)
        .join(Submission, Submission.id == SubmissionPart.submission_id)
        .join(SegmentTranslation, SegmentTranslation.segment_id == Segment.id)
        .where(
            SegmentTranslation.is_current,
            SegmentTranslation.target_language == ENGLISH,
            SegmentTranslation.status.in_(WANTED),
            Submission.reference.is_not(None),
            Submission.status.in_(OPEN),
            or_(Submission.source_language != ENGLISH, Submission.source_language.is_(None)),
        )
    )


def by_language(db: Session) -> list[LanguageQueue]:
    """A row for each language in which something waits, the one that has waited longest first."""
    rows = db.execute(
        _waiting()
        .with_only_columns(
            Submission.source_language,
            func.count(Segment.id),
            func.count(func.distinct(Submission.id)),
            func.min(Submission.submitted_at),
            maintain_column_froms=True,
        )
        .group_by(Submission.source_language)
        .order_by(func.min(Submission.submitted_at))
    ).all()
    return [
        LanguageQueue(language, sentences, submissions, oldest or utc_now())
        for language, sentences, submissions, oldest in rows
    ]


def lines(db: Session, language: str | None) -> list[Line]:
    """The sentences of one language that wait, whole views together, the longest waiting first."""
    of_language = (
        Submission.source_language.is_(None) if language is None else Submission.source_language == language
    )
    rows = db.execute(
        _waiting()
        .where(of_language)
        .order_by(Submission.submitted_at, Submission.id, SubmissionPart.position, Segment.position)
    ).all()
    ids = {submission.id for _, _, submission in rows}
    numbers = number_sentences(db, ids)
    held = redactions.load(db, list(ids))
    return [
        Line(
            reference=str(submission.reference),
            number=numbers[segment.id],
            original=covered,
            check=check_of(covered),
            segment_id=segment.id,
            submitted_at=submission.submitted_at or submission.created_at,
        )
        for segment, part, submission in rows
        if (covered := covered_original(segment, part, held))
    ]


def original_of(segment: Segment, part: SubmissionPart) -> str:
    return part.original_text[segment.start : segment.end].strip()


def covered_original(segment: Segment, part: SubmissionPart, held: Redactions) -> str:
    """As `original_of`, as an interpreter outside the team may see it."""
    return held.original(part.id, part.original_text[segment.start : segment.end], segment.start).strip()


def number_sentences(
    db: Session, submission_ids: Sequence[uuid.UUID] | set[uuid.UUID]
) -> dict[uuid.UUID, int]:
    """Each segment's number in its view, from 1. A view that is added to grows at its end only."""
    rows = db.execute(
        select(SubmissionPart.submission_id, Segment.id)
        .join(Segment, Segment.part_id == SubmissionPart.id)
        .where(SubmissionPart.submission_id.in_(list(submission_ids)))
        .order_by(SubmissionPart.submission_id, SubmissionPart.position, Segment.position)
    ).all()
    numbers: dict[uuid.UUID, int] = {}
    last: dict[uuid.UUID, int] = {}
    for submission_id, segment_id in rows:
        last[submission_id] = last.get(submission_id, 0) + 1
        numbers[segment_id] = last[submission_id]
    return numbers
