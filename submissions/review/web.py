"""What every page of the desk shares: templates, security headers, the answers to errors, static files."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, select_autoescape

from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.demo.loading import is_loaded as is_demonstration_loaded
from submissions.errors import ExportNotFound, PdfNotAvailable, SubmissionNotFound
from submissions.review import safeguarding, words
from submissions.review.access import Permission, home_of, may
from submissions.review.errors import (
    AccountNotFound,
    FormNotGenuine,
    FormTooLarge,
    NotAllowed,
    NotSignedIn,
    PasswordChangeDue,
    SecondFactorDue,
)
from submissions.review.menu import Menu, menu_of
from submissions.review.queue import CursorNotValid
from submissions.review.sessions import Principal

logger = logging.getLogger(__name__)
_FOLDER = Path(__file__).resolve().parent

# No script, style, font or picture from elsewhere, nothing inline, no frame around us.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
STATIC_FILES = {
    path.name: path for path in sorted((_FOLDER / "static").iterdir()) if path.suffix in STATIC_TYPES
}


@cache
def _version_of(name: str) -> str:
    return hashlib.sha256(STATIC_FILES[name].read_bytes()).hexdigest()[:12]


def static_url(name: str) -> str:
    """The address of a file of `static/`, with its content's hash: a new one is never taken for the old."""
    return f"/desk/static/{name}?v={_version_of(name)}"


def _menu(principal: Principal, path: str) -> Menu:
    """The menu, without the safeguarding page for whoever leaves urgent views to the named lead."""
    if not may(principal, Permission.HANDLE_SAFEGUARDING):
        return menu_of(principal, path)
    with unit_of_work(read_only=True) as db:
        handles_urgent = safeguarding.may_handle(db, principal)
    return menu_of(principal, path, handles_urgent=handles_urgent)


def _make_environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("submissions.review"),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        static_url=static_url,
        may=may,
        home_of=home_of,
        menu_of=_menu,
        get_commission=get_commission,
        is_demonstration_loaded=is_demonstration_loaded,
        channels=words.CHANNELS,
        status_tags=words.STATUS_TAGS,
        follow_up_tags=words.FOLLOW_UP_TAGS,
        translation_tags=words.TRANSLATION_TAGS,
    )
    environment.filters.update(
        language_name=words.language_name,
        direction=words.direction,
        local_time=words.local_time,
        short_time=words.short_time,
        waiting_time=words.waiting_time,
        lasting=words.lasting,
        percent=words.percent,
        status_words=words.status_words,
        flag_words=words.flag_words,
        action_words=words.action_words,
        actor_words=words.actor_words,
    )
    return environment


_environment = _make_environment()


def page(
    request: Request, template: str, principal: Principal | None = None, status_code: int = 200, **values: Any
) -> HTMLResponse:
    """A page of the desk. Every value is escaped by the templates; none may be marked safe."""
    html = _environment.get_template(template).render(
        principal=principal, path=request.url.path, commission=get_commission(), **values
    )
    return HTMLResponse(html, status_code=status_code)


def redirect(url: str) -> RedirectResponse:
    """ "See other": what was posted is not posted again on reload."""
    return RedirectResponse(url, status_code=303)


def safe_next(address: str) -> str:
    """Where to go after signing in: a page of the desk, never another site."""
    # One slash, no backslash, no control character: browsers take "//evil" and "/\evil" for other sites.
    return address if re.fullmatch(r"/desk(?:[/?][\x21-\x5b\x5d-\x7e]*)?", address) else "/desk"


class DeskRoute(APIRoute):
    """A page of the desk: it has the security headers, and its errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_with_care(request: Request) -> Response:
            try:
                response = await handle(request)
            except (
                NotSignedIn,
                PasswordChangeDue,
                SecondFactorDue,
                NotAllowed,
                AccountNotFound,
                FormNotGenuine,
                FormTooLarge,
                SubmissionNotFound,
                ExportNotFound,
                PdfNotAvailable,
                CursorNotValid,
            ) as error:
                response = _answer(request, error)
            for name, value in SECURITY_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle_with_care


def _answer(request: Request, error: Exception) -> Response:
    if isinstance(error, NotSignedIn):
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        target = "/desk/sign-in?next=" + quote(here if request.method == "GET" else "/desk", safe="")
        return redirect(target + ("&ended=1" if error.had_session else ""))
    if isinstance(error, PasswordChangeDue):
        return redirect("/desk/password")
    if isinstance(error, SecondFactorDue):
        return redirect("/desk/second-factor")
    status, title, text = _explain(error)
    logger.info("desk answered %s for %s", status, type(error).__name__)
    return page(request, "error.html", status_code=status, title=title, text=text)


def _explain(error: Exception) -> tuple[int, str, str]:
    if isinstance(error, NotAllowed):
        return (
            403,
            "You may not do this",
            "Your role does not allow it. An administrator can change your role.",
        )
    if isinstance(error, FormNotGenuine):
        return (
            403,
            "This form has expired",
            "Nothing was changed. Go back, reload the page and try again. You may have signed in again since "
            "you opened it.",
        )
    if isinstance(error, FormTooLarge):
        return 413, "That is too much text", "Nothing was changed. Shorten the text and try again."
    if isinstance(error, AccountNotFound):
        return 404, "There is no such account", "It may have ended meanwhile."
    if isinstance(error, SubmissionNotFound):
        return 404, "There is no such submission", "Check the reference. It looks like OW-7K3M-92QF."
    if isinstance(error, ExportNotFound):
        return 404, "There is no such file", "It is not ready, or its day is over. Ask for it again."
    if isinstance(error, PdfNotAvailable):
        return 503, "There is no PDF here", f"{error}. The DOCX can be had."
    return 400, "This address is not complete", "Start again from the list of submissions."


def static_file(name: str) -> Response:
    """A file of `static/`, or 404."""
    path = STATIC_FILES.get(name)
    if path is None:
        return Response(status_code=404)
    return FileResponse(
        path,
        media_type=STATIC_TYPES[path.suffix],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
