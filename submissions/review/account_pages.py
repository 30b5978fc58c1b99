"""One's own account (where one is signed in), and the administrator's pages of accounts and API tokens."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import audit
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import Reviewer, Role, utc_now
from submissions.review import accounts, second_factor, sessions
from submissions.review import managing_accounts as managing
from submissions.review.access import Permission, PostedForm, require, signed_in
from submissions.review.errors import AccountError, AccountNotFound
from submissions.review.managing_accounts import Scope
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect
from translations.languages import LANGUAGES

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

Owner = Annotated[Principal, Depends(signed_in)]
Manager = Annotated[Principal, Depends(require(Permission.MANAGE_ACCOUNTS))]

ROLES: dict[str, tuple[str, str]] = {
    Role.VIEWER: ("Viewer", "reads views, briefings and figures"),
    Role.COMMISSION_MEMBER: ("Commission member", "reads the briefings of their themes, nothing else"),
    Role.TRANSLATOR: ("Translator", "reads and corrects views in their languages"),
    Role.REVIEWER: ("Reviewer", "reads, decides, answers and exports"),
    Role.SAFEGUARDING_LEAD: ("Safeguarding lead", "a reviewer who always acts on urgent views"),
    Role.MANAGER: ("Manager", "a reviewer who also approves follow-ups, publishes and reads the audit"),
    Role.ADMIN: ("Administrator", "everything, accounts too"),
}


def _field(form: dict[str, list[str]] | None, name: str) -> str:
    return ((form or {}).get(name) or [""])[0]


def _scope(form: dict[str, list[str]] | None) -> Scope:
    given = form or {}
    return Scope(_field(form, "role"), given.get("themes", []), given.get("languages", []))


@router.get("/account")
def show_own_account(request: Request, principal: Owner) -> Response:
    assert principal.reviewer_id is not None  # noqa: S101  a session has an owner
    with unit_of_work(read_only=True) as db:
        account = db.get_one(Reviewer, principal.reviewer_id)
        open_sessions = sessions.sessions_of(db, principal.reviewer_id)
        codes_left = second_factor.recovery_codes_left(db, principal.reviewer_id)
    return page(
        request,
        "account.html",
        principal,
        account=account,
        sessions=open_sessions,
        codes_left=codes_left,
        roles=ROLES,
    )


@router.post("/account/sessions/{session_id}/end")
def end_session(session_id: uuid.UUID, principal: Owner) -> Response:
    assert principal.reviewer_id is not None  # noqa: S101
    with unit_of_work() as db:
        if not sessions.end_own_session(db, principal.reviewer_id, session_id):
            raise AccountNotFound
        audit.record(db, principal.actor, "reviewer.session_ended", "reviewer", principal.reviewer_id)
    return redirect("/desk/account")


@router.post("/account/sign-out-everywhere")
def sign_out_everywhere(request: Request, principal: Owner) -> Response:
    assert principal.reviewer_id is not None  # noqa: S101
    with unit_of_work() as db:
        sessions.end_all_sessions(db, principal.reviewer_id)
        audit.record(db, principal.actor, "reviewer.signed_out_everywhere", "reviewer", principal.reviewer_id)
    response = redirect("/desk/sign-in")
    response.delete_cookie(sessions.cookie_name(request), path="/desk")
    return response


@router.get("/accounts")
def show_accounts(request: Request, principal: Manager) -> Response:
    with unit_of_work(read_only=True) as db:
        found = managing.people(db)
    return page(request, "accounts.html", principal, people=found, roles=ROLES)


def _form_page(
    request: Request,
    principal: Principal,
    *,
    person: Reviewer | None,
    typed: dict[str, list[str]] | None = None,
    problem: str = "",
    one_time_password: str = "",
) -> Response:
    """The form of an account, `person` None for a new one; `typed` is what was refused."""
    chosen: dict[str, Any] = {
        "username": _field(typed, "username") if typed else person.username if person else "",
        "name": _field(typed, "name") if typed else person.display_name if person else "",
        "role": _field(typed, "role") if typed else person.role if person else Role.REVIEWER,
        "themes": (typed.get("themes", []) if typed else person.themes if person else []),
        "languages": (typed.get("languages", []) if typed else person.languages if person else []),
    }
    return page(
        request,
        "account_form.html",
        principal,
        status_code=422 if problem else 200,
        person=person,
        chosen=chosen,
        problem=problem,
        one_time_password=one_time_password,
        roles=ROLES,
        themes=get_commission().themes,
        languages=sorted(LANGUAGES.values(), key=lambda language: language.english_name),
    )


@router.get("/accounts/new")
def show_new_account(request: Request, principal: Manager) -> Response:
    return _form_page(request, principal, person=None)


@router.post("/accounts/new")
def add_account(request: Request, principal: Manager, form: PostedForm) -> Response:
    username = _field(form, "username")
    try:
        password = managing.add_person(principal, username, _field(form, "name"), _scope(form))
    except AccountError as error:
        return _form_page(request, principal, person=None, typed=form, problem=error.reason)
    with unit_of_work(read_only=True) as db:
        person = accounts.find_by_username(db, username)
    return _form_page(request, principal, person=person, one_time_password=password)


def _find(reviewer_id: uuid.UUID) -> Reviewer:
    with unit_of_work(read_only=True) as db:
        return managing.find_person(db, reviewer_id)


@router.get("/accounts/{reviewer_id}")
def show_account(request: Request, reviewer_id: uuid.UUID, principal: Manager) -> Response:
    return _form_page(request, principal, person=_find(reviewer_id))


@router.post("/accounts/{reviewer_id}")
def change_account(
    request: Request, reviewer_id: uuid.UUID, principal: Manager, form: PostedForm
) -> Response:
    """`do`: "change" name and role, "disable", "enable", "password" or "second-factor" to reset it."""
    person, what = _find(reviewer_id), _field(form, "do")
    try:
        if what == "password":
            password = managing.reset_password(principal, reviewer_id)
            return _form_page(request, principal, person=person, one_time_password=password)
        if what == "second-factor":
            managing.reset_second_factor(principal, reviewer_id)
        elif what == "disable":
            managing.disable(principal, reviewer_id)
        elif what == "enable":
            managing.enable(principal, reviewer_id)
        elif what == "change":
            managing.change_person(principal, reviewer_id, _field(form, "name"), _scope(form))
        else:
            raise AccountError("Choose what to do")
    except AccountError as error:
        typed = form if what == "change" else None
        return _form_page(request, principal, person=person, typed=typed, problem=error.reason)
    return redirect("/desk/accounts")


def _tokens_page(
    request: Request,
    principal: Principal,
    *,
    typed: dict[str, list[str]] | None = None,
    problem: str = "",
    new_token: str = "",
) -> Response:
    with unit_of_work(read_only=True) as db:
        found = managing.tokens(db)
    return page(
        request,
        "api_tokens.html",
        principal,
        status_code=422 if problem else 200,
        tokens=found,
        now=utc_now(),
        typed=typed or {},
        problem=problem,
        new_token=new_token,
        roles=ROLES,
        themes=get_commission().themes,
        languages=sorted(LANGUAGES.values(), key=lambda language: language.english_name),
    )


@router.get("/api-tokens")
def show_tokens(request: Request, principal: Manager) -> Response:
    return _tokens_page(request, principal)


@router.post("/api-tokens")
def add_token(request: Request, principal: Manager, form: PostedForm) -> Response:
    days = _field(form, "days").strip()
    try:
        number = int(days) if days.isascii() and days.isdecimal() and len(days) < 5 else 0
        token = managing.add_token(principal, _field(form, "name"), number, _scope(form))
    except AccountError as error:
        return _tokens_page(request, principal, typed=form, problem=error.reason)
    return _tokens_page(request, principal, new_token=token)


@router.post("/api-tokens/{token_id}/revoke")
def revoke_token(token_id: uuid.UUID, principal: Manager) -> Response:
    managing.revoke_token(principal, token_id)
    return redirect("/desk/api-tokens")
