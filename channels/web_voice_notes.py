"""POST /chat/conversations/{id}/voice-notes: a recording from the web chat, kept like one from WhatsApp."""

from __future__ import annotations

import hashlib
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import exists, select

from channels.errors import MessageTooLong, ResidentInputError
from channels.resident_text import MAXIMUM_CLIENT_MESSAGE_ID, read_body
from channels.web_chat import Access, MessageAccepted
from submissions.conversations import record_inbound_message
from submissions.database import unit_of_work
from submissions.media import MAXIMUM_BYTES, MediaStore, as_file
from submissions.models import Channel, MediaFile, MediaState, utc_now
from translations.speech.probing import Probed, probe

router = APIRouter(prefix="/chat", tags=["Web chat"])
_BODY: dict[str, Any] = {
    "requestBody": {"content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post("/conversations/{conversation_id}/voice-notes", status_code=202, openapi_extra=_BODY)
async def post_voice_note(
    request: Request,
    access: Access,
    client_message_id: Annotated[str, Query(min_length=1, max_length=MAXIMUM_CLIENT_MESSAGE_ID)],
) -> MessageAccepted:
    """Send a recording, the body, of at most 16 MB. The same `client_message_id` again is the same one.

    What it is, its content decides; anything that is no recording is refused with `not_a_recording`, too much
    with `too_large`. It is acknowledged as a message, and read back when it was heard well.
    """
    address = request.client.host if request.client else None
    access.gateway.limits.count_message(access.conversation_id, client_message_id, address)
    try:
        content = await read_body(request, MAXIMUM_BYTES)
    except MessageTooLong as error:
        raise ResidentInputError("too_large") from error
    kept = await run_in_threadpool(_keep, request, access.conversation_id, client_message_id, content)
    access.gateway.worker.wake()
    access.gateway.hub.notify(access.conversation_id)
    return kept


def _keep(
    request: Request, conversation_id: uuid.UUID, client_message_id: str, content: bytes
) -> MessageAccepted:
    with as_file(content) as path:
        probed: Probed = probe(path)
    if not probed.is_recording:
        raise ResidentInputError("not_a_recording")
    store = MediaStore(request.app.state.data)
    name = store.write(content)  # on disk before the row that names it; one without a row is swept away
    with unit_of_work() as db:
        message = record_inbound_message(
            db,
            conversation_id=conversation_id,
            channel=Channel.WEB_CHAT,
            provider_message_id=client_message_id,
            original_text="",
        )
        if not db.scalar(select(exists().where(MediaFile.message_id == message.id))):
            db.add(
                MediaFile(
                    message_id=message.id,
                    position=0,
                    state=MediaState.STORED,
                    declared_type=probed.media_type,
                    detected_type=probed.media_type,
                    byte_count=len(content),
                    sha256=hashlib.sha256(content).digest(),
                    stored_name=name,
                    stored_at=utc_now(),
                )
            )
        return MessageAccepted(
            client_message_id=client_message_id, message_id=message.id, position=message.position
        )
