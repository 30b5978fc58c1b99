"""Long exports: asked for, watched while a worker makes them, and fetched within a day."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from submissions.errors import ExportNotFound
from submissions.exports import downloads
from submissions.exports.kinds import KINDS, file_name
from submissions.models import ExportJob, ExportState
from submissions.review.access import Permission, PostedForm, require
from submissions.review.queue import LOCAL_TIME
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(prefix="/exports", route_class=DeskRoute, include_in_schema=False)
Exporter = Annotated[Principal, Depends(require(Permission.EXPORT_DATA))]

REFRESH_SECONDS = 5
_PIECE_BYTES = 64 * 1024
# Word and colour of the tag.
STATES: dict[str, tuple[str, str]] = {
    ExportState.QUEUED: ("Waiting", "blue"),
    ExportState.RUNNING: ("Being made", "yellow"),
    ExportState.READY: ("Ready", "green"),
    ExportState.FAILED: ("Failed", "red"),
    ExportState.TAKEN_AWAY: ("Deleted", "grey"),
}


@router.get("")
def list_exports(request: Request, principal: Exporter) -> Response:
    return page(
        request,
        "exports.html",
        principal,
        exports=downloads.find_all(),
        kinds=KINDS,
        states=STATES,
        percent_done=percent_done,
    )


@router.post("")
def request_export(request: Request, principal: Exporter, form: PostedForm) -> Response:
    """Two people who ask for the same at once get the same file."""
    kind = ((form or {}).get("kind") or [""])[0]
    if kind not in KINDS:
        return page(
            request,
            "exports.html",
            principal,
            status_code=422,
            exports=downloads.find_all(),
            kinds=KINDS,
            states=STATES,
            percent_done=percent_done,
            refused="Choose which file you need.",
        )
    return redirect(f"/desk/exports/{downloads.request(kind, actor=principal.actor)}")


@router.get("/{export_id}")
def show_export(request: Request, export_id: uuid.UUID, principal: Exporter) -> Response:
    """How far it is; the page comes again by itself until it is done, unless somebody says it should not."""
    export = _find(export_id)
    is_open = export.state in (ExportState.QUEUED, ExportState.RUNNING)
    is_refreshing = is_open and "still" not in request.query_params
    response = page(
        request,
        "export.html",
        principal,
        export=export,
        kind=KINDS[export.kind],
        state=STATES[export.state],
        percent_done=percent_done(export),
        is_open=is_open,
        is_refreshing=is_refreshing,
        refresh_seconds=REFRESH_SECONDS,
    )
    if is_refreshing:
        response.headers["Refresh"] = str(REFRESH_SECONDS)  # without any script
    return response


@router.get("/{export_id}/file")
def download_export(export_id: uuid.UUID, principal: Exporter) -> Response:
    export, file = downloads.open_file(export_id, actor=principal.actor)
    made_on = (export.finished_at or export.requested_at).astimezone(LOCAL_TIME).date().isoformat()
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(export.kind, made_on)}"',
        "Content-Length": str(export.size_bytes),
    }
    return StreamingResponse(_pieces(file), media_type=KINDS[export.kind].media_type, headers=headers)


@router.post("/{export_id}/delete")
def delete_export(export_id: uuid.UUID, principal: Exporter) -> Response:
    downloads.delete(export_id, actor=principal.actor)
    return redirect("/desk/exports")


def percent_done(export: ExportJob) -> int:
    """0 to 100; not 100 before it is ready."""
    if export.state == ExportState.READY:
        return 100
    return min(99, 100 * export.steps_done // export.steps) if export.steps else 0


def _find(export_id: uuid.UUID) -> ExportJob:
    export = downloads.find(export_id)
    if export.kind not in KINDS:  # of another version of the program
        raise ExportNotFound(export_id)
    return export


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
