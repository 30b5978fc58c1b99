"""What the team keeps beside a view: redactions, notes, who has it, safeguarding, saved lists."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class Redaction(Base):
    """Something personal that is not shown on, with the reason. The texts themselves never change."""

    __tablename__ = "redaction"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))  # phone, email, postcode, name, other
    reason: Mapped[str] = mapped_column(String(500))
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # taken back
    ended_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))

    spans: Mapped[list[RedactionSpan]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class RedactionSpan(Base):
    """Characters `start` to `end` of the sentence's original, or of one translation of it."""

    __tablename__ = "redaction_span"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    redaction_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("redaction.id", ondelete="CASCADE"), index=True
    )
    part_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission_part.id", ondelete="CASCADE"), index=True
    )
    # None: the span counts in the part's original text; else in that translation's text.
    translation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("segment_translation.id", ondelete="CASCADE"), index=True
    )
    start: Mapped[int] = mapped_column(Integer)
    end: Mapped[int] = mapped_column(Integer)


class AnalystNote(Base):
    """What somebody of the team thinks about a view. Never part of the view, and not exported by default."""

    __tablename__ = "analyst_note"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class Assignment(Base):
    """Who is to review a view."""

    __tablename__ = "assignment"
    __table_args__ = (Index("ix_assignment_reviewer", "reviewer_id", "submission_id"),)

    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), primary_key=True
    )
    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reviewer.id", ondelete="CASCADE"))
    assigned_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    assigned_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class SavedView(Base):
    """A list somebody comes back to: the filters of its address."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("reviewer_id", "name", name="uq_saved_view_name"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reviewer.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(String(2000))
    is_shared: Mapped[bool] = mapped_column(default=False)
    is_default: Mapped[bool] = mapped_column(default=False)  # the list opens on it for its owner
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class SafeguardingLead(Base):
    """Who answers for urgent views, from when to when; the one without an end is the lead now."""

    __tablename__ = "safeguarding_lead"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reviewer.id", ondelete="CASCADE"))
    named_by: Mapped[str] = mapped_column(String(140))  # an actor, as in the audit
    named_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)


class SafeguardingOutcome(enum.StrEnum):
    NOT_DANGER = "not_danger"
    ADVICE_GIVEN = "advice_given"
    REFERRED = "referred"  # to the council's safeguarding team, police or another service
    EMERGENCY = "emergency"  # emergency services were called


class SafeguardingCase(Base):
    """What was done about an urgent view, or about a conversation that told of danger and holds no view.

    Without a row nothing has been recorded yet.
    """

    __tablename__ = "safeguarding_case"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), unique=True
    )
    conversation_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), unique=True
    )
    told_resident: Mapped[str] = mapped_column(Text, default="")  # beyond the messages in the conversation
    action: Mapped[str] = mapped_column(Text, default="")  # what was done, and who was told
    outcome: Mapped[str | None] = mapped_column(String(20))
    recorded_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __mapper_args__ = {"version_id_col": version}
