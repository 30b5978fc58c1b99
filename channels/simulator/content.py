"""Content forms: texts with variables, quick replies and lists, within WhatsApp's limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from channels.simulator.errors import StandInRefusal
from channels.simulator.records import StandInApproval, StandInContent, StandInMessage, new_sid

VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# Source: https://www.twilio.com/docs/content/twilio-quick-reply, .../twilio-list-picker
MAXIMUM_BUTTONS = 3  # in a conversation; approved templates may have 10
MAXIMUM_ROWS = 10
MAXIMUM_BUTTON_TITLE = 20
MAXIMUM_ROW_TITLE = 24
MAXIMUM_ROW_DESCRIPTION = 72
MAXIMUM_BODY = 1024
MAXIMUM_ID = 200
CATEGORIES = ("UTILITY", "MARKETING", "AUTHENTICATION")
# In a value put in for a variable; Twilio then says that the message was not delivered, we say it at once.
NOT_IN_A_VALUE = re.compile(r"[\n\r\t]| {4}")


def read_content(body: dict[str, Any], account_sid: str) -> StandInContent:
    """A new content of the request's JSON. Raises StandInRefusal."""
    given = body.get("types")
    # The official client writes null for each type that is not there.
    types = (
        {kind: parts for kind, parts in given.items() if parts is not None} if isinstance(given, dict) else {}
    )
    if not body.get("language") or not types:
        raise StandInRefusal(92001, "language and types are required")
    for kind, parts in types.items():
        if not isinstance(parts, dict):
            raise StandInRefusal(92001, kind)
        _check_body(parts)
        if kind == "twilio/quick-reply":
            buttons = parts.get("actions")
            _check_rows(buttons, MAXIMUM_BUTTONS, "title", MAXIMUM_BUTTON_TITLE)
        elif kind == "twilio/list-picker":
            if not 1 <= len(str(parts.get("button") or "")) <= MAXIMUM_BUTTON_TITLE:
                raise StandInRefusal(92001, "button")
            _check_rows(parts.get("items"), MAXIMUM_ROWS, "item", MAXIMUM_ROW_TITLE)
        elif kind != "twilio/text":
            raise StandInRefusal(92001, f"the simulator does not know {kind}")
    return StandInContent(
        sid=new_sid("HX"),
        account_sid=account_sid,
        friendly_name=body.get("friendly_name"),
        language=str(body["language"]),
        variables={str(name): str(value) for name, value in (body.get("variables") or {}).items()},
        types=types,
    )


def _check_body(parts: dict[str, Any]) -> None:
    text = parts.get("body")
    if not isinstance(text, str) or not 1 <= len(text) <= MAXIMUM_BODY:
        raise StandInRefusal(92001, "body")


def _check_rows(rows: Any, at_most: int, title: str, longest: int) -> None:
    if not isinstance(rows, list) or not 1 <= len(rows) <= at_most:
        raise StandInRefusal(92001, f"1 to {at_most} choices")
    ids = [row.get("id") for row in rows]
    if len(set(ids)) != len(ids) or not all(ids) or any(len(str(one)) > MAXIMUM_ID for one in ids):
        raise StandInRefusal(92001, "each choice needs an id of its own")
    for row in rows:
        # A title that is a variable is as long as what is put in.
        if not row.get(title) or (len(row[title]) > longest and not VARIABLE.search(row[title])):
            raise StandInRefusal(92001, f"{title} of 1 to {longest} characters")
        if len(row.get("description") or "") > MAXIMUM_ROW_DESCRIPTION:
            raise StandInRefusal(92001, "description")


def read_approval(
    content: StandInContent, others: Iterable[StandInContent], name: object, category: object
) -> StandInApproval:
    """What WhatsApp is asked, once it may be: a name of its own, words around each variable.

    Source: https://www.twilio.com/docs/content/whatsapp-template-approvals-statuses-and-errors. Raises
    StandInRefusal.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        raise StandInRefusal(92002, "a name has small letters, digits and underscores only")
    if category not in CATEGORIES:
        raise StandInRefusal(92002, "category")
    if content.approval is not None or any(
        other.approval is not None and other.approval.name == name for other in others
    ):
        raise StandInRefusal(92002, "this name was used before")
    for parts in content.types.values():
        body = str(parts["body"]).strip()
        found = list(VARIABLE.finditer(body))
        if {match[1] for match in found} != {str(number) for number in range(1, len(found) + 1)}:
            raise StandInRefusal(92002, "variables are numbered from 1 without gaps")
        if found and (found[0].start() == 0 or found[-1].end() == len(body)):
            raise StandInRefusal(92002, "a variable begins or ends the text")
        if any(match[1] not in content.variables for match in found):
            raise StandInRefusal(92002, "a variable without a sample")
    return StandInApproval(name, str(category), "received")


def fill_content(message: StandInMessage, content: StandInContent, variables: str | None) -> None:
    """Writes the content's text and choices into the message. Raises StandInRefusal."""
    values = dict(content.variables)
    if variables:
        try:
            given = json.loads(variables)
        except ValueError as error:
            raise StandInRefusal(21656) from error
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            raise StandInRefusal(21656)
        if content.is_approved and any(NOT_IN_A_VALUE.search(value) for value in given.values()):
            raise StandInRefusal(21656, "line breaks, tabs or four spaces in a value")
        values |= given

    def put_in(text: str) -> str:
        def value_of(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise StandInRefusal(21656, f"no value for {match[1]}")
            return values[match[1]]

        return VARIABLE.sub(value_of, text)

    message.content_sid = content.sid
    kind, parts = next(iter(content.types.items()))
    # WhatsApp gets the richest form, SMS the plain one where there is one.
    for wanted in ("twilio/list-picker", "twilio/quick-reply") if message.is_whatsapp else ("twilio/text",):
        if wanted in content.types:
            kind, parts = wanted, content.types[wanted]
            break
    message.body = put_in(parts["body"])
    if kind == "twilio/quick-reply":
        message.option_kind = "buttons"
        message.options = [
            {"title": put_in(row["title"]), "id": put_in(row["id"])} for row in parts["actions"]
        ]
    elif kind == "twilio/list-picker":
        message.option_kind = "list"
        message.options = [{"title": put_in(row["item"]), "id": put_in(row["id"])} for row in parts["items"]]
