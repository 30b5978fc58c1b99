"""Marking what is personal in a view, in the original and in the English at once, with the reason."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.exports import downloads
from submissions.models import Redaction, RedactionSpan, Segment, Submission, SubmissionStatus, utc_now
from submissions.redactions import KINDS, Redactions, load, occurrences, suggest
from submissions.review.errors import DecisionRefused
from submissions.review.reading import find_submission
from submissions.review.safeguarding import must_be_free_to_change
from submissions.review.sentences import current_translation
from submissions.review.sessions import Principal

REASON_LIMIT = 500


@dataclass(frozen=True)
class Suggested:
    original: str
    english: str
    kind: str


@dataclass(frozen=True)
class Line:
    """A sentence, or a whole message that has not been cut into sentences, as it is and as it is shown."""

    key: str  # "<part id>:<start>:<end>"
    part_id: uuid.UUID
    start: int
    end: int
    original: str
    translation_id: uuid.UUID | None
    english: str | None
    shown_original: str
    shown_english: str | None
    suggestions: list[Suggested]


@dataclass(frozen=True)
class Mark:
    """What somebody asks for: these words of the original, and the ones that say it in the English."""

    line: str
    original: str
    english: str
    not_in_english: bool
    kind: str
    reason: str


def lines_of(submission: Submission, held: Redactions) -> list[Line]:
    """Every sentence of the view with words in it."""
    lines = []
    for part in submission.parts:
        pieces: list[tuple[Segment | None, int, int]] = [
            (segment, segment.start, segment.end) for segment in part.segments
        ]
        for segment, start, end in pieces or [(None, 0, len(part.original_text))]:
            text = part.original_text[start:end]
            if not text.strip():
                continue
            current = current_translation(segment) if segment else None
            english = current.text if current else None
            shown_original = held.original(part.id, text, start)
            shown_english = held.of_translation(segment, current) if segment and current else None
            lines.append(
                Line(
                    key=f"{part.id}:{start}:{end}",
                    part_id=part.id,
                    start=start,
                    end=end,
                    original=text,
                    translation_id=current.id if current and english else None,
                    english=english,
                    shown_original=shown_original,
                    shown_english=shown_english,
                    suggestions=_suggestions(text, english, shown_original),
                )
            )
    return lines


def _suggestions(original: str, english: str | None, shown: str) -> list[Suggested]:
    found = []
    in_english = [(one.kind, (english or "")[one.start : one.end]) for one in suggest(english or "")]
    for one in suggest(original):
        words = original[one.start : one.end]
        if words not in shown:
            continue  # covered already
        same = [text for kind, text in in_english if text.casefold() == words.casefold()]
        alike = [text for kind, text in in_english if kind == one.kind]
        if occurrences(words, english or ""):
            same = [words]
        found.append(Suggested(words, (same or alike or [""])[0], one.kind))
    return found


def held_redactions(db: Session, submission: Submission) -> list[Redaction]:
    return list(
        db.scalars(
            select(Redaction)
            .where(Redaction.submission_id == submission.id, Redaction.ended_at.is_(None))
            .order_by(Redaction.created_at)
        )
    )


def redact(principal: Principal, reference: str, mark: Mark) -> None:
    """Covers these words in the sentence, in both texts at once.

    Raises DecisionRefused, SubmissionNotFound.
    """
    original, english, reason = (
        text.strip().replace("\0", "") for text in (mark.original, mark.english, mark.reason)
    )
    with unit_of_work() as db:
        submission = find_submission(db, principal, reference)
        must_be_free_to_change(db, principal, submission)
        if submission.status == SubmissionStatus.WITHDRAWN:
            raise DecisionRefused(["The resident has withdrawn this view, so it is not shown on anyway."])
        line = next((one for one in lines_of(submission, Redactions()) if one.key == mark.line), None)
        if line is None:
            raise DecisionRefused(["That sentence has changed since you read it. Read it again."])
        problems = []
        if mark.kind not in KINDS:
            problems.append("Choose what kind of thing it is.")
        if not reason or len(reason) > REASON_LIMIT:
            problems.append(f"Give a reason, in at most {REASON_LIMIT} characters.")
        in_original = occurrences(original, line.original)
        if not in_original:
            problems.append("Write the words of the original exactly as they stand in the sentence.")
        in_english = occurrences(english, line.english or "")
        if line.translation_id and not in_english and not (mark.not_in_english and not english):
            problems.append(
                "Write the words of the English exactly as they stand there, or say that it is not in it."
            )
        if problems:
            raise DecisionRefused(problems)
        row = Redaction(
            id=uuid.uuid4(),
            submission_id=submission.id,
            kind=mark.kind,
            reason=reason,
            reviewer_id=principal.reviewer_id,
            spans=[
                RedactionSpan(part_id=line.part_id, start=line.start + start, end=line.start + end)
                for start, end in in_original
            ],
        )
        if line.translation_id:
            row.spans += [
                RedactionSpan(part_id=line.part_id, translation_id=line.translation_id, start=start, end=end)
                for start, end in in_english or [(0, 0)]
            ]
        db.add(row)
        downloads.forget(db, submission.reference)  # files made before hold what is covered now
        audit.record(
            db, principal.actor, "redaction.made", "submission", submission.id, redaction_id=str(row.id)
        )


def take_back(principal: Principal, reference: str, redaction_id: uuid.UUID) -> None:
    """Shows the words again. The row stays, with who ended it."""
    with unit_of_work() as db:
        submission = find_submission(db, principal, reference)
        must_be_free_to_change(db, principal, submission)
        row = db.get(Redaction, redaction_id, with_for_update=True)
        if row is None or row.submission_id != submission.id or row.ended_at is not None:
            raise DecisionRefused(["That redaction was taken back already."])
        row.ended_at, row.ended_by_id = utc_now(), principal.reviewer_id
        audit.record(
            db, principal.actor, "redaction.ended", "submission", submission.id, redaction_id=str(row.id)
        )


__all__ = ["Line", "Mark", "held_redactions", "lines_of", "load", "redact", "take_back"]
