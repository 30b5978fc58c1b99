"""What came of the views, for everybody: one light page in each language, without scripts."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from channels.web_form import html, page_language
from submissions import outcomes
from submissions.database import unit_of_work
from submissions.review.access import public_route

router = APIRouter(include_in_schema=False, dependencies=[Depends(public_route)])


@router.get("/outcomes")
def show_outcomes(request: Request) -> Response:
    """The published outcomes in the language of `?lang=` or the browser's; each says who translated it."""
    language = page_language(request)
    with unit_of_work(read_only=True) as db:
        shown = outcomes.published_in(db, language)
    answer = html(request, "outcomes.html", language, outcomes=shown)
    answer.headers["Cache-Control"] = "public, max-age=60"
    answer.headers["Vary"] = "Accept-Language"
    return answer
