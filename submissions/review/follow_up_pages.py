"""The desk's page of one follow-up: its texts, what it costs, its approval, its sending and its results."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.follow_ups import approval, forums, results, templates, texts
from submissions.follow_ups.clock import may_text_at
from submissions.follow_ups.errors import NotAccepted, NotNow
from submissions.follow_ups.preview import make_preview
from submissions.models import FollowUpState, utc_now
from submissions.review.access import Permission, PostedForm, may, require
from submissions.review.forum_pages import read_pounds
from submissions.review.reply_pages import field, number
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect
from translations.languages import LANGUAGES

router = APIRouter(prefix="/follow-ups", route_class=DeskRoute, include_in_schema=False)

Preparer = Annotated[Principal, Depends(require(Permission.PREPARE_FOLLOW_UPS))]
Approver = Annotated[Principal, Depends(require(Permission.APPROVE_FOLLOW_UPS))]
BY_HAND = "Somebody of the team has paused it."


@router.get("/{follow_up_id}")
def show_follow_up(request: Request, follow_up_id: uuid.UUID, principal: Preparer) -> Response:
    return _follow_up_page(request, principal, follow_up_id)


@router.post("/{follow_up_id}/texts")
def save_text(request: Request, follow_up_id: uuid.UUID, principal: Preparer, form: PostedForm) -> Response:
    language = field(form, "language")
    text = field(form, "text").replace("\r\n", "\n")
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: texts.save(
            db,
            approval.lock(db, follow_up_id),
            language,
            text,
            version=number(form, "text_version"),
            actor=principal.actor,
        ),
        typed={language: text},
        anchor=f"text-{language}" if language in LANGUAGES else "",
    )


@router.post("/{follow_up_id}/proof-readings")
def keep_proof_reading(
    request: Request, follow_up_id: uuid.UUID, principal: Preparer, form: PostedForm
) -> Response:
    language = field(form, "language")
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: texts.keep_proof_reading(
            db,
            approval.lock(db, follow_up_id),
            language,
            version=number(form, "text_version"),
            reader=field(form, "reader"),
            actor=principal.actor,
        ),
        anchor=f"text-{language}" if language in LANGUAGES else "",
    )


@router.post("/{follow_up_id}/templates")
def ask_whatsapp(request: Request, follow_up_id: uuid.UUID, principal: Preparer) -> Response:
    """Puts the proof-read texts before WhatsApp; nobody is texted by it."""
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: templates.ask(db, approval.lock(db, follow_up_id), actor=principal.actor),
        anchor="whatsapp",
    )


@router.post("/{follow_up_id}/budget")
def set_budget(request: Request, follow_up_id: uuid.UUID, principal: Preparer, form: PostedForm) -> Response:
    pence = read_pounds(field(form, "budget"))
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: approval.set_budget(db, follow_up_id, pence, actor=principal.actor),
    )


@router.post("/{follow_up_id}/prepare")
def prepare(request: Request, follow_up_id: uuid.UUID, principal: Preparer, form: PostedForm) -> Response:
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: approval.prepare(
            db, follow_up_id, fingerprint=field(form, "fingerprint"), actor=principal.actor
        ),
    )


@router.post("/{follow_up_id}/approve")
def approve(request: Request, follow_up_id: uuid.UUID, principal: Approver, form: PostedForm) -> Response:
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: approval.approve(
            db, follow_up_id, fingerprint=field(form, "fingerprint"), actor=principal.actor
        ),
    )


@router.post("/{follow_up_id}/pause")
def pause(request: Request, follow_up_id: uuid.UUID, principal: Preparer) -> Response:
    """Whoever prepares follow-ups may stop one at once; only an approver lets it go on."""
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: approval.pause(db, follow_up_id, reason=BY_HAND, actor=principal.actor),
    )


@router.post("/{follow_up_id}/resume")
def resume(request: Request, follow_up_id: uuid.UUID, principal: Approver) -> Response:
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: approval.resume(db, follow_up_id, actor=principal.actor),
    )


@router.post("/{follow_up_id}/call-off")
def call_off(request: Request, follow_up_id: uuid.UUID, principal: Preparer) -> Response:
    return _act(
        request,
        principal,
        follow_up_id,
        lambda db: approval.call_off(db, follow_up_id, actor=principal.actor),
    )


def _act(
    request: Request,
    principal: Principal,
    follow_up_id: uuid.UUID,
    act: Callable[[Session], object],
    *,
    typed: dict[str, str] | None = None,
    anchor: str = "",
) -> Response:
    """Does it and shows the page again, or shows why it was not done, with what was typed."""
    try:
        with unit_of_work() as db:
            act(db)
    except NotAccepted as refused:
        return _follow_up_page(
            request, principal, follow_up_id, status=422, problems=refused.problems, typed=typed
        )
    except NotNow as refused:
        return _follow_up_page(
            request, principal, follow_up_id, status=409, problems={"follow-up": refused.reason}, typed=typed
        )
    return redirect(f"/desk/follow-ups/{follow_up_id}" + (f"#{anchor}" if anchor else ""))


def _follow_up_page(
    request: Request,
    principal: Principal,
    follow_up_id: uuid.UUID,
    *,
    status: int = 200,
    problems: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with unit_of_work(read_only=True) as db:
        follow_up = approval.find(db, follow_up_id)
        forum = forums.find(db, follow_up.forum_id)
        is_open = follow_up.state in (FollowUpState.DRAFT, FollowUpState.WAITING)
        preview = make_preview(db, follow_up)
        price = follow_up.part_pence if follow_up.part_pence is not None else preview.part_pence
        found = None if is_open else results.results_of(db, follow_up_id, price)
        current = texts.current_texts(db, follow_up_id)
        earlier = texts.earlier_versions(db, follow_up_id)
        is_second_person = approval.may_approve(db, follow_up, principal.actor)
    shown = {one.language: one for one in preview.languages}
    return page(
        request,
        "follow_up.html",
        principal,
        status_code=status,
        follow_up=follow_up,
        forum=forum,
        is_open=is_open,
        preview=preview,
        shown=shown,
        results=found,
        texts=current,
        earlier=earlier,
        problems=problems or {},
        typed=typed or {},
        missing=[code for code in sorted(LANGUAGES) if code not in shown],
        languages=LANGUAGES,
        limits=get_commission().follow_ups,
        is_quiet=not may_text_at(utc_now()),
        longest=texts.LONGEST,
        may_approve=may(principal, Permission.APPROVE_FOLLOW_UPS),
        is_second_person=is_second_person,
    )
