"""Rows for tests, with only what matters spelt out. Texts are in several scripts, as residents write."""

from __future__ import annotations

import uuid
from typing import Any

from submissions import conversations
from submissions.database import unit_of_work
from submissions.models import Channel, Conversation, Message

VIEW_PT = " Não fechem a biblioteca!\nÉ lá que os vizinhos se encontram. 📚"
VIEW_AR = "لا تغلقوا المكتبة، هناك يلتقي الجيران."
VIEW_BN = "লাইব্রেরি বন্ধ করবেন না।"
VIEW_PL = "Nie zamykajcie biblioteki – tam spotykają się sąsiedzi."
VIEW_SO = "Ha xirina maktabadda, halkaas ayay deriska ku kulmaan."
VIEW_EN = "Please do not close the library. It is where neighbours meet."


def make_conversation(**values: Any) -> uuid.UUID:
    """A stored conversation, of the web chat unless `channel` says otherwise."""
    token = values.pop("token", None)
    with unit_of_work() as db:
        conversation = conversations.start_conversation(
            db, channel=values.pop("channel", Channel.WEB_CHAT), token=token
        )
        for name, value in values.items():
            assert hasattr(Conversation, name), name
            setattr(conversation, name, value)
        return conversation.id


def make_message(conversation_id: uuid.UUID, text: str = VIEW_PT, **values: Any) -> uuid.UUID:
    """A stored inbound message of that conversation, next in order."""
    provider_message_id = values.pop("provider_message_id", uuid.uuid4().hex)
    with unit_of_work() as db:
        channel = conversations.find_conversation(db, conversation_id).channel
        message = conversations.record_inbound_message(
            db,
            conversation_id=conversation_id,
            channel=values.pop("channel", channel),
            provider_message_id=provider_message_id,
            original_text=text,
            choice=values.pop("choice", None),
        )
        for name, value in values.items():
            assert hasattr(Message, name), name
            setattr(message, name, value)
        return message.id


def make_view(
    *texts: str, language: str | None = "pt", **conversation: Any
) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """(conversation id, message ids): one message for each text, in a detected language."""
    conversation_id = make_conversation(language=language, **conversation)
    return conversation_id, [
        make_message(conversation_id, text, detected_language=language, detected_language_confidence=0.95)
        for text in (texts or (VIEW_PT,))
    ]
