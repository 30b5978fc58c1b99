"""One evidence session beyond its facts: files, corrections, taking back, removing."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import audit, erasure, evidence_sessions, rights, session_files
from submissions.database import unit_of_work
from submissions.errors import ExportNotFound, MediaNotFound, SubmissionClosed
from submissions.evidence_sessions import NotAccepted
from submissions.media import MediaStore
from submissions.models import EvidenceSession, Submission
from submissions.review.access import Permission, PostedForm, require
from submissions.review.evidence_pages import exactly, session_page
from submissions.review.reply_pages import field
from submissions.review.sessions import Principal
from submissions.review.uploads import Upload, require_upload
from submissions.review.web import DeskRoute, page, redirect
from submissions.rights import ChangedSince
from submissions.settings import StoreSettings

router = APIRouter(prefix="/evidence-sessions/{session_id}", route_class=DeskRoute, include_in_schema=False)

Reader = Annotated[Principal, Depends(require(Permission.READ_RECORD))]
Writer = Annotated[Principal, Depends(require(Permission.RECORD_CONTRIBUTIONS))]
Uploaded = Annotated[Upload, Depends(require_upload(Permission.RECORD_CONTRIBUTIONS))]


def _store(request: Request) -> MediaStore:
    return MediaStore(getattr(request.app.state, "data", None) or StoreSettings().data)


@router.post("/files")
def attach_file(request: Request, session_id: uuid.UUID, upload: Uploaded) -> Response:
    principal = upload.principal
    try:
        session_files.attach(
            _store(request),
            session_id,
            upload.filename,
            upload.content,
            actor=principal.actor,
            reference=upload.fields.get("file_of", ""),
        )
    except NotAccepted as refused:
        return session_page(request, principal, session_id, problems=refused.problems)
    return redirect(f"/desk/evidence-sessions/{session_id}#files")


@router.get("/files/{file_id}")
def download_file(request: Request, session_id: uuid.UUID, file_id: uuid.UUID, principal: Reader) -> Response:
    """The file as it came, to be saved: nothing in it runs here."""
    with unit_of_work() as db:
        file = session_files.find(db, session_id, file_id)
        audit.record(db, principal.actor, "session_file.downloaded", "evidence_session", session_id)
    try:
        content = _store(request).read(file.stored_name)
    except MediaNotFound as error:
        raise ExportNotFound(file_id) from error
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": _attachment(file.name),
    }
    return Response(content, media_type=file.media_type, headers=headers)


def _attachment(name: str) -> str:
    from urllib.parse import quote

    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


@router.post("/files/{file_id}/remove")
def remove_file(session_id: uuid.UUID, file_id: uuid.UUID, principal: Writer) -> Response:
    session_files.remove(session_id, file_id, actor=principal.actor)
    return redirect(f"/desk/evidence-sessions/{session_id}#files")


@router.get("/contributions/{reference}")
def show_contribution(request: Request, session_id: uuid.UUID, reference: str, principal: Writer) -> Response:
    return _contribution_page(request, principal, session_id, reference)


@router.post("/contributions/{reference}")
def correct_contribution(
    request: Request, session_id: uuid.UUID, reference: str, principal: Writer, form: PostedForm
) -> Response:
    text = exactly(form, "text")
    try:
        with unit_of_work() as db:
            evidence_sessions.correct_contribution(
                db,
                session_id,
                reference,
                text,
                form_id=field(form, "form_id")[:40],
                seen=field(form, "fingerprint"),
                actor=principal.actor,
            )
    except NotAccepted as refused:
        problem = refused.problems["text"]
        return _contribution_page(request, principal, session_id, reference, typed=text, problem=problem)
    except (ChangedSince, SubmissionClosed):
        problem = "It was changed or taken back after you opened it. What it says now stands beside yours."
        return _contribution_page(
            request, principal, session_id, reference, typed=text, problem=problem, status_code=409
        )
    return redirect(f"/desk/submissions/{reference}")


@router.post("/contributions/{reference}/withdraw")
def withdraw_contribution(
    request: Request, session_id: uuid.UUID, reference: str, principal: Writer, form: PostedForm
) -> Response:
    if field(form, "is_wanted") != "yes":
        problem = "Tick that they want it taken back: its words are erased and do not come back."
        return _contribution_page(request, principal, session_id, reference, problem=problem)
    with unit_of_work() as db:
        evidence_sessions.withdraw_contribution(db, session_id, reference, actor=principal.actor)
    return redirect(f"/desk/evidence-sessions/{session_id}")


@router.post("/remove")
def remove_session(request: Request, session_id: uuid.UUID, principal: Writer) -> Response:
    with unit_of_work() as db:
        is_removed = evidence_sessions.remove(db, session_id, actor=principal.actor)
    if not is_removed:
        problems = {"remove": "It has contributions. A session goes only when none is left in it."}
        return session_page(request, principal, session_id, problems=problems)
    erasure.forget_on_disk()
    return redirect("/desk/evidence-sessions")


def _contribution_page(
    request: Request,
    principal: Principal,
    session_id: uuid.UUID,
    reference: str,
    *,
    typed: str | None = None,
    problem: str = "",
    status_code: int = 422,
) -> Response:
    with unit_of_work(read_only=True) as db:
        session: EvidenceSession = evidence_sessions.find(db, session_id)
        submission: Submission = evidence_sessions.find_contribution(db, session_id, reference)
        said = "\n\n".join(part.original_text for part in submission.parts)
        seen = rights.fingerprint(submission.parts)
    return page(
        request,
        "contribution.html",
        principal,
        status_code=status_code if problem else 200,
        session=session,
        submission=submission,
        said=said,
        typed=said if typed is None else typed,
        seen=seen,
        form_id=uuid.uuid4().hex,
        problem=problem,
        limit=evidence_sessions.TEXT_LIMIT,
    )
