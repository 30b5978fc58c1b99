"""The safeguarding lead's pages: what is urgent, one case, and who is the lead."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.models import Reviewer
from submissions.review import decisions, reading, safeguarding
from submissions.review.access import Permission, PostedForm, may, require
from submissions.review.errors import DecisionRefused
from submissions.review.reply_pages import as_id, field, number
from submissions.review.sessions import Principal
from submissions.review.web import CONTENT_SECURITY_POLICY, DeskRoute, page, redirect

router = APIRouter(prefix="/safeguarding", route_class=DeskRoute, include_in_schema=False)

Handler = Annotated[Principal, Depends(require(Permission.HANDLE_SAFEGUARDING))]
LeadNamer = Annotated[Principal, Depends(require(Permission.NAME_SAFEGUARDING_LEAD))]


@router.get("")
def show_cases(request: Request, principal: Handler) -> Response:
    return _list(request, principal)


def _list(request: Request, principal: Principal, refused: DecisionRefused | None = None) -> Response:
    with unit_of_work(read_only=True) as db:
        safeguarding.must_handle(db, principal)
        values: dict[str, Any] = {
            "lead": safeguarding.current_lead(db),
            "lines": safeguarding.open_lines(db, principal),
            "closed": safeguarding.closed_lines(db, principal),
            "people": db.scalars(
                select(Reviewer).where(Reviewer.disabled_at.is_(None)).order_by(Reviewer.display_name)
            ).all(),
        }
    return page(
        request,
        "safeguarding.html",
        principal,
        status_code=422 if refused else 200,
        may_name=may(principal, Permission.NAME_SAFEGUARDING_LEAD),
        refused=refused.problems if refused else [],
        **values,
    )


@router.post("/lead")
def name_lead(request: Request, principal: LeadNamer, form: PostedForm) -> Response:
    try:
        safeguarding.name_lead(principal, as_id(field(form, "lead")))
    except DecisionRefused as refused:
        return _list(request, principal, refused)
    return redirect("/desk/safeguarding")


@router.get("/views/{reference}")
def show_view(request: Request, reference: str, principal: Handler) -> Response:
    return _view_page(request, principal, reference, is_reading=True)


def _view_page(
    request: Request,
    principal: Principal,
    reference: str,
    *,
    is_reading: bool = False,
    refused: DecisionRefused | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with unit_of_work(read_only=True) as db:
        safeguarding.must_handle(db, principal)
        submission_id = reading.find_submission(db, principal, reference).id
    if is_reading:
        decisions.record_reading(principal, submission_id)
    with unit_of_work(read_only=True) as db:
        # In danger, a name or a number may be what help needs.
        view = reading.read(db, principal, reference, is_redacted=False)
        line = safeguarding.view_line(db, view.submission)
    return _case(
        request,
        principal,
        refused,
        typed,
        view=view,
        submission=view.submission,
        line=line,
        conversation=view.conversation,
        action=f"/desk/safeguarding/views/{view.submission.reference}",
    )


def _case(
    request: Request,
    principal: Principal,
    refused: DecisionRefused | None,
    typed: dict[str, str] | None,
    **values: Any,
) -> Response:
    answer = page(
        request,
        "safeguarding_case.html",
        principal,
        status_code=422 if refused else 200,
        refused=refused.problems if refused else [],
        typed=typed or {},
        limit=safeguarding.TEXT_LIMIT,
        may_play=True,  # nothing is covered on this page
        **values,
    )
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; media-src 'self'"
    return answer


def _done(form: dict[str, list[str]] | None) -> safeguarding.Done:
    return safeguarding.Done(**_typed(form))


def _typed(form: dict[str, list[str]] | None) -> dict[str, str]:
    return {name: field(form, name) for name in ("told_resident", "action", "outcome")}


@router.post("/views/{reference}")
def record_view(request: Request, reference: str, principal: Handler, form: PostedForm) -> Response:
    with unit_of_work(read_only=True) as db:
        safeguarding.must_handle(db, principal)
        submission_id = reading.find_submission(db, principal, reference).id
    try:
        safeguarding.record(
            principal, submission_id=submission_id, version=number(form, "case_version"), done=_done(form)
        )
    except DecisionRefused as refused:
        return _view_page(request, principal, reference, refused=refused, typed=_typed(form))
    return redirect("/desk/safeguarding")


@router.get("/conversations/{conversation_id}")
def show_conversation(request: Request, conversation_id: uuid.UUID, principal: Handler) -> Response:
    return _conversation_page(request, principal, conversation_id, is_reading=True)


def _conversation_page(
    request: Request,
    principal: Principal,
    conversation_id: uuid.UUID,
    *,
    is_reading: bool = False,
    refused: DecisionRefused | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with unit_of_work(read_only=True) as db:
        safeguarding.must_handle(db, principal)
        safeguarding.find_talk(db, conversation_id)
    if is_reading:
        safeguarding.record_talk_reading(principal, conversation_id)
    with unit_of_work(read_only=True) as db:
        talk = safeguarding.find_talk(db, conversation_id)
        line = safeguarding.talk_line(db, talk)
        said = reading.read_conversation(db, talk)
    return _case(
        request,
        principal,
        refused,
        typed,
        view=None,
        submission=None,
        line=line,
        conversation=said,
        action=f"/desk/safeguarding/conversations/{conversation_id}",
    )


@router.post("/conversations/{conversation_id}")
def record_conversation(
    request: Request, conversation_id: uuid.UUID, principal: Handler, form: PostedForm
) -> Response:
    with unit_of_work(read_only=True) as db:
        safeguarding.must_handle(db, principal)
        safeguarding.find_talk(db, conversation_id)
    try:
        safeguarding.record(
            principal, conversation_id=conversation_id, version=number(form, "case_version"), done=_done(form)
        )
    except DecisionRefused as refused:
        return _conversation_page(request, principal, conversation_id, refused=refused, typed=_typed(form))
    return redirect("/desk/safeguarding")
