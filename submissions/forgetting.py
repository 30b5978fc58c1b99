"""What must be forgotten outside the database once rows were erased: each store says how, and it is repeated
until every store has done it.

The note of it is written in the commit that erases the rows, so no crash loses it. `register_store` is called
by whoever keeps a copy somewhere else: the assistant's memory, files of the data folder, the carrier.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from submissions.database import unit_of_work
from submissions.errors import SubmissionError
from submissions.models import Forgetting, utc_now

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = (60, 60, 300, 900, 3600)  # the last one for ever: it is never given up
LEASE = dt.timedelta(minutes=5)  # one process at a time works on a note


@dataclass(frozen=True)
class Gone:
    """By what the stores outside know what was erased: ids and names of files, never words."""

    conversation_id: str | None = None
    # As the channel names them: of the resident's messages, and of ours at the carrier.
    client_message_ids: tuple[str, ...] = ()
    provider_message_ids: tuple[str, ...] = ()
    media_files: tuple[str, ...] = ()  # in the data folder's `media`

    def __bool__(self) -> bool:
        return self != Gone()


class NotYet(SubmissionError):
    """A store must not forget now, such as the assistant in the middle of a conversation; tried again."""


Forget = Callable[[Gone], None]
"""Forgets in one store; may be repeated. Whatever it raises is tried again later."""

_stores: dict[str, Forget] = {}


def register_store(name: str, forget: Forget) -> None:
    """From now on `forget` is asked of this store in this process; `name` is what people read."""
    _stores[name] = forget


def forget_later(db: Session, gone: Gone) -> Forgetting | None:
    """A note in the caller's unit of work; None when there is nothing outside to forget."""
    if not gone:
        return None
    note = Forgetting(id=uuid.uuid4(), gone=asdict(gone), done=[], attempts=0)
    db.add(note)
    db.flush()
    return note


@dataclass(frozen=True)
class Unfinished:
    """What still has to be forgotten; counts and names of stores only."""

    notes: int
    since: dt.datetime | None
    last_error: str | None

    def __bool__(self) -> bool:
        return self.notes > 0


def find_unfinished(db: Session, *, older_than: dt.timedelta = dt.timedelta()) -> Unfinished:
    """The notes that wait, the oldest first."""
    waiting = Forgetting.requested_at <= utc_now() - older_than
    notes, since = db.execute(select(func.count(), func.min(Forgetting.requested_at)).where(waiting)).one()
    error = db.scalars(
        select(Forgetting.last_error)
        .where(waiting, Forgetting.last_error.is_not(None))
        .order_by(Forgetting.requested_at)
        .limit(1)
    ).first()
    return Unfinished(notes, since, error)


def is_to_be_forgotten(db: Session, provider_message_id: str) -> bool:
    """Whether a message was erased here that the carrier may still have, so that it must not come back."""
    notes = db.scalars(select(Forgetting.gone))
    return any(provider_message_id in gone["provider_message_ids"] for gone in notes)


def run_due(*, now: dt.datetime | None = None, only: uuid.UUID | None = None) -> list[str]:
    """Lets the stores of this process forget what is due; a line for each that has not done it yet.

    A process in which no store is registered leaves everything to the worker.
    """
    if not _stores:
        return []
    at = now or utc_now()
    due = select(Forgetting.id).where(Forgetting.next_attempt_at <= at).order_by(Forgetting.requested_at)
    if only is not None:
        due = select(Forgetting.id).where(Forgetting.id == only)
    with unit_of_work(read_only=True) as db:
        ids = db.scalars(due).all()
    left: list[str] = []
    for note_id in ids:
        left += _work_on(note_id, at, even_if_not_due=only is not None)
    return left


def _read(values: dict[str, Any]) -> Gone:
    kept = dict(values)
    return Gone(kept.pop("conversation_id"), **{name: tuple(ids) for name, ids in kept.items()})


def _work_on(note_id: uuid.UUID, at: dt.datetime, *, even_if_not_due: bool) -> list[str]:
    with unit_of_work() as db:
        note = db.scalars(
            select(Forgetting).where(Forgetting.id == note_id).with_for_update(skip_locked=True)
        ).one_or_none()
        if note is None or (note.next_attempt_at > at and not even_if_not_due):
            return []
        note.next_attempt_at = at + LEASE
        gone = _read(note.gone)
        waiting = {name: forget for name, forget in _stores.items() if name not in note.done}
    done, failed = [], {}
    for name, forget in waiting.items():
        try:
            forget(gone)
        except Exception as error:  # noqa: BLE001  kept in the row, shown, and tried again
            failed[name] = str(error) if isinstance(error, NotYet) else type(error).__name__
            logger.warning("%s: not forgotten yet (%s)", name, type(error).__name__)
        else:
            done.append(name)
    with unit_of_work() as db:
        note = db.get(Forgetting, note_id, with_for_update=True)
        if note is None:
            return []
        note.done = sorted({*note.done, *done})
        if not failed:
            db.delete(note)
            return []
        note.attempts += 1
        wait = RETRY_AFTER_SECONDS[min(note.attempts, len(RETRY_AFTER_SECONDS)) - 1]
        note.next_attempt_at = at + dt.timedelta(seconds=wait)
        lines = [f"{name}: {reason}" for name, reason in failed.items()]
        note.last_error = "; ".join(lines)[:300]
    return lines
