"""A forum's code word: texted by somebody who was there, it links what they write to the forum.

Only a message that is nothing but the word counts. It may be in any script, since it stands on posters in the
languages of the forum; it is compared as the words of stopping are, and digits of all scripts are the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions.models import Forum
from submissions.plain_words import plain_words
from translations.languages import find_by_name

SHORTEST, LONGEST = 4, 20
SHORTEST_OF_WORD_SIGNS = 2  # in Chinese, where two signs are a word
LONGEST_MESSAGE = 60  # characters; a longer message is no code word
_WORD_SIGNS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_JOINERS = re.compile("[\u200c\u200d]")  # Persian and Bengali write them inside words

# Words that mean something else when they are texted: each function says so of a word. `channels` adds the
# words of stopping, starting and of its menus, which it knows.
MEANS_SOMETHING_ELSE: list[Callable[[str], bool]] = [lambda word: find_by_name(word) is not None]


def code_word_key(text: str) -> str:
    """The text as it is looked up: without case, accents, punctuation, emoji, spaces around, and with digits
    of any script as 0 to 9."""
    plain = unicodedata.normalize("NFC", plain_words(text))
    return "".join(
        str(unicodedata.decimal(char)) if unicodedata.category(char) == "Nd" else char for char in plain
    )


def problem_with(word: str) -> str | None:
    """Why this cannot be a code word, or None."""
    written = unicodedata.normalize("NFKC", _JOINERS.sub("", word))
    if not written or not all(_may_stand(char) for char in written):
        return "Use letters and digits only, without spaces."
    if unicodedata.category(written[0])[0] != "L":
        return "Begin with a letter: people text numbers to choose from a menu."
    if len(_alphabets(written)) > 1:
        return "Use letters of one alphabet: some look alike, and people type only one."
    key = code_word_key(word)
    shortest = _shortest(written)
    if not (shortest <= len(key) and len(word) <= LONGEST and len(key) <= LONGEST):
        return f"Use {shortest} to {LONGEST} letters and digits."
    if any(check(word) for check in MEANS_SOMETHING_ELSE):
        return "This word means something else when it is texted. Choose another one."
    return None


def _may_stand(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category == "Nd"


def _alphabets(word: str) -> set[str]:
    """Those its letters belong to, by the names that Unicode gives them: "CYRILLIC SMALL LETTER A"."""
    letters = (char for char in word if unicodedata.category(char) in ("Ll", "Lu", "Lt", "Lo"))
    return {unicodedata.name(char, "unnamed").partition(" ")[0] for char in letters}


def _shortest(word: str) -> int:
    return SHORTEST_OF_WORD_SIGNS if _WORD_SIGNS.search(word) else SHORTEST


def find_forum_by_code_word(db: Session, text: str) -> Forum | None:
    """The forum whose code word is this whole message, however it is typed."""
    if len(text) > LONGEST_MESSAGE:
        return None
    key = code_word_key(text)
    if not _shortest(key) <= len(key) <= LONGEST:
        return None
    return db.scalars(select(Forum).where(Forum.code_word_key == key)).one_or_none()
