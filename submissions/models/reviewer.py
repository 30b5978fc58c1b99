"""Who works on the desk: reviewers, their sessions and API tokens, and the audit of what they did."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class Role(enum.StrEnum):
    VIEWER = "viewer"
    COMMISSION_MEMBER = "commission_member"  # the approved material of their own theme
    TRANSLATOR = "translator"  # views in their languages
    REVIEWER = "reviewer"
    SAFEGUARDING_LEAD = "safeguarding_lead"
    MANAGER = "manager"
    ADMIN = "admin"


class Reviewer(Base):
    __tablename__ = "reviewer"
    __table_args__ = (Index("ix_reviewer_oidc", "oidc_issuer", "oidc_subject", unique=True),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(120), unique=True)  # lower case
    display_name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(300))  # argon2id
    must_change_password: Mapped[bool] = mapped_column(default=True)
    role: Mapped[str] = mapped_column(String(30), default=Role.REVIEWER)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    disabled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    themes: Mapped[list[str]] = mapped_column(JSON, default=list)  # a commission member's
    languages: Mapped[list[str]] = mapped_column(JSON, default=list)  # a translator's
    # The secret of the authenticator app, sealed with the key of the telephone numbers. It counts from
    # `totp_confirmed_at` on; `totp_last_step` is the time step of the last code, which is never taken again.
    totp_secret: Mapped[str | None] = mapped_column(String(255))
    totp_confirmed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    # Who this is at the council's own provider. An e-mail address never identifies anybody.
    oidc_issuer: Mapped[str | None] = mapped_column(String(255))
    oidc_subject: Mapped[str | None] = mapped_column(String(255))


class RecoveryCode(Base):
    """Lets its owner in once without the authenticator app."""

    __tablename__ = "recovery_code"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reviewer.id", ondelete="CASCADE"), index=True)
    code_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))  # of 80 random bits
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class SignInStep(Base):
    """Half a sign-in: the password was right and a code is due, or somebody is at the council's provider."""

    __tablename__ = "sign_in_step"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    token_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    kind: Mapped[str] = mapped_column(String(10))  # "code" or "oidc"
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="CASCADE"))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class DeskSession(Base):
    __tablename__ = "desk_session"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    token_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reviewer.id", ondelete="CASCADE"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    last_seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    browser: Mapped[str] = mapped_column(String(60), default="")  # "Firefox on Windows", for its owner
    way: Mapped[str] = mapped_column(String(20), default="password")  # "password", "code", "provider"

    reviewer: Mapped[Reviewer] = relationship()


class ApiToken(Base):
    __tablename__ = "api_token"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120))
    token_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    role: Mapped[str] = mapped_column(String(30))
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviewer.id", ondelete="CASCADE"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    themes: Mapped[list[str]] = mapped_column(JSON, default=list)
    languages: Mapped[list[str]] = mapped_column(JSON, default=list)


class AuditEntry(Base):
    """Who did what to what, and when. `details` holds ids, counts and field names, never texts."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject_type", "subject_id"),
        Index("ix_audit_entry_actor", "actor", "occurred_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    occurred_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
    actor: Mapped[str] = mapped_column(
        String(140)
    )  # "reviewer:<username>", "resident", "system", "token:<name>"
    action: Mapped[str] = mapped_column(String(60))  # "submission.read", "translation.corrected", ...
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
