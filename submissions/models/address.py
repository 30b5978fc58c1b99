"""Where a resident without a web page is reached: telephone numbers and WhatsApp users, encrypted."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class Address(Base):
    """One person on one channel. `submissions.addresses` encrypts, decrypts and finds.

    A WhatsApp user is known by the telephone number, by WhatsApp's own id (which stays when the number is
    hidden behind a user name), or by both.
    """

    __tablename__ = "address"
    __table_args__ = (
        UniqueConstraint("channel", "phone_hash", name="uq_address_phone_hash"),
        UniqueConstraint("channel", "user_hash", name="uq_address_user_hash"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    channel: Mapped[str] = mapped_column(String(20))
    # Keyed hashes (HMAC-SHA-256): enough to find somebody who writes again, not to guess who it is.
    phone_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    user_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    address_encrypted: Mapped[bytes] = mapped_column(LargeBinary)  # what a message is sent to
    # Which of our own numbers they wrote to, as Twilio names it; answers come from there. No secret.
    our_address: Mapped[str | None] = mapped_column(String(60))
    # The conversation that is going on; an older one stays linked by `conversation_address`.
    conversation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("conversation.id", ondelete="SET NULL")
    )
    last_inbound_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # opens WhatsApp's 24 hours
    window_closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # WhatsApp told us so (63016)
    template_sent_at: Mapped[dt.datetime | None] = mapped_column(
        UtcDateTime
    )  # "you have a reply", since then
    # An ambiguous wish to stop: nothing is sent until it is answered.
    stop_asked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    stop_asked_message_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)  # the message that was ambiguous
    # The carrier says nobody can be reached here (no such number, a landline); nothing is sent any more.
    invalid_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    invalid_code: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class ConversationAddress(Base):
    """Whose conversation it is; goes with the conversation."""

    __tablename__ = "conversation_address"

    conversation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True
    )
    address_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"), index=True)
