"""What the dialogue may know of a text. The words themselves stay out of the tracker and out of the
actions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

SUBSTANTIVE_WORDS = 8
SUBSTANTIVE_CHARACTERS = 40
# Scripts written without spaces say about twice as much a character as a spaced one says in a word's half.
SUBSTANTIVE_UNSPACED_CHARACTERS = 14
CHARACTERS_A_WORD_UNSPACED = 2

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"  # kana and Han
)


@dataclass(frozen=True)
class TextTraits:
    words: int  # in a script without spaces two characters count as a word
    characters: int
    is_substantive: bool  # long enough to be a view, not only the announcement of one


def describe_text(text: str) -> TextTraits:
    """Counts of a text, with scripts that use no spaces counted fairly."""
    unspaced = len(_UNSPACED.findall(text))
    spaced_words = [
        word
        for word in _UNSPACED.sub(" ", text).split()
        if any(unicodedata.category(c)[0] in "LN" for c in word)
    ]
    words = len(spaced_words) + -(-unspaced // CHARACTERS_A_WORD_UNSPACED)
    characters = len(" ".join(text.split()))
    return TextTraits(
        words=words,
        characters=characters,
        is_substantive=words >= SUBSTANTIVE_WORDS
        or characters >= SUBSTANTIVE_CHARACTERS
        or unspaced >= SUBSTANTIVE_UNSPACED_CHARACTERS,
    )
