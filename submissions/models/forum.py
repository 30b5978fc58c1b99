"""Open forums, who came, what they are texted afterwards, and what became of it."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import (
    JSON,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class Forum(Base):
    """A meeting that anybody may come to."""

    __tablename__ = "forum"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(60))  # stands in the text messages
    place: Mapped[str] = mapped_column(String(200), default="")
    held_on: Mapped[dt.date] = mapped_column(Date, index=True)
    languages: Mapped[list[str]] = mapped_column(JSON, default=list)
    code_word: Mapped[str | None] = mapped_column(String(20))  # as the posters say it
    code_word_key: Mapped[str | None] = mapped_column(String(20), unique=True)  # as it is looked up
    created_by: Mapped[str] = mapped_column(String(140))  # an actor, as in the audit
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_by: Mapped[str] = mapped_column(String(140))
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    version: Mapped[int] = mapped_column(Integer, default=1)  # two people at once are told
    __mapper_args__ = {"version_id_col": version}


class Attendee(Base):
    """Somebody who left a number and agreed to be texted; goes when the number is deleted."""

    __tablename__ = "attendee"
    __table_args__ = (UniqueConstraint("forum_id", "person_hash", name="uq_attendee_person"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    forum_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("forum.id", ondelete="CASCADE"))
    address_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"), index=True)
    # Keyed hash of the number whatever the channel, so that one person is counted once.
    person_hash: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    language: Mapped[str] = mapped_column(String(12))
    consented_on: Mapped[dt.date] = mapped_column(Date)
    added_by: Mapped[str] = mapped_column(String(140))
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class FollowUpState(enum.StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"  # for a second person to approve it
    SENDING = "sending"
    PAUSED = "paused"
    DONE = "done"
    CANCELED = "canceled"


class FollowUp(Base):
    """One text to everybody who came to a forum, each in their language."""

    __tablename__ = "follow_up"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    forum_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("forum.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(20), default=FollowUpState.DRAFT, index=True)
    budget_pence: Mapped[int] = mapped_column(Integer)
    part_pence: Mapped[float | None] = mapped_column(Float)  # price of an SMS part, as it was when approved
    pause_reason: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column(String(140))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    prepared_by: Mapped[str | None] = mapped_column(String(140))  # who asked for the approval
    prepared_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    approved_by: Mapped[str | None] = mapped_column(String(140))
    approved_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __mapper_args__ = {"version_id_col": version}


class FollowUpText(Base):
    """One version of the text in one language; never changed once written, a newer version follows it."""

    __tablename__ = "follow_up_text"
    __table_args__ = (
        UniqueConstraint("follow_up_id", "language", "version", name="uq_follow_up_text_version"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    follow_up_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("follow_up.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(ExactText)
    written_by: Mapped[str] = mapped_column(String(140))
    written_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    proof_read_by: Mapped[str | None] = mapped_column(String(120))  # the name of who speaks the language
    proof_reading_kept_by: Mapped[str | None] = mapped_column(String(140))
    proof_read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class TemplateStatus(enum.StrEnum):
    """Where a wording is with WhatsApp, in the carrier's words but for the first."""

    ASKED = "asked"  # by the team; the worker has not reached the carrier with it yet
    UNSUBMITTED = "unsubmitted"
    RECEIVED = "received"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"  # by WhatsApp, for some hours, when many people blocked us
    DISABLED = "disabled"


class FollowUpTemplate(Base):
    """A wording that WhatsApp is asked to approve, so that it may be sent outside the 24 hours.

    In `body` the forum's name is {{1}}, so one approval serves the same wording after other forums.
    """

    __tablename__ = "follow_up_template"
    __table_args__ = (UniqueConstraint("language", "body_sha256", name="uq_follow_up_template_body"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    language: Mapped[str] = mapped_column(String(12))
    body: Mapped[str] = mapped_column(ExactText)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    samples: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # what stood for {{1}} when asked
    content_sid: Mapped[str | None] = mapped_column(String(60), unique=True)  # at the carrier
    status: Mapped[str] = mapped_column(String(20), default=TemplateStatus.ASKED)
    reason: Mapped[str | None] = mapped_column(String(300))  # why it was rejected, or not asked yet
    asked_by: Mapped[str] = mapped_column(String(140))
    asked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    checked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class RecipientState(enum.StrEnum):
    WAITING = "waiting"
    QUEUED = "queued"  # its message is in the outbox; the message's own state tells the rest
    SKIPPED = "skipped"  # not to be sent; `reason` says why


class FollowUpRecipient(Base):
    """One person of one follow-up: made when it is approved, queued at most once.

    Also the ledger of contacts: who was asked what, and when. Who it was goes with the number.
    """

    __tablename__ = "follow_up_recipient"
    __table_args__ = (
        UniqueConstraint("follow_up_id", "person_hash", name="uq_follow_up_recipient_person"),
        Index("ix_follow_up_recipient_next", "follow_up_id", "state"),
        Index("ix_follow_up_recipient_ledger", "person_hash", "queued_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    follow_up_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("follow_up.id", ondelete="CASCADE"))
    attendee_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("attendee.id", ondelete="SET NULL"))
    address_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("address.id", ondelete="SET NULL"), index=True
    )
    person_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    language: Mapped[str] = mapped_column(String(12))
    text_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("follow_up_text.id", ondelete="SET NULL"))
    sms_parts: Mapped[int] = mapped_column(Integer, default=0)  # what the operator bills; 0 on WhatsApp
    state: Mapped[str] = mapped_column(String(20), default=RecipientState.WAITING)
    reason: Mapped[str | None] = mapped_column(String(200))
    queued_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    message_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("message.id", ondelete="SET NULL"), unique=True
    )
    # Copied from the message, which goes with its conversation while the figures stay.
    delivery_status: Mapped[str | None] = mapped_column(String(20))
    answered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    opted_out_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # after this text


class ForumLinkWay(enum.StrEnum):
    FOLLOW_UP = "follow_up"  # an answer to one
    CODE_WORD = "code_word"


class ConversationForum(Base):
    """Which forum a conversation is about since `linked_at`: views sent from then on belong to it."""

    __tablename__ = "conversation_forum"

    conversation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True
    )
    forum_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("forum.id", ondelete="CASCADE"), index=True)
    way: Mapped[str] = mapped_column(String(20))
    linked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
