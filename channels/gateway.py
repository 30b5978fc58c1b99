"""What the resident-facing routes share: keeping messages, first of all, and waking who waits for them."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from channels.errors import WrongToken
from channels.events import EventHub
from channels.inbox_worker import InboxWorker, lease_with_this_commit
from channels.kept_beside import KeptBeside
from channels.rasa_client import RasaClient
from channels.rate_limits import RateLimits
from channels.settings import Settings
from submissions.conversations import find_conversation, may_read, record_inbound_message
from submissions.database import unit_of_work
from submissions.models import Channel, Conversation, Message, utc_now

WRITE_AHEAD_FILE = "inbox.write-ahead.jsonl"


@dataclass(frozen=True)
class KeptMessage:
    """Where a message is now; both None while it waits in the write-ahead file."""

    message_id: uuid.UUID | None
    position: int | None


class ConversationTokens:
    """Bearer tokens of conversations: a random part and our signature on it.

    The database knows each by its SHA-256 and decides. The signature alone tells, while the database is down,
    that a token is one of ours.
    """

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"conversation-token:" + secret.encode()).digest()

    def new(self) -> str:
        random = secrets.token_urlsafe(24)
        return f"{random}.{self._signature(random)}"

    def is_ours(self, token: str) -> bool:
        random, _, signature = token.partition(".")
        return hmac.compare_digest(
            self._signature(random).encode(), signature.encode("utf-8", "surrogatepass")
        )

    def _signature(self, random: str) -> str:
        message = random.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:32]


class Gateway:
    """One for each application; `start` and `stop` run with it."""

    def __init__(self, settings: Settings, internal_token: str) -> None:
        """Raises WriteAheadFileNotWritable."""
        self.settings = settings
        self.tokens = ConversationTokens(internal_token)
        self.limits = RateLimits(
            messages_per_minute=settings.chat_messages_per_minute,
            messages_per_minute_and_address=settings.chat_messages_per_minute_and_address,
        )
        self.hub = EventHub()
        self.bot = RasaClient(settings.resolved_bot_url, internal_token)
        self.worker = InboxWorker(self.bot, notify=self.hub.notify)
        self._beside = KeptBeside(
            settings.data / WRITE_AHEAD_FILE, self._keep_record_of_file, woken=self.worker.wake
        )
        self.write_ahead = self._beside.file

    def start(self) -> None:
        self.hub.start()
        self.worker.start()
        self._beside.start()
        self.worker.wake()

    def stop(self) -> None:
        self.hub.stop()
        self.worker.stop()
        self._beside.stop()
        self.bot.close()

    def keep_message(
        self,
        conversation_id: uuid.UUID,
        token: str,
        *,
        client_message_id: str,
        text: str,
        choice: str | None,
    ) -> KeptMessage:
        """Keeps a message of the web chat; on disk when this returns, in the database or beside it.

        Raises WrongToken, ConversationNotFound, and OSError when neither can be written.
        """
        record = {
            "conversation_id": str(conversation_id),
            "token_sha256": hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest(),
            "client_message_id": client_message_id,
            "text": text,
            "choice": choice,
            "received_at": utc_now().isoformat(),
        }
        kept = self._beside.keep_in_order(
            lambda: self._keep_and_answer(conversation_id, record), record=lambda: record
        )
        return kept or KeptMessage(None, None)

    def _keep_and_answer(self, conversation_id: uuid.UUID, record: dict[str, Any]) -> KeptMessage:
        """Keeps the message, and in the same commit the lease under which a free thread answers it."""
        lease = self.worker.promise_thread()
        is_leased = False
        try:
            with unit_of_work() as db:
                message = self._record(db, record)
                kept = KeptMessage(message.id, message.position)
                if lease is not None and message.handled_at is None:
                    is_leased = lease_with_this_commit(db, conversation_id, lease)
        except BaseException:
            is_leased = False
            raise
        finally:
            if lease is not None and not is_leased:
                self.worker.break_promise()
        if lease is not None and is_leased:
            self.worker.work_on(conversation_id, lease)
        else:
            self.worker.wake()
        self.hub.notify(conversation_id)
        return kept

    def _record(self, db: Session, record: dict[str, Any]) -> Message:
        return record_inbound_message(
            db,
            conversation_id=uuid.UUID(record["conversation_id"]),
            channel=Channel.WEB_CHAT,
            provider_message_id=record["client_message_id"],
            original_text=record["text"],
            choice=record["choice"],
            received_at=dt.datetime.fromisoformat(record["received_at"]),
        )

    def _keep_record_of_file(self, record: dict[str, Any]) -> None:
        with unit_of_work(read_only=True) as db:
            conversation = find_conversation(db, uuid.UUID(record["conversation_id"]))
            known = conversation.token_sha256 or b""
        if not hmac.compare_digest(known, bytes.fromhex(record["token_sha256"])):
            raise WrongToken  # accepted by its signature only; the conversation is somebody else's
        with unit_of_work() as db:
            self._record(db, record)


def owned_conversation(conversation_id: uuid.UUID, token: str) -> Conversation:
    """The conversation this token belongs to.

    Raises ConversationNotFound, WrongToken, DatabaseUnavailable.
    """
    with unit_of_work(read_only=True) as db:
        conversation = find_conversation(db, conversation_id)
        if not may_read(conversation, token):
            raise WrongToken
        return conversation
