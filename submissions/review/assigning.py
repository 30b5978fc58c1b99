"""Who is to review which view: taken, given to somebody, given back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.models import Assignment, Reviewer, Submission, utc_now
from submissions.review.access import PERMISSIONS_OF, Permission
from submissions.review.errors import DecisionRefused
from submissions.review.reading import find_submission
from submissions.review.sessions import Principal

MOST_AT_ONCE = 200
NOBODY = ""


@dataclass(frozen=True)
class Person:
    id: uuid.UUID
    name: str


@dataclass(frozen=True)
class Wish:
    """A view, and who had it when the person who asks saw it: an id as text, or NOBODY."""

    reference: str
    had: str


def people(db: Session) -> list[Person]:
    """Whom a view may be given to: open accounts whose role reviews."""
    roles = [role for role, gives in PERMISSIONS_OF.items() if Permission.REVIEW_SUBMISSIONS in gives]
    rows = db.execute(
        select(Reviewer.id, Reviewer.display_name)
        .where(Reviewer.disabled_at.is_(None), Reviewer.role.in_(roles))
        .order_by(Reviewer.display_name, Reviewer.id)
    ).all()
    return [Person(identity, name) for identity, name in rows]


def holder_of(db: Session, submission_id: uuid.UUID) -> Person | None:
    row = db.execute(
        select(Reviewer.id, Reviewer.display_name)
        .join(Assignment, Assignment.reviewer_id == Reviewer.id)
        .where(Assignment.submission_id == submission_id)
    ).one_or_none()
    return Person(row[0], row[1]) if row else None


def assign(principal: Principal, wishes: Sequence[Wish], to: str) -> int:
    """Gives the views to a person (an id as text) or to NOBODY; how many changed hands.

    Raises SubmissionNotFound; DecisionRefused, and then nothing has changed, also when somebody else gave one
    of them to another person since it was seen.
    """
    if not wishes:
        raise DecisionRefused(["Choose at least one submission."])
    if len(wishes) > MOST_AT_ONCE:
        raise DecisionRefused([f"Choose at most {MOST_AT_ONCE} submissions at once."])
    with unit_of_work() as db:
        person = _person(db, to)
        problems: list[str] = []
        changed = 0
        # In one order, so that two people who choose the same views never wait for each other.
        for wish in sorted(wishes, key=lambda wish: wish.reference):
            submission = find_submission(db, principal, wish.reference)
            db.execute(select(Submission.id).where(Submission.id == submission.id).with_for_update())
            holder = holder_of(db, submission.id)
            if (str(holder.id) if holder else NOBODY) != wish.had and holder != person:
                now = f"{holder.name} has it now" if holder else "nobody has it now"
                problems.append(f"{submission.reference} changed hands meanwhile: {now}.")
            elif holder != person:
                _give(db, principal, submission.id, person)
                changed += 1
        if problems:
            raise DecisionRefused([*problems, "Nothing was changed. Look again, then choose."])
    return changed


def _person(db: Session, to: str) -> Person | None:
    if to == NOBODY:
        return None
    person = next((one for one in people(db) if str(one.id) == to), None)
    if person is None:
        raise DecisionRefused(["Choose a person from the list."])
    return person


def _give(db: Session, principal: Principal, submission_id: uuid.UUID, person: Person | None) -> None:
    row = db.get(Assignment, submission_id)
    if person is None:
        db.delete(row)
        audit.record(db, principal.actor, "submission.unassigned", "submission", submission_id)
        return
    if row is None:
        row = Assignment(submission_id=submission_id, reviewer_id=person.id)
        db.add(row)
    row.reviewer_id, row.assigned_by_id, row.assigned_at = person.id, principal.reviewer_id, utc_now()
    audit.record(
        db, principal.actor, "submission.assigned", "submission", submission_id, reviewer_id=str(person.id)
    )
