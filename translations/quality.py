"""Estimates, without a reference, whether a translation can be trusted, and says plainly what looks wrong.

Gates look for the faults seen in the field (copied, looped, cut short, numbers or negation lost, wrong
script); multilingual-e5 says whether original and translation lie near in meaning, as a whole and clause by
clause. Calibrated on planted faults: docs/decisions/0008-translation-quality.md. A flag means "a person
should look", not "this is wrong"; one wrong word in a fluent sentence mostly raises none.
"""

from __future__ import annotations

from dataclasses import dataclass

from translations import quality_gates
from translations.clauses import align
from translations.embeddings import similarity
from translations.languages import LANGUAGES

EXPLANATIONS = {
    "empty": "There is no translation.",
    "untranslated": "Part of the text was copied and not translated.",
    "repeated": "Words are repeated over and over.",
    "too_short": "The translation is much shorter than the original: something may be missing.",
    "too_long": "The translation is much longer than the original: something may have been made up.",
    "wrong_script": "The translation has letters of another alphabet than it should.",
    "numbers_lost": "A number in the original is missing or different in the translation.",
    "negation_lost": "The original says no or not, the translation does not (or the other way round).",
    "details_lost": "A web address, e-mail address, phone number or reference is missing or changed.",
    "part_missing": "Part of the original seems to have no counterpart in the translation.",
    "part_added": "Part of the translation seems to have no counterpart in the original.",
    "meaning_far": "The translation seems to say something else than the original.",
    "same_language": "The text is already in this language; it was not translated.",
}

# Cosine below which the meaning is said to be far, and the bounds of the score, measured on good
# translations and planted faults. e5's cosines of unrelated sentences lie near 0.77, those of translations
# above 0.85.
FAR_BELOW = 0.83
_SCORE_FROM, _SCORE_TO = 0.78, 0.92
# A flagged translation scores at most this; the desk sorts by it.
_FLAGGED_AT_MOST = 0.4


@dataclass(frozen=True)
class Quality:
    """0 (cannot be used) to 1, and the names of what looks wrong; explain them with `EXPLANATIONS`.

    `similarity` is the cosine of the two texts' e5 vectors, None when there was nothing to compare.
    """

    score: float
    flags: tuple[str, ...]
    similarity: float | None = None

    @property
    def needs_person(self) -> bool:
        """Whether a person should look before the translation is used."""
        return bool(self.flags)

    @property
    def explanations(self) -> list[str]:
        """What the flags mean, one plain English sentence each."""
        return [EXPLANATIONS[flag] for flag in self.flags]


def estimate(
    source: str, translation: str | None, source_language: str | None = None, target_language: str = "en"
) -> Quality:
    """How far this translation can be trusted. `None` or blank is no translation: score 0, flag `empty`."""
    if translation is None or not translation.strip():
        return (
            Quality(1.0, ()) if not source.strip() and translation is not None else Quality(0.0, ("empty",))
        )
    if not quality_gates.words(source):  # numbers, emoji: kept as they are
        flags = quality_gates.numbers_lost(source, translation) | quality_gates.details_lost(
            source, translation
        )
        return Quality(_FLAGGED_AT_MOST if flags else 1.0, tuple(sorted(flags)))
    target = LANGUAGES.get(target_language.split("-")[0])
    flags = (
        quality_gates.untranslated(source, translation)
        | quality_gates.repeated(source, translation)
        | quality_gates.length(source, translation, source_language, target_language)
        | (quality_gates.wrong_script(source, translation, target.script) if target else set())
        | quality_gates.numbers_lost(source, translation)
        | quality_gates.negation_lost(source, translation, source_language, target_language)
        | quality_gates.details_lost(source, translation)
    )
    cosine = similarity(source, translation)
    if cosine < FAR_BELOW:
        flags = flags | {"meaning_far"}
    if not flags:  # a person looks already otherwise, and each clause costs time
        flags = align(source, translation, source_language, target_language).flags
    score = min(1.0, max(0.0, (cosine - _SCORE_FROM) / (_SCORE_TO - _SCORE_FROM)))
    if flags:
        score = min(score, _FLAGGED_AT_MOST) * 0.8 ** (len(flags) - 1)
    ordered = tuple(name for name in EXPLANATIONS if name in flags)
    return Quality(round(score, 3), ordered, round(cosine, 4))
