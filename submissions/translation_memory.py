"""The same sentence is not corrected twice: what a person wrote for it once stands wherever it comes again.

There is no table of its own: a sentence is known by `Segment.text_sha256`, and its memory is the newest
current correction of a sentence with that hash in that language. So what is erased or corrected again is
forgotten at the same moment. Only a person's own corrections are remembered, never a machine's, and a row
that came from memory says which correction it came from (`memory_of_id`).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import jobs
from submissions.models import (
    JobKind,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    TranslationStatus,
)

# In `engine` and `model` of a row that came from here.
MEMORY = "memory"
# What may still change by itself: not approved, not withdrawn.
OPEN = (SubmissionStatus.DRAFT, SubmissionStatus.RECEIVED, SubmissionStatus.IN_REVIEW)
_KEYS_AT_ONCE = 400


@dataclass(frozen=True)
class Remembered:
    """A correction of the same sentence, and who made it."""

    translation_id: uuid.UUID
    text: str
    reviewer_id: uuid.UUID | None
    interpreter: str | None


def sentence_key(text: str) -> bytes:
    """SHA-256 of the sentence with every run of white space as one space, and none around it."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).digest()


def key_of(segment: Segment) -> bytes:
    """The segment's key, noted in its row the first time."""
    if segment.text_sha256 is None:
        segment.text_sha256 = sentence_key(segment.part.original_text[segment.start : segment.end])
    return segment.text_sha256


def recall(
    db: Session, keys: Iterable[bytes], source_language: str | None, target_language: str = "en"
) -> dict[bytes, Remembered]:
    """For each sentence that a person corrected before, its newest correction; nothing for the others."""
    wanted = sorted(set(keys))
    if source_language is None:
        return {}
    found: dict[bytes, Remembered] = {}
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        rows = db.execute(
            select(Segment.text_sha256, SegmentTranslation)
            .join(SegmentTranslation, SegmentTranslation.segment_id == Segment.id)
            .join(SubmissionPart, SubmissionPart.id == Segment.part_id)
            .join(Submission, Submission.id == SubmissionPart.submission_id)
            .where(
                Segment.text_sha256.in_(wanted[start : start + _KEYS_AT_ONCE]),
                SegmentTranslation.is_current,
                SegmentTranslation.status.in_((TranslationStatus.CORRECTED, TranslationStatus.APPROVED)),
                # An approval keeps what made the text; a person's text has no model.
                SegmentTranslation.model.is_(None),
                SegmentTranslation.memory_of_id.is_(None),
                SegmentTranslation.source_language == source_language,
                SegmentTranslation.target_language == target_language,
                SegmentTranslation.text.is_not(None),
                Submission.status != SubmissionStatus.WITHDRAWN,
            )
            .order_by(SegmentTranslation.created_at, SegmentTranslation.id)
        )
        for key, row in rows.all():
            found[key or b""] = Remembered(row.id, row.text or "", row.reviewer_id, row.interpreter)
    return found


def spread(db: Session, segment: Segment, source_language: str | None) -> int:
    """Queues the other open views with this sentence, after it was corrected; how many.

    Their translation job takes the correction over. What a person decided there stays.
    """
    if source_language is None:
        return 0
    others = (
        select(Submission.id)
        .join(SubmissionPart, SubmissionPart.submission_id == Submission.id)
        .join(Segment, Segment.part_id == SubmissionPart.id)
        .where(
            Segment.text_sha256 == key_of(segment),
            Segment.id != segment.id,
            Submission.source_language == source_language,
            Submission.status.in_(OPEN),
        )
        .distinct()
    )
    submission_ids = db.scalars(others).all()
    for submission_id in submission_ids:
        jobs.request_job(db, submission_id, JobKind.TRANSLATE)
    return len(submission_ids)
