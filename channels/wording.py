"""The catalogues: what is said to residents, by key, in every language.

`catalogues/<language>/LC_MESSAGES/messages.po`; the key is the msgid, a wording for one channel has that
channel as msgctxt. What a language lacks is said in English, and `missing_keys` lists it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

from channels.errors import MissingArgument, UnknownMessageKey

CATALOGUES_FOLDER = Path(__file__).resolve().parent / "catalogues"
FALLBACK_LANGUAGE = "en"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_REVIEW_STATUS = re.compile(r"X-Review-Status:\s*(\w+)")


@dataclass(frozen=True)
class Catalogue:
    language: str
    is_reviewed: bool  # a speaker has checked it
    texts: dict[tuple[str, str | None], str]  # (key, channel or None) -> wording

    def find(self, key: str, channel: str | None = None) -> str | None:
        return self.texts.get((key, channel)) or self.texts.get((key, None))

    @property
    def keys(self) -> set[str]:
        return {key for key, _ in self.texts}


@dataclass(frozen=True)
class Wording:
    text: str
    language: str  # of the text: English where the language asked for lacks the key


@lru_cache(maxsize=128)
def load_catalogue(language: str) -> Catalogue:
    """The catalogue of a language, empty when there is none. Read once in a process."""
    path = CATALOGUES_FOLDER / language / "LC_MESSAGES" / "messages.po"
    if not re.fullmatch(r"[A-Za-z0-9-]{2,12}", language) or not path.is_file():
        return Catalogue(language, False, {})
    content = path.read_bytes()
    texts = {
        (str(message.id), message.context or None): str(message.string)
        for message in read_po(content.splitlines(keepends=True))
        if message.id and message.string and not message.fuzzy
    }
    status = _REVIEW_STATUS.search(content.decode("utf-8"))
    return Catalogue(language, bool(status and status[1] == "reviewed"), texts)


@lru_cache(maxsize=1)
def catalogue_languages() -> frozenset[str]:
    """The languages that have a catalogue."""
    return frozenset(path.parent.parent.name for path in CATALOGUES_FOLDER.glob("*/LC_MESSAGES/messages.po"))


def missing_keys(language: str) -> list[str]:
    """The keys residents would read in English although they chose this language."""
    return sorted(load_catalogue(FALLBACK_LANGUAGE).keys - load_catalogue(language).keys)


def placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def wording(key: str, language: str | None, channel: str | None = None, **arguments: object) -> Wording:
    """What to say for a key, its `{arguments}` filled in.

    A wording whose arguments do not match falls back to English as a missing one does. Raises
    UnknownMessageKey when English lacks the key too, MissingArgument when nobody gave a value it needs.
    """
    for candidate in dict.fromkeys((language or FALLBACK_LANGUAGE, FALLBACK_LANGUAGE)):
        text = load_catalogue(candidate).find(key, channel)
        if text is None:
            continue
        absent = placeholders(text) - arguments.keys()
        if not absent:
            filled = _PLACEHOLDER.sub(lambda match: str(arguments[match[1]]), text)
            return Wording(filled, candidate)
        if candidate == FALLBACK_LANGUAGE:
            raise MissingArgument(key, min(absent))
    raise UnknownMessageKey(key)
