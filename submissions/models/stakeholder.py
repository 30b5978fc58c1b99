"""Stakeholders: organisations and people the team keeps in touch with, and who offered to contribute."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import Date, ForeignKey, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, ExactText, UtcDateTime, new_id, utc_now


class StakeholderKind(enum.StrEnum):
    ORGANISATION = "organisation"
    PERSON = "person"


class ContactKind(enum.StrEnum):
    ASKED = "asked"  # counts towards engagement fatigue
    HEARD = "heard"
    NOTE = "note"


class OfferState(enum.StrEnum):
    NEW = "new"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Stakeholder(Base):
    __tablename__ = "stakeholder"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(200))
    # The name as it is compared: two rows with the same are shown as possible twins.
    name_key: Mapped[str] = mapped_column(String(200), index=True)
    speaks_for: Mapped[str] = mapped_column(String(200), default="")  # a community, or a person's role
    interest: Mapped[int] = mapped_column(Integer)  # 1 to 5
    influence: Mapped[int] = mapped_column(Integer)  # 1 to 5
    manager: Mapped[str] = mapped_column(String(120), default="")  # who keeps up the relationship
    team: Mapped[str] = mapped_column(String(120), default="")  # the manager's
    contact_sealed: Mapped[str | None] = mapped_column(Text)  # e-mail, telephone: encrypted at rest
    notes: Mapped[str] = mapped_column(ExactText, default="")
    is_demonstration: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(String(140))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_by: Mapped[str] = mapped_column(String(140))
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
    version: Mapped[int] = mapped_column(Integer, default=1)  # two people at once are told
    __mapper_args__ = {"version_id_col": version}


class StakeholderContact(Base):
    """Something that passed between the council and a stakeholder, whichever team it was."""

    __tablename__ = "stakeholder_contact"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    stakeholder_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("stakeholder.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(8))
    happened_on: Mapped[dt.date] = mapped_column(Date)
    team: Mapped[str] = mapped_column(String(120))
    person: Mapped[str] = mapped_column(String(120))  # of that team
    about: Mapped[str] = mapped_column(ExactText)
    # Why they were asked again although somebody had asked them a short while before.
    asked_again_because: Mapped[str | None] = mapped_column(ExactText)
    entered_by: Mapped[str] = mapped_column(String(140))
    entered_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)


class StakeholderSession(Base):
    """A stakeholder took part in an evidence session."""

    __tablename__ = "stakeholder_session"

    stakeholder_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("stakeholder.id", ondelete="CASCADE"), primary_key=True
    )
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("evidence_session.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class StakeholderSubmission(Base):
    """A view that came from a stakeholder."""

    __tablename__ = "stakeholder_submission"

    stakeholder_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("stakeholder.id", ondelete="CASCADE"), primary_key=True
    )
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Offer(Base):
    """A message in which somebody offered to speak for others, or asked for a person. Its words stay."""

    __tablename__ = "offer"

    message_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(12))  # "speaks_for" or "wants_person"
    state: Mapped[str] = mapped_column(String(12), default=OfferState.NEW, index=True)
    found_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
    stakeholder_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("stakeholder.id", ondelete="SET NULL"), index=True
    )
    decided_by: Mapped[str | None] = mapped_column(String(140))
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
