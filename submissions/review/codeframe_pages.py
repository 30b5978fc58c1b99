"""The desk's pages of the codeframe: versions, signing off, and coding again."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import select

from submissions import codeframes
from submissions.codeframes import CodeframeRefused
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import Recoding, Reviewer, Submission, ThemeDecision
from submissions.review import blind_coding, coding_rounds, decisions
from submissions.review.access import Permission, PostedForm, may, require
from submissions.review.coding import CodingChanges, marks_of
from submissions.review.decisions import Changes
from submissions.review.errors import DecisionRefused, VersionConflict
from submissions.review.reply_pages import field, number
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(prefix="/codeframe", route_class=DeskRoute, include_in_schema=False)

Coder = Annotated[Principal, Depends(require(Permission.CODE_THEMES))]
Keeper = Annotated[Principal, Depends(require(Permission.MANAGE_CODEFRAME))]

KEPT, MOVED, REMOVED = "kept", "moved", "removed"


@router.get("")
def show_codeframe(request: Request, principal: Coder) -> Response:
    return _codeframe_page(request, principal)


def _codeframe_page(request: Request, principal: Principal, refused: list[str] | None = None) -> Response:
    with unit_of_work(read_only=True) as db:
        names = dict(db.execute(select(Reviewer.id, Reviewer.display_name)).all())
        values: dict[str, Any] = {
            "standing": codeframes.standing(db),
            "versions": [
                (row, names.get(row.signed_off_by_id) if row.signed_off_by_id else None)
                for row in codeframes.signed_versions(db)
            ],
            "progress": codeframes.recoding(db, limit=1)[1],
            "code_names": codeframes.sub_code_names(db),
            "to_code": coding_rounds.count_to_code(db, principal),
        }
    return page(
        request,
        "codeframe.html",
        principal,
        status_code=422 if refused else 200,
        refused=refused or [],
        may_manage=may(principal, Permission.MANAGE_CODEFRAME),
        limit=codeframes.REASON_LIMIT,
        **values,
    )


@router.post("/sign-off")
def sign_off(request: Request, principal: Keeper, form: PostedForm) -> Response:
    try:
        sha256 = bytes.fromhex(field(form, "sha256"))
    except ValueError:
        sha256 = b""
    try:
        with unit_of_work() as db:
            codeframes.sign_off(
                db,
                sha256=sha256,
                reason=field(form, "reason"),
                actor=principal.actor,
                reviewer_id=principal.reviewer_id,
            )
    except CodeframeRefused as refused:
        return _codeframe_page(request, principal, [refused.reason])
    return redirect("/desk/codeframe")


@router.get("/recoding")
def show_recoding(request: Request, principal: Coder) -> Response:
    return _recoding_page(request, principal)


def _recoding_page(
    request: Request, principal: Principal, refused: list[str] | None = None, status_code: int = 422
) -> Response:
    with unit_of_work(read_only=True) as db:
        items, progress = codeframes.recoding(db)
        hidden = blind_coding.views(db, principal)
        names = codeframes.sub_code_names(db)
        theme_names = {
            theme["key"]: theme["name"]
            for row in reversed(codeframes.signed_versions(db))
            for theme in row.themes
        }
    return page(
        request,
        "recoding.html",
        principal,
        status_code=status_code if refused else 200,
        refused=refused or [],
        items=[one for one in items if one.item.submission_id not in hidden],
        progress=progress,
        code_names=names,
        theme_names=theme_names,
        themes=get_commission().themes,
    )


@router.post("/recoding/{item_id}")
def recode(request: Request, item_id: uuid.UUID, principal: Coder, form: PostedForm) -> Response:
    with unit_of_work(read_only=True) as db:
        found = db.execute(
            select(Recoding, Submission.reference)
            .join(Submission, Submission.id == Recoding.submission_id)
            .where(Recoding.id == item_id)
        ).one_or_none()
    if found is None:
        return _recoding_page(request, principal, ["The resident has taken this view back meanwhile."])
    item, reference = found
    try:
        changes = _recoding_changes(item, field(form, "outcome"))
        decisions.apply_changes(principal, reference or "", number(form, "version"), changes)
    except DecisionRefused as refused:
        return _recoding_page(request, principal, refused.problems)
    except VersionConflict:
        return _recoding_page(
            request,
            principal,
            [f"Somebody else changed {reference} while you were reading it. Look at it again, then choose."],
            409,
        )
    return redirect("/desk/codeframe/recoding")


def _recoding_changes(item: Recoding, chosen: str) -> Changes:
    """What a person's choice means: "keep", "remove", or "to:<theme>" or "to:<code>"."""
    key, code = item.theme_key, item.code
    action, _, target = chosen.partition(":")
    themes: dict[str, ThemeDecision | None] = {}
    sub_codes: dict[str, list[str]] = {}
    if action == "keep" and not item.is_gone:
        return Changes(
            coding=CodingChanges(
                recoded=(item.id, KEPT),
                confirmed_themes=[] if code else [key],
                confirmed_codes=[(key, code)] if code else [],
            )
        )
    if action == "to" and target and target != (code or key):
        outcome = MOVED
    elif action == "remove":
        outcome = REMOVED
    else:
        raise DecisionRefused(["Choose what becomes of it."])
    if not code:
        themes[key] = None
        if outcome == MOVED:
            themes[target] = ThemeDecision.ACCEPTED
        return Changes(themes=themes, coding=CodingChanges(recoded=(item.id, outcome)))
    with unit_of_work(read_only=True) as db:
        marks = marks_of(db, [item.submission_id])[item.submission_id].sub_codes
    kept = [one for one in marks.get(key, []) if one != code]
    sub_codes[key] = [*kept, target] if outcome == MOVED else kept
    return Changes(coding=CodingChanges(sub_codes=sub_codes, recoded=(item.id, outcome)))
