"""Looks for parts of a text that its translation leaves out, and for parts that it makes up.

Both texts are cut into clauses at marks and at frequent conjunctions, and each clause looks for the nearest
clause and the nearest sentence of the other text (e5 cosines). A translation that reads well but stands for
something else hides from one cosine of the whole, not from these. One wrong word often does: docs/figures.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translations.embeddings import embed

# A clause further than this from all of the other text is missing there: measured on good translations and
# planted faults (docs/figures.md). Unrelated sentences lie near 0.77. Among the many clauses of a longer text
# one is often rather far, so it must be further.
ALONE_BELOW, ALONE_BELOW_AMONG_MANY = 0.80, 0.792
MANY = 4
# Shorter ones ("Thank you") mean too little to be compared; in Chinese a character is a word.
_SHORTEST, _SHORTEST_CHINESE = 10, 4
# A long view has its clauses joined until there are no more than this: each costs some 20 to 50 ms.
MAXIMUM_CLAUSES = 40

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_SENTENCE_END = re.compile(r"(?<=[.!?؟۔।。！？።])\s*|\n+")
_MARKS = r"[,;:،؛，、；.!?؟۔।。！？።፣፤]+(?=\s|$|[\u3400-\u9fff])"
# Frequent words between clauses; in other languages marks alone cut.
_CONJUNCTIONS = {
    "en": "and but because(?!\\sof) although while since",
    "pt": "e mas porque embora",
    "es": "y pero porque aunque",
    "fr": "et mais car donc alors",
    "it": "e ed ma perché mentre",
    "ro": "și dar pentru deși",
    "pl": "i a ale bo więc chociaż",
    "tr": "ve ama çünkü oysa",
    "sq": "dhe por sepse",
    "so": "iyo laakiin waayo",
    "tl": "at pero kasi dahil",
    "ru": "и но а потому поэтому хотя",
    "uk": "і й але а тому хоча",
    "ar": "لأن لكن ولكن بينما",
    "fa": "و ولی چون اما",
    "ur": "اور لیکن کیونکہ مگر",
    "ckb": "و بەڵام چونکە",
    "bn": "এবং কিন্তু কারণ তাই",
    "am": "ግን ምክንያቱም",
}
_CUTS = {
    language: re.compile(rf"{_MARKS}|\s(?:{'|'.join(words.split())})\s")
    for language, words in _CONJUNCTIONS.items()
}
_MARKS_ALONE = re.compile(_MARKS)


@dataclass(frozen=True)
class Alignment:
    """How near, -1 to 1, the loneliest clause of each text is to the other text; 1 when there is but one.
    `clauses` is how many the richer text has."""

    source: float
    translation: float
    clauses: int

    @property
    def flags(self) -> set[str]:
        """`part_missing` when a clause of the original is far from all of the translation, `part_added` the
        other way round."""
        far = ALONE_BELOW_AMONG_MANY if self.clauses >= MANY else ALONE_BELOW
        named = (("part_missing", self.source), ("part_added", self.translation))
        return {flag for flag, nearness in named if nearness < far}


def split_sentences(text: str) -> list[str]:
    """The sentences, or the text when there is but one."""
    return [part.strip() for part in _SENTENCE_END.split(text) if _is_enough(part)] or [text]


def split_clauses(text: str, language: str | None) -> list[str]:
    """The clauses that are long enough to mean something, at most MAXIMUM_CLAUSES; never empty."""
    cuts = _CUTS.get((language or "").split("-")[0], _MARKS_ALONE)
    found = [part.strip() for part in cuts.split(text) if _is_enough(part)] or [text]
    together = -(-len(found) // MAXIMUM_CLAUSES)
    return [" ".join(found[start : start + together]) for start in range(0, len(found), together)]


def _is_enough(part: str) -> bool:
    return len(part.strip()) >= (_SHORTEST_CHINESE if _CHINESE.search(part) else _SHORTEST)


def align(
    source: str, translation: str, source_language: str | None, target_language: str | None
) -> Alignment:
    """Two texts' loneliest clauses. A text of one clause is left to the cosine of the whole."""
    first, second = split_clauses(source, source_language), split_clauses(translation, target_language)
    if len(first) == len(second) == 1:
        return Alignment(1.0, 1.0, 1)
    ours, theirs = embed(first), embed(second)
    our_sentences, their_sentences = embed(split_sentences(source)), embed(split_sentences(translation))
    return Alignment(
        _loneliest(ours, (theirs, their_sentences)),
        _loneliest(theirs, (ours, our_sentences)),
        max(len(first), len(second)),
    )


def _loneliest(clauses: NDArray[np.float32], other: tuple[NDArray[np.float32], NDArray[np.float32]]) -> float:
    if len(clauses) == 1:
        return 1.0
    nearest = [(clauses @ units.T).max(axis=1) for units in other]
    return float(np.mean(nearest, axis=0).min())
