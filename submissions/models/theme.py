"""Candidate themes (proposed by a machine) and theme assignments (decided by a person), in rows apart."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import Float, ForeignKey, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class CandidateTheme(Base):
    __tablename__ = "candidate_theme"
    __table_args__ = (UniqueConstraint("submission_id", "theme_key", "model", name="uq_candidate_theme"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    theme_key: Mapped[str] = mapped_column(String(60), index=True)
    confidence: Mapped[float] = mapped_column(Float)  # 0 to 1
    model: Mapped[str] = mapped_column(String(120))
    codeframe_version: Mapped[str] = mapped_column(String(40))
    # What the machine read: the "original", or the "english" made of it (`model` then says so too).
    text_read: Mapped[str] = mapped_column(String(10), default="original")
    # Measured: in this language suggestions are right much less often than in English.
    is_low_confidence: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class ThemeDecision(enum.StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"


class ThemeAssignment(Base):
    """A person's decision about one theme of one submission; accepting a theme nobody proposed adds it."""

    __tablename__ = "theme_assignment"
    __table_args__ = (UniqueConstraint("submission_id", "theme_key", name="uq_theme_assignment"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    theme_key: Mapped[str] = mapped_column(String(60), index=True)
    decision: Mapped[str] = mapped_column(String(10))
    codeframe_version: Mapped[str] = mapped_column(String(40))
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    decided_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class PartEmbedding(Base):
    """The meaning of one part of a submission as a vector, made once: 384 little-endian float32."""

    __tablename__ = "part_embedding"
    __table_args__ = (UniqueConstraint("part_id", "model", name="uq_part_embedding"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("submission_part.id", ondelete="CASCADE"))
    model: Mapped[str] = mapped_column(String(120))
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
