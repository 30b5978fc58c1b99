"""Where the team quoted a view word for word: in what is not part of it, and so is not erased with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from submissions.models import (
    AnalystNote,
    EvidenceSession,
    Outcome,
    OutcomeText,
    Reply,
    Segment,
    SegmentTranslation,
    Stakeholder,
    StakeholderContact,
    Submission,
    SubmissionPart,
    SummaryPoint,
    ThemeSummary,
)

# Shorter ones are said by many: "Thank you very much."
FEWEST_CHARACTERS = 24
FEWEST_WITHOUT_SPACES = 8  # of a script that sets none between words
MOST_SENTENCES = 200


def find_quotations(db: Session, submission_id: uuid.UUID) -> list[str]:
    """The places in which a sentence of the view, in its own words or in English, stands as it is.

    Each is named for whoever has to look there, without the words: "outcome of safeguarding, version 2".
    """
    sentences = list(dict.fromkeys(_sentences(db, submission_id)))[:MOST_SENTENCES]
    if not sentences:
        return []
    return [*_of_the_team(db, sentences), *_of_other_views(db, sentences, submission_id)]


def _sentences(db: Session, submission_id: uuid.UUID) -> Iterator[str]:
    parts = db.execute(
        select(SubmissionPart.original_text, Segment.start, Segment.end, SegmentTranslation.text)
        .join(Segment, Segment.part_id == SubmissionPart.id)
        .outerjoin(SegmentTranslation, SegmentTranslation.segment_id == Segment.id)
        .where(SubmissionPart.submission_id == submission_id)
    ).all()
    for original, start, end, english in parts:
        for text in (original[start:end], english or ""):
            plain = text.strip().rstrip(".!?…。！？؟")  # a quotation may end otherwise
            if len(plain) >= (FEWEST_CHARACTERS if " " in plain else FEWEST_WITHOUT_SPACES):
                yield plain


def _holds(sentences: list[str], *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return or_(*(column.contains(one, autoescape=True) for column in columns for one in sentences))


def _of_the_team(db: Session, sentences: list[str]) -> Iterator[str]:
    quoted = or_(
        _holds(sentences, Outcome.said, Outcome.did),
        Outcome.id.in_(
            select(OutcomeText.outcome_id).where(_holds(sentences, OutcomeText.said, OutcomeText.did))
        ),
    )
    for row in db.scalars(select(Outcome).where(quoted).order_by(Outcome.theme_key, Outcome.number)):
        yield f"outcome of {row.theme_key}, version {row.number}"
    for summary in db.scalars(
        select(ThemeSummary)
        .where(
            ThemeSummary.id.in_(select(SummaryPoint.summary_id).where(_holds(sentences, SummaryPoint.text)))
        )
        .order_by(ThemeSummary.theme_key, ThemeSummary.number)
    ):
        yield f"summary of {summary.theme_key}, version {summary.number}"
    for name in db.scalars(
        select(Stakeholder.id)
        .where(
            or_(
                _holds(sentences, Stakeholder.notes),
                Stakeholder.id.in_(
                    select(StakeholderContact.stakeholder_id).where(
                        _holds(sentences, StakeholderContact.about)
                    )
                ),
            )
        )
        .order_by(Stakeholder.id)
    ):
        yield f"stakeholder {name}"
    for session_id in db.scalars(select(EvidenceSession.id).where(_holds(sentences, EvidenceSession.notes))):
        yield f"evidence session {session_id}"


def _of_other_views(db: Session, sentences: list[str], submission_id: uuid.UUID) -> Iterator[str]:
    for kind, model, columns in (
        ("note on", AnalystNote, (AnalystNote.text,)),
        ("reply about", Reply, (Reply.english, Reply.text)),
    ):
        for reference in db.scalars(
            select(Submission.reference)
            .join(model, model.submission_id == Submission.id)
            .where(_holds(sentences, *columns), Submission.id != submission_id)
            .distinct()
            .order_by(Submission.reference)
        ):
            yield f"{kind} {reference}"
