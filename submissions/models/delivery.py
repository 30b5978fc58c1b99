"""The sending of outbound messages: attempts, what the carrier said, and what stops or shapes them."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import JSON, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now
from submissions.models.conversation import DeliveryStatus


class DeliveryKind(enum.StrEnum):
    TEXT = "text"
    CONTENT = "content"  # buttons or a list, made through the Content API
    TEMPLATE = "template"  # an approved one, outside WhatsApp's 24 hours


class Delivery(Base):
    """One message at the carrier. A text above its length is several, in the order of `part`.

    SENDING is written before the carrier is called. A row found in it after a crash may have been sent or
    not: it is looked up at the carrier, never simply sent again.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("message_id", "part", name="uq_delivery_part"),
        Index("ix_delivery_attempted", "status", "attempted_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    part: Mapped[int] = mapped_column(Integer)  # 0, 1, ...
    kind: Mapped[str] = mapped_column(String(20), default=DeliveryKind.TEXT)
    status: Mapped[str] = mapped_column(String(20), default=DeliveryStatus.QUEUED)
    provider_status: Mapped[str | None] = mapped_column(
        String(40)
    )  # the carrier's last word, known to us or not
    provider_message_id: Mapped[str | None] = mapped_column(String(60), unique=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    attempted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    error_code: Mapped[int | None] = mapped_column(Integer)
    sms_parts: Mapped[int] = mapped_column(Integer, default=0)  # what the operator bills; 0 on WhatsApp


class DeliveryReceipt(Base):
    """A status callback as it came, once for each state; it may come before we know the id it speaks of."""

    __tablename__ = "delivery_receipt"
    __table_args__ = (
        UniqueConstraint("provider_message_id", "status", name="uq_delivery_receipt_provider_message_id"),
        Index("ix_delivery_receipt_received_at", "received_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    provider_message_id: Mapped[str] = mapped_column(String(60))
    status: Mapped[str] = mapped_column(String(40))
    error_code: Mapped[int | None] = mapped_column(Integer)
    received_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    applied_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # None until its message is known


class MessageTemplate(Base):
    """A message form kept at the carrier: an approved WhatsApp template, or buttons, by language."""

    __tablename__ = "message_template"
    __table_args__ = (
        UniqueConstraint("purpose", "language", "shape_sha256", name="uq_message_template_shape"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    purpose: Mapped[str] = mapped_column(String(40))  # "reply_waiting", "options"
    language: Mapped[str] = mapped_column(String(12))
    shape_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_sid: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class SendingState(Base):
    """What holds for all sending, by name: `stopped` while somebody has pulled the kill switch."""

    __tablename__ = "sending_state"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    details: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    changed_by: Mapped[str] = mapped_column(String(140))
