"""What came with a message besides words: files (first a reference, then the file), places, contacts."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class MediaState(enum.StrEnum):
    TO_FETCH = "to_fetch"  # known by its address at the carrier only
    STORED = "stored"
    REFUSED = "refused"  # too large, or not what it claims to be; `last_error` says which
    FAILED = "failed"  # could not be fetched, for good


class MediaFile(Base):
    __tablename__ = "media_file"
    __table_args__ = (UniqueConstraint("message_id", "position", name="uq_media_file_position"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer)  # 0, 1, ... within the message
    source_url: Mapped[str | None] = mapped_column(Text)  # at the carrier; None when uploaded to us
    declared_type: Mapped[str | None] = mapped_column(String(120))  # what the sender claims: never trusted
    state: Mapped[str] = mapped_column(String(20), default=MediaState.TO_FETCH, index=True)
    detected_type: Mapped[str | None] = mapped_column(String(120))  # by its content
    byte_count: Mapped[int | None] = mapped_column(Integer)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    stored_name: Mapped[str | None] = mapped_column(String(200))  # inside the data folder's media folder
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    stored_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class SharedKind(enum.StrEnum):
    PLACE = "place"  # details: latitude, longitude (degrees), label, address; none when nothing could be read
    CONTACT = "contact"  # the card itself is a file of the message
    REACTION = "reaction"  # details: emoji (none when it was taken back), to_message_id (of ours, if known)


class SharedItem(Base):
    """A message that is a place, a contact card or a reaction: shown as that, and never words of a view.

    `details["text"]` is what the carrier sent as text with it, which nobody typed.
    """

    __tablename__ = "shared_item"

    message_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
