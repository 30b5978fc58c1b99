"""Voice notes in a conversation: acknowledged at once, read back when heard well, agreed to or not."""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.faults import fault
from channels.rendering import render
from channels.settings import Settings
from submissions.commission import get_commission
from submissions.conversations import OutboundMessage, find_conversation, record_outbound_message
from submissions.database import unit_of_work
from submissions.errors import DatabaseUnavailable, MediaNotFound
from submissions.media import MediaStore
from submissions.models import MediaFile, SharedItem, SharedKind, TranscriptState
from submissions.voice_notes import ToTranscribe, claim_next, decide, record_heard
from translations.speech.model import installed_model
from translations.speech.transcriber import Transcript as Heard
from translations.speech.transcriber import TranscriptionFailed, transcribe

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
HEARD_RIGHT, HEARD_WRONG = "heard_right:", "heard_wrong:"
NOT_TEXT = "not_text"
SAID_TO_SHARED = {SharedKind.PLACE: "place_received", SharedKind.CONTACT: "contact_received"}


@dataclass(frozen=True)
class VoiceStep:
    """What the gateway itself answers to a recording, a file, or a word about a transcript."""

    say: str | None  # a message key; None where the transcript, now their message, is answered instead


def read_voice_step(
    conversation_id: uuid.UUID, message_id: uuid.UUID, text: str, choice: str | None
) -> VoiceStep | None:
    """The gateway's own answer, or None for a message that the assistant is to answer.

    Agreement is kept at once; keeping it again is harmless.
    """
    if choice is not None and choice.startswith((HEARD_RIGHT, HEARD_WRONG)):
        is_right = choice.startswith(HEARD_RIGHT)
        try:
            media_id = uuid.UUID(choice.partition(":")[2])
        except ValueError:
            return None
        with unit_of_work() as db:
            known = decide(db, conversation_id, media_id, is_right=is_right)
        return VoiceStep(None if is_right and known else "voice_note_try_again")
    if text.strip() or choice is not None:
        return None
    with unit_of_work(read_only=True) as db:
        kinds = _declared_types(db, message_id)
        shared = db.get(SharedItem, message_id)
    if shared is not None and (kinds or shared.details):
        return VoiceStep(SAID_TO_SHARED[SharedKind(shared.kind)])
    if not kinds:  # broken, or of a kind we do not know: kept as nothing but the fact that it came
        return VoiceStep(NOT_TEXT)
    is_voice = any((kind or "").startswith("audio/") for kind in kinds)
    return VoiceStep("voice_note_received" if is_voice else "file_received")


def _declared_types(db: Session, message_id: uuid.UUID) -> list[str | None]:
    return list(db.scalars(select(MediaFile.declared_type).where(MediaFile.message_id == message_id)))


class VoiceNoteWorker:
    """A thread of the worker process: transcribes one recording after the other and writes what was heard.

    Without the speech model it does nothing, and every recording waits for a person.
    """

    def __init__(self, settings: Settings) -> None:
        self._data = settings.data
        self._store = MediaStore(settings.data)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="voice-notes", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """A transcription that is going on is left; its recording is taken up again by the next worker."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def transcribe_next(self) -> bool:
        """Transcribes one recording; False when none is due or no model is installed."""
        model = installed_model(self._data)
        task = claim_next() if model is not None else None
        if model is None or task is None:
            return False
        heard: Heard | None = None
        try:
            with self._store.readable(task.stored_name) as path:
                heard = transcribe(path, model=model, conversation_language=task.language)
        except (TranscriptionFailed, MediaNotFound) as error:
            logger.warning("voice note %s: %s", task.media_id, error)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  a fault of ours: a person listens, and the others go on
            logger.error("voice note %s: a fault of ours: %s", task.media_id, fault(error))
        try:
            _tell(task, heard)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  taken up again, then left to a person: `claim_next`
            logger.error("voice note %s could not be told of: %s", task.media_id, fault(error))
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if not self.transcribe_next():
                    self._stopping.wait(POLL_SECONDS)
            except DatabaseUnavailable as error:
                logger.warning("voice notes wait for the database: %s", error)
                self._stopping.wait(2.0)
            except Exception as error:  # noqa: BLE001  a thread that died would hear nothing any more
                logger.error("voice notes: a fault of ours: %s", fault(error))
                self._stopping.wait(2.0)


def _tell(task: ToTranscribe, heard: Heard | None) -> None:
    """Keeps what was heard and asks the speaker about it, both or neither."""
    with unit_of_work() as db:
        transcript = record_heard(db, task.media_id, heard)
        if transcript is None:
            return
        conversation = find_conversation(db, task.conversation_id)
        if conversation.language is None and transcript.state == TranscriptState.READ_BACK:
            # The first thing they said; they hear from us in the same language.
            conversation.language, conversation.language_source = transcript.language, "detected"
        key, arguments, options = "voice_note_not_heard", {}, []
        if transcript.state == TranscriptState.READ_BACK:
            key, arguments = "voice_note_heard", {"transcript": transcript.text}
            options = [
                {"key": "option_heard_right", "payload": f"{HEARD_RIGHT}{task.media_id}"},
                {"key": "option_heard_wrong", "payload": f"{HEARD_WRONG}{task.media_id}"},
            ]
        rendered = render(
            key, arguments, options, conversation.language, task.channel, commission=get_commission()
        )
        record_outbound_message(
            db,
            task.conversation_id,
            OutboundMessage(
                message_key=key,
                arguments={},
                text=rendered.text,
                blocks=rendered.blocks,
                options=rendered.options,
                language=rendered.language,
            ),
        )
    logger.info("voice note %s: %s", task.media_id, transcript.doubt or transcript.state)
