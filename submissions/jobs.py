"""Background work: a row for each job holds the truth, and Huey wakes a worker for it.

A job may run twice (a crash, a sweep, a repeated request), so what it does must be idempotent. A failed one
is tried again with growing waits and is at last FAILED, which the desk shows.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huey import Huey, SqliteHuey, crontab
from huey.consumer import Consumer
from huey.contrib.sql_huey import SqlHuey
from peewee import PostgresqlDatabase
from sqlalchemy import URL, event, select, text
from sqlalchemy.orm import Session

from submissions import database
from submissions.database import unit_of_work
from submissions.errors import SubmissionError
from submissions.models import Job, JobKind, JobStatus, Submission, SubmissionStatus, utc_now
from translations.errors import TranslationError

logger = logging.getLogger(__name__)

MAXIMUM_ATTEMPTS = 6
# How long after a failed attempt the next one comes.
RETRY_AFTER_SECONDS = (5, 30, 120, 600, 3600)
# A job that has run for longer has lost its worker; one on this machine whose process is gone, at once.
ABANDONED_AFTER = dt.timedelta(minutes=15)
# A job due for longer than this was not woken, or its wake-up was lost.
OVERDUE_AFTER = dt.timedelta(seconds=30)
# Residents wait for the translation of their draft, so an idle worker looks often.
POLLING_SECONDS = 0.1
MAXIMUM_POLLING_SECONDS = 0.4

# A resident waits for the translation of a draft; nobody waits for themes.
PRIORITY: dict[JobKind | None, int] = {JobKind.TRANSLATE: 10, JobKind.TRANSLATE_REPLY: 10}

# What does the work of each kind: takes a submission's id, returns DONE or WAITING.
Handler = Callable[[uuid.UUID], JobStatus]

_TO_WAKE = "jobs to wake"  # in `Session.info`
_lock = threading.Lock()
_queues: dict[URL, Queue] = {}


def request_job(db: Session, submission_id: uuid.UUID, kind: JobKind) -> Job:
    """The job of this kind for the submission, queued; a worker is woken when the unit of work commits.

    There is one row for each kind. When it is running already, it will run once more after that.
    """
    job = db.scalars(
        select(Job)
        .where(Job.submission_id == submission_id, Job.kind == kind)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if job is None:
        job = Job(id=uuid.uuid4(), kind=kind, submission_id=submission_id, requests=1, attempts=0)
        job.status = JobStatus.QUEUED
        job.next_attempt_at = utc_now()
        db.add(job)
    else:
        job.requests += 1
        if job.status != JobStatus.RUNNING:
            job.status = JobStatus.QUEUED
            job.attempts = 0
            job.next_attempt_at = utc_now()
            job.finished_at = None
    db.flush()
    db.info.setdefault(_TO_WAKE, {})[job.id] = kind
    return job


@event.listens_for(Session, "after_commit")
def _wake_after_commit(db: Session) -> None:
    if db.in_nested_transaction():  # a savepoint: nobody else sees the rows yet
        return
    for job_id, kind in db.info.pop(_TO_WAKE, {}).items():
        wake_by_id(job_id, kind)


@event.listens_for(Session, "after_rollback")
def _forget_after_rollback(db: Session) -> None:
    db.info.pop(_TO_WAKE, None)


def wake(job: Job) -> None:
    """Lets a worker know that the job is due. The row must be committed."""
    wake_by_id(job.id, JobKind(job.kind))


def wake_by_id(job_id: uuid.UUID, kind: JobKind | None = None, delay_seconds: float = 0) -> None:
    """As `wake`, after so many seconds. Never raises: `sweep` finds a job whose wake-up was lost."""
    try:
        queue = get_queue()
        if delay_seconds > 0:
            queue.run_job.schedule((str(job_id),), delay=delay_seconds)
        else:
            queue.run_job(str(job_id), priority=PRIORITY.get(kind, 0))
    except Exception as error:  # noqa: BLE001  the row is kept, and the resident's answer must not fail for this
        logger.error("job %s not woken (%s); the sweep will find it", job_id, type(error).__name__)


def wake_export(export_id: uuid.UUID, delay_seconds: float = 0) -> None:
    """Lets a worker know of a file to be made, after everything a resident waits for. Never raises."""
    try:
        queue = get_queue()
        if delay_seconds > 0:
            queue.run_export.schedule((str(export_id),), delay=delay_seconds)
        else:
            queue.run_export(str(export_id), priority=-10)
    except Exception as error:  # noqa: BLE001  the row is kept, and the sweep finds it
        logger.error("export %s not woken (%s); the sweep will find it", export_id, type(error).__name__)


def wake_replies_to_offers() -> None:
    """Lets a worker know of a reply to an offer that waits for its translation. Never raises."""
    try:
        get_queue().replies_to_offers(priority=PRIORITY[JobKind.TRANSLATE_REPLY])
    except Exception as error:  # noqa: BLE001  the row is kept, and the sweep finds it
        logger.error("reply to an offer not woken (%s); the sweep will find it", type(error).__name__)


class Queue:
    """Huey with our tasks, stored beside the database it works for."""

    def __init__(self, address: URL) -> None:
        self.huey = _make_huey(address)
        self.run_job = self.huey.task(name="run_job")(run_job_by_name)
        self.run_export = self.huey.task(name="run_export")(run_export_by_name)
        self.replies_to_offers = self.huey.task(name="replies_to_offers")(_translate_replies_to_offers)
        self.sweep = self.huey.periodic_task(crontab(minute="*"), name="sweep")(sweep)
        self.rights = self.huey.periodic_task(crontab(minute="*"), name="rights")(_rights)
        self.retention = self.huey.periodic_task(crontab(hour="3", minute="17"), name="retention")(_retention)


def _make_huey(address: URL) -> Huey:
    """SQLite: a file `jobs.db` beside the database's. PostgreSQL: the schema `huey` of the same database."""
    if address.get_backend_name() == "sqlite":
        path = Path(str(address.database)).with_name("jobs.db")
        return SqliteHuey("ownwords", filename=str(path), results=False, fsync=False)
    with database.engine().begin() as connection:
        # Several processes may start at once, and CREATE SCHEMA IF NOT EXISTS is not safe against itself.
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": database.MIGRATION_LOCK_ID})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS huey"))
    arguments: dict[str, Any] = dict(address.query) | {
        "host": address.host,
        "port": address.port,
        "user": address.username,
        "password": address.password,
        "connect_timeout": database.POSTGRESQL_CONNECT_TIMEOUT_SECONDS,
        "options": "-c search_path=huey",
    }
    storage = PostgresqlDatabase(
        address.database,
        prefer_psycopg3=True,
        **{name: value for name, value in arguments.items() if value is not None},
    )
    return SqlHuey("ownwords", database=storage, results=False)


def get_queue() -> Queue:
    """The queue that belongs to the configured database."""
    address = database.engine().url
    with _lock:
        if address not in _queues:
            _queues[address] = Queue(address)
        return _queues[address]


def make_consumer(workers: int = 1) -> Consumer:
    """What runs the jobs of the configured database; `run()` it in the worker process.

    One worker thread by default: translation uses the processor fully, and SQLite has one writer.
    """
    return Consumer(
        get_queue().huey,
        workers=workers,
        initial_delay=POLLING_SECONDS,
        max_delay=MAXIMUM_POLLING_SECONDS,
        backoff=1.15,
        scheduler_interval=1,
    )


def run_job_by_name(job_id: str) -> None:
    """The Huey task; its argument is text, so that what is stored in the queue can be read."""
    run_job(uuid.UUID(job_id))


def run_export_by_name(export_id: str) -> None:
    """The Huey task that makes a file."""
    from submissions.exports.downloads import run  # it asks for jobs itself

    run(uuid.UUID(export_id))


def run_due_jobs() -> int:
    """Runs in this thread all jobs that are due, until none is; how many. For tests and `demo load`."""
    count = 0
    while True:
        with unit_of_work(read_only=True) as db:
            due = db.scalars(
                select(Job.id)
                .where(Job.status == JobStatus.QUEUED, Job.next_attempt_at <= utc_now())
                .order_by(Job.next_attempt_at)
            ).all()
        if not due:
            return count
        for job_id in due:
            run_job(job_id)
            count += 1


def run_job(job_id: uuid.UUID) -> None:
    """Runs a job that is due; nothing happens when it is not, or when another worker runs it.

    A failure is kept in the row and never raised.
    """
    claimed = _claim(job_id)
    if claimed is None:
        return
    try:
        outcome = _handler(JobKind(claimed.kind))(claimed.submission_id)
    except Exception as error:  # noqa: BLE001  kept in the row, which the desk shows
        delay = _record_failure(claimed, error)
        if delay is not None:
            wake_by_id(job_id, delay_seconds=delay)
        return
    if _record_success(claimed, outcome):
        wake_by_id(job_id)


def _handler(kind: JobKind) -> Handler:
    # Imported here because both ask for jobs themselves.
    from submissions.reply_jobs import translate_replies
    from submissions.themes import find_themes_of_submission
    from submissions.translation_jobs import translate_submission

    return {
        JobKind.TRANSLATE: translate_submission,
        JobKind.FIND_THEMES: find_themes_of_submission,
        JobKind.TRANSLATE_REPLY: translate_replies,
    }[kind]


def worker_name() -> str:
    """Who runs a job: this process, on this machine."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}"


def _claim(job_id: uuid.UUID) -> Job | None:
    with unit_of_work() as db:
        job = db.get(Job, job_id, with_for_update=True)
        if job is None or job.status != JobStatus.QUEUED or job.next_attempt_at > utc_now():
            return None
        submission = db.get_one(Submission, job.submission_id)
        if submission.status == SubmissionStatus.WITHDRAWN:
            job.status = JobStatus.DONE
            job.finished_at = utc_now()
            return None
        job.status = JobStatus.RUNNING
        job.attempts += 1
        job.started_at = utc_now()
        job.worker = worker_name()
        return job


def _still_ours(db: Session, claimed: Job) -> Job | None:
    """The row, locked, unless it was erased or swept and given to another worker."""
    job = db.get(Job, claimed.id, with_for_update=True)
    if job is None or job.status != JobStatus.RUNNING or job.started_at != claimed.started_at:
        return None
    return job


def _record_success(claimed: Job, outcome: JobStatus) -> bool:
    """True when it was asked for again while it ran, so that it must run once more."""
    with unit_of_work() as db:
        job = _still_ours(db, claimed)
        if job is None:
            return False
        job.last_error = None
        job.worker = None
        job.attempts = 0
        if job.requests != claimed.requests:
            job.status = JobStatus.QUEUED
            job.next_attempt_at = utc_now()
            return True
        job.status = outcome
        job.finished_at = utc_now()
        return False


def _record_failure(claimed: Job, error: Exception) -> int | None:
    """Seconds until the next attempt, or None when there is none."""
    logger.error(
        "job %s (%s) failed in attempt %d: %s", claimed.id, claimed.kind, claimed.attempts, _name(error)
    )
    with unit_of_work() as db:
        job = _still_ours(db, claimed)
        if job is None:
            return None
        job.last_error = _name(error)[:300]
        job.worker = None
        return _retry_or_fail(job)


def _retry_or_fail(job: Job) -> int | None:
    if job.attempts >= MAXIMUM_ATTEMPTS:
        job.status = JobStatus.FAILED
        job.finished_at = utc_now()
        return None
    delay = RETRY_AFTER_SECONDS[min(job.attempts, len(RETRY_AFTER_SECONDS)) - 1]
    job.status = JobStatus.QUEUED
    job.next_attempt_at = utc_now() + dt.timedelta(seconds=delay)
    return delay


def _name(error: Exception) -> str:
    """What failed. Only our own errors' words are known to carry nothing a resident wrote."""
    if isinstance(error, SubmissionError | TranslationError):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def sweep() -> int:
    """Puts right what a crash left: jobs whose worker is gone, and jobs that are due and that nobody woke.

    How many. Runs each minute and when a worker starts; any number of them may run at once.
    """
    found: list[uuid.UUID] = []
    now = utc_now()
    with unit_of_work() as db:
        running = select(Job).where(Job.status == JobStatus.RUNNING).with_for_update(skip_locked=True)
        for job in db.scalars(running):
            if not _is_abandoned(job, now):
                continue
            job.last_error = "the worker stopped in the middle"
            job.worker = None
            _retry_or_fail(job)
            if job.status == JobStatus.QUEUED:
                job.next_attempt_at = now
                found.append(job.id)
        overdue = select(Job.id).where(
            Job.status == JobStatus.QUEUED, Job.next_attempt_at <= now - OVERDUE_AFTER
        )
        found.extend(db.scalars(overdue).all())
    for job_id in found:
        wake_by_id(job_id)
    if found:
        logger.warning("sweep: %d jobs woken", len(found))
    _translate_what_can_be()
    _sweep_exports()
    _translate_replies_to_offers()
    return len(found)


def _translate_replies_to_offers() -> None:
    from submissions.reply_jobs import translate_replies_to_offers  # it needs an engine, which others do not

    translate_replies_to_offers()


def _sweep_exports() -> None:
    from submissions.exports import downloads  # it asks for jobs itself

    downloads.sweep()


def _translate_what_can_be() -> None:
    from submissions.package_watch import translate_what_can_be  # it asks for jobs itself

    translate_what_can_be()


def _is_abandoned(job: Job, now: dt.datetime) -> bool:
    if job.started_at is None or job.started_at <= now - ABANDONED_AFTER:
        return True
    return is_process_gone(job.worker)


def is_process_gone(worker: str | None) -> bool:
    """Whether a worker of this machine, as `worker_name` names it, is there no more."""
    host, _, process_id = (worker or "").rpartition(":")
    if host != socket.gethostname()[:60] or not process_id.isdigit():
        return False
    try:
        os.kill(int(process_id), 0)  # asks whether it is there; sends nothing
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def requeue_waiting(language: str | None = None) -> int:
    """Queues the translations that wait, of one source language or of all; how many.

    Called when a language package was installed.
    """
    with unit_of_work() as db:
        waiting = (
            select(Job.submission_id)
            .join(Submission, Submission.id == Job.submission_id)
            .where(Job.kind == JobKind.TRANSLATE, Job.status == JobStatus.WAITING)
        )
        if language is not None:
            waiting = waiting.where(Submission.source_language == language)
        submission_ids = db.scalars(waiting).all()
        for submission_id in submission_ids:
            request_job(db, submission_id, JobKind.TRANSLATE)
    return len(submission_ids)


def _retention() -> None:
    from submissions.retention import run_retention

    for line in run_retention(dry_run=False):
        logger.info("retention: %s", line)


def _rights() -> None:
    """Each minute: what residents took back is emptied, and forgotten wherever else it is kept."""
    from submissions import forgetting
    from submissions.erasure import erase_withdrawn_words

    erase_withdrawn_words()
    forgetting.run_due()
