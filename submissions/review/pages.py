"""The desk's pages: the list, one submission, problems. `sign_in_pages` holds the door."""

from __future__ import annotations

import uuid
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions.database import unit_of_work
from submissions.models import SubmissionStatus, ThemeDecision
from submissions.review import (
    account_pages,
    assigning,
    audit_pages,
    blind_coding,
    briefing_pages,
    deciding_pages,
    decisions,
    export_pages,
    hearing,
    interpreter_pages,
    openid_pages,
    overview_pages,
    problems,
    queue,
    reading,
    recording_pages,
    register,
    rows,
    safeguarding,
    saved_views,
    second_factor_pages,
    sign_in_pages,
)
from submissions.review.access import Permission, PostedForm, home_of, may, public_route, require, signed_in
from submissions.review.coding import CodingChanges
from submissions.review.decisions import Changes, Correction
from submissions.review.errors import DecisionRefused, VersionConflict
from submissions.review.filter_form import FilterForm, read_filters
from submissions.review.sessions import Principal
from submissions.review.web import CONTENT_SECURITY_POLICY, DeskRoute, page, redirect, static_file
from translations.languages import LANGUAGES

router = APIRouter(prefix="/desk", route_class=DeskRoute, include_in_schema=False)
router.include_router(sign_in_pages.router)
router.include_router(second_factor_pages.router)
router.include_router(openid_pages.router)
router.include_router(account_pages.router)
router.include_router(audit_pages.router)
router.include_router(interpreter_pages.router)
router.include_router(deciding_pages.router)
router.include_router(overview_pages.router)
router.include_router(recording_pages.router)
router.include_router(briefing_pages.router)
router.include_router(export_pages.router)

SignedIn = Annotated[Principal, Depends(signed_in)]
Reader = Annotated[Principal, Depends(require(Permission.READ_SUBMISSIONS))]
ReaderOfRecord = Annotated[Principal, Depends(require(Permission.READ_RECORD))]
Corrector = Annotated[Principal, Depends(require(Permission.CORRECT_TRANSLATIONS))]
ReviewerOfViews = Annotated[Principal, Depends(require(Permission.REVIEW_SUBMISSIONS))]
CoderOfThemes = Annotated[Principal, Depends(require(Permission.CODE_THEMES))]
JobManager = Annotated[Principal, Depends(require(Permission.MANAGE_JOBS))]


@router.get("/static/{name}", dependencies=[Depends(public_route)])
def show_static_file(name: str) -> Response:
    return static_file(name)


@router.get("")
def show_queue(request: Request, principal: SignedIn) -> Response:
    if not may(principal, Permission.READ_SUBMISSIONS):
        return redirect(home_of(principal))
    form = read_filters(request.query_params, principal.reviewer_id)
    after = _position(request, "after")
    before = _position(request, "before")
    with unit_of_work(read_only=True) as db:
        if not request.query_params and (query := saved_views.default_query(db, principal)):
            return redirect(f"/desk?{query}")
        filters = safeguarding.without_urgent(db, form.filters)
        found = queue.find_page(db, principal, filters, after=after, before=before)
        submissions = queue.fetch(db, found.ids)
        number, is_more = queue.count(db, principal, filters, found)
        values: dict[str, Any] = {
            "rows": rows.describe(db, submissions, without_themes=blind_coding.views(db, principal)),
            "counts": queue.count_by_status(db, principal),
            "problems": problems.find_problems(db),
            "danger": safeguarding.count_open(db, principal)
            if may(principal, Permission.HANDLE_SAFEGUARDING)
            else (0, 0),
            "lead": safeguarding.current_lead(db),
            "may_handle": safeguarding.may_handle(db, principal),
            "share": register.share_unread(db, principal),
            "people": assigning.people(db),
            "forums": queue.forums(db),
            "saved": saved_views.views_of(db, principal),
        }
    return page(
        request,
        "queue.html",
        principal,
        form=form,
        found=found,
        number=number,
        is_more=is_more,
        languages=LANGUAGES,
        may_review=may(principal, Permission.REVIEW_SUBMISSIONS),
        may_read_record=may(principal, Permission.READ_RECORD),
        **values,
    )


def _position(request: Request, name: str) -> queue.Position | None:
    cursor = request.query_params.get(name)
    return queue.Position.decode(cursor) if cursor else None


@router.get("/submissions/{reference}")
def show_submission(request: Request, reference: str, principal: Reader) -> Response:
    return _submission_page(request, reference, principal, is_reading=True)


def _submission_page(
    request: Request,
    reference: str,
    principal: Principal,
    *,
    is_reading: bool = False,
    refused: DecisionRefused | None = None,
    typed: dict[str, list[str]] | None = None,
) -> Response:
    """The page of one submission; `typed` are the fields of a form that was refused, to be shown again."""
    form = read_filters(request.query_params, principal.reviewer_id)
    with unit_of_work(read_only=True) as db:
        view = reading.read(db, principal, reference)
        people, holder = assigning.people(db), assigning.holder_of(db, view.submission.id)
        heard = hearing.of_conversation(db, principal, view.submission.conversation_id)
        before, after = queue.find_neighbours(
            db, principal, safeguarding.without_urgent(db, form.filters), view.submission
        )
    if is_reading:
        decisions.record_reading(principal, view.submission.id)
    may_read_record = may(principal, Permission.READ_RECORD)
    answer = page(
        request,
        "submission.html",
        principal,
        status_code=422 if refused else 200,
        view=view,
        submission=view.submission,
        form=form,
        before=before,
        after=after,
        people=people,
        holder=holder,
        languages=LANGUAGES,
        may_correct=may(principal, Permission.CORRECT_TRANSLATIONS),
        may_review=may(principal, Permission.REVIEW_SUBMISSIONS),
        may_code=may(principal, Permission.CODE_THEMES),
        may_read_record=may_read_record,
        # Here the words are covered, so the recording that says them is not offered.
        may_play=may_read_record and heard.is_heard and not heard.is_redacted,
        is_heard_elsewhere=may_read_record and heard.is_heard and heard.is_redacted,
        refused=refused.problems if refused else [],
        typed={name: values[0] for name, values in (typed or {}).items()},
        refused_segment=str(request.path_params.get("segment_id", "")),
    )
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; media-src 'self'"
    return answer


@router.post("/submissions/{reference}/sentences/{segment_id}")
def correct_sentence(
    request: Request, reference: str, segment_id: uuid.UUID, principal: Corrector, form: PostedForm
) -> Response:
    """Corrects the English of a sentence, or confirms it when the button "confirm" was pressed."""
    if _field(form, "decision") == "confirm":
        changes = Changes(confirmed_segments=[segment_id])
    else:
        changes = Changes(corrections=[Correction(segment_id, _field(form, "text"), _field(form, "reason"))])
    return _decide(request, reference, principal, form, changes, anchor=f"sentence-{segment_id}")


@router.post("/submissions/{reference}/themes")
def decide_themes(request: Request, reference: str, principal: ReviewerOfViews, form: PostedForm) -> Response:
    themes: dict[str, ThemeDecision | None] = {}
    for name, values in (form or {}).items():
        if name.startswith("theme."):
            is_decided = values[0] in list(ThemeDecision)
            themes[name.removeprefix("theme.")] = ThemeDecision(values[0]) if is_decided else None
    return _decide(request, reference, principal, form, Changes(themes=themes), anchor="themes")


@router.post("/submissions/{reference}/sub-codes")
def choose_sub_codes(
    request: Request, reference: str, principal: CoderOfThemes, form: PostedForm
) -> Response:
    """Replaces the sub-codes of the themes that the form names in `of.<theme>`."""
    sub_codes: dict[str, list[str]] = {
        name.removeprefix("of."): [] for name in form or {} if name.startswith("of.")
    }
    for name in form or {}:
        theme, _, code = name.removeprefix("code.").partition(".")
        if name.startswith("code.") and theme in sub_codes:
            sub_codes[theme].append(code)
    changes = Changes(coding=CodingChanges(sub_codes=sub_codes))
    return _decide(request, reference, principal, form, changes, anchor="sub-codes")


@router.post("/submissions/{reference}/evidence/{segment_id}")
def mark_evidence(
    request: Request, reference: str, segment_id: uuid.UUID, principal: CoderOfThemes, form: PostedForm
) -> Response:
    """Marks a sentence for the themes ticked, and takes the marks of all others away."""
    marked = [name.removeprefix("evidence.") for name in form or {} if name.startswith("evidence.")]
    changes = Changes(coding=CodingChanges(evidence={segment_id: marked}))
    return _decide(request, reference, principal, form, changes, anchor=f"sentence-{segment_id}")


@router.post("/submissions/{reference}/language")
def set_language(request: Request, reference: str, principal: ReviewerOfViews, form: PostedForm) -> Response:
    changes = Changes(source_language=_field(form, "language"))
    return _decide(request, reference, principal, form, changes, anchor="view")


@router.post("/submissions/{reference}/status")
def set_status(request: Request, reference: str, principal: ReviewerOfViews, form: PostedForm) -> Response:
    status = _field(form, "status")
    if status not in (SubmissionStatus.IN_REVIEW, SubmissionStatus.APPROVED):
        return _submission_page(
            request, reference, principal, refused=DecisionRefused(["Choose what to do with this view."])
        )
    changes = Changes(
        status=SubmissionStatus(status), approved_fingerprint=_field(form, "fingerprint") or None
    )
    return _decide(request, reference, principal, form, changes, anchor="")


def _field(form: dict[str, list[str]] | None, name: str) -> str:
    return ((form or {}).get(name) or [""])[0]


def _decide(
    request: Request,
    reference: str,
    principal: Principal,
    form: dict[str, list[str]] | None,
    changes: Changes,
    *,
    anchor: str,
) -> Response:
    version = _field(form, "version")
    try:
        # No version reads as one that never was, so it is shown as a conflict and changes nothing.
        decisions.apply_changes(principal, reference, int(version) if version.isdecimal() else 0, changes)
    except DecisionRefused as refused:
        return _submission_page(request, reference, principal, refused=refused, typed=form)
    except VersionConflict as conflict:
        return _conflict_page(request, principal, form, conflict)
    return redirect(_submission_url(request, reference) + (f"#{anchor}" if anchor else ""))


def _submission_url(request: Request, reference: str) -> str:
    query = urlencode(read_filters(request.query_params).query)
    return f"/desk/submissions/{reference}" + (f"?{query}" if query else "")


# Of a form that is sent again after a conflict: what belongs to the state that was read first.
_OUTDATED = ("csrf_token", "version", "fingerprint")


def _conflict_page(
    request: Request, principal: Principal, form: dict[str, list[str]] | None, conflict: VersionConflict
) -> Response:
    """Shows what the other person did beside what this one typed, which can then be sent again."""
    with unit_of_work(read_only=True) as db:
        view = reading.read(db, principal, conflict.reference)
    meanwhile = [
        entry for entry in view.history if int(entry.details.get("version") or 0) > conflict.expected
    ]
    segment_id = str(request.path_params.get("segment_id", ""))
    sentence = next(
        (s for part in view.parts for s in part.sentences if str(s.segment_id) == segment_id), None
    )
    typed = {name: values[0] for name, values in (form or {}).items() if name not in _OUTDATED}
    return page(
        request,
        "conflict.html",
        principal,
        status_code=409,
        view=view,
        submission=view.submission,
        meanwhile=meanwhile,
        sentence=sentence,
        typed=typed,
        action=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        back=_submission_url(request, conflict.reference),
    )


@router.get("/problems")
def show_problems(request: Request, principal: ReaderOfRecord) -> Response:
    with unit_of_work(read_only=True) as db:
        found = problems.find_problems(db)
    return page(
        request,
        "problems.html",
        principal,
        problems=found,
        may_retry=may(principal, Permission.MANAGE_JOBS),
        form=FilterForm.empty(),
    )


@router.post("/problems/jobs/{job_id}/retry")
def retry_job(request: Request, job_id: uuid.UUID, principal: JobManager) -> Response:
    try:
        problems.retry_job(principal, job_id)
    except DecisionRefused:
        # Somebody else retried it, or it went through: the page shows how things stand now.
        return redirect("/desk/problems?gone=1")
    return redirect("/desk/problems")
