"""The list of submissions: which ones, in what order, page by page, with what a row shows.

Urgent and open ones come first, the one that has waited longest on top; then all others, newest first. A page
is found by the sort key of its neighbour (keyset), so page 500 costs what page 1 costs, and a submission that
arrives meanwhile moves nothing.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import enum
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, literal, not_, or_, select
from sqlalchemy.orm import Session

from submissions import search, word_search
from submissions.models import (
    Assignment,
    Forum,
    Job,
    JobKind,
    JobStatus,
    Reviewer,
    Role,
    SafeguardingCase,
    SafeguardingLead,
    Submission,
    SubmissionStatus,
    ViewTheme,
)
from submissions.references import normalise_reference
from submissions.review import blind_coding
from submissions.review.coding import with_sub_code
from submissions.review.sessions import Principal

T = TypeVar("T")
LOCAL_TIME = ZoneInfo("Europe/London")
PAGE_SIZE = 50
# To count a million takes longer than to show a page: counting stops here, and says so ("10,000 or more").
COUNT_LIMIT = 10_000
STATUS_COUNT_LIMIT = 10_000
# Where each that is counted costs a look into another table.
SLOW_COUNT_LIMIT = 1_000
# Where the words of each have to be looked at.
FREQUENT_WORDS_COUNT_LIMIT = 200
FORUMS_SHOWN = 200
OPEN_STATUSES = (SubmissionStatus.RECEIVED, SubmissionStatus.IN_REVIEW)
UNKNOWN_LANGUAGE = "und"  # BCP 47: undetermined
NEWEST = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


class CursorNotValid(ValueError):
    """The cursor of a page is not one of ours."""


class Phase(enum.StrEnum):
    URGENT = "u"  # open and urgent, the longest waiting first
    OTHER = "o"  # all others, newest first


def is_case_closed() -> ColumnElement[bool]:
    """Whether a safeguarding outcome is recorded for the view: from then on it is one like the others."""
    return exists().where(
        SafeguardingCase.submission_id == Submission.id, SafeguardingCase.closed_at.is_not(None)
    )


_URGENT = and_(Submission.is_urgent.is_(True), Submission.status.in_(OPEN_STATUSES), not_(is_case_closed()))
_CONDITION = {Phase.URGENT: _URGENT, Phase.OTHER: not_(_URGENT)}


@dataclass(frozen=True)
class Position:
    """A place in the order: that of one submission."""

    phase: Phase
    submitted_at: dt.datetime
    id: uuid.UUID

    def encode(self) -> str:
        text = f"{self.phase}|{self.submitted_at.isoformat()}|{self.id.hex}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, cursor: str) -> Position:
        """Raises CursorNotValid."""
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            phase, time, identity = base64.urlsafe_b64decode(padded.encode()).decode().split("|")
            submitted_at = dt.datetime.fromisoformat(time)
            if submitted_at.tzinfo is None:
                raise CursorNotValid("a cursor's time has a zone")
            return cls(Phase(phase), submitted_at, uuid.UUID(identity))
        except (ValueError, binascii.Error) as error:
            raise CursorNotValid("this is not a cursor of ours") from error


@dataclass(frozen=True)
class Filters:
    """What to show; None means whatever. `received_from` and `_to` are days in London, both included."""

    theme: str | None = None
    language: str | None = None  # UNKNOWN_LANGUAGE: not known yet
    channel: str | None = None
    method: str | None = None
    sub_code: tuple[str, str] | None = None  # theme and code
    statuses: tuple[str, ...] = ()  # none: all, drafts never
    urgent: bool | None = None
    waiting: bool | None = None  # for a translation
    received_from: dt.date | None = None
    received_to: dt.date | None = None
    q: str | None = None  # in the originals, the English, or a reference
    meaning: str | None = None  # a question in any language, answered by what views mean
    q_may_mean: bool = False  # views that mean what `q` says count too, not only those with its words
    leave_out_urgent: bool = False  # what the safeguarding lead has
    forum: uuid.UUID | None = None
    assigned_to: uuid.UUID | None = None
    unassigned: bool = False  # only what nobody has


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """Which submissions this person or token may see at all.

    Drafts are not the council's to read. A role that sees only some submissions gets its condition here.
    """
    sent = Submission.status != SubmissionStatus.DRAFT
    if principal.role == Role.COMMISSION_MEMBER:
        return false()  # reads briefings, never single views
    if principal.role == Role.TRANSLATOR:
        # Urgent ones too: nobody can act on a danger that nobody can read.
        return and_(sent, Submission.source_language.in_(sorted(principal.languages)))
    if principal.role == Role.VIEWER:
        return and_(sent, or_(not_(_URGENT), not_(has_lead())))
    return sent


def has_lead() -> ColumnElement[bool]:
    """Whether somebody with an open account is named as safeguarding lead."""
    return exists().where(
        SafeguardingLead.ended_at.is_(None),
        Reviewer.id == SafeguardingLead.reviewer_id,
        Reviewer.disabled_at.is_(None),
    )


def _matching(db: Session, principal: Principal, filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [visible_to(principal), Submission.submitted_at.is_not(None)]
    if filters.theme:
        conditions.append(ViewTheme.theme_key == filters.theme)
    if (filters.theme or filters.sub_code) and (hidden := blind_coding.views(db, principal)):
        conditions.append(Submission.id.not_in(hidden))
    if filters.language == UNKNOWN_LANGUAGE:
        conditions.append(Submission.source_language.is_(None))
    elif filters.language:
        conditions.append(Submission.source_language == filters.language)
    if filters.channel:
        conditions.append(Submission.channel == filters.channel)
    if filters.method:
        conditions.append(Submission.method == filters.method)
    if filters.sub_code:
        conditions.append(with_sub_code(*filters.sub_code))
    if filters.forum:
        conditions.append(Submission.forum_id == filters.forum)
    if filters.assigned_to:
        theirs = select(Assignment.submission_id).where(Assignment.reviewer_id == filters.assigned_to)
        conditions.append(Submission.id.in_(theirs))
    if filters.unassigned:
        conditions.append(~exists().where(Assignment.submission_id == Submission.id))
    if filters.leave_out_urgent:
        conditions.append(not_(_URGENT))
    if filters.statuses:
        conditions.append(Submission.status.in_(filters.statuses))
    if filters.urgent is not None:
        conditions.append(Submission.is_urgent.is_(filters.urgent))
    if filters.waiting:
        conditions.append(Submission.id.in_(_waiting_for_translation()))
    if filters.received_from:
        conditions.append(Submission.submitted_at >= _midnight(filters.received_from))
    if filters.received_to:
        conditions.append(Submission.submitted_at < _midnight(filters.received_to + dt.timedelta(days=1)))
    if filters.q and filters.q.strip():
        says = _says(db, filters.q.strip())
        conditions.append(or_(says, _means(db, filters.q)) if filters.q_may_mean else says)
    if filters.meaning and filters.meaning.strip():
        conditions.append(_means(db, filters.meaning))
    return conditions


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=LOCAL_TIME).astimezone(dt.UTC)


def _from(statement: Select[Any], filters: Filters) -> Select[Any]:
    """The statement over submissions; by theme it starts from the theme's views, which stand in order."""
    if not filters.theme:
        return statement.select_from(Submission)
    return statement.select_from(ViewTheme).join(Submission, Submission.id == ViewTheme.submission_id)


def _keys(filters: Filters) -> tuple[Any, Any]:
    """The columns that give the list its order."""
    if filters.theme:
        return ViewTheme.submitted_at, ViewTheme.submission_id
    return Submission.submitted_at, Submission.id


def _waiting_for_translation() -> Any:
    return select(Job.submission_id).where(Job.kind == JobKind.TRANSLATE, Job.status == JobStatus.WAITING)


def _once(db: Session, question: tuple[str, str], ask: Callable[[], T]) -> T:
    """The answer, asked for once in a unit of work: a page and its count need the same."""
    answers = db.info.setdefault("answers of searches", {})
    if question not in answers:
        answers[question] = ask()
    answer: T = answers[question]
    return answer


def _means(db: Session, question: str) -> ColumnElement[bool]:
    if normalise_reference(question.strip()):
        return false()
    hits = _once(db, ("means", question), lambda: search.find(db, question))
    return Submission.id.in_([hit.submission_id for hit in hits])


def _matching_words(db: Session, words: str) -> word_search.Matching | None:
    return _once(db, ("says", words), lambda: word_search.views_with(db, words))


def _says(db: Session, words: str) -> ColumnElement[bool]:
    if reference := normalise_reference(words):
        return Submission.reference == reference
    matching = _matching_words(db, words)
    return false() if matching is None else matching.condition


@dataclass(frozen=True)
class Page:
    ids: list[uuid.UUID]
    next_cursor: str | None
    previous_cursor: str | None


def find_page(
    db: Session,
    principal: Principal,
    filters: Filters,
    *,
    after: Position | None = None,
    before: Position | None = None,
    limit: int = PAGE_SIZE,
) -> Page:
    """At most `limit` submissions that match, after one position or before another."""
    matching = _matching(db, principal, filters)
    backwards = before is not None
    start = before if backwards else after
    phases = [Phase.OTHER] if filters.leave_out_urgent else list(Phase)
    if backwards:
        phases.reverse()
    if start is not None:
        phases = phases[phases.index(start.phase) :] if start.phase in phases else phases
    found: list[Position] = []
    keys = _keys(filters)
    for phase in phases:
        wanted = limit + 1 - len(found)
        if wanted <= 0:
            break
        ascending = (phase is Phase.URGENT) != backwards
        statement = _from(select(*keys), filters).where(*matching, _CONDITION[phase])
        if start is not None and phase is start.phase:
            statement = statement.where(_beyond(keys, start, ascending=ascending))
        order = [key.asc() if ascending else key.desc() for key in keys]
        rows = db.execute(statement.order_by(*order).limit(wanted))
        found += [Position(phase, time, identity) for time, identity in rows if time is not None]
    has_more = len(found) > limit
    found = found[:limit]
    if backwards:
        found.reverse()
    if not found:
        return Page([], None, None)
    has_next, has_previous = (True, has_more) if backwards else (has_more, start is not None)
    return Page(
        ids=[position.id for position in found],
        next_cursor=found[-1].encode() if has_next else None,
        previous_cursor=found[0].encode() if has_previous else None,
    )


def _beyond(keys: tuple[Any, Any], start: Position, *, ascending: bool) -> ColumnElement[bool]:
    time, identity = keys
    # The first half alone lets the index on submitted_at find the place.
    if ascending:
        return and_(time >= start.submitted_at, or_(time > start.submitted_at, identity > start.id))
    return and_(time <= start.submitted_at, or_(time < start.submitted_at, identity < start.id))


def position_of(db: Session, submission: Submission) -> Position:
    """Where a submission stands. An urgent one keeps its place among the urgent when it has just been
    approved, so that "next" goes on to the urgent one after it."""
    is_closed = db.scalar(select(is_case_closed()).where(Submission.id == submission.id))
    phase = Phase.URGENT if submission.is_urgent and not is_closed else Phase.OTHER
    return Position(phase, submission.submitted_at or NEWEST, submission.id)


def find_neighbours(
    db: Session, principal: Principal, filters: Filters, submission: Submission
) -> tuple[str | None, str | None]:
    """References of the submissions before and after this one in the list."""
    here = position_of(db, submission)
    before = find_page(db, principal, filters, before=here, limit=1).ids
    after = find_page(db, principal, filters, after=here, limit=1).ids
    references = dict(
        db.execute(
            select(Submission.id, Submission.reference).where(Submission.id.in_([*before, *after]))
        ).all()
    )
    return (references.get(before[0]) if before else None, references.get(after[0]) if after else None)


def count(db: Session, principal: Principal, filters: Filters, found: Page) -> tuple[int, bool]:
    """How many match, and whether there are more than that: counting stops early.

    `found` is a page of them; when it is the only one, it tells the number.
    """
    if found.next_cursor is None and found.previous_cursor is None:
        return len(found.ids), False
    is_slow = filters.q or filters.theme or filters.assigned_to or filters.unassigned or filters.waiting
    limit = SLOW_COUNT_LIMIT if is_slow else COUNT_LIMIT
    if filters.q and (words := filters.q.strip()) and not normalise_reference(words):
        matching = _matching_words(db, words)
        if matching is not None and matching.ids is None:
            limit = FREQUENT_WORDS_COUNT_LIMIT
    # A literal, not the id: an index with the filter's columns then tells the number alone.
    some = _from(select(literal(1)), filters).where(*_matching(db, principal, filters)).limit(limit + 1)
    number = db.scalar(select(func.count()).select_from(some.subquery())) or 0
    return min(number, limit), number > limit


def count_by_status(db: Session, principal: Principal) -> dict[str, int]:
    """How many there are with each status, up to STATUS_COUNT_LIMIT, and under "urgent" how many are urgent
    and open."""
    counts: dict[str, int] = {}
    for status in SubmissionStatus:
        some = select(literal(1)).where(visible_to(principal), Submission.status == status)
        capped = some.limit(STATUS_COUNT_LIMIT).subquery()
        counts[status.value] = db.scalar(select(func.count()).select_from(capped)) or 0
    urgent = select(func.count()).select_from(Submission).where(visible_to(principal), _URGENT)
    counts["urgent"] = db.scalar(urgent) or 0
    return counts


def forums(db: Session) -> Sequence[Forum]:
    """The open forums, the latest first."""
    return db.scalars(select(Forum).order_by(Forum.held_on.desc(), Forum.name).limit(FORUMS_SHOWN)).all()


def fetch(db: Session, ids: Sequence[uuid.UUID]) -> list[Submission]:
    """The submissions with these ids, in this order."""
    by_id = {row.id: row for row in db.scalars(select(Submission).where(Submission.id.in_(ids)))}
    return [by_id[identity] for identity in ids if identity in by_id]
