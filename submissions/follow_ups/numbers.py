"""A telephone number as people write it, checked for whether a text message can be sent there."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberType

from submissions.follow_ups.errors import NumberNotUsable

HOME_REGION = "GB"  # of a number without its country
_TAKES_TEXTS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# Ofcom keeps these free for films, so nobody has one; the simulator's telephones do.
_OF_FILMS = re.compile(r"\+447700900\d{3}")
_OF_A_SPREADSHEET = re.compile(r"\d[.,]\d+[eE]\+?\d+")
LONGEST = 40


def read_mobile_number(text: str) -> str:
    """The number in E.164, such as +447700900123. Raises NumberNotUsable.

    Without a country it is taken as a British one; a spreadsheet may have eaten its leading 0 or plus.
    """
    text = text.strip()
    if not text:
        raise NumberNotUsable("The number is missing.")
    if _OF_A_SPREADSHEET.fullmatch(text):
        raise NumberNotUsable(
            "A spreadsheet has shortened the number. Format the column as text and type the number again."
        )
    if len(text) > LONGEST:
        raise NumberNotUsable("This is too long for a telephone number.")
    try:
        parsed = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise NumberNotUsable("This is not a telephone number.") from error
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if _OF_FILMS.fullmatch(number):
        return number
    if not phonenumbers.is_valid_number(parsed):
        raise NumberNotUsable("There is no such number. Check that no digit is missing or too many.")
    if phonenumbers.number_type(parsed) not in _TAKES_TEXTS:
        raise NumberNotUsable("This is not a mobile number, so it takes no text messages.")
    return number


def masked(number: str) -> str:
    """Enough to tell two people of a list apart: "+44 … 123"."""
    if not number.startswith("+"):
        return "hidden number"
    country = phonenumbers.parse(number).country_code
    return f"+{country} … {number[-3:]}"
