"""The steps of a follow-up: made, prepared, approved by a second person, paused, resumed, called off."""

from __future__ import annotations

import uuid

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from submissions import audit
from submissions.errors import SubmissionNotFound
from submissions.follow_ups import attendees, forums, texts
from submissions.follow_ups.errors import NotAccepted, NotNow
from submissions.follow_ups.preview import Preview, make_preview
from submissions.models import (
    Attendee,
    DeliveryStatus,
    FollowUp,
    FollowUpRecipient,
    FollowUpState,
    Message,
    RecipientState,
    utc_now,
)

NAME_LIMIT = 120
LARGEST_BUDGET_PENCE = 1_000_000
CALLED_OFF = "called off"
CHANGED = "The list, a text or the budget has changed since you opened this page. Read it again."


def find(db: Session, follow_up_id: uuid.UUID) -> FollowUp:
    """Raises SubmissionNotFound, which the desk answers with 404."""
    follow_up = db.get(FollowUp, follow_up_id)
    if follow_up is None:
        raise SubmissionNotFound(str(follow_up_id))
    return follow_up


def lock(db: Session, follow_up_id: uuid.UUID) -> FollowUp:
    """The follow-up as it is now, locked until the unit of work ends. Raises SubmissionNotFound."""
    follow_up = db.scalars(
        select(FollowUp)
        .where(FollowUp.id == follow_up_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if follow_up is None:
        raise SubmissionNotFound(str(follow_up_id))
    return follow_up


def list_of_forum(db: Session, forum_id: uuid.UUID) -> list[FollowUp]:
    """The latest first."""
    return list(
        db.scalars(select(FollowUp).where(FollowUp.forum_id == forum_id).order_by(FollowUp.created_at.desc()))
    )


def add(db: Session, forum_id: uuid.UUID, name: str, budget_pence: int | None, *, actor: str) -> FollowUp:
    """A draft with the kept wording in each language of the list and of the forum. Raises NotAccepted."""
    forum = forums.find(db, forum_id)
    problems: dict[str, str] = {}
    if not name or len(name) > NAME_LIMIT:
        problems["name"] = f"Write a name for the team of at most {NAME_LIMIT} characters."
    if problem := _problem_with_budget(budget_pence):
        problems["budget"] = problem
    if problems or budget_pence is None:
        raise NotAccepted(problems)
    follow_up = FollowUp(
        id=uuid.uuid4(), forum_id=forum_id, name=name, budget_pence=budget_pence, created_by=actor
    )
    db.add(follow_up)
    db.flush()
    languages = dict.fromkeys([*attendees.count_by_language(db, forum_id), *forum.languages])
    texts.add_default_texts(db, follow_up, forum, list(languages), actor)
    audit.record(db, actor, "follow_up.added", "follow_up", follow_up.id, forum=str(forum_id))
    return follow_up


def set_budget(db: Session, follow_up_id: uuid.UUID, budget_pence: int | None, *, actor: str) -> None:
    """Before it is approved. Raises NotAccepted, NotNow."""
    follow_up = lock(db, follow_up_id)
    if follow_up.state not in (FollowUpState.DRAFT, FollowUpState.WAITING):
        raise NotNow("It has been approved with this budget, so it stays.")
    problem = _problem_with_budget(budget_pence)
    if problem or budget_pence is None:
        raise NotAccepted({"budget": problem or ""})
    if budget_pence != follow_up.budget_pence:
        texts.take_back_preparation(follow_up)
        audit.record(db, actor, "follow_up.budget_set", "follow_up", follow_up_id, pence=budget_pence)
        follow_up.budget_pence = budget_pence


def _problem_with_budget(pence: int | None) -> str | None:
    if pence is None or not 0 <= pence <= LARGEST_BUDGET_PENCE:
        return f"Write the budget in pounds, such as 25.00, at most {LARGEST_BUDGET_PENCE // 100:,}."
    return None


def prepare(db: Session, follow_up_id: uuid.UUID, *, fingerprint: str, actor: str) -> None:
    """Asks for a second person's approval. Raises NotNow."""
    follow_up = lock(db, follow_up_id)
    if follow_up.state != FollowUpState.DRAFT:
        raise NotNow(_where_it_is(follow_up))
    _check_preview(db, follow_up, fingerprint)
    follow_up.state = FollowUpState.WAITING
    follow_up.prepared_by, follow_up.prepared_at = actor, utc_now()
    audit.record(db, actor, "follow_up.prepared", "follow_up", follow_up_id)


def may_approve(db: Session, follow_up: FollowUp, actor: str) -> bool:
    """Whether this is a second person: neither who made or prepared it nor who wrote one of its texts."""
    return actor not in {
        follow_up.created_by,
        follow_up.prepared_by,
        *(text.written_by for text in texts.current_texts(db, follow_up.id).values()),
    }


def approve(db: Session, follow_up_id: uuid.UUID, *, fingerprint: str, actor: str) -> int:
    """Lets it be sent, to those who are on the list now; how many. Raises NotNow.

    Of two approvals at once the second finds it approved.
    """
    follow_up = lock(db, follow_up_id)
    if follow_up.state != FollowUpState.WAITING:
        raise NotNow(_where_it_is(follow_up))
    if not may_approve(db, follow_up, actor):
        raise NotNow("You have worked on this follow-up, so somebody else must approve it.")
    preview = _check_preview(db, follow_up, fingerprint)
    current = texts.current_texts(db, follow_up_id)
    people = db.scalars(
        select(Attendee).where(Attendee.forum_id == follow_up.forum_id).order_by(Attendee.id)
    ).all()
    db.add_all(
        FollowUpRecipient(
            id=uuid.uuid4(),
            follow_up_id=follow_up_id,
            attendee_id=person.id,
            address_id=person.address_id,
            person_hash=person.person_hash,
            language=person.language,
            text_id=current[person.language].id,
            state=RecipientState.WAITING,
        )
        for person in people
    )
    follow_up.state = FollowUpState.SENDING
    follow_up.approved_by, follow_up.approved_at = actor, utc_now()
    follow_up.part_pence = preview.part_pence
    audit.record(
        db,
        actor,
        "follow_up.approved",
        "follow_up",
        follow_up_id,
        people=len(people),
        parts=preview.parts,
        texts={language: text.version for language, text in current.items()},
    )
    db.flush()
    return len(people)


def _check_preview(db: Session, follow_up: FollowUp, fingerprint: str) -> Preview:
    preview = make_preview(db, follow_up)
    if preview.problems:
        raise NotNow(" ".join(preview.problems))
    if preview.fingerprint != fingerprint:
        raise NotNow(CHANGED)
    return preview


def pause(db: Session, follow_up_id: uuid.UUID, *, reason: str, actor: str) -> None:
    """Nothing more goes out, what waits in the outbox included. Raises NotNow."""
    follow_up = lock(db, follow_up_id)
    if follow_up.state != FollowUpState.SENDING:
        raise NotNow(_where_it_is(follow_up))
    follow_up.state = FollowUpState.PAUSED
    follow_up.pause_reason = reason[:200]
    audit.record(db, actor, "follow_up.paused", "follow_up", follow_up_id)


def resume(db: Session, follow_up_id: uuid.UUID, *, actor: str) -> None:
    """Goes on where it was. Raises NotNow."""
    follow_up = lock(db, follow_up_id)
    if follow_up.state != FollowUpState.PAUSED:
        raise NotNow(_where_it_is(follow_up))
    follow_up.state = FollowUpState.SENDING
    follow_up.pause_reason = None
    audit.record(db, actor, "follow_up.resumed", "follow_up", follow_up_id)


def call_off(db: Session, follow_up_id: uuid.UUID, *, actor: str) -> None:
    """For good: who has not got it will not get it. Raises NotNow."""
    follow_up = lock(db, follow_up_id)
    if follow_up.state in (FollowUpState.DONE, FollowUpState.CANCELED):
        raise NotNow(_where_it_is(follow_up))
    follow_up.state = FollowUpState.CANCELED
    follow_up.finished_at = utc_now()
    db.execute(
        update(FollowUpRecipient)
        .where(
            FollowUpRecipient.follow_up_id == follow_up_id,
            FollowUpRecipient.state == RecipientState.WAITING,
        )
        .values(state=RecipientState.SKIPPED, reason=CALLED_OFF)
        .execution_options(synchronize_session=False)
    )
    in_outbox = select(FollowUpRecipient.message_id).where(
        FollowUpRecipient.follow_up_id == follow_up_id, FollowUpRecipient.message_id.is_not(None)
    )
    db.execute(
        update(Message)
        .where(
            Message.id.in_(in_outbox),
            Message.delivery_status.in_([DeliveryStatus.QUEUED, DeliveryStatus.HELD]),
        )
        .values(delivery_status=DeliveryStatus.CANCELED, last_error=CALLED_OFF, next_attempt_at=None)
        .execution_options(synchronize_session=False)
    )
    audit.record(db, actor, "follow_up.called_off", "follow_up", follow_up_id)


def _where_it_is(follow_up: FollowUp) -> str:
    return {
        FollowUpState.DRAFT: "It has not been prepared yet, or was changed since. Prepare it first.",
        FollowUpState.WAITING: "It waits for somebody's approval already.",
        FollowUpState.SENDING: "It has been approved already, and is being sent.",
        FollowUpState.PAUSED: "It is paused already.",
        FollowUpState.DONE: "It has been sent already.",
        FollowUpState.CANCELED: "It was called off.",
    }[FollowUpState(follow_up.state)]
