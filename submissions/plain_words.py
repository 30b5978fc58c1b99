"""Words as they are compared when somebody texts them: whatever keyboard, capitals and marks."""

from __future__ import annotations

import re

from translations.languages import normalise_name

_INVISIBLE = re.compile("[\u0640\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad]")  # tatweel too
# Letters that keyboards of neighbouring languages write for one another.
_ARABIC_LETTERS = str.maketrans("ؤئۀہھەۃے", "ویهههههی")
_APOSTROPHES = re.compile("['’ʼ`´]")


def plain_words(text: str) -> str:
    """The text without case, accents, punctuation, emoji, invisible characters and Arabic letter forms."""
    text = _APOSTROPHES.sub("", _INVISIBLE.sub("", text))
    return normalise_name(text.translate(_ARABIC_LETTERS)).translate(_ARABIC_LETTERS)
