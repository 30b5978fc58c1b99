"""Splits a text into sentences, by rule and without any download; the pieces joined give the text back
exactly."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import regex

# Models are trained on sentences; longer ones are cut at a clause, then at a space, then between characters.
MAX_SEGMENT_CHARACTERS = 400


@dataclass(frozen=True)
class TextSegment:
    """A piece of a text: `text[start:end]`, its trailing white space included."""

    start: int
    end: int


# Marks that always end a sentence: Arabic, Bengali, CJK, Ethiopic, Armenian.
_HARD_STOPS = "؟۔।॥。！？｡።፧፨։"
_CLOSERS = "\"'”’»›)]}」』）】〉》"
_CANDIDATE = re.compile(rf"[.!?…{_HARD_STOPS}]+[{re.escape(_CLOSERS)}]*")
_LINE_BREAKS = re.compile(r"[^\S\r\n]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])\s*")
_CLAUSE = re.compile(r"[;:,،؛、，；：፣፤—–]\s*")
_GRAPHEME = regex.compile(r"\X")

# A full stop after one of these does not end the sentence. Lower case, without the stop; from the languages
# offered.
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof st rev hon sr sra srta dra exmo exma v.exa dª ud uds vd mme mlle mm sig sigg sig.ra dott
    ing avv nº núm num tel tél approx ca cca pp vol ul godz woj św tzn tzw np dl str jud et sc dvs vb sn örn
    vs etc ext inc ltd co corp dept ave av avda rd bd blvd jan feb jun jul aug sep sept oct nov dec e.g i.e
    a.m p.m pm cf fig hr hrs vlr obs exc prot г ул пр тов гр им руб коп тыс млн др см стр вул буд кв обл грн
    د م ه ص ج
    """.split()  # noqa: SIM905 (a table is easier to read as words)
)
# These end sentences as often as not, so they hold the sentence only before a digit: "no. 5", "art. 3".
_BEFORE_NUMBER = frozenset(
    {"no", "art", "al", "p", "pág", "pag", "nr", "n", "m", "ap", "bl", "os", "r", "ex"}
)


def split(text: str, language: str | None = None) -> list[TextSegment]:
    """Sentences of the text, in order, covering it without a gap: joining `text[s.start:s.end]` gives the
    text.

    A line break always ends a segment. White space belongs to the segment before it (at the start of the
    text, to the first). No segment but one without a place to cut is longer than 400 characters; no accent,
    joined emoji or other grapheme is cut in two. An empty text has no segments. `language` is not needed:
    the rules of all scripts hold together.
    """
    segments: list[TextSegment] = []
    start = 0
    for end in _sentence_ends(text):
        segments.extend(_bounded(text, start, end))
        start = end
    return segments


def split_texts(text: str, language: str | None = None) -> list[str]:
    """The same pieces as strings."""
    return [text[segment.start : segment.end] for segment in split(text, language)]


def _sentence_ends(text: str) -> list[int]:
    """Positions after which a new segment starts, the end of the text last."""
    ends = {match.end() for match in _LINE_BREAKS.finditer(text)}
    for match in _CANDIDATE.finditer(text):
        if _ends_sentence(text, match):
            ends.add(_skip_spaces(text, match.end()))
    ends.add(len(text))
    # White space in front of everything belongs to the first sentence.
    leading = len(text) - len(text.lstrip())
    return sorted(end for end in ends if end > leading or end == len(text)) if text else []


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    marks = match.group().rstrip(_CLOSERS)
    after = text[match.end() : match.end() + 1]
    if any(mark in _HARD_STOPS for mark in marks):
        return True
    if not after:
        return True
    if not after.isspace():
        # "u.k", "3.5", "example.org", "olá.Tudo": only ! and ? may end a sentence without a space, before a
        # letter of another word; a stop may before a capital when a lower-case word of 3 letters or more
        # stands before it.
        if _inside_address(text, match.start()):
            return False
        if marks[-1] in "!?":
            return after.isalpha()
        if after.isupper() and "." in marks and len(marks) == 1:
            word = _word_before(text, match.start())
            return (
                len(word) >= 3
                and word.islower()
                and word.isalpha()
                and not _inside_address(text, match.start())
            )
        return False
    following = text[_skip_spaces(text, match.end()) :][:1]
    if marks == ".":
        word = _word_before(text, match.start()).casefold()
        if word in _BEFORE_NUMBER and following.isdigit():
            return False
        if word in _ABBREVIATIONS:
            return False
        if len(word) == 1 and word.isalpha() and unicodedata.name(word, "").startswith(("LATIN", "CYRILLIC")):
            return False  # an initial: "J. Smith"
        if word.isdigit() and following.islower():
            return False  # an ordinal: Polish "1. maja"
    # After dots of hesitation ("pois... não sei") and after a stop, a small letter goes on with the
    # sentence when the dots are several; people who never write capitals still end sentences with a stop.
    return not (("…" in marks or len(marks) > 1) and set(marks) <= set(".…") and following.islower())


def _word_before(text: str, position: int) -> str:
    start = position
    while start > 0 and (
        text[start - 1].isalnum() or text[start - 1] in ".ªº" or unicodedata.combining(text[start - 1])
    ):
        start -= 1
    return text[start:position].lstrip(".")


def _inside_address(text: str, position: int) -> bool:
    start = position
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    return any(sign in text[start:position] for sign in ("@", "://", "www.", "/"))


def _skip_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _bounded(text: str, start: int, end: int) -> list[TextSegment]:
    pieces: list[TextSegment] = []
    while len(text[start:end].rstrip()) > MAX_SEGMENT_CHARACTERS:
        cut = _place_to_cut(text, start, start + MAX_SEGMENT_CHARACTERS)
        if cut >= end:
            break
        pieces.append(TextSegment(start, cut))
        start = cut
    if start < end:
        pieces.append(TextSegment(start, end))
    return pieces


def _place_to_cut(text: str, start: int, limit: int) -> int:
    """The best place at or before the limit: after a clause mark, else after a space, else between
    graphemes."""
    window = text[start:limit]
    for pattern in (_CLAUSE, re.compile(r"\s+")):
        places = [match.end() for match in pattern.finditer(window) if match.end() > len(window) // 3]
        if places:
            return start + places[-1]
    cut = start
    for match in _GRAPHEME.finditer(text, start):
        if match.end() > limit and cut > start:
            break
        cut = match.end()
        if cut >= limit:
            break
    return cut
