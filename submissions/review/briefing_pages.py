"""Briefings and the report: read on the desk, taken away as DOCX, or as PDF once a worker drew it."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import audit, briefings
from submissions.briefings import Briefing, make_briefing
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import ExportNotFound, SubmissionNotFound
from submissions.exports import downloads, reports
from submissions.exports.kinds import BRIEFING, REPORT_PDF
from submissions.models import ExportJob
from submissions.review.access import Permission, may, require, themes_of
from submissions.review.errors import NotAllowed
from submissions.review.export_pages import STATES, file_page, file_response
from submissions.review.sessions import Principal
from submissions.review.summary_pages import STATES as SUMMARY_STATES
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(prefix="/briefings", route_class=DeskRoute, include_in_schema=False)
Reader = Annotated[Principal, Depends(require(Permission.READ_BRIEFINGS))]
ReaderOfAll = Annotated[Principal, Depends(require(Permission.READ_RECORD))]
FILES = "/desk/briefings/files"


@router.get("")
def list_briefings(request: Request, principal: Reader) -> Response:
    with unit_of_work(read_only=True) as db:
        lines = briefings.list_briefings(db, themes_of(principal, get_commission().theme_keys))
    return page(
        request,
        "briefings.html",
        principal,
        lines=lines,
        most_counted=briefings.MOST_COUNTED,
        states=SUMMARY_STATES,
        may_read_report=may(principal, Permission.READ_RECORD),
        may_export=may(principal, Permission.EXPORT_DATA),
    )


@router.get("/report.docx")
def download_report(principal: ReaderOfAll) -> Response:
    with unit_of_work(read_only=True) as db:
        report = reports.make_report(db)
    return _download(principal, reports.report_docx(report), "report.docx")


@router.post("/report/pdf")
def request_report_pdf(principal: ReaderOfAll) -> Response:
    return redirect(f"{FILES}/{downloads.request(REPORT_PDF, actor=principal.actor)}")


@router.get("/files/{export_id}")
def show_file(request: Request, export_id: uuid.UUID, principal: Reader) -> Response:
    export = _find_file(principal, export_id)
    address = f"/desk/briefings/{export.theme_key}" if export.theme_key else "/desk/briefings"
    back = (address, "The briefing" if export.theme_key else "Briefings")
    return file_page(request, principal, export, FILES, back, may_delete=_may_delete(principal, export))


@router.get("/files/{export_id}/file")
def download_file(export_id: uuid.UUID, principal: Reader) -> Response:
    _find_file(principal, export_id)
    return file_response(principal, export_id)


@router.post("/files/{export_id}/delete")
def delete_file(export_id: uuid.UUID, principal: Reader) -> Response:
    export = _find_file(principal, export_id)
    if not _may_delete(principal, export):
        raise NotAllowed(Permission.EXPORT_DATA)
    downloads.delete(export_id, actor=principal.actor)
    return redirect("/desk/briefings")


@router.get("/{theme_key}")
def show_briefing(request: Request, theme_key: str, principal: Reader) -> Response:
    briefing = _briefing(principal, theme_key)
    made = downloads.find_all(ExportJob.kind == BRIEFING, ExportJob.theme_key == theme_key)
    return page(
        request,
        "briefing.html",
        principal,
        briefing=briefing,
        file=made[0] if made else None,
        states=STATES,
        may_write_summary=may(principal, Permission.WRITE_SUMMARIES),
    )


@router.get("/{theme_key}/briefing.docx")
def download_briefing(theme_key: str, principal: Reader) -> Response:
    content = reports.briefing_docx(_briefing(principal, theme_key))
    return _download(principal, content, f"briefing-{theme_key}.docx")


@router.post("/{theme_key}/pdf")
def request_briefing_pdf(theme_key: str, principal: Reader) -> Response:
    """Drawing takes longer than a page may: a worker does it, and two who ask at once get the same file."""
    _must_be_theirs(principal, theme_key)
    export_id = downloads.request(BRIEFING, actor=principal.actor, theme_key=theme_key)
    return redirect(f"{FILES}/{export_id}")


def _must_be_theirs(principal: Principal, theme_key: str) -> None:
    if theme_key not in themes_of(principal, get_commission().theme_keys):
        raise SubmissionNotFound(theme_key)


def _briefing(principal: Principal, theme_key: str) -> Briefing:
    _must_be_theirs(principal, theme_key)
    with unit_of_work(read_only=True) as db:
        return make_briefing(db, theme_key)


def _find_file(principal: Principal, export_id: uuid.UUID) -> ExportJob:
    """A briefing of a theme this person reads, or the report for who reads all. Raises ExportNotFound."""
    export = downloads.find(export_id)
    if export.kind == BRIEFING:
        is_theirs = export.theme_key in themes_of(principal, get_commission().theme_keys)
    else:
        is_theirs = export.kind == REPORT_PDF and may(principal, Permission.READ_RECORD)
    if not is_theirs:
        raise ExportNotFound(export_id)
    return export


def _may_delete(principal: Principal, export: ExportJob) -> bool:
    return principal.actor == export.requested_by or may(principal, Permission.EXPORT_DATA)


def _download(principal: Principal, content: bytes, name: str) -> Response:
    with unit_of_work() as db:
        audit.record(db, principal.actor, "document.downloaded", "document", name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=reports.MEDIA_TYPE, headers=headers)
