"""Who does not want to hear from us, for what, since when, and in which words they said so."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class Purpose(enum.StrEnum):
    """What a message of ours is for."""

    CONVERSATION = "conversation"  # answers to what they wrote
    FOLLOW_UPS = "follow_ups"  # what they did not ask for at that moment, such as a text after a forum


class OptOutWay(enum.StrEnum):
    """How we learnt it."""

    WORDS = "words"  # a message that is one of our phrases
    CONFIRMED = "confirmed"  # an ambiguous message, and yes when we asked
    CARRIER = "carrier"  # Twilio's OptOutType
    REFUSED = "refused"  # a send was refused for it (21610, 63014)
    TEAM = "team"  # somebody told the team


class OptOut(Base):
    """In force while `ended_at` is empty; kept afterwards, since it is the record of what somebody wanted."""

    __tablename__ = "opt_out"
    __table_args__ = (Index("ix_opt_out_in_force", "address_id", "purpose", "ended_at"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    address_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(20))
    way: Mapped[str] = mapped_column(String(20))
    words: Mapped[str | None] = mapped_column(ExactText)  # theirs, or the carrier's code
    opted_out_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_way: Mapped[str | None] = mapped_column(String(20))
    ended_words: Mapped[str | None] = mapped_column(ExactText)
