"""Whether a transcript may be read back to the person who spoke: the rules, without any model.

The figures split 31 recordings of people well: good ones had a mean log probability of -0.20 to -0.54,
unusable ones -0.67 and less; loops of one word have a fine one, and a compression ratio of 16. See
docs/figures.md and docs/languages.md.
"""

from __future__ import annotations

import enum
import unicodedata
import zlib
from dataclasses import dataclass

# What the model hears well enough to be read back. The others wait for a person: heard badly (Arabic,
# Persian, Bengali, Urdu), not known to the model (Kurdish), or never measured on people's voices.
TRANSCRIBED = frozenset({"en", "es", "fr", "pt", "de", "it", "ru", "zh", "tr"})
SURE = 0.6  # of the language heard: used whatever the conversation's language is
VERY_SURE = 0.9  # against a conversation in a language that waits for a person
MINIMUM_LOG_PROBABILITY = -0.6
MAXIMUM_COMPRESSION = 2.4
# How Unicode's names of the letters begin.
LETTERS = {"ru": "CYRILLIC", "zh": "CJK"}
SCRIPT_SHARE = 0.8


class Doubt(enum.StrEnum):
    """Why a recording does not become words."""

    NO_SPEECH = "no_speech"
    UNCLEAR = "unclear"
    REPEATS = "repeats"
    WRONG_SCRIPT = "wrong_script"
    LANGUAGE_UNSURE = "language_unsure"
    LANGUAGE_FOR_A_PERSON = "language_for_a_person"
    TOO_LONG = "too_long"
    NOT_READABLE = "not_readable"


@dataclass(frozen=True)
class HeardSegment:
    text: str
    seconds: float
    log_probability: float  # mean of its pieces
    compression_ratio: float


def language_to_use(
    heard: str | None, probability: float, conversation_language: str | None
) -> tuple[str | None, Doubt | None]:
    """In which language to transcribe; or None and why not.

    A language heard for sure wins over the conversation's: told a wrong language, the model half-translates,
    fluently. Where it is not sure, the conversation's language decides.
    """
    if conversation_language is not None and conversation_language not in TRANSCRIBED:
        if heard in TRANSCRIBED and probability >= VERY_SURE:
            return heard, None
        return None, Doubt.LANGUAGE_FOR_A_PERSON
    if heard is not None and probability >= SURE:
        return (heard, None) if heard in TRANSCRIBED else (None, Doubt.LANGUAGE_FOR_A_PERSON)
    if conversation_language is not None:
        return conversation_language, None
    return None, Doubt.LANGUAGE_UNSURE


def doubt_about(segments: list[HeardSegment], language: str) -> Doubt | None:
    """Why this must not be read back as somebody's words, or None when it may."""
    text = text_of(segments)
    if not any(unicodedata.category(char).startswith("L") for char in text):
        return Doubt.NO_SPEECH
    if max(compression_of(text), *(segment.compression_ratio for segment in segments)) > MAXIMUM_COMPRESSION:
        return Doubt.REPEATS
    if mean_log_probability(segments) < MINIMUM_LOG_PROBABILITY:
        return Doubt.UNCLEAR
    if not fits_script(text, language):
        return Doubt.WRONG_SCRIPT
    return None


def text_of(segments: list[HeardSegment]) -> str:
    return " ".join(segment.text.strip() for segment in segments if segment.text.strip())


def mean_log_probability(segments: list[HeardSegment]) -> float:
    """Weighted by duration; -inf without any speech."""
    seconds = sum(segment.seconds for segment in segments)
    if seconds <= 0:
        return float("-inf")
    return sum(segment.log_probability * segment.seconds for segment in segments) / seconds


def compression_of(text: str) -> float:
    """How much smaller the text gets when packed; a loop of one phrase gets many times smaller."""
    content = text.encode()
    return len(content) / len(zlib.compress(content)) if content else 0.0


def fits_script(text: str, language: str) -> bool:
    """Whether nearly all letters belong to the language's script."""
    wanted = LETTERS.get(language, "LATIN")
    names = [unicodedata.name(char, "") for char in text if unicodedata.category(char).startswith("L")]
    return bool(names) and sum(name.startswith(wanted) for name in names) >= SCRIPT_SHARE * len(names)
