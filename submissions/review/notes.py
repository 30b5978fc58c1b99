"""Analysts' notes: what the team thinks about a view, apart from it, and in no export by default."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.models import AnalystNote, Reviewer
from submissions.review.errors import DecisionRefused
from submissions.review.reading import find_submission
from submissions.review.sessions import Principal

NOTE_LIMIT = 4_000


@dataclass(frozen=True)
class Note:
    note: AnalystNote
    written_by: str | None


def notes_of(db: Session, submission_id: uuid.UUID) -> list[Note]:
    """The notes about a view, the newest first."""
    rows = db.execute(
        select(AnalystNote, Reviewer.display_name)
        .outerjoin(Reviewer, Reviewer.id == AnalystNote.reviewer_id)
        .where(AnalystNote.submission_id == submission_id)
        .order_by(AnalystNote.created_at.desc())
    ).all()
    return [Note(note, name) for note, name in rows]


def add_note(principal: Principal, reference: str, text: str) -> None:
    """Raises SubmissionNotFound, DecisionRefused."""
    text = text.strip().replace("\0", "")
    if not text or len(text) > NOTE_LIMIT:
        raise DecisionRefused([f"Write a note, in at most {NOTE_LIMIT:,} characters."])
    with unit_of_work() as db:
        submission = find_submission(db, principal, reference)
        note = AnalystNote(
            id=uuid.uuid4(), submission_id=submission.id, reviewer_id=principal.reviewer_id, text=text
        )
        db.add(note)
        audit.record(db, principal.actor, "note.added", "submission", submission.id, note_id=str(note.id))


def remove_note(principal: Principal, reference: str, note_id: uuid.UUID) -> None:
    """Only its writer takes a note away. Raises SubmissionNotFound, DecisionRefused."""
    with unit_of_work() as db:
        submission = find_submission(db, principal, reference)
        note = db.get(AnalystNote, note_id)
        if note is None or note.submission_id != submission.id or note.reviewer_id != principal.reviewer_id:
            raise DecisionRefused(["Only the person who wrote a note can remove it."])
        db.delete(note)
        audit.record(db, principal.actor, "note.removed", "submission", submission.id, note_id=str(note_id))
