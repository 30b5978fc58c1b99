"""The rows of the database that paper forms become: prepared one by one, then written many at a time.

While rows are written nobody else writes on SQLite, and a resident's message waits. So all that takes time
(hashes, words for searches, ids) is done before, and the rows go in past the session, table by table.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from submissions.conversations import sha256_of
from submissions.evidence_sessions import LOCAL_TIME, whole_segment
from submissions.models import (
    AuditEntry,
    Base,
    Channel,
    Job,
    JobKind,
    JobStatus,
    PaperForm,
    PaperRow,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    ViewIndex,
)
from submissions.references import new_reference
from submissions.search_words import words_of

if TYPE_CHECKING:
    from submissions.paper_forms import Row

METHOD = "paper"
_TOGETHER = 500


@dataclass(frozen=True)
class Prepared:
    """All rows of one form."""

    key: bytes
    reference: str
    rows: list[tuple[type[Base], dict[str, Any]]]  # the submission's first


def prepare(
    form: Row,
    reference: str,
    batch_id: uuid.UUID,
    now: dt.datetime,
    actor: str,
    reviewer_id: uuid.UUID | None,
) -> Prepared:
    """The rows of a form as a formal contribution, its jobs due at once; nothing is written."""
    assert form.written_on is not None  # noqa: S101  a good row has its date
    noon = dt.datetime.combine(form.written_on, dt.time(12), LOCAL_TIME)
    submission = Submission(
        id=uuid.uuid4(),
        reference=reference,
        channel=Channel.DESK,
        method=METHOD,
        status=SubmissionStatus.RECEIVED,
        source_language=form.language,
        is_urgent=False,
        consented_at=min(now, noon),
        created_at=now,
        submitted_at=now,
        version=1,
    )
    part = SubmissionPart(
        id=uuid.uuid4(),
        submission_id=submission.id,
        position=0,
        original_text=form.text,
        original_sha256=sha256_of(form.text),
        added_at=now,
    )
    rows: list[Base] = [submission, part]
    english = form.english if form.language != "en" else ""
    if english:
        segment = whole_segment(form.text, form.language, english, None, reviewer_id)
        segment.part_id = part.id
        (translation,) = segment.translations
        translation.segment_id = segment.id
        rows += [segment, translation]
    key = form.key
    rows += [
        PaperForm(
            submission_id=submission.id,
            batch_id=batch_id,
            line=form.line,
            form_number=form.form_number,
            written_on=form.written_on,
            contributor=form.contributor,
        ),
        PaperRow(key=key, batch_id=batch_id, line=form.line),
        # No worker is woken for each of thousands; the sweep of the next minutes finds what is due.
        *(
            Job(
                kind=kind,
                submission_id=submission.id,
                status=JobStatus.QUEUED,
                requests=1,
                attempts=0,
                next_attempt_at=now,
            )
            for kind in (JobKind.TRANSLATE, JobKind.FIND_THEMES)
        ),
        AuditEntry(
            actor=actor,
            action="submission.entered",
            subject_type="submission",
            subject_id=str(submission.id),
            details={"batch": str(batch_id)},
        ),
        # As `view_indexing.index_words` makes it, which does not notice rows that go past the session.
        ViewIndex(
            submission_id=submission.id,
            original=form.text,
            english=english,
            words=words_of(form.text, english),
            updated_at=now,
        ),
    ]
    return Prepared(key, reference, [(type(row), _values(row)) for row in rows])


def insert(db: Session, prepared: Sequence[Prepared]) -> None:
    """Writes them all, in the caller's unit of work."""
    taken = _taken(db, [one.reference for one in prepared])
    fresh = iter(unused_references(db, len(taken)))  # one in thousands of millions, drawn again all the same
    by_model: defaultdict[type[Base], list[dict[str, Any]]] = defaultdict(list)
    for one in prepared:
        for model, values in one.rows:
            if model is Submission and one.reference in taken:
                values["reference"] = next(fresh)
            by_model[model].append(values)
    # Whatever is referred to before what refers to it.
    order = {table.name: place for place, table in enumerate(Base.metadata.sorted_tables)}
    for model in sorted(by_model, key=lambda model: order[model.__tablename__]):
        for some in _some(by_model[model], _TOGETHER):
            db.execute(model.metadata.tables[model.__tablename__].insert(), some)


def _values(row: Base) -> dict[str, Any]:
    """The columns that were set; the others get their defaults."""
    held = inspect(row).dict
    mapper = inspect(type(row))
    return {
        attribute.columns[0].name: held[attribute.key]
        for attribute in mapper.column_attrs
        if attribute.key in held
    }


def unused_references(db: Session, count: int) -> list[str]:
    """So many new references that no submission has."""
    free: set[str] = set()
    while len(free) < count:
        drawn = {new_reference() for _ in range(count - len(free))}
        free |= drawn - _taken(db, list(drawn))
    return list(free)


def _taken(db: Session, references: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in _some(references, _TOGETHER):
        rows = db.scalars(select(Submission.reference).where(Submission.reference.in_(some)))
        found.update(str(reference) for reference in rows)
    return found


def _some(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
