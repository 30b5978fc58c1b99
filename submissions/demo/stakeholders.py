"""The stakeholders of the demonstration: the organisations the commission invites to, by the seed's lists.

Their names are from `commission.yml`; interest, influence and what passed are made up and marked so.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, select

from submissions import audit, stakeholders
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import AuditEntry, ContactKind, EvidenceSession, Stakeholder, utc_now
from submissions.stakeholders import Contact, Facts

_TEAMS = ("Project team", "Faith engagement", "Housing")


def load(*, now: dt.datetime | None = None) -> int:
    """Adds every organisation invited to a theme, unless some are there; how many."""
    today = (now or utc_now()).date()
    names = dict.fromkeys(
        name
        for theme in get_commission().themes
        for invited in theme.invited_contributors
        for name in invited.organisations
    )
    with unit_of_work() as db:
        if db.scalars(select(Stakeholder.id).where(Stakeholder.is_demonstration).limit(1)).first():
            return 0
        sessions = db.scalars(select(EvidenceSession).where(EvidenceSession.is_demonstration)).all()
        for number, name in enumerate(names):
            team = _TEAMS[number % len(_TEAMS)]
            facts = Facts(
                name=name[: stakeholders.NAME_LIMIT],
                interest=1 + number * 3 % 5,
                influence=1 + (number * 7 // 3 + number // 5) % 5,
                manager="Demonstration officer",
                team=team,
                notes="Demonstration: interest and influence are made up.",
            )
            made = stakeholders.add(db, facts, actor=audit.SYSTEM, is_demonstration=True)
            asked_on = today - dt.timedelta(days=12 + 9 * number)
            asked = Contact(
                ContactKind.ASKED,
                asked_on,
                team,
                "Demonstration officer",
                "Demonstration: to give evidence to the commission.",
                "Demonstration: under another name.",
            )
            stakeholders.note_contact(db, made.id, asked, actor=audit.SYSTEM)
            for session in sessions:
                if name in session.contributors:
                    stakeholders.link_session(db, made.id, session.id, actor=audit.SYSTEM)
    return len(names)


def remove() -> int:
    """Takes them out, and says how many."""
    with unit_of_work() as db:
        ids = db.scalars(select(Stakeholder.id).where(Stakeholder.is_demonstration)).all()
        db.execute(delete(Stakeholder).where(Stakeholder.id.in_(ids)))
        db.execute(
            delete(AuditEntry).where(
                AuditEntry.subject_type == "stakeholder",
                AuditEntry.subject_id.in_([str(one) for one in ids]),
            )
        )
    return len(ids)
