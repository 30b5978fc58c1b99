"""Texts as the character model sees them: hurried typing, accents left out and letter variants made alike."""

from __future__ import annotations

import re
import unicodedata

# One letter for each group that people type for one another: Arabic, Persian, Kurdish and Urdu forms,
# Latin letters
# that do not decompose, and the apostrophes of telephones.
_ALIKE = str.maketrans(
    {
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ـ": "",
        "ی": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ە": "ه",
        "ı": "i", "ł": "l", "đ": "d", "ß": "ss", "ø": "o", "æ": "ae",
        "’": "'", "‘": "'", "ʼ": "'", "`": "'",
    }
)  # fmt: skip
_REPEATED = re.compile(r"(.)\1{2,}")
_VIRAMA = 9  # combining class of the sign that joins two consonants: a letter's part, not an accent


def normalise(text: str) -> str:
    """Lower case without accents or Arabic vowel signs, letters said long said once, punctuation as spaces.

    The vowels of Bengali and its relatives stay: they are marks to Unicode, but letters to a reader.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in decomposed if unicodedata.combining(c) in (0, _VIRAMA))
    alike = _REPEATED.sub(r"\1", kept.translate(_ALIKE))
    return " ".join("".join(c if _is_of_a_word(c) else " " for c in alike).split())


def _is_of_a_word(character: str) -> bool:
    return character in "'_" or unicodedata.category(character)[0] in "LMN"
