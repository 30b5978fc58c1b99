"""Writing, signing off and publishing what came of the views: "You said, we did"."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import erasure, outcomes, rights
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import OutcomeState
from submissions.outcomes import OutcomeRefused
from submissions.review.access import Permission, PostedForm, require
from submissions.review.reply_pages import field
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(prefix="/outcomes", route_class=DeskRoute, include_in_schema=False)
Writer = Annotated[Principal, Depends(require(Permission.WRITE_OUTCOMES))]
Publisher = Annotated[Principal, Depends(require(Permission.PUBLISH_OUTCOMES))]


@router.get("")
def list_outcomes(request: Request, principal: Writer) -> Response:
    """Every theme with what is published and what is being written."""
    return _list_page(request, principal)


@router.post("/announcement")
def announce(request: Request, principal: Publisher) -> Response:
    """Has those told who agreed to hear back."""
    try:
        outcomes.announce(principal.actor)
    except OutcomeRefused as refused:
        return _list_page(request, principal, refused.problems)
    return redirect("/desk/outcomes")


@router.get("/{theme_key}")
def show_theme(request: Request, theme_key: str, principal: Writer) -> Response:
    """The versions of one theme, the draft to write in, and its translations."""
    return _theme_page(request, principal, theme_key)


@router.post("/{theme_key}")
def save(request: Request, theme_key: str, principal: Writer, form: PostedForm) -> Response:
    """Keeps the draft."""
    said, did, version = field(form, "said"), field(form, "did"), field(form, "version")
    try:
        outcomes.save(
            principal.actor, theme_key, said, did, version=int(version) if version.isdecimal() else None
        )
    except OutcomeRefused as refused:
        return _theme_page(request, principal, theme_key, refused.problems, {"said": said, "did": did})
    return redirect(f"/desk/outcomes/{theme_key}")


@router.post("/{theme_key}/{outcome_id}/text")
def set_text(
    request: Request, theme_key: str, outcome_id: uuid.UUID, principal: Writer, form: PostedForm
) -> Response:
    """A person's translation of the whole."""
    words = (field(form, "language"), field(form, "said"), field(form, "did"))
    return _do(request, principal, theme_key, lambda: outcomes.set_text(principal.actor, outcome_id, *words))


@router.post("/{theme_key}/{outcome_id}/proposal")
def propose(request: Request, theme_key: str, outcome_id: uuid.UUID, principal: Writer) -> Response:
    """Asks somebody else to publish it."""
    return _do(request, principal, theme_key, lambda: outcomes.propose(principal.actor, outcome_id))


@router.post("/{theme_key}/{outcome_id}/publication")
def publish(
    request: Request, theme_key: str, outcome_id: uuid.UUID, principal: Publisher, form: PostedForm
) -> Response:
    """Signs it off; it is public at once."""
    version = field(form, "version")
    seen = int(version) if version.isdecimal() else -1
    return _do(
        request,
        principal,
        theme_key,
        lambda: outcomes.publish(principal.actor, outcome_id, version=seen),
    )


@router.post("/{theme_key}/{outcome_id}/retirement")
def retire(request: Request, theme_key: str, outcome_id: uuid.UUID, principal: Publisher) -> Response:
    """Takes it off the public page."""
    return _do(request, principal, theme_key, lambda: outcomes.retire(principal.actor, outcome_id))


@router.post("/{theme_key}/{outcome_id}/deletion")
def delete(request: Request, theme_key: str, outcome_id: uuid.UUID, principal: Publisher) -> Response:
    """Deletes a version that is not public."""

    def work() -> None:
        outcomes.delete(principal.actor, outcome_id)
        erasure.forget_on_disk()

    return _do(request, principal, theme_key, work)


def _do(request: Request, principal: Principal, theme_key: str, work: Callable[[], None]) -> Response:
    try:
        work()
    except OutcomeRefused as refused:
        return _theme_page(request, principal, theme_key, refused.problems)
    return redirect(f"/desk/outcomes/{theme_key}")


def _list_page(request: Request, principal: Principal, problems: list[str] | None = None) -> Response:
    with unit_of_work(read_only=True) as db:
        lines = [(theme, outcomes.versions_of(db, theme.key)) for theme in get_commission().themes]
        announcement = outcomes.last_announcement(db)
        waiting = rights.count_waiting_to_hear(db)
    return page(
        request,
        "outcomes.html",
        principal,
        status_code=422 if problems else 200,
        refused=problems or [],
        lines=lines,
        announcement=announcement,
        waiting=waiting,
        states=STATES,
    )


def _theme_page(
    request: Request,
    principal: Principal,
    theme_key: str,
    problems: list[str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with unit_of_work(read_only=True) as db:
        versions = outcomes.versions_of(db, theme_key)
    draft = next((row for row in versions if row.state in outcomes.OPEN), None)
    return page(
        request,
        "outcome.html",
        principal,
        status_code=422 if problems else 200,
        refused=problems or [],
        typed=typed or {},
        theme=get_commission().theme(theme_key),
        versions=versions,
        draft=draft,
        languages=[code for code in get_commission().languages if code != outcomes.ENGLISH],
        limit=outcomes.TEXT_LIMIT,
        states=STATES,
    )


# Word and colour of the tag; colours only help.
STATES: dict[str, tuple[str, str]] = {
    OutcomeState.DRAFT: ("Draft", "grey"),
    OutcomeState.PROPOSED: ("Proposed", "yellow"),
    OutcomeState.PUBLISHED: ("Published", "green"),
    OutcomeState.REPLACED: ("Replaced", "grey"),
    OutcomeState.RETIRED: ("Taken off", "grey"),
}
