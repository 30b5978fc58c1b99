"""Where a contribution that the team entered came from: a session, or a file of paper forms."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from submissions.models import (
    Channel,
    EvidenceContribution,
    EvidenceSession,
    PaperBatch,
    PaperForm,
    Submission,
)


@dataclass(frozen=True)
class Origin:
    kind: str
    name: str
    address: str  # of its page on the desk
    who: str


def origin_of(db: Session, submission: Submission) -> Origin | None:
    """None for what came through a channel."""
    if submission.channel != Channel.DESK:
        return None
    contribution = db.get(EvidenceContribution, submission.id)
    if contribution is not None:
        session = db.get_one(EvidenceSession, contribution.session_id)
        name = f"{session.held_on.day} {session.held_on:%B %Y}, {'; '.join(session.contributors)}"
        address = f"/desk/evidence-sessions/{session.id}"
        return Origin("Evidence session", name, address, contribution.contributor)
    form = db.get(PaperForm, submission.id)
    if form is None:
        return None
    batch = db.get_one(PaperBatch, form.batch_id)
    number = f" {form.form_number}" if form.form_number else ""
    name = f"{batch.file_name}, line {form.line}"
    return Origin(f"Paper form{number}", name, f"/desk/paper-forms/{batch.id}", form.contributor)
