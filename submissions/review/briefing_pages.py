"""Briefings and the report: read on the desk, printed, or taken away as DOCX and PDF."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import audit
from submissions.briefings import Briefing, make_briefing
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.exports import pdf, reports
from submissions.review.access import Permission, may, require, themes_of
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Reader = Annotated[Principal, Depends(require(Permission.READ_BRIEFINGS))]
ReaderOfAll = Annotated[Principal, Depends(require(Permission.READ_RECORD))]


@router.get("/briefings")
def list_briefings(request: Request, principal: Reader) -> Response:
    with unit_of_work(read_only=True) as db:
        briefings = [make_briefing(db, key) for key in themes_of(principal, get_commission().theme_keys)]
    return page(
        request,
        "briefings.html",
        principal,
        briefings=briefings,
        may_read_report=may(principal, Permission.READ_RECORD),
        may_export=may(principal, Permission.EXPORT_DATA),
    )


@router.get("/briefings/report.docx")
def download_report(principal: ReaderOfAll) -> Response:
    return _download(principal, reports.report_docx(_report()), "report.docx")


@router.get("/briefings/report.pdf")
def download_report_as_pdf(principal: ReaderOfAll) -> Response:
    return _download(principal, pdf.report_pdf(_report()), "report.pdf")


def _report() -> reports.Report:
    with unit_of_work(read_only=True) as db:
        return reports.make_report(db)


@router.get("/briefings/{theme_key}")
def show_briefing(request: Request, theme_key: str, principal: Reader) -> Response:
    return page(request, "briefing.html", principal, briefing=_briefing(principal, theme_key))


@router.get("/briefings/{theme_key}/briefing.docx")
def download_briefing(theme_key: str, principal: Reader) -> Response:
    content = reports.briefing_docx(_briefing(principal, theme_key))
    return _download(principal, content, f"briefing-{theme_key}.docx")


@router.get("/briefings/{theme_key}/briefing.pdf")
def download_briefing_as_pdf(theme_key: str, principal: Reader) -> Response:
    content = pdf.briefing_pdf(_briefing(principal, theme_key))
    return _download(principal, content, f"briefing-{theme_key}.pdf")


def _briefing(principal: Principal, theme_key: str) -> Briefing:
    if theme_key not in themes_of(principal, get_commission().theme_keys):
        raise SubmissionNotFound(theme_key)
    with unit_of_work(read_only=True) as db:
        return make_briefing(db, theme_key)


def _download(principal: Principal, content: bytes, name: str) -> Response:
    with unit_of_work() as db:
        audit.record(db, principal.actor, "document.downloaded", "document", name)
    media_type = pdf.MEDIA_TYPE if name.endswith(".pdf") else reports.MEDIA_TYPE
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
