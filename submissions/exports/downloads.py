"""Long exports: asked for on the desk, made by a worker, there to be fetched for a day, then deleted.

The row holds the truth and Huey wakes a worker, as for other jobs. A worker that dies leaves a row that the
sweep queues again; after MAXIMUM_ATTEMPTS it is shown as failed. Whatever removes or covers a resident's
words calls `forget`, so that no file keeps them.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
import uuid
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from submissions import audit, jobs
from submissions.database import unit_of_work
from submissions.errors import ExportNotFound, PdfNotAvailable, SubmissionError
from submissions.exports.contributions import is_approved_for, is_exported
from submissions.exports.kinds import KINDS, Kind, Tell, find_kind
from submissions.models import ExportJob, ExportState, Submission, utc_now
from submissions.settings import StoreSettings

logger = logging.getLogger(__name__)

FOLDER = "exports"
KEPT_FOR = dt.timedelta(days=1)
MAXIMUM_ATTEMPTS = 3
ABANDONED_AFTER = dt.timedelta(minutes=10)  # without a sign of life
SIGN_OF_LIFE_SECONDS = 2.0
_OPEN = (ExportState.QUEUED, ExportState.RUNNING)
_TOGETHER = 500  # references in one question to the database


class ExportOutdated(SubmissionError):
    """A view changed while the file was made; it is made anew."""


def folder() -> Path:
    return StoreSettings().data / FOLDER


def path_of(export_id: uuid.UUID) -> Path:
    """Where the finished file lies; the name says nothing."""
    return folder() / export_id.hex


def _draft_of(export: ExportJob) -> Path:
    # One for each attempt: a worker that was taken for dead does not touch the file of the next one.
    return folder() / f"{export.id.hex}.{export.started_at:%H%M%S%f}.part"


def request(kind: str, *, actor: str, theme_key: str = "") -> uuid.UUID:
    """The id of the file that is being made: one that was asked for already, or a new one.

    Raises ValueError for a kind that is not one of KINDS, or a briefing of no theme.
    """
    if find_kind(kind, theme_key) is None:
        raise ValueError(f"an export is one of {', '.join(KINDS)}, or the briefing of a theme")
    wanted = (ExportJob.kind == kind, ExportJob.theme_key == theme_key, ExportJob.state.in_(_OPEN))
    while True:
        with unit_of_work(read_only=True) as db:
            known = db.scalars(select(ExportJob.id).where(*wanted)).first()
        if known is not None:
            return known
        try:
            with unit_of_work() as db:
                export = ExportJob(id=uuid.uuid4(), kind=kind, theme_key=theme_key, requested_by=actor)
                db.add(export)
                db.flush()
                audit.record(db, actor, "export.requested", "export", export.id, **_of(export))
        except IntegrityError:
            continue  # somebody else asked at the same moment: theirs is there now, or is done already
        jobs.wake_export(export.id)
        return export.id


def _of(export: ExportJob) -> dict[str, str]:
    """What the audit says of the file."""
    return {"kind": export.kind} | ({"theme": export.theme_key} if export.theme_key else {})


def find(export_id: uuid.UUID) -> ExportJob:
    """Raises ExportNotFound, also when its day is over."""
    with unit_of_work(read_only=True) as db:
        export = db.get(ExportJob, export_id)
    if export is None or _is_over(export):
        raise ExportNotFound(export_id)
    return export


def find_all(*conditions: ColumnElement[bool]) -> list[ExportJob]:
    """Those whose day is not over, the newest first."""
    order = (ExportJob.requested_at.desc(), ExportJob.id)
    with unit_of_work(read_only=True) as db:
        rows = db.scalars(select(ExportJob).where(*conditions).order_by(*order)).all()
    return [export for export in rows if not _is_over(export)]


def _is_over(export: ExportJob) -> bool:
    return export.expires_at is not None and export.expires_at <= utc_now()


def open_file(export_id: uuid.UUID, *, actor: str) -> tuple[ExportJob, BinaryIO]:
    """The finished file, which the caller closes; the audit says who took it. Raises ExportNotFound."""
    with unit_of_work() as db:
        export = db.get(ExportJob, export_id, with_for_update=True)
        if export is None or export.state != ExportState.READY or _is_over(export):
            raise ExportNotFound(export_id)
        try:
            file = path_of(export_id).open("rb")
        except OSError as error:
            raise ExportNotFound(export_id) from error
        action = "document.downloaded" if export.theme_key else "views.exported"
        audit.record(db, actor, action, "export", export_id, count=export.views, **_of(export))
    return export, file


def delete(export_id: uuid.UUID, *, actor: str) -> None:
    """Deletes a file before its day is over; one that is being made is given up. Raises ExportNotFound."""
    with unit_of_work() as db:
        export = db.get(ExportJob, export_id, with_for_update=True)
        if export is None:
            raise ExportNotFound(export_id)
        path_of(export_id).unlink(missing_ok=True)
        db.delete(export)
        audit.record(db, actor, "export.deleted", "export", export_id, **_of(export))


def forget(db: Session, reference: str | None) -> int:
    """Deletes every file that holds this view, in the caller's unit of work; how many.

    To be called by whatever takes back, erases or redacts a view. Files that are being made are made again
    afterwards. A file goes at once: were the unit of work to fail, it would only have to be asked for again.
    """
    if reference is None:
        return 0
    count = 0
    rows = db.scalars(
        select(ExportJob)
        .where(ExportJob.state.in_([*_OPEN, ExportState.READY]))
        .order_by(ExportJob.id)
        .options(undefer(ExportJob.held))
        .with_for_update()
    ).all()
    for export in rows:
        export.requests += 1
        if export.state == ExportState.READY and reference in _unpack(export.held):
            path_of(export.id).unlink(missing_ok=True)
            export.state = ExportState.TAKEN_AWAY
            export.held = None
            count += 1
    return count


def run(export_id: uuid.UUID) -> None:
    """Makes the file of a row that is queued. A failure is kept in the row and never raised."""
    claimed = _claim(export_id)
    if claimed is None:
        return
    draft = _draft_of(claimed)
    try:
        references = _write(claimed, draft)
        _finish(claimed, draft, references)
    except ExportOutdated:
        _again(claimed)
    except PdfNotAvailable as error:  # nor will it be in five seconds
        logger.error("export %s (%s) failed: there is no Pango", export_id, claimed.kind)
        _fail(claimed, str(error), is_final=True)
    except Exception as error:  # noqa: BLE001  kept in the row, which the desk shows
        logger.error("export %s (%s) failed: %s", export_id, claimed.kind, type(error).__name__)
        # Only our own errors' words are known to carry nothing a resident wrote.
        _fail(claimed, str(error) if isinstance(error, SubmissionError) else type(error).__name__)
    finally:
        draft.unlink(missing_ok=True)


def _claim(export_id: uuid.UUID) -> ExportJob | None:
    with unit_of_work() as db:
        export = db.get(ExportJob, export_id, with_for_update=True)
        if export is None or export.state != ExportState.QUEUED:
            return None
        export.state = ExportState.RUNNING
        export.attempts += 1
        export.worker = jobs.worker_name()
        export.started_at = export.heard_at = utc_now()
        kind = find_kind(export.kind, export.theme_key)
        export.steps, export.steps_done = (_count_views(db, export) * kind.rounds if kind else 0), 0
        return export


def _count_views(db: Session, export: ExportJob) -> int:
    statement = select(func.count()).select_from(Submission).where(is_exported())
    if export.theme_key:
        statement = statement.where(is_approved_for(export.theme_key))
    return db.scalar(statement) or 0


def _kind_of(export: ExportJob) -> Kind:
    kind = find_kind(export.kind, export.theme_key)
    if kind is None:  # asked for before the program or the commission's themes were changed
        raise SubmissionError("there is no such file any more")
    return kind


def _write(claimed: ExportJob, draft: Path) -> set[str]:
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    references: set[str] = set()
    tell = _SignsOfLife(claimed)

    def seen(reference: str) -> None:
        references.add(reference)
        tell.step()

    # Residents' words: for the owner's eyes only.
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        _kind_of(claimed).write(file, Tell(seen, tell.step))
        file.flush()
        os.fsync(file.fileno())
    return references


class _SignsOfLife:
    """Says in the row now and then how far the file is; stops the work when the row is gone or changed."""

    def __init__(self, claimed: ExportJob) -> None:
        self.claimed = claimed
        self.steps = 0
        self.said_at = time.monotonic()

    def step(self, number: int = 1) -> None:
        self.steps += number
        if time.monotonic() - self.said_at < SIGN_OF_LIFE_SECONDS:
            return
        self.said_at = time.monotonic()
        with unit_of_work() as db:
            export = _still_ours(db, self.claimed)
            export.steps_done = min(self.steps, export.steps)
            export.heard_at = utc_now()


def _still_ours(db: Session, claimed: ExportJob) -> ExportJob:
    """The row, locked. Raises ExportOutdated when it changed hands, or a view it may hold has changed."""
    export = db.get(ExportJob, claimed.id, with_for_update=True)
    if (
        export is None
        or export.state != ExportState.RUNNING
        or export.started_at != claimed.started_at
        or export.requests != claimed.requests
    ):
        raise ExportOutdated
    return export


def _finish(claimed: ExportJob, draft: Path, references: set[str]) -> None:
    with unit_of_work() as db:
        export = _still_ours(db, claimed)
        # For a view taken back in the moment between the request and the first reading.
        if _count_exported(db, references) != len(references):
            raise ExportOutdated
        export.state = ExportState.READY
        export.steps_done = export.steps
        export.worker = export.last_error = None
        export.finished_at = utc_now()
        export.expires_at = export.finished_at + KEPT_FOR
        export.views = len(references)
        export.size_bytes = draft.stat().st_size
        export.held = _pack(references)
        draft.replace(path_of(claimed.id))


def _count_exported(db: Session, references: set[str]) -> int:
    every = sorted(references)
    return sum(
        db.scalar(
            select(func.count())
            .select_from(Submission)
            .where(is_exported(), Submission.reference.in_(every[start : start + _TOGETHER]))
        )
        or 0
        for start in range(0, len(every), _TOGETHER)
    )


def _again(claimed: ExportJob) -> None:
    """Queues it once more, unless it was deleted or another worker has it."""
    with unit_of_work() as db:
        export = db.get(ExportJob, claimed.id, with_for_update=True)
        if export is None or export.state != ExportState.RUNNING or export.started_at != claimed.started_at:
            return
        export.state = ExportState.QUEUED
        export.attempts, export.worker = 0, None
    jobs.wake_export(claimed.id)


def _fail(claimed: ExportJob, error: str, *, is_final: bool = False) -> None:
    with unit_of_work() as db:
        export = db.get(ExportJob, claimed.id, with_for_update=True)
        if export is None or export.started_at != claimed.started_at:
            return
        _retry_or_fail(export, error, is_final=is_final)
        is_queued = export.state == ExportState.QUEUED
    if is_queued:
        jobs.wake_export(claimed.id, delay_seconds=5)


def _retry_or_fail(export: ExportJob, error: str, *, is_final: bool = False) -> None:
    export.last_error = error[:300]
    export.worker = None
    if export.attempts < MAXIMUM_ATTEMPTS and not is_final:
        export.state = ExportState.QUEUED
        return
    export.state = ExportState.FAILED
    export.finished_at = utc_now()
    export.expires_at = export.finished_at + KEPT_FOR


def sweep(now: dt.datetime | None = None) -> int:
    """Queues again what a crash left, deletes what is a day old, and files without a row; how many in all."""
    at = now or utc_now()
    waiting: list[uuid.UUID] = []
    count = 0
    with unit_of_work() as db:
        rows = db.scalars(select(ExportJob).with_for_update(skip_locked=True)).all()
        for export in rows:
            if export.state == ExportState.RUNNING and _is_abandoned(export, at):
                _retry_or_fail(export, "the worker stopped in the middle")
                count += 1
            if export.state == ExportState.QUEUED:
                waiting.append(export.id)
            elif export.expires_at is not None and export.expires_at <= at:
                path_of(export.id).unlink(missing_ok=True)
                audit.record(db, audit.SYSTEM, "export.expired", "export", export.id, **_of(export))
                db.delete(export)
                count += 1
    for export_id in waiting:
        jobs.wake_export(export_id)
    return count + _delete_files_nobody_needs()


def _is_abandoned(export: ExportJob, now: dt.datetime) -> bool:
    if export.heard_at is None or export.heard_at <= now - ABANDONED_AFTER:
        return True
    return jobs.is_process_gone(export.worker)


def _delete_files_nobody_needs() -> int:
    if not folder().is_dir():
        return 0
    # Listed before the rows are read, so that a file made in between is not taken for a left one.
    files = list(folder().iterdir())
    with unit_of_work(read_only=True) as db:
        rows = db.execute(select(ExportJob.id, ExportJob.state)).all()
    ready = {one.hex for one, state in rows if state == ExportState.READY}
    running = {one.hex for one, state in rows if state == ExportState.RUNNING}
    left = [file for file in files if file.name not in ready and file.name.partition(".")[0] not in running]
    for file in left:
        file.unlink(missing_ok=True)
    return len(left)


def _pack(references: Iterable[str]) -> bytes:
    return zlib.compress("\n".join(sorted(references)).encode())


def _unpack(held: bytes | None) -> set[str]:
    return set(zlib.decompress(held).decode().split("\n")) if held else set()
