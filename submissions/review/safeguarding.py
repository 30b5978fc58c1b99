"""Danger: urgent views, and conversations that told of it without a view, until an outcome is recorded.

Once somebody is named as lead, urgent views leave the ordinary list and stand on the safeguarding page, with
the time since they came and until somebody read them. Without a lead they stay on top of the list, where all
see them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.models import (
    AuditEntry,
    Conversation,
    Direction,
    Message,
    Reviewer,
    Role,
    SafeguardingCase,
    SafeguardingLead,
    SafeguardingOutcome,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.review.errors import DecisionRefused, NotAllowed
from submissions.review.queue import Filters, is_case_closed, visible_to
from submissions.review.sessions import Principal

TEXT_LIMIT = 4_000
SHOWN = 200
# What the service or the team tells somebody in danger.
_FLAGGED = ("submission.urgent", "conversation.urgent", "submission.flagged_urgent")
HELP_KEYS = ("danger_help", "team_reply", "human_contact")


@dataclass(frozen=True)
class Done:
    """What somebody records; `outcome` is empty while the case is open."""

    told_resident: str
    action: str
    outcome: str


@dataclass(frozen=True)
class Told:
    key: str
    at: dt.datetime
    language: str | None
    delivery_status: str | None


@dataclass(frozen=True)
class CaseLine:
    """An urgent view, or a conversation that told of danger and holds no view (`reference` is None)."""

    reference: str | None
    conversation_id: uuid.UUID | None
    channel: str
    language: str | None
    status: str | None
    urgent_since: dt.datetime
    first_read_at: dt.datetime | None  # by a person, since it was urgent
    first_read_by: str | None  # an actor
    told: list[Told]
    case: SafeguardingCase | None
    recorded_by: str | None

    @property
    def time_to_first_reading(self) -> dt.timedelta | None:
        return self.first_read_at - self.urgent_since if self.first_read_at else None


def current_lead(db: Session) -> Reviewer | None:
    """Who answers for urgent views now; None when nobody is named or their account is closed."""
    return db.scalars(
        select(Reviewer)
        .join(SafeguardingLead, SafeguardingLead.reviewer_id == Reviewer.id)
        .where(SafeguardingLead.ended_at.is_(None), Reviewer.disabled_at.is_(None))
        .order_by(SafeguardingLead.named_at.desc())
        .limit(1)
    ).first()


# Whose role lets them act on a danger; the test of access holds this against the table of roles.
CAN_LEAD = (Role.REVIEWER, Role.SAFEGUARDING_LEAD, Role.MANAGER, Role.ADMIN)
# With a lead named, these alone stand in for the lead.
_DEPUTIES = (Role.SAFEGUARDING_LEAD, Role.MANAGER, Role.ADMIN)


def may_handle(db: Session, principal: Principal) -> bool:
    """Whether urgent views are this person's to act on: the lead's and the deputies', everybody's without a
    lead. Whether the role gives the permission at all is for the route to ask."""
    lead = current_lead(db)
    return lead is None or lead.id == principal.reviewer_id or principal.role in _DEPUTIES


def must_handle(db: Session, principal: Principal) -> None:
    """Raises NotAllowed for whoever leaves urgent views to the lead."""
    if not may_handle(db, principal):
        raise NotAllowed("safeguarding.handle")


def must_be_free_to_change(db: Session, principal: Principal, submission: Submission) -> None:
    """Raises NotAllowed when the view is urgent, without an outcome, and not this person's to act on.

    A translator may still put it into English: the lead has to understand it.
    """
    if not submission.is_urgent or principal.role == Role.TRANSLATOR:
        return
    if not db.scalar(select(is_case_closed()).where(Submission.id == submission.id)):
        must_handle(db, principal)


def name_lead(principal: Principal, reviewer_id: uuid.UUID | None) -> None:
    """From now on this person is the lead; None: nobody, and urgent views go back to the list."""
    with unit_of_work() as db:
        chosen = db.get(Reviewer, reviewer_id) if reviewer_id else None
        if reviewer_id is not None and (chosen is None or chosen.disabled_at is not None):
            raise DecisionRefused(["Choose somebody with an open account."])
        if chosen is not None and chosen.role not in CAN_LEAD:
            raise DecisionRefused(["Choose a reviewer, safeguarding lead, manager or administrator."])
        for row in db.scalars(select(SafeguardingLead).where(SafeguardingLead.ended_at.is_(None))):
            row.ended_at = utc_now()
        if chosen is not None:
            db.add(SafeguardingLead(reviewer_id=chosen.id, named_by=principal.actor))
        subject = chosen.id if chosen else "nobody"
        audit.record(db, principal.actor, "safeguarding.lead_named", "reviewer", subject)


def without_urgent(db: Session, filters: Filters) -> Filters:
    """The filters of the ordinary list: without what the lead has, unless it is asked for or searched."""
    if filters.urgent or filters.q or not filters.statuses or current_lead(db) is None:
        return filters
    return replace(filters, leave_out_urgent=True)


def open_lines(db: Session, principal: Principal) -> list[CaseLine]:
    """What has no recorded outcome, the longest waiting first."""
    views = db.scalars(_open_views(principal)).all()
    talks = db.scalars(
        select(Conversation).where(_is_without_view(), ~_talk_is_closed()).order_by(Conversation.created_at)
    ).all()
    lines = [view_line(db, view) for view in views] + [talk_line(db, talk) for talk in talks]
    return sorted(lines, key=lambda line: line.urgent_since)


def _open_views(principal: Principal) -> Select[Submission]:
    return (
        select(Submission)
        .where(
            visible_to(principal),
            Submission.is_urgent,
            Submission.submitted_at.is_not(None),
            # Taken back or not: it may have been somebody else who took it back.
            ~is_case_closed(),
        )
        .order_by(Submission.submitted_at)
        .limit(SHOWN)
    )


def _is_without_view() -> ColumnElement[bool]:
    has_view = exists().where(
        Submission.conversation_id == Conversation.id, Submission.status != SubmissionStatus.DRAFT
    )
    return Conversation.is_urgent & ~has_view


def _talk_is_closed() -> ColumnElement[bool]:
    return exists().where(
        SafeguardingCase.conversation_id == Conversation.id, SafeguardingCase.closed_at.is_not(None)
    )


def closed_lines(db: Session, principal: Principal, limit: int = 50) -> list[CaseLine]:
    """What has an outcome, the last one first."""
    rows = db.execute(
        select(SafeguardingCase, Submission, Conversation)
        .outerjoin(Submission, Submission.id == SafeguardingCase.submission_id)
        .outerjoin(Conversation, Conversation.id == SafeguardingCase.conversation_id)
        .where(
            SafeguardingCase.closed_at.is_not(None),
            or_(SafeguardingCase.submission_id.is_(None), visible_to(principal)),
        )
        .order_by(SafeguardingCase.closed_at.desc())
        .limit(limit)
    ).all()
    return [
        view_line(db, view) if view is not None else talk_line(db, talk)
        for _, view, talk in rows
        if view is not None or talk is not None
    ]


def count_open(db: Session, principal: Principal) -> tuple[int, int]:
    """(without an outcome, of those read by nobody yet)."""
    views = db.execute(
        _open_views(principal).with_only_columns(
            Submission.id, Submission.conversation_id, Submission.submitted_at, maintain_column_froms=True
        )
    ).all()
    talks = db.scalars(select(Conversation.id).where(_is_without_view(), ~_talk_is_closed())).all()
    # (the audit's name of what is read, what else may have been flagged, when it came)
    open_ones = [(str(one), str(talk) if talk else None, at) for one, talk, at in views]
    open_ones += [(str(talk), None, None) for talk in talks]
    subjects = [name for one in open_ones for name in one[:2] if name]
    told = db.execute(
        select(AuditEntry.subject_id, AuditEntry.action, AuditEntry.actor, AuditEntry.occurred_at).where(
            AuditEntry.subject_type.in_(["submission", "conversation"]),
            AuditEntry.subject_id.in_(subjects),
            AuditEntry.action.in_([*_FLAGGED, "submission.read", "conversation.read"]),
        )
    ).all()
    flagged: dict[str, dt.datetime] = {}
    last_read: dict[str, dt.datetime] = {}
    for subject, action, actor, at in told:
        if action in _FLAGGED:
            flagged[subject] = min(at, flagged.get(subject, at))
        elif actor.startswith("reviewer:"):
            last_read[subject] = max(at, last_read.get(subject, at))
    unread = 0
    for name, talk, came_at in open_ones:
        times = [at for at in (flagged.get(name), flagged.get(talk or "")) if at]
        since = max(filter(None, [came_at, min(times, default=None)]), default=None)
        read_at = last_read.get(name)
        unread += read_at is None or (since is not None and read_at < since)
    return len(open_ones), unread


def view_line(db: Session, view: Submission) -> CaseLine:
    subjects = [str(view.id)] + ([str(view.conversation_id)] if view.conversation_id else [])
    sent_at = view.submitted_at or view.created_at
    since = max(sent_at, _flagged_at(db, subjects) or sent_at)
    case = db.scalar(select(SafeguardingCase).where(SafeguardingCase.submission_id == view.id))
    read_at, read_by = _first_reading(db, "submission.read", str(view.id), since)
    return CaseLine(
        reference=view.reference,
        conversation_id=view.conversation_id,
        channel=view.channel,
        language=view.source_language,
        status=view.status,
        urgent_since=since,
        first_read_at=read_at,
        first_read_by=read_by,
        told=_told(db, view.conversation_id),
        case=case,
        recorded_by=_recorder(db, case),
    )


def talk_line(db: Session, talk: Conversation) -> CaseLine:
    since = _flagged_at(db, [str(talk.id)]) or talk.created_at
    case = db.scalar(select(SafeguardingCase).where(SafeguardingCase.conversation_id == talk.id))
    read_at, read_by = _first_reading(db, "conversation.read", str(talk.id), since)
    return CaseLine(
        reference=None,
        conversation_id=talk.id,
        channel=talk.channel,
        language=talk.language,
        status=None,
        urgent_since=since,
        first_read_at=read_at,
        first_read_by=read_by,
        told=_told(db, talk.id),
        case=case,
        recorded_by=_recorder(db, case),
    )


def _flagged_at(db: Session, subjects: Sequence[str]) -> dt.datetime | None:
    return db.scalar(
        select(func.min(AuditEntry.occurred_at)).where(
            AuditEntry.subject_type.in_(["submission", "conversation"]),
            AuditEntry.subject_id.in_(subjects),
            AuditEntry.action.in_(_FLAGGED),
        )
    )


def _first_reading(
    db: Session, action: str, subject: str, since: dt.datetime
) -> tuple[dt.datetime | None, str | None]:
    row = db.execute(
        select(AuditEntry.occurred_at, AuditEntry.actor)
        .where(
            AuditEntry.subject_type == action.split(".")[0],
            AuditEntry.subject_id == subject,
            AuditEntry.action == action,
            AuditEntry.actor.startswith("reviewer:"),
            AuditEntry.occurred_at >= since,
        )
        .order_by(AuditEntry.occurred_at)
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else (None, None)


def _told(db: Session, conversation_id: uuid.UUID | None) -> list[Told]:
    if conversation_id is None:
        return []
    rows = db.execute(
        select(Message.message_key, Message.created_at, Message.language, Message.delivery_status)
        .where(
            Message.conversation_id == conversation_id,
            Message.direction == Direction.OUTBOUND,
            Message.message_key.in_(HELP_KEYS),
        )
        .order_by(Message.position)
    ).all()
    return [Told(key or "", at, language, status) for key, at, language, status in rows]


def _recorder(db: Session, case: SafeguardingCase | None) -> str | None:
    person = db.get(Reviewer, case.recorded_by_id) if case and case.recorded_by_id else None
    return person.display_name if person else None


def find_talk(db: Session, conversation_id: uuid.UUID) -> Conversation:
    """An urgent conversation without a view; no other may be read here. Raises SubmissionNotFound."""
    talk = db.scalar(select(Conversation).where(Conversation.id == conversation_id, _is_without_view()))
    if talk is None:
        raise SubmissionNotFound(str(conversation_id))
    return talk


def record_talk_reading(principal: Principal, conversation_id: uuid.UUID) -> None:
    with unit_of_work() as db:
        audit.record(db, principal.actor, "conversation.read", "conversation", conversation_id)


def record(
    principal: Principal,
    *,
    submission_id: uuid.UUID | None = None,
    conversation_id: uuid.UUID | None = None,
    version: int,
    done: Done,
) -> None:
    """Keeps what was done; with an outcome the case is closed, without one it is open (again).

    `version` is that of the record as read, 0 when there was none. Raises DecisionRefused, also when somebody
    else was faster.
    """
    told, action = (text.strip().replace("\0", "") for text in (done.told_resident, done.action))
    outcome = done.outcome
    problems = []
    if len(told) > TEXT_LIMIT or len(action) > TEXT_LIMIT:
        problems.append(f"Write at most {TEXT_LIMIT:,} characters.")
    if outcome and outcome not in list(SafeguardingOutcome):
        problems.append("Choose an outcome from the list.")
    if outcome and not action:
        problems.append("Write what was done before you close it.")
    if problems:
        raise DecisionRefused(problems)
    with unit_of_work() as db:
        column = SafeguardingCase.submission_id if submission_id else SafeguardingCase.conversation_id
        subject = submission_id or conversation_id
        case = db.scalar(select(SafeguardingCase).where(column == subject).with_for_update())
        if (case.version if case else 0) != version:
            raise DecisionRefused(["Somebody else recorded something meanwhile. Read it, then write yours."])
        if case is None:
            case = SafeguardingCase(
                id=uuid.uuid4(), submission_id=submission_id, conversation_id=conversation_id
            )
            db.add(case)
        case.told_resident, case.action, case.outcome = told, action, outcome or None
        case.recorded_by_id, case.updated_at = principal.reviewer_id, utc_now()
        case.closed_at = utc_now() if outcome else None
        db.flush()
        audit.record(
            db,
            principal.actor,
            "safeguarding.closed" if outcome else "safeguarding.recorded",
            "submission" if submission_id else "conversation",
            str(subject),
            outcome=outcome or None,
        )
