"""Pages of the second factor: the code that a sign-in asks for, and setting up the authenticator app."""

from __future__ import annotations

import hmac
import io
import secrets
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.models import Reviewer
from submissions.review import passwords, second_factor, sessions
from submissions.review.access import PostedForm, public_route, signed_in_second_factor_may_be_due
from submissions.review.errors import AccountError, FormNotGenuine
from submissions.review.second_factor import StepOver
from submissions.review.sessions import Principal
from submissions.review.sign_in_pages import set_session_cookie, step_cookie
from submissions.review.web import DeskRoute, page, redirect, safe_next

router = APIRouter(route_class=DeskRoute)

Owner = Annotated[Principal, Depends(signed_in_second_factor_may_be_due)]
THROTTLED = "There were too many tries. Wait 15 minutes and try again"


def _field(form: dict[str, list[str]] | None, name: str) -> str:
    return ((form or {}).get(name) or [""])[0][:200]


def _code_cookie(request: Request) -> str:
    return f"{sessions.cookie_name(request)}_code"


def _code_page(request: Request, next_page: str, problem: str = "", status: int = 200) -> Response:
    form_token = secrets.token_urlsafe(32)
    response = page(
        request,
        "sign_in_code.html",
        status_code=status,
        form_token=form_token,
        problem=problem,
        next_page=safe_next(next_page),
    )
    # As on the first page: another site cannot read it, so the form is ours.
    response.set_cookie(
        _code_cookie(request),
        form_token,
        path="/desk/sign-in",
        httponly=True,
        samesite="strict",
        secure=sessions.is_https(request),
        max_age=int(sessions.STEP_LIMIT.total_seconds()),
    )
    return response


@router.get("/sign-in/code", dependencies=[Depends(public_route)])
def show_code_form(request: Request) -> Response:
    if not request.cookies.get(step_cookie(request)):
        return redirect("/desk/sign-in")
    return _code_page(request, request.query_params.get("next", ""))


@router.post("/sign-in/code", dependencies=[Depends(public_route)])
def give_code(request: Request, form: PostedForm) -> Response:
    cookie = request.cookies.get(_code_cookie(request), "")
    if not cookie or not hmac.compare_digest(cookie.encode(), _field(form, "form_token").encode()):
        raise FormNotGenuine
    token, next_page = request.cookies.get(step_cookie(request), ""), _field(form, "next")
    with unit_of_work(read_only=True) as db:
        step = sessions.find_step(db, "code", token)
        person = str(step.reviewer_id) if step else ""
    if step is not None and passwords.is_code_throttled(person):
        return _code_page(request, next_page, THROTTLED, status=429)
    try:
        browser = sessions.browser_of(request)
        session_token = second_factor.finish_sign_in(token, _field(form, "code"), browser=browser)
    except StepOver:
        return redirect("/desk/sign-in?late=1")
    if session_token is None:
        return _code_page(request, next_page, second_factor.NOT_RIGHT, status=401)
    passwords.forget_code_guesses(person)
    response = redirect(safe_next(next_page))
    set_session_cookie(request, response, session_token)
    for name in (step_cookie(request), _code_cookie(request)):
        response.delete_cookie(name, path="/desk/sign-in")
    return response


def _reviewer(principal: Principal) -> Reviewer:
    with unit_of_work(read_only=True) as db:
        return db.get_one(Reviewer, principal.reviewer_id)


def _page(request: Request, principal: Principal, problem: str = "", status: int = 200) -> Response:
    values: dict[str, Any] = {"secret": "", "codes_left": 0}
    if _reviewer(principal).totp_confirmed_at is None:
        assert principal.reviewer_id is not None  # noqa: S101  a session has an owner
        secret = second_factor.pending_secret(principal.reviewer_id)
        values["secret"] = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    else:
        with unit_of_work(read_only=True) as db:
            assert principal.reviewer_id is not None  # noqa: S101
            values["codes_left"] = second_factor.recovery_codes_left(db, principal.reviewer_id)
    return page(
        request, "second_factor.html", principal, status_code=status, problem=problem, codes=[], **values
    )


@router.get("/second-factor")
def show_second_factor(request: Request, principal: Owner) -> Response:
    return _page(request, principal)


@router.get("/second-factor/qr.svg")
def show_qr(principal: Owner) -> Response:
    """The QR code for the app, while it is not confirmed; never kept by the browser."""
    if principal.reviewer_id is None or _reviewer(principal).totp_confirmed_at is not None:
        raise SubmissionNotFound("qr")
    secret = second_factor.pending_secret(principal.reviewer_id)
    picture = io.BytesIO()
    code = segno.make(second_factor.address_for_app(secret, principal.username), error="m")
    code.save(picture, kind="svg", scale=5, border=4, light="#fff", xmldecl=False)
    return Response(picture.getvalue(), media_type="image/svg+xml")


@router.post("/second-factor")
def change_second_factor(request: Request, principal: Owner, form: PostedForm) -> Response:
    """`do`: "confirm" a new app, "renew" the recovery codes, "remove" the app; each with a code."""
    if passwords.is_code_throttled(str(principal.reviewer_id)):
        return _page(request, principal, THROTTLED, status=429)
    code, what = _field(form, "code"), _field(form, "do")
    try:
        if what == "remove":
            second_factor.remove(principal, code)
            codes = []
        elif what == "renew":
            codes = second_factor.renew_recovery_codes(principal, code)
        else:
            codes = second_factor.confirm(principal, code)
    except AccountError as error:
        return _page(request, principal, error.reason, status=422)
    passwords.forget_code_guesses(str(principal.reviewer_id))
    if not codes:
        return redirect("/desk/second-factor")
    return page(request, "second_factor.html", principal, problem="", codes=codes, secret="", codes_left=0)
