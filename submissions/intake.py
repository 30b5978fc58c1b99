"""Submissions, built from stored messages by their ids: drafted, sent, added to, withdrawn, asked about.

What the assistant saw is never used: it may trim or change a text. Each function works inside the caller's
unit of work, and each may be repeated: the same message ids are the same submission.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from submissions import audit, conversations, jobs
from submissions.errors import ConsentMissing, MessageNotFound, SubmissionClosed, SubmissionNotFound
from submissions.follow_ups.answers import forum_of_conversation
from submissions.models import (
    Conversation,
    Job,
    JobKind,
    JobStatus,
    Message,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    utc_now,
)
from submissions.references import find_references, new_reference, normalise_reference

# Between receipt and review, while the translation is not ready: a word for residents, not a stored status.
BEING_TRANSLATED = "being_translated"


@dataclass(frozen=True)
class SubmissionState:
    """What a resident is told about a submission."""

    reference: str
    status: str  # received, being_translated, in_review, approved or withdrawn


def record_consent(db: Session, conversation_id: uuid.UUID, message_id: uuid.UUID, agreed: bool) -> None:
    """Keeps that the resident agreed (from the first time on) or not.

    Raises ConversationNotFound, MessageNotFound.
    """
    conversation = conversations.lock_conversation(db, conversation_id)
    conversations.find_inbound_message(db, conversation_id, message_id)
    if agreed == (conversation.consented_at is not None):
        return
    conversation.consented_at = utc_now() if agreed else None
    audit.record(
        db,
        audit.RESIDENT,
        "consent.given" if agreed else "consent.refused",
        "conversation",
        conversation_id,
        message_id=str(message_id),
    )


def make_draft(db: Session, conversation_id: uuid.UUID, message_ids: Sequence[uuid.UUID]) -> Submission:
    """The submission of these messages, in this order; if there is none a new draft, its translation queued.

    Raises ConversationNotFound, MessageNotFound.
    """
    conversation = conversations.lock_conversation(db, conversation_id)
    messages = _messages(db, conversation_id, message_ids)
    key = _key(conversation_id, [message.id for message in messages])
    known = db.scalars(select(Submission).where(Submission.message_ids_sha256 == key)).one_or_none()
    if known is not None:
        return known
    submission = Submission(
        id=uuid.uuid4(),
        message_ids_sha256=key,
        conversation_id=conversation_id,
        channel=conversation.channel,
        forum_id=forum_of_conversation(db, conversation_id),
        status=SubmissionStatus.DRAFT,
        is_urgent=conversation.is_urgent,
    )
    _add_parts(submission, messages)
    submission.source_language, submission.source_language_confidence = _source_language(
        conversation, messages
    )
    db.add(submission)
    db.flush()
    jobs.request_job(db, submission.id, JobKind.TRANSLATE)
    return submission


def submit(
    db: Session, conversation_id: uuid.UUID, message_ids: Sequence[uuid.UUID]
) -> tuple[Submission, bool]:
    """(the sent submission, whether this call sent it). The same ids are the same submission and reference.

    Raises ConversationNotFound, MessageNotFound, ConsentMissing.
    """
    conversation = conversations.lock_conversation(db, conversation_id)
    submission = make_draft(db, conversation_id, message_ids)
    if submission.status != SubmissionStatus.DRAFT:
        return submission, False
    if conversation.consented_at is None:
        raise ConsentMissing(conversation_id)
    submission.status = SubmissionStatus.RECEIVED
    submission.reference = unused_reference(db)
    submission.submitted_at = utc_now()
    submission.consented_at = conversation.consented_at
    submission.is_urgent = conversation.is_urgent
    submission.forum_id = forum_of_conversation(db, conversation_id) or submission.forum_id
    _delete_drafts_it_replaces(db, submission)
    audit.record(
        db,
        audit.RESIDENT,
        "submission.sent",
        "submission",
        submission.id,
        channel=submission.channel,
        parts=len(submission.parts),
    )
    db.flush()
    jobs.request_job(db, submission.id, JobKind.FIND_THEMES)
    return submission, True


def add_to(
    db: Session, conversation_id: uuid.UUID, reference: str, message_ids: Sequence[uuid.UUID]
) -> Submission:
    """The submission with these messages added at its end; those it has already are not added again.

    One that was approved goes back to review. Raises ConversationNotFound, MessageNotFound,
    SubmissionNotFound, SubmissionClosed, ConsentMissing.
    """
    conversation = conversations.lock_conversation(db, conversation_id)
    messages = _messages(db, conversation_id, message_ids)
    submission = find_by_reference(db, reference)
    if submission.status == SubmissionStatus.WITHDRAWN:
        raise SubmissionClosed(reference)
    if conversation.consented_at is None:
        raise ConsentMissing(conversation_id)
    has = {part.message_id for part in submission.parts}
    new = [message for message in messages if message.id not in has]
    if not new:
        return submission
    _add_parts(submission, new)
    if submission.source_language is None:
        submission.source_language, submission.source_language_confidence = _source_language(
            conversation, messages
        )
    if submission.status == SubmissionStatus.APPROVED:
        submission.status = SubmissionStatus.IN_REVIEW
    submission.is_urgent = submission.is_urgent or conversation.is_urgent
    submission.forum_id = submission.forum_id or forum_of_conversation(db, conversation_id)
    # New parts alone leave the row, and so its version, as they were; whoever is reviewing must be told.
    flag_modified(submission, "is_urgent")
    audit.record(db, audit.RESIDENT, "submission.added_to", "submission", submission.id, parts=len(new))
    db.flush()
    jobs.request_job(db, submission.id, JobKind.TRANSLATE)
    jobs.request_job(db, submission.id, JobKind.FIND_THEMES)
    return submission


def withdraw(db: Session, conversation_id: uuid.UUID, reference: str, *, of_others: bool = True) -> str:
    """`withdrawn`, `already_withdrawn` or `not_found`. Whoever has the reference may withdraw, from anywhere.

    Without `of_others`, after too many wrong references, only the conversation's own are known. Raises
    ConversationNotFound.
    """
    conversations.find_conversation(db, conversation_id)
    try:
        submission = find_by_reference(db, reference)
    except SubmissionNotFound:
        return "not_found"
    if not of_others and submission.conversation_id != conversation_id:
        return "not_found"
    return "withdrawn" if withdraw_submission(db, submission) else "already_withdrawn"


def withdraw_submission(
    db: Session, submission: Submission, *, actor: str = audit.RESIDENT, **details: str
) -> bool:
    """Takes it back, out of sight at once; False when it was before. Its words are erased soon after."""
    from submissions.exports import downloads  # it asks for jobs, and they for submissions

    if submission.status == SubmissionStatus.WITHDRAWN:
        return False
    downloads.forget(db, submission.reference)
    submission.status = SubmissionStatus.WITHDRAWN
    submission.withdrawn_at = utc_now()
    audit.record(db, actor, "submission.withdrawn", "submission", submission.id, **details)
    return True


def names_references(db: Session, conversation_id: uuid.UUID, message_id: uuid.UUID) -> bool:
    """Whether the message has something in it that could be a reference. Raises MessageNotFound."""
    message = conversations.find_inbound_message(db, conversation_id, message_id)
    return bool(find_references(message.original_text or ""))


def status_of(
    db: Session, conversation_id: uuid.UUID, message_id: uuid.UUID, *, of_others: bool = True
) -> list[SubmissionState]:
    """The submissions whose references the message names; when it names none, the conversation's.

    Empty when there are none, also when a reference was named that nobody has. Without `of_others`, after too
    many wrong references, only the conversation's own are known.
    Raises ConversationNotFound, MessageNotFound.
    """
    conversations.find_conversation(db, conversation_id)
    message = conversations.find_inbound_message(db, conversation_id, message_id)
    sent = select(Submission).where(Submission.reference.is_not(None)).order_by(Submission.submitted_at)
    if named := find_references(message.original_text or ""):
        sent = sent.where(Submission.reference.in_(named))
    if not named or not of_others:
        sent = sent.where(Submission.conversation_id == conversation_id)
    return [
        SubmissionState(str(submission.reference), state_of(db, submission))
        for submission in db.scalars(sent)
    ]


def state_of(db: Session, submission: Submission) -> str:
    """The word for residents of how far it is."""
    if submission.status != SubmissionStatus.RECEIVED:
        return submission.status
    unfinished = db.scalars(
        select(Job.id).where(
            Job.submission_id == submission.id,
            Job.kind == JobKind.TRANSLATE,
            Job.status != JobStatus.DONE,
        )
    ).first()
    return BEING_TRANSLATED if unfinished is not None else SubmissionStatus.RECEIVED


def find_by_reference(db: Session, reference: str) -> Submission:
    """The sent submission with this reference, however it was typed; locked for change.

    Raises SubmissionNotFound.
    """
    normalised = normalise_reference(reference)
    submission = None
    if normalised is not None:
        submission = db.scalars(
            select(Submission).where(Submission.reference == normalised).with_for_update()
        ).one_or_none()
    if submission is None:
        raise SubmissionNotFound(reference)
    return submission


def flag_danger(db: Session, conversation_id: uuid.UUID, message_id: uuid.UUID) -> None:
    """Makes the conversation and its submissions urgent: the team reads them first.

    Raises ConversationNotFound, MessageNotFound.
    """
    conversation = conversations.lock_conversation(db, conversation_id)
    conversations.find_inbound_message(db, conversation_id, message_id)
    if not conversation.is_urgent:
        conversation.is_urgent = True
        audit.record(
            db,
            audit.SYSTEM,
            "conversation.urgent",
            "conversation",
            conversation_id,
            message_id=str(message_id),
        )
    for submission in db.scalars(select(Submission).where(Submission.conversation_id == conversation_id)):
        submission.is_urgent = True


def request_human(db: Session, conversation_id: uuid.UUID, message_id: uuid.UUID) -> None:
    """Keeps when the resident first asked for a person. Raises ConversationNotFound, MessageNotFound."""
    conversation = conversations.lock_conversation(db, conversation_id)
    conversations.find_inbound_message(db, conversation_id, message_id)
    if conversation.human_requested_at is None:
        conversation.human_requested_at = utc_now()
        audit.record(db, audit.RESIDENT, "human.requested", "conversation", conversation_id)


def _messages(db: Session, conversation_id: uuid.UUID, message_ids: Sequence[uuid.UUID]) -> list[Message]:
    unique = list(dict.fromkeys(message_ids))
    if not unique:
        raise ValueError("a submission needs at least one message")
    messages = [conversations.find_inbound_message(db, conversation_id, one) for one in unique]
    for message in messages:
        if message.original_text is None:  # nothing to read, such as a picture
            raise MessageNotFound(message.id)
    return messages


def _key(conversation_id: uuid.UUID, message_ids: Sequence[uuid.UUID]) -> bytes:
    return hashlib.sha256(b"".join(one.bytes for one in (conversation_id, *message_ids))).digest()


def _add_parts(submission: Submission, messages: Sequence[Message]) -> None:
    start = len(submission.parts)
    for position, message in enumerate(messages, start=start):
        text = message.original_text or ""
        submission.parts.append(
            SubmissionPart(
                position=position,
                message_id=message.id,
                original_text=text,
                original_sha256=conversations.sha256_of(text),
            )
        )


def _source_language(
    conversation: Conversation, messages: Sequence[Message]
) -> tuple[str | None, float | None]:
    """(language, confidence from 0 to 1 or None when it was not measured); None when nothing tells it.

    The messages vote by length and confidence; only when none of them tells does the conversation's count.
    """
    votes: dict[str, float] = defaultdict(float)
    total = 0
    for message in messages:
        length = len((message.original_text or "").strip()) or 1
        if message.detected_language is not None:
            confidence = message.detected_language_confidence
            votes[message.detected_language] += length * (1.0 if confidence is None else confidence)
            total += length
    if not votes:
        return conversation.language, None
    language = max(votes, key=lambda code: (votes[code], code))
    return language, votes[language] / total


def unused_reference(db: Session) -> str:
    """A new reference that no submission has."""
    while True:
        reference = new_reference()
        taken = db.scalars(select(Submission.id).where(Submission.reference == reference)).first()
        if taken is None:
            return reference


def _delete_drafts_it_replaces(db: Session, submission: Submission) -> None:
    """Earlier drafts made from some of the same messages, before the resident added to them."""
    sent = {part.message_id for part in submission.parts}
    drafts = select(Submission).where(
        Submission.conversation_id == submission.conversation_id,
        Submission.status == SubmissionStatus.DRAFT,
        Submission.id != submission.id,
    )
    for draft in db.scalars(drafts):
        if {part.message_id for part in draft.parts} <= sent:
            db.delete(draft)
