"""The door of the desk: signing in and out, and choosing a password."""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import audit
from submissions.database import unit_of_work
from submissions.review import accounts, passwords, sessions
from submissions.review.access import PostedForm, home_of, public_route, signed_in_password_may_be_due
from submissions.review.errors import AccountError, FormNotGenuine, NotSignedIn
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect, safe_next

router = APIRouter(route_class=DeskRoute)

SignedIn = Annotated[Principal, Depends(signed_in_password_may_be_due)]
# The same words whether the username or the password was wrong.
WRONG = "The username or the password is not right"
THROTTLED = "There were too many tries to sign in. Wait 15 minutes and try again"


def _form_cookie(request: Request) -> str:
    return f"{sessions.cookie_name(request)}_form"


@router.get("/sign-in", dependencies=[Depends(public_route)])
def show_sign_in(request: Request) -> Response:
    try:
        principal = sessions.current_principal(request)
        return redirect(home_of(principal))
    except NotSignedIn:
        return _sign_in_page(request)


def _sign_in_page(
    request: Request,
    *,
    problem: str | None = None,
    username: str = "",
    next_page: str = "",
    status: int = 200,
) -> Response:
    # Before there is a session, a cookie that another site cannot read proves that the form is ours.
    form_token = request.cookies.get(_form_cookie(request), "")
    if len(form_token) < 32:
        form_token = secrets.token_urlsafe(32)
    response = page(
        request,
        "sign_in.html",
        status_code=status,
        form_token=form_token,
        problem=problem,
        username=username,
        next_page=safe_next(next_page or request.query_params.get("next", "")),
        is_late="late" in request.query_params,
        has_ended="ended" in request.query_params,
        has_reviewer=accounts.has_reviewer(),
        provider=sessions.sign_in_settings().oidc_name if sessions.sign_in_settings().oidc_issuer else "",
    )
    response.set_cookie(
        _form_cookie(request),
        form_token,
        path="/desk",
        httponly=True,
        samesite="strict",
        secure=sessions.is_https(request),
        max_age=3600,
    )
    return response


@router.post("/sign-in", dependencies=[Depends(public_route)])
def sign_in(request: Request, form: PostedForm) -> Response:
    fields = {name: values[0] for name, values in (form or {}).items()}
    cookie = request.cookies.get(_form_cookie(request), "")
    if not cookie or not hmac.compare_digest(cookie.encode(), fields.get("form_token", "").encode()):
        raise FormNotGenuine
    username, password = fields.get("username", ""), fields.get("password", "")
    next_page = fields.get("next", "")
    address = request.client.host if request.client else ""
    if passwords.is_throttled(username.strip(), address):
        return _sign_in_page(request, problem=THROTTLED, username=username, next_page=next_page, status=429)
    try:
        old_session = sessions.current_principal(request).session_id
    except NotSignedIn:
        old_session = None
    browser = sessions.browser_of(request)
    outcome = accounts.sign_in(username, password, replacing=old_session, browser=browser)
    if outcome is None:
        return _sign_in_page(request, problem=WRONG, username=username, next_page=next_page, status=401)
    passwords.forget_guesses(username.strip())
    if isinstance(outcome, accounts.CodeDue):
        query = f"?next={quote(safe_next(next_page), safe='')}"
        response = redirect(f"/desk/sign-in/code{query}")
        set_step_cookie(request, response, outcome.step_token)
        return response
    response = redirect("/desk/password" if outcome.must_change_password else safe_next(next_page))
    set_session_cookie(request, response, outcome.session_token)
    response.delete_cookie(_form_cookie(request), path="/desk")
    return response


def step_cookie(request: Request) -> str:
    return f"{sessions.cookie_name(request)}_step"


def set_step_cookie(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        step_cookie(request),
        token,
        path="/desk/sign-in",
        httponly=True,
        samesite="lax",  # strict would not come back from the council's own sign-in
        secure=sessions.is_https(request),
        max_age=int(sessions.STEP_LIMIT.total_seconds()),
    )


def set_session_cookie(request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        sessions.cookie_name(request),
        token,
        path="/desk",
        httponly=True,
        samesite="lax",
        secure=sessions.is_https(request),
        max_age=int(sessions.ABSOLUTE_LIMIT.total_seconds()),
    )


@router.post("/sign-out")
def sign_out(request: Request, principal: SignedIn) -> Response:
    with unit_of_work() as db:
        if principal.session_id is not None:
            sessions.end_session(db, principal.session_id)
        audit.record(db, principal.actor, "reviewer.signed_out", "reviewer", principal.reviewer_id or "")
    response = redirect("/desk/sign-in")
    response.delete_cookie(sessions.cookie_name(request), path="/desk")
    return response


@router.get("/password")
def show_password_form(request: Request, principal: SignedIn) -> Response:
    return page(request, "password.html", principal, problem=None)


@router.post("/password")
def change_password(request: Request, principal: SignedIn, form: PostedForm) -> Response:
    fields = {name: values[0] for name, values in (form or {}).items()}
    address = request.client.host if request.client else ""
    if passwords.is_throttled(principal.username, address):
        return page(request, "password.html", principal, status_code=429, problem=THROTTLED)
    try:
        token = accounts.change_password(
            principal,
            fields.get("current", ""),
            fields.get("new", ""),
            fields.get("repeated", ""),
            browser=sessions.browser_of(request),
        )
    except AccountError as error:
        return page(request, "password.html", principal, status_code=422, problem=error.reason)
    passwords.forget_guesses(principal.username)
    response = redirect("/desk")
    set_session_cookie(request, response, token)
    return response
