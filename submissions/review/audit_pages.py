"""The audit's page, and the same as CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from submissions import audit
from submissions.database import unit_of_work
from submissions.review import audit_trail
from submissions.review.access import Permission, require
from submissions.review.audit_trail import Question
from submissions.review.queue import Phase, Position
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Auditor = Annotated[Principal, Depends(require(Permission.READ_AUDIT))]
FIELDS = ("person", "action", "reference", "from", "to")


def _day(text: str) -> dt.date | None:
    """The day, None for what is not one; years that no calendar of ours has are none either."""
    try:
        day = dt.date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if 2000 <= day.year < 2200 else None


def _typed(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "")[:120] for name in FIELDS}


def _question(typed: dict[str, str]) -> Question:
    return Question(
        person=typed["person"],
        action=typed["action"],
        reference=typed["reference"],
        since=_day(typed["from"]),
        until=_day(typed["to"]),
    )


@router.get("/audit")
def show_audit(request: Request, principal: Auditor) -> Response:
    typed = _typed(request)
    problems = [
        f"{label} is not a day such as 2026-03-05"
        for name, label in (("from", "From"), ("to", "To"))
        if typed[name].strip() and _day(typed[name]) is None
    ]
    cursor = request.query_params.get("after")
    place = Position.decode(cursor) if cursor else None
    with unit_of_work(read_only=True) as db:
        lines = audit_trail.find(
            db,
            _question(typed),
            after=(place.submitted_at, place.id) if place else None,
            limit=audit_trail.PAGE_SIZE + 1,
        )
        actions = audit_trail.actions(db)
    shown = lines[: audit_trail.PAGE_SIZE]
    query = urlencode({name: value for name, value in typed.items() if value})
    next_page = ""
    if len(lines) > audit_trail.PAGE_SIZE:
        last = shown[-1].entry
        position = Position(Phase.OTHER, last.occurred_at, last.id).encode()
        next_page = "/desk/audit?" + (f"{query}&" if query else "") + f"after={position}"
    return page(
        request,
        "audit.html",
        principal,
        status_code=422 if problems else 200,
        lines=[] if problems else shown,
        typed=typed,
        problems=problems,
        actions=actions,
        next_page=next_page,
        csv="/desk/audit.csv" + (f"?{query}" if query else ""),
    )


@router.get("/audit.csv")
def download_audit(request: Request, principal: Auditor) -> Response:
    question = _question(_typed(request))
    with unit_of_work() as db:
        audit.record(db, principal.actor, "audit.exported", "audit", "*")

    def lines() -> Iterator[bytes]:
        with unit_of_work(read_only=True) as db:
            for line in audit_trail.export_csv(db, question):
                yield line.encode()

    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)
