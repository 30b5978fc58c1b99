"""What stands beside every translation wherever it is shown, sent or exported: how far it can be trusted.

Pages, the API, briefings and exports all use these functions, so the same translation has the same words
everywhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from submissions.models import SegmentTranslation, TranslationStatus

NOT_TRANSLATED = "Not translated yet"
WORDS: dict[str, str] = {
    TranslationStatus.WAITING_FOR_PACKAGE: "Waiting for a translation",
    TranslationStatus.MACHINE: "Machine translation, not checked",
    TranslationStatus.NEEDS_PERSON: "Machine translation, doubtful: a person must check it",
    TranslationStatus.CORRECTED: "Corrected by a person",
    TranslationStatus.APPROVED: "Machine translation, approved by a person",
}
APPROVED_CORRECTION = "Corrected by a person, approved"
# From what can be trusted least on.
_ORDER = (
    TranslationStatus.WAITING_FOR_PACKAGE,
    TranslationStatus.NEEDS_PERSON,
    TranslationStatus.MACHINE,
    TranslationStatus.CORRECTED,
    TranslationStatus.APPROVED,
)


class Described(Protocol):
    """A row of `segment_translation`, or anything with its facts."""

    @property
    def status(self) -> str: ...
    @property
    def model(self) -> str | None: ...
    @property
    def pivot_language(self) -> str | None: ...


@dataclass(frozen=True)
class TranslationLabel:
    status: str | None  # None: not translated yet
    words: str  # "Machine translation, not checked (argos pt-en 1.0)"
    model: str | None  # engine, pair and version; "memory" or None when a person wrote it
    made_by: str | None  # the reviewer's or interpreter's name
    made_at: dt.datetime | None


def label_words(row: Described | None, *, made_by: str | None = None, from_memory: bool = False) -> str:
    """One plain sentence without its full stop."""
    if row is None:
        return NOT_TRANSLATED
    words = WORDS.get(row.status, row.status)
    if row.status == TranslationStatus.APPROVED and not row.model:
        words = APPROVED_CORRECTION
    if made_by and row.status in (TranslationStatus.CORRECTED, TranslationStatus.APPROVED):
        words = words.replace("by a person", f"by {made_by}", 1)
    if from_memory:
        return f"{words}, for the same sentence in another view"
    facts = row.model if row.model and row.model != "copy" else ""
    if facts and row.pivot_language:
        facts += f", by way of {row.pivot_language}"
    return f"{words} ({facts})" if facts else words


def label(row: SegmentTranslation | None, reviewer_name: str | None = None) -> TranslationLabel:
    """The label of one translation; `reviewer_name` is the name of the person in `row.reviewer_id`."""
    if row is None:
        return TranslationLabel(None, NOT_TRANSLATED, None, None, None)
    made_by = row.interpreter or reviewer_name
    words = label_words(row, made_by=made_by, from_memory=row.memory_of_id is not None)
    return TranslationLabel(row.status, words, row.model, made_by, row.created_at)


def weakest(statuses: Iterable[str | None]) -> str | None:
    """The status of a whole view: that of the sentence that can be trusted least; None: one has none yet."""
    given = list(statuses)
    if not given or None in given:
        return None
    return min((status for status in given if status), key=lambda one: _ORDER.index(TranslationStatus(one)))
