"""What a row of the list shows, fetched for a whole page in a few queries."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from submissions import redactions
from submissions.models import (
    Assignment,
    CandidateTheme,
    Reviewer,
    SafeguardingCase,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    TranslationStatus,
)

EXCERPT_CHARACTERS = 220
# How many messages, and sentences of each, the excerpts are made from.
EXCERPT_PARTS = 3
EXCERPT_SEGMENTS = 6


@dataclass(frozen=True)
class ThemeMark:
    """A theme of a submission: accepted by a person, or only proposed, with the machine's confidence."""

    key: str
    confidence: float | None  # None when nobody proposed it
    is_accepted: bool


@dataclass
class Row:
    id: uuid.UUID
    reference: str
    status: str
    version: int
    channel: str
    method: str
    language: str | None
    language_confidence: float | None
    is_urgent: bool
    is_unread: bool
    submitted_at: dt.datetime
    assigned_to_id: uuid.UUID | None = None
    assigned_to: str | None = None
    forum_id: uuid.UUID | None = None
    is_case_closed: bool = False  # a safeguarding outcome is recorded
    original_start: str = ""
    english_start: str | None = None  # None while there is no English
    translation_states: dict[str, int] = field(default_factory=dict)  # sentences by TranslationStatus
    themes: list[ThemeMark] = field(default_factory=list)


def describe(
    db: Session, submissions: Sequence[Submission], *, without_themes: Collection[uuid.UUID] = ()
) -> list[Row]:
    """A row for each submission, in their order; `without_themes` whoever reads codes blind.

    Of what was taken back no words are shown: at most the safeguarding page still has them.
    """
    ids = [submission.id for submission in submissions]
    with_words = [one.id for one in submissions if one.status != SubmissionStatus.WITHDRAWN]
    themes = themes_of(db, with_words)
    states: defaultdict[uuid.UUID, dict[str, int]] = defaultdict(dict)
    counted = (
        select(SubmissionPart.submission_id, SegmentTranslation.status, func.count())
        .join(Segment, Segment.part_id == SubmissionPart.id)
        .join(SegmentTranslation, SegmentTranslation.segment_id == Segment.id)
        .where(
            SubmissionPart.submission_id.in_(ids),
            SegmentTranslation.is_current,
            SegmentTranslation.target_language == "en",
        )
        .group_by(SubmissionPart.submission_id, SegmentTranslation.status)
    )
    for submission_id, status, number in db.execute(counted).all():
        states[submission_id][status] = number
    starts: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    held = redactions.load(db, ids)
    originals = (
        select(
            SubmissionPart.submission_id,
            SubmissionPart.id,
            func.substr(SubmissionPart.original_text, 1, EXCERPT_CHARACTERS),
        )
        .where(SubmissionPart.submission_id.in_(with_words), SubmissionPart.position < EXCERPT_PARTS)
        .order_by(SubmissionPart.position)
    )
    for submission_id, part_id, text in db.execute(originals):
        starts[submission_id].append(held.original(part_id, text))
    english = _english_starts(db, with_words, held)
    closed = set(db.scalars(_closed_cases(ids)))
    holders = {submission_id: (identity, name) for submission_id, identity, name in db.execute(_holders(ids))}
    return [
        Row(
            id=submission.id,
            reference=submission.reference or "",
            status=submission.status,
            version=submission.version,
            channel=submission.channel,
            method=submission.method,
            language=submission.source_language,
            language_confidence=submission.source_language_confidence,
            is_urgent=submission.is_urgent,
            is_unread=submission.first_read_at is None,
            submitted_at=submission.submitted_at or submission.created_at,
            assigned_to_id=holders.get(submission.id, (None, None))[0],
            assigned_to=holders.get(submission.id, (None, None))[1],
            forum_id=submission.forum_id,
            is_case_closed=submission.id in closed,
            original_start=_shortened(" ".join(starts[submission.id])),
            english_start=english.get(submission.id),
            translation_states=states[submission.id],
            themes=[] if submission.id in without_themes else themes.get(submission.id, []),
        )
        for submission in submissions
    ]


def _holders(ids: Sequence[uuid.UUID]) -> Select[uuid.UUID, uuid.UUID, str]:
    return (
        select(Assignment.submission_id, Reviewer.id, Reviewer.display_name)
        .join(Reviewer, Reviewer.id == Assignment.reviewer_id)
        .where(Assignment.submission_id.in_(ids))
    )


def _closed_cases(ids: Sequence[uuid.UUID]) -> Select[uuid.UUID | None]:
    return select(SafeguardingCase.submission_id).where(
        SafeguardingCase.submission_id.in_(ids), SafeguardingCase.closed_at.is_not(None)
    )


def _english_starts(
    db: Session, ids: Sequence[uuid.UUID], held: redactions.Redactions
) -> dict[uuid.UUID, str]:
    pieces: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    statement = (
        select(SubmissionPart.submission_id, SegmentTranslation, Segment)
        .join(Segment, Segment.part_id == SubmissionPart.id)
        .join(SegmentTranslation, SegmentTranslation.segment_id == Segment.id)
        .where(
            SubmissionPart.submission_id.in_(ids),
            SubmissionPart.position < EXCERPT_PARTS,
            Segment.position < EXCERPT_SEGMENTS,
            SegmentTranslation.is_current,
            SegmentTranslation.target_language == "en",
            SegmentTranslation.text.is_not(None),
            SegmentTranslation.status != TranslationStatus.WAITING_FOR_PACKAGE,
        )
        .order_by(SubmissionPart.position, Segment.position)
    )
    for submission_id, row, segment in db.execute(statement).all():
        pieces[submission_id].append((held.of_translation(segment, row) or "").strip())
    return {
        submission_id: _shortened(" ".join(filter(None, texts))) for submission_id, texts in pieces.items()
    }


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) < EXCERPT_CHARACTERS - 20 else words[: EXCERPT_CHARACTERS - 20].rstrip() + "…"


def themes_of(db: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[ThemeMark]]:
    """The themes of each submission, accepted ones first, then the likeliest; refused ones are left out."""
    confidences: defaultdict[uuid.UUID, dict[str, float]] = defaultdict(dict)
    candidates = select(CandidateTheme.submission_id, CandidateTheme.theme_key, CandidateTheme.confidence)
    for submission_id, key, confidence in db.execute(
        candidates.where(CandidateTheme.submission_id.in_(ids))
    ).all():
        known = confidences[submission_id].get(key, 0.0)
        confidences[submission_id][key] = max(known, confidence)
    decisions: defaultdict[uuid.UUID, dict[str, str]] = defaultdict(dict)
    assignments = select(ThemeAssignment.submission_id, ThemeAssignment.theme_key, ThemeAssignment.decision)
    for submission_id, key, decision in db.execute(
        assignments.where(ThemeAssignment.submission_id.in_(ids))
    ).all():
        decisions[submission_id][key] = decision
    themes: dict[uuid.UUID, list[ThemeMark]] = {}
    for submission_id in ids:
        keys = confidences[submission_id].keys() | decisions[submission_id].keys()
        marks = [
            ThemeMark(
                key,
                confidences[submission_id].get(key),
                decisions[submission_id].get(key) == ThemeDecision.ACCEPTED,
            )
            for key in keys
            if decisions[submission_id].get(key) != ThemeDecision.REFUSED
        ]
        marks.sort(key=lambda mark: (not mark.is_accepted, -(mark.confidence or 0.0), mark.key))
        themes[submission_id] = marks
    return themes
