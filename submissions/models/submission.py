"""A submission: a resident's view as a formal contribution, built from stored originals."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import TYPE_CHECKING

from sqlalchemy import (
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now

if TYPE_CHECKING:
    from submissions.models.theme import CandidateTheme, ThemeAssignment
    from submissions.models.translation import Segment


class SubmissionStatus(enum.StrEnum):
    DRAFT = "draft"  # shown back to the resident, not sent yet; never on the desk
    RECEIVED = "received"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Submission(Base):
    __tablename__ = "submission"
    __table_args__ = (
        # The desk's list is in the order of `submitted_at` within each of these.
        Index("ix_submission_status_submitted_at", "status", "submitted_at"),
        Index("ix_submission_channel_submitted_at", "channel", "submitted_at"),
        Index("ix_submission_source_language_submitted_at", "source_language", "submitted_at"),
        Index("ix_submission_method_submitted_at", "method", "submitted_at"),
        Index("ix_submission_forum_id_submitted_at", "forum_id", "submitted_at"),
        Index(
            "ix_submission_unread",
            "submitted_at",
            "status",
            sqlite_where=text("first_read_at IS NULL"),
            postgresql_where=text("first_read_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    # OW-XXXX-XXXX, given when the resident sends it.
    reference: Mapped[str | None] = mapped_column(String(12), unique=True)
    # SHA-256 over the conversation and the message ids it was made from: the same ids are the same
    # submission, also when two requests arrive at once.
    message_ids_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    conversation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("conversation.id", ondelete="SET NULL"), index=True
    )
    # The open forum it was contributed to, by an answer to a follow-up or by the forum's code word.
    forum_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("forum.id", ondelete="SET NULL"), index=True
    )
    channel: Mapped[str] = mapped_column(String(20), index=True)
    method: Mapped[str] = mapped_column(String(20), default="online", index=True)
    status: Mapped[str] = mapped_column(String(20), default=SubmissionStatus.DRAFT, index=True)
    source_language: Mapped[str | None] = mapped_column(String(12), index=True)
    source_language_confidence: Mapped[float | None] = mapped_column(Float)
    is_urgent: Mapped[bool] = mapped_column(default=False, index=True)
    consented_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    submitted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    first_read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(
        Integer, default=1
    )  # two reviewers at once are told, never overwritten
    __mapper_args__ = {"version_id_col": version}

    parts: Mapped[list[SubmissionPart]] = relationship(
        back_populates="submission", order_by="SubmissionPart.position", cascade="all, delete-orphan"
    )
    candidate_themes: Mapped[list[CandidateTheme]] = relationship(cascade="all, delete-orphan")
    theme_assignments: Mapped[list[ThemeAssignment]] = relationship(cascade="all, delete-orphan")


class SubmissionPart(Base):
    """One of the messages a submission was built from.

    The text is copied byte for byte, since conversations are deleted before views are.
    """

    __tablename__ = "submission_part"
    __table_args__ = (
        UniqueConstraint("submission_id", "position", name="uq_submission_part_position"),
        UniqueConstraint("submission_id", "message_id", name="uq_submission_part_message"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("submission.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    original_text: Mapped[str] = mapped_column(ExactText)
    original_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)

    submission: Mapped[Submission] = relationship(back_populates="parts")
    segments: Mapped[list[Segment]] = relationship(
        back_populates="part", order_by="Segment.position", cascade="all, delete-orphan"
    )
