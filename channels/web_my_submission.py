"""One's own view by its reference: see it, add to it, correct it, take it back. Needs no scripts.

The reference is a secret. It is posted, never in an address; for twenty minutes the browser keeps it in a
sealed cookie that only this page gets; nothing is cached, indexed or passed on to other sites.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from babel.dates import format_date
from cryptography.fernet import InvalidToken
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from channels.errors import MessageEmpty, MessageTooLong, ResidentInputError
from channels.resident_text import MAXIMUM_CHARACTERS, checked_text
from channels.web_form import html, page_language, read_fields, see_other
from channels.wording import wording
from submissions import rights
from submissions.addresses import seal, unseal
from submissions.database import unit_of_work
from submissions.errors import SubmissionClosed, SubmissionNotFound
from submissions.reference_guard import get_guard
from submissions.review.access import public_route
from submissions.rights import OwnView
from translations.languages import direction_of

PATH = "/my-submission"
COOKIE = "own_words_view"
REMEMBERED_SECONDS = 20 * 60
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}
# What the page says after a change, by the word in its address: key of the wording.
DONE = {
    "added": "addition_saved",
    "corrected": "ui_my_corrected",
    "withdrawn": "withdraw_done",
    "told": "hear_back_kept",
    "not_told": "hear_back_not",
    "left": "ui_my_left",
}

router = APIRouter(prefix=PATH, include_in_schema=False, dependencies=[Depends(public_route)])


@dataclass(frozen=True)
class _Key:
    """What the cookie holds: the reference, and a secret that forms of this browser repeat."""

    reference: str
    secret: str

    @property
    def form_key(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()[:32]


class _NotOpen(Exception):
    """The cookie has gone, or the form came from another page."""


@router.get("")
def show(request: Request) -> Response:
    """The box for the reference; with a cookie the view itself."""
    key = _read_cookie(request)
    if key is None:
        return _ask(request)
    try:
        with unit_of_work(read_only=True) as db:
            view = rights.find_own_view(db, key.reference)
    except SubmissionNotFound:  # erased meanwhile
        return _forget(_ask(request))
    return _view_page(request, key, view)


@router.post("")
async def open_view(request: Request) -> Response:
    """The view of a reference. A wrong one and one nobody has get the same answer."""
    fields = await read_fields(request)
    if not _is_from_here(request):
        return _ask(request)
    return await run_in_threadpool(_open, request, fields.get("reference", "")[:60])


def _open(request: Request, reference: str) -> Response:
    guard, asker = get_guard(), _asker(request)
    wait = guard.seconds_to_wait(asker)
    if wait:
        answer = _ask(request, wording("ui_my_too_many", page_language(request)).text, status=429)
        answer.headers["Retry-After"] = str(wait)
        return answer
    try:
        with unit_of_work(read_only=True) as db:
            view = rights.find_own_view(db, reference)
    except SubmissionNotFound:
        guard.count_wrong(asker)
        return _ask(request, wording("status_not_found", page_language(request)).text, status=422)
    return _remember(request, _back(request), _Key(view.reference, secrets.token_urlsafe(16)))


@router.post("/add")
async def add(request: Request) -> Response:
    """Adds to the view; the same page posted twice adds once."""
    return await _change(request, "add", _add)


@router.post("/correct")
async def correct(request: Request) -> Response:
    """Puts new words in place of the old ones, which stay in the view's history."""
    return await _change(request, "correct", _correct)


@router.post("/withdraw")
async def withdraw(request: Request) -> Response:
    """Takes the view back; its words are erased soon after."""
    return await _change(request, "withdraw", _withdraw)


@router.post("/hear-back")
async def hear_back(request: Request) -> Response:
    """Keeps whether they want one message when the outcomes are published."""
    return await _change(request, "hear-back", _hear_back)


@router.post("/leave")
async def leave(request: Request) -> Response:
    """Forgets the reference in this browser, for shared phones."""
    return _forget(_back(request, "left"))


def _add(key: _Key, fields: dict[str, str]) -> str:
    text = _checked(fields)
    with unit_of_work() as db:
        rights.add(db, key.reference, text, form_id=fields.get("form", ""))
    return "added"


def _correct(key: _Key, fields: dict[str, str]) -> str:
    text = _checked(fields)
    with unit_of_work() as db:
        rights.correct(db, key.reference, text, form_id=fields.get("form", ""), seen=fields.get("seen", ""))
    return "corrected"


def _withdraw(key: _Key, fields: dict[str, str]) -> str:
    with unit_of_work() as db:
        rights.withdraw(db, key.reference)
    return "withdrawn"


def _hear_back(key: _Key, fields: dict[str, str]) -> str:
    wants = fields.get("wants") == "yes"
    with unit_of_work() as db:
        rights.set_hear_back(db, key.reference, wants)
    return "told" if wants else "not_told"


def _checked(fields: dict[str, str]) -> str:
    """The text as it was written. Raises MessageEmpty, MessageTooLong, NotText."""
    text = fields.get("text", "").replace("\r\n", "\n")
    checked_text(text)
    return text


async def _change(request: Request, name: str, change: Any) -> Response:
    fields = await read_fields(request)
    try:
        key = _key_of_form(request, fields)
        done = await run_in_threadpool(change, key, fields)
    except (_NotOpen, SubmissionNotFound, SubmissionClosed):
        return _back(request)  # the box for the reference, or the view as it is now
    except (rights.ChangedSince, ResidentInputError) as error:
        return await run_in_threadpool(_say_problem, request, key, name, fields, error)
    return _remember(request, _back(request, done), key)


def _say_problem(
    request: Request, key: _Key, name: str, fields: dict[str, str], error: Exception
) -> Response:
    language = page_language(request)
    text = fields.get("text", "")
    if isinstance(error, rights.ChangedSince):
        words = wording("ui_my_changed_since", language).text
    elif isinstance(error, MessageEmpty):
        words = wording("ui_form_error_empty", language).text
    elif isinstance(error, MessageTooLong):
        over = max(1, len(text.replace("\r\n", "\n")) - MAXIMUM_CHARACTERS)
        words = wording("ui_form_error_too_long", language, count=over).text
    else:
        words = wording("not_text", language).text
    try:
        with unit_of_work(read_only=True) as db:
            view = rights.find_own_view(db, key.reference)
    except SubmissionNotFound:
        return _forget(_ask(request))
    return _view_page(request, key, view, problem=(name, words), kept={name: text}, status=422)


def _key_of_form(request: Request, fields: dict[str, str]) -> _Key:
    key = _read_cookie(request)
    given = fields.get("key", "").encode("utf-8", "surrogatepass")
    if key is None or not _is_from_here(request) or not hmac.compare_digest(given, key.form_key.encode()):
        raise _NotOpen
    return key


def _is_from_here(request: Request) -> bool:
    """Browsers say where a post comes from; another site must not put its reference into ours."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _asker(request: Request) -> str | None:
    """Whose wrong references are counted together; not this machine's own address, which may be a proxy's."""
    address = request.client.host if request.client else None
    return None if address in (None, "127.0.0.1", "::1") else address


def _read_cookie(request: Request) -> _Key | None:
    try:
        kept = json.loads(unseal(request.cookies.get(COOKIE, "")))
        if time.time() - float(kept["at"]) > REMEMBERED_SECONDS:
            return None
        return _Key(str(kept["reference"]), str(kept["secret"]))
    except (InvalidToken, ValueError, KeyError, TypeError):
        return None


def _remember(request: Request, answer: Response, key: _Key) -> Response:
    kept = json.dumps({"reference": key.reference, "secret": key.secret, "at": time.time()})
    is_secure = request.app.state.gateway.settings.public_url.startswith("https:")
    answer.set_cookie(COOKIE, seal(kept), max_age=REMEMBERED_SECONDS, secure=is_secure, **_COOKIE_RULES)
    return answer


def _forget(answer: Response) -> Response:
    answer.delete_cookie(COOKIE, **_COOKIE_RULES)
    return answer


# Strict: no other site's link or form ever carries it.
_COOKIE_RULES: dict[str, Any] = {"path": PATH, "httponly": True, "samesite": "strict"}


def _back(request: Request, done: str = "") -> Response:
    answer = see_other(PATH, page_language(request))
    if done:
        answer.headers["Location"] += f"&done={done}"
    answer.headers.update(PRIVATE)
    return answer


def _ask(request: Request, problem: str = "", status: int = 200) -> Response:
    answer = html(
        request,
        "my_find.html",
        page_language(request),
        status=status,
        problem=problem,
        done=_done_words(request, None),
        path=PATH,
    )
    answer.headers.update(PRIVATE)
    return answer


def _view_page(
    request: Request,
    key: _Key,
    view: OwnView,
    *,
    problem: tuple[str, str] | None = None,
    kept: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    language = page_language(request)
    ask = wording("ask_hear_back", language)

    def said(name: str) -> str:
        return wording(name, language, reference=view.reference).text

    answer = html(
        request,
        "my_view.html",
        language,
        status=status,
        path=PATH,
        view=view,
        key=key.form_key,
        form=secrets.token_urlsafe(12),
        limit=MAXIMUM_CHARACTERS,
        status_words=said(f"status_{view.status}"),
        say=said,
        ask_hear_back=ask.text,
        sent_on=_day(view.sent_at, language),
        changed_on=_day(view.changed_at, language) if view.changed_at else "",
        text_dir=direction_of(view.language) if view.language else "auto",
        problem=problem,
        kept=kept or {},
        done=_done_words(request, view),
    )
    answer.headers.update(PRIVATE)
    return _remember(request, answer, key)


def _done_words(request: Request, view: OwnView | None) -> str:
    key = DONE.get(request.query_params.get("done", ""))
    if key is None or (view is None) != (key == "ui_my_left"):
        return ""
    reference = view.reference if view is not None else ""
    return wording(key, page_language(request), reference=reference).text


def _day(moment: dt.datetime, language: str) -> str:
    try:
        return str(format_date(moment, format="long", locale=language))
    except Exception:  # noqa: BLE001  Babel does not know every language of ours; the day is there all the same
        return f"{moment:%Y-%m-%d}"
