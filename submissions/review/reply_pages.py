"""The pages on which the team answers a resident, and keeps wording that is often needed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.models import CannedReply
from submissions.review import decisions, reading, replying
from submissions.review.access import Permission, PostedForm, require
from submissions.review.errors import DecisionRefused
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect
from translations.languages import LANGUAGES

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

ReviewerOfViews = Annotated[Principal, Depends(require(Permission.REVIEW_SUBMISSIONS))]
# The writer sees the translation at once when a worker is idle; else the page says to look again.
WAIT_SECONDS = 5.0


def field(form: dict[str, list[str]] | None, name: str) -> str:
    return ((form or {}).get(name) or [""])[0]


def number(form: dict[str, list[str]] | None, name: str) -> int:
    """A whole number of the form; 0, which no version is, when there is none."""
    value = field(form, name)
    return int(value) if value.isdecimal() and len(value) < 10 else 0


@router.get("/submissions/{reference}/reply")
def show_reply(request: Request, reference: str, principal: ReviewerOfViews) -> Response:
    with unit_of_work(read_only=True) as db:
        submission_id = reading.find_submission(db, principal, reference).id
    decisions.record_reading(principal, submission_id)  # the whole view stands here too
    return _reply_page(request, principal, reference)


def _reply_page(
    request: Request,
    principal: Principal,
    reference: str,
    *,
    refused: DecisionRefused | None = None,
    typed: str = "",
) -> Response:
    with unit_of_work(read_only=True) as db:
        view = reading.read(db, principal, reference)
        replies = replying.read_replies(db, principal, reference)
    chosen = chosen_wording(request, replies)
    return page(
        request,
        "reply.html",
        principal,
        status_code=422 if refused else 200,
        view=view,
        submission=view.submission,
        replies=replies,
        chosen=chosen,
        typed=typed,
        limit=replying.REPLY_LIMIT,
        refused=refused.problems if refused else [],
    )


def chosen_wording(request: Request, replies: replying.Replies) -> CannedReply | None:
    """The kept reply that somebody wants to start from."""
    wanted = request.query_params.get("canned")
    return next((kept for kept in replies.canned if str(kept.id) == wanted), None)


@router.post("/submissions/{reference}/reply")
def write_reply(request: Request, reference: str, principal: ReviewerOfViews, form: PostedForm) -> Response:
    try:
        reply_id = replying.write_reply(
            principal, reference, field(form, "english"), as_id(field(form, "canned"))
        )
    except DecisionRefused as refused:
        return _reply_page(request, principal, reference, refused=refused, typed=field(form, "english"))
    replying.wait_for_translation(reply_id, WAIT_SECONDS)
    return redirect(f"/desk/submissions/{reference}/reply#replies")


def as_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _decide(request: Request, principal: Principal, reference: str, decide: Callable[[], None]) -> Response:
    try:
        decide()
    except DecisionRefused as refused:
        return _reply_page(request, principal, reference, refused=refused)
    return redirect(f"/desk/submissions/{reference}/reply#replies")


@router.post("/submissions/{reference}/reply/{reply_id}/text")
def change_text(
    request: Request, reference: str, reply_id: uuid.UUID, principal: ReviewerOfViews, form: PostedForm
) -> Response:
    def change() -> None:
        version = number(form, "reply_version")
        replying.change_text(principal, reference, reply_id, version, field(form, "text"))
        replying.wait_for_translation(reply_id, WAIT_SECONDS)

    return _decide(request, principal, reference, change)


@router.post("/submissions/{reference}/reply/{reply_id}/send")
def send_reply(
    request: Request, reference: str, reply_id: uuid.UUID, principal: ReviewerOfViews, form: PostedForm
) -> Response:
    def send() -> None:
        replying.approve_and_send(
            principal,
            reference,
            reply_id,
            number(form, "reply_version"),
            checked_by_speaker=field(form, "checked") == "yes",
        )

    return _decide(request, principal, reference, send)


@router.post("/submissions/{reference}/reply/{reply_id}/discard")
def discard_reply(
    request: Request, reference: str, reply_id: uuid.UUID, principal: ReviewerOfViews, form: PostedForm
) -> Response:
    return _decide(
        request,
        principal,
        reference,
        lambda: replying.discard(principal, reference, reply_id, number(form, "reply_version")),
    )


@router.get("/canned-replies")
def show_canned_replies(request: Request, principal: ReviewerOfViews) -> Response:
    return _canned_page(request, principal)


def _canned_page(request: Request, principal: Principal, refused: DecisionRefused | None = None) -> Response:
    with unit_of_work(read_only=True) as db:
        canned = db.scalars(select(CannedReply).order_by(CannedReply.name)).all()
    return page(
        request,
        "canned_replies.html",
        principal,
        status_code=422 if refused else 200,
        canned=canned,
        languages=LANGUAGES,
        refused=refused.problems if refused else [],
    )


@router.post("/canned-replies")
def keep_canned_reply(request: Request, principal: ReviewerOfViews, form: PostedForm) -> Response:
    try:
        kept = replying.keep_canned_reply(
            principal, as_id(field(form, "canned")), field(form, "name"), field(form, "english")
        )
    except DecisionRefused as refused:
        return _canned_page(request, principal, refused)
    return redirect(f"/desk/canned-replies#reply-{kept}")


@router.post("/canned-replies/{canned_id}/texts")
def keep_canned_text(
    request: Request, canned_id: uuid.UUID, principal: ReviewerOfViews, form: PostedForm
) -> Response:
    try:
        replying.keep_canned_text(
            principal, canned_id, field(form, "language"), field(form, "text"), field(form, "checked_by")
        )
    except DecisionRefused as refused:
        return _canned_page(request, principal, refused)
    return redirect(f"/desk/canned-replies#reply-{canned_id}")


@router.post("/canned-replies/{canned_id}/remove")
def forget_canned_reply(canned_id: uuid.UUID, principal: ReviewerOfViews) -> Response:
    replying.forget_canned_reply(principal, canned_id)
    return redirect("/desk/canned-replies")
