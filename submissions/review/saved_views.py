"""Lists that people come back to: the filters of an address under a name, for oneself or for all."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.models import Reviewer, SavedView
from submissions.review.errors import DecisionRefused
from submissions.review.filter_form import read_filters
from submissions.review.sessions import Principal

NAME_LIMIT = 80
QUERY_LIMIT = 2000
MOST_OF_ONE_PERSON = 50


@dataclass(frozen=True)
class Shown:
    """A saved view as one person sees it; `shared_by` is the name of its owner when that is somebody else."""

    view: SavedView
    is_mine: bool
    shared_by: str | None


def views_of(db: Session, principal: Principal) -> list[Shown]:
    """One's own by name, then those that others share."""
    rows = db.execute(
        select(SavedView, Reviewer.display_name)
        .join(Reviewer, Reviewer.id == SavedView.reviewer_id)
        .where(or_(SavedView.reviewer_id == principal.reviewer_id, SavedView.is_shared))
    ).all()
    shown = [
        Shown(view, view.reviewer_id == principal.reviewer_id, name)
        if view.reviewer_id != principal.reviewer_id
        else Shown(view, True, None)
        for view, name in rows
    ]
    return sorted(shown, key=lambda one: (not one.is_mine, one.view.name.casefold(), one.view.id))


def default_query(db: Session, principal: Principal) -> str | None:
    """The address's part on which the list opens for this person; None: as it is."""
    return db.scalar(
        select(SavedView.query)
        .where(SavedView.reviewer_id == principal.reviewer_id, SavedView.is_default)
        .limit(1)
    )


def save(principal: Principal, name: str, query: str, *, is_shared: bool, is_default: bool) -> None:
    """Keeps the filters of `query` under the name; one's own view of that name is replaced.

    Filters that cannot be are left out. Raises DecisionRefused.
    """
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > NAME_LIMIT:
        raise DecisionRefused([f"Give the list a name, in at most {NAME_LIMIT} characters."])
    if principal.reviewer_id is None:
        raise DecisionRefused(["Only a person keeps lists."])
    kept = urlencode(read_filters(dict(parse_qsl(query[:QUERY_LIMIT])), principal.reviewer_id).query)
    with unit_of_work() as db:
        # The owner's row is held meanwhile: two windows of theirs must not make two of one name.
        db.execute(select(Reviewer.id).where(Reviewer.id == principal.reviewer_id).with_for_update())
        own = db.scalars(select(SavedView).where(SavedView.reviewer_id == principal.reviewer_id)).all()
        view = next((one for one in own if one.name.casefold() == name.casefold()), None)
        if view is None:
            if len(own) >= MOST_OF_ONE_PERSON:
                raise DecisionRefused([f"You have {MOST_OF_ONE_PERSON} lists. Delete one first."])
            view = SavedView(id=uuid.uuid4(), reviewer_id=principal.reviewer_id, name=name, query=kept)
            db.add(view)
        view.query, view.is_shared = kept[:QUERY_LIMIT], is_shared
        db.flush()
        _set_default(db, principal, view.id if is_default else None, instead_of=view)
        _record(db, principal, "saved_view.saved", view)


def set_default(principal: Principal, view_id: uuid.UUID, *, is_default: bool) -> None:
    """The list opens on this view from now on, or no longer. Raises DecisionRefused."""
    with unit_of_work() as db:
        view = _own(db, principal, view_id)
        _set_default(db, principal, view.id if is_default else None, instead_of=view)
        _record(db, principal, "saved_view.default_set", view)


def delete(principal: Principal, view_id: uuid.UUID) -> None:
    """Raises DecisionRefused: only its owner deletes one."""
    with unit_of_work() as db:
        view = _own(db, principal, view_id)
        db.delete(view)
        _record(db, principal, "saved_view.deleted", view)


def _own(db: Session, principal: Principal, view_id: uuid.UUID) -> SavedView:
    view = db.get(SavedView, view_id, with_for_update=True)
    if view is None or view.reviewer_id != principal.reviewer_id:
        raise DecisionRefused(["That list is not there any more, or it is somebody else's."])
    return view


def _set_default(
    db: Session, principal: Principal, view_id: uuid.UUID | None, *, instead_of: SavedView
) -> None:
    others = SavedView.reviewer_id == principal.reviewer_id
    if view_id is None:
        others &= SavedView.id == instead_of.id
    db.execute(update(SavedView).where(others).values(is_default=False))
    if view_id is not None:
        db.execute(update(SavedView).where(SavedView.id == view_id).values(is_default=True))


def _record(db: Session, principal: Principal, action: str, view: SavedView) -> None:
    audit.record(db, principal.actor, action, "saved_view", view.id, is_shared=view.is_shared)
