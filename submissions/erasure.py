"""Erasing a view, and the words of one that was taken back: every row that holds them, and what hangs on it.

What lies outside the database (`submissions.forgetting`) is noted in the same commit and forgotten after it.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, text
from sqlalchemy.orm import Session

from submissions import audit, compacting, forgetting
from submissions.database import engine, is_postgresql, unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.forgetting import Gone
from submissions.models import (
    AuditEntry,
    Base,
    Conversation,
    Delivery,
    DemonstrationView,
    EarlierText,
    MediaFile,
    Message,
    Reply,
    SafeguardingCase,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    Transcript,
    ViewIndex,
    utc_now,
)
from submissions.quotations import find_quotations
from submissions.references import normalise_reference

logger = logging.getLogger(__name__)

# Tables about a submission that stay when its words go: what was done about danger, and that it was made up.
KEPT_WHEN_WITHDRAWN = {SafeguardingCase.__tablename__, DemonstrationView.__tablename__}
# The turn in which a resident takes a view back must be over before its messages go.
TURN_LIMIT = dt.timedelta(seconds=20)


@dataclass
class Erased:
    """How many rows went; what hangs on them (segments, translations, jobs, vectors) goes with them."""

    submissions: int = 0
    parts: int = 0
    messages: int = 0
    conversations: int = 0
    note_id: uuid.UUID | None = None  # of what must be forgotten outside the database

    def __str__(self) -> str:
        return (
            f"{self.submissions} submissions ({self.parts} parts), {self.messages} messages, "
            f"{self.conversations} conversations"
        )


def erase(reference: str, *, actor: str = audit.SYSTEM) -> str:
    """Removes a submission for good, with the messages it was made from, and says how much went.

    A message that another submission was made from too stays for that one, and a quotation of it in what the
    team wrote elsewhere, which is named. What could not be forgotten at
    once outside the database is said as well, and the worker goes on with it. Raises SubmissionNotFound.
    """
    normalised = normalise_reference(reference)
    with unit_of_work() as db:
        submission = db.scalars(
            select(Submission).where(Submission.reference == normalised).with_for_update()
        ).one_or_none()
        if normalised is None or submission is None:
            raise SubmissionNotFound(reference)
        quoted = find_quotations(db, submission.id)
        erased = erase_submission(db, submission, actor=actor)
    forget_on_disk()
    said = f"{normalised} erased: {erased}."
    if quoted:
        said += (
            " Its words are quoted, and stay until somebody removes them there: " + "; ".join(quoted) + "."
        )
    left = forgetting.run_due(only=erased.note_id) if erased.note_id is not None else []
    if left:
        said += " Not everything is forgotten yet, and it is tried again until it is: " + "; ".join(left)
    return said


def erase_submission(db: Session, submission: Submission, *, actor: str) -> Erased:
    """As `erase`, in the caller's unit of work."""
    erased = Erased(submissions=1, parts=len(submission.parts))
    _take_from_exports(db, submission)
    files = _files_of(db, submission)
    message_ids = _messages_of(db, submission)
    reply_ids = _replies_to(db, submission.id)
    conversation_id = submission.conversation_id
    # A draft of the same words would keep them.
    erased.submissions += _delete_drafts_with(db, submission.id, message_ids)
    submission_id = submission.id
    db.delete(submission)
    db.flush()
    _delete_what_was_written(db, conversation_id, message_ids, reply_ids, files, erased)
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


def erase_withdrawn_words(now: dt.datetime | None = None) -> int:
    """Empties the views that were taken back: their words, and all that was made of them; how many.

    What stays is the reference, the dates and that it was taken back. An urgent view waits until the
    outcome about the danger is recorded. One unit of work each; runs each minute.
    """
    at = now or utc_now()
    with unit_of_work(read_only=True) as db:
        ids = db.scalars(select(Submission.id).where(_has_words_to_erase(at))).all()
    count = 0
    for submission_id in ids:
        with unit_of_work() as db:
            submission = db.scalars(
                select(Submission)
                .where(Submission.id == submission_id, _has_words_to_erase(at))
                .with_for_update()
            ).one_or_none()
            if submission is not None:
                _erase_words(db, submission)
                count += 1
    if count:
        forget_on_disk()
    return count


def _has_words_to_erase(at: dt.datetime) -> ColumnElement[bool]:
    is_closed = exists().where(
        SafeguardingCase.submission_id == Submission.id, SafeguardingCase.closed_at.is_not(None)
    )
    is_being_answered = exists().where(
        Message.conversation_id == Submission.conversation_id,
        Message.handled_at.is_(None),
        Message.direction == "in",
    )
    return and_(
        Submission.status == SubmissionStatus.WITHDRAWN,
        Submission.withdrawn_at <= at - TURN_LIMIT,
        or_(
            exists().where(SubmissionPart.submission_id == Submission.id),
            exists().where(EarlierText.submission_id == Submission.id),
        ),
        or_(Submission.is_urgent.is_(False), is_closed),
        ~is_being_answered,
    )


def _erase_words(db: Session, submission: Submission) -> None:
    erased = Erased(parts=len(submission.parts))
    _take_from_exports(db, submission)
    files = _files_of(db, submission)
    message_ids = _messages_of(db, submission)
    reply_ids = _replies_to(db, submission.id)
    _delete_drafts_with(db, submission.id, message_ids)
    submission_id, conversation_id = submission.id, submission.conversation_id
    submission.source_language = submission.source_language_confidence = None
    db.flush()
    db.expire(submission)
    _delete_all_about(db, submission_id)
    _delete_what_was_written(db, conversation_id, message_ids, reply_ids, files, erased)
    audit.record(
        db,
        audit.SYSTEM,
        "submission.words_erased",
        "submission",
        submission_id,
        parts=erased.parts,
        messages=erased.messages,
    )


def _delete_all_about(db: Session, submission_id: uuid.UUID) -> None:
    """Deletes the rows of every table that belongs to a submission, those of future tables too."""
    for table in reversed(Base.metadata.sorted_tables):
        if table.name in KEPT_WHEN_WITHDRAWN:
            continue
        for key in table.foreign_keys:
            if key.column.table.name == Submission.__tablename__ and key.ondelete == "CASCADE":
                db.execute(delete(table).where(key.parent == submission_id))


def _take_from_exports(db: Session, submission: Submission) -> None:
    from submissions.exports import downloads  # it asks for jobs itself

    downloads.forget(db, submission.reference)


def _files_of(db: Session, submission: Submission) -> tuple[str, ...]:
    """What the team attached to a contribution it entered."""
    from submissions import session_files  # it asks for sessions, and they for submissions

    return session_files.stored_names_of(db, submission.id)


def _messages_of(db: Session, submission: Submission) -> list[uuid.UUID]:
    """The messages with its words: those of its parts, and of what they said before a correction."""
    earlier = db.scalars(
        select(EarlierText.message_id).where(
            EarlierText.submission_id == submission.id, EarlierText.message_id.is_not(None)
        )
    )
    ids = [part.message_id for part in submission.parts] + list(earlier)
    return [one for one in ids if one is not None]


def _replies_to(db: Session, submission_id: uuid.UUID) -> list[uuid.UUID]:
    """The messages in which the team answered: an answer often repeats what was said."""
    sent = select(Reply.message_id).where(Reply.submission_id == submission_id)
    return [one for one in db.scalars(sent) if one is not None]


def _replies_to_offers(db: Session, message_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """The messages in which the team answered an offer that was made in one of these."""
    sent = select(Reply.message_id).where(Reply.offer_id.in_(message_ids))
    return [one for one in db.scalars(sent) if one is not None]


def _delete_drafts_with(db: Session, submission_id: uuid.UUID, message_ids: Sequence[uuid.UUID]) -> int:
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


def _delete_what_was_written(
    db: Session,
    conversation_id: uuid.UUID | None,
    message_ids: Sequence[uuid.UUID],
    reply_ids: Sequence[uuid.UUID],
    files: tuple[str, ...],
    erased: Erased,
) -> None:
    """Deletes the messages nobody needs any more, notes what lies outside, and says so in `erased`."""
    unneeded = _messages_nobody_needs(db, message_ids)
    unneeded += [*reply_ids, *_replies_to_offers(db, unneeded)]
    gone = _gone(db, conversation_id, unneeded)
    gone = replace(gone, media_files=(*gone.media_files, *files))
    if unneeded:
        db.execute(delete(Message).where(Message.id.in_(unneeded)))
    erased.messages = len(unneeded)
    if conversation_id is not None:
        erased.conversations = _delete_conversation_without_words(db, conversation_id)
    note = forgetting.forget_later(db, gone)
    erased.note_id = note.id if note is not None else None


def _messages_nobody_needs(db: Session, message_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """The messages that only this view was made from, and whatever repeats their words.

    These are the recordings they were heard in, what was read back and previewed, and what was written
    before them in the same conversation and never sent, such as a first attempt.
    """
    needed = or_(
        exists().where(SubmissionPart.message_id == Message.id),
        exists().where(EarlierText.message_id == Message.id),
    )
    own = db.execute(
        select(Message.id, Message.conversation_id, Message.position).where(
            Message.id.in_(message_ids), ~needed
        )
    ).all()
    if not own:
        return []
    ids = {row.id for row in own}
    recordings = select(MediaFile.message_id).join(Transcript, Transcript.media_file_id == MediaFile.id)
    ids.update(db.scalars(recordings.where(Transcript.message_id.in_(ids))))
    for conversation_id in {row.conversation_id for row in own}:
        last = max(row.position for row in own if row.conversation_id == conversation_id)
        # Answers go by the foreign key; previews answer later messages, so they are found by key.
        repeats = or_(Message.message_key.like("preview%"), Message.message_key == "voice_note_heard")
        never_sent = and_(
            Message.direction == "in",
            Message.position < last,
            Message.handled_at.is_not(None),
            Message.original_text.is_not(None),
            ~needed,
            ~exists().where(MediaFile.message_id == Message.id),
        )
        ids.update(
            db.scalars(
                select(Message.id).where(Message.conversation_id == conversation_id, or_(repeats, never_sent))
            )
        )
    return list(ids)


def _gone(db: Session, conversation_id: uuid.UUID | None, message_ids: Iterable[uuid.UUID]) -> Gone:
    ids = list(message_ids)
    answers = db.scalars(select(Message.id).where(Message.in_reply_to_id.in_(ids))).all()
    every = [*ids, *answers]
    inbound = db.execute(
        select(Message.channel, Message.provider_message_id).where(
            Message.id.in_(ids), Message.provider_message_id.is_not(None)
        )
    ).all()
    at_carrier = [row.provider_message_id for row in inbound if row.channel in ("sms", "whatsapp")]
    outbound = db.scalars(
        select(Delivery.provider_message_id).where(
            Delivery.message_id.in_(every), Delivery.provider_message_id.is_not(None)
        )
    )
    files = db.scalars(
        select(MediaFile.stored_name).where(MediaFile.message_id.in_(ids), MediaFile.stored_name.is_not(None))
    )
    return Gone(
        conversation_id=str(conversation_id) if conversation_id is not None else None,
        client_message_ids=tuple(str(row.provider_message_id) for row in inbound),
        provider_message_ids=tuple(str(one) for one in [*at_carrier, *outbound]),
        media_files=tuple(str(name) for name in files),
    )


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


def delete_conversations(last_message_before: dt.datetime, *, dry_run: bool) -> int:
    """Deletes conversations that have been quiet since then, here and outside; how many.

    The views made from them stay: they keep their own copy of the words.
    """
    old = Conversation.last_message_at < last_message_before
    with unit_of_work(read_only=True) as db:
        if dry_run:
            return db.scalar(select(func.count()).select_from(Conversation).where(old)) or 0
        ids = db.scalars(select(Conversation.id).where(old)).all()
    count = 0
    for conversation_id in ids:  # one unit of work each: a long run must not hold up the residents
        with unit_of_work() as db:
            conversation = db.scalars(
                select(Conversation).where(Conversation.id == conversation_id, old).with_for_update()
            ).one_or_none()
            if conversation is None:
                continue
            messages = db.scalars(select(Message.id).where(Message.conversation_id == conversation_id)).all()
            forgetting.forget_later(db, _gone(db, conversation_id, messages))
            db.execute(delete(Conversation).where(Conversation.id == conversation_id))
            count += 1
    if count:
        with unit_of_work() as db:
            audit.record(db, audit.SYSTEM, "conversations.deleted", "conversation", "*", count=count)
    return count


def _was_erased_today() -> bool:
    """Whether anything was erased since the last night."""
    with unit_of_work(read_only=True) as db:
        return bool(
            db.scalar(
                select(
                    exists().where(
                        AuditEntry.action.in_(["submission.erased", "submission.words_erased"]),
                        AuditEntry.occurred_at > utc_now() - dt.timedelta(hours=25),
                    )
                )
            )
        )


def forget_on_disk(*, in_the_night: bool = False) -> None:
    """Takes what was deleted out of the database's own files, as far as it can be done in use.

    SQLite overwrites deleted rows itself; here its full-text index is merged and its log cut. PostgreSQL
    keeps deleted rows, and the words of its index, until tables are written anew: `compacting`.
    """
    bind = engine()
    if is_postgresql(bind):
        left = compacting.compact(bind)
        if in_the_night and ViewIndex.__tablename__ in left and _was_erased_today():
            compacting.compact_word_index(bind)
        return
    with unit_of_work() as db:
        # A deleted row only gets a mark in the index; merging its segments drops the words themselves.
        db.execute(text("INSERT INTO view_index_words(view_index_words) VALUES ('optimize')"))
    connection = bind.raw_connection()  # outside any transaction, which SQLAlchemy would begin
    try:
        busy, _, _ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    if busy:
        logger.warning("the database's log still holds deleted rows until its readers are done")
