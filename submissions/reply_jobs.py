"""Makes the translation of a reply and the translation back, by which its writer sees what would be sent."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, select

from submissions.database import unit_of_work
from submissions.models import JobStatus, Reply, ReplyState
from submissions.translation_jobs import get_engine
from translations import quality
from translations.engine import Translation
from translations.errors import LanguagePairNotInstalled, TranslationError, TranslationFailed

logger = logging.getLogger(__name__)
ENGLISH = "en"


@dataclass(frozen=True)
class _Made:
    text: str | None = None
    back_translation: str | None = None
    model: str | None = None
    pivot_language: str | None = None
    quality: float | None = None
    flags: list[str] = field(default_factory=list)


def translate_replies(submission_id: uuid.UUID) -> JobStatus:
    """Translates what waits among the replies about this view; always DONE, since none waits for a package.

    A reply whose text is there already (kept wording, or typed by a person) only gets its back-translation.
    One that no machine can translate becomes NEEDS_PERSON. Raises ModelNotLoaded for a damaged package.
    """
    for reply in _waiting(Reply.submission_id == submission_id):
        _keep(reply, _make(reply.english, reply.text, reply.language))
    return JobStatus.DONE


def translate_replies_to_offers() -> int:
    """Translates what waits among the replies to offers in conversations without a view; how many.

    There is no view whose job could be tried again, so what fails is left for a person to write at once.
    """
    waiting = _waiting(Reply.offer_id.is_not(None))
    for reply in waiting:
        try:
            made = _make(reply.english, reply.text, reply.language)
        except TranslationError as error:
            logger.error("reply %s not translated (%s)", reply.id, type(error).__name__)
            made = _Made()
        _keep(reply, made)
    return len(waiting)


def _waiting(about: ColumnElement[bool]) -> Sequence[Reply]:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Reply).where(about, Reply.state == ReplyState.TRANSLATING)).all()


def _keep(reply: Reply, made: _Made) -> None:
    """Puts what was made into the reply, if it is still the one that was read."""
    with unit_of_work() as db:
        row = db.get(Reply, reply.id, with_for_update=True)
        # Discarded, erased, or written anew by its author while the machine was at work.
        if row is None or row.state != ReplyState.TRANSLATING or row.version != reply.version:
            return
        if row.text is None:
            row.text = made.text
            row.model, row.pivot_language = made.model, made.pivot_language
            row.quality, row.flags = made.quality, made.flags
        row.back_translation = made.back_translation
        row.state = ReplyState.TO_CHECK if row.text else ReplyState.NEEDS_PERSON


def _make(english: str, text: str | None, language: str) -> _Made:
    if text is not None:
        return _Made(text=text, back_translation=_text_of(_translate(text, language, ENGLISH)))
    result = _translate(english, ENGLISH, language)
    if result is None:
        return _Made()
    if isinstance(result, TranslationFailed):
        return _Made(flags=[result.reason], model=result.model[:120])
    estimate = quality.estimate(english, result.text, source_language=ENGLISH, target_language=language)
    return _Made(
        text=result.text.strip(),
        back_translation=_text_of(_translate(result.text, language, ENGLISH)),
        model=result.model[:120],
        pivot_language=result.pivot_language,
        quality=estimate.score,
        flags=list(estimate.flags),
    )


def _translate(text: str, source: str, target: str) -> Translation | TranslationFailed | None:
    """None when no package is installed for the pair."""
    try:
        (result,) = get_engine().translate_texts([text], source_language=source, target_language=target)
    except LanguagePairNotInstalled:
        return None
    if isinstance(result, LanguagePairNotInstalled):
        return None
    if isinstance(result, TranslationError) and not isinstance(result, TranslationFailed):
        raise result
    return result


def _text_of(result: Translation | TranslationFailed | None) -> str | None:
    return result.text.strip() if isinstance(result, Translation) else None
