"""The conversation around a demonstration view: what the assistant asked and answered.

How a key is worded is the channels' business, so whoever loads the demonstration hands in `say`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from submissions.conversations import WEB_CHANNELS, OutboundMessage, sha256_of
from submissions.models import Conversation, DeliveryStatus, Direction, Message

# (key, arguments, option keys, language, channel) -> the message as the resident read it
Say = Callable[[str, dict[str, Any], Sequence[str], str | None, str], OutboundMessage]
STEP = dt.timedelta(seconds=20)  # between two messages


class Talk:
    """Messages one after the other; without `say` only what the resident wrote."""

    def __init__(self, conversation: Conversation, began_at: dt.datetime, say: Say | None) -> None:
        self.conversation = conversation
        self.began_at = began_at
        self.say = say

    def before_the_view(self) -> list[Message]:
        """Welcome, the question for consent, and the agreement."""
        if self.say is None:
            return []
        made = self.answer("welcome") + self.answer(
            "ask_consent", options=["option_agree", "option_disagree"]
        )
        agree = (made[-1].options or [])[0]["title"]
        return [
            *made,
            self.hear(agree, intent="affirm", choice="affirm", language=self.conversation.language),
        ]

    def hear(self, words: str, *, intent: str, language: str | None, choice: str | None = None) -> Message:
        """What the resident wrote, kept as it would be."""
        message = self._next(Direction.INBOUND)
        message.provider_message_id = f"demonstration-{self.conversation.id}-{message.position}"
        message.original_text = words
        message.original_sha256 = sha256_of(words)
        message.choice = choice
        message.detected_language = language
        message.detected_language_confidence = 0.97
        message.intent = intent
        message.intent_confidence = 0.95
        message.handled_at = message.created_at
        return message

    def answer(self, key: str, *, options: Sequence[str] = (), **arguments: Any) -> list[Message]:
        """What the assistant said; nothing of it is sent."""
        if self.say is None:
            return []
        said = self.say(key, arguments, options, self.conversation.language, self.conversation.channel)
        message = self._next(Direction.OUTBOUND)
        message.message_key = said.message_key
        message.arguments = said.arguments
        message.text = said.text
        message.blocks = said.blocks
        message.options = said.options
        message.language = said.language
        is_web = self.conversation.channel in WEB_CHANNELS
        message.delivery_status = DeliveryStatus.SENT if is_web else DeliveryStatus.DELIVERED
        return [message]

    def _next(self, direction: Direction) -> Message:
        self.conversation.message_count += 1
        position = self.conversation.message_count
        at = self.began_at + STEP * (position - 1)
        self.conversation.last_message_at = max(self.conversation.last_message_at, at)
        return Message(
            id=uuid.uuid4(),
            conversation_id=self.conversation.id,
            position=position,
            direction=direction,
            channel=self.conversation.channel,
            created_at=at,
            attempts=0,
        )
