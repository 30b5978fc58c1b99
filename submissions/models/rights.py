"""For residents' rights: earlier wording of corrected views, erasures under way, who is to hear back."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class EarlierText(Base):
    """What a part of a view said before its writer corrected it: kept exactly, no longer part of the view.

    Rows apart from `submission_part`, so that nothing which reads a view can take these words for its own.
    """

    __tablename__ = "earlier_text"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int] = mapped_column(Integer)  # of the part, among those replaced together
    original_text: Mapped[str] = mapped_column(ExactText)
    original_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    english: Mapped[str | None] = mapped_column(ExactText)  # as the team last read it
    # The message it came from, so that erasing the view finds that too.
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    written_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    replaced_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class Forgetting(Base):
    """What was erased here and must still be forgotten outside the database; gone once that is done."""

    __tablename__ = "forgetting"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    gone: Mapped[dict[str, Any]] = mapped_column(JSON)  # ids and names of files, see `submissions.forgetting`
    done: Mapped[list[str]] = mapped_column(JSON, default=list)  # names of the stores that have forgotten it
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    requested_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    next_attempt_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
    last_error: Mapped[str | None] = mapped_column(String(300))


class HearBack(Base):
    """Somebody on the telephone agreed to one message when the outcomes are published."""

    __tablename__ = "hear_back"
    __table_args__ = (UniqueConstraint("address_id", name="uq_hear_back_address_id"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    address_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"))
    conversation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("conversation.id", ondelete="SET NULL")
    )
    way: Mapped[str] = mapped_column(String(20))  # "conversation" or "my_submission"
    agreed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # they changed their mind
    told_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # in the commit that queues the message
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
