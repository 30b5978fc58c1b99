"""Takes in what an interpreter returned, checked line by line: all of it, or nothing.

Each line must name a view of ours, a sentence of it, and the very original that was sent out. The same file a
second time changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from submissions import audit, jobs, redactions, translation_memory
from submissions.interpreters.files import Row, writable
from submissions.interpreters.queue import ENGLISH, check_of, covered_original, original_of
from submissions.models import (
    JobKind,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    TranslationStatus,
    utc_now,
)
from submissions.redactions import Redactions
from submissions.references import normalise_reference
from submissions.translation_memory import OPEN

ENGLISH_LIMIT = 8_000
NAME_LIMIT = 120


@dataclass(frozen=True)
class Remark:
    """Something about one row of the file, in a sentence."""

    place: int
    reference: str
    words: str


@dataclass
class Check:
    """What a file would do. With `faults` nothing is taken in."""

    faults: list[Remark] = field(default_factory=list)
    empty: list[Remark] = field(
        default_factory=list
    )  # no English: taken in only when that is said to be right
    kept: list[Remark] = field(default_factory=list)  # a person has decided already; it stays as it is
    unchanged: int = 0  # taken in before
    taken: list[tuple[uuid.UUID, uuid.UUID, str]] = field(
        default_factory=list
    )  # submission, segment, English


def check(db: Session, rows: Sequence[Row], *, languages: Collection[str] | None = None) -> Check:
    """Each row against the record; changes nothing. Views in other than these `languages` are not found."""
    result = Check()
    references = {reference for row in rows if (reference := normalise_reference(row.reference))}
    known = {
        str(submission.reference): submission
        for submission in db.scalars(
            select(Submission)
            .where(
                Submission.reference.in_(references),
                *([] if languages is None else [Submission.source_language.in_(languages)]),
            )
            .options(
                selectinload(Submission.parts)
                .selectinload(SubmissionPart.segments)
                .selectinload(Segment.translations)
            )
        )
    }
    given: dict[uuid.UUID, str] = {}
    held = redactions.load(db, [submission.id for submission in known.values()])
    for row in rows:
        _check_row(row, known, held, given, result)
    return result


def _check_row(
    row: Row, known: dict[str, Submission], held: Redactions, given: dict[uuid.UUID, str], result: Check
) -> None:
    def fault(words: str) -> None:
        result.faults.append(Remark(row.place, row.reference[:20], words))

    submission = known.get(normalise_reference(row.reference) or "")
    if submission is None:
        return fault("There is no view with this reference.")
    if submission.status not in OPEN:
        return fault(f"The view is {submission.status}, so nothing can be changed.")
    found = _sentence(submission, row.number)
    if found is None:
        return fault("The view has no sentence with this number.")
    part, segment = found
    # As it goes out now, or as it went out before something in it was covered.
    sent_out = {covered_original(segment, part, held), original_of(segment, part)}
    # Programs change line ends and trim spaces; words they leave alone.
    if not any(
        row.check == check_of(text) and _even(row.original) == _even(writable(text)) for text in sent_out
    ):
        return fault("The original is not the one that was sent out. Nothing but the English may be changed.")
    if len(row.english) > ENGLISH_LIMIT:
        return fault(f"A sentence may have {ENGLISH_LIMIT} characters.")
    if not row.english:
        result.empty.append(Remark(row.place, row.reference, "There is no English."))
        return None
    if segment.id in given and given[segment.id] != row.english:
        return fault("The same sentence stands twice, with different English.")
    if segment.id in given:
        return None
    given[segment.id] = row.english
    current = _current(segment)
    if current is not None and current.text == row.english and current.interpreter:
        result.unchanged += 1
    elif current is not None and _is_persons(current):
        result.kept.append(Remark(row.place, row.reference, "A person has already written or approved it."))
    else:
        result.taken.append((submission.id, segment.id, row.english))
    return None


def _even(text: str) -> str:
    return " ".join(text.split())


def _sentence(submission: Submission, number: str) -> tuple[SubmissionPart, Segment] | None:
    segments = [(part, segment) for part in submission.parts for segment in part.segments]
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number[:9]) <= len(segments):
        return None
    return segments[int(number) - 1]


def _current(segment: Segment) -> SegmentTranslation | None:
    current = [row for row in segment.translations if row.is_current and row.target_language == ENGLISH]
    return current[-1] if current else None


def _is_persons(row: SegmentTranslation) -> bool:
    return row.status == TranslationStatus.APPROVED or (
        row.status == TranslationStatus.CORRECTED and row.memory_of_id is None
    )


def take_in(
    db: Session,
    rows: Sequence[Row],
    *,
    interpreter: str,
    actor: str,
    reviewer_id: uuid.UUID | None = None,
    leave_empty: bool = False,
    languages: Collection[str] | None = None,
) -> Check:
    """Checks the rows and, when none is at fault, puts the English in its place as corrected by this person.

    Rows without English count as faults unless `leave_empty`. Returns what was found; nothing was changed
    when it has `faults`, or `empty` ones that were not said to be right. Raises ValueError without a name.
    """
    name = " ".join(interpreter.split())[:NAME_LIMIT]
    if not name:
        raise ValueError("Give the interpreter's name.")
    result = check(db, rows, languages=languages)
    if result.faults or (result.empty and not leave_empty):
        return result
    touched: dict[uuid.UUID, int] = {}
    for submission_id, segment_id, english in result.taken:
        _write(db, submission_id, segment_id, english, name, reviewer_id)
        touched[submission_id] = touched.get(submission_id, 0) + 1
    for submission_id, sentences in touched.items():
        # The translation job sees that nothing waits any more; the themes are read in the English too.
        jobs.request_job(db, submission_id, JobKind.TRANSLATE)
        jobs.request_job(db, submission_id, JobKind.FIND_THEMES)
        audit.record(db, actor, "translation.returned", "submission", submission_id, sentences=sentences)
    return result


def _write(
    db: Session,
    submission_id: uuid.UUID,
    segment_id: uuid.UUID,
    english: str,
    interpreter: str,
    reviewer_id: uuid.UUID | None,
) -> None:
    submission = db.get_one(Submission, submission_id)
    segment = db.get_one(Segment, segment_id)
    current = _current(segment)
    if current is not None:
        current.is_current = False
        db.flush()
    db.add(
        SegmentTranslation(
            segment_id=segment_id,
            source_language=submission.source_language,
            target_language=ENGLISH,
            text=english,
            status=TranslationStatus.CORRECTED,
            is_current=True,
            interpreter=interpreter,
            reviewer_id=reviewer_id,
            flags=[],
            created_at=utc_now(),
        )
    )
    db.flush()
    held = redactions.load(db, [submission_id])
    if covered_original(segment, segment.part, held) == original_of(segment, segment.part):
        # English of a sentence with covered words is no English of the same sentence elsewhere.
        translation_memory.spread(db, segment, submission.source_language)
