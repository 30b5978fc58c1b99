from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from submissions import database as db_module
from submissions import intake, jobs
from submissions.database import unit_of_work
from submissions.models import Job, JobKind, JobStatus, Submission, SubmissionStatus, utc_now
from tests.factories import make_view
from tests.submissions.threads import in_threads
from translations.errors import ModelNotLoaded


@pytest.fixture
def submission_id(database: str) -> uuid.UUID:
    conversation_id, message_ids = make_view(consented_at=utc_now())
    with unit_of_work() as db:
        return intake.make_draft(db, conversation_id, message_ids).id


def the_job() -> Job:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Job).where(Job.kind == JobKind.TRANSLATE)).one()


def change_job(**values: Any) -> None:
    with unit_of_work() as db:
        job = db.scalars(select(Job).where(Job.kind == JobKind.TRANSLATE)).one()
        for name, value in values.items():
            setattr(job, name, value)


class Handler:
    """Does what the test says, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.outcome: JobStatus | Exception = JobStatus.DONE
        self.meanwhile: Any = None
        monkeypatch.setattr(jobs, "_handler", lambda kind: self)

    def __call__(self, submission_id: uuid.UUID) -> JobStatus:
        self.calls += 1
        if self.meanwhile is not None:
            self.meanwhile()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Handler:
    return Handler(monkeypatch)


def test_a_job_runs_once_however_many_workers_are_woken(submission_id: uuid.UUID, handler: Handler) -> None:
    handler.meanwhile = lambda: time.sleep(0.05)
    in_threads(8, lambda _: jobs.run_job(the_job().id))
    assert handler.calls == 1
    job = the_job()
    assert (job.status, job.attempts, job.worker, job.last_error) == (JobStatus.DONE, 0, None, None)
    assert job.finished_at is not None


def test_an_error_is_kept_without_words_and_tried_again_later_until_it_has_failed(
    submission_id: uuid.UUID, handler: Handler
) -> None:
    handler.outcome = RuntimeError("palavras do residente")
    waits = []
    for attempt in range(1, jobs.MAXIMUM_ATTEMPTS + 1):
        jobs.run_job(the_job().id)
        job = the_job()
        assert job.attempts == attempt
        assert job.last_error == "RuntimeError"
        if job.status == JobStatus.QUEUED:
            waits.append(round((job.next_attempt_at - utc_now()).total_seconds()))
            jobs.run_job(job.id)  # not due yet: nothing happens
            assert the_job().attempts == attempt
            change_job(next_attempt_at=utc_now())
    assert waits == list(jobs.RETRY_AFTER_SECONDS)
    assert the_job().status == JobStatus.FAILED
    jobs.run_job(the_job().id)
    assert handler.calls == jobs.MAXIMUM_ATTEMPTS


def test_our_own_errors_keep_their_words(submission_id: uuid.UUID, handler: Handler) -> None:
    handler.outcome = ModelNotLoaded("argos pt-en 1.0", "file is damaged")
    jobs.run_job(the_job().id)
    assert the_job().last_error == "ModelNotLoaded: argos pt-en 1.0 could not be loaded: file is damaged"


def test_success_after_an_error_clears_it(submission_id: uuid.UUID, handler: Handler) -> None:
    handler.outcome = RuntimeError()
    jobs.run_job(the_job().id)
    handler.outcome = JobStatus.WAITING
    change_job(next_attempt_at=utc_now())
    jobs.run_job(the_job().id)
    job = the_job()
    assert (job.status, job.attempts, job.last_error) == (JobStatus.WAITING, 0, None)


def test_work_asked_for_while_it_runs_is_done_once_more(submission_id: uuid.UUID, handler: Handler) -> None:
    def ask_again() -> None:
        if handler.calls == 1:
            with unit_of_work() as db:
                jobs.request_job(db, submission_id, JobKind.TRANSLATE)

    handler.meanwhile = ask_again
    jobs.run_job(the_job().id)
    assert the_job().status == JobStatus.QUEUED
    assert jobs.run_due_jobs() == 1
    assert handler.calls == 2
    assert the_job().status == JobStatus.DONE


def test_a_job_of_a_worker_that_died_is_found_at_once(submission_id: uuid.UUID, handler: Handler) -> None:
    import socket
    import subprocess

    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    change_job(
        status=JobStatus.RUNNING,
        started_at=utc_now(),
        worker=f"{socket.gethostname()}:{gone.pid}",
        attempts=1,
    )
    assert jobs.sweep() == 1
    assert the_job().status == JobStatus.QUEUED
    jobs.run_due_jobs()
    assert the_job().status == JobStatus.DONE


@pytest.mark.parametrize(("minutes", "found"), [(14, 0), (16, 1)])
def test_a_job_of_another_machine_is_found_after_a_quarter_of_an_hour(
    submission_id: uuid.UUID, handler: Handler, minutes: int, found: int
) -> None:
    started_at = utc_now() - dt.timedelta(minutes=minutes)
    change_job(status=JobStatus.RUNNING, started_at=started_at, worker="elsewhere:1", attempts=1)
    assert jobs.sweep() == found


def test_a_job_that_kills_its_worker_every_time_fails_at_last(submission_id: uuid.UUID) -> None:
    change_job(status=JobStatus.RUNNING, started_at=None, attempts=jobs.MAXIMUM_ATTEMPTS)
    assert jobs.sweep() == 0
    job = the_job()
    assert (job.status, job.last_error) == (JobStatus.FAILED, "the worker stopped in the middle")


def test_a_worker_that_was_given_up_cannot_overwrite_what_the_next_one_does(
    submission_id: uuid.UUID, handler: Handler
) -> None:
    handler.meanwhile = lambda: change_job(
        status=JobStatus.RUNNING, started_at=utc_now() + dt.timedelta(seconds=1), worker="next:2"
    )
    jobs.run_job(the_job().id)
    job = the_job()
    assert (job.status, job.worker) == (JobStatus.RUNNING, "next:2")


def test_a_job_nobody_woke_is_found(submission_id: uuid.UUID) -> None:
    assert jobs.sweep() == 0  # it is due, but not for long
    change_job(next_attempt_at=utc_now() - dt.timedelta(minutes=1))
    assert jobs.sweep() == 1


def test_a_lost_queue_does_not_lose_the_request(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> jobs.Queue:
        raise OSError("disk full")

    monkeypatch.setattr(jobs, "get_queue", broken)
    conversation_id, message_ids = make_view()
    with unit_of_work() as db:
        intake.make_draft(db, conversation_id, message_ids)
    assert the_job().status == JobStatus.QUEUED
    assert "not woken (OSError)" in caplog.text


def test_workers_are_woken_when_the_rows_can_be_seen_and_not_when_they_were_rolled_back(
    submission_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[JobStatus | None] = []

    def look(job_id: uuid.UUID, kind: JobKind) -> None:
        with unit_of_work(read_only=True) as db:
            job = db.get(Job, job_id)
            woken.append(job and JobStatus(job.status))

    change_job(status=JobStatus.DONE)
    monkeypatch.setattr(jobs, "wake_by_id", look)
    with unit_of_work() as db:
        jobs.request_job(db, submission_id, JobKind.TRANSLATE)
        with db.begin_nested():  # a savepoint is no commit
            db.get_one(Submission, submission_id).is_urgent = True
        assert woken == []
    assert woken == [JobStatus.QUEUED]
    with pytest.raises(RuntimeError), unit_of_work() as db:  # noqa: PT012
        jobs.request_job(db, submission_id, JobKind.TRANSLATE)
        raise RuntimeError("rolled back")
    assert len(woken) == 1


def test_jobs_of_a_withdrawn_view_are_not_run(submission_id: uuid.UUID, handler: Handler) -> None:
    with unit_of_work() as db:
        db.get_one(Submission, submission_id).status = SubmissionStatus.WITHDRAWN
    jobs.run_job(the_job().id)
    assert (handler.calls, the_job().status) == (0, JobStatus.DONE)


def test_an_erased_submission_leaves_no_job_and_its_worker_ends_quietly(
    submission_id: uuid.UUID, handler: Handler
) -> None:
    def erase() -> None:
        with unit_of_work() as db:
            db.delete(db.get_one(Submission, submission_id))

    handler.meanwhile = erase
    jobs.run_job(the_job().id)
    with unit_of_work() as db:
        assert db.scalars(select(Job)).all() == []


def test_waiting_translations_of_a_language_are_queued_when_its_package_comes(
    submission_id: uuid.UUID,
) -> None:
    change_job(status=JobStatus.WAITING)
    assert jobs.requeue_waiting("ar") == 0
    assert jobs.requeue_waiting("pt") == 1
    assert the_job().status == JobStatus.QUEUED


def test_a_real_consumer_runs_what_is_requested(database: str, handler: Handler) -> None:
    consumer = jobs.make_consumer()
    for _, worker in consumer.worker_threads:
        worker.start()
    try:
        conversation_id, message_ids = make_view()
        with unit_of_work() as db:
            intake.make_draft(db, conversation_id, message_ids)
        waiting = threading.Event()
        for _ in range(300):
            if the_job().status == JobStatus.DONE:
                break
            waiting.wait(0.1)
        assert (the_job().status, handler.calls) == (JobStatus.DONE, 1)
    finally:
        consumer.stop_flag.set()
        for _, worker in consumer.worker_threads:
            worker.join()
        jobs.get_queue().huey.storage.close()


def test_translations_come_before_themes(database: str) -> None:
    conversation_id, message_ids = make_view(consented_at=utc_now())
    queue = jobs.get_queue().huey
    queue.flush()
    with unit_of_work() as db:
        submission = intake.submit(db, conversation_id, message_ids)[0]
        jobs.request_job(db, submission.id, JobKind.FIND_THEMES)
        translate = db.scalars(select(Job.id).where(Job.kind == JobKind.TRANSLATE)).one()
    jobs.wake_by_id(translate, JobKind.TRANSLATE)
    assert queue.dequeue().args == (str(translate),)
    queue.storage.close()


def test_the_queue_lies_beside_the_database_and_out_of_its_tables(database: str) -> None:
    jobs.get_queue().run_job(str(uuid.uuid4()))
    assert len(jobs.get_queue().huey) == 1
    with db_module.engine().connect() as connection:
        tables = db_module.engine().dialect.get_table_names(connection)
    assert "task" not in tables
    jobs.get_queue().huey.storage.close()
