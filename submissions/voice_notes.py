"""Recordings on their way to words: which to transcribe, what was heard, what the resident said to it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from submissions.conversations import record_inbound_message
from submissions.database import unit_of_work
from submissions.models import (
    Conversation,
    MediaFile,
    MediaState,
    Message,
    Transcript,
    TranscriptState,
    utc_now,
)
from translations.speech.transcriber import Transcript as Heard

# Later than this, "I heard ..." would come out of the blue; a person listens instead.
TRANSCRIBED_WITHIN = dt.timedelta(hours=12)
ABANDONED_AFTER = dt.timedelta(minutes=10)
MAXIMUM_ATTEMPTS = 2


@dataclass(frozen=True)
class ToTranscribe:
    media_id: uuid.UUID
    stored_name: str
    conversation_id: uuid.UUID
    channel: str
    language: str | None  # of the conversation


def claim_next(now: dt.datetime | None = None) -> ToTranscribe | None:
    """The next recording to transcribe, marked as this caller's; None when there is none."""
    at = now or utc_now()
    due = (
        select(MediaFile)
        .outerjoin(Transcript, Transcript.media_file_id == MediaFile.id)
        .where(
            MediaFile.state == MediaState.STORED,
            MediaFile.detected_type.like("audio/%"),
            MediaFile.stored_at >= at - TRANSCRIBED_WITHIN,
            or_(
                Transcript.id.is_(None),
                and_(
                    Transcript.state == TranscriptState.RUNNING,
                    Transcript.started_at <= at - ABANDONED_AFTER,
                ),
            ),
        )
        .order_by(MediaFile.stored_at)
        .limit(1)
    )
    with unit_of_work(read_only=True) as db:  # looking must not take SQLite's one write lock
        if db.scalars(due).first() is None:
            return None
    with unit_of_work() as db:
        media = db.scalars(due.with_for_update(of=MediaFile, skip_locked=True)).first()
        if media is None or media.stored_name is None:
            return None
        transcript = db.scalars(select(Transcript).where(Transcript.media_file_id == media.id)).one_or_none()
        if transcript is None:
            transcript = Transcript(media_file_id=media.id, state=TranscriptState.RUNNING, attempts=0)
            db.add(transcript)
        transcript.attempts += 1
        transcript.started_at = at
        if transcript.attempts > MAXIMUM_ATTEMPTS:  # it has broken its worker twice
            transcript.state, transcript.doubt = TranscriptState.FOR_A_PERSON, "failed"
            return None
        conversation = db.get_one(Conversation, db.get_one(Message, media.message_id).conversation_id)
        return ToTranscribe(
            media.id, media.stored_name, conversation.id, conversation.channel, conversation.language
        )


def record_heard(db: Session, media_id: uuid.UUID, heard: Heard | None) -> Transcript | None:
    """Keeps what was heard, None for a failure; the row, or None when the recording was erased meanwhile."""
    transcript = db.scalars(
        select(Transcript).where(Transcript.media_file_id == media_id).with_for_update()
    ).one_or_none()
    if transcript is None or transcript.state != TranscriptState.RUNNING:
        return None
    transcript.finished_at = utc_now()
    if heard is None:
        transcript.state, transcript.doubt = TranscriptState.FOR_A_PERSON, "failed"
        return transcript
    transcript.state = TranscriptState.READ_BACK if heard.is_accepted else TranscriptState.FOR_A_PERSON
    transcript.text = heard.text or None
    transcript.language = heard.language or heard.heard_language
    transcript.language_probability = heard.heard_probability
    transcript.log_probability = heard.log_probability
    transcript.compression_ratio = heard.compression_ratio
    transcript.seconds = heard.seconds
    transcript.doubt = str(heard.doubt) if heard.doubt else None
    transcript.model_sha256 = heard.model_sha256
    return transcript


def decide(db: Session, conversation_id: uuid.UUID, media_id: uuid.UUID, *, is_right: bool) -> bool:
    """Keeps what the resident says to a transcript; agreed, it becomes an inbound message of theirs.

    Repeating it changes nothing, and the first agreement counts. False when there is no such transcript in
    this conversation.
    """
    transcript = db.scalars(
        select(Transcript)
        .join(MediaFile, MediaFile.id == Transcript.media_file_id)
        .join(Message, Message.id == MediaFile.message_id)
        .where(Transcript.media_file_id == media_id, Message.conversation_id == conversation_id)
        .with_for_update(of=Transcript)
    ).one_or_none()
    if transcript is None or not transcript.text:
        return False
    if transcript.state == TranscriptState.AGREED:
        return True
    if transcript.state not in (TranscriptState.READ_BACK, TranscriptState.NOT_RIGHT):
        return False
    transcript.decided_at = utc_now()
    if not is_right:
        transcript.state = TranscriptState.NOT_RIGHT
        return True
    message = record_inbound_message(
        db,
        conversation_id=conversation_id,
        channel=db.get_one(Conversation, conversation_id).channel,
        provider_message_id=f"transcript/{media_id}",
        original_text=transcript.text,
    )
    transcript.state = TranscriptState.AGREED
    transcript.message_id = message.id
    return True
