"""The desk's pages of coding by two people: the rounds, coding view by view, the results, and settling."""

from __future__ import annotations

import secrets
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import codeframes, redactions
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import CandidateTheme, ThemeAssignment, ThemeDecision
from submissions.review import coding_rounds, decisions, reading
from submissions.review.access import Permission, PostedForm, may, require
from submissions.review.coding import EVIDENCE_REASON_LIMIT, CodingChanges, Resolved
from submissions.review.coding_rounds import Item, NewRound, Round, RoundNotFound
from submissions.review.decisions import Changes
from submissions.review.errors import DecisionRefused, NotAllowed, VersionConflict
from submissions.review.reply_pages import field, number
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(prefix="/codeframe/rounds", route_class=DeskRoute, include_in_schema=False)

Coder = Annotated[Principal, Depends(require(Permission.CODE_THEMES))]
Keeper = Annotated[Principal, Depends(require(Permission.MANAGE_CODEFRAME))]

BOTH_AGREED = "Both coders gave the same themes."


@router.get("")
def show_rounds(request: Request, principal: Coder) -> Response:
    return _rounds_page(request, principal)


def _rounds_page(
    request: Request,
    principal: Principal,
    refused: list[str] | None = None,
    typed: dict[str, str] | None = None,
    status_code: int = 422,
) -> Response:
    with unit_of_work(read_only=True) as db:
        values: dict[str, Any] = {
            "rounds": coding_rounds.list_rounds(db),
            "people": coding_rounds.coders(db),
            "standing": codeframes.standing(db),
        }
    return page(
        request,
        "coding_rounds.html",
        principal,
        status_code=status_code if refused else 200,
        refused=refused or [],
        typed=typed or {"seed": str(secrets.randbelow(10_000)), "size": "30"},
        may_manage=may(principal, Permission.MANAGE_CODEFRAME),
        smallest=coding_rounds.SMALLEST,
        largest=coding_rounds.LARGEST,
        **values,
    )


@router.post("")
def start_round(request: Request, principal: Keeper, form: PostedForm) -> Response:
    typed = {name: field(form, name).strip() for name in ("name", "size", "seed", "first", "second")}
    seed = typed["seed"]
    wish = NewRound(
        name=typed["name"],
        size=number(form, "size"),
        seed=int(seed) if seed.isascii() and seed.isdigit() and len(seed) < 11 else -1,
        first_coder=typed["first"],
        second_coder=typed["second"],
    )
    try:
        with unit_of_work() as db:
            made = coding_rounds.start(db, principal, wish)
    except DecisionRefused as refused:
        return _rounds_page(request, principal, refused.problems, typed)
    return redirect(f"/desk/codeframe/rounds/{made.id}")


@router.get("/{round_id}")
def show_round(request: Request, round_id: uuid.UUID, principal: Coder) -> Response:
    return _round_page(request, principal, round_id)


def _round_page(
    request: Request,
    principal: Principal,
    round_id: uuid.UUID,
    refused: list[str] | None = None,
    status_code: int = 422,
) -> Response:
    try:
        with unit_of_work(read_only=True) as db:
            coding_round = coding_rounds.load(db, round_id)
            people = coding_rounds.coders(db)
    except RoundNotFound as missing:
        return _rounds_page(request, principal, missing.problems, status_code=404)
    # Blind: until both have coded everything nobody sees what either said, or how far they agree.
    return page(
        request,
        "coding_round.html",
        principal,
        status_code=status_code if refused else 200,
        refused=refused or [],
        round=coding_round,
        side=coding_round.side_of(principal),
        results=coding_rounds.results(coding_round) if coding_round.is_finished else None,
        theme_names=dict(coding_round.themes),
        people=people,
        may_settle=coding_round.may_settle(principal),
        may_manage=may(principal, Permission.MANAGE_CODEFRAME),
    )


@router.post("/{round_id}/coders")
def replace_coder(request: Request, round_id: uuid.UUID, principal: Keeper, form: PostedForm) -> Response:
    try:
        with unit_of_work() as db:
            coding_rounds.replace_coder(
                db, principal, round_id, is_first=field(form, "side") == "first", to=field(form, "to")
            )
    except DecisionRefused as refused:
        return _round_page(request, principal, round_id, refused.problems)
    return redirect(f"/desk/codeframe/rounds/{round_id}")


@router.get("/{round_id}/code")
def show_coding(request: Request, round_id: uuid.UUID, principal: Coder) -> Response:
    """The view at `item`, or the first that this coder has not coded yet."""
    return _coding_page(request, principal, round_id, request.query_params.get("item", ""))


def _coding_page(
    request: Request,
    principal: Principal,
    round_id: uuid.UUID,
    wanted: str,
    refused: list[str] | None = None,
    chosen: list[str] | None = None,
) -> Response:
    try:
        with unit_of_work(read_only=True) as db:
            coding_round = coding_rounds.load(db, round_id)
            side = coding_round.side_of(principal)
            if side is None:
                raise NotAllowed("a coder of this round")
            left = [item for item in coding_round.counted if item.of(is_first=side) is None]
            item = next((one for one in coding_round.counted if str(one.id) == wanted), None)
            item = item or next(iter(left), None)
            if item is None or not left or not coding_round.is_of_now:
                return redirect(f"/desk/codeframe/rounds/{round_id}")
            values = _words(db, principal, item)
    except RoundNotFound as missing:
        return _rounds_page(request, principal, missing.problems, status_code=404)
    own = item.of(is_first=side)
    place = coding_round.counted.index(item)
    return page(
        request,
        "coding.html",
        principal,
        status_code=422 if refused else 200,
        refused=refused or [],
        round=coding_round,
        item=item,
        place=place + 1,
        before=coding_round.counted[place - 1] if place else None,
        seen=str(own.id) if own else "",
        chosen=chosen if chosen is not None else (own.themes if own else []),
        left=len(left),
        descriptions={theme.key: theme.description for theme in get_commission().themes},
        **values,
    )


def _words(db: Session, principal: Principal, item: Item) -> dict[str, Any]:
    """The view's words alone: no proposal, no decision, nothing that the other coder may have said."""
    submission = reading.find_submission(db, principal, item.reference)
    held = redactions.load(db, [submission.id])
    return {"submission": submission, "parts": reading.parts_of(submission, {}, held)}


@router.post("/{round_id}/code/{item_id}")
def save_coding(
    request: Request, round_id: uuid.UUID, item_id: uuid.UUID, principal: Coder, form: PostedForm
) -> Response:
    chosen = [value for value in (form or {}).get("theme", []) if value]
    try:
        with unit_of_work() as db:
            coding_rounds.save_coding(db, principal, round_id, item_id, chosen, seen=field(form, "seen"))
    except RoundNotFound as missing:
        return _rounds_page(request, principal, missing.problems, status_code=404)
    except DecisionRefused as refused:
        return _coding_page(request, principal, round_id, str(item_id), refused.problems, chosen)
    return redirect(f"/desk/codeframe/rounds/{round_id}/code")


@router.post("/{round_id}/agreed")
def record_agreed(request: Request, round_id: uuid.UUID, principal: Coder) -> Response:
    """Writes as decisions what both coders said alike."""
    problems: list[str] = []
    try:
        with unit_of_work(read_only=True) as db:
            coding_round = coding_rounds.load(db, round_id)
            _must_settle(coding_round, principal)
            agreed = [item for item in coding_round.unsettled if item.is_agreed]
    except DecisionRefused as refused:
        return _round_page(request, principal, round_id, refused.problems)
    for item in agreed:
        assert item.first is not None  # noqa: S101  agreed means coded
        try:
            _settle(principal, item, item.first.themes, BOTH_AGREED, version=None)
        except DecisionRefused as refused:
            problems += [f"{item.reference}: {problem}" for problem in refused.problems]
        except (VersionConflict, NotAllowed):
            problems.append(f"{item.reference}: somebody else is at work on it. Try again later.")
    if problems:
        return _round_page(request, principal, round_id, problems)
    return redirect(f"/desk/codeframe/rounds/{round_id}")


@router.get("/{round_id}/settle/{item_id}")
def show_settling(request: Request, round_id: uuid.UUID, item_id: uuid.UUID, principal: Coder) -> Response:
    return _settling_page(request, principal, round_id, item_id)


def _settling_page(
    request: Request,
    principal: Principal,
    round_id: uuid.UUID,
    item_id: uuid.UUID,
    refused: list[str] | None = None,
    typed: dict[str, list[str]] | None = None,
    status_code: int = 422,
) -> Response:
    try:
        with unit_of_work(read_only=True) as db:
            coding_round = coding_rounds.load(db, round_id)
            _must_settle(coding_round, principal)
            item = _item(coding_round, item_id)
            values = _words(db, principal, item)
    except DecisionRefused as problem:
        return _round_page(request, principal, round_id, problem.problems)
    alike = set(item.first.themes) & set(item.second.themes) if item.first and item.second else set()
    return page(
        request,
        "coding_settle.html",
        principal,
        status_code=status_code if refused else 200,
        refused=refused or [],
        round=coding_round,
        item=item,
        theme_names=dict(coding_round.themes),
        chosen=(typed or {}).get("theme", []) if typed is not None else sorted(alike),
        reason=((typed or {}).get("reason") or [""])[0],
        limit=EVIDENCE_REASON_LIMIT,
        **values,
    )


@router.post("/{round_id}/settle/{item_id}")
def settle(
    request: Request, round_id: uuid.UUID, item_id: uuid.UUID, principal: Coder, form: PostedForm
) -> Response:
    chosen = [value for value in (form or {}).get("theme", []) if value]
    try:
        with unit_of_work(read_only=True) as db:
            coding_round = coding_rounds.load(db, round_id)
        _must_settle(coding_round, principal)
        item = _item(coding_round, item_id)
        if not chosen:
            raise DecisionRefused(["Choose at least one theme."])
        if not set(chosen) <= {key for key, _ in coding_round.themes}:
            raise DecisionRefused(["Choose themes from the list."])
        _settle(principal, item, chosen, field(form, "reason"), version=number(form, "version"))
    except DecisionRefused as refused:
        return _settling_page(request, principal, round_id, item_id, refused.problems, form)
    except VersionConflict as conflict:
        problem = (
            f"Somebody else changed {conflict.reference} while you were reading it. Look again, then save."
        )
        return _settling_page(request, principal, round_id, item_id, [problem], form, 409)
    return redirect(f"/desk/codeframe/rounds/{round_id}#differing")


def _must_settle(coding_round: Round, principal: Principal) -> None:
    if not coding_round.may_settle(principal):
        raise DecisionRefused(["The two coders, or a manager, settle where they differ."])
    if not coding_round.is_finished:
        raise DecisionRefused(["Both coders must have coded everything first."])
    if not coding_round.is_of_now:
        raise DecisionRefused(["The codeframe has changed since the round began. Start a new round."])


def _item(coding_round: Round, item_id: uuid.UUID) -> Item:
    item = next((one for one in coding_round.counted if one.id == item_id), None)
    if item is None:
        raise DecisionRefused(["The resident has taken this view back meanwhile."])
    return item


def _settle(principal: Principal, item: Item, themes: list[str], reason: str, *, version: int | None) -> None:
    """Writes the themes as decisions: accepted, and refused for what a machine proposed or a person decided
    otherwise. `version` is what was read; None takes the view as it is now.
    """
    with unit_of_work(read_only=True) as db:
        known = set(
            db.scalars(
                select(CandidateTheme.theme_key).where(CandidateTheme.submission_id == item.submission_id)
            )
        ) | set(
            db.scalars(
                select(ThemeAssignment.theme_key).where(ThemeAssignment.submission_id == item.submission_id)
            )
        )
        now = reading.find_submission(db, principal, item.reference).version
        in_force = set(get_commission().theme_keys)
    changes: dict[str, ThemeDecision | None] = dict.fromkeys(themes, ThemeDecision.ACCEPTED)
    for key in known - set(themes):
        # What is in the codeframe no more can only be taken off.
        changes[key] = ThemeDecision.REFUSED if key in in_force else None
    decisions.apply_changes(
        principal,
        item.reference,
        now if version is None else version,
        Changes(themes=changes, coding=CodingChanges(resolved=Resolved(item.id, themes, reason))),
    )
