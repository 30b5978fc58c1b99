"""What the team says is common and what is contested in a theme, in versions that are signed off."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import JSON, ForeignKey, Integer, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class SummaryState(enum.StrEnum):
    DRAFT = "draft"
    PROPOSED = "proposed"  # somebody else signs it off
    SIGNED_OFF = "signed_off"  # it stands in the briefing
    REPLACED = "replaced"  # by a newer version
    RETIRED = "retired"  # taken out of the briefing


class PointKind(enum.StrEnum):
    COMMON = "common"
    CONTESTED = "contested"


class Side(enum.StrEnum):
    FOR = "for"
    AGAINST = "against"


class ThemeSummary(Base):
    """One version for one theme. From SIGNED_OFF on its points never change: a change is a new version."""

    __tablename__ = "theme_summary"
    __table_args__ = (UniqueConstraint("theme_key", "number", name="uq_theme_summary_number"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    theme_key: Mapped[str] = mapped_column(String(60), index=True)
    number: Mapped[int] = mapped_column(Integer)  # 1, 2, ... within the theme
    state: Mapped[str] = mapped_column(String(12), default=SummaryState.DRAFT)
    # Everybody who wrote in it, as actors of the audit: none of them signs it off.
    writers: Mapped[list[str]] = mapped_column(JSON, default=list)
    written_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    proposed_by: Mapped[str | None] = mapped_column(String(140))
    signed_off_by: Mapped[str | None] = mapped_column(String(140))
    signed_off_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __mapper_args__ = {"version_id_col": version}

    points: Mapped[list[SummaryPoint]] = relationship(
        order_by="SummaryPoint.position", cascade="all, delete-orphan"
    )


class SummaryPoint(Base):
    """Something several people say, or something they disagree about, in the team's own words."""

    __tablename__ = "summary_point"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    summary_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("theme_summary.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(ExactText)
    # How many views it cited when it was written: fewer rows below tell that some are gone since.
    cited: Mapped[int] = mapped_column(Integer, default=0)

    citations: Mapped[list[PointCitation]] = relationship(
        order_by="PointCitation.position", cascade="all, delete-orphan"
    )


class PointCitation(Base):
    """A view that speaks for a point or against it, as a person marked it. It goes with the view's words."""

    __tablename__ = "point_citation"
    __table_args__ = (UniqueConstraint("point_id", "submission_id", name="uq_point_citation"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    point_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("summary_point.id", ondelete="CASCADE"))
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    side: Mapped[str] = mapped_column(String(10), default=Side.FOR)
    position: Mapped[int] = mapped_column(Integer, default=0)
