"""Answers to residents: written in English, translated, checked by what they say in English again, sent.

Nothing is sent that nobody approved, and what is sent is character by character what was approved.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit, jobs
from submissions.conversations import OutboundMessage, record_outbound_message
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.models import (
    CannedReply,
    Channel,
    Conversation,
    JobKind,
    Message,
    Offer,
    Reply,
    ReplyState,
    Reviewer,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.review.errors import DecisionRefused
from submissions.review.reading import find_submission
from submissions.review.safeguarding import must_be_free_to_change
from submissions.review.sentences import ENGLISH
from submissions.review.sessions import Principal
from translations.languages import LANGUAGES, direction_of

REPLY_LIMIT = 2_000
# Where somebody can still be reached; who used the form left no way back.
REACHABLE = (Channel.WEB_CHAT, Channel.SMS, Channel.WHATSAPP)
MESSAGE_KEY = "team_reply"
LOOK_AGAIN_SECONDS = 0.15
# A view's reference, or the id of the message in which an offer was made.
About = str | uuid.UUID
_OPEN = (ReplyState.TRANSLATING, ReplyState.TO_CHECK, ReplyState.NEEDS_PERSON)


@dataclass(frozen=True)
class ReplyLine:
    """A reply and, once it was sent, where its message is."""

    reply: Reply
    written_by: str | None
    approved_by: str | None
    delivery_status: str | None


@dataclass(frozen=True)
class Replies:
    lines: list[ReplyLine]  # newest first, without discarded ones
    language: str | None  # that a reply would be sent in
    refusal: str | None  # why nothing can be sent
    canned: Sequence[CannedReply]


@dataclass(frozen=True)
class _Subject:
    """What a reply is about: a view, or an offer made in a conversation without one."""

    submission: Submission | None
    offer: Offer | None
    conversation: Conversation | None
    language: str | None

    @property
    def refusal(self) -> str | None:
        """Why nothing can be sent."""
        view = self.submission is not None
        if self.submission is not None and self.submission.status == SubmissionStatus.WITHDRAWN:
            return "The resident has withdrawn this view, so nothing is sent about it."
        if self.conversation is None:
            return "The conversation is no longer kept, so this person cannot be reached."
        if self.conversation.channel not in REACHABLE:
            what = "view" if view else "offer"
            return f"This {what} did not come through a channel that a reply can go back on."
        if self.language is None:
            return "The resident's language is not known." + (
                " Set the language of the view first." if view else ""
            )
        return None

    def is_about(self, reply: Reply) -> bool:
        if self.submission is not None:
            return reply.submission_id == self.submission.id
        return self.offer is not None and reply.offer_id == self.offer.message_id


def _subject(db: Session, principal: Principal, about: About) -> _Subject:
    """Raises SubmissionNotFound, for an offer of an urgent conversation too: safeguarding has it."""
    if isinstance(about, str):
        return _of_view(db, find_submission(db, principal, about))
    offer = db.get(Offer, about)
    message = db.get(Message, about) if offer is not None else None
    conversation = db.get(Conversation, message.conversation_id) if message is not None else None
    if offer is None or message is None or conversation is None or conversation.is_urgent:
        raise SubmissionNotFound(str(about))
    return _Subject(None, offer, conversation, conversation.language or message.detected_language)


def _of_view(db: Session, submission: Submission) -> _Subject:
    conversation = db.get(Conversation, submission.conversation_id) if submission.conversation_id else None
    language = (conversation.language if conversation else None) or submission.source_language
    return _Subject(submission, None, conversation, language)


def _subject_to_change(db: Session, principal: Principal, about: About) -> _Subject:
    """As `_subject`; raises NotAllowed for an urgent view that is not this person's to act on."""
    subject = _subject(db, principal, about)
    if subject.submission is not None:
        must_be_free_to_change(db, principal, subject.submission)
    return subject


def read_replies(db: Session, principal: Principal, about: About) -> Replies:
    """What was answered about a view or an offer, and what an answer needs. Raises SubmissionNotFound."""
    subject = _subject(db, principal, about)
    names = dict(db.execute(select(Reviewer.id, Reviewer.display_name)).all())
    rows = db.execute(
        select(Reply, Message.delivery_status)
        .outerjoin(Message, Message.id == Reply.message_id)
        .where(
            Reply.submission_id == subject.submission.id
            if subject.submission is not None
            else Reply.offer_id == about,
            Reply.state != ReplyState.DISCARDED,
        )
        .order_by(Reply.created_at.desc())
    ).all()
    return Replies(
        lines=[
            ReplyLine(
                reply,
                names.get(reply.written_by_id) if reply.written_by_id else None,
                names.get(reply.approved_by_id) if reply.approved_by_id else None,
                status,
            )
            for reply, status in rows
        ],
        language=subject.language,
        refusal=subject.refusal,
        canned=db.scalars(select(CannedReply).order_by(CannedReply.name)).all(),
    )


def write_reply(
    principal: Principal, about: About, english: str, canned_id: uuid.UUID | None = None
) -> uuid.UUID:
    """Keeps a reply and asks for its translation. Kept wording in the resident's language is taken as it is.

    Raises SubmissionNotFound, DecisionRefused.
    """
    english = _checked(english, "Write the reply.")
    with unit_of_work() as db:
        subject = _subject_to_change(db, principal, about)
        if refusal := subject.refusal:
            raise DecisionRefused([refusal])
        language = subject.language or ENGLISH
        canned = db.get(CannedReply, canned_id) if canned_id else None
        kept = canned.texts.get(language) if canned and canned.english.strip() == english else None
        reply = Reply(
            id=uuid.uuid4(),
            submission_id=subject.submission.id if subject.submission else None,
            offer_id=subject.offer.message_id if subject.offer else None,
            english=english,
            language=language,
            text=kept["text"] if kept else None,
            made_by="canned" if kept else "machine",
            state=ReplyState.TRANSLATING,
            written_by_id=principal.reviewer_id,
        )
        if language == ENGLISH:
            reply.text, reply.made_by, reply.state = english, "none", ReplyState.TO_CHECK
        db.add(reply)
        db.flush()
        if reply.state == ReplyState.TRANSLATING:
            _request_translation(db, reply)
        _audit(db, principal, "reply.written", reply)
        reply_id = reply.id
    _wake(about)
    return reply_id


def _request_translation(db: Session, reply: Reply) -> None:
    if reply.submission_id is not None:
        jobs.request_job(db, reply.submission_id, JobKind.TRANSLATE_REPLY)


def _wake(about: About) -> None:
    """A view's job wakes a worker by itself; a reply to an offer has none. Its row is committed by now."""
    if not isinstance(about, str):
        jobs.wake_replies_to_offers()


def _checked(text: str, when_empty: str) -> str:
    text = text.strip().replace("\r\n", "\n").replace("\0", "")
    if not text:
        raise DecisionRefused([when_empty])
    if len(text) > REPLY_LIMIT:
        raise DecisionRefused([f"A reply may have {REPLY_LIMIT:,} characters."])
    return text


def wait_for_translation(reply_id: uuid.UUID, seconds: float) -> None:
    """Returns when the reply can be checked, or after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with unit_of_work(read_only=True) as db:
            state = db.scalar(select(Reply.state).where(Reply.id == reply_id))
        if state != ReplyState.TRANSLATING:
            return
        time.sleep(LOOK_AGAIN_SECONDS)


def _claim(
    db: Session, principal: Principal, about: About, reply_id: uuid.UUID, version: int
) -> tuple[Reply, _Subject]:
    """The reply, locked, as the person who asks has seen it and not yet sent, and what it is about."""
    subject = _subject_to_change(db, principal, about)
    reply = db.get(Reply, reply_id, with_for_update=True)
    if reply is None or not subject.is_about(reply):
        raise SubmissionNotFound(str(about))
    if reply.state not in _OPEN:
        raise DecisionRefused(["This reply has been sent or discarded already."])
    if reply.version != version:
        raise DecisionRefused(["The reply has changed since you read it. Read it again, then decide."])
    return reply, subject


def change_text(principal: Principal, about: About, reply_id: uuid.UUID, version: int, text: str) -> None:
    """Replaces what would be sent by a person's words and asks for the back-translation of those."""
    text = _checked(text, "Write the reply in the resident's language.")
    with unit_of_work() as db:
        reply, _ = _claim(db, principal, about, reply_id, version)
        if reply.language == ENGLISH:
            reply.english = reply.text = text
        else:
            reply.text, reply.back_translation, reply.made_by = text, None, "person"
            reply.model = reply.pivot_language = reply.quality = None
            reply.flags = []
            reply.state = ReplyState.TRANSLATING
            _request_translation(db, reply)
        _audit(db, principal, "reply.changed", reply)
    _wake(about)


def discard(principal: Principal, about: About, reply_id: uuid.UUID, version: int) -> None:
    with unit_of_work() as db:
        reply, _ = _claim(db, principal, about, reply_id, version)
        reply.state = ReplyState.DISCARDED
        _audit(db, principal, "reply.discarded", reply)


def approve_and_send(
    principal: Principal, about: About, reply_id: uuid.UUID, version: int, *, checked_by_speaker: bool
) -> None:
    """Gives the reply to the resident's channel, once. Raises DecisionRefused.

    Where no machine can translate it back, somebody who reads the language must have checked it.
    """
    with unit_of_work() as db:
        reply, subject = _claim(db, principal, about, reply_id, version)
        conversation = subject.conversation
        if refusal := subject.refusal:
            raise DecisionRefused([refusal])
        if conversation is None or not reply.text or reply.state != ReplyState.TO_CHECK:
            raise DecisionRefused(["There is nothing to send yet: the reply has not been translated."])
        if reply.language != ENGLISH and reply.back_translation is None and not checked_by_speaker:
            raise DecisionRefused(
                ["No machine can translate it back, so say that somebody who reads the language checked it."]
            )
        message = record_outbound_message(db, conversation.id, _outbound(subject.submission, reply))
        reply.state = ReplyState.SENT
        reply.message_id = message.id
        reply.approved_by_id = principal.reviewer_id
        reply.approved_at = utc_now()
        _audit(db, principal, "reply.sent", reply, was_checked_by_speaker=checked_by_speaker)


def _outbound(submission: Submission | None, reply: Reply) -> OutboundMessage:
    """What is sent: a view's reference, where there is a view, and the reply below it."""
    text = reply.text or ""
    block = {"text": text, "lang": reply.language, "dir": direction_of(reply.language), "role": "message"}
    if submission is None:
        return OutboundMessage(
            message_key=MESSAGE_KEY,
            arguments={"reply_id": str(reply.id)},
            text=text,
            language=reply.language,
            blocks=[block],
        )
    reference = submission.reference or ""
    return OutboundMessage(
        message_key=MESSAGE_KEY,
        arguments={"reference": reference, "reply_id": str(reply.id)},
        text=f"{reference}\n{text}",
        language=reply.language,
        blocks=[{"text": reference, "lang": ENGLISH, "dir": "ltr", "role": "label"}, block],
    )


def _audit(db: Session, principal: Principal, action: str, reply: Reply, **details: object) -> None:
    audit.record(
        db,
        principal.actor,
        action,
        "submission" if reply.submission_id is not None else "message",
        reply.submission_id or reply.offer_id or reply.id,
        reply_id=str(reply.id),
        reply_language=reply.language,
        **details,
    )


def keep_canned_reply(
    principal: Principal, canned_id: uuid.UUID | None, name: str, english: str
) -> uuid.UUID:
    """A new kept reply, or the same with other words; other English voids its translations."""
    name, english = name.strip()[:120], _checked(english, "Write the reply in English.")
    if not name:
        raise DecisionRefused(["Give the reply a name."])
    with unit_of_work() as db:
        same = db.scalar(select(CannedReply).where(CannedReply.name == name))
        if same is not None and same.id != canned_id:
            raise DecisionRefused([f"There is a reply named “{name}” already."])
        canned = db.get(CannedReply, canned_id) if canned_id else None
        if canned is None:
            canned = CannedReply(id=uuid.uuid4(), texts={})
            db.add(canned)
        elif canned.english != english:
            canned.texts = {}
        canned.name, canned.english = name, english
        db.flush()
        audit.record(db, principal.actor, "canned_reply.kept", "canned_reply", canned.id)
        return canned.id


def keep_canned_text(
    principal: Principal, canned_id: uuid.UUID, language: str, text: str, checked_by: str
) -> None:
    """The wording in one language, with the name of the speaker who checked it."""
    text, checked_by = _checked(text, "Write the reply in that language."), checked_by.strip()[:120]
    if language not in LANGUAGES or language == ENGLISH:
        raise DecisionRefused(["Choose a language."])
    if not checked_by:
        raise DecisionRefused(["Name the speaker of the language who checked it."])
    with unit_of_work() as db:
        canned = db.get(CannedReply, canned_id, with_for_update=True)
        if canned is None:
            raise DecisionRefused(["That reply is no longer kept."])
        canned.texts = {**canned.texts, language: {"text": text, "checked_by": checked_by}}
        audit.record(
            db, principal.actor, "canned_reply.translated", "canned_reply", canned.id, language=language
        )


def forget_canned_reply(principal: Principal, canned_id: uuid.UUID) -> None:
    with unit_of_work() as db:
        canned = db.get(CannedReply, canned_id)
        if canned is not None:
            db.delete(canned)
            audit.record(db, principal.actor, "canned_reply.removed", "canned_reply", canned_id)
