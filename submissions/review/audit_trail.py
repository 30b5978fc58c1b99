"""The audit as its readers ask for it: by person, action, submission and day, page by page, or as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from submissions.exports.cells import defuse
from submissions.models import ApiToken, AuditEntry, Reviewer, Submission
from submissions.references import normalise_reference
from submissions.review.queue import LOCAL_TIME
from submissions.review.words import action_words, actor_words

PAGE_SIZE = 100
HEADINGS = ("at", "who", "action", "in_words", "what", "id", "reference", "details")


@dataclass(frozen=True)
class Question:
    """What to look for; empty means whatever. Days are London's, both included."""

    person: str = ""  # "ana", "resident", "system", or a program's name
    action: str = ""
    reference: str = ""
    since: dt.date | None = None
    until: dt.date | None = None


@dataclass(frozen=True)
class Line:
    entry: AuditEntry
    who: str
    words: str
    about: str  # a reference, a username or token's name, or what kind of thing it is
    reference: str | None


Place = tuple[dt.datetime, uuid.UUID]


def find(
    db: Session, question: Question, *, after: Place | None = None, limit: int = PAGE_SIZE
) -> list[Line]:
    """The latest entries that match, at most `limit` of those that come after this place."""
    conditions = _conditions(db, question)
    if after is not None:
        at, identity = after
        conditions.append(
            and_(AuditEntry.occurred_at <= at, or_(AuditEntry.occurred_at < at, AuditEntry.id < identity))
        )
    order = (AuditEntry.occurred_at.desc(), AuditEntry.id.desc())
    entries = db.scalars(select(AuditEntry).where(*conditions).order_by(*order).limit(limit)).all()
    references = _names(db, entries, "submission", Submission.id, Submission.reference)
    names = _names(db, entries, "reviewer", Reviewer.id, Reviewer.username)
    names |= _names(db, entries, "api_token", ApiToken.id, ApiToken.name)
    return [_line(entry, references.get(entry.subject_id), names.get(entry.subject_id)) for entry in entries]


def _line(entry: AuditEntry, reference: str | None, name: str | None) -> Line:
    return Line(
        entry=entry,
        who=actor_words(entry.actor),
        words=action_words(entry.action),
        about=reference or name or entry.subject_type.replace("_", " "),
        reference=reference,
    )


def _names(db: Session, entries: object, kind: str, identity: object, name: object) -> dict[str, str]:
    ids = {_as_id(entry.subject_id) for entry in entries if entry.subject_type == kind}  # type: ignore[attr-defined]
    ids.discard(None)
    found = db.execute(select(identity, name).where(identity.in_(ids)))  # type: ignore[call-overload, attr-defined]
    return {str(key): value for key, value in found if value}


def _as_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _conditions(db: Session, question: Question) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if person := question.person.strip().replace("\0", ""):
        names = [person, f"reviewer:{person.lower()}", f"token:{person}", person.lower()]
        conditions.append(AuditEntry.actor.in_(names))
    if question.action:
        conditions.append(AuditEntry.action == question.action.replace("\0", ""))
    if question.reference.strip():
        reference = normalise_reference(question.reference)
        found = (
            db.scalar(select(Submission.id).where(Submission.reference == reference)) if reference else None
        )
        conditions.append(AuditEntry.subject_id == str(found) if found else false())
    if question.since:
        conditions.append(AuditEntry.occurred_at >= _midnight(question.since))
    if question.until:
        conditions.append(AuditEntry.occurred_at < _midnight(question.until + dt.timedelta(days=1)))
    return conditions


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=LOCAL_TIME).astimezone(dt.UTC)


def actions(db: Session) -> list[tuple[str, str]]:
    """(key, words) of every action that was ever recorded, by its words."""
    keys = db.scalars(select(AuditEntry.action).distinct())
    return sorted(((key, action_words(key)) for key in keys), key=lambda pair: pair[1])


def export_csv(db: Session, question: Question) -> Iterator[str]:
    """HEADINGS, then a line for each entry that matches; times in UTC; no cell a spreadsheet would run."""
    yield _csv_line(HEADINGS)
    after: Place | None = None
    while lines := find(db, question, after=after, limit=1_000):
        for line in lines:
            entry = line.entry
            details = json.dumps(entry.details, ensure_ascii=False, sort_keys=True, default=str)
            at = entry.occurred_at.isoformat(timespec="seconds")
            kind, reference = entry.subject_type, line.reference or ""
            yield _csv_line(
                (at, entry.actor, entry.action, line.words, kind, entry.subject_id, reference, details)
            )
        after = (lines[-1].entry.occurred_at, lines[-1].entry.id)
        db.expunge_all()  # a long audit must not stay in memory


def _csv_line(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([defuse(cell) for cell in cells])
    return line.getvalue()
