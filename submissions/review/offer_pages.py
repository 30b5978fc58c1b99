"""The page on which an offer is answered that was made in a conversation without a view."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import audit, offers
from submissions.database import unit_of_work
from submissions.errors import MessageNotFound, SubmissionNotFound
from submissions.review import reply_pages, replying
from submissions.review.access import Permission, PostedForm, require
from submissions.review.errors import DecisionRefused
from submissions.review.reply_pages import as_id, field, number
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(
    prefix="/stakeholders/offers/{message_id}/reply", route_class=DeskRoute, include_in_schema=False
)

Manager = Annotated[Principal, Depends(require(Permission.MANAGE_STAKEHOLDERS))]


@router.get("")
def show_reply(request: Request, message_id: uuid.UUID, principal: Manager) -> Response:
    answer = _page(request, principal, message_id)
    with unit_of_work() as db:
        audit.record(db, principal.actor, "offer.read", "message", message_id)
    return answer


def _page(
    request: Request,
    principal: Principal,
    message_id: uuid.UUID,
    *,
    refused: DecisionRefused | None = None,
    typed: str = "",
) -> Response:
    with unit_of_work(read_only=True) as db:
        try:
            offer = offers.find(db, message_id)
        except MessageNotFound as error:
            raise SubmissionNotFound(str(message_id)) from error
        replies = replying.read_replies(db, principal, message_id)
    return page(
        request,
        "offer_reply.html",
        principal,
        status_code=422 if refused else 200,
        offer=offer,
        replies=replies,
        chosen=reply_pages.chosen_wording(request, replies),
        typed=typed,
        limit=replying.REPLY_LIMIT,
        refused=refused.problems if refused else [],
    )


@router.post("")
def write_reply(request: Request, message_id: uuid.UUID, principal: Manager, form: PostedForm) -> Response:
    english = field(form, "english")
    try:
        reply_id = replying.write_reply(principal, message_id, english, as_id(field(form, "canned")))
    except DecisionRefused as refused:
        return _page(request, principal, message_id, refused=refused, typed=english)
    replying.wait_for_translation(reply_id, reply_pages.WAIT_SECONDS)
    return redirect(_replies(message_id))


def _replies(message_id: uuid.UUID) -> str:
    return f"/desk/stakeholders/offers/{message_id}/reply#replies"


def _decide(
    request: Request, principal: Principal, message_id: uuid.UUID, decide: Callable[[], None]
) -> Response:
    try:
        decide()
    except DecisionRefused as refused:
        return _page(request, principal, message_id, refused=refused)
    return redirect(_replies(message_id))


@router.post("/{reply_id}/text")
def change_text(
    request: Request, message_id: uuid.UUID, reply_id: uuid.UUID, principal: Manager, form: PostedForm
) -> Response:
    def change() -> None:
        version = number(form, "reply_version")
        replying.change_text(principal, message_id, reply_id, version, field(form, "text"))
        replying.wait_for_translation(reply_id, reply_pages.WAIT_SECONDS)

    return _decide(request, principal, message_id, change)


@router.post("/{reply_id}/send")
def send_reply(
    request: Request, message_id: uuid.UUID, reply_id: uuid.UUID, principal: Manager, form: PostedForm
) -> Response:
    def send() -> None:
        replying.approve_and_send(
            principal,
            message_id,
            reply_id,
            number(form, "reply_version"),
            checked_by_speaker=field(form, "checked") == "yes",
        )

    return _decide(request, principal, message_id, send)


@router.post("/{reply_id}/discard")
def discard_reply(
    request: Request, message_id: uuid.UUID, reply_id: uuid.UUID, principal: Manager, form: PostedForm
) -> Response:
    return _decide(
        request,
        principal,
        message_id,
        lambda: replying.discard(principal, message_id, reply_id, number(form, "reply_version")),
    )
