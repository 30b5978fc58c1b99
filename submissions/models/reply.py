"""What the team answers a resident: written in English, sent in the resident's language once checked."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Float, ForeignKey, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class ReplyState(enum.StrEnum):
    TRANSLATING = "translating"  # a worker makes the translation and its back-translation
    TO_CHECK = "to_check"  # the text that would be sent is there, for a person to check
    NEEDS_PERSON = "needs_person"  # no machine can translate it: a person writes it
    SENT = "sent"  # given to the channel; the message's own state tells whether it arrived
    DISCARDED = "discarded"


class Reply(Base):
    """One answer about one view, or about an offer made in a conversation without one.

    What was approved is what is sent: `text`, character by character.
    """

    __tablename__ = "reply"
    __table_args__ = (CheckConstraint("(submission_id IS NULL) <> (offer_id IS NULL)", name="is_about_one"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    offer_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("offer.message_id", ondelete="CASCADE"), index=True
    )
    english: Mapped[str] = mapped_column(ExactText)  # as the reviewer wrote it
    language: Mapped[str] = mapped_column(String(12))  # of the resident
    text: Mapped[str | None] = mapped_column(ExactText)  # in that language; what is sent
    # What a machine makes of `text` in English again; None when none can. Not needed for English.
    back_translation: Mapped[str | None] = mapped_column(ExactText)
    state: Mapped[str] = mapped_column(String(20), default=ReplyState.TRANSLATING, index=True)
    # "machine", "person" (typed or corrected by somebody), "canned" (kept wording), "none" (English)
    made_by: Mapped[str] = mapped_column(String(10), default="machine")
    model: Mapped[str | None] = mapped_column(String(120))
    pivot_language: Mapped[str | None] = mapped_column(String(12))
    quality: Mapped[float | None] = mapped_column(Float)
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    written_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    approved_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    approved_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __mapper_args__ = {"version_id_col": version}


class CannedReply(Base):
    """Kept wording that is often needed; `texts` has it by language, each checked by a speaker."""

    __tablename__ = "canned_reply"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    english: Mapped[str] = mapped_column(Text)
    # {language: {"text": ..., "checked_by": name of the speaker who checked it}}
    texts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __mapper_args__ = {"version_id_col": version}
