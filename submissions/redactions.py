"""What is personal in a view and must not be shown on: spans over original and English, applied when shown.

The texts in the database never change. Whoever shows or exports a view's words passes them through
`Redactions`. A redaction holds also after the English was translated or corrected anew: where the new English
has not been marked yet, the same words are covered in it, and when they are not there, the whole sentence is.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from submissions.models import Redaction, Segment, SegmentTranslation

Span = tuple[int, int]  # characters from the first to before the second
COVER = "[redacted]"
FEWEST_DIGITS = 7  # of a telephone number; a year has four
KINDS: dict[str, str] = {
    "name": "Name",
    "phone": "Telephone number",
    "email": "E-mail address",
    "postcode": "Postcode",
    "other": "Something else personal",
}


@dataclass(frozen=True)
class Suggestion:
    """Something a rule takes for personal, at `start` to `end` of the text it was found in."""

    start: int
    end: int
    kind: str


_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
# The shape of British postcodes, not whether this one exists. Source: BS 7666-2:2006.
_POSTCODE = re.compile(r"\b(?:GIR ?0AA|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2})\b", re.IGNORECASE)
# "My name is ...", as people introduce themselves; the name is what follows.
_SPACED = (
    "my name is|my name's|i am called|i'm called|o meu nome é|meu nome é|chamo-me|eu me chamo|me chamo|"
    "me llamo|mi nombre es|je m'appelle|je m’appelle|mon nom est|mi chiamo|il mio nome è|nazywam się|"
    "mam na imię|mă numesc|numele meu este|quhem|emri im është|magacaygu waa|ang pangalan ko ay|ako si|"
    "benim adım|adım|меня зовут|моё имя|мене звати|اسمي|نام من|اسم من|میرا نام|আমার নাম|ناوم|ስሜ"
)
# Vowel signs of Indian and Ethiopian scripts are no letters to `re`, but belong to the word.
_WORD = r"[^\W\d_][\w\u0900-\u0963\u0980-\u09e3'’\-]*"
_NAME = re.compile(
    rf"(?:(?<!\w)(?:{_SPACED})[ \t:]+(?P<spaced>{_WORD}(?:[ \t]+{_WORD}){{0,2}})"
    r"|(?:我叫|我的名字是)(?P<chinese>[\u4e00-\u9fff]{2,3}))",
    re.IGNORECASE,
)


def suggest(text: str) -> list[Suggestion]:
    """What looks personal, in the order it stands, without overlaps. Rules only suggest; people decide."""
    import phonenumbers

    found = [Suggestion(m.start(), m.end(), "email") for m in _EMAIL.finditer(text)]
    # POSSIBLE: a number with a slip of the pen is somebody's all the same.
    numbers = phonenumbers.PhoneNumberMatcher(text, "GB", leniency=phonenumbers.Leniency.POSSIBLE)
    found += [
        Suggestion(match.start, match.end, "phone")
        for match in numbers
        if sum(character.isdigit() for character in match.raw_string) >= FEWEST_DIGITS
    ]
    found += [Suggestion(m.start(), m.end(), "postcode") for m in _POSTCODE.finditer(text)]
    found += _names(text)
    kept: list[Suggestion] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _names(text: str) -> Iterable[Suggestion]:
    for match in _NAME.finditer(text):
        if match["chinese"]:
            yield Suggestion(*match.span("chinese"), "name")
            continue
        start = match.start("spaced")
        words = list(re.finditer(_WORD, match["spaced"]))
        end = words[0].end()
        for word in words[1:]:
            # The second word is part of the name where both have capitals, as "Ana Reis".
            if not (words[0][0][0].isupper() and word[0][0].isupper()):
                break
            end = word.end()
        yield Suggestion(start, start + end, "name")


@dataclass
class _Held:
    """One redaction: spans of each part's original, and of each translation somebody has looked at."""

    originals: dict[uuid.UUID, list[Span]] = field(default_factory=dict)
    translations: dict[uuid.UUID, list[Span]] = field(default_factory=dict)


class Redactions:
    """The redactions that hold for some submissions. With none, every text comes back as it is."""

    def __init__(self, rows: Iterable[Redaction] = ()) -> None:
        self._held: list[_Held] = []
        for row in rows:
            held = _Held()
            for span in row.spans:
                if span.translation_id is None:
                    held.originals.setdefault(span.part_id, []).append((span.start, span.end))
                else:
                    # A span without length says: looked at, there is nothing to hide in it.
                    spans = held.translations.setdefault(span.translation_id, [])
                    spans.append((span.start, span.end))
            self._held.append(held)

    def __bool__(self) -> bool:
        return bool(self._held)

    def original(self, part_id: uuid.UUID, text: str, offset: int = 0) -> str:
        """The piece of the part's original that begins at `offset`, with what is personal covered."""
        spans = [span for held in self._held for span in held.originals.get(part_id, ())]
        return cover(text, [(start - offset, end - offset) for start, end in spans])

    def english(
        self,
        part_id: uuid.UUID,
        segment: tuple[int, int],
        original: str,
        translation_id: uuid.UUID,
        text: str,
    ) -> str:
        """A translation of the part's characters `segment`, whose words are `original`, covered likewise."""
        spans: list[Span] = []
        for held in self._held:
            if translation_id in held.translations:
                spans += held.translations[translation_id]
                continue
            touching = [
                (max(start, segment[0]), min(end, segment[1]))
                for start, end in held.originals.get(part_id, ())
                if start < segment[1] and end > segment[0]
            ]
            for start, end in touching:
                words = original[start - segment[0] : end - segment[0]].strip()
                places = occurrences(words, text)
                if not places:
                    return COVER  # nobody has looked at this English yet
                spans += places
        return cover(text, spans)

    def of_translation(self, segment: Segment, row: SegmentTranslation) -> str | None:
        """As `english`, for a translation and its segment."""
        if row.text is None or not self._held:
            return row.text
        original = segment.part.original_text[segment.start : segment.end]
        return self.english(segment.part_id, (segment.start, segment.end), original, row.id, row.text)


def load(db: Session, submission_ids: Sequence[uuid.UUID]) -> Redactions:
    """The redactions that hold for these submissions."""
    rows = db.scalars(
        select(Redaction)
        .where(Redaction.submission_id.in_(submission_ids), Redaction.ended_at.is_(None))
        .options(selectinload(Redaction.spans))
    ).all()
    return Redactions(rows)


def cover(text: str, spans: Iterable[Span]) -> str:
    """The text with these characters covered; spans may overlap, and reach beyond it."""
    pieces: list[str] = []
    reached = 0
    clipped = sorted((max(0, start), min(len(text), end)) for start, end in spans)
    for start, end in clipped:
        if end <= reached or start >= end:
            continue
        if start >= reached and (start > reached or not pieces):
            pieces += [text[reached:start], COVER]
        reached = end
    return "".join([*pieces, text[reached:]])


def occurrences(words: str, text: str) -> list[Span]:
    """Where these very words stand in the text, whatever their capitals."""
    if not words:
        return []
    return [match.span() for match in re.finditer(re.escape(words), text, re.IGNORECASE)]
