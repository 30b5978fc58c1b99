"""One submission as its page shows it: sentences beside their English, themes, conversation, history."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from submissions import codeframes, redactions, similar_views, translation_labels
from submissions.commission import get_commission
from submissions.errors import SubmissionNotFound
from submissions.models import (
    AnalystNote,
    AuditEntry,
    CandidateTheme,
    Conversation,
    Direction,
    EarlierText,
    Forum,
    MediaFile,
    Message,
    Reviewer,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    TranslationStatus,
)
from submissions.origins import Origin, origin_of
from submissions.redactions import Redactions
from submissions.references import normalise_reference
from submissions.review import blind_coding, shared_items
from submissions.review.blind_coding import BlindRound
from submissions.review.coding import Marks, marks_of
from submissions.review.queue import visible_to
from submissions.review.sentences import ENGLISH, current_translation, fingerprint, segment_text
from submissions.review.sessions import Principal
from submissions.review.shared_items import Shared
from submissions.rights import earlier_texts
from submissions.similar_views import Similar

HISTORY_LIMIT = 200
# What the service says in these is what the resident said: covered whole where anything in the view is.
_REPEATING = ("preview_", "voice_note_heard")


@dataclass(frozen=True)
class TranslationVersion:
    """One English of a sentence, and what or who made it."""

    id: uuid.UUID
    text: str | None  # as it is shown: what is personal is covered
    full_text: str | None  # as it is; for correcting it only
    status: str
    model: str | None
    pivot_language: str | None
    quality: float | None
    flags: list[str]
    made_by: str | None  # display name of the reviewer, or the interpreter's name
    label: str  # how far it can be trusted, in words: translation_labels
    from_memory: bool  # taken over from a correction of the same sentence
    reason: str | None
    created_at: dt.datetime


@dataclass(frozen=True)
class Sentence:
    """A sentence of the original beside its English."""

    segment_id: uuid.UUID
    original: str
    current: TranslationVersion | None
    earlier: list[TranslationVersion]  # newest first

    @property
    def is_doubtful(self) -> bool:
        return self.current is not None and self.current.status == TranslationStatus.NEEDS_PERSON


@dataclass(frozen=True)
class Part:
    """One message of the view. Without sentences it has not been cut up yet; `original` is all there is."""

    position: int
    original: str
    added_at: dt.datetime
    is_addition: bool  # came after the view was first sent
    is_correction: bool  # its writer put it in place of earlier words
    sentences: list[Sentence]


@dataclass(frozen=True)
class Earlier:
    """What the view said before its writer corrected it; covered whole where anything in the view is."""

    original: str
    english: str | None
    written_at: dt.datetime
    replaced_at: dt.datetime


@dataclass(frozen=True)
class ThemeChoice:
    """A theme of the codeframe, what the machine proposed for this view and what a person decided."""

    key: str
    name: str
    lead: str | None
    confidence: float | None
    model: str | None
    in_original: float | None  # confidence when the resident's own words were read
    in_english: float | None  # and when the English was; None: not proposed, or not read
    is_disputed: bool  # proposed in one of the two and not in the other
    is_low_confidence: bool  # measured: suggestions in this language are right less often
    decision: str | None
    decided_by: str | None
    decided_at: dt.datetime | None


@dataclass(frozen=True)
class Said:
    """One message of the conversation, by the resident or by the service."""

    is_residents: bool
    texts: list[tuple[str, str | None, str]]  # text, language, direction of writing ("" for unknown)
    created_at: dt.datetime
    is_part_of_view: bool
    is_choice: bool
    reports_danger: bool
    key: str | None
    delivery_status: str | None
    files: Sequence[MediaFile] = ()  # none where what was said is covered: a recording cannot be
    is_wordless: bool = False  # neither words nor a file, nor anything else that we can read
    shared: Shared | None = None  # a place, a contact card, a reaction


@dataclass(frozen=True)
class Reading:
    submission: Submission
    fingerprint: str
    parts: list[Part]
    themes: list[ThemeChoice]
    marks: Marks  # sub-codes and evidence
    code_names: dict[tuple[str, str], str]  # of every sub-code, by (theme, code)
    similar: list[Similar]  # views that say nearly the same
    similar_count: int
    conversation: list[Said]
    conversation_language: str | None
    history: Sequence[AuditEntry]
    earlier: Sequence[Earlier] = ()
    forum: Forum | None = None  # the open forum it was contributed to
    origin: Origin | None = None  # the session or file in which the team entered it
    note_count: int = 0  # analysts' notes, which are no part of it
    blind: BlindRound | None = None  # whoever reads codes it in this round: nothing of its themes is here

    @property
    def needs_translation(self) -> bool:
        return self.submission.source_language != ENGLISH

    @property
    def accepted_themes(self) -> list[ThemeChoice]:
        return [choice for choice in self.themes if choice.decision == ThemeDecision.ACCEPTED]

    def sub_codes_of(self, theme_key: str) -> list[tuple[str, str, bool]]:
        """(code, name, whether it is chosen) for a theme: the configured ones, and any chosen before."""
        chosen = self.marks.sub_codes.get(theme_key, [])
        theme = next((one for one in get_commission().themes if one.key == theme_key), None)
        configured = [code.key for code in theme.sub_codes] if theme else []
        keys = [*configured, *(code for code in chosen if code not in configured)]
        return [(key, self.code_names.get((theme_key, key), key), key in chosen) for key in keys]

    @property
    def waiting_sentences(self) -> int:
        return sum(
            1
            for part in self.parts
            for sentence in part.sentences
            if not (sentence.current and sentence.current.text)
        )

    @property
    def doubtful_sentences(self) -> int:
        return sum(1 for part in self.parts for sentence in part.sentences if sentence.is_doubtful)


def find_submission(db: Session, principal: Principal, reference: str) -> Submission:
    """The submission with this reference, however it is typed. Raises SubmissionNotFound."""
    normalised = normalise_reference(reference)
    if normalised is None:
        raise SubmissionNotFound(reference)
    submission = db.scalar(
        select(Submission)
        .where(Submission.reference == normalised, visible_to(principal))
        .options(
            selectinload(Submission.parts)
            .selectinload(SubmissionPart.segments)
            .selectinload(Segment.translations)
        )
    )
    if submission is None:
        raise SubmissionNotFound(reference)
    return submission


def read(db: Session, principal: Principal, reference: str, *, is_redacted: bool = True) -> Reading:
    """Everything about one submission, what is personal in its words covered. Raises SubmissionNotFound."""
    submission = find_submission(db, principal, reference)
    names = dict(db.execute(select(Reviewer.id, Reviewer.display_name)).all())
    conversation = db.get(Conversation, submission.conversation_id) if submission.conversation_id else None
    held = redactions.load(db, [submission.id]) if is_redacted else Redactions()
    # What was taken back is nobody's to read any more; of danger only the safeguarding page tells.
    is_over = is_redacted and submission.status == SubmissionStatus.WITHDRAWN
    earlier = [] if is_over else earlier_texts(db, submission.id)
    similar, similar_count = similar_views.similar_to(db, submission.id, visible_to(principal))
    blind = blind_coding.round_of(db, principal, submission.id)
    history = db.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_type == "submission", AuditEntry.subject_id == str(submission.id))
        .order_by(AuditEntry.occurred_at.desc(), AuditEntry.id)
        .limit(HISTORY_LIMIT)
    ).all()
    return Reading(
        submission=submission,
        fingerprint=fingerprint(submission),
        parts=[] if is_over else parts_of(submission, names, held, {row.replaced_at for row in earlier}),
        earlier=_earlier(earlier, held),
        themes=[] if blind else _themes(db, submission, names),
        marks=Marks({}, {}) if blind else marks_of(db, [submission.id])[submission.id],
        code_names=codeframes.sub_code_names(db),
        similar=similar,
        similar_count=similar_count,
        conversation=[] if is_over else _conversation(db, submission, conversation, held),
        conversation_language=conversation.language if conversation else None,
        forum=db.get(Forum, submission.forum_id) if submission.forum_id else None,
        origin=origin_of(db, submission),
        note_count=db.scalar(
            select(func.count()).select_from(AnalystNote).where(AnalystNote.submission_id == submission.id)
        )
        or 0,
        history=blind_coding.without_themes(history) if blind else history,
        blind=blind,
    )


def parts_of(
    submission: Submission,
    names: dict[uuid.UUID, str],
    held: Redactions | None = None,
    corrected_at: Collection[dt.datetime] = (),
) -> list[Part]:
    """The view's messages, what `held` covers covered. `corrected_at` are the times of its corrections."""
    held = held or Redactions()
    sent_at = submission.submitted_at or submission.created_at
    return [
        Part(
            position=part.position,
            original=held.original(part.id, part.original_text),
            added_at=part.added_at,
            is_addition=part.added_at > sent_at and part.added_at not in corrected_at,
            is_correction=part.added_at in corrected_at,
            sentences=[
                _sentence(segment, names, held) for segment in part.segments if segment_text(segment).strip()
            ],
        )
        for part in submission.parts
    ]


def _earlier(rows: Sequence[EarlierText], held: Redactions) -> list[Earlier]:
    # Which of these words the redactions were about is not known any more.
    return [
        Earlier(
            original=redactions.COVER if held else row.original_text,
            english=redactions.COVER if held and row.english else row.english,
            written_at=row.written_at,
            replaced_at=row.replaced_at,
        )
        for row in rows
    ]


def _sentence(segment: Segment, names: dict[uuid.UUID, str], held: Redactions) -> Sentence:
    current = current_translation(segment)
    earlier = [
        _version(row, names, held.of_translation(segment, row))
        for row in reversed(segment.translations)
        if row is not current and row.target_language == ENGLISH and row.text
    ]
    return Sentence(
        segment_id=segment.id,
        original=held.original(segment.part_id, segment_text(segment), segment.start).strip(),
        current=_version(current, names, held.of_translation(segment, current)) if current else None,
        earlier=earlier,
    )


def _version(row: SegmentTranslation, names: dict[uuid.UUID, str], shown: str | None) -> TranslationVersion:
    label = translation_labels.label(row, names.get(row.reviewer_id) if row.reviewer_id else None)
    return TranslationVersion(
        id=row.id,
        text=shown,
        full_text=row.text,
        status=row.status,
        model=row.model,
        pivot_language=row.pivot_language,
        quality=row.quality,
        flags=list(row.flags or []),
        made_by=label.made_by,
        label=label.words,
        from_memory=row.memory_of_id is not None,
        reason=row.reason,
        created_at=row.created_at,
    )


def _themes(db: Session, submission: Submission, names: dict[uuid.UUID, str]) -> list[ThemeChoice]:
    """Each theme of the codeframe, the proposed and decided ones first, the likeliest on top."""
    candidates: dict[str, CandidateTheme] = {}
    for candidate in submission.candidate_themes:
        known = candidates.get(candidate.theme_key)
        if known is None or candidate.confidence > known.confidence:
            candidates[candidate.theme_key] = candidate
    read: dict[str, dict[str, CandidateTheme]] = {}
    for candidate in submission.candidate_themes:
        read.setdefault(candidate.text_read, {})[candidate.theme_key] = candidate
    in_original, in_english = read.get("original", {}), read.get("english", {})
    decisions: dict[str, ThemeAssignment] = {row.theme_key: row for row in submission.theme_assignments}
    codeframe = {theme.key: theme for theme in get_commission().themes}
    # A theme may have left the codeframe after somebody decided about it: it is still shown.
    keys = [*codeframe, *sorted((candidates.keys() | decisions.keys()) - codeframe.keys())]
    choices = []
    for key in keys:
        theme, proposal, decision = codeframe.get(key), candidates.get(key), decisions.get(key)
        choices.append(
            ThemeChoice(
                key=key,
                name=theme.name if theme else key,
                lead=theme.lead if theme else None,
                confidence=proposal.confidence if proposal else None,
                model=proposal.model if proposal else None,
                in_original=in_original[key].confidence if key in in_original else None,
                in_english=in_english[key].confidence if key in in_english else None,
                is_disputed=bool(in_original and in_english) and (key in in_original) != (key in in_english),
                is_low_confidence=proposal is not None and proposal.is_low_confidence,
                decision=decision.decision if decision else None,
                decided_by=names.get(decision.reviewer_id) if decision and decision.reviewer_id else None,
                decided_at=decision.decided_at if decision else None,
            )
        )
    choices.sort(key=_rank)
    return choices


def _rank(choice: ThemeChoice) -> tuple[bool, float]:
    return choice.confidence is None and choice.decision is None, -(choice.confidence or 0.0)


def _conversation(
    db: Session, submission: Submission, conversation: Conversation | None, held: Redactions
) -> list[Said]:
    if conversation is None:
        return []
    in_view = {part.message_id: part.id for part in submission.parts if part.message_id}
    said = read_conversation(db, conversation, in_view, held)
    if not held:
        return said
    earlier = [row.message_id for row in earlier_texts(db, submission.id)]
    when = {message.created_at for message in db.scalars(select(Message).where(Message.id.in_(earlier)))}
    return [
        replace(one, texts=[(redactions.COVER, None, "")]) if one.created_at in when else one for one in said
    ]


def read_conversation(
    db: Session,
    conversation: Conversation,
    in_view: Mapping[uuid.UUID, uuid.UUID] | None = None,
    held: Redactions | None = None,
) -> list[Said]:
    """Everything that was said, in order. `in_view` has the part of the view for each message it was made of,
    and in those messages what `held` covers is covered."""
    messages = db.scalars(
        select(Message).where(Message.conversation_id == conversation.id).order_by(Message.position)
    )
    files: dict[uuid.UUID, list[MediaFile]] = {}
    of_this = select(MediaFile).join(Message, Message.id == MediaFile.message_id)
    for file in db.scalars(
        of_this.where(Message.conversation_id == conversation.id).order_by(MediaFile.position)
    ):
        files.setdefault(file.message_id, []).append(file)
    shared = shared_items.of_conversation(db, conversation.id)
    return [
        _said(message, in_view or {}, held or Redactions(), files.get(message.id, []), shared.get(message.id))
        for message in messages
    ]


def _said(
    message: Message,
    in_view: Mapping[uuid.UUID, uuid.UUID],
    held: Redactions,
    files: Sequence[MediaFile],
    shared: Shared | None,
) -> Said:
    is_residents = message.direction == Direction.INBOUND
    written = _texts(message, is_residents=is_residents)
    shown: list[tuple[str, str | None, str]]
    if held and not is_residents and (message.message_key or "").startswith(_REPEATING):
        shown = [(redactions.COVER, None, "")]
    else:
        shown = [
            (held.original(in_view[message.id], text) if message.id in in_view else text, language, direction)
            for text, language, direction in written
        ]
    is_empty = is_residents and message.original_text == "" and message.choice is None
    is_wordless = is_empty and not files and shared is None
    return Said(
        is_residents=is_residents,
        texts=shown,
        created_at=message.created_at,
        is_part_of_view=message.id in in_view,
        is_choice=message.choice is not None,
        reports_danger=message.intent == "report_danger",
        key=message.message_key,
        delivery_status=message.delivery_status,
        files=files if shown == written else (),
        is_wordless=is_wordless,
        shared=shared,
    )


def _texts(message: Message, *, is_residents: bool) -> list[tuple[str, str | None, str]]:
    if is_residents:
        return [(message.original_text or "", message.detected_language, "")]
    if message.blocks:
        return [_block(block, message.language) for block in message.blocks]
    return [(message.text or "", message.language, "")]


def _block(block: dict[str, Any], language: str | None) -> tuple[str, str | None, str]:
    return str(block.get("text", "")), block.get("lang") or language, str(block.get("dir") or "")
