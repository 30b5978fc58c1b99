"""The desk API: list, reading and decisions as on the pages, in JSON, for programs with a bearer token."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response
from fastapi.responses import JSONResponse

from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.models import Channel, SubmissionStatus, ThemeDecision
from submissions.review import assigning, blind_coding, decisions, queue, reading, rows
from submissions.review.access import Permission, may, require_token
from submissions.review.api_models import Conflict, Fault, SubmissionList, SubmissionOut, SubmissionPatch
from submissions.review.api_models import SubmissionSummary as Summary
from submissions.review.coding import CodingChanges
from submissions.review.decisions import Changes, Correction
from submissions.review.errors import DecisionRefused, NotAllowed, VersionConflict
from submissions.review.queue import CursorNotValid, Filters, Position
from submissions.review.sessions import Principal

_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Fault, "description": "No valid token"},
    403: {"model": Fault, "description": "The token's role does not allow it"},
}
_KEY = "^[a-z][a-z0-9_]*$"
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Fault, "description": "No such submission"}}

router = APIRouter(prefix="/api", tags=["desk"], responses=_REFUSALS)

Reader = Annotated[Principal, Depends(require_token(Permission.READ_SUBMISSIONS))]
ReviewerOfViews = Annotated[Principal, Depends(require_token(Permission.REVIEW_SUBMISSIONS))]


@router.get("/submissions", summary="List submissions: urgent and open ones first, then the newest")
def list_submissions(
    principal: Reader,
    theme: Annotated[
        str | None, Query(max_length=60, pattern=_KEY, description="Accepted, or proposed and not refused")
    ] = None,
    language: Annotated[
        str | None, Query(max_length=12, pattern="^[A-Za-z-]+$", description='BCP 47; "und": not known')
    ] = None,
    channel: Channel | None = None,
    method: Annotated[str | None, Query(max_length=20, pattern=_KEY)] = None,
    status: Literal["received", "in_review", "approved", "withdrawn"] | None = None,
    urgent: bool | None = None,
    received_from: Annotated[dt.date | None, Query(alias="from", description="Day in London")] = None,
    received_to: Annotated[dt.date | None, Query(alias="to", description="Day in London, included")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Words, what is meant, or a reference")
    ] = None,
    forum: Annotated[uuid.UUID | None, Query(description="An open forum's `forum_id`")] = None,
    assigned: Annotated[
        uuid.UUID | Literal["nobody"] | None, Query(description="Somebody's `assigned_to_id`, or nobody")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = queue.PAGE_SIZE,
) -> SubmissionList:
    filters = Filters(
        theme=theme,
        language=language,
        channel=channel,
        method=method,
        statuses=(status,) if status else (),
        urgent=urgent,
        received_from=received_from,
        received_to=received_to,
        q=q,
        q_may_mean=True,
        forum=forum,
        unassigned=assigned == "nobody",
        assigned_to=assigned if isinstance(assigned, uuid.UUID) else None,
    )
    try:
        after = Position.decode(cursor) if cursor else None
    except CursorNotValid as error:
        raise HTTPException(422, "The cursor is not one that this address gave.") from error
    with unit_of_work(read_only=True) as db:
        found = queue.find_page(db, principal, filters, after=after, limit=limit)
        hidden = blind_coding.views(db, principal)
        described = rows.describe(db, queue.fetch(db, found.ids), without_themes=hidden)
        total, is_more = queue.count(db, principal, filters, found)
    return SubmissionList(
        submissions=[Summary.of(row) for row in described],
        next_cursor=found.next_cursor,
        total=total,
        total_is_exact=not is_more,
    )


@router.get("/submissions/{reference}", responses=_NOT_FOUND, summary="Read one submission")
def read_submission(principal: Reader, reference: str, response: Response) -> SubmissionOut:
    return _read(principal, reference, response, is_reading=True)


def _read(principal: Principal, reference: str, response: Response, *, is_reading: bool) -> SubmissionOut:
    try:
        with unit_of_work(read_only=True) as db:
            view = reading.read(db, principal, reference)
            holder = assigning.holder_of(db, view.submission.id)
            answer = SubmissionOut.of(view, holder.id if holder else None)
    except SubmissionNotFound as error:
        raise HTTPException(404, f"There is no submission {reference[:20]}.") from error
    if is_reading:
        decisions.record_reading(principal, view.submission.id)
    response.headers["ETag"] = f'"{answer.version}"'
    response.headers["Cache-Control"] = "no-store"
    return answer


@router.patch(
    "/submissions/{reference}",
    response_model=SubmissionOut,
    responses={
        **_NOT_FOUND,
        409: {"model": Conflict, "description": "Changed since it was read; read it again"},
        428: {"model": Fault, "description": "Neither a version nor If-Match was sent"},
    },
    summary="Decide about one submission",
)
def change_submission(
    principal: ReviewerOfViews,
    reference: str,
    patch: SubmissionPatch,
    response: Response,
    if_match: Annotated[str | None, Header(description='The ETag of GET, such as "3"')] = None,
) -> SubmissionOut | JSONResponse:
    version = _version(patch, if_match)
    if patch.corrections and not may(principal, Permission.CORRECT_TRANSLATIONS):
        raise HTTPException(403, "The token's role does not allow corrections.")
    is_coded = bool(patch.sub_codes or patch.evidence)
    if is_coded and not may(principal, Permission.CODE_THEMES):
        raise HTTPException(403, "The token's role does not allow sub-codes and evidence.")
    changes = Changes(
        corrections=[Correction(one.segment_id, one.text, one.reason) for one in patch.corrections],
        themes={key: ThemeDecision(value) if value else None for key, value in patch.themes.items()},
        source_language=patch.source_language,
        status=SubmissionStatus(patch.status) if patch.status else None,
        coding=CodingChanges(sub_codes=patch.sub_codes, evidence=patch.evidence) if is_coded else None,
    )
    try:
        decisions.apply_changes(principal, reference, version, changes)
    except SubmissionNotFound as error:
        raise HTTPException(404, f"There is no submission {reference[:20]}.") from error
    except NotAllowed as error:
        raise HTTPException(403, "An urgent view is the safeguarding lead's until its outcome.") from error
    except DecisionRefused as error:
        raise HTTPException(422, error.problems) from error
    except VersionConflict as error:
        conflict = Conflict(
            detail="Somebody changed it since you read it. Read it again.", current_version=error.current
        )
        return JSONResponse(conflict.model_dump(), status_code=409)
    return _read(principal, reference, response, is_reading=False)


def _version(patch: SubmissionPatch, if_match: str | None) -> int:
    if if_match is not None:
        if found := re.fullmatch(r'(?:W/)?"(\d{1,9})"', if_match.strip()):
            return int(found[1])
        raise HTTPException(422, 'If-Match must be an ETag of this address, such as "3".')
    if patch.version is None:
        raise HTTPException(428, "Send the version that you read, in the body or as If-Match.")
    return patch.version
