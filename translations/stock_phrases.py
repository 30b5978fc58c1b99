"""Whole sentences that small models are known to get wrong, with the translation a person wrote.

"Thank you." is "Obrigado por enviar uma edição" to the Bergamot model ("thank you for sending an edition"),
and "Socorro!" is "I help you!": models learn such short sentences from pages full of them. Only a sentence
that is such a phrase and nothing else is taken from here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "phrases"
_ENDINGS = ".,!?…。！؟"


@cache
def stock_phrases(source_language: str, target_language: str) -> dict[str, str]:
    """The phrases of a pair by what they mean; empty for a pair without a file.

    A file has lines `phrase = translation`, without the mark that ends a sentence, and lines that begin
    with # to explain. Raises ValueError for a line of another form.
    """
    path = _FOLDER / f"{source_language}-{target_language}.txt"
    if not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        phrase, sign, translation = (part.strip() for part in line.partition("="))
        if not (phrase and sign and translation):
            raise ValueError(f"{path.name}, line {number}: not of the form `phrase = translation`")
        found[_key(phrase)] = translation
    return found


def translate_phrase(sentence: str, phrases: dict[str, str]) -> str | None:
    """The translation of a sentence that is one of the phrases, with the sentence's own ending; or None."""
    core = sentence.rstrip(_ENDINGS + " ")
    translation = phrases.get(_key(core))
    return None if translation is None else translation + sentence[len(core) :].strip().replace("؟", "?")


def _key(phrase: str) -> str:
    return " ".join(phrase.casefold().replace("’", "'").split())
