"""Twilio's Messages and Content APIs over HTTP, for one local account, answered from memory.

The paths are Twilio's own, so the official client works against it once its host is exchanged. What each
answer looks like is held against Twilio's published description in the contract tests.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
import hmac
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from channels.simulator.account import StandInAccount
from channels.simulator.errors import StandInRefusal
from channels.simulator.records import StandInMessage
from submissions.review.access import declares_access

MESSAGES = "/2010-04-01/Accounts/{account_sid}/Messages"
MAXIMUM_PAGE = 1000


def create_stand_in(account: StandInAccount) -> FastAPI:
    """An application that answers as Twilio's API hosts would for this account."""
    app = FastAPI(title="Stand-in of Twilio's API", openapi_url=None)
    declares_access("twilio_credentials")(app)  # as a mounted application says it

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, StandInRefusal)  # noqa: S101  registered for it
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.http_status == 401 else None
        return JSONResponse(error.body(), error.http_status, headers)

    async def not_there(request: Request, _: Exception) -> Response:
        return await refused(request, StandInRefusal(20404, request.url.path))

    app.add_exception_handler(StandInRefusal, refused)
    app.add_exception_handler(HTTPException, not_there)
    _add_messages(app, account)
    _add_media(app, account)
    _add_content(app, account)
    return app


def credentials(account: StandInAccount) -> Any:
    """A dependency: HTTP basic auth with the account's SID and token, and the SID of the path the same."""

    def check(request: Request) -> None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except binascii.Error:
            given = b""
        expected = f"{account.account_sid}:{account.auth_token}".encode()
        if not hmac.compare_digest(given, expected):
            raise StandInRefusal(20003)
        if request.path_params.get("account_sid", account.account_sid) != account.account_sid:
            raise StandInRefusal(20404)

    return check


async def posted_form(request: Request) -> dict[str, list[str]]:
    """Each parameter with its values, in order."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise StandInRefusal(20001, "the body must be form-encoded")
    form = await request.form()
    return {name: [str(value) for value in form.getlist(name)] for name in form}


Posted = Annotated[dict[str, list[str]], Depends(posted_form)]


def _add_messages(app: FastAPI, account: StandInAccount) -> None:
    allowed = [Depends(credentials(account))]

    @app.post(f"{MESSAGES}.json", status_code=201, dependencies=allowed)
    async def create(form: Posted) -> JSONResponse:
        message = account.create_message(form)
        answer = JSONResponse(message.as_json(), 201)
        if account.switches.take_hang():
            await asyncio.sleep(account.switches.hang_seconds)
        return answer

    @app.get(f"{MESSAGES}.json", dependencies=allowed)
    def list_messages(request: Request) -> JSONResponse:
        query = dict(request.query_params)
        with account.lock:
            found = [one for one in reversed(account.messages.values()) if _is_wanted(one, query)]
            return JSONResponse(_page(account, found, query))

    @app.get(f"{MESSAGES}/{{sid}}.json", dependencies=allowed)
    def fetch(sid: str) -> JSONResponse:
        return JSONResponse(account.find_message(sid).as_json())

    @app.post(f"{MESSAGES}/{{sid}}.json", dependencies=allowed)
    async def update(sid: str, form: Posted) -> JSONResponse:
        return JSONResponse(account.update_message(sid, form).as_json())

    @app.delete(f"{MESSAGES}/{{sid}}.json", status_code=204, dependencies=allowed)
    def delete(sid: str) -> Response:
        account.delete_message(sid)
        return Response(status_code=204)

    @app.post("/v2/Indicators/Typing.json", dependencies=allowed)
    async def typing(form: Posted) -> JSONResponse:
        """Not in Twilio's published description: https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource"""
        account.show_typing(form)
        return JSONResponse({"success": True})


def _is_wanted(message: StandInMessage, query: dict[str, str]) -> bool:
    if query.get("To", message.to) != message.to:
        return False
    if query.get("From", message.from_) != message.from_:
        return False
    sent = message.sent_at or message.created_at
    for name, holds in (
        ("DateSent", lambda wanted: sent.date() == wanted.date()),
        ("DateSent<", lambda wanted: sent <= wanted),
        ("DateSent>", lambda wanted: sent >= wanted),
    ):
        if name in query and not holds(_moment(query[name])):
            return False
    return True


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise StandInRefusal(20001, "not a date") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _page(account: StandInAccount, found: list[StandInMessage], query: dict[str, str]) -> dict[str, Any]:
    try:
        size = min(max(int(query.get("PageSize", "50")), 1), MAXIMUM_PAGE)
        page = max(int(query.get("Page", "0")), 0)
    except ValueError as error:
        raise StandInRefusal(20001, "Page and PageSize are numbers") from error
    path = f"/2010-04-01/Accounts/{account.account_sid}/Messages.json"

    def uri(number: int) -> str:
        return f"{path}?{urlencode({**query, 'PageSize': size, 'Page': number})}"

    start = page * size
    shown = found[start : start + size]
    return {
        "messages": [message.as_json() for message in shown],
        "page": page,
        "page_size": size,
        "start": start,
        "end": start + max(len(shown) - 1, 0),
        "first_page_uri": uri(0),
        "previous_page_uri": uri(page - 1) if page else None,
        "next_page_uri": uri(page + 1) if start + size < len(found) else None,
        "uri": uri(page),
    }


def _add_media(app: FastAPI, account: StandInAccount) -> None:
    allowed = [Depends(credentials(account))]

    @app.get(f"{MESSAGES}/{{message_sid}}/Media.json", dependencies=allowed)
    def list_media(message_sid: str) -> JSONResponse:
        message = account.find_message(message_sid)
        uri = f"{message.uri.removesuffix('.json')}/Media.json?PageSize=50&Page=0"
        return JSONResponse(
            {
                "media_list": [message.media_as_json(media) for media in message.media],
                "page": 0,
                "page_size": 50,
                "start": 0,
                "end": max(len(message.media) - 1, 0),
                "first_page_uri": uri,
                "previous_page_uri": None,
                "next_page_uri": None,
                "uri": uri,
            }
        )

    @app.get(f"{MESSAGES}/{{message_sid}}/Media/{{name}}", dependencies=allowed)
    def fetch_media(message_sid: str, name: str) -> Response:
        message = account.find_message(message_sid)
        for media in message.media:
            if name == f"{media.sid}.json":
                return JSONResponse(message.media_as_json(media))
            if name == media.sid:
                # The bytes lie elsewhere, at a signed address that wants no credentials.
                return RedirectResponse(f"{account.api_url}/storage/{media.storage_key}", 307)
        raise StandInRefusal(20404, name)

    @app.delete(f"{MESSAGES}/{{message_sid}}/Media/{{name}}", status_code=204, dependencies=allowed)
    def delete_media(message_sid: str, name: str) -> Response:
        message = account.find_message(message_sid)
        kept = [media for media in message.media if f"{media.sid}.json" != name]
        if len(kept) == len(message.media):
            raise StandInRefusal(20404, name)
        message.media = kept
        return Response(status_code=204)

    @app.get("/storage/{key}")
    def storage(key: str, request: Request) -> Response:
        if "authorization" in request.headers:
            # As a storage service does with two kinds of credentials; ours must not be sent here.
            return Response("<Error>only one auth mechanism allowed</Error>", 400, media_type="text/xml")
        for message in list(account.messages.values()):
            for media in message.media:
                if media.storage_key == key:
                    return Response(media.content, media_type=media.content_type)
        return Response("<Error>not found</Error>", 404, media_type="text/xml")


def _add_content(app: FastAPI, account: StandInAccount) -> None:
    allowed = [Depends(credentials(account))]

    @app.post("/v1/Content", status_code=201, dependencies=allowed)
    async def create(request: Request) -> JSONResponse:
        body = await _object_of(request)
        return JSONResponse(account.create_content(body).as_json(), 201)

    @app.get("/v1/Content/{sid}", dependencies=allowed)
    def fetch(sid: str) -> JSONResponse:
        return JSONResponse(account.find_content(sid).as_json())

    @app.delete("/v1/Content/{sid}", status_code=204, dependencies=allowed)
    def delete(sid: str) -> Response:
        with account.lock:
            account.find_content(sid)
            del account.contents[sid]
        return Response(status_code=204)

    @app.get("/v1/Content/{sid}/ApprovalRequests", dependencies=allowed)
    def approval(sid: str) -> JSONResponse:
        return JSONResponse(account.look_up_approval(sid).approval_as_json())

    @app.post("/v1/Content/{sid}/ApprovalRequests/whatsapp", status_code=201, dependencies=allowed)
    async def approve(sid: str, request: Request) -> JSONResponse:
        """WhatsApp takes minutes or a day for this; here a switch decides at once."""
        body = await _object_of(request)
        content = account.ask_approval(sid, body.get("name"), body.get("category"))
        assert content.approval is not None  # noqa: S101  it was asked just now
        return JSONResponse(content.approval.as_json(content), 201)


async def _object_of(request: Request) -> dict[str, Any]:
    """The JSON object that was posted. Raises StandInRefusal."""
    try:
        body = await request.json()
    except ValueError as error:
        raise StandInRefusal(20001, "the body must be JSON") from error
    if not isinstance(body, dict):
        raise StandInRefusal(20001, "the body must be an object")
    return body
