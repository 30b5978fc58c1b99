"""Carries addresses, references, phone numbers, emoji, names and glossary terms through a translation.

A model is first left to copy them, which keeps the grammar around them. Where it did not, they are replaced
by a number it has no reason to change, and where that is lost too, the text around them is translated in
pieces. What comes out is checked each time, so a protected thing is either there or the sentence has
failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from translations.errors import TranslationFailed
from translations.protected import find_protected

SentenceFunction = Callable[[Sequence[str]], list[str | TranslationFailed]]

# Their sums and amounts change form in translation ("5 €" is "€5"); the quality gate looks after their
# digits.
_LEFT_TO_THE_MODEL = ("amount",)
_HAS_WORD = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class _Kept:
    """A span of the sentence and what must stand for it in the translation."""

    start: int
    end: int
    wanted: str


def translate_protecting(
    sentences: Sequence[str],
    translate: SentenceFunction,
    *,
    names: Sequence[str] = (),
    glossary: Mapping[str, str] | None = None,
) -> list[str | TranslationFailed]:
    """As many results as sentences.

    Each protected thing of a sentence stands in its translation as it was, each glossary term as its fixed
    translation.
    """
    kept = [_find_kept(sentence, names, glossary or {}) for sentence in sentences]
    # Emoji and addresses at the edges need no place inside the sentence: they are set aside and put back.
    trimmed = [_trim(sentence, spans) for sentence, spans in zip(sentences, kept, strict=True)]
    results = _translate_where_words([middle for _, middle, _, _ in trimmed], translate)
    retry = [row for row, (_, _, _, inner) in enumerate(trimmed) if not _all_there(inner, results[row])]
    if retry:
        _retry_with_numbers(retry, trimmed, results, translate)
    retry = [row for row in retry if not _all_there(trimmed[row][3], results[row])]
    if retry:
        _retry_in_pieces(retry, trimmed, results, translate)
    return [
        result if isinstance(result, TranslationFailed) else before + result + after
        for (before, _, after, _), result in zip(trimmed, results, strict=True)
    ]


_Trimmed = tuple[str, str, str, list[_Kept]]


def _find_kept(sentence: str, names: Sequence[str], glossary: Mapping[str, str]) -> list[_Kept]:
    terms = {term.casefold(): wanted for term, wanted in glossary.items()}
    spans = []
    for span in find_protected(sentence, [*names, *glossary]):
        found = sentence[span.start : span.end]
        if span.kind not in _LEFT_TO_THE_MODEL:
            spans.append(_Kept(span.start, span.end, terms.get(found.casefold(), found)))
    return spans


def _trim(sentence: str, spans: list[_Kept]) -> _Trimmed:
    """What stands before the words, the words, what stands after, and protected spans among the words."""
    start, end = 0, len(sentence)
    inner = list(spans)
    while inner and not sentence[start : inner[0].start].strip() and not _is_wordlike(inner[0]):
        start = inner.pop(0).end
    while inner and not sentence[inner[-1].end : end].strip() and not _is_wordlike(inner[-1]):
        end = inner.pop().start
    middle = sentence[start:end]
    lead = len(middle) - len(middle.lstrip())
    tail = len(middle.rstrip()) if middle.strip() else len(middle)
    if not middle.strip():
        return sentence, "", "", []
    before, after = sentence[: start + lead], sentence[start + tail :]
    shifted = [_Kept(span.start - start - lead, span.end - start - lead, span.wanted) for span in inner]
    return before, middle.strip(), after, shifted


def _is_wordlike(span: _Kept) -> bool:
    """Names and addresses take part in the sentence; emoji do not."""
    return bool(re.search(r"\w", span.wanted))


def _translate_where_words(texts: list[str], translate: SentenceFunction) -> list[str | TranslationFailed]:
    rows = [row for row, text in enumerate(texts) if _HAS_WORD.search(text)]
    results: list[str | TranslationFailed] = list(texts)
    if rows:
        for row, outcome in zip(rows, translate([texts[row] for row in rows]), strict=True):
            results[row] = outcome
    return results


def _all_there(spans: list[_Kept], result: str | TranslationFailed) -> bool:
    return isinstance(result, str) and all(
        _count(span.wanted, result) >= sum(other.wanted == span.wanted for other in spans) for span in spans
    )


def _count(wanted: str, text: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(wanted)}(?!\w)", text, re.IGNORECASE))


def _retry_with_numbers(
    rows: list[int],
    trimmed: list[_Trimmed],
    results: list[str | TranslationFailed],
    translate: SentenceFunction,
) -> None:
    stand_ins: dict[int, list[str]] = {}
    texts = []
    for row in rows:
        _, sentence, _, spans = trimmed[row]
        # Five digits, none of them in the sentence.
        numbers = (str(number) for number in range(71317, 99999, 1009) if str(number) not in sentence)
        stand_ins[row] = [next(numbers) for _ in spans]
        texts.append(_replace(sentence, spans, stand_ins[row]))
    for row, outcome in zip(rows, translate(texts), strict=True):
        spans = trimmed[row][3]
        if isinstance(outcome, str) and all(_count(number, outcome) == 1 for number in stand_ins[row]):
            for number, span in zip(stand_ins[row], spans, strict=True):
                outcome = outcome.replace(number, span.wanted)
            results[row] = outcome


def _retry_in_pieces(
    rows: list[int],
    trimmed: list[_Trimmed],
    results: list[str | TranslationFailed],
    translate: SentenceFunction,
) -> None:
    gaps: list[tuple[int, str]] = []
    for row in rows:
        _, sentence, _, spans = trimmed[row]
        edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(sentence)]
        gaps += [(row, sentence[edges[index] : edges[index + 1]]) for index in range(0, len(edges), 2)]
    outcomes = _translate_where_words([gap.strip() for _, gap in gaps], translate)
    for row in rows:
        parts: list[str] = []
        failure = None
        wanted = iter([*(span.wanted for span in trimmed[row][3]), ""])
        for (owner, gap), outcome in zip(gaps, outcomes, strict=True):
            if owner != row:
                continue
            if isinstance(outcome, TranslationFailed):
                failure = outcome
                break
            lead, tail = gap[: len(gap) - len(gap.lstrip())], gap[len(gap.rstrip()) :] if gap.strip() else ""
            parts += [lead, outcome, tail, next(wanted)]
        results[row] = failure or "".join(parts)


def _replace(sentence: str, spans: list[_Kept], stand_ins: list[str]) -> str:
    for span, stand_in in reversed(list(zip(spans, stand_ins, strict=True))):
        sentence = sentence[: span.start] + stand_in + sentence[span.end :]
    return sentence
