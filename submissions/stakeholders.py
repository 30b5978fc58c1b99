"""Stakeholders: who they are, what passed between them and the council, and when they were last asked.

Whoever asks the same one again within the days of commission.yml, from any team, is told and gives a reason.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.addresses import seal, unseal
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.evidence_sessions import LOCAL_TIME, NotAccepted
from submissions.models import (
    ContactKind,
    EvidenceSession,
    Stakeholder,
    StakeholderContact,
    StakeholderKind,
    StakeholderSession,
    StakeholderSubmission,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.references import normalise_reference
from translations.languages import normalise_name

NAME_LIMIT = 200
SHORT_LIMIT = 120
TEXT_LIMIT = 4_000
LEVELS = range(1, 6)


@dataclass(frozen=True)
class Facts:
    name: str
    kind: str = StakeholderKind.ORGANISATION
    speaks_for: str = ""
    interest: int = 0
    influence: int = 0
    manager: str = ""
    team: str = ""
    contact: str = ""  # e-mail, telephone; kept encrypted
    notes: str = ""


@dataclass(frozen=True)
class Contact:
    kind: str
    happened_on: dt.date | None
    team: str
    person: str
    about: str
    asked_again_because: str = ""


class ChangedMeanwhile(Exception):
    """Somebody else saved the stakeholder after this person opened it."""

    def __init__(self, found: Stakeholder) -> None:
        super().__init__(f"stakeholder {found.id} is at version {found.version}")
        self.saved_by, self.saved_at, self.version = found.updated_by, found.updated_at, found.version


class AskedRecently(Exception):
    """They, or somebody of the same name, were asked within the set time, and no reason was given."""

    def __init__(self, contacts: Sequence[StakeholderContact], days: int) -> None:
        super().__init__(f"asked {len(contacts)} times within {days} days")
        self.contacts, self.days = contacts, days


def name_key(name: str) -> str:
    """The name without case, accents, punctuation and the words that are left out as often as not."""
    words = [
        word for word in normalise_name(name).split() if word not in {"the", "ltd", "limited", "cic", "and"}
    ]
    return (" ".join(words) or name.casefold())[:NAME_LIMIT]


def check(facts: Facts) -> dict[str, str]:
    """What is wrong, by the name of the field."""
    problems: dict[str, str] = {}
    if not facts.name.strip():
        problems["name"] = "Write the name."
    if facts.kind not in set(StakeholderKind):
        problems["kind"] = "Choose organisation or person."
    for name in ("interest", "influence"):
        if getattr(facts, name) not in LEVELS:
            problems[name] = f"Choose the {name}, from 1 (low) to 5 (high)."
    limits = {"name": NAME_LIMIT, "speaks_for": NAME_LIMIT, "manager": SHORT_LIMIT, "team": SHORT_LIMIT}
    for name, limit in {**limits, "contact": NAME_LIMIT, "notes": TEXT_LIMIT}.items():
        if len(getattr(facts, name)) > limit:
            problems[name] = f"At most {limit} characters."
    return problems


def add(db: Session, facts: Facts, *, actor: str, is_demonstration: bool = False) -> Stakeholder:
    """Raises NotAccepted."""
    if problems := check(facts):
        raise NotAccepted(problems)
    made = Stakeholder(id=uuid.uuid4(), created_by=actor, updated_by=actor, is_demonstration=is_demonstration)
    _set(made, facts)
    db.add(made)
    db.flush()
    audit.record(db, actor, "stakeholder.added", "stakeholder", made.id)
    return made


def _set(row: Stakeholder, facts: Facts) -> None:
    for name, value in asdict(facts).items():
        if name != "contact":
            setattr(row, name, value)
    row.name_key = name_key(facts.name)
    row.contact_sealed = seal(facts.contact) if facts.contact else None


def facts_of(row: Stakeholder) -> Facts:
    return Facts(
        name=row.name,
        kind=row.kind,
        speaks_for=row.speaks_for,
        interest=row.interest,
        influence=row.influence,
        manager=row.manager,
        team=row.team,
        contact=unseal(row.contact_sealed) if row.contact_sealed else "",
        notes=row.notes,
    )


def find(db: Session, stakeholder_id: uuid.UUID, *, lock: bool = False) -> Stakeholder:
    """Raises SubmissionNotFound, which the desk answers with 404."""
    found = db.get(Stakeholder, stakeholder_id, with_for_update=lock or None)
    if found is None:
        raise SubmissionNotFound(str(stakeholder_id))
    return found


def change(db: Session, stakeholder_id: uuid.UUID, facts: Facts, *, version: int, actor: str) -> None:
    """Raises NotAccepted, ChangedMeanwhile, SubmissionNotFound."""
    found = find(db, stakeholder_id, lock=True)
    if found.version != version:
        raise ChangedMeanwhile(found)
    if problems := check(facts):
        raise NotAccepted(problems)
    before = facts_of(found)
    changed = sorted(name for name, value in asdict(facts).items() if getattr(before, name) != value)
    if changed:
        _set(found, facts)
        found.updated_by, found.updated_at = actor, utc_now()
        audit.record(db, actor, "stakeholder.changed", "stakeholder", found.id, fields=changed)


def forget(db: Session, stakeholder_id: uuid.UUID, *, actor: str) -> None:
    """Removes all that is kept about them: facts, contacts, links. Sessions and views stay. Raises
    SubmissionNotFound."""
    db.delete(find(db, stakeholder_id, lock=True))
    audit.record(db, actor, "stakeholder.removed", "stakeholder", stakeholder_id)


def list_all(db: Session) -> Sequence[Stakeholder]:
    """Those with the most influence and interest first."""
    return db.scalars(
        select(Stakeholder).order_by(
            Stakeholder.influence.desc(), Stakeholder.interest.desc(), Stakeholder.name_key
        )
    ).all()


def twins(rows: Sequence[Stakeholder]) -> list[list[Stakeholder]]:
    """Rows that have the same name once case, accents and the like are left out."""
    groups: dict[str, list[Stakeholder]] = {}
    for row in rows:
        groups.setdefault(row.name_key, []).append(row)
    return [group for group in groups.values() if len(group) > 1]


def contacts_of(db: Session, stakeholder_id: uuid.UUID) -> Sequence[StakeholderContact]:
    """The latest first."""
    return db.scalars(
        select(StakeholderContact)
        .where(StakeholderContact.stakeholder_id == stakeholder_id)
        .order_by(StakeholderContact.happened_on.desc(), StakeholderContact.entered_at.desc())
    ).all()


def last_asked(db: Session) -> dict[uuid.UUID, dt.date]:
    rows = db.execute(
        select(StakeholderContact.stakeholder_id, func.max(StakeholderContact.happened_on))
        .where(StakeholderContact.kind == ContactKind.ASKED)
        .group_by(StakeholderContact.stakeholder_id)
    )
    return dict(rows.all())


def asked_recently(db: Session, row: Stakeholder, day: dt.date) -> Sequence[StakeholderContact]:
    """What this stakeholder, or another row of the same name, was asked near that day by any team."""
    days = dt.timedelta(days=get_commission().stakeholders.ask_again_after_days)
    same = select(Stakeholder.id).where(or_(Stakeholder.id == row.id, Stakeholder.name_key == row.name_key))
    return db.scalars(
        select(StakeholderContact)
        .where(
            StakeholderContact.stakeholder_id.in_(same),
            StakeholderContact.kind == ContactKind.ASKED,
            StakeholderContact.happened_on > day - days,
            StakeholderContact.happened_on < day + days,
        )
        .order_by(StakeholderContact.happened_on.desc())
    ).all()


def note_contact(db: Session, stakeholder_id: uuid.UUID, given: Contact, *, actor: str) -> StakeholderContact:
    """Raises NotAccepted, AskedRecently, SubmissionNotFound."""
    row = find(db, stakeholder_id, lock=True)  # of two teams that ask at once, the second is told
    problems: dict[str, str] = {}
    if given.kind not in set(ContactKind):
        problems["contact_kind"] = "Choose what it was."
    if given.happened_on is None:
        problems["happened_on"] = "Write the date as 2016-07-14."
    elif given.happened_on > utc_now().astimezone(LOCAL_TIME).date() + dt.timedelta(days=366):
        problems["happened_on"] = "The date is more than a year ahead."
    if not given.person or len(given.person) > SHORT_LIMIT or len(given.team) > SHORT_LIMIT:
        problems["person"] = f"Write who it was, in at most {SHORT_LIMIT} characters."
    if not given.about.strip() or len(given.about) > TEXT_LIMIT:
        problems["about"] = f"Write what it was about, in at most {TEXT_LIMIT} characters."
    if len(given.asked_again_because) > TEXT_LIMIT:
        problems["asked_again_because"] = f"At most {TEXT_LIMIT} characters."
    if problems or given.happened_on is None:
        raise NotAccepted(problems)
    recent = asked_recently(db, row, given.happened_on) if given.kind == ContactKind.ASKED else []
    if recent and not given.asked_again_because.strip():
        for contact in recent:
            db.expunge(contact)  # to be shown after this unit of work was rolled back
        raise AskedRecently(recent, get_commission().stakeholders.ask_again_after_days)
    made = StakeholderContact(
        id=uuid.uuid4(),
        stakeholder_id=stakeholder_id,
        kind=given.kind,
        happened_on=given.happened_on,
        team=given.team,
        person=given.person,
        about=given.about,
        asked_again_because=given.asked_again_because.strip() or None if recent else None,
        entered_by=actor,
    )
    db.add(made)
    row.updated_by, row.updated_at = actor, utc_now()
    action = "stakeholder.asked_again" if recent else "stakeholder.contacted"
    audit.record(db, actor, action, "stakeholder", stakeholder_id, kind=given.kind)
    db.flush()
    return made


def link_session(db: Session, stakeholder_id: uuid.UUID, session_id: uuid.UUID, *, actor: str) -> None:
    """Raises SubmissionNotFound. Twice is once."""
    find(db, stakeholder_id, lock=True)
    if db.get(EvidenceSession, session_id) is None:
        raise SubmissionNotFound(str(session_id))
    if db.get(StakeholderSession, (stakeholder_id, session_id)) is None:
        db.add(StakeholderSession(stakeholder_id=stakeholder_id, session_id=session_id))
        audit.record(db, actor, "stakeholder.linked", "stakeholder", stakeholder_id, session=str(session_id))


def link_submission(db: Session, stakeholder_id: uuid.UUID, reference: str, *, actor: str) -> None:
    """Raises NotAccepted, SubmissionNotFound. Twice is once."""
    find(db, stakeholder_id, lock=True)
    submission_id = db.scalars(
        select(Submission.id).where(
            Submission.reference == normalise_reference(reference),
            Submission.status.not_in([SubmissionStatus.DRAFT, SubmissionStatus.WITHDRAWN]),
        )
    ).one_or_none()
    if submission_id is None:
        raise NotAccepted({"reference": "There is no view with this reference. It looks like OW-7K3M-92QF."})
    if db.get(StakeholderSubmission, (stakeholder_id, submission_id)) is None:
        db.add(StakeholderSubmission(stakeholder_id=stakeholder_id, submission_id=submission_id))
        audit.record(
            db, actor, "stakeholder.linked", "stakeholder", stakeholder_id, submission=str(submission_id)
        )


def unlink(db: Session, stakeholder_id: uuid.UUID, other_id: uuid.UUID, *, actor: str) -> None:
    """Takes away the link to a session or view of that id."""
    for model, column in (
        (StakeholderSession, StakeholderSession.session_id),
        (StakeholderSubmission, StakeholderSubmission.submission_id),
    ):
        db.execute(delete(model).where(model.stakeholder_id == stakeholder_id, column == other_id))
    audit.record(db, actor, "stakeholder.unlinked", "stakeholder", stakeholder_id)


def sessions_of(db: Session, stakeholder_id: uuid.UUID) -> Sequence[EvidenceSession]:
    return db.scalars(
        select(EvidenceSession)
        .join(StakeholderSession, StakeholderSession.session_id == EvidenceSession.id)
        .where(StakeholderSession.stakeholder_id == stakeholder_id)
        .order_by(EvidenceSession.held_on.desc())
    ).all()


def submissions_of(db: Session, stakeholder_id: uuid.UUID) -> Sequence[Submission]:
    return db.scalars(
        select(Submission)
        .join(StakeholderSubmission, StakeholderSubmission.submission_id == Submission.id)
        .where(StakeholderSubmission.stakeholder_id == stakeholder_id)
        .order_by(Submission.submitted_at.desc())
    ).all()


def of_session(db: Session, session_id: uuid.UUID) -> Sequence[Stakeholder]:
    return db.scalars(
        select(Stakeholder)
        .join(StakeholderSession, StakeholderSession.stakeholder_id == Stakeholder.id)
        .where(StakeholderSession.session_id == session_id)
        .order_by(Stakeholder.name_key)
    ).all()


def forget_old(now: dt.datetime | None = None, *, dry_run: bool = False) -> int:
    """For retention: deletes those with whom nothing has passed for as long as commission.yml says."""
    days = get_commission().stakeholders.kept_days
    before = (now or utc_now()) - dt.timedelta(days=days)
    latest = (
        select(func.max(StakeholderContact.happened_on))
        .where(StakeholderContact.stakeholder_id == Stakeholder.id)
        .scalar_subquery()
    )
    is_old = (Stakeholder.updated_at < before, or_(latest.is_(None), latest < before.date()))
    with unit_of_work(read_only=dry_run) as db:
        ids = db.scalars(select(Stakeholder.id).where(*is_old)).all()
        if ids and not dry_run:
            db.execute(delete(Stakeholder).where(Stakeholder.id.in_(ids)))
            audit.record(db, audit.SYSTEM, "stakeholders.forgotten", "stakeholder", "*", count=len(ids))
    return len(ids)
