"""A conversation with a resident and its messages; inbound ones not yet handled are the durable inbox."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import (
    JSON,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class Channel(enum.StrEnum):
    """How a resident reaches us. To `submissions` a channel is only this word in a column."""

    WEB_CHAT = "web_chat"
    WEB_FORM = "web_form"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    DESK = "desk"  # typed in by the team: said in a session, or written on paper


class Direction(enum.StrEnum):
    INBOUND = "in"
    OUTBOUND = "out"


class DeliveryStatus(enum.StrEnum):
    """Where an outbound message is. Web messages are delivered by being read, so they start at SENT."""

    QUEUED = "queued"
    HELD = "held"  # not to be sent before something happens; `last_error` says what
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"  # not sent, and not to be: opted out, or taken back; `last_error` says which


class Conversation(Base):
    __tablename__ = "conversation"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    channel: Mapped[str] = mapped_column(String(20), index=True)
    # SHA-256 of the bearer token of a web conversation; the token itself is never stored.
    token_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    # BCP 47; None until chosen or detected, never a quiet "en".
    language: Mapped[str | None] = mapped_column(String(12))
    language_source: Mapped[str | None] = mapped_column(String(10))  # "chosen" or "detected"
    is_choosing_language: Mapped[bool] = mapped_column(default=True)  # the language menu is open
    message_count: Mapped[int] = mapped_column(Integer, default=0)  # the last position given out
    is_urgent: Mapped[bool] = mapped_column(default=False, index=True)
    # When the resident agreed that the view is kept and read; None before, and after saying no.
    consented_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    human_requested_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    last_message_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
    # One inbox worker at a time works on a conversation, so order is kept inside it.
    leased_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    leased_by: Mapped[str | None] = mapped_column(String(64))

    messages: Mapped[list[Message]] = relationship(
        back_populates="conversation",
        order_by="Message.position",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )


class Message(Base):
    """One message, inbound or outbound.

    `position` counts from 1 inside the conversation and is given out under the conversation row's lock, so a
    reader that has seen position n never misses a smaller one. It is the event id of the web chat.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("conversation_id", "position", name="uq_message_position"),
        UniqueConstraint("channel", "provider_message_id", name="uq_message_provider_message_id"),
        UniqueConstraint("in_reply_to_id", "reply_index", name="uq_message_reply"),
        Index("ix_message_inbox", "direction", "handled_at", "next_attempt_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    direction: Mapped[str] = mapped_column(String(3))
    channel: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)

    # Inbound: the words exactly as they came, and what is known about them.
    original_text: Mapped[str | None] = mapped_column(ExactText)
    original_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    provider_message_id: Mapped[str | None] = mapped_column(String(120))
    choice: Mapped[str | None] = mapped_column(
        String(60)
    )  # payload of the option it picked, if it picked one
    detected_language: Mapped[str | None] = mapped_column(String(12))
    detected_language_confidence: Mapped[float | None] = mapped_column(Float)
    intent: Mapped[str | None] = mapped_column(String(60))
    intent_confidence: Mapped[float | None] = mapped_column(Float)
    handled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(300))

    # Outbound: what the bot decided to say, and how the channel said it.
    message_key: Mapped[str | None] = mapped_column(String(60))
    arguments: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    text: Mapped[str | None] = mapped_column(ExactText)
    blocks: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)  # [{text, lang, dir, role}]
    options: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)  # [{title, payload}]
    language: Mapped[str | None] = mapped_column(String(12))  # of the rendered text
    in_reply_to_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    reply_index: Mapped[int | None] = mapped_column(Integer)  # 0, 1, ... among the answers to one message
    delivery_status: Mapped[str | None] = mapped_column(String(20), index=True)

    conversation: Mapped[Conversation] = relationship(back_populates="messages")
