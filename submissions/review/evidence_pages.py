"""The desk's pages of evidence sessions: the list, one session with its contributions, and their forms."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import evidence_sessions, session_files, stakeholders
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.evidence_sessions import ChangedMeanwhile, Contribution, NotAccepted, SessionFacts
from submissions.models import EvidenceSession
from submissions.review.access import Permission, PostedForm, may, require
from submissions.review.fact_forms import date_of, fact_page, typed_date
from submissions.review.reply_pages import field, number
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page, redirect
from translations.languages import LANGUAGES

router = APIRouter(prefix="/evidence-sessions", route_class=DeskRoute, include_in_schema=False)

Reader = Annotated[Principal, Depends(require(Permission.READ_RECORD))]
Writer = Annotated[Principal, Depends(require(Permission.RECORD_CONTRIBUTIONS))]


FACTS = {
    "method": "method",
    "held_on": "date",
    "place": "place",
    "contributors": "who contributed",
    "lead": "lead",
    "attended_by": "commission members there",
    "note_taker": "note-taker",
    "interpreter": "interpreter",
    "notes": "the team's notes",
}


@router.get("")
def show_sessions(request: Request, principal: Reader) -> Response:
    with unit_of_work(read_only=True) as db:
        sessions = evidence_sessions.list_sessions(db)
    return page(
        request,
        "evidence_sessions.html",
        principal,
        sessions=sessions,
        may_write=may(principal, Permission.RECORD_CONTRIBUTIONS),
        ways=_ways(),
    )


@router.get("/new")
def show_new_session(request: Request, principal: Writer) -> Response:
    return _form_page(request, principal, SessionFacts(method="", held_on=None))


@router.post("/new")
def add_session(request: Request, principal: Writer, form: PostedForm) -> Response:
    facts = _facts(form)
    try:
        with unit_of_work() as db:
            session = evidence_sessions.add(db, facts, actor=principal.actor)
    except NotAccepted as refused:
        return _form_page(request, principal, facts, problems=refused.problems, typed_date=typed_date(form))
    return redirect(f"/desk/evidence-sessions/{session.id}")


@router.get("/{session_id}")
def show_session(request: Request, session_id: uuid.UUID, principal: Reader) -> Response:
    return session_page(request, principal, session_id)


@router.get("/{session_id}/edit")
def show_edit_session(request: Request, session_id: uuid.UUID, principal: Writer) -> Response:
    with unit_of_work(read_only=True) as db:
        session = evidence_sessions.find(db, session_id)
    return _form_page(request, principal, _facts_of(session), session_id=session_id, version=session.version)


@router.post("/{session_id}/edit")
def edit_session(request: Request, session_id: uuid.UUID, principal: Writer, form: PostedForm) -> Response:
    facts, version = _facts(form), number(form, "version")
    kept: dict[str, Any] = {"session_id": session_id, "typed_date": typed_date(form)}
    try:
        with unit_of_work() as db:
            evidence_sessions.change(db, session_id, facts, version=version, actor=principal.actor)
    except NotAccepted as refused:
        return _form_page(request, principal, facts, version=version, problems=refused.problems, **kept)
    except ChangedMeanwhile as conflict:
        # What was typed stays in the form; saving again is then a decision made knowing of the other.
        return _form_page(request, principal, facts, version=conflict.version, conflict=conflict, **kept)
    return redirect(f"/desk/evidence-sessions/{session_id}")


@router.post("/{session_id}/contributions")
def add_contribution(
    request: Request, session_id: uuid.UUID, principal: Writer, form: PostedForm
) -> Response:
    given = Contribution(
        text=exactly(form, "text"),
        language=field(form, "language"),
        english=exactly(form, "english"),
        contributor=field(form, "contributor").strip(),
        has_agreed=field(form, "has_agreed") == "yes",
        was_read_back=field(form, "was_read_back") == "yes",
    )
    try:
        with unit_of_work() as db:
            submission = evidence_sessions.add_contribution(
                db, session_id, given, actor=principal.actor, reviewer_id=principal.reviewer_id
            )
    except NotAccepted as refused:
        return session_page(request, principal, session_id, typed=given, problems=refused.problems)
    return redirect(f"/desk/evidence-sessions/{session_id}?added={submission.reference}")


def session_page(
    request: Request,
    principal: Principal,
    session_id: uuid.UUID,
    *,
    typed: Contribution | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    with unit_of_work(read_only=True) as db:
        session = evidence_sessions.find(db, session_id)
        contributions = evidence_sessions.contributions_of(db, session_id)
        files = session_files.list_files(db, session_id)
        changes = evidence_sessions.changes_of(db, session_id)
        known = stakeholders.of_session(db, session_id)
    added = request.query_params.get("added", "")
    return page(
        request,
        "evidence_session.html",
        principal,
        status_code=422 if problems else 200,
        session=session,
        contributions=contributions,
        files=files,
        changes=changes,
        known=known,
        facts=FACTS,
        ways=_ways(),
        may_write=may(principal, Permission.RECORD_CONTRIBUTIONS),
        typed=typed or Contribution(text="", language=""),
        problems=problems or {},
        languages=sorted(LANGUAGES.values(), key=lambda one: one.english_name),
        added=added if any(submission.reference == added for _, submission in contributions) else "",
        limit=evidence_sessions.TEXT_LIMIT,
    )


def _form_page(
    request: Request,
    principal: Principal,
    facts: SessionFacts,
    *,
    session_id: uuid.UUID | None = None,
    **typed: Any,
) -> Response:
    return fact_page(
        request,
        "evidence_session_form.html",
        principal,
        facts,
        session_id=session_id,
        ways=_ways(),
        members=[member.name for member in get_commission().members],
        **typed,
    )


def _ways() -> dict[str, str]:
    return {way.key: way.name for way in get_commission().ways_of_contributing}


def _facts_of(session: EvidenceSession) -> SessionFacts:
    return SessionFacts(
        method=session.method,
        held_on=session.held_on,
        place=session.place,
        contributors=list(session.contributors),
        lead=session.lead,
        attended_by=list(session.attended_by),
        note_taker=session.note_taker,
        interpreter=session.interpreter,
        notes=session.notes,
    )


def _facts(form: PostedForm) -> SessionFacts:
    lines = [line.strip() for line in exactly(form, "contributors").splitlines()]
    lead = field(form, "lead").strip()
    attended = [name for name in (form or {}).get("attended_by", []) if name]
    return SessionFacts(
        method=field(form, "method").strip(),
        held_on=date_of(form),
        place=field(form, "place").strip(),
        contributors=list(dict.fromkeys(line for line in lines if line)),
        lead=lead,
        attended_by=list(dict.fromkeys([*([lead] if lead else []), *attended])),
        note_taker=field(form, "note_taker").strip(),
        interpreter=field(form, "interpreter").strip(),
        notes=exactly(form, "notes"),
    )


def exactly(form: PostedForm, name: str) -> str:
    """As typed: a browser sends line ends as CR LF, which nobody typed."""
    return ((form or {}).get(name) or [""])[0].replace("\r\n", "\n")
