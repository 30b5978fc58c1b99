"""The register: every view, who read it, when and in which language, and what followed.

It is made from the audit and the decisions, so nobody keeps it by hand, and it holds no words of a view.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.orm import Session

from submissions.commission import get_commission
from submissions.models import AuditEntry, Submission, SubmissionStatus
from submissions.review import blind_coding
from submissions.review.queue import COUNT_LIMIT, visible_to
from submissions.review.rows import themes_of
from submissions.review.sessions import Principal
from submissions.review.words import actor_words, language_name

PAGE_SIZE = 100
# What the audit says of a view and the register repeats; themes and the state come from their rows.
_FOLLOWED = {
    "reply.sent": "Replied to the resident",
    "safeguarding.closed": "Safeguarding outcome recorded",
    "translation.corrected": "English corrected",
}


@dataclass(frozen=True)
class Read:
    """One person's first reading of a view, in the languages that were on the page."""

    by: str
    at: dt.datetime
    languages: tuple[str, ...]


@dataclass
class Entry:
    reference: str
    submission_id: uuid.UUID
    received_at: dt.datetime
    language: str | None
    channel: str
    method: str
    status: str
    reads: list[Read] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)

    @property
    def is_unread(self) -> bool:
        return not self.reads


@dataclass(frozen=True)
class Share:
    """How many views there are and how many nobody has read; at most COUNT_LIMIT of each are counted."""

    total: int
    unread: int
    is_capped: bool

    @property
    def percent_unread(self) -> int | None:
        """None when there are none, or too many to count on each page."""
        if self.is_capped or not self.total:
            return None
        # A single unread view must not round to none.
        return max(1, round(100 * self.unread / self.total)) if self.unread else 0


def share_unread(db: Session, principal: Principal) -> Share:
    sent = select(literal(1)).where(visible_to(principal), Submission.submitted_at.is_not(None))
    unread = sent.where(Submission.first_read_at.is_(None))

    def capped(statement: object) -> int:
        some = statement.limit(COUNT_LIMIT + 1).subquery()  # type: ignore[attr-defined]
        return db.scalar(select(func.count()).select_from(some)) or 0

    total, not_read = capped(sent), capped(unread)
    return Share(min(total, COUNT_LIMIT), min(not_read, COUNT_LIMIT), total > COUNT_LIMIT)


def entries(
    db: Session,
    principal: Principal,
    *,
    after: tuple[dt.datetime, uuid.UUID] | None = None,
    unread_only: bool = False,
    limit: int = PAGE_SIZE,
) -> list[Entry]:
    """At most `limit` views, the newest first, after one in that order."""
    statement = select(Submission).where(visible_to(principal), Submission.submitted_at.is_not(None))
    if unread_only:
        statement = statement.where(Submission.first_read_at.is_(None))
    if after is not None:
        at, identity = after
        statement = statement.where(
            and_(
                Submission.submitted_at <= at,
                or_(Submission.submitted_at < at, Submission.id < identity),
            )
        )
    order = (Submission.submitted_at.desc(), Submission.id.desc())
    hidden = blind_coding.views(db, principal)
    return _describe(db, db.scalars(statement.order_by(*order).limit(limit)).all(), hidden)


def _describe(
    db: Session, submissions: Sequence[Submission], without_themes: Collection[uuid.UUID]
) -> list[Entry]:
    ids = [submission.id for submission in submissions]
    history: defaultdict[str, list[AuditEntry]] = defaultdict(list)
    told = select(AuditEntry).where(
        AuditEntry.subject_type == "submission",
        AuditEntry.subject_id.in_([str(one) for one in ids]),
        AuditEntry.action.in_(["submission.read", *_FOLLOWED]),
    )
    for row in db.scalars(told.order_by(AuditEntry.occurred_at, AuditEntry.id)):
        history[row.subject_id].append(row)
    themes = themes_of(db, ids)
    names = {theme.key: theme.name for theme in get_commission().themes}
    found = []
    for submission in submissions:
        entry = Entry(
            reference=submission.reference or "",
            submission_id=submission.id,
            received_at=submission.submitted_at or submission.created_at,
            language=submission.source_language,
            channel=submission.channel,
            method=submission.method,
            status=submission.status,
        )
        for row in history[str(submission.id)]:
            if row.action == "submission.read":
                _add_reading(entry, row)
            elif _FOLLOWED[row.action] not in entry.followed:
                entry.followed.append(_FOLLOWED[row.action])
        accepted = [names.get(mark.key, mark.key) for mark in themes[submission.id] if mark.is_accepted]
        if accepted and submission.id not in without_themes:
            entry.followed.append("Taken into account under " + ", ".join(accepted))
        if submission.status == SubmissionStatus.APPROVED:
            entry.followed.append("Approved for briefings and the report")
        found.append(entry)
    return found


def _add_reading(entry: Entry, row: AuditEntry) -> None:
    if not row.actor.startswith("reviewer:"):
        return  # a program is no reader
    by = actor_words(row.actor)
    if all(read.by != by for read in entry.reads):
        entry.reads.append(Read(by, row.occurred_at, tuple(row.details.get("languages") or ())))


def all_entries(db: Session, principal: Principal) -> Iterator[Entry]:
    """The whole register, fetched a page at a time."""
    after = None
    while found := entries(db, principal, after=after, limit=500):
        yield from found
        after = (found[-1].received_at, found[-1].submission_id)


HEADINGS = (
    "reference",
    "received_at",
    "language",
    "channel",
    "method",
    "status",
    "read_by",
    "first_read_at",
    "read_in",
    "what_followed",
)


def export_rows(db: Session, principal: Principal) -> Iterator[tuple[str, ...]]:
    """The register for a spreadsheet: HEADINGS, then a row for each view; times in UTC, ISO 8601."""
    yield HEADINGS
    for entry in all_entries(db, principal):
        languages = dict.fromkeys(language for read in entry.reads for language in read.languages)
        yield (
            entry.reference,
            entry.received_at.isoformat(timespec="seconds"),
            entry.language or "",
            entry.channel,
            entry.method,
            entry.status,
            "; ".join(read.by for read in entry.reads),
            entry.reads[0].at.isoformat(timespec="seconds") if entry.reads else "",
            "; ".join(language_name(language) for language in languages),
            "; ".join(entry.followed),
        )


def export_csv(db: Session, principal: Principal) -> Iterator[str]:
    """As `export_rows`, line by line; a cell that a spreadsheet would run is made plain text."""
    for row in export_rows(db, principal):
        line = io.StringIO()
        csv.writer(line).writerow(["'" + cell if cell[:1] in "=+-@\t\r" and cell else cell for cell in row])
        yield line.getvalue()
