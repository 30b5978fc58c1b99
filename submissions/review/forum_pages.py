"""The desk's pages of open forums: the list, one forum with who came, and who was last texted what."""

from __future__ import annotations

import unicodedata
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import func, select

from submissions import audit
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.follow_ups import approval, attendee_files, attendees, forums, ledger
from submissions.follow_ups.attendees import AttendeeFacts
from submissions.follow_ups.errors import (
    ChangedMeanwhile,
    FileNotRead,
    NotAccepted,
    NumberNotUsable,
    RowsNotAccepted,
)
from submissions.follow_ups.forums import ForumFacts
from submissions.models import Forum, Submission, SubmissionStatus
from submissions.review.access import Permission, PostedForm, require
from submissions.review.fact_forms import date_of, fact_page, typed_date
from submissions.review.reply_pages import field, number
from submissions.review.sessions import Principal
from submissions.review.uploads import Upload, require_upload
from submissions.review.web import DeskRoute, page, redirect
from translations.languages import LANGUAGES

router = APIRouter(prefix="/forums", route_class=DeskRoute, include_in_schema=False)

Preparer = Annotated[Principal, Depends(require(Permission.PREPARE_FOLLOW_UPS))]
Uploaded = Annotated[Upload, Depends(require_upload(Permission.PREPARE_FOLLOW_UPS))]
FAULTS_SHOWN = 100


@router.get("")
def show_forums(request: Request, principal: Preparer) -> Response:
    with unit_of_work(read_only=True) as db:
        lines = forums.list_forums(db)
    return page(request, "forums.html", principal, lines=lines)


@router.get("/new")
def show_new_forum(request: Request, principal: Preparer) -> Response:
    return _form_page(request, principal, ForumFacts(name="", held_on=None))


@router.post("/new")
def add_forum(request: Request, principal: Preparer, form: PostedForm) -> Response:
    facts = _facts(form)
    try:
        with unit_of_work() as db:
            forum = forums.add(db, facts, actor=principal.actor)
    except NotAccepted as refused:
        return _form_page(request, principal, facts, problems=refused.problems, typed_date=typed_date(form))
    return redirect(f"/desk/forums/{forum.id}")


@router.get("/contacts")
def show_contacts(request: Request, principal: Preparer) -> Response:
    return _contacts_page(request, principal)


@router.post("/contacts")
def find_contacts(request: Request, principal: Preparer, form: PostedForm) -> Response:
    """Posted, since an address with a number in it would stand in logs."""
    phone = field(form, "phone").strip()
    if not phone:
        return redirect("/desk/forums/contacts")
    try:
        return _contacts_page(request, principal, phone=phone)
    except NumberNotUsable as error:
        return _contacts_page(request, principal, problem=error.reason)


def _contacts_page(
    request: Request, principal: Principal, *, phone: str | None = None, problem: str | None = None
) -> Response:
    with unit_of_work(read_only=True) as db:
        contacts = ledger.latest_contacts(db, phone)
    if phone is not None:
        with unit_of_work() as db:
            audit.record(db, principal.actor, "contacts.looked_up", "contacts", "*", count=len(contacts))
    return page(
        request,
        "contacts.html",
        principal,
        status_code=422 if problem else 200,
        contacts=contacts,
        is_search=phone is not None,
        problem=problem,
        limits=get_commission().follow_ups,
        shown=ledger.SHOWN,
    )


@router.get("/{forum_id}")
def show_forum(request: Request, forum_id: uuid.UUID, principal: Preparer) -> Response:
    return _forum_page(request, principal, forum_id)


@router.get("/{forum_id}/edit")
def show_edit_forum(request: Request, forum_id: uuid.UUID, principal: Preparer) -> Response:
    with unit_of_work(read_only=True) as db:
        forum = forums.find(db, forum_id)
    return _form_page(request, principal, _facts_of(forum), forum_id=forum_id, version=forum.version)


@router.post("/{forum_id}/edit")
def edit_forum(request: Request, forum_id: uuid.UUID, principal: Preparer, form: PostedForm) -> Response:
    facts, version = _facts(form), number(form, "version")
    kept: dict[str, Any] = {"forum_id": forum_id, "typed_date": typed_date(form)}
    try:
        with unit_of_work() as db:
            forums.change(db, forum_id, facts, version=version, actor=principal.actor)
    except NotAccepted as refused:
        return _form_page(request, principal, facts, version=version, problems=refused.problems, **kept)
    except ChangedMeanwhile as conflict:
        # What was typed stays in the form; saving again is then a decision made knowing of the other.
        return _form_page(request, principal, facts, version=conflict.version, conflict=conflict, **kept)
    return redirect(f"/desk/forums/{forum_id}")


@router.post("/{forum_id}/attendees")
def add_attendee(request: Request, forum_id: uuid.UUID, principal: Preparer, form: PostedForm) -> Response:
    typed_date = field(form, "consented_on").strip()
    consented_on, fault = attendee_files.read_date(typed_date)
    facts = AttendeeFacts(
        phone=field(form, "phone"),
        language=field(form, "language"),
        consented_on=consented_on,
        channel=field(form, "channel") or "sms",
    )
    try:
        with unit_of_work() as db:
            attendees.add_one(db, forum_id, facts, actor=principal.actor)
    except NotAccepted as refused:
        problems = refused.problems | ({"consented_on": fault} if fault else {})
        return _forum_page(
            request, principal, forum_id, problems=problems, typed=facts, typed_date=typed_date
        )
    return redirect(f"/desk/forums/{forum_id}?added=1#attendees")


@router.post("/{forum_id}/attendees/import")
def import_attendees(request: Request, forum_id: uuid.UUID, upload: Uploaded) -> Response:
    principal = upload.principal
    try:
        if not upload.content:
            raise FileNotRead("Choose a file.")
        rows = attendee_files.read_file(upload.content)
        with unit_of_work() as db:
            added = attendees.import_rows(db, forum_id, rows, actor=principal.actor)
    except FileNotRead as refused:
        return _forum_page(request, principal, forum_id, problems={"file": refused.reason})
    except RowsNotAccepted as refused:
        return _forum_page(request, principal, forum_id, rejected=refused)
    return redirect(f"/desk/forums/{forum_id}?added={added}#attendees")


@router.post("/{forum_id}/attendees/{attendee_id}/remove")
def remove_attendee(forum_id: uuid.UUID, attendee_id: uuid.UUID, principal: Preparer) -> Response:
    with unit_of_work() as db:
        attendees.remove(db, forum_id, attendee_id, actor=principal.actor)
    return redirect(f"/desk/forums/{forum_id}#attendees")


@router.post("/{forum_id}/follow-ups")
def add_follow_up(request: Request, forum_id: uuid.UUID, principal: Preparer, form: PostedForm) -> Response:
    name, budget = field(form, "name").strip(), field(form, "budget").strip()
    try:
        with unit_of_work() as db:
            follow_up = approval.add(db, forum_id, name, read_pounds(budget), actor=principal.actor)
    except NotAccepted as refused:
        typed = {"name": name, "budget": budget}
        return _forum_page(request, principal, forum_id, problems=refused.problems, typed_follow_up=typed)
    return redirect(f"/desk/follow-ups/{follow_up.id}")


def read_pounds(text: str) -> int | None:
    """Pence from "25", "25.50" or "£25.50"; None for anything else."""
    pounds, point, pence = text.strip().removeprefix("£").strip().partition(".")
    is_amount = pounds.isascii() and pounds.isdecimal() and len(pounds) <= 7
    if not is_amount or (point and not (pence.isascii() and pence.isdecimal() and len(pence) == 2)):
        return None
    return int(pounds) * 100 + int(pence or 0)


def _forum_page(
    request: Request,
    principal: Principal,
    forum_id: uuid.UUID,
    *,
    problems: dict[str, str] | None = None,
    rejected: RowsNotAccepted | None = None,
    typed: AttendeeFacts | None = None,
    typed_date: str = "",
    typed_follow_up: dict[str, str] | None = None,
) -> Response:
    with unit_of_work(read_only=True) as db:
        forum = forums.find(db, forum_id)
        people = attendees.list_attendees(db, forum_id)
        counts = attendees.count_by_language(db, forum_id)
        follow_ups = approval.list_of_forum(db, forum_id)
        views = db.scalar(
            select(func.count())
            .select_from(Submission)
            .where(
                Submission.forum_id == forum_id,
                Submission.status.not_in([SubmissionStatus.DRAFT, SubmissionStatus.WITHDRAWN]),
            )
        )
    added = request.query_params.get("added", "")
    return page(
        request,
        "forum.html",
        principal,
        status_code=422 if problems or rejected else 200,
        forum=forum,
        people=people,
        counts=counts,
        follow_ups=follow_ups,
        views=views or 0,
        problems=problems or {},
        rejected=rejected,
        faults_shown=FAULTS_SHOWN,
        typed=typed or AttendeeFacts("", "", None),
        typed_date=typed_date,
        typed_follow_up=typed_follow_up or {"name": "", "budget": ""},
        added=int(added) if added.isdecimal() and len(added) < 6 else 0,
        languages=_languages(),
        example=attendee_files.EXAMPLE,
    )


def _form_page(
    request: Request,
    principal: Principal,
    facts: ForumFacts,
    *,
    forum_id: uuid.UUID | None = None,
    **typed: Any,
) -> Response:
    return fact_page(
        request,
        "forum_form.html",
        principal,
        facts,
        forum_id=forum_id,
        languages=_languages(),
        name_limit=forums.NAME_LIMIT,
        **typed,
    )


def _languages() -> list[Any]:
    return sorted(LANGUAGES.values(), key=lambda one: one.english_name)


def _facts_of(forum: Forum) -> ForumFacts:
    return ForumFacts(forum.name, forum.held_on, forum.place, list(forum.languages), forum.code_word)


def _facts(form: PostedForm) -> ForumFacts:
    return ForumFacts(
        name=" ".join(field(form, "name").split()),
        held_on=date_of(form),
        place=field(form, "place").strip(),
        languages=[code for code in dict.fromkeys((form or {}).get("languages", [])) if code],
        code_word=_code_word(field(form, "code_word")),
    )


def _code_word(typed: str) -> str | None:
    """Latin letters in capitals, as posters have them; other scripts as they were typed."""
    word = unicodedata.normalize("NFKC", typed.strip())
    return (word.upper() if word.isascii() else word) or None
