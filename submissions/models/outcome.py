"""You said, we did: what came of the views on a theme, in versions that are signed off, in each language."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import JSON, Float, ForeignKey, Integer, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class OutcomeState(enum.StrEnum):
    DRAFT = "draft"
    PROPOSED = "proposed"  # somebody else signs it off
    PUBLISHED = "published"
    REPLACED = "replaced"  # by a newer version
    RETIRED = "retired"  # taken off the page


class Outcome(Base):
    """One version for one theme. From PUBLISHED on its English never changes: a change is a new version."""

    __tablename__ = "outcome"
    __table_args__ = (UniqueConstraint("theme_key", "number", name="uq_outcome_number"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    theme_key: Mapped[str] = mapped_column(String(60), index=True)
    number: Mapped[int] = mapped_column(Integer)  # 1, 2, ... within the theme
    said: Mapped[str] = mapped_column(ExactText)  # "you said", in English
    did: Mapped[str] = mapped_column(ExactText)  # "we did"
    state: Mapped[str] = mapped_column(String(12), default=OutcomeState.DRAFT, index=True)
    written_by: Mapped[str] = mapped_column(String(140))  # an actor, as in the audit
    written_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    proposed_by: Mapped[str | None] = mapped_column(String(140))
    published_by: Mapped[str | None] = mapped_column(String(140))
    published_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)
    __mapper_args__ = {"version_id_col": version}

    texts: Mapped[list[OutcomeText]] = relationship(
        order_by="OutcomeText.language", cascade="all, delete-orphan"
    )


class OutcomeText(Base):
    """The whole of an outcome in a language, by a machine or by a person: never half of each."""

    __tablename__ = "outcome_text"
    __table_args__ = (UniqueConstraint("outcome_id", "language", name="uq_outcome_text_language"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    outcome_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("outcome.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(12))
    said: Mapped[str] = mapped_column(ExactText)
    did: Mapped[str] = mapped_column(ExactText)
    made_by: Mapped[str] = mapped_column(String(10))  # "machine" or "person"
    model: Mapped[str | None] = mapped_column(String(120))
    quality: Mapped[float | None] = mapped_column(Float)
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    person: Mapped[str | None] = mapped_column(String(140))  # who wrote or checked it
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class OutcomeAnnouncement(Base):
    """Somebody asked that those who wanted to hear back be told; who agreed before it gets one message."""

    __tablename__ = "outcome_announcement"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    announced_by: Mapped[str] = mapped_column(String(140))
    announced_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
