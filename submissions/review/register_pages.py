"""The register and the analysts' notes."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from submissions import audit
from submissions.database import unit_of_work
from submissions.review import notes, reading, register
from submissions.review.access import Permission, PostedForm, require
from submissions.review.errors import DecisionRefused
from submissions.review.queue import Phase, Position
from submissions.review.reply_pages import field
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

Reader = Annotated[Principal, Depends(require(Permission.READ_RECORD))]
Exporter = Annotated[Principal, Depends(require(Permission.EXPORT_DATA))]
ReviewerOfViews = Annotated[Principal, Depends(require(Permission.REVIEW_SUBMISSIONS))]


@router.get("/register")
def show_register(request: Request, principal: Reader) -> Response:
    cursor = request.query_params.get("after")
    place = Position.decode(cursor) if cursor else None
    unread_only = request.query_params.get("unread") == "yes"
    with unit_of_work(read_only=True) as db:
        found = register.entries(
            db,
            principal,
            after=(place.submitted_at, place.id) if place else None,
            unread_only=unread_only,
            limit=register.PAGE_SIZE + 1,
        )
        share = register.share_unread(db, principal)
    shown = found[: register.PAGE_SIZE]
    last = shown[-1] if len(found) > register.PAGE_SIZE else None
    return page(
        request,
        "register.html",
        principal,
        entries=shown,
        share=share,
        unread_only=unread_only,
        next_cursor=Position(Phase.OTHER, last.received_at, last.submission_id).encode() if last else None,
    )


@router.get("/register.csv")
def download_register(principal: Exporter) -> Response:
    with unit_of_work() as db:
        audit.record(db, principal.actor, "register.exported", "register", "*")

    def lines():  # type: ignore[no-untyped-def]
        with unit_of_work(read_only=True) as db:
            for line in register.export_csv(db, principal):
                yield line.encode()

    headers = {"Content-Disposition": 'attachment; filename="register.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/submissions/{reference}/notes")
def show_notes(request: Request, reference: str, principal: ReviewerOfViews) -> Response:
    return _notes_page(request, principal, reference)


def _notes_page(
    request: Request, principal: Principal, reference: str, refused: DecisionRefused | None = None
) -> Response:
    with unit_of_work(read_only=True) as db:
        submission = reading.find_submission(db, principal, reference)
        found = notes.notes_of(db, submission.id)
    return page(
        request,
        "notes.html",
        principal,
        status_code=422 if refused else 200,
        submission=submission,
        notes=found,
        limit=notes.NOTE_LIMIT,
        refused=refused.problems if refused else [],
    )


@router.post("/submissions/{reference}/notes")
def add_note(request: Request, reference: str, principal: ReviewerOfViews, form: PostedForm) -> Response:
    try:
        notes.add_note(principal, reference, field(form, "text"))
    except DecisionRefused as refused:
        return _notes_page(request, principal, reference, refused)
    return redirect(f"/desk/submissions/{reference}/notes")


@router.post("/submissions/{reference}/notes/{note_id}/remove")
def remove_note(request: Request, reference: str, note_id: uuid.UUID, principal: ReviewerOfViews) -> Response:
    try:
        notes.remove_note(principal, reference, note_id)
    except DecisionRefused as refused:
        return _notes_page(request, principal, reference, refused)
    return redirect(f"/desk/submissions/{reference}/notes")
