"""Places, contact cards and reactions in a webhook of Twilio's, told apart from words.

What is broken in them is left out, never guessed. Source of the names:
https://www.twilio.com/docs/messaging/guides/webhook-request; for a reaction that page names none, see
docs/twilio.md.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from submissions.models import SharedKind

LONGEST = 300  # characters of a label or an address
LONGEST_EMOJI = 40  # characters; a family of four with skin tones is eleven that are drawn as one
CARD_TYPES = frozenset({"text/vcard", "text/x-vcard", "text/directory"})
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,20})?")


@dataclass(frozen=True)
class Shared:
    """What a message is besides words. `text` is what the resident typed with it, mostly ""."""

    kind: SharedKind
    text: str
    details: dict[str, Any] = field(default_factory=dict)


def read_shared(form: dict[str, str]) -> Shared | None:
    """What was shared, or None for a message of words or of other files."""
    told = form.get("MessageType", "").strip().lower()
    body = form.get("Body", "")
    if told in ("reaction", "reactions"):
        # An emoji on a message of ours is no sentence of theirs, whatever it may seem to say.
        return Shared(SharedKind.REACTION, "", _without_empty({"emoji": _plain(body, LONGEST_EMOJI)}))
    if told == "location" or _is_given(form, "Latitude") or _is_given(form, "Longitude"):
        return _shared(SharedKind.PLACE, told == "location", body, _place(form))
    if told in ("contact", "contacts") or _has_card(form):
        return _shared(SharedKind.CONTACT, told in ("contact", "contacts"), body, {})
    return None


def _shared(kind: SharedKind, is_told: bool, body: str, details: dict[str, Any]) -> Shared:
    """Nobody can type words with a place or a card: what stands there beside one is the telephone's."""
    if is_told:
        return Shared(kind, "", details | _without_empty({"text": _plain(body, LONGEST)}))
    return Shared(kind, body, details)


def _place(form: dict[str, str]) -> dict[str, Any]:
    latitude, longitude = _degrees(form, "Latitude", 90), _degrees(form, "Longitude", 180)
    details: dict[str, Any] = {}
    if latitude is not None and longitude is not None:  # one without the other is nowhere
        details = {"latitude": latitude, "longitude": longitude}
    return details | _without_empty(
        {name: _plain(form.get(name.title(), ""), LONGEST) for name in ("label", "address")}
    )


def _degrees(form: dict[str, str], name: str, largest: float) -> float | None:
    text = form.get(name, "").strip()
    if not _DEGREES.fullmatch(text):  # neither "nan" nor digits of another script
        return None
    degrees = float(text)
    return degrees if math.isfinite(degrees) and abs(degrees) <= largest else None


def _has_card(form: dict[str, str]) -> bool:
    return any(
        name.startswith("MediaContentType") and value.partition(";")[0].strip().lower() in CARD_TYPES
        for name, value in form.items()
    )


def _is_given(form: dict[str, str], name: str) -> bool:
    return bool(form.get(name, "").strip())


def _plain(text: str, longest: int) -> str:
    """One line that can be stored and shown; joiners inside an emoji or a word stay."""
    kept = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        if unicodedata.category(char) not in ("Cs", "Co")
    )
    return " ".join(kept.split())[:longest]


def _without_empty(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
