"""What residents send, checked: JSON bodies of a bounded size, and texts a database and a reader can hold."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from fastapi import Request

from channels.errors import MessageEmpty, MessageTooLong, NotText, ResidentInputError

MAXIMUM_CHARACTERS = 4_000  # Unicode code points, as the counter of the chat page counts them
# Enough for 4,000 characters however JSON escapes them, and for a longer text to be told that it is too long.
MAXIMUM_BODY_BYTES = 256 * 1024
MAXIMUM_CLIENT_MESSAGE_ID = 80
MAXIMUM_CHOICE = 60
# NUL no PostgreSQL can hold; the others are what a terminal or a modem sends, not a person. Tabs, line
# breaks, vertical tabs and form feeds come with texts pasted from word processors.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


async def read_body(request: Request, limit: int = MAXIMUM_BODY_BYTES) -> bytes:
    """The body, refused as soon as it is longer than `limit` bytes. Raises MessageTooLong."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise MessageTooLong(limit=MAXIMUM_CHARACTERS)
    return bytes(body)


async def read_json_object(request: Request) -> dict[str, Any]:
    """The JSON object of the body; an empty body is an empty object.

    Raises MessageTooLong, and ResidentInputError with the code `invalid_json` or `not_an_object`.
    """
    body = await read_body(request)
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ResidentInputError("invalid_json") from error
    if not isinstance(value, dict):
        raise ResidentInputError("not_an_object")
    return value


def checked_text(value: object) -> str:
    """The text exactly as given. Raises MessageEmpty, MessageTooLong, NotText."""
    if value is None:
        raise MessageEmpty
    if not isinstance(value, str) or _CONTROL.search(value) or _SURROGATE.search(value):
        raise NotText
    if len(value) > MAXIMUM_CHARACTERS:
        raise MessageTooLong(limit=MAXIMUM_CHARACTERS, length=len(value))
    if not has_something_to_read(value):
        raise MessageEmpty
    return value


def has_something_to_read(text: str) -> bool:
    """Whether anything in it is more than spaces, line breaks and invisible marks."""
    return any(unicodedata.category(char) not in ("Zs", "Zl", "Zp", "Cc", "Cf", "Cn") for char in text)


def checked_identifier(body: dict[str, Any], name: str, maximum: int, *, required: bool) -> str | None:
    """A short printable string of the body. Raises ResidentInputError with the code `<name>_invalid`."""
    value = body.get(name)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= maximum or not value.isprintable():
        raise ResidentInputError(f"{name}_invalid")
    return value
