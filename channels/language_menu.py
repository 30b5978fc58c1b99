"""The language menu, which is the gateway's: open at the start, opened again by "0", closed by any answer.

The functions are pure; `answering` stores what they say.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from channels.rendering import LANGUAGE_PAYLOAD
from channels.ui_words import best_language
from submissions.commission import Commission
from translations.detection import Detection, detect
from translations.languages import find_language, languages_named_in

LANGUAGE_CHOSEN = "language_chosen"  # what the assistant is told instead of the name of a language


class MenuStep(enum.Enum):
    OPEN = "open"  # show the menu; the message was nothing else
    CHOSEN = "chosen"  # a language was chosen; the message was nothing else
    WRITTEN = "written"  # an ordinary message; the menu, if open, closes


@dataclass(frozen=True)
class MenuAnswer:
    step: MenuStep
    language: str | None = None  # the language to use from now on; None leaves it as it is
    detection: Detection | None = None  # of an ordinary message


def read_message(
    text: str,
    choice: str | None,
    *,
    is_open: bool,
    conversation_language: str | None,
    is_language_chosen: bool,
    menu: Sequence[str],
) -> MenuAnswer:
    """What a message means to the menu.

    `menu` holds language codes in the order shown; `choice` is the payload of the option it picked.
    """
    if choice is not None and choice.startswith(LANGUAGE_PAYLOAD):
        chosen = choice.removeprefix(LANGUAGE_PAYLOAD)
        if chosen in menu:
            return MenuAnswer(MenuStep.CHOSEN, chosen)
    if choice is None and is_zero(text):
        return MenuAnswer(MenuStep.OPEN)
    if is_open and choice is None:
        named = find_language(text, menu)
        if named is not None and named.code in menu:
            return MenuAnswer(MenuStep.CHOSEN, named.code)
    if choice is not None:
        return MenuAnswer(MenuStep.WRITTEN)
    detection = detect(text, conversation_language)
    # A language somebody chose is changed by asking only. A detected one may have come from a mere "hi": a
    # longer text may move it, and `detect` lets no short or doubtful text do so.
    adopted = None if is_language_chosen else detection.language
    return MenuAnswer(MenuStep.WRITTEN, adopted if adopted != conversation_language else None, detection)


def is_zero(text: str) -> bool:
    """Whether the message is the one neutral key that always opens the menu, in digits of any script."""
    stripped = text.strip().strip(".")
    return len(stripped) == 1 and stripped.isdecimal() and int(stripped) == 0


def language_asked_for(text: str, *, current: str | None, menu: Sequence[str]) -> str | None:
    """The one other language that a request in words names ("puedo hablar en árabe"), or None when it names
    none or several, and the menu must ask."""
    named = {language.code for language in languages_named_in(text)} & set(menu) - {current}
    return named.pop() if len(named) == 1 else None


def language_hint(asked: str | None, accept_language: str, commission: Commission) -> str | None:
    """The language the first words are said in, by the page's wish or the browser's; it chooses nothing."""
    if asked in commission.languages:
        return asked
    return best_language(accept_language, commission)
