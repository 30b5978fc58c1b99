"""Takes texts apart into sentences to translate, and puts the translations back where the sentences stood.

White space around sentences, line breaks and pieces without any word (numbers, emoji) are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from translations.errors import TranslationFailed
from translations.informal_spelling import spell_out
from translations.protection import SentenceFunction, translate_protecting
from translations.segmentation import split_texts
from translations.stock_phrases import translate_phrase

_HAS_WORD = re.compile(r"[^\W\d_]")
# From this many words on, an output equal to its input was not translated; below, it may be a name or "OK".
_WORDS_TO_DIFFER = 4


@dataclass
class _Piece:
    """A sentence of a text: what to translate, and the white space around it."""

    before: str
    sentence: str
    after: str


def translate_texts(
    texts: Sequence[str],
    translate: SentenceFunction,
    *,
    source_language: str,
    model: str,
    names: Sequence[str] = (),
    glossary: Mapping[str, str] | None = None,
    phrases: dict[str, str] | None = None,
) -> list[str | TranslationFailed]:
    """As many results as texts, in their order: the translation, or why there is none.

    `translate` gets every different sentence once; `names` and the terms of the `glossary` (term:
    translation) pass through as `protection` says; a sentence that is one of the `phrases` is not asked for.
    One sentence without a translation fails its text, since
    a translation with a hole would be read as whole.
    """
    pieces = [[_piece(part) for part in split_texts(text, source_language)] for text in texts]
    prepared = {
        piece.sentence: spell_out(piece.sentence, source_language)
        for parts in pieces
        for piece in parts
        if _HAS_WORD.search(piece.sentence)
    }
    found: dict[str, str | TranslationFailed] = {}
    for sentence in prepared.values():
        if (translation := translate_phrase(sentence, phrases or {})) is not None:
            found[sentence] = translation
    wanted = [sentence for sentence in dict.fromkeys(prepared.values()) if sentence not in found]
    outcomes = translate_protecting(wanted, translate, names=names, glossary=glossary)
    found.update(zip(wanted, outcomes, strict=True))
    return [_assemble(parts, prepared, found, model) for parts in pieces]


def _piece(text: str) -> _Piece:
    sentence = text.strip()
    start = len(text) - len(text.lstrip()) if sentence else len(text)
    return _Piece(text[:start], sentence, text[start + len(sentence) :])


def _assemble(
    parts: list[_Piece], prepared: dict[str, str], found: dict[str, str | TranslationFailed], model: str
) -> str | TranslationFailed:
    result: list[str] = []
    for part in parts:
        translation = part.sentence
        if part.sentence in prepared:
            outcome = found[prepared[part.sentence]]
            if isinstance(outcome, TranslationFailed):
                return outcome
            if not re.search(r"\w", outcome):
                return TranslationFailed("empty", model, "only punctuation")
            if _is_untranslated(part.sentence, outcome):
                return TranslationFailed("untranslated", model)
            translation = outcome
        result += [part.before, translation, part.after]
    text = "".join(result)
    return (
        text
        if text.strip() or not any(part.sentence for part in parts)
        else TranslationFailed("empty", model)
    )


def _is_untranslated(source: str, translation: str) -> bool:
    words = re.findall(r"\w+", source.casefold())
    return len(words) >= _WORDS_TO_DIFFER and words == re.findall(r"\w+", translation.casefold())
