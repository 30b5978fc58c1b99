"""How an outbound message goes out: as buttons, as a template, or as text in pieces that Twilio takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import regex

from channels.sms_text import count_sms_parts
from submissions.models import Channel, DeliveryKind, Message

# Twilio refuses more than 1,600 characters and counts some double (error 21617); these are UTF-16 units.
MAXIMUM_UNITS = 1_500
# Limits of WhatsApp's buttons and lists. Source: https://www.twilio.com/docs/content/twilioquick-reply and
# https://www.twilio.com/docs/content/twiliolist-picker
QUICK_REPLIES, QUICK_REPLY_TITLE = 3, 20
LIST_ROWS, LIST_ROW_TITLE = 10, 24
MAXIMUM_CONTENT_BODY = 1_024
# Never held back for money: what keeps somebody safe, and what keeps a promise to leave somebody alone.
EXEMPT_KEYS = frozenset({"danger_help", "stopped", "ask_stop"})
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？؟۔।॥።])[\s\u200f]+|(?<=[。！？])|(?<=\n)")
_WORD_END = re.compile(r"(?<=\s)")


@dataclass(frozen=True)
class Part:
    kind: DeliveryKind
    body: str
    sms_parts: int  # what the operator bills; 0 on WhatsApp


def plan_parts(message: Message) -> list[Part]:
    """The parts of a message, at least one; always the same ones, since rows refer to them by number."""
    text = message.text or ""
    if message.message_key == "reply_waiting":
        return [Part(DeliveryKind.TEMPLATE, text, 0)]
    if message.channel == Channel.WHATSAPP:
        body = body_for_buttons(message)
        if body is not None:
            return [Part(DeliveryKind.CONTENT, body, 0)]
        return [Part(DeliveryKind.TEXT, piece, 0) for piece in split_text(text)]
    return [Part(DeliveryKind.TEXT, piece, count_sms_parts(piece)) for piece in split_text(text)]


def is_exempt_from_budget(message: Message) -> bool:
    return message.message_key in EXEMPT_KEYS


def body_for_buttons(message: Message) -> str | None:
    """The text above WhatsApp's buttons or list; None when the options or the text do not fit into one.

    A text with line breaks goes out as it is: WhatsApp does not promise to keep them in a variable, and it
    may hold a resident's own words.
    """
    body = "\n".join(block["text"] for block in message.blocks or [])
    if not fits_buttons(message.options or []) or not body or len(body) > MAXIMUM_CONTENT_BODY:
        return None
    return None if re.search(r"\s{2,}|[\n\t]", body) or body != body.strip() else body


def fits_buttons(options: list[dict[str, Any]]) -> bool:
    """Whether the options fit quick replies or a list."""
    titles = [str(option["title"]) for option in options]
    return is_quick_reply(options) or (
        1 <= len(titles) <= LIST_ROWS
        and all(len(title) <= LIST_ROW_TITLE for title in titles)
        and len(set(titles)) == len(titles)
    )


def is_quick_reply(options: list[dict[str, Any]]) -> bool:
    titles = [str(option["title"]) for option in options]
    return (
        1 <= len(titles) <= QUICK_REPLIES
        and all(len(title) <= QUICK_REPLY_TITLE for title in titles)
        and len(set(titles)) == len(titles)
    )


def split_text(text: str, limit: int = MAXIMUM_UNITS) -> list[str]:
    """Pieces of at most `limit` UTF-16 units which, put together, are the text: no character is lost.

    They end where a sentence ends, else between words, and only a word longer than a piece is cut, never
    inside what a reader sees as one letter.
    """
    pieces: list[str] = []
    current = ""
    for unit in _units(text, limit):
        if current and _length(current + unit) > limit:
            pieces.append(current)
            current = ""
        current += unit
    return [*pieces, current] if current or not pieces else pieces


def _units(text: str, limit: int) -> list[str]:
    units: list[str] = []
    for sentence in _cut_at(_SENTENCE_END, text):
        if _length(sentence) <= limit:
            units.append(sentence)
            continue
        for word in _cut_at(_WORD_END, sentence):
            units += [word] if _length(word) <= limit else regex.findall(r"\X", word)
    return units


def _cut_at(pattern: re.Pattern[str], text: str) -> list[str]:
    """The text cut after each match, the match belonging to the piece before it."""
    ends = [match.end() for match in pattern.finditer(text) if 0 < match.end() < len(text)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
