"""Signed-in people and API tokens: who is asking. Only hashes of session and API tokens are stored."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import Request
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from submissions.database import unit_of_work
from submissions.models import ApiToken, DeskSession, Reviewer, utc_now
from submissions.review.errors import FormTooLarge, NotSignedIn

IDLE_LIMIT = dt.timedelta(hours=2)
ABSOLUTE_LIMIT = dt.timedelta(hours=12)
# How stale `last_seen_at` may get: one write a minute instead of one a page.
LAST_SEEN_PRECISION = dt.timedelta(minutes=1)
FORM_LIMIT_BYTES = 1_000_000


@dataclass(frozen=True)
class Principal:
    """Who is asking: a reviewer at the desk, or a program with an API token."""

    actor: str  # as the audit writes it: "reviewer:<username>" or "token:<name>"
    display_name: str
    role: str
    reviewer_id: uuid.UUID | None
    username: str = ""
    csrf_token: str = ""
    must_change_password: bool = False
    session_id: uuid.UUID | None = None
    themes: frozenset[str] = frozenset()  # of a commission member
    languages: frozenset[str] = frozenset()  # of a translator
    must_add_second_factor: bool = False

    @property
    def is_person(self) -> bool:
        return self.session_id is not None


def token_hash(token: str) -> bytes:
    """SHA-256 of a token of ours. Plain hashing is enough: the tokens carry 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


def cookie_name(request: Request) -> str:
    """The session cookie's name. Cookies ignore ports, and two instances may run on one machine, so the port
    is part of the name where it is not the usual one."""
    port = request.url.port
    return f"ownwords_desk_{port}" if port and port not in (80, 443) else "ownwords_desk"


def is_https(request: Request) -> bool:
    """Whether the person's browser speaks HTTPS to us, directly or (by the configured public address) to the
    proxy before us; a header of the request could be forged."""
    public_url = str(getattr(request.app.state, "public_url", ""))
    return request.url.scheme == "https" or public_url.startswith("https://")


def start_session(db: Session, reviewer: Reviewer, *, replacing: uuid.UUID | None = None) -> str:
    """A new session's token; the session it replaces, and all that have ended, are deleted."""
    now = utc_now()
    db.execute(delete(DeskSession).where(DeskSession.expires_at <= now))
    if replacing is not None:
        db.execute(delete(DeskSession).where(DeskSession.id == replacing))
    token = secrets.token_urlsafe(32)
    db.add(
        DeskSession(
            token_sha256=token_hash(token),
            reviewer_id=reviewer.id,
            csrf_token=secrets.token_urlsafe(32),
            created_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE_LIMIT,
        )
    )
    return token


def end_session(db: Session, session_id: uuid.UUID) -> None:
    db.execute(delete(DeskSession).where(DeskSession.id == session_id))


def end_all_sessions(db: Session, reviewer_id: uuid.UUID) -> None:
    """Signs a reviewer out everywhere, as after a change of password."""
    db.execute(delete(DeskSession).where(DeskSession.reviewer_id == reviewer_id))


def find_session_principal(token: str) -> Principal | None:
    """Whose session this is, or None when it is unknown, idle for two hours, twelve hours old, or its owner's
    account is closed."""
    now = utc_now()
    with unit_of_work(read_only=True) as db:
        row = db.execute(
            select(DeskSession, Reviewer)
            .join(Reviewer, Reviewer.id == DeskSession.reviewer_id)
            .where(DeskSession.token_sha256 == token_hash(token))
        ).one_or_none()
        if row is None:
            return None
        session, reviewer = row
    if now >= session.expires_at or now - session.last_seen_at >= IDLE_LIMIT or reviewer.disabled_at:
        return None
    if now - session.last_seen_at >= LAST_SEEN_PRECISION:
        with unit_of_work() as db:
            db.execute(update(DeskSession).where(DeskSession.id == session.id).values(last_seen_at=now))
    return Principal(
        actor=f"reviewer:{reviewer.username}",
        display_name=reviewer.display_name,
        role=reviewer.role,
        reviewer_id=reviewer.id,
        username=reviewer.username,
        csrf_token=session.csrf_token,
        must_change_password=reviewer.must_change_password,
        session_id=session.id,
        themes=frozenset(reviewer.themes),
        languages=frozenset(reviewer.languages),
    )


def find_token_principal(token: str) -> Principal | None:
    """Whose API token this is, or None when it is unknown, revoked or expired, or its owner is gone."""
    now = utc_now()
    with unit_of_work(read_only=True) as db:
        row = db.execute(
            select(ApiToken, Reviewer)
            .outerjoin(Reviewer, Reviewer.id == ApiToken.reviewer_id)
            .where(ApiToken.token_sha256 == token_hash(token))
        ).one_or_none()
        if row is None:
            return None
        api_token, reviewer = row
    if api_token.revoked_at or now >= api_token.expires_at or (reviewer is not None and reviewer.disabled_at):
        return None
    if api_token.last_used_at is None or now - api_token.last_used_at >= LAST_SEEN_PRECISION:
        with unit_of_work() as db:
            db.execute(update(ApiToken).where(ApiToken.id == api_token.id).values(last_used_at=now))
    return Principal(
        actor=f"token:{api_token.name}",
        display_name=api_token.name,
        role=api_token.role,
        reviewer_id=api_token.reviewer_id,
        themes=frozenset(api_token.themes),
        languages=frozenset(api_token.languages),
    )


def current_principal(request: Request) -> Principal:
    """The person signed in. Raises NotSignedIn."""
    token = request.cookies.get(cookie_name(request), "")
    principal = find_session_principal(token) if token else None
    if principal is None:
        raise NotSignedIn(had_session=bool(token))
    return principal


async def posted_form(request: Request) -> dict[str, list[str]] | None:
    """The fields of a posted form, each a list; None when nothing of that kind was posted.

    Raises FormTooLarge.
    """
    if request.method != "POST":
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT_BYTES:
            raise FormTooLarge
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        return None
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=2000)
