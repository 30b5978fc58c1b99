"""What a machine heard in a recording: never a resident's words until they say that it is right."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import Float, ForeignKey, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class TranscriptState(enum.StrEnum):
    RUNNING = "running"
    READ_BACK = "read_back"  # the resident was asked whether it is right
    AGREED = "agreed"  # it is; `message_id` holds it as their words
    NOT_RIGHT = "not_right"  # they said so: a person listens
    FOR_A_PERSON = "for_a_person"  # not good enough to be read back; `doubt` says why


class Transcript(Base):
    __tablename__ = "transcript"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    media_file_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("media_file.id", ondelete="CASCADE"), unique=True
    )
    state: Mapped[str] = mapped_column(String(20), default=TranscriptState.RUNNING, index=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    text: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(12))
    language_probability: Mapped[float | None] = mapped_column(Float)
    log_probability: Mapped[float | None] = mapped_column(Float)  # mean, weighted by duration
    compression_ratio: Mapped[float | None] = mapped_column(Float)
    seconds: Mapped[float | None] = mapped_column(Float)  # of the recording
    doubt: Mapped[str | None] = mapped_column(String(40))
    model_sha256: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # by the resident
    # The inbound message that is their words since they agreed; it and the recording stand side by side.
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    listened_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    listened_by: Mapped[str | None] = mapped_column(String(140))
