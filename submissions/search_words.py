"""Texts cut into the words by which they are found, alike for SQLite and PostgreSQL and for every script.

Capitals, accents, Arabic vowel signs and spellings of the same letter count as the same. Scripts that are
written without spaces are cut into pairs of characters, so that a word inside a sentence is found; an emoji
is a word of its own.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import regex

LONGEST_WORD = 60
MOST_QUESTION_WORDS = 12
# PostgreSQL keeps at most 1 MB of words for one view.
MOST_CHARACTERS = 200_000
# A shorter beginning would mean nearly every view; such a word has to stand there whole.
SHORTEST_BEGINNING = 3
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_WORD = regex.compile(
    rf"(?P<unspaced>{_UNSPACED}+)|(?P<word>(?:(?!{_UNSPACED})[\p{{L}}\p{{M}}\p{{N}}])+)|\p{{So}}"
)
# Accents of Latin, Greek and Cyrillic letters, and the vowel signs and the lengthening stroke of Arabic.
_LEFT_OUT = regex.compile(r"[\u0300-\u036f\u0640\u064b-\u065f\u0670]")
# The same letter as different keyboards write it.
_SAME = str.maketrans({"ı": "i", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ە": "ه", "’": "'"})
_ASCII_WORD = regex.compile("[a-z]+")


def plain(text: str) -> str:
    """The text without the differences that no search should mind."""
    folded = unicodedata.normalize("NFKD", text.translate(_SAME)).casefold()
    return unicodedata.normalize("NFC", _LEFT_OUT.sub("", folded)).translate(_SAME)


def words_of(*texts: str) -> str:
    """The words of the texts, each once, with a space between."""
    found: dict[str, None] = {}
    for text in texts:
        for match in _WORD.finditer(plain(text)):
            if run := match["unspaced"]:
                found.update(dict.fromkeys(_pairs(run)))
                found[run[-1]] = None
            else:
                found[_one(match)] = None
    found.pop("", None)
    return " ".join(found)[:MOST_CHARACTERS].rstrip()


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]


def _one(match: regex.Match[str]) -> str:
    word = match["word"]
    if word is None:
        return f"u{ord(match[0]):x}"  # a sign that no index of words keeps
    return word[:LONGEST_WORD] if any(unicodedata.category(letter)[0] in "LN" for letter in word) else ""


@dataclass(frozen=True)
class QuestionWord:
    text: str
    is_beginning: bool  # also of longer words

    @property
    def for_fts5(self) -> str:
        return f'"{self.text}"' + (" *" if self.is_beginning else "")

    @property
    def for_tsquery(self) -> str:
        return f"'{self.text}'" + (":*" if self.is_beginning else "")

    @property
    def is_english(self) -> bool:
        return _ASCII_WORD.fullmatch(self.text) is not None


def question_words(question: str) -> list[QuestionWord]:
    """What a view must hold to answer to these words; empty when there is nothing to look for."""
    found: dict[QuestionWord, None] = {}
    for match in _WORD.finditer(plain(question)):
        run = match["unspaced"]
        if run is None:
            word = _one(match)
            found[QuestionWord(word, match["word"] is not None and len(word) >= SHORTEST_BEGINNING)] = None
        elif len(run) == 1:
            found[QuestionWord(run, is_beginning=True)] = None
        else:
            found.update(dict.fromkeys(QuestionWord(pair, is_beginning=False) for pair in _pairs(run)))
    return [word for word in found if word.text][:MOST_QUESTION_WORDS]
