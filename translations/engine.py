"""What a translation is, and what anything that translates must do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from translations.errors import TranslationError, TranslationFailed


@dataclass(frozen=True)
class Translation:
    """A translation and what made it."""

    text: str  # never the source text in disguise
    source_language: str  # BCP 47, "pl"
    target_language: str  # BCP 47, "ar"
    pivot_language: str | None  # "en" when Polish reached Arabic by way of English
    model: str  # engine, pair and version of each step: "argos pl-en 1.0 > bergamot en-pt 1693087644"

    @property
    def engine(self) -> str:
        """The engines alone: "argos", or "argos > bergamot" with a pivot."""
        return " > ".join(dict.fromkeys(step.split(" ")[0] for step in self.model.split(" > ")))


class SentenceTranslator(Protocol):
    """One loaded model: sentences of one language in, sentences of another out."""

    memory_bytes: int  # an estimate, for unloading what is used least

    def translate_sentences(self, sentences: Sequence[str]) -> list[str | TranslationFailed]:
        """As many results as sentences, in their order; a sentence the model fails on does not lose the
        others."""

    def close(self) -> None:
        """Give the memory back. Called when nobody uses the translator any more."""


class TranslationEngine(Protocol):
    """Whatever translates texts: the registry of installed models, or a stand-in in a test."""

    def translate_segment(self, segment: str, *, source_language: str, target_language: str) -> Translation:
        """Translate one sentence or paragraph; white space around it and line breaks inside it are kept.

        Raises LanguagePairNotInstalled when no chain of installed models joins the two languages, and
        TranslationFailed when the model returned nothing usable.
        """

    def translate_texts(
        self, texts: Sequence[str], *, source_language: str, target_language: str
    ) -> list[Translation | TranslationError]:
        """Translate many texts together, which is several times faster than one by one.

        The list is as long as the one that went in and in its order; what failed stands there as the error
        value.
        """
