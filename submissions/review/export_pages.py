"""Long exports: asked for, watched while a worker makes them, and fetched within a day.

Briefings and the report can be had by people who may not export views: `briefing_pages` shows those with the
same pages, under an address of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from submissions.errors import ExportNotFound
from submissions.exports import downloads
from submissions.exports.kinds import KINDS, Kind, file_name, find_kind
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
    return _list_page(request, principal)


@router.post("")
def request_export(request: Request, principal: Exporter, form: PostedForm) -> Response:
    """Two people who ask for the same at once get the same file."""
    kind = ((form or {}).get("kind") or [""])[0]
    if kind not in KINDS:
        return _list_page(request, principal, refused="Choose which file you need.")
    return redirect(f"/desk/exports/{downloads.request(kind, actor=principal.actor)}")


@router.get("/{export_id}")
def show_export(request: Request, export_id: uuid.UUID, principal: Exporter) -> Response:
    return file_page(
        request, principal, downloads.find(export_id), "/desk/exports", ("/desk/exports", "All files")
    )


@router.get("/{export_id}/file")
def download_export(export_id: uuid.UUID, principal: Exporter) -> Response:
    return file_response(principal, export_id)


@router.post("/{export_id}/delete")
def delete_export(export_id: uuid.UUID, principal: Exporter) -> Response:
    downloads.delete(export_id, actor=principal.actor)
    return redirect("/desk/exports")


def _list_page(request: Request, principal: Principal, refused: str = "") -> Response:
    return page(
        request,
        "exports.html",
        principal,
        status_code=422 if refused else 200,
        exports=downloads.find_all(),
        kinds=KINDS,
        find_kind=find_kind,
        states=STATES,
        percent_done=percent_done,
        refused=refused,
    )


def file_page(
    request: Request,
    principal: Principal,
    export: ExportJob,
    address: str,
    back: tuple[str, str],
    *,
    may_delete: bool = True,
) -> Response:
    """How far a file is; the page comes again by itself until it is done, unless somebody says it should not.

    `address` is of the pages of files, `back` (address, words) of the page they belong to.
    """
    is_open = export.state in (ExportState.QUEUED, ExportState.RUNNING)
    is_refreshing = is_open and "still" not in request.query_params
    response = page(
        request,
        "export.html",
        principal,
        export=export,
        here=f"{address}/{export.id}",
        back=back,
        may_delete=may_delete,
        kind=_kind_of(export),
        state=STATES[export.state],
        percent_done=percent_done(export),
        is_open=is_open,
        is_refreshing=is_refreshing,
        refresh_seconds=REFRESH_SECONDS,
    )
    if is_refreshing:
        response.headers["Refresh"] = str(REFRESH_SECONDS)  # without any script
    return response


def file_response(principal: Principal, export_id: uuid.UUID) -> Response:
    """The finished file, to be saved. Raises ExportNotFound."""
    export, file = downloads.open_file(export_id, actor=principal.actor)
    made_on = (export.finished_at or export.requested_at).astimezone(LOCAL_TIME).date().isoformat()
    name = file_name(export.kind, export.theme_key, made_on)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(export.size_bytes),
    }
    return StreamingResponse(_pieces(file), media_type=_kind_of(export).media_type, headers=headers)


def percent_done(export: ExportJob) -> int:
    """0 to 100; not 100 before it is ready."""
    if export.state == ExportState.READY:
        return 100
    return min(99, 100 * export.steps_done // export.steps) if export.steps else 0


def _kind_of(export: ExportJob) -> Kind:
    kind = find_kind(export.kind, export.theme_key)
    if kind is None:  # of another version of the program, or of a theme that is no more
        raise ExportNotFound(export.id)
    return kind


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
