"""The way to the council's own sign-in and back."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from submissions.errors import SubmissionNotFound
from submissions.review import openid, sessions
from submissions.review.access import public_route
from submissions.review.errors import ProviderRefused, ProviderUnavailable
from submissions.review.sign_in_pages import set_session_cookie, set_step_cookie, step_cookie
from submissions.review.web import DeskRoute, page, redirect, safe_next
from submissions.settings import StoreSettings

router = APIRouter(route_class=DeskRoute)
logger = logging.getLogger(__name__)


def _settings() -> StoreSettings:
    settings = sessions.sign_in_settings()
    if not settings.oidc_issuer:
        raise SubmissionNotFound("provider")
    return settings


def _return_address(request: Request) -> str:
    """Where the provider sends the browser back to; it is known there, so a forged host leads nowhere."""
    public_url = str(getattr(request.app.state, "public_url", "")).strip().rstrip("/")
    return (public_url or str(request.base_url).rstrip("/")) + "/desk/sign-in/provider/return"


@router.get("/sign-in/provider", dependencies=[Depends(public_route)])
def go_to_provider(request: Request) -> Response:
    next_page = safe_next(request.query_params.get("next", ""))
    try:
        address, token = openid.begin(_settings(), _return_address(request), next_page)
    except ProviderUnavailable as error:
        return _not_now(request, error)
    response = RedirectResponse(address, status_code=303)
    set_step_cookie(request, response, token)
    return response


@router.get("/sign-in/provider/return", dependencies=[Depends(public_route)])
def come_back(request: Request) -> Response:
    settings = _settings()
    token = request.cookies.get(step_cookie(request), "")
    try:
        answer = dict(request.query_params)
        entered = openid.finish(settings, token, answer, browser=sessions.browser_of(request))
    except ProviderRefused as error:
        return page(
            request,
            "provider_refused.html",
            status_code=403,
            title="You are not signed in",
            text=f"{error.reason}.",
        )
    except ProviderUnavailable as error:
        return _not_now(request, error)
    response = redirect(safe_next(entered.next_page))
    set_session_cookie(request, response, entered.session_token)
    response.delete_cookie(step_cookie(request), path="/desk/sign-in")
    return response


def _not_now(request: Request, error: ProviderUnavailable) -> Response:
    logger.warning("sign-in by the provider failed: %s", error)
    text = "The council's own sign-in does not answer. Try again in a few minutes."
    return page(
        request, "provider_refused.html", status_code=503, title="You cannot sign in that way now", text=text
    )
