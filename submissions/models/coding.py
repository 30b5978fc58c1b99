"""How themes are agreed: the codeframe's versions, evidence for a theme, and coding by two people."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class Codeframe(Base):
    """The themes and sub-codes as they were signed off: locked, since a signed row is never changed."""

    __tablename__ = "codeframe"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    version: Mapped[str] = mapped_column(String(40), unique=True)
    themes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # [{key, name, sub_codes: [{key, name}]}]
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    reason: Mapped[str] = mapped_column(String(500), default="")  # why it was changed
    signed_off_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    signed_off_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class SubCode(Base):
    """A person's finer sorting within an accepted theme."""

    __tablename__ = "sub_code"
    __table_args__ = (UniqueConstraint("submission_id", "theme_key", "code", name="uq_sub_code"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    theme_key: Mapped[str] = mapped_column(String(60))
    code: Mapped[str] = mapped_column(String(60), index=True)
    codeframe_version: Mapped[str] = mapped_column(String(40))
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    decided_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class Evidence(Base):
    """A sentence that speaks for a theme, marked by a person; it is marked in original and English alike."""

    __tablename__ = "evidence"
    __table_args__ = (UniqueConstraint("segment_id", "theme_key", name="uq_evidence"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    segment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("segment.id", ondelete="CASCADE"))
    theme_key: Mapped[str] = mapped_column(String(60))
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    marked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class CodingRound(Base):
    """A sample of views that two people code, each without seeing the other."""

    __tablename__ = "coding_round"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120))
    codeframe_version: Mapped[str] = mapped_column(String(40))
    seed: Mapped[int] = mapped_column(Integer)  # of the draw, so that it can be told how it was made
    first_coder_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    second_coder_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="SET NULL"))
    created_by: Mapped[str] = mapped_column(String(140))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class CodingItem(Base):
    """One view of a round, and what the two agreed upon where they differed."""

    __tablename__ = "coding_item"
    __table_args__ = (UniqueConstraint("round_id", "submission_id", name="uq_coding_item"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    round_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("coding_round.id", ondelete="CASCADE"))
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int] = mapped_column(Integer)
    resolved_themes: Mapped[list[str] | None] = mapped_column(JSON)
    resolution_reason: Mapped[str | None] = mapped_column(Text)
    resolved_by: Mapped[str | None] = mapped_column(String(140))
    resolved_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class Coding(Base):
    """The themes one person gave one view of a round."""

    __tablename__ = "coding"
    __table_args__ = (UniqueConstraint("item_id", "is_first_coder", name="uq_coding"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    item_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("coding_item.id", ondelete="CASCADE"))
    is_first_coder: Mapped[bool] = mapped_column()
    themes: Mapped[list[str]] = mapped_column(JSON)
    coded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class Recoding(Base):
    """A view with a theme, or a sub-code of it, that a new codeframe took away or changed."""

    __tablename__ = "recoding"
    __table_args__ = (
        UniqueConstraint("codeframe_version", "submission_id", "theme_key", "code", name="uq_recoding"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    codeframe_version: Mapped[str] = mapped_column(String(40))
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    theme_key: Mapped[str] = mapped_column(String(60))
    code: Mapped[str] = mapped_column(String(60), default="")  # "": the theme itself
    is_gone: Mapped[bool] = mapped_column()  # else it is there still, and says something else
    outcome: Mapped[str | None] = mapped_column(String(20))  # "kept", "moved", "removed"
    done_by: Mapped[str | None] = mapped_column(String(140))
    done_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
