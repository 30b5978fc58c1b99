"""The desk's pages of stakeholders: the grid and the list, one of them with its contacts, and offers."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import erasure, evidence_sessions, offers, stakeholder_files, stakeholders
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import MessageNotFound, SubmissionNotFound
from submissions.evidence_sessions import NotAccepted
from submissions.models import ContactKind, Stakeholder, StakeholderKind
from submissions.review.access import Permission, PostedForm, require
from submissions.review.evidence_pages import exactly
from submissions.review.reply_pages import field, number
from submissions.review.sessions import Principal
from submissions.review.uploads import Upload, require_upload
from submissions.review.web import DeskRoute, page, redirect
from submissions.stakeholder_files import RowsNotAccepted
from submissions.stakeholders import AskedRecently, ChangedMeanwhile, Contact, Facts
from submissions.table_files import FileNotRead

router = APIRouter(prefix="/stakeholders", route_class=DeskRoute, include_in_schema=False)

Manager = Annotated[Principal, Depends(require(Permission.MANAGE_STAKEHOLDERS))]
Uploaded = Annotated[Upload, Depends(require_upload(Permission.MANAGE_STAKEHOLDERS))]
KINDS = {StakeholderKind.ORGANISATION: "Organisation", StakeholderKind.PERSON: "Person"}
CONTACT_KINDS = {
    ContactKind.ASKED: "We asked them for something",
    ContactKind.HEARD: "They told us something",
    ContactKind.NOTE: "A note",
}
NO_CONTACT = Contact(kind="", happened_on=None, team="", person="", about="")


@router.get("")
def show_stakeholders(request: Request, principal: Manager) -> Response:
    return _list_page(request, principal)


@router.get("/list.csv")
def export_stakeholders(principal: Manager) -> Response:
    with unit_of_work() as db:
        content = stakeholder_files.write(db, actor=principal.actor)
    headers = {"Content-Disposition": 'attachment; filename="stakeholders.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/import")
def import_stakeholders(request: Request, upload: Uploaded) -> Response:
    principal = upload.principal
    try:
        if not upload.content:
            raise FileNotRead("Choose a file.")
        with unit_of_work() as db:
            done = stakeholder_files.take_in(db, upload.content, actor=principal.actor)
    except FileNotRead as refused:
        return _list_page(request, principal, status_code=422, faults=[(0, refused.reason)])
    except RowsNotAccepted as refused:
        return _list_page(request, principal, status_code=422, faults=refused.faults)
    return _list_page(request, principal, imported=done)


@router.get("/new")
def show_new_stakeholder(request: Request, principal: Manager) -> Response:
    return _form_page(request, principal, Facts(name=""), offer=request.query_params.get("offer", ""))


@router.post("/new")
def add_stakeholder(request: Request, principal: Manager, form: PostedForm) -> Response:
    facts, offer = _facts(form), field(form, "offer")
    try:
        with unit_of_work() as db:
            made = stakeholders.add(db, facts, actor=principal.actor)
            if offer and not _accept(db, offer, made.id, principal):
                raise NotAccepted({"name": "Somebody has decided on this offer already."})
    except NotAccepted as refused:
        return _form_page(request, principal, facts, problems=refused.problems, offer=offer)
    return redirect(f"/desk/stakeholders/{made.id}")


def _accept(db: Any, offer: str, stakeholder_id: uuid.UUID, principal: Principal) -> bool:
    try:
        message_id = uuid.UUID(offer)
        return offers.decide(db, message_id, actor=principal.actor, stakeholder_id=stakeholder_id)
    except (ValueError, MessageNotFound):
        return False


@router.post("/offers/{message_id}")
def decide_offer(request: Request, message_id: uuid.UUID, principal: Manager, form: PostedForm) -> Response:
    """Declines it, or accepts it for a stakeholder who is known already."""
    chosen = field(form, "stakeholder")
    try:
        stakeholder_id = uuid.UUID(chosen) if chosen else None
        with unit_of_work() as db:
            if stakeholder_id is not None:
                stakeholders.find(db, stakeholder_id)
            is_first = offers.decide(db, message_id, actor=principal.actor, stakeholder_id=stakeholder_id)
    except (ValueError, MessageNotFound) as error:
        raise SubmissionNotFound(str(message_id)) from error
    if not is_first:
        return _list_page(
            request, principal, status_code=409, faults=[(0, "Somebody has decided on this offer already.")]
        )
    return redirect(f"/desk/stakeholders/{stakeholder_id}" if stakeholder_id else "/desk/stakeholders#offers")


@router.get("/{stakeholder_id}")
def show_stakeholder(request: Request, stakeholder_id: uuid.UUID, principal: Manager) -> Response:
    return _one_page(request, principal, stakeholder_id)


@router.get("/{stakeholder_id}/edit")
def show_edit_stakeholder(request: Request, stakeholder_id: uuid.UUID, principal: Manager) -> Response:
    with unit_of_work(read_only=True) as db:
        row = stakeholders.find(db, stakeholder_id)
        facts = stakeholders.facts_of(row)
    return _form_page(request, principal, facts, row=row, version=row.version)


@router.post("/{stakeholder_id}/edit")
def edit_stakeholder(
    request: Request, stakeholder_id: uuid.UUID, principal: Manager, form: PostedForm
) -> Response:
    facts, version = _facts(form), number(form, "version")
    with unit_of_work(read_only=True) as db:
        row = stakeholders.find(db, stakeholder_id)
    try:
        with unit_of_work() as db:
            stakeholders.change(db, stakeholder_id, facts, version=version, actor=principal.actor)
    except NotAccepted as refused:
        return _form_page(request, principal, facts, row=row, version=version, problems=refused.problems)
    except ChangedMeanwhile as conflict:
        # What was typed stays in the form; saving again is then a decision made knowing of the other.
        return _form_page(request, principal, facts, row=row, version=conflict.version, conflict=conflict)
    return redirect(f"/desk/stakeholders/{stakeholder_id}")


@router.post("/{stakeholder_id}/remove")
def remove_stakeholder(
    request: Request, stakeholder_id: uuid.UUID, principal: Manager, form: PostedForm
) -> Response:
    if field(form, "is_wanted") != "yes":
        problems = {"is_wanted": "Tick that all that is kept about them is to be removed."}
        return _one_page(request, principal, stakeholder_id, problems=problems)
    with unit_of_work() as db:
        stakeholders.forget(db, stakeholder_id, actor=principal.actor)
    erasure.forget_on_disk()
    return redirect("/desk/stakeholders")


@router.post("/{stakeholder_id}/contacts")
def note_contact(
    request: Request, stakeholder_id: uuid.UUID, principal: Manager, form: PostedForm
) -> Response:
    try:
        happened_on = dt.date.fromisoformat(field(form, "happened_on").strip()[:20])
    except ValueError:
        happened_on = None
    given = Contact(
        kind=field(form, "contact_kind"),
        happened_on=happened_on,
        team=field(form, "team").strip(),
        person=field(form, "person").strip(),
        about=exactly(form, "about").strip(),
        asked_again_because=exactly(form, "asked_again_because"),
    )
    try:
        with unit_of_work() as db:
            stakeholders.note_contact(db, stakeholder_id, given, actor=principal.actor)
    except NotAccepted as refused:
        return _one_page(request, principal, stakeholder_id, problems=refused.problems, typed=given)
    except AskedRecently as warning:
        return _one_page(request, principal, stakeholder_id, warning=warning, typed=given)
    return redirect(f"/desk/stakeholders/{stakeholder_id}#contacts")


@router.post("/{stakeholder_id}/links")
def link(request: Request, stakeholder_id: uuid.UUID, principal: Manager, form: PostedForm) -> Response:
    session, reference = field(form, "session"), field(form, "reference").strip()
    try:
        with unit_of_work() as db:
            if session:
                stakeholders.link_session(db, stakeholder_id, uuid.UUID(session), actor=principal.actor)
            if reference or not session:
                stakeholders.link_submission(db, stakeholder_id, reference, actor=principal.actor)
    except NotAccepted as refused:
        return _one_page(request, principal, stakeholder_id, problems=refused.problems)
    except ValueError as error:
        raise SubmissionNotFound(session[:40]) from error
    return redirect(f"/desk/stakeholders/{stakeholder_id}#links")


@router.post("/{stakeholder_id}/links/{other_id}/remove")
def unlink(stakeholder_id: uuid.UUID, other_id: uuid.UUID, principal: Manager) -> Response:
    with unit_of_work() as db:
        stakeholders.find(db, stakeholder_id)
        stakeholders.unlink(db, stakeholder_id, other_id, actor=principal.actor)
    return redirect(f"/desk/stakeholders/{stakeholder_id}#links")


def _list_page(request: Request, principal: Principal, *, status_code: int = 200, **values: Any) -> Response:
    with unit_of_work(read_only=True) as db:
        rows = stakeholders.list_all(db)
        asked = stakeholders.last_asked(db)
        new = offers.list_new(db)
    cells: dict[tuple[int, int], list[Stakeholder]] = {}
    for row in rows:
        cells.setdefault((row.influence, row.interest), []).append(row)
    return page(
        request,
        "stakeholders.html",
        principal,
        status_code=status_code,
        rows=rows,
        cells=cells,
        asked=asked,
        offers=new,
        twins=stakeholders.twins(rows),
        kinds=KINDS,
        **({"faults": [], "imported": None} | values),
    )


def _one_page(
    request: Request,
    principal: Principal,
    stakeholder_id: uuid.UUID,
    *,
    problems: dict[str, str] | None = None,
    warning: AskedRecently | None = None,
    typed: Contact = NO_CONTACT,
) -> Response:
    with unit_of_work(read_only=True) as db:
        row = stakeholders.find(db, stakeholder_id)
        values: dict[str, Any] = {
            "facts": stakeholders.facts_of(row),
            "contacts": stakeholders.contacts_of(db, stakeholder_id),
            "sessions": stakeholders.sessions_of(db, stakeholder_id),
            "views": stakeholders.submissions_of(db, stakeholder_id),
            "offered": offers.of_stakeholder(db, stakeholder_id),
            "all_sessions": [session for session, _ in evidence_sessions.list_sessions(db)],
            "recent": stakeholders.asked_recently(db, row, dt.datetime.now(dt.UTC).date()),
            "same_name": [
                one
                for group in stakeholders.twins(stakeholders.list_all(db))
                if row in group
                for one in group
            ],
        }
    return page(
        request,
        "stakeholder.html",
        principal,
        status_code=422 if problems else 409 if warning else 200,
        row=row,
        problems=problems or {},
        warning=warning,
        typed=typed,
        kinds=KINDS,
        contact_kinds=CONTACT_KINDS,
        days=get_commission().stakeholders.ask_again_after_days,
        **values,
    )


def _form_page(
    request: Request,
    principal: Principal,
    facts: Facts,
    *,
    row: Stakeholder | None = None,
    version: int = 0,
    problems: dict[str, str] | None = None,
    conflict: ChangedMeanwhile | None = None,
    offer: str = "",
) -> Response:
    return page(
        request,
        "stakeholder_form.html",
        principal,
        status_code=422 if problems else 409 if conflict else 200,
        facts=facts,
        row=row,
        version=version,
        problems=problems or {},
        conflict=conflict,
        offer=offer[:40],
        kinds=KINDS,
    )


def _facts(form: PostedForm) -> Facts:
    return Facts(
        name=" ".join(field(form, "name").split()),
        kind=field(form, "kind"),
        speaks_for=field(form, "speaks_for").strip(),
        interest=number(form, "interest"),
        influence=number(form, "influence"),
        manager=field(form, "manager").strip(),
        team=field(form, "team").strip(),
        contact=field(form, "contact").strip(),
        notes=exactly(form, "notes").strip(),
    )
