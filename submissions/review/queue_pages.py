"""What is done from the list: giving views to people, and keeping lists under a name."""

from __future__ import annotations

import uuid
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions.review import assigning, saved_views
from submissions.review.access import Permission, PostedForm, require
from submissions.review.assigning import Wish
from submissions.review.errors import DecisionRefused
from submissions.review.filter_form import read_filters
from submissions.review.reply_pages import field
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

Reader = Annotated[Principal, Depends(require(Permission.READ_SUBMISSIONS))]
ReviewerOfViews = Annotated[Principal, Depends(require(Permission.REVIEW_SUBMISSIONS))]

# The value of "Assign to me": the form need not know who asks.
_ME = "me"


@router.post("/assignments")
def assign_views(request: Request, principal: ReviewerOfViews, form: PostedForm) -> Response:
    """Gives the views that were ticked to a person; "to" is empty for nobody."""
    wishes = []
    for value in (form or {}).get("view", []):
        reference, _, had = value.partition(":")
        wishes.append(Wish(reference, had))
    return _assign(request, principal, wishes, field(form, "to"), back=_list_address(request))


@router.post("/submissions/{reference}/assignment")
def assign_view(request: Request, reference: str, principal: ReviewerOfViews, form: PostedForm) -> Response:
    back = f"/desk/submissions/{reference}{_query(request)}"
    return _assign(request, principal, [Wish(reference, field(form, "had"))], field(form, "to"), back=back)


def _assign(request: Request, principal: Principal, wishes: list[Wish], to: str, *, back: str) -> Response:
    try:
        assigning.assign(principal, wishes, str(principal.reviewer_id) if to == _ME else to)
    except DecisionRefused as refused:
        return _refusal(request, principal, refused, back, status_code=409)
    return redirect(back)


@router.post("/saved-views")
def save_view(request: Request, principal: Reader, form: PostedForm) -> Response:
    try:
        saved_views.save(
            principal,
            field(form, "name"),
            urlencode(read_filters(request.query_params, principal.reviewer_id).query),
            is_shared=field(form, "shared") == "yes",
            is_default=field(form, "default") == "yes",
        )
    except DecisionRefused as refused:
        return _refusal(request, principal, refused, _list_address(request))
    return redirect(_list_address(request))


@router.post("/saved-views/{view_id}/default")
def set_default_view(request: Request, view_id: uuid.UUID, principal: Reader, form: PostedForm) -> Response:
    try:
        saved_views.set_default(principal, view_id, is_default=field(form, "default") == "yes")
    except DecisionRefused as refused:
        return _refusal(request, principal, refused, _list_address(request))
    return redirect(_list_address(request))


@router.post("/saved-views/{view_id}/delete")
def delete_view(request: Request, view_id: uuid.UUID, principal: Reader) -> Response:
    try:
        saved_views.delete(principal, view_id)
    except DecisionRefused as refused:
        return _refusal(request, principal, refused, _list_address(request))
    return redirect(_list_address(request))


def _query(request: Request) -> str:
    query = urlencode(read_filters(request.query_params).query)
    return f"?{query}" if query else ""


def _list_address(request: Request) -> str:
    # Never the bare address, which opens on the default list.
    return "/desk" + (_query(request) or "?status=open")


def _refusal(
    request: Request, principal: Principal, refused: DecisionRefused, back: str, status_code: int = 422
) -> Response:
    return page(
        request,
        "refused.html",
        principal,
        status_code=status_code,
        refused=refused.problems,
        back=back,
    )
