"""What the forms share in which the team writes down facts: of sessions, of forums."""

from __future__ import annotations

import datetime as dt
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from submissions.review.access import PostedForm
from submissions.review.reply_pages import field
from submissions.review.sessions import Principal
from submissions.review.web import page


def typed_date(form: PostedForm, name: str = "held_on") -> str:
    """The date as it was typed, to be shown again when it is none."""
    return field(form, name).strip()[:20]


def date_of(form: PostedForm, name: str = "held_on") -> dt.date | None:
    """None for what is no date."""
    try:
        return dt.date.fromisoformat(typed_date(form, name))
    except ValueError:
        return None


def fact_page(
    request: Request,
    template: str,
    principal: Principal,
    facts: Any,
    *,
    version: int = 0,
    problems: dict[str, str] | None = None,
    conflict: Exception | None = None,
    typed_date: str = "",
    **values: Any,
) -> Response:
    """The form with what was typed: 422 with its `problems`, 409 after a `conflict` with somebody else's."""
    return page(
        request,
        template,
        principal,
        status_code=422 if problems else 409 if conflict else 200,
        facts=facts,
        held_on=facts.held_on.isoformat() if facts.held_on else typed_date,
        version=version,
        problems=problems or {},
        conflict=conflict,
        **values,
    )
