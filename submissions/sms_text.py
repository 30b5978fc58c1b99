"""What a text costs as SMS: its alphabet, its length in units, and the parts an operator bills for.

No character is ever replaced: a text that does not fit GSM-7 goes out in UCS-2, as its writer wrote it.
Sources: 3GPP TS 23.038 (alphabets), 3GPP TS 23.040 (joined messages).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

GSM_7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Sent as an escape and a letter, so each counts twice.
GSM_7_EXTENSION = frozenset("\f^{}\\[~]|€")

SINGLE_UNITS = {"GSM-7": 160, "UCS-2": 70}
JOINED_UNITS = {"GSM-7": 153, "UCS-2": 67}  # a header of 6 bytes joins the parts


class SmsEncoding(enum.StrEnum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


@dataclass(frozen=True)
class SmsSize:
    encoding: SmsEncoding
    units: int  # septets in GSM-7, UTF-16 code units in UCS-2
    parts: int  # from 1 up


def sms_encoding(text: str) -> SmsEncoding:
    """GSM-7 when every character is in its basic or extension table, else UCS-2 for the whole text."""
    if all(character in GSM_7_BASIC or character in GSM_7_EXTENSION for character in text):
        return SmsEncoding.GSM_7
    return SmsEncoding.UCS_2


def measure_sms(text: str) -> SmsSize:
    """The alphabet, units and parts of a text.

    160 GSM-7 characters fit one part (153 each when several; € [ ] { } and a few more count twice), or 70 in
    UCS-2 (67 each). A character is never cut in two: one that takes two units (an extension character, an
    emoji) goes to the next part when only one unit is left. Source: 3GPP TS 23.038, 23.040.
    """
    encoding = sms_encoding(text)
    widths = [_units(character, encoding) for character in text]
    units = sum(widths)
    if units <= SINGLE_UNITS[encoding]:
        return SmsSize(encoding, units, parts=1)
    parts, used = 1, 0
    for width in widths:
        if used + width > JOINED_UNITS[encoding]:
            parts, used = parts + 1, 0
        used += width
    return SmsSize(encoding, units, parts)


def count_sms_parts(text: str) -> int:
    """How many parts an operator will bill for this text, from 1 up."""
    return measure_sms(text).parts


def _units(character: str, encoding: SmsEncoding) -> int:
    if encoding is SmsEncoding.GSM_7:
        return 2 if character in GSM_7_EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1  # a surrogate pair


def sms_lines(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """For `ownwords sms`: `encoding`, `units` and `parts` of each text; an error stays in its place."""
    for record in records:
        if "error" in record:
            yield record
            continue
        size = measure_sms(record["text"])
        yield {"encoding": str(size.encoding), "units": size.units, "parts": size.parts}
