"""Evidence sessions of the demonstration: those the commission invites to, and four that nobody held.

Organisations are named as invited, from `commission.yml`; no words are put into their mouths. All that is
contributed comes from people who do not exist.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from submissions import audit, evidence_sessions
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.evidence_sessions import Contribution, SessionFacts
from submissions.models import AuditEntry, DemonstrationView, EvidenceSession, utc_now
from submissions.references import demonstration_reference

SESSIONS_FILE = Path(__file__).with_name("sessions.jsonl")
NOTES = "Demonstration: this session was never held."
INVITED_OF_EACH_THEME = 2
_FIRST_NUMBER = 1001  # of the references, after those of the views


def load(*, now: dt.datetime | None = None) -> int:
    """Adds the sessions with their contributions, unless some are there; how many sessions were added."""
    at = now or utc_now()
    with unit_of_work() as db:
        if db.scalars(select(EvidenceSession.id).where(EvidenceSession.is_demonstration).limit(1)).first():
            return 0
        return _add_invited(db, at) + _add_made_up(db, at)


def remove() -> int:
    """Takes the sessions out, and says how many; their contributions go with `loading.remove`."""
    with unit_of_work() as db:
        ids = list(db.scalars(select(EvidenceSession.id).where(EvidenceSession.is_demonstration)))
        db.execute(delete(EvidenceSession).where(EvidenceSession.id.in_(ids)))
        db.execute(
            delete(AuditEntry).where(
                AuditEntry.subject_type == "evidence_session",
                AuditEntry.subject_id.in_([str(one) for one in ids]),
            )
        )
    return len(ids)


def _add_invited(db: Session, now: dt.datetime) -> int:
    invited = [
        (theme.lead or "", one)
        for theme in get_commission().themes
        for one in theme.invited_contributors[:INVITED_OF_EACH_THEME]
    ]
    for number, (lead, one) in enumerate(invited):
        facts = SessionFacts(
            method=one.method,
            held_on=(now - dt.timedelta(days=80 - 7 * (number % 11))).date(),
            contributors=list(one.organisations),
            lead=lead,
            attended_by=list(dict.fromkeys([*([lead] if lead else []), *one.attended_by])),
            notes=NOTES,
        )
        evidence_sessions.add(db, facts, actor=audit.SYSTEM, is_demonstration=True)
    return len(invited)


def _add_made_up(db: Session, now: dt.datetime) -> int:
    commission = get_commission()
    methods = [way.key for way in commission.ways_of_contributing]
    lead = commission.members[0].name
    lines = [json.loads(line) for line in SESSIONS_FILE.read_text(encoding="utf-8").splitlines()]
    reference_number = _FIRST_NUMBER
    for line in lines:
        held_at = now - dt.timedelta(days=line["days_ago"])
        facts = SessionFacts(
            method=line["method"] if line["method"] in methods else methods[0],
            held_on=held_at.date(),
            place=line["place"],
            contributors=line["contributors"],
            lead=lead,
            attended_by=[lead],
            interpreter=line.get("interpreter", ""),
            notes=NOTES,
        )
        session = evidence_sessions.add(db, facts, actor=audit.SYSTEM, is_demonstration=True)
        for given in line["contributions"]:
            submission = evidence_sessions.add_contribution(
                db,
                session.id,
                Contribution(**given, has_agreed=True, was_read_back=line["method"] != "written"),
                actor=audit.SYSTEM,
                reference=demonstration_reference(reference_number),
            )
            # As if it had been typed in the day after, or at the session for one of today.
            submission.submitted_at = submission.created_at = min(now, held_at + dt.timedelta(days=1))
            db.add(DemonstrationView(key=f"session-{reference_number}", submission_id=submission.id))
            reference_number += 1
    return len(lines)
