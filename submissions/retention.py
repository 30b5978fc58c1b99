"""Retention: removes what has been kept for as long as commission.yml says, numbers first, then words.

The audit keeps that it happened, with counts and without words.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, and_, delete, func, select

from submissions import audit, forgetting, paper_forms, stakeholders
from submissions.addresses import forget_addresses
from submissions.commission import Retention, get_commission
from submissions.database import unit_of_work
from submissions.erasure import delete_conversations, erase_submission, forget_on_disk
from submissions.models import (
    AuditEntry,
    Base,
    DeliveryReceipt,
    DeskSession,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.settings import StoreSettings
from submissions.write_ahead import WriteAheadFile


def run_retention(*, dry_run: bool, now: dt.datetime | None = None) -> list[str]:
    """Deletes what has been kept for as long as commission.yml says; one line for each kind, with the count.

    With `dry_run` nothing changes and the lines say what would go.
    """
    days = get_commission().retention
    at = now or utc_now()
    done = "would go" if dry_run else "deleted"

    def before(count: int) -> dt.datetime:
        return at - dt.timedelta(days=count)

    steps: list[tuple[str, ColumnElement[bool]]] = [
        (
            f"drafts not sent for {days.unsent_views_days} days",
            and_(
                Submission.status == SubmissionStatus.DRAFT,
                Submission.created_at < before(days.unsent_views_days),
            ),
        ),
        (
            f"views taken back {days.withdrawn_views_days} days ago or earlier",
            and_(
                Submission.status == SubmissionStatus.WITHDRAWN,
                Submission.withdrawn_at <= before(days.withdrawn_views_days),
            ),
        ),
    ]
    if days.views_days is not None:
        steps.append(
            (
                f"views sent more than {days.views_days} days ago",
                Submission.submitted_at < before(days.views_days),
            )
        )
    lines = []
    for words, condition in steps:
        lines.append(f"{words}: {_erase_where(condition, dry_run=dry_run)} {done}")
    conversations = delete_conversations(before(days.conversations_days), dry_run=dry_run)
    lines.append(f"conversations quiet for {days.conversations_days} days: {conversations} {done}")
    addresses = forget_addresses(
        before(days.addresses_days), dry_run=dry_run, waiting_before=before(days.conversations_days)
    )
    lines.append(f"telephone numbers quiet for {days.addresses_days} days: {addresses} {done}")
    lines += _delete_what_nobody_needs(days, at, dry_run=dry_run)
    kept = get_commission().stakeholders.kept_days
    old = stakeholders.forget_old(at, dry_run=dry_run)
    lines.append(f"stakeholders without contact for {kept} days: {old} {done}")
    lines.append(f"paper forms not confirmed: {paper_forms.forget_unconfirmed(at, dry_run=dry_run)} {done}")
    if not dry_run:
        forget_on_disk(in_the_night=True)
        lines += forgetting.run_due(now=max(at, utc_now()))
    return lines


def _delete_what_nobody_needs(days: Retention, at: dt.datetime, *, dry_run: bool) -> list[str]:
    """What hangs on no view: receipts of the carrier, ended desk sessions, the audit, lines never read."""
    done = "would go" if dry_run else "deleted"
    old = at - dt.timedelta(days=days.conversations_days)
    steps: list[tuple[str, type[Base], ColumnElement[bool]]] = [
        ("receipts of the carrier as old", DeliveryReceipt, DeliveryReceipt.received_at < old),
        ("desk sessions that are over", DeskSession, DeskSession.expires_at < at - dt.timedelta(days=1)),
    ]
    if days.audit_days is not None:
        before = at - dt.timedelta(days=days.audit_days)
        words = f"entries of the audit older than {days.audit_days} days"
        steps.append((words, AuditEntry, AuditEntry.occurred_at < before))
    lines = []
    for words, model, condition in steps:
        with unit_of_work() as db:
            count = db.scalar(select(func.count()).select_from(model).where(condition)) or 0
            if not dry_run and count:
                db.execute(delete(model).where(condition))
        lines.append(f"{words}: {count} {done}")
    lines.append(f"files of lines that could not be read: {_delete_set_aside(days, dry_run=dry_run)} {done}")
    return lines


def _delete_set_aside(days: Retention, *, dry_run: bool) -> int:
    """Write-ahead records that were refused or torn, once nothing was added for as long as an unsent view."""
    count = 0
    for path in StoreSettings().data.glob("*.write-ahead.jsonl"):
        seconds = dt.timedelta(days=days.unsent_views_days).total_seconds()
        count += WriteAheadFile(path).remove_set_aside(older_than=seconds, dry_run=dry_run)
    return count


def _erase_where(condition: ColumnElement[bool], *, dry_run: bool) -> int:
    with unit_of_work(read_only=True) as db:
        ids = db.scalars(select(Submission.id).where(condition)).all()
    if dry_run:
        return len(ids)
    for submission_id in ids:  # one unit of work each: a long run must not hold up the residents
        with unit_of_work() as db:
            submission = db.scalars(
                select(Submission).where(Submission.id == submission_id, condition).with_for_update()
            ).one_or_none()
            if submission is not None:
                erase_submission(db, submission, actor=audit.SYSTEM)
    return len(ids)
