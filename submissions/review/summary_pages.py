"""Writing and signing off what is common and what is contested in a theme."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import summaries, summary_suggestions
from submissions.briefings import Briefing, Quote, make_briefing
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.models import PointKind, Side, SummaryState
from submissions.references import find_references
from submissions.review.access import Permission, PostedForm, require
from submissions.review.reply_pages import field as field_of
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect
from submissions.search_words import plain
from submissions.summaries import GivenPoint, Point, SummaryRefused
from submissions.summary_suggestions import Suggestion

router = APIRouter(prefix="/briefings/{theme_key}/summary", route_class=DeskRoute, include_in_schema=False)
Writer = Annotated[Principal, Depends(require(Permission.WRITE_SUMMARIES))]
Signer = Annotated[Principal, Depends(require(Permission.SIGN_OFF_SUMMARIES))]

VIEWS_SHOWN = 30  # to choose from; words narrow them
_SIDE = "side-"  # begins the name of a view's field
KINDS = {PointKind.COMMON: "Common", PointKind.CONTESTED: "Contested"}
# Word and colour of the tag; colours only help.
STATES: dict[str, tuple[str, str]] = {
    SummaryState.DRAFT: ("Draft", "grey"),
    SummaryState.PROPOSED: ("Proposed", "yellow"),
    SummaryState.SIGNED_OFF: ("Signed off", "green"),
    SummaryState.REPLACED: ("Replaced", "grey"),
    SummaryState.RETIRED: ("Taken out", "grey"),
}


@dataclass(frozen=True)
class Typed:
    """What stands in the form of a point."""

    kind: str = PointKind.COMMON
    text: str = ""
    cited: dict[str, str] = field(default_factory=dict)  # side by reference
    words: str = ""  # to find views by
    point_id: uuid.UUID | None = None
    began_with: str = ""  # key of the suggestion


@router.get("")
def show_summary(request: Request, theme_key: str, principal: Writer) -> Response:
    """The versions of a theme's summary, and where one may begin."""
    return _summary_page(request, principal, theme_key)


@router.post("")
def begin(request: Request, theme_key: str, principal: Writer) -> Response:
    """A new version with the points that stand."""
    return _do(request, principal, theme_key, lambda: summaries.begin(principal.actor, theme_key))


@router.get("/point")
def show_point(request: Request, theme_key: str, principal: Writer) -> Response:
    """The form of a point: a new one (`kind`, `from` a suggestion), or one that is there (`point`)."""
    query = request.query_params
    typed = Typed(
        kind=query.get("kind", PointKind.COMMON),
        began_with=query.get("from", "")[:80],
        point_id=_id(query.get("point", "")),
    )
    return _point_page(request, principal, theme_key, typed, is_new_page=True)


@router.post("/point")
def save_point(request: Request, theme_key: str, principal: Writer, form: PostedForm) -> Response:
    """Keeps the point, or shows other views to choose from with everything typed still there."""
    typed = _typed(form)
    version = _version(form)
    if field_of(form, "do") == "find":
        return _point_page(request, principal, theme_key, typed, version=version)
    try:
        summaries.save_point(
            principal.actor,
            theme_key,
            GivenPoint(typed.kind, typed.text, typed.cited),
            point_id=typed.point_id,
            version=version,
            began_with=typed.began_with,
        )
    except SummaryRefused as refused:
        return _point_page(request, principal, theme_key, typed, version=version, problems=refused.problems)
    return redirect(f"/desk/briefings/{theme_key}/summary")


@router.post("/points/{point_id}/remove")
def remove_point(
    request: Request, theme_key: str, point_id: uuid.UUID, principal: Writer, form: PostedForm
) -> Response:
    """Takes a point out of the open version."""
    version = _version(form) or 0
    return _do(
        request,
        principal,
        theme_key,
        lambda: summaries.remove_point(principal.actor, theme_key, point_id, version=version),
    )


@router.post("/proposal")
def propose(request: Request, theme_key: str, principal: Writer, form: PostedForm) -> Response:
    """Asks somebody else to sign it off."""
    version = _version(form) or 0
    return _do(
        request, principal, theme_key, lambda: summaries.propose(principal.actor, theme_key, version=version)
    )


@router.post("/sign-off")
def sign_off(request: Request, theme_key: str, principal: Signer, form: PostedForm) -> Response:
    """Puts it into the briefing."""
    version = _version(form) or 0
    return _do(
        request, principal, theme_key, lambda: summaries.sign_off(principal.actor, theme_key, version=version)
    )


@router.post("/retirement")
def retire(request: Request, theme_key: str, principal: Signer) -> Response:
    """Takes what stands out of the briefing."""
    return _do(request, principal, theme_key, lambda: summaries.retire(principal.actor, theme_key))


def _do(request: Request, principal: Principal, theme_key: str, work: Callable[[], None]) -> Response:
    try:
        work()
    except SummaryRefused as refused:
        return _summary_page(request, principal, theme_key, refused.problems)
    return redirect(f"/desk/briefings/{theme_key}/summary")


def _typed(form: PostedForm) -> Typed:
    cited = {
        name.removeprefix(_SIDE): values[0]
        for name, values in (form or {}).items()
        if name.startswith(_SIDE) and values[0]
    }
    # Those typed by hand come after those chosen, and change no side that was chosen.
    for side in Side:
        for reference in find_references(field_of(form, f"more_{side}")):
            cited.setdefault(reference, side)
    return Typed(
        kind=field_of(form, "kind"),
        text=field_of(form, "text"),
        cited=cited,
        words=field_of(form, "words").strip()[:100],
        point_id=_id(field_of(form, "point")),
        began_with=field_of(form, "from")[:80],
    )


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _version(form: PostedForm) -> int | None:
    """Of the open version as it was seen; None when there was none."""
    value = field_of(form, "version")
    return int(value) if value.isdecimal() and len(value) < 10 else None


def _summary_page(
    request: Request, principal: Principal, theme_key: str, problems: list[str] | None = None
) -> Response:
    with unit_of_work(read_only=True) as db:
        versions = summaries.versions_of(db, theme_key)
        points = {row.id: summaries.points_of(db, row) for row in versions}
        briefing = make_briefing(db, theme_key)
        suggestions = summary_suggestions.suggest(db, briefing)
    return page(
        request,
        "summary.html",
        principal,
        status_code=422 if problems else 200,
        refused=problems or [],
        theme=briefing.theme,
        versions=versions,
        points=points,
        draft=next((row for row in versions if row.state in summaries.OPEN), None),
        standing=next((row for row in versions if row.state == SummaryState.SIGNED_OFF), None),
        suggestions=suggestions,
        views=len(briefing.quotes),
        states=STATES,
        kinds=KINDS,
    )


def _point_page(
    request: Request,
    principal: Principal,
    theme_key: str,
    typed: Typed,
    *,
    version: int | None = None,
    problems: list[str] | None = None,
    is_new_page: bool = False,
) -> Response:
    with unit_of_work(read_only=True) as db:
        versions = summaries.versions_of(db, theme_key)
        draft = next((row for row in versions if row.state in summaries.OPEN), None)
        points = summaries.points_of(db, draft) if draft else []
        briefing = make_briefing(db, theme_key)
        suggestions = summary_suggestions.suggest(db, briefing) if typed.began_with else []
    if is_new_page:
        version = draft.version if draft else None
        if typed.point_id is not None:
            typed = _as_it_stands(points, typed.point_id)
    suggestion = summary_suggestions.find(suggestions, typed.began_with)
    shown = _to_choose_from(briefing, typed, suggestion)
    return page(
        request,
        "summary_point.html",
        principal,
        status_code=422 if problems else 200,
        refused=problems or [],
        theme=get_commission().theme(theme_key),
        typed=typed,
        version=version,
        suggestion=suggestion,
        quotes=shown[:VIEWS_SHOWN],
        more=max(0, len(shown) - VIEWS_SHOWN),
        limit=summaries.TEXT_LIMIT,
        kinds=KINDS,
        side_prefix=_SIDE,
    )


def _as_it_stands(points: list[Point], point_id: uuid.UUID) -> Typed:
    point = next((one for one in points if one.id == point_id), None)
    if point is None:
        raise SubmissionNotFound(str(point_id))
    cited: dict[str, str] = dict.fromkeys(point.speaking_for, Side.FOR)
    cited |= dict.fromkeys(point.speaking_against, Side.AGAINST)
    return Typed(kind=point.kind, text=point.text, cited=cited, point_id=point.id)


def _to_choose_from(briefing: Briefing, typed: Typed, suggestion: Suggestion | None) -> list[Quote]:
    """Approved views: those chosen, then those of the suggestion, then those with the words, or all."""
    chosen = briefing.quotes_of(typed.cited)
    suggested = briefing.quotes_of(suggestion.references if suggestion else [])
    found = []
    if typed.words:
        wanted = plain(typed.words).split()
        found = [
            quote
            for quote in briefing.quotes
            if all(
                word in plain(f"{quote.reference} {quote.original} {quote.english or ''}") for word in wanted
            )
        ]
    elif not suggested:
        found = briefing.quotes
    return list({quote.reference: quote for quote in (*chosen, *suggested, *found)}.values())
