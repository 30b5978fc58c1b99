"""What does not go by itself: failed jobs, views waiting for a translation, unanswered messages."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from submissions import audit, jobs
from submissions.database import unit_of_work
from submissions.forgetting import Unfinished, find_unfinished
from submissions.models import (
    Direction,
    Job,
    JobKind,
    JobStatus,
    Message,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.outbox import SendingProblems, find_sending_problems
from submissions.review.errors import DecisionRefused
from submissions.review.sessions import Principal

SHOWN_JOBS = 50
# A message is answered within a second; one that is older than this is stuck.
UNANSWERED_AFTER = dt.timedelta(minutes=2)
# What was erased is forgotten elsewhere within minutes, or when the conversation has been quiet for a while.
FORGOTTEN_AFTER = dt.timedelta(minutes=30)


@dataclass(frozen=True)
class WaitingLanguage:
    language: str | None
    submissions: int
    oldest_at: dt.datetime


@dataclass(frozen=True)
class FailedJob:
    id: uuid.UUID
    kind: str
    reference: str | None
    attempts: int
    last_error: str | None
    created_at: dt.datetime


@dataclass(frozen=True)
class Problems:
    waiting: list[WaitingLanguage]
    failed_jobs: Sequence[FailedJob]
    failed_job_count: int
    unanswered_messages: int
    oldest_unanswered_at: dt.datetime | None
    sending: SendingProblems
    forgetting: Unfinished

    @property
    def waiting_count(self) -> int:
        return sum(row.submissions for row in self.waiting)

    def __bool__(self) -> bool:
        return bool(
            self.waiting
            or self.failed_job_count
            or self.unanswered_messages
            or self.sending
            or self.forgetting
        )


def find_problems(db: Session) -> Problems:
    # Grouping by an expression: by the column itself, SQLite would walk its index through all submissions
    # instead of starting from the few jobs that wait.
    language = func.coalesce(Submission.source_language, "")
    waiting = db.execute(
        select(
            language,
            func.count(),
            func.min(Submission.submitted_at),
        )
        .join(Job, Job.submission_id == Submission.id)
        .where(
            Job.kind == JobKind.TRANSLATE,
            Job.status == JobStatus.WAITING,
            Submission.status.in_([SubmissionStatus.RECEIVED, SubmissionStatus.IN_REVIEW]),
            Submission.submitted_at.is_not(None),
        )
        .group_by(language)
    ).all()
    failed = (
        select(Job, Submission.reference)
        .join(Submission, Submission.id == Job.submission_id)
        .where(Job.status == JobStatus.FAILED)
    )
    failed_jobs = [
        FailedJob(job.id, job.kind, reference, job.attempts, job.last_error, job.created_at)
        for job, reference in db.execute(failed.order_by(Job.created_at.desc()).limit(SHOWN_JOBS)).all()
    ]
    unanswered, unanswered_since = db.execute(
        select(func.count(), func.min(Message.created_at)).where(
            Message.direction == Direction.INBOUND,
            Message.handled_at.is_(None),
            Message.created_at < utc_now() - UNANSWERED_AFTER,
        )
    ).one()
    return Problems(
        waiting=sorted(
            (
                WaitingLanguage(code or None, number, oldest)
                for code, number, oldest in waiting
                if oldest is not None
            ),
            key=lambda row: row.oldest_at,
        ),
        failed_jobs=failed_jobs,
        failed_job_count=db.scalar(select(func.count()).select_from(failed.subquery())) or 0,
        unanswered_messages=unanswered,
        oldest_unanswered_at=unanswered_since,
        sending=find_sending_problems(db),
        forgetting=find_unfinished(db, older_than=FORGOTTEN_AFTER),
    )


def retry_job(principal: Principal, job_id: uuid.UUID) -> None:
    """Puts a failed job back in the queue. Raises DecisionRefused when it is not there or has not failed."""
    with unit_of_work() as db:
        job = db.get(Job, job_id, with_for_update=True)
        if job is None or job.status != JobStatus.FAILED:
            raise DecisionRefused(["That job is no longer among the failed ones."])
        jobs.request_job(db, job.submission_id, JobKind(job.kind))
        audit.record(db, principal.actor, "job.retried", "submission", job.submission_id, job=job.kind)
