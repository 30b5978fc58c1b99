"""Finds what must pass through a translation unchanged: addresses, numbers, references, emoji, names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex


@dataclass(frozen=True)
class ProtectedSpan:
    """`text[start:end]` is to stand in the translation as it is. `kind` says what it is."""

    start: int
    end: int
    kind: str


_PATTERNS = (
    ("url", r"(?:https?://|www\.)[^\s<>\"“”«»]+[^\s<>\"“”«».,;:!?)\]’'…؟،。！？，；]"),
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    (
        "url",
        r"\b[\w-]+(?:\.[\w-]+)*\.(?:org|com|net|gov\.uk|co\.uk|org\.uk|uk|pt|br|es|fr)\b(?:/[^\s<>\"]*[\w/])?",
    ),
    ("reference", r"\bOW-[0-9A-Z]{4}-[0-9A-Z]{4}\b"),
    ("handle", r"(?<!\w)[@#]\w{2,}"),
    ("amount", r"[£€$¥₺]\s?\d[\d.,]*\d|[£€$¥₺]\s?\d|\d[\d.,]*\s?[£€₺]"),
    ("phone", r"(?<![\w.,/-])\+?\(?\d(?:[\s().-]{0,2}\d){6,14}(?![\w/]|[.,]\d)"),
    ("postcode", r"\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b"),
    (
        "emoji",
        r"(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2})(?:\p{EMod}|\ufe0f|\u200d\p{Extended_Pictographic})*",
    ),
)
_COMBINED = regex.compile(
    "|".join(f"(?P<k{number}>{pattern})" for number, (_, pattern) in enumerate(_PATTERNS))
)


def find_protected(text: str, names: Sequence[str] = ()) -> list[ProtectedSpan]:
    """What to keep, in order and without overlap; `names` are further words to keep, whole, in any case."""
    spans = []
    for match in _COMBINED.finditer(text):
        kind = _PATTERNS[int(match.lastgroup[1:])][0]
        spans.append(ProtectedSpan(match.start(), match.end(), kind))
    if names:
        longest_first = sorted(names, key=len, reverse=True)
        pattern = regex.compile(
            rf"(?<!\w)(?:{'|'.join(map(regex.escape, longest_first))})(?!\w)", regex.IGNORECASE
        )
        for match in pattern.finditer(text):
            if not any(span.start < match.end() and match.start() < span.end for span in spans):
                spans.append(ProtectedSpan(match.start(), match.end(), "name"))
    return sorted(spans, key=lambda span: span.start)
