"""Evidence sessions: contributions that came in a meeting, by letter or on paper, typed in by the team."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Integer, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class EvidenceSession(Base):
    """One meeting, letter or bundle of paper forms, and who took part."""

    __tablename__ = "evidence_session"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    method: Mapped[str] = mapped_column(String(20))  # one of the commission's ways of contributing
    held_on: Mapped[dt.date] = mapped_column(Date, index=True)
    place: Mapped[str] = mapped_column(String(200), default="")
    contributors: Mapped[list[str]] = mapped_column(JSON, default=list)  # organisations or people
    lead: Mapped[str] = mapped_column(String(120), default="")  # a commission member
    attended_by: Mapped[list[str]] = mapped_column(JSON, default=list)  # commission members, the lead too
    note_taker: Mapped[str] = mapped_column(String(120), default="")
    interpreter: Mapped[str] = mapped_column(String(120), default="")
    notes: Mapped[str] = mapped_column(ExactText, default="")  # of the team; no part of any contribution
    is_demonstration: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(String(140))  # an actor, as in the audit
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_by: Mapped[str] = mapped_column(String(140))
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    version: Mapped[int] = mapped_column(Integer, default=1)  # two people at once are told
    __mapper_args__ = {"version_id_col": version}


class EvidenceContribution(Base):
    """What one of them contributed: a submission like any other, and how it was taken down."""

    __tablename__ = "evidence_contribution"

    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), primary_key=True
    )
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("evidence_session.id", ondelete="CASCADE"), index=True
    )
    contributor: Mapped[str] = mapped_column(Text, default="")
    was_read_back: Mapped[bool] = mapped_column(default=False)  # to who said it, and found right
    entered_by: Mapped[str] = mapped_column(String(140))


class SessionChange(Base):
    """What the facts of a session were before somebody changed them."""

    __tablename__ = "session_change"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("evidence_session.id", ondelete="CASCADE"), index=True
    )
    before: Mapped[dict[str, Any]] = mapped_column(JSON)  # of the changed facts alone, by name
    changed_by: Mapped[str] = mapped_column(String(140))
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class SessionFile(Base):
    """Something that belongs to a session or to one contribution of it: notes, a letter, a recording.

    The file itself lies encrypted in the data folder's `media`, as those of residents do.
    """

    __tablename__ = "session_file"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("evidence_session.id", ondelete="CASCADE"), index=True
    )
    # Erased with it, when the file is one contributor's.
    submission_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(120))  # by its content
    byte_count: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    stored_name: Mapped[str] = mapped_column(String(200))
    added_by: Mapped[str] = mapped_column(String(140))
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
