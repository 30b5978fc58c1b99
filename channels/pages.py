"""The chat page, the widget, their files, and the words they show."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from channels.rendering import language_options
from channels.ui_words import ui_words
from channels.web_answers import TEMPLATES, language_of
from submissions.commission import get_commission
from submissions.review.access import public_route

router = APIRouter(dependencies=[Depends(public_route)])

STATIC_FOLDER = Path(__file__).resolve().parent / "static"
STATIC_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@lru_cache(maxsize=32)
def static_file(name: str) -> tuple[bytes, str, str] | None:
    """(content, media type, ETag) of a file of the static folder, or None. Read once in a process."""
    path = STATIC_FOLDER / name
    if path.suffix not in STATIC_TYPES or path.parent != STATIC_FOLDER or not path.is_file():
        return None
    content = path.read_bytes()
    media_type = mimetypes.types_map.get(path.suffix, STATIC_TYPES[path.suffix])
    # Weak: the same file may go compressed.
    return content, media_type, f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'


def asset(name: str) -> str:
    """The address of a static file, which changes with its content."""
    found = static_file(name)
    version = found[2][3:11] if found else ""
    return f"/static/{name}?v={version}"


TEMPLATES.globals["asset"] = asset


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
def chat_page(request: Request) -> Response:
    """The chat, in the language of the browser until another is chosen."""
    commission = get_commission()
    page = TEMPLATES.get_template("chat.html").render(
        commission=commission, ui=ui_words(commission, language_of(request))
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"})


@router.get("/widget.js", include_in_schema=False)
def widget_script(request: Request) -> Response:
    """The web component, for a script element in any page."""
    return _file(request, "widget.js", "public, max-age=300")


@router.get("/static/{name}", include_in_schema=False)
def show_static_file(request: Request, name: str) -> Response:
    return _file(request, name, "public, max-age=86400")


def _file(request: Request, name: str, cache_control: str) -> Response:
    found = static_file(name)
    if found is None:
        raise HTTPException(404)
    content, media_type, etag = found
    headers = {"ETag": etag, "Cache-Control": cache_control}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


@router.get("/chat/words/{language}", tags=["web chat"])
def show_words(request: Request, language: str) -> JSONResponse:
    """The labels of the pages in a language, or in the browser's for `auto`: {language, dir, words, fallback,
    languages}. `fallback` names the labels that are in English because the catalogue lacks them."""
    commission = get_commission()
    offered = {option["payload"].partition(":")[2] for option in language_options(commission)}
    chosen = language if language in offered else language_of(request)
    words: dict[str, Any] = ui_words(commission, chosen)
    return JSONResponse(words, headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"})
