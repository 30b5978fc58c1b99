"""The desk's page for interpreters: what waits by language, files to send out, and what comes back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import audit
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.interpreters import files, returns
from submissions.interpreters import queue as waiting
from submissions.models import Role
from submissions.review.access import Permission, may, require
from submissions.review.filter_form import FilterForm
from submissions.review.queue import UNKNOWN_LANGUAGE
from submissions.review.sessions import Principal
from submissions.review.uploads import Upload, require_upload
from submissions.review.web import DeskRoute, page
from translations.languages import LANGUAGES

router = APIRouter(prefix="/interpreters", route_class=DeskRoute, include_in_schema=False)

Reader = Annotated[Principal, Depends(require(Permission.READ_SUBMISSIONS))]
Corrector = Annotated[Principal, Depends(require(Permission.CORRECT_TRANSLATIONS))]
Returned = Annotated[Upload, Depends(require_upload(Permission.CORRECT_TRANSLATIONS))]


@router.get("")
def show_interpreters(request: Request, principal: Reader) -> Response:
    return _page(request, principal)


def _page(request: Request, principal: Principal, status_code: int = 200, **values: Any) -> Response:
    with unit_of_work(read_only=True) as db:
        queues = [row for row in waiting.by_language(db) if _may_see(principal, row.language)]
    return page(
        request,
        "interpreters.html",
        principal,
        status_code=status_code,
        queues=queues,
        may_correct=may(principal, Permission.CORRECT_TRANSLATIONS),
        form=FilterForm.empty(),
        unknown=UNKNOWN_LANGUAGE,
        **({"result": None, "refused": "", "interpreter": ""} | values),
    )


def _may_see(principal: Principal, language: str | None) -> bool:
    return principal.role != Role.TRANSLATOR or language in principal.languages


@router.get("/{language}.{kind}")
def download_file(language: str, kind: str, principal: Corrector) -> Response:
    """The file for an interpreter of that language, with what waits now."""
    code = None if language == UNKNOWN_LANGUAGE else language
    if kind not in files.KINDS or not (code is None or code in LANGUAGES):
        raise SubmissionNotFound(f"{language[:12]}.{kind[:8]}")
    if not _may_see(principal, code):
        raise SubmissionNotFound(language[:12])
    with unit_of_work() as db:
        lines = waiting.lines(db, code)
        audit.record(
            db,
            principal.actor,
            "interpreter.file_made",
            "language",
            language,
            sentences=len(lines),
        )
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return Response(
        files.write(kind, lines, code),
        media_type=files.MEDIA_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="to-translate-{language}-{today}.{kind}"'},
    )


@router.post("/returns")
def take_in_file(request: Request, upload: Returned) -> Response:
    interpreter = upload.fields.get("interpreter", "").strip()
    principal = upload.principal

    def refuse(words: str) -> Response:
        return _page(request, principal, status_code=422, refused=words, interpreter=interpreter)

    if not interpreter:
        return refuse("Give the name of the interpreter.")
    if not upload.content:
        return refuse("Choose the file that the interpreter returned.")
    try:
        rows = files.read(upload.content)
    except files.FileNotReadable as error:
        return refuse(error.reason)
    leave_empty = upload.fields.get("leave_empty") == "yes"
    with unit_of_work() as db:
        result = returns.take_in(
            db,
            rows,
            interpreter=interpreter,
            actor=principal.actor,
            reviewer_id=principal.reviewer_id,
            leave_empty=leave_empty,
            languages=principal.languages if principal.role == Role.TRANSLATOR else None,
        )
    is_refused = bool(result.faults or (result.empty and not leave_empty))
    return _page(
        request,
        principal,
        status_code=422 if is_refused else 200,
        result=result,
        is_refused=is_refused,
        interpreter=interpreter,
    )
