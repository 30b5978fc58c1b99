"""The page on which what is personal in a view is covered, and shown again."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.models import Reviewer, SubmissionStatus
from submissions.redactions import COVER, KINDS
from submissions.review import decisions, reading, redacting
from submissions.review.access import Permission, PostedForm, require
from submissions.review.errors import DecisionRefused
from submissions.review.redacting import Mark
from submissions.review.reply_pages import field
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect

router = APIRouter(route_class=DeskRoute, include_in_schema=False)

ReviewerOfViews = Annotated[Principal, Depends(require(Permission.REVIEW_SUBMISSIONS))]


@router.get("/submissions/{reference}/redactions")
def show_redactions(request: Request, reference: str, principal: ReviewerOfViews) -> Response:
    with unit_of_work(read_only=True) as db:
        submission_id = reading.find_submission(db, principal, reference).id
    decisions.record_reading(principal, submission_id)  # the whole view stands here, uncovered
    return _page(request, principal, reference)


def _page(
    request: Request,
    principal: Principal,
    reference: str,
    refused: DecisionRefused | None = None,
    typed: Mark | None = None,
) -> Response:
    with unit_of_work(read_only=True) as db:
        submission = reading.find_submission(db, principal, reference)
        names = dict(db.execute(select(Reviewer.id, Reviewer.display_name)).all())
        held = redacting.held_redactions(db, submission)
        is_over = submission.status == SubmissionStatus.WITHDRAWN
        lines = [] if is_over else redacting.lines_of(submission, redacting.load(db, [submission.id]))
    return page(
        request,
        "redactions.html",
        principal,
        status_code=422 if refused else 200,
        submission=submission,
        lines=lines,
        held=held,
        names=names,
        kinds=KINDS,
        cover=COVER,
        typed=typed,
        refused=refused.problems if refused else [],
    )


@router.post("/submissions/{reference}/redactions")
def redact(request: Request, reference: str, principal: ReviewerOfViews, form: PostedForm) -> Response:
    mark = Mark(
        line=field(form, "line"),
        original=field(form, "original"),
        english=field(form, "english"),
        not_in_english=field(form, "not_in_english") == "yes",
        kind=field(form, "kind"),
        reason=field(form, "reason"),
    )
    try:
        redacting.redact(principal, reference, mark)
    except DecisionRefused as refused:
        return _page(request, principal, reference, refused, mark)
    return redirect(f"/desk/submissions/{reference}/redactions")


@router.post("/submissions/{reference}/redactions/{redaction_id}/take-back")
def take_back(
    request: Request, reference: str, redaction_id: uuid.UUID, principal: ReviewerOfViews
) -> Response:
    try:
        redacting.take_back(principal, reference, redaction_id)
    except DecisionRefused as refused:
        return _page(request, principal, reference, refused)
    return redirect(f"/desk/submissions/{reference}/redactions")
