"""A small engine for tests: translates by a word list, and fails as real models fail."""

from __future__ import annotations

from collections.abc import Sequence

from translations.engine import Translation
from translations.errors import LanguagePairNotInstalled, TranslationError, TranslationFailed

WORDS = {
    "não": "do not",
    "fechem": "close",
    "a": "the",
    "biblioteca": "library",
    "é": "is",
    "lá": "there",
    "que": "that",
    "os": "the",
    "vizinhos": "neighbours",
    "se": "each other",
    "encontram": "meet",
    "gosto": "I like",
    "desta": "this",
    "rua": "street",
}


class WordListEngine:
    """Portuguese to English, word by word; a text with "falha" fails like a model that returns nothing."""

    model = "wordlist pt-en 1.0"

    def __init__(self, languages: Sequence[str] = ("pt",)) -> None:
        self.languages = list(languages)
        self.calls: list[list[str]] = []

    def translate_segment(self, segment: str, *, source_language: str, target_language: str) -> Translation:
        (result,) = self.translate_texts(
            [segment], source_language=source_language, target_language=target_language
        )
        if isinstance(result, TranslationError):
            raise result
        return result

    def translate_texts(
        self, texts: Sequence[str], *, source_language: str, target_language: str
    ) -> list[Translation | TranslationError]:
        if source_language not in self.languages or target_language != "en":
            raise LanguagePairNotInstalled(source_language, target_language)
        self.calls.append(list(texts))
        return [self._translate(text, source_language) for text in texts]

    def _translate(self, text: str, source_language: str) -> Translation | TranslationError:
        if "falha" in text:
            return TranslationFailed("empty", self.model)
        words = [self._word(word) for word in text.split()]
        return Translation(" ".join(words), source_language, "en", None, self.model)

    @staticmethod
    def _word(word: str) -> str:
        core = word.strip(".,!?")
        return word.replace(core, WORDS.get(core.lower(), core)) if core else word
