"""Errors turned into answers, and headers every answer carries, in one place for all resident pages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from jinja2 import Environment, FileSystemLoader
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from channels.errors import (
    BotUnavailable,
    MessageTooLong,
    NotFromTwilio,
    NotSignedIn,
    ResidentInputError,
    TooManyRequests,
    WrongToken,
)
from channels.ui_words import best_language, ui_words
from channels.wording import wording
from submissions.commission import get_commission
from submissions.errors import ConversationNotFound, DatabaseUnavailable
from submissions.models import Channel

logger = logging.getLogger(__name__)

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).resolve().parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
DATABASE_RETRY_SECONDS = 5

# Nothing from elsewhere, nothing inline; `blob:` is the recording a resident has just made. The desk sets a
# stricter one of its own.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "media-src blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
SECURITY_HEADERS = {
    b"content-security-policy": CONTENT_SECURITY_POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(self)",
}
# The council's own pages embed the chat: they may load it and call it. It is called with a bearer token and
# never with cookies, so another site gains nothing by it.
CORS_PATHS = ("/chat/", "/widget.js", "/static/")
CORS_HEADERS = {
    b"access-control-allow-origin": b"*",
    b"access-control-expose-headers": b"Retry-After",
    b"cross-origin-resource-policy": b"cross-origin",
}
CORS_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID, Cache-Control",
    "Access-Control-Max-Age": "86400",
}

STATUS_OF = {
    NotSignedIn: 401,
    WrongToken: 403,
    MessageTooLong: 413,
    TooManyRequests: 429,
}


class ResidentHeaders:
    """Adds the headers an answer does not have yet; plain ASGI, since streams must not be held up."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        is_shared = scope["path"].startswith(CORS_PATHS)
        if is_shared and scope["method"] == "OPTIONS":
            preflight = Response(status_code=204, headers=CORS_PREFLIGHT_HEADERS)
            return await preflight(scope, receive, send)
        wanted = {**SECURITY_HEADERS, **(CORS_HEADERS if is_shared else {})}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                present = {name.lower() for name, _ in headers}
                headers += [(name, value) for name, value in wanted.items() if name not in present]
                message = {**message, "headers": headers}
            await send(message)

        return await self.app(scope, receive, send_with_headers)


def language_of(request: Request) -> str:
    """In which language to answer: the conversation's, else the browser's, else English."""
    known = getattr(request.state, "language", None)
    return known or best_language(request.headers.get("accept-language", ""), get_commission()) or "en"


def problem(request: Request, status: int, code: str, key: str, **arguments: object) -> Response:
    """The same answer for programs, {"error": {code, message}}, and for people, as a page."""
    said = wording(key, language_of(request), Channel.WEB_CHAT, **arguments)
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if "seconds" in arguments:
        headers["Retry-After"] = str(arguments["seconds"])
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(
        "/chat/"
    )
    if wants_page:
        commission = get_commission()
        page = TEMPLATES.get_template("problem.html").render(
            commission=commission, ui=ui_words(commission, said.language), message=said.text
        )
        return Response(page, status, headers, media_type="text/html; charset=utf-8")
    body = {"error": {"code": code, "message": said.text, "lang": said.language}}
    return JSONResponse(body, status, headers)


def install(app: FastAPI) -> None:
    """Gives the application the headers and the answers to errors. The desk answers its own errors first."""
    app.add_middleware(ResidentHeaders)

    async def resident_input(request: Request, error: Exception) -> Response:
        assert isinstance(error, ResidentInputError)  # noqa: S101  registered for it
        status = STATUS_OF.get(type(error), 422)
        if error.code == "invalid_json":
            status = 400
        return problem(request, status, error.code, error.message_key, **error.arguments)

    async def database_down(request: Request, error: Exception) -> Response:
        logger.error("%s %s: %s", request.method, request.scope.get("route", ""), error)
        return problem(request, 503, "database_down", "ui_trouble", seconds=DATABASE_RETRY_SECONDS)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  registered for it
        if not is_for_residents(request):
            return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
        if error.status_code in (401, 403):
            return problem(request, error.status_code, "not_allowed", "ui_not_allowed")
        if error.status_code == HTTPStatus.NOT_FOUND:
            return problem(request, 404, "not_found", "ui_not_found")
        answer = problem(request, error.status_code, "refused", "ui_wrong_input")
        answer.headers.update(error.headers or {})
        return answer

    def plain(status: int, code: str, key: str) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def answer(request: Request, error: Exception) -> Response:
            return problem(request, status, code, key)

        return answer

    async def trouble(request: Request, error: Exception) -> Response:
        if not is_for_residents(request):
            return JSONResponse({"detail": "Something went wrong on our side."}, 500)
        return problem(request, 500, "trouble", "ui_trouble")

    async def not_from_twilio(request: Request, error: Exception) -> Response:
        # Whoever it is learns nothing; our log says why, without address or signature.
        logger.warning("%s", error)
        assert isinstance(error, NotFromTwilio)  # noqa: S101  registered for it
        return Response(status_code=404 if error.why == "no account" else 403)

    app.add_exception_handler(Exception, trouble)
    app.add_exception_handler(NotFromTwilio, not_from_twilio)
    app.add_exception_handler(ResidentInputError, resident_input)
    app.add_exception_handler(DatabaseUnavailable, database_down)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ConversationNotFound, plain(404, "not_found", "ui_conversation_gone"))
    app.add_exception_handler(BotUnavailable, plain(503, "assistant_down", "temporary_trouble"))


def is_for_residents(request: Request) -> bool:
    """Whether the path is one of the residents' own; the desk and the internal API speak for themselves."""
    return not request.url.path.startswith(("/desk", "/api", "/internal", "/twilio"))
