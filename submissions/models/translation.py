"""Segments of a submission's parts, their translations with what made each, and the jobs that make them."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import (
    JSON,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now
from submissions.models.submission import SubmissionPart


class TranslationStatus(enum.StrEnum):
    WAITING_FOR_PACKAGE = "waiting_for_package"
    MACHINE = "machine"
    NEEDS_PERSON = "needs_person"
    CORRECTED = "corrected"
    APPROVED = "approved"


class Segment(Base):
    """A sentence of a part: `part.original_text[start:end]`.

    Segments cover the text without a gap, so joining them gives it back.
    """

    __tablename__ = "segment"
    __table_args__ = (UniqueConstraint("part_id", "position", name="uq_segment_position"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("submission_part.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    start: Mapped[int] = mapped_column(Integer)
    end: Mapped[int] = mapped_column(Integer)
    # SHA-256 of the sentence with its white space made even: the same sentence is known again by it.
    text_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)

    part: Mapped[SubmissionPart] = relationship(back_populates="segments")
    translations: Mapped[list[SegmentTranslation]] = relationship(
        back_populates="segment", order_by="SegmentTranslation.created_at", cascade="all, delete-orphan"
    )


class SegmentTranslation(Base):
    """One translation of a segment. A correction is a new row; the old one stays, no longer current."""

    __tablename__ = "segment_translation"
    __table_args__ = (Index("ix_segment_translation_current", "segment_id", "target_language", "is_current"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    segment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("segment.id", ondelete="CASCADE"))
    source_language: Mapped[str | None] = mapped_column(String(12))
    target_language: Mapped[str] = mapped_column(String(12), default="en")
    text: Mapped[str | None] = mapped_column(
        ExactText
    )  # None while it waits; never the source text in disguise
    status: Mapped[str] = mapped_column(String(24))
    pivot_language: Mapped[str | None] = mapped_column(String(12))
    engine: Mapped[str | None] = mapped_column(String(40))
    model: Mapped[str | None] = mapped_column(String(120))  # engine, pair and version
    quality: Mapped[float | None] = mapped_column(Float)  # 0 to 1, estimated without a reference
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_current: Mapped[bool] = mapped_column(default=True)
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    reason: Mapped[str | None] = mapped_column(Text)
    # Who wrote it when that is nobody of the desk: the interpreter named with the file they returned.
    interpreter: Mapped[str | None] = mapped_column(String(120))
    # The correction of the same sentence elsewhere that this one was taken from.
    # No foreign key: it says where this came from, also when that has been erased since.
    memory_of_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)

    segment: Mapped[Segment] = relationship(back_populates="translations")


class JobKind(enum.StrEnum):
    TRANSLATE = "translate"
    FIND_THEMES = "find_themes"
    TRANSLATE_REPLY = "translate_reply"


class JobStatus(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    WAITING = "waiting"  # for a language package or a person
    FAILED = "failed"


class Job(Base):
    """Work on a submission.

    The row is the truth; the queue only wakes a worker, and a sweeper requeues what a crash left behind.
    """

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("submission_id", "kind", name="uq_job_submission_kind"),
        Index("ix_job_due", "status", "next_attempt_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    status: Mapped[str] = mapped_column(String(12), default=JobStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    # Counts the requests for this work; a worker that began before the last request leaves the job queued.
    requests: Mapped[int] = mapped_column(Integer, default=1)
    next_attempt_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    worker: Mapped[str | None] = mapped_column(String(80))  # "host:process id" while running
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
