"""Briefings, the report and the export: read on the desk, printed, or taken away as files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from submissions import audit
from submissions.briefings import make_briefing
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.exports.reports import MEDIA_TYPE, briefing_document, report_document
from submissions.exports.writers import FORMATS, write_export
from submissions.review.access import Permission, may, require
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Reader = Annotated[Principal, Depends(require(Permission.READ_BRIEFINGS))]
ReaderOfAll = Annotated[Principal, Depends(require(Permission.READ_RECORD))]
Exporter = Annotated[Principal, Depends(require(Permission.EXPORT_DATA))]

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Above this an export goes through a file, which has no name and is gone when it has been sent.
IN_MEMORY_BYTES = 2_000_000
_PIECE_BYTES = 64 * 1024


@router.get("/briefings")
def list_briefings(request: Request, principal: Reader) -> Response:
    with unit_of_work(read_only=True) as db:
        briefings = [make_briefing(db, theme.key) for theme in get_commission().themes]
    return page(
        request,
        "briefings.html",
        principal,
        briefings=briefings,
        formats=sorted(FORMATS) if may(principal, Permission.EXPORT_DATA) else [],
    )


@router.get("/briefings/report.docx")
def download_report(principal: ReaderOfAll) -> Response:
    with unit_of_work(read_only=True) as db:
        content = report_document(db)
    return _download(principal, content, "report")


@router.get("/briefings/{theme_key}")
def show_briefing(request: Request, theme_key: str, principal: Reader) -> Response:
    _must_exist(theme_key)
    with unit_of_work(read_only=True) as db:
        briefing = make_briefing(db, theme_key)
    return page(request, "briefing.html", principal, briefing=briefing)


@router.get("/briefings/{theme_key}/briefing.docx")
def download_briefing(theme_key: str, principal: Reader) -> Response:
    _must_exist(theme_key)
    with unit_of_work(read_only=True) as db:
        content = briefing_document(db, theme_key)
    return _download(principal, content, f"briefing-{theme_key}")


@router.get("/exports/{kind}")
def download_export(kind: str, principal: Exporter) -> Response:
    """Every sent view in one file; it is made before the first byte is sent, so it is whole or an error."""
    if kind not in FORMATS:
        raise SubmissionNotFound(kind)
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  closed by _pieces
    try:
        number = write_export(kind, file)  # type: ignore[arg-type]
        with unit_of_work() as db:
            audit.record(db, principal.actor, "views.exported", "export", kind, count=number)
    except BaseException:
        file.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="views.{kind}"'}
    return StreamingResponse(_pieces(file), media_type=MEDIA_TYPES[kind], headers=headers)  # type: ignore[arg-type]


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _must_exist(theme_key: str) -> None:
    if theme_key not in get_commission().theme_keys:
        raise SubmissionNotFound(theme_key)


def _download(principal: Principal, content: bytes, name: str) -> Response:
    with unit_of_work() as db:
        audit.record(db, principal.actor, "document.downloaded", "document", name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.docx"'}
    return Response(content, media_type=MEDIA_TYPE, headers=headers)
