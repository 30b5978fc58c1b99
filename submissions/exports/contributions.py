"""Sent views as every file and briefing shows them: redactions applied, each English with its label.

Drafts and withdrawn views are never among them, nor are analyst notes, conversations, telephone numbers, or
the names of the staff who read or corrected.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, selectinload

from submissions import codeframes, redactions, translation_labels
from submissions.commission import get_commission
from submissions.models import (
    Forum,
    Segment,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
)
from submissions.redactions import Redactions
from submissions.review.coding import Marks, marks_of
from submissions.review.rows import themes_of
from submissions.review.sentences import ENGLISH, current_translation

EXPORTED_STATUSES = (SubmissionStatus.RECEIVED, SubmissionStatus.IN_REVIEW, SubmissionStatus.APPROVED)
BATCH = 250
WRITTEN_IN_ENGLISH = "Written in English"


@dataclass(frozen=True)
class Sentence:
    original: str
    english: str | None  # None while there is none
    translation_status: str | None  # a TranslationStatus; None: no translation yet, or none needed
    translation_label: str
    evidence_for: list[str] = field(
        default_factory=list
    )  # keys of the themes it speaks for, said by a person


@dataclass(frozen=True)
class SubCodeOfView:
    key: str
    name: str


@dataclass(frozen=True)
class MessageOfView:
    added_at: dt.datetime
    original: str
    is_redacted: bool
    sentences: list[Sentence]


@dataclass(frozen=True)
class ThemeOfView:
    key: str
    name: str
    is_accepted: bool  # by a person; otherwise a machine only suggests it
    confidence: float | None
    sub_codes: list[SubCodeOfView] = field(default_factory=list)


@dataclass(frozen=True)
class Contribution:
    reference: str
    status: str
    submitted_at: dt.datetime
    first_read_at: dt.datetime | None
    channel: str
    method: str
    language: str | None
    is_urgent: bool
    messages: list[MessageOfView]
    themes: list[ThemeOfView]
    forum: str | None = None  # name of the open forum it was contributed to

    @property
    def original(self) -> str:
        """All messages, a blank line between two."""
        return "\n\n".join(message.original for message in self.messages)

    @property
    def english(self) -> str | None:
        """The same in English, "[not translated yet]" for a sentence that has none; None when none has."""
        if self.language == ENGLISH:
            return self.original
        if not any(sentence.english for sentence in self.sentences):
            return None
        return "\n\n".join(
            " ".join((sentence.english or "[not translated yet]").strip() for sentence in message.sentences)
            or "[not translated yet]"
            for message in self.messages
        )

    @property
    def sentences(self) -> list[Sentence]:
        return [sentence for message in self.messages for sentence in message.sentences]

    @property
    def translation_status(self) -> str | None:
        """That of the sentence which can be trusted least."""
        is_whole = all(message.sentences for message in self.messages)
        return (
            translation_labels.weakest(sentence.translation_status for sentence in self.sentences)
            if is_whole
            else None
        )

    @property
    def translation_words(self) -> str:
        if self.language == ENGLISH:
            return WRITTEN_IN_ENGLISH
        status = self.translation_status
        return translation_labels.WORDS.get(status or "", translation_labels.NOT_TRANSLATED)

    def evidence_for(self, theme_key: str) -> list[Sentence]:
        """The sentences that a person marked as speaking for a theme."""
        return [sentence for sentence in self.sentences if theme_key in sentence.evidence_for]

    def has_theme(self, key: str, *, accepted_only: bool = False) -> bool:
        return any(theme.key == key and (theme.is_accepted or not accepted_only) for theme in self.themes)


def is_exported() -> ColumnElement[bool]:
    """Which rows of `submission` count in every file and figure: sent, and not taken back."""
    return and_(Submission.status.in_(EXPORTED_STATUSES), Submission.submitted_at.is_not(None))


def is_approved_for(theme_key: str) -> ColumnElement[bool]:
    """Which views speak for a theme in public: a person approved the view and accepted the theme."""
    accepted = select(ThemeAssignment.submission_id).where(
        ThemeAssignment.theme_key == theme_key, ThemeAssignment.decision == ThemeDecision.ACCEPTED
    )
    return and_(Submission.status == SubmissionStatus.APPROVED, Submission.id.in_(accepted))


def read_contributions(db: Session, *conditions: ColumnElement[bool]) -> Iterator[Contribution]:
    """Every exported view that meets the conditions, the oldest first, without holding them all at once."""
    last: tuple[dt.datetime, uuid.UUID] | None = None
    while True:
        statement = (
            select(Submission)
            .where(is_exported(), Submission.reference.is_not(None), *conditions)
            .order_by(Submission.submitted_at, Submission.id)
            .limit(BATCH)
            .options(
                selectinload(Submission.parts)
                .selectinload(SubmissionPart.segments)
                .selectinload(Segment.translations)
            )
        )
        if last is not None:
            time, identity = Submission.submitted_at, Submission.id
            statement = statement.where(
                time >= last[0], or_(time > last[0], and_(time == last[0], identity > last[1]))
            )
        found = db.scalars(statement).all()
        yield from _describe(db, found)
        if len(found) < BATCH:
            return
        last = (found[-1].submitted_at or found[-1].created_at, found[-1].id)
        db.expunge_all()


def _describe(db: Session, submissions: Sequence[Submission]) -> list[Contribution]:
    ids = [submission.id for submission in submissions]
    themes = themes_of(db, ids)
    names = {theme.key: theme.name for theme in get_commission().themes}
    covered = redactions.load(db, ids)
    forums = _forum_names(db, submissions)
    marks = marks_of(db, ids)
    code_names = codeframes.sub_code_names(db)
    return [
        Contribution(
            reference=submission.reference or "",
            status=submission.status,
            submitted_at=submission.submitted_at or submission.created_at,
            first_read_at=submission.first_read_at,
            channel=submission.channel,
            method=submission.method,
            language=submission.source_language,
            is_urgent=submission.is_urgent,
            messages=[
                _message(
                    part,
                    covered,
                    marks[submission.id],
                    is_english=submission.source_language == ENGLISH,
                )
                for part in submission.parts
            ],
            forum=forums.get(submission.forum_id) if submission.forum_id else None,
            themes=[
                ThemeOfView(
                    mark.key,
                    names.get(mark.key, mark.key),
                    mark.is_accepted,
                    mark.confidence,
                    [
                        SubCodeOfView(code, code_names.get((mark.key, code), code))
                        for code in marks[submission.id].sub_codes.get(mark.key, [])
                    ],
                )
                for mark in themes[submission.id]
            ],
        )
        for submission in submissions
    ]


def _forum_names(db: Session, submissions: Sequence[Submission]) -> dict[uuid.UUID, str]:
    ids = {submission.forum_id for submission in submissions if submission.forum_id is not None}
    if not ids:
        return {}
    return {row.id: row.name for row in db.execute(select(Forum.id, Forum.name).where(Forum.id.in_(ids)))}


def _message(part: SubmissionPart, personal: Redactions, marks: Marks, *, is_english: bool) -> MessageOfView:
    original = personal.original(part.id, part.original_text)
    sentences = []
    for segment in part.segments:
        text = part.original_text[segment.start : segment.end]
        if not text.strip():
            continue
        covered = personal.original(part.id, text, segment.start).strip()
        evidence = marks.evidence.get(segment.id, [])
        if is_english:
            sentences.append(Sentence(covered, covered, None, WRITTEN_IN_ENGLISH, evidence))
            continue
        current = current_translation(segment)
        english = personal.of_translation(segment, current) if current is not None else None
        # Without the corrector's name: staff are not named in what leaves the desk.
        words = translation_labels.label_words(
            current, from_memory=current is not None and current.memory_of_id is not None
        )
        sentences.append(Sentence(covered, english, current.status if current else None, words, evidence))
    return MessageOfView(
        added_at=part.added_at,
        original=original,
        is_redacted=original != part.original_text,
        sentences=sentences,
    )
