"""Puts the demonstration into the record and takes it out again, both repeatable at any time.

Every view goes the way of a real one: originals with their hashes, segments, translations with what made
them, jobs. No telephone number is stored. The English that people wrote names its writer as a demonstration.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from submissions import audit, jobs
from submissions.commission import get_commission
from submissions.conversations import sha256_of
from submissions.database import unit_of_work
from submissions.demo.talking import Say, Talk
from submissions.demo.views import READ_AT_ONCE_AFTER, DemonstrationText, Story, read_texts, story_of
from submissions.errors import RealViewsThere
from submissions.models import (
    AuditEntry,
    Channel,
    Conversation,
    DemonstrationView,
    JobKind,
    Message,
    SafeguardingCase,
    SafeguardingOutcome,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    TranslationStatus,
    utc_now,
)
from submissions.references import demonstration_reference
from submissions.translation_memory import sentence_key
from translations.segmentation import split

INTERPRETER = "Demonstration interpreter"
READER = "reviewer:demonstration"
_TOGETHER = 25  # views in one unit of work, so that a running system is never held up for long


@dataclass(frozen=True)
class Loaded:
    added: int
    there_before: int


def must_stand_alone() -> None:
    """Raises RealViewsThere where residents' views are, since every figure would count made-up ones too."""
    with unit_of_work(read_only=True) as db:
        made_up = select(DemonstrationView.submission_id)
        real = select(Submission.id).where(
            Submission.submitted_at.is_not(None), Submission.id.not_in(made_up)
        )
        if db.scalars(real.limit(1)).first() is not None:
            raise RealViewsThere


def load(*, now: dt.datetime | None = None, first: int | None = None, say: Say | None = None) -> Loaded:
    """Adds the views that are not there yet, with the jobs that translate them and propose their themes.

    `first` takes only so many from the beginning of the file. With `say` the conversations have the
    assistant's side too, in the resident's language.
    """
    at = now or utc_now()
    texts = read_texts()[:first]
    with unit_of_work(read_only=True) as db:
        known = set(db.scalars(select(DemonstrationView.key)))
    missing = [text for text in texts if text.key not in known]
    for some in _batches(missing):
        with unit_of_work() as db:
            for text in some:
                _add_view(db, text, story_of(text, len(texts), at), say)
    if missing:
        with unit_of_work() as db:
            audit.record(
                db, audit.SYSTEM, "demonstration.loaded", "demonstration", "views", count=len(missing)
            )
    return Loaded(added=len(missing), there_before=len(texts) - len(missing))


def remove() -> int:
    """Takes out every view of the demonstration with all that hangs on it, and says how many there were."""
    from submissions.exports import downloads  # its pages ask here whether there is a demonstration

    removed = 0
    while True:
        with unit_of_work() as db:
            submission_ids = list(db.scalars(select(DemonstrationView.submission_id).limit(_TOGETHER)))
            if not submission_ids:
                break
            conversation_ids = list(
                db.scalars(
                    select(Submission.conversation_id).where(
                        Submission.id.in_(submission_ids), Submission.conversation_id.is_not(None)
                    )
                )
            )
            for reference in db.scalars(
                select(Submission.reference).where(Submission.id.in_(submission_ids))
            ):
                downloads.forget(db, reference)
            # What hangs on them goes by the foreign keys.
            db.execute(delete(Submission).where(Submission.id.in_(submission_ids)))
            db.execute(delete(Conversation).where(Conversation.id.in_(conversation_ids)))
            db.execute(
                delete(AuditEntry).where(
                    AuditEntry.subject_type == "submission",
                    AuditEntry.subject_id.in_([str(one) for one in submission_ids]),
                )
            )
            removed += len(submission_ids)
    if removed:
        with unit_of_work() as db:
            audit.record(db, audit.SYSTEM, "demonstration.removed", "demonstration", "views", count=removed)
    return removed


def count_views(db: Session) -> int:
    """How many demonstration views there are."""
    return db.scalar(select(func.count()).select_from(DemonstrationView)) or 0


def is_loaded() -> bool:
    """Whether there is demonstration data, which every page of the desk then says."""
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(DemonstrationView.id).limit(1)).first() is not None


def _batches(texts: Iterable[DemonstrationText]) -> Iterator[list[DemonstrationText]]:
    remaining = iter(texts)
    while some := list(islice(remaining, _TOGETHER)):
        yield some


def _add_view(db: Session, text: DemonstrationText, story: Story, say: Say | None) -> None:
    conversation = Conversation(
        id=uuid.uuid4(),
        channel=story.channel,
        language=text.language,
        language_source="detected",
        is_choosing_language=False,
        message_count=0,
        is_urgent=text.urgent,
        consented_at=story.sent_at,
        created_at=story.sent_at,
        last_message_at=story.sent_at,
    )
    submission = Submission(
        id=uuid.uuid4(),
        reference=demonstration_reference(text.number),
        conversation_id=conversation.id,
        channel=story.channel,
        status=story.status,
        source_language=text.language,
        source_language_confidence=0.97,
        is_urgent=text.urgent,
        consented_at=story.sent_at,
        created_at=story.sent_at,
        submitted_at=story.sent_at,
        withdrawn_at=story.withdrawn_at,
        first_read_at=story.first_read_at,
    )
    db.add(conversation)
    db.flush()
    english = iter(text.english or ())
    # A form is no conversation.
    talk = Talk(conversation, story.sent_at, say if story.channel != Channel.WEB_FORM else None)
    db.add_all(talk.before_the_view())
    for position, words in enumerate(text.parts):
        message = talk.hear(words, intent="submit_view", language=text.language)
        db.add_all([message, *talk.answer("view_kept", options=["option_finish"])])
        db.flush()
        submission.parts.append(_part(message, position, text, story, english))
    db.add_all(talk.answer("submission_saved", reference=submission.reference))
    if text.urgent:
        db.add_all(talk.answer("danger_help"))
    db.add(submission)
    db.flush()
    db.add(DemonstrationView(key=text.key, submission_id=submission.id))
    _add_decisions(db, submission, text, story)
    _add_history(db, submission, story)
    if story.status != SubmissionStatus.WITHDRAWN:
        jobs.request_job(db, submission.id, JobKind.TRANSLATE)
        jobs.request_job(db, submission.id, JobKind.FIND_THEMES)


def _part(
    message: Message, place: int, text: DemonstrationText, story: Story, english: Iterator[str]
) -> SubmissionPart:
    words = message.original_text or ""
    part = SubmissionPart(
        id=uuid.uuid4(),
        position=place,
        message_id=message.id,
        original_text=words,
        original_sha256=sha256_of(words),
        added_at=story.sent_at,
    )
    if text.english is None:
        return part  # the job cuts it into sentences and translates them, where a package is installed
    for position, piece in enumerate(split(words, text.language)):
        sentence = words[piece.start : piece.end]
        segment = Segment(
            id=uuid.uuid4(),
            position=position,
            start=piece.start,
            end=piece.end,
            text_sha256=sentence_key(sentence),
        )
        part.segments.append(segment)
        if sentence.strip():
            segment.translations.append(_by_a_person(text.language, next(english), story))
    return part


def _by_a_person(language: str, english: str, story: Story) -> SegmentTranslation:
    return SegmentTranslation(
        source_language=language,
        target_language="en",
        text=english,
        status=TranslationStatus.CORRECTED,
        flags=[],
        is_current=True,
        interpreter=INTERPRETER,
        created_at=story.first_read_at or story.sent_at,
    )


def _add_decisions(db: Session, submission: Submission, text: DemonstrationText, story: Story) -> None:
    """What the team decided: the themes of an approved view, the outcome of an urgent one."""
    if story.decided_at is not None:
        db.add_all(
            ThemeAssignment(
                submission_id=submission.id,
                theme_key=theme,
                decision=ThemeDecision.ACCEPTED,
                codeframe_version=get_commission().version,
                decided_at=story.decided_at,
            )
            for theme in text.themes
            if theme in get_commission().theme_keys  # another council has other themes
        )
    if text.urgent and story.first_read_at and utc_now() - story.sent_at > READ_AT_ONCE_AFTER:
        db.add(
            SafeguardingCase(
                submission_id=submission.id,
                told_resident="Demonstration: where to get help was said again, in their language.",
                action="Demonstration: told the council's safeguarding team by telephone.",
                outcome=SafeguardingOutcome.REFERRED,
                updated_at=story.first_read_at,
                closed_at=story.first_read_at + dt.timedelta(hours=1),
            )
        )


def _add_history(db: Session, submission: Submission, story: Story) -> None:
    happened = [(audit.RESIDENT, "submission.sent", story.sent_at)]
    if story.first_read_at is not None:
        happened.append((READER, "submission.read", story.first_read_at))
    if story.decided_at is not None:
        happened.append((READER, "submission.approved", story.decided_at))
    if story.withdrawn_at is not None:
        happened.append((audit.RESIDENT, "submission.withdrawn", story.withdrawn_at))
    db.add_all(
        AuditEntry(
            actor=actor,
            action=action,
            subject_type="submission",
            subject_id=str(submission.id),
            occurred_at=occurred_at,
            details={"is_demonstration": True},
        )
        for actor, action, occurred_at in happened
    )
