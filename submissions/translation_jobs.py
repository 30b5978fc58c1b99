"""Translates a submission into English: one translation row beside each segment, with what made it.

The original is never touched. Whatever cannot be translated stays visible as waiting or as needing a
person, and what a person wrote is never overwritten. Running it again changes only what is still to be
done.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from submissions import jobs, translation_memory
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import (
    JobKind,
    JobStatus,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    TranslationStatus,
    utc_now,
)
from submissions.settings import StoreSettings
from submissions.translation_memory import MEMORY, Remembered, key_of, sentence_key
from translations import quality
from translations.engine import Translation, TranslationEngine
from translations.errors import LanguagePairNotInstalled, TranslationError, TranslationFailed
from translations.registry import Registry, open_registry
from translations.segmentation import split

TARGET_LANGUAGE = "en"
# By a person, so no machine writes over it.
DECIDED = (TranslationStatus.CORRECTED, TranslationStatus.APPROVED)
# Made from what has no words, such as an emoji or a number alone: it reads the same in every language.
COPY = "copy"

_lock = threading.Lock()
_engine: TranslationEngine | None = None


def get_engine() -> TranslationEngine:
    """What translates in this process: the registry of the packages in the data folder, opened once."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = open_commission_registry(StoreSettings())
        return _engine


def open_commission_registry(settings: StoreSettings) -> Registry:
    """The registry of the data folder's packages, with the commission's protected names and glossary."""
    commission = get_commission(settings.commission)
    return open_registry(
        settings.data / "packages",
        memory_limit_bytes=settings.translation_memory_megabytes * 1_000_000,
        names=commission.protected_names,
        glossary=commission.glossary,
    )


@contextmanager
def engine_in_use(engine: TranslationEngine) -> Iterator[None]:
    """Translates with this engine inside the block, in every thread."""
    global _engine
    with _lock:
        before, _engine = _engine, engine
    try:
        yield
    finally:
        with _lock:
            _engine = before


@dataclass(frozen=True)
class _Piece:
    segment_id: uuid.UUID
    text: str
    remembered: Remembered | None = None  # a person's correction of the same sentence


@dataclass(frozen=True)
class _Outcome:
    """What is to stand beside a segment."""

    status: TranslationStatus
    text: str | None = None
    model: str | None = None
    engine: str | None = None
    pivot_language: str | None = None
    quality: float | None = None
    flags: list[str] = field(default_factory=list)
    remembered: Remembered | None = None


def translate_submission(submission_id: uuid.UUID) -> JobStatus:
    """DONE when nothing waits for a package, else WAITING. An erased submission is DONE.

    Raises ModelNotLoaded for a damaged package, DatabaseUnavailable.
    """
    with unit_of_work() as db:
        submission = db.get(Submission, submission_id, with_for_update=True)
        if submission is None:
            return JobStatus.DONE
        language = submission.source_language
        _make_segments(db, submission)
        if language == TARGET_LANGUAGE:
            _retire_machine_rows(db, submission)
            return JobStatus.DONE
        pieces = _pieces_to_translate(db, submission)
    outcomes = _outcomes(pieces, language)
    with unit_of_work() as db:
        submission = db.get(Submission, submission_id, with_for_update=True)
        if submission is None:
            return JobStatus.DONE
        if submission.source_language != language:  # a reviewer set it meanwhile, which asked for another run
            return JobStatus.WAITING
        is_changed = False
        for piece, outcome in zip(pieces, outcomes, strict=True):
            is_changed = _keep(db, piece.segment_id, language, outcome) or is_changed
        db.flush()
        if is_changed and submission.status not in (SubmissionStatus.DRAFT, SubmissionStatus.WITHDRAWN):
            # The English is read for themes too, and searched.
            jobs.request_job(db, submission_id, JobKind.FIND_THEMES)
        waits = db.scalars(
            _current_rows(submission_id).where(
                SegmentTranslation.status == TranslationStatus.WAITING_FOR_PACKAGE
            )
        ).first()
        return JobStatus.DONE if waits is None else JobStatus.WAITING


def _make_segments(db: Session, submission: Submission) -> None:
    for part in submission.parts:
        if part.segments:
            continue
        for position, piece in enumerate(split(part.original_text, submission.source_language)):
            text = part.original_text[piece.start : piece.end]
            part.segments.append(
                Segment(
                    id=uuid.uuid4(),
                    position=position,
                    start=piece.start,
                    end=piece.end,
                    text_sha256=sentence_key(text),
                )
            )
    db.flush()


def _current_rows(submission_id: uuid.UUID) -> Select[SegmentTranslation]:
    return (
        select(SegmentTranslation)
        .join(Segment, Segment.id == SegmentTranslation.segment_id)
        .join(SubmissionPart, SubmissionPart.id == Segment.part_id)
        .where(
            SubmissionPart.submission_id == submission_id,
            SegmentTranslation.target_language == TARGET_LANGUAGE,
            SegmentTranslation.is_current,
        )
    )


def _retire_machine_rows(db: Session, submission: Submission) -> None:
    """After the language was set to English: what a machine made of another language no longer counts."""
    for row in db.scalars(_current_rows(submission.id)):
        if row.status not in DECIDED:
            row.is_current = False


def _pieces_to_translate(db: Session, submission: Submission) -> list[_Piece]:
    """Segments without a translation, waiting for one, translated from another language than is known, or
    corrected elsewhere since."""
    current = {row.segment_id: row for row in db.scalars(_current_rows(submission.id))}
    segments = [(part, segment) for part in submission.parts for segment in part.segments]
    memory = translation_memory.recall(
        db, [key_of(segment) for _, segment in segments], submission.source_language, TARGET_LANGUAGE
    )
    pieces = []
    for part, segment in segments:
        row = current.get(segment.id)
        remembered = memory.get(key_of(segment))
        # Spaces around it are the original's; a page puts them back when it joins the segments.
        text = part.original_text[segment.start : segment.end].strip()
        if not _has_words(text):
            remembered = None
        if row is None:
            pieces.append(_Piece(segment.id, text, remembered))
        elif _is_decided(row):
            continue
        elif remembered is not None:
            if row.memory_of_id != remembered.translation_id:
                pieces.append(_Piece(segment.id, text, remembered))
        elif (
            row.status == TranslationStatus.WAITING_FOR_PACKAGE
            or row.source_language != submission.source_language
        ):
            pieces.append(_Piece(segment.id, text))
    return pieces


def _is_decided(row: SegmentTranslation) -> bool:
    """Whether a person decided about this very sentence. What came from memory follows its correction."""
    return row.status in DECIDED and (row.status == TranslationStatus.APPROVED or row.memory_of_id is None)


def _outcomes(pieces: Sequence[_Piece], language: str | None) -> list[_Outcome]:
    """As many as pieces: from memory where a person has corrected the sentence, else from the engine."""
    made = iter(_translate([piece.text for piece in pieces if piece.remembered is None], language))
    return [next(made) if piece.remembered is None else _from_memory(piece.remembered) for piece in pieces]


def _from_memory(remembered: Remembered) -> _Outcome:
    return _Outcome(
        TranslationStatus.CORRECTED,
        text=remembered.text,
        model=MEMORY,
        engine=MEMORY,
        remembered=remembered,
    )


def _translate(texts: Sequence[str], language: str | None) -> list[_Outcome]:
    """As many outcomes as texts. Raises ModelNotLoaded."""
    outcomes: list[_Outcome | None] = [
        None
        if _has_words(text)
        else _Outcome(TranslationStatus.MACHINE, text=text, model=COPY, engine=COPY, quality=1.0)
        for text in texts
    ]
    rows = [row for row, outcome in enumerate(outcomes) if outcome is None]
    for row, outcome in zip(rows, _translate_words([texts[row] for row in rows], language), strict=True):
        outcomes[row] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def _has_words(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _translate_words(texts: Sequence[str], language: str | None) -> list[_Outcome]:
    waiting = [_Outcome(TranslationStatus.WAITING_FOR_PACKAGE) for _ in texts]
    if language is None or not texts:
        return waiting
    unique = list(dict.fromkeys(texts))  # judging a translation takes longer than making it
    try:
        results = get_engine().translate_texts(
            unique, source_language=language, target_language=TARGET_LANGUAGE
        )
    except LanguagePairNotInstalled:
        return waiting
    outcomes = {text: _judge(text, result, language) for text, result in zip(unique, results, strict=True)}
    return [outcomes[text] for text in texts]


def _judge(text: str, result: Translation | TranslationError, language: str) -> _Outcome:
    if isinstance(result, LanguagePairNotInstalled):
        return _Outcome(TranslationStatus.WAITING_FOR_PACKAGE)
    if isinstance(result, TranslationFailed):
        return _Outcome(TranslationStatus.NEEDS_PERSON, model=result.model[:120], flags=[result.reason])
    if isinstance(result, TranslationError):
        raise result  # such as a damaged package: tried again, then shown as a failed job
    estimate = quality.estimate(text, result.text, source_language=language, target_language=TARGET_LANGUAGE)
    flags = list(estimate.flags)
    return _Outcome(
        TranslationStatus.NEEDS_PERSON if flags else TranslationStatus.MACHINE,
        text=result.text.strip(),
        model=result.model[:120],
        engine=result.engine[:40],
        pivot_language=result.pivot_language,
        quality=estimate.score,
        flags=flags,
    )


def _keep(db: Session, segment_id: uuid.UUID, language: str | None, outcome: _Outcome) -> bool:
    """Puts the outcome beside the segment. False when nothing had to change."""
    current = db.scalars(
        select(SegmentTranslation)
        .where(
            SegmentTranslation.segment_id == segment_id,
            SegmentTranslation.target_language == TARGET_LANGUAGE,
            SegmentTranslation.is_current,
        )
        .with_for_update()
    ).one_or_none()
    if current is not None:
        if _is_decided(current):
            return False  # a reviewer wrote it while the machine was at work
        is_same = (current.status, current.source_language, current.text) == (
            outcome.status,
            language,
            outcome.text,
        )
        if is_same:
            return False
        current.is_current = False
        db.flush()
    db.add(
        SegmentTranslation(
            segment_id=segment_id,
            source_language=language,
            target_language=TARGET_LANGUAGE,
            text=outcome.text,
            status=outcome.status,
            pivot_language=outcome.pivot_language,
            engine=outcome.engine,
            model=outcome.model,
            quality=outcome.quality,
            flags=outcome.flags,
            is_current=True,
            reviewer_id=outcome.remembered.reviewer_id if outcome.remembered else None,
            interpreter=outcome.remembered.interpreter if outcome.remembered else None,
            memory_of_id=outcome.remembered.translation_id if outcome.remembered else None,
            created_at=utc_now(),
        )
    )
    return True


def draft_translation_state(db: Session, submission: Submission) -> str | None:
    """What the resident is told of the draft's translation, or None while it is still at work.

    `not_needed` (English), `ready`, or `person`: no package, an unknown language, or a sentence that the
    model could not translate.
    """
    if submission.source_language == TARGET_LANGUAGE:
        return "not_needed"
    segments = (
        select(Segment.id)
        .join(SubmissionPart, SubmissionPart.id == Segment.part_id)
        .where(SubmissionPart.submission_id == submission.id)
    )
    expected = db.scalars(segments).all()
    rows = db.scalars(_current_rows(submission.id)).all()
    unsplit = [part.id for part in submission.parts if part.original_text and not part.segments]
    if unsplit or len(rows) < len(expected):
        return None
    return "ready" if all(row.text is not None for row in rows) else "person"
