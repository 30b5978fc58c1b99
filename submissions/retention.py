"""Erasure and retention: removes every row that holds a view, and what has been kept for long enough.

The audit keeps that it happened, with counts and without words.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.addresses import forget_addresses
from submissions.commission import get_commission
from submissions.database import engine, is_postgresql, unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.models import (
    Conversation,
    Message,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    utc_now,
)
from submissions.references import normalise_reference

logger = logging.getLogger(__name__)


@dataclass
class Erased:
    """How many rows went; what hangs on them (segments, translations, jobs, vectors) goes with them."""

    submissions: int = 0
    parts: int = 0
    messages: int = 0
    conversations: int = 0

    def __str__(self) -> str:
        return (
            f"{self.submissions} submissions ({self.parts} parts), {self.messages} messages, "
            f"{self.conversations} conversations"
        )


def erase(reference: str, *, actor: str = audit.SYSTEM) -> str:
    """Removes a submission for good, with the messages it was made from, and says how much went.

    A message that another submission was made from too stays for that one. Raises SubmissionNotFound.
    """
    normalised = normalise_reference(reference)
    with unit_of_work() as db:
        submission = db.scalars(
            select(Submission).where(Submission.reference == normalised).with_for_update()
        ).one_or_none()
        if normalised is None or submission is None:
            raise SubmissionNotFound(reference)
        erased = erase_submission(db, submission, actor=actor)
    _forget_on_disk()
    return f"{normalised} erased: {erased}."


def erase_submission(db: Session, submission: Submission, *, actor: str) -> Erased:
    """As `erase`, in the caller's unit of work."""
    erased = Erased(submissions=1, parts=len(submission.parts))
    message_ids = [part.message_id for part in submission.parts if part.message_id is not None]
    conversation_id = submission.conversation_id
    # A draft of the same words would keep them.
    erased.submissions += _delete_drafts_with(db, submission.id, message_ids)
    submission_id = submission.id
    db.delete(submission)
    db.flush()
    erased.messages = _delete_messages_nobody_needs(db, message_ids)
    if conversation_id is not None:
        erased.conversations = _delete_conversation_without_words(db, conversation_id)
    audit.record(
        db,
        actor,
        "submission.erased",
        "submission",
        submission_id,
        parts=erased.parts,
        messages=erased.messages,
    )
    return erased


def _delete_drafts_with(db: Session, submission_id: uuid.UUID, message_ids: list[uuid.UUID]) -> int:
    drafts = db.scalars(
        select(Submission)
        .join(SubmissionPart, SubmissionPart.submission_id == Submission.id)
        .where(
            SubmissionPart.message_id.in_(message_ids),
            Submission.status == SubmissionStatus.DRAFT,
            Submission.id != submission_id,
        )
        .distinct()
    ).all()
    for draft in drafts:
        db.delete(draft)
    db.flush()
    return len(drafts)


def _delete_messages_nobody_needs(db: Session, message_ids: list[uuid.UUID]) -> int:
    """Deletes the messages, and the answers to them: a preview repeats the resident's words."""
    needed = exists().where(SubmissionPart.message_id == Message.id)
    unneeded = db.scalars(select(Message.id).where(Message.id.in_(message_ids), ~needed)).all()
    if not unneeded:
        return 0
    # Answers go by the foreign key; previews are answers to later messages, so they are found by their words.
    conversation_ids = select(Message.conversation_id).where(Message.id.in_(unneeded))
    previews = db.scalars(
        select(Message.id).where(
            Message.conversation_id.in_(conversation_ids), Message.message_key.like("preview%")
        )
    ).all()
    db.execute(delete(Message).where(Message.id.in_([*unneeded, *previews])))
    return len(unneeded) + len(previews)


def _delete_conversation_without_words(db: Session, conversation_id: uuid.UUID) -> int:
    """Deletes a conversation that has no inbound message with words and no submission any more."""
    still_needed = db.scalar(
        select(
            or_(
                exists().where(
                    Message.conversation_id == conversation_id,
                    Message.original_text.is_not(None),
                    Message.original_text != "",
                    Message.choice.is_(None),
                ),
                exists().where(Submission.conversation_id == conversation_id),
            )
        )
    )
    if still_needed:
        return 0
    db.execute(delete(Conversation).where(Conversation.id == conversation_id))
    return 1


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
    conversations = _delete_conversations(before(days.conversations_days), dry_run=dry_run)
    lines.append(f"conversations quiet for {days.conversations_days} days: {conversations} {done}")
    addresses = forget_addresses(before(days.addresses_days), dry_run=dry_run)
    lines.append(f"telephone numbers quiet for {days.addresses_days} days: {addresses} {done}")
    if not dry_run:
        _forget_on_disk()
    return lines


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


def _delete_conversations(last_message_before: dt.datetime, *, dry_run: bool) -> int:
    """The views made from them stay: they keep their own copy of the words."""
    old = Conversation.last_message_at < last_message_before
    with unit_of_work() as db:
        count = db.scalar(select(func.count()).select_from(Conversation).where(old)) or 0
        if not dry_run and count:
            db.execute(delete(Conversation).where(old))
            audit.record(db, audit.SYSTEM, "conversations.deleted", "conversation", "*", count=count)
    return count


def _forget_on_disk() -> None:
    """Takes what was deleted out of SQLite's log too; PostgreSQL's autovacuum does the like by itself."""
    bind = engine()
    if is_postgresql(bind):
        return
    connection = bind.raw_connection()  # outside any transaction, which SQLAlchemy would begin
    try:
        busy, _, _ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    if busy:
        logger.warning("the database's log still holds deleted rows until its readers are done")
