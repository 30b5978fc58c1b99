"""The desk's pages of paper forms: upload a table, see each row checked, take the good ones in."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import paper_forms
from submissions.database import unit_of_work
from submissions.paper_forms import AlreadyTakenIn
from submissions.review.access import Permission, PostedForm, require
from submissions.review.reply_pages import field
from submissions.review.sessions import Principal
from submissions.review.uploads import Upload, require_upload
from submissions.review.web import DeskRoute, page, redirect
from submissions.table_files import FileNotRead

router = APIRouter(prefix="/paper-forms", route_class=DeskRoute, include_in_schema=False)

Writer = Annotated[Principal, Depends(require(Permission.RECORD_CONTRIBUTIONS))]
Uploaded = Annotated[Upload, Depends(require_upload(Permission.RECORD_CONTRIBUTIONS))]
ROWS_SHOWN = 100  # of the good ones; the faulty ones come first, up to as many
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("")
def show_paper_forms(request: Request, principal: Writer) -> Response:
    return _list_page(request, principal)


@router.post("")
def upload_paper_forms(request: Request, upload: Uploaded) -> Response:
    principal = upload.principal
    try:
        if not upload.content:
            raise FileNotRead("Choose a file.")
        batch_id = paper_forms.upload(upload.content, upload.filename, actor=principal.actor)
    except FileNotRead as refused:
        return _list_page(request, principal, status_code=422, refused=refused.reason)
    except AlreadyTakenIn as known:
        return _list_page(request, principal, status_code=409, known=known.batch)
    return redirect(f"/desk/paper-forms/{batch_id}")


@router.get("/template.xlsx")
def download_template(principal: Writer) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="paper-forms.xlsx"'}
    return Response(paper_forms.template(), media_type=XLSX, headers=headers)


@router.get("/{batch_id}")
def show_batch(request: Request, batch_id: uuid.UUID, principal: Writer) -> Response:
    return _batch_page(request, principal, batch_id)


@router.post("/{batch_id}/confirm")
def confirm_batch(request: Request, batch_id: uuid.UUID, principal: Writer, form: PostedForm) -> Response:
    if field(form, "have_agreed") != "yes":
        problem = "They must have agreed that what they wrote is kept and read."
        return _batch_page(request, principal, batch_id, problem=problem)
    paper_forms.confirm(batch_id, actor=principal.actor, reviewer_id=principal.reviewer_id)
    return redirect(f"/desk/paper-forms/{batch_id}")


@router.post("/{batch_id}/discard")
def discard_batch(batch_id: uuid.UUID, principal: Writer) -> Response:
    paper_forms.discard(batch_id)
    return redirect("/desk/paper-forms")


def _list_page(request: Request, principal: Principal, *, status_code: int = 200, **values: Any) -> Response:
    with unit_of_work(read_only=True) as db:
        batches = paper_forms.list_batches(db)
    given = {"refused": "", "known": None} | values
    return page(
        request,
        "paper_forms.html",
        principal,
        status_code=status_code,
        batches=batches,
        most_rows=paper_forms.MOST_ROWS,
        **given,
    )


def _batch_page(request: Request, principal: Principal, batch_id: uuid.UUID, problem: str = "") -> Response:
    with unit_of_work(read_only=True) as db:
        batch = paper_forms.find_batch(db, batch_id)
        rows = paper_forms.check(db, batch)
        entered = paper_forms.references_of(db, batch_id, ROWS_SHOWN)
    return page(
        request,
        "paper_batch.html",
        principal,
        status_code=422 if problem else 200,
        batch=batch,
        good=[row for row in rows if row.is_good],
        faulty=[row for row in rows if row.faults],
        known=[row for row in rows if row.known_as is not None and not row.faults],
        entered=entered,
        shown=ROWS_SHOWN,
        problem=problem,
    )
