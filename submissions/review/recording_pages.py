"""Voice notes and files on the desk: a list, a player, and "I have listened".

They follow the rules of the words they hold: `hearing`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.errors import MediaNotFound
from submissions.media import MediaStore
from submissions.models import (
    Conversation,
    MediaFile,
    MediaState,
    Message,
    Transcript,
    TranscriptState,
    utc_now,
)
from submissions.redactions import COVER
from submissions.review import hearing
from submissions.review.access import Permission, may, require
from submissions.review.errors import NotAllowed
from submissions.review.hearing import Access, Hearing
from submissions.review.sessions import Principal
from submissions.review.web import CONTENT_SECURITY_POLICY, DeskRoute, page, redirect
from submissions.settings import StoreSettings

router = APIRouter(prefix="/recordings", route_class=DeskRoute, include_in_schema=False)
Reader = Annotated[Principal, Depends(require(Permission.READ_RECORD))]
Listener = Annotated[Principal, Depends(require(Permission.REVIEW_SUBMISSIONS))]

SHOWN = 100
# A browser may open these in its place; anything else is saved, so that nothing in it can run.
SHOWN_IN_PLACE = ("audio/", "image/jpeg", "image/png", "image/gif", "image/webp")
STATES = {
    TranscriptState.RUNNING: "being heard",
    TranscriptState.READ_BACK: "waits for the resident's answer",
    TranscriptState.AGREED: "the resident agreed",
    TranscriptState.NOT_RIGHT: "the resident says it is not right",
    TranscriptState.FOR_A_PERSON: "waits for a person",
}
DOUBTS = {
    "no_speech": "no speech was found",
    "unclear": "heard unclearly",
    "repeats": "the machine repeated itself",
    "wrong_script": "written in the wrong script",
    "language_unsure": "the language is not clear",
    "language_for_a_person": "the machine does not know this language well enough",
    "too_long": "longer than three minutes",
    "not_readable": "not a recording that can be read",
    "failed": "the machine failed",
}


@dataclass(frozen=True)
class Row:
    media: MediaFile
    transcript: Transcript | None
    language: str | None
    channel: str
    hearing: Hearing

    @property
    def is_heard(self) -> bool:
        return self.hearing.is_heard

    @property
    def heard_words(self) -> str:
        """What the machine heard, covered whole where anything in the conversation's views is."""
        words = (self.transcript.text or "") if self.transcript else ""
        return COVER if words and self.hearing.is_redacted else words

    @property
    def is_recording(self) -> bool:
        return (self.media.detected_type or "").startswith("audio/")

    @property
    def state(self) -> str:
        if self.media.state != MediaState.STORED:
            return {
                MediaState.TO_FETCH: "being fetched",
                MediaState.REFUSED: f"refused: {self.media.last_error}",
                MediaState.FAILED: f"could not be fetched: {self.media.last_error}",
            }.get(MediaState(self.media.state), self.media.state)
        if not self.is_recording:
            return "kept"
        if self.transcript is None:
            return "waits for a person"
        words = STATES.get(TranscriptState(self.transcript.state), self.transcript.state)
        doubt = DOUBTS.get(self.transcript.doubt or "")
        return f"{words}: {doubt}" if doubt else words


@router.get("")
def show_recordings(request: Request, principal: Reader) -> Response:
    newest = (
        select(MediaFile, Transcript, Conversation.language, Conversation.channel, Conversation.id)
        .join(Message, Message.id == MediaFile.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .outerjoin(Transcript, Transcript.media_file_id == MediaFile.id)
        .order_by(MediaFile.created_at.desc())
        .limit(SHOWN)
    )
    with unit_of_work(read_only=True) as db:
        found = db.execute(newest).all()
        hearings = hearing.of_conversations(db, principal, {row[4] for row in found})
        rows = [Row(*row[:4], hearing=hearings[row[4]]) for row in found]
    answer = page(
        request,
        "recordings.html",
        principal,
        rows=[row for row in rows if row.hearing.access is not Access.HIDDEN],
        may_listen=may(principal, Permission.REVIEW_SUBMISSIONS),
    )
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; media-src 'self'"
    return answer


@router.get("/{media_id}/file")
def play(request: Request, principal: Reader, media_id: uuid.UUID) -> Response:
    """The file itself, as it came."""
    with unit_of_work(read_only=True) as db:
        media, heard = _find(db, principal, media_id)
    if heard.access is Access.COVERED:
        raise NotAllowed("words that are redacted")
    if media.stored_name is None:
        raise HTTPException(404)
    data = getattr(request.app.state, "data", None) or StoreSettings().data
    try:
        content = MediaStore(data).read(media.stored_name)
    except MediaNotFound as error:
        raise HTTPException(404) from error
    with unit_of_work() as db:
        audit.record(
            db,
            principal.actor,
            "recording.played",
            "media_file",
            media_id,
            is_redacted=heard.is_redacted,
        )
    kind = media.detected_type or "application/octet-stream"
    headers: dict[str, Any] = {
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if not kind.startswith(SHOWN_IN_PLACE):
        headers["Content-Disposition"] = f'attachment; filename="file-{media_id}"'
    return Response(content, media_type=kind, headers=headers)


def _find(db: Session, principal: Principal, media_id: uuid.UUID) -> tuple[MediaFile, Hearing]:
    """A file whose words this person finds, and whether they are covered; anything else is a 404."""
    found = db.execute(
        select(MediaFile, Message.conversation_id)
        .join(Message, Message.id == MediaFile.message_id)
        .where(MediaFile.id == media_id)
    ).one_or_none()
    if found is None:
        raise HTTPException(404)
    media, conversation_id = found
    heard = hearing.of_conversation(db, principal, conversation_id)
    if heard.access is Access.HIDDEN:
        raise HTTPException(404)
    return media, heard


@router.post("/{media_id}/listened")
def mark_as_listened(principal: Listener, media_id: uuid.UUID) -> Response:
    """A person has listened; what was said is theirs to add where it belongs."""
    with unit_of_work() as db:
        _find(db, principal, media_id)
        transcript = db.scalars(
            select(Transcript).where(Transcript.media_file_id == media_id).with_for_update()
        ).one_or_none()
        if transcript is None:
            transcript = Transcript(media_file_id=media_id, state=TranscriptState.FOR_A_PERSON, attempts=0)
            db.add(transcript)
        if transcript.listened_at is None:
            transcript.listened_at = utc_now()
            transcript.listened_by = principal.actor
            audit.record(db, principal.actor, "recording.listened", "media_file", str(media_id))
    return redirect("/desk/recordings")
