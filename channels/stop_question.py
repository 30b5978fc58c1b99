"""The question to somebody whose message may have been a wish that we stop: asked once, all else held.

The hold itself is in the address's row, which the outbox reads; it is set when the message is kept
(`twilio_inbox`), so it works without the assistant.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from channels.rendering import TEXT_CHANNELS
from submissions.addresses import address_of
from submissions.conversations import find_inbound_message
from submissions.database import unit_of_work
from submissions.errors import MessageNotFound
from submissions.models import OptOutWay, utc_now
from submissions.opt_outs import record_opt_out

ASK_STOP = "ask_stop"
STOP_WRITING, GO_ON = "stop_writing", "go_on"
STOP_OPTIONS = (
    {"key": "option_stop_writing", "payload": STOP_WRITING},
    {"key": "option_go_on", "payload": GO_ON},
)


@dataclass(frozen=True)
class StopStep:
    """What the question makes of a message: something to say, or a message to answer in its place."""

    say: str | None = None  # "ask_stop" or "stopped"
    earlier_message_id: uuid.UUID | None = None  # it was no wish to stop after all: this is what they wrote
    earlier_text: str = ""


def read_stop_step(
    conversation_id: uuid.UUID, message_id: uuid.UUID, channel: str, text: str, choice: str | None
) -> StopStep | None:
    """None when the message has nothing to do with the question. Safe to repeat."""
    if channel not in TEXT_CHANNELS:
        return None
    with unit_of_work(read_only=True) as db:
        address = address_of(db, conversation_id)
        if address is None or (address.stop_asked_at is None and choice not in (STOP_WRITING, GO_ON)):
            return None
        is_asked, asked_about = address.stop_asked_at is not None, address.stop_asked_message_id
    if is_asked and asked_about == message_id:
        return StopStep(say=ASK_STOP)
    with unit_of_work() as db:
        address = address_of(db, conversation_id, lock=True)
        if address is None:
            return None
        if choice == STOP_WRITING:
            record_opt_out(db, address, way=OptOutWay.CONFIRMED, words=text)
            return StopStep(say="stopped")
        # Whatever else they write, they write: the hold ends. The id stays, should this turn be repeated.
        address.stop_asked_at = None
        if choice != GO_ON or address.stop_asked_message_id is None:
            return None
        try:
            earlier = find_inbound_message(db, conversation_id, address.stop_asked_message_id)
        except MessageNotFound:
            return None  # erased since
        return StopStep(earlier_message_id=earlier.id, earlier_text=earlier.original_text or "")


def ask_about(conversation_id: uuid.UUID, message_id: uuid.UUID) -> bool:
    """The assistant took a message for a wish to stop, which is a guess: holds all until it is answered.

    False where nobody can be written to by telephone, so there is nothing to hold.
    """
    with unit_of_work() as db:
        address = address_of(db, conversation_id, lock=True)
        if address is None:
            return False
        address.stop_asked_at = utc_now()
        address.stop_asked_message_id = message_id
        return True
