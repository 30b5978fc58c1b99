"""A forum's code word: texted by somebody who was there, it links what they write to the forum.

Only a message that is nothing but the word counts. It is made of Latin letters and digits, since it stands
on posters for people with any keyboard.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions.models import Forum
from translations.languages import find_by_name, normalise_name

SHORTEST, LONGEST = 4, 20
LONGEST_MESSAGE = 60  # characters; a longer message is no code word
_FORM = re.compile(r"[A-Za-z][A-Za-z0-9]*")

# Words that mean something else when they are texted: each function says so of a word. `channels` adds the
# words of stopping and starting, which it knows.
MEANS_SOMETHING_ELSE: list[Callable[[str], bool]] = [lambda word: find_by_name(word) is not None]


def code_word_key(text: str) -> str:
    """The text as it is looked up: without case, accents, punctuation, emoji and spaces around."""
    return normalise_name(text)


def problem_with(word: str) -> str | None:
    """Why this cannot be a code word, or None."""
    if not _FORM.fullmatch(word):
        return "Use the letters A to Z and digits only, without spaces, and begin with a letter."
    if not SHORTEST <= len(word) <= LONGEST:
        return f"Use {SHORTEST} to {LONGEST} letters and digits."
    if any(check(word) for check in MEANS_SOMETHING_ELSE):
        return "This word means something else when it is texted. Choose another one."
    return None


def find_forum_by_code_word(db: Session, text: str) -> Forum | None:
    """The forum whose code word is this whole message, however it is typed."""
    if len(text) > LONGEST_MESSAGE:
        return None
    key = code_word_key(text)
    if not SHORTEST <= len(key) <= LONGEST:
        return None
    return db.scalars(select(Forum).where(Forum.code_word_key == key)).one_or_none()
