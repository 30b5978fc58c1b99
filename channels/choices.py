"""Which of the options offered a message picks: by button, by number, or by writing its words.

A text picks only what was offered: "affirm" or "language:pt" typed by somebody who was not asked is a text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

Offered = Sequence[dict[str, Any]]  # {title, payload}, in the order shown


def choice_by_text(text: str, last_offered: Offered) -> str | None:
    """The payload whose title, number (from 1) or payload is the whole text, or None."""
    written = _plain(text)
    if not written:
        return None
    for number, option in enumerate(last_offered, start=1):
        if written in (_plain(option["title"]), _plain(option["payload"])) or _number(written) == number:
            return str(option["payload"])
    return None


def choice_by_button(payload: str, all_offered: Iterable[Offered]) -> str | None:
    """The payload a button sent, if the conversation ever offered it; a late press counts as well."""
    return (
        payload
        if any(option["payload"] == payload for options in all_offered for option in options)
        else None
    )


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(char for char in folded if unicodedata.category(char) not in ("Cf", "Cc"))
    return " ".join(kept.split()).strip(" .!?)(\"'،。।")


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 3 else None
