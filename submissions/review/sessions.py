"""Signed-in people and API tokens: who is asking. Only hashes of session and API tokens are stored."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs

from fastapi import Request
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from submissions.database import unit_of_work
from submissions.models import ApiToken, DeskSession, Reviewer, SignInStep, utc_now
from submissions.review.errors import FormTooLarge, NotSignedIn
from submissions.settings import StoreSettings

IDLE_LIMIT = dt.timedelta(hours=2)
ABSOLUTE_LIMIT = dt.timedelta(hours=12)
STEP_LIMIT = dt.timedelta(minutes=10)
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


@lru_cache
def sign_in_settings() -> StoreSettings:
    """The settings that say how people sign in, read once."""
    return StoreSettings()


def browser_of(request: Request) -> str:
    """ "Firefox on Windows", so that somebody knows their own sessions apart; never more than that."""
    agent = request.headers.get("user-agent", "")
    browsers = {
        "Edg/": "Edge",
        "OPR/": "Opera",
        "Firefox/": "Firefox",
        "Chrome/": "Chrome",
        "Safari/": "Safari",
    }
    systems = {
        "Windows": "Windows",
        "Android": "Android",
        "iPhone": "iPhone",
        "iPad": "iPad",
        "Mac OS": "Mac",
        "Linux": "Linux",
    }
    browser = next((name for mark, name in browsers.items() if mark in agent), "A browser")
    system = next((name for mark, name in systems.items() if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def start_session(
    db: Session,
    reviewer: Reviewer,
    *,
    replacing: uuid.UUID | None = None,
    browser: str = "",
    way: str = "password",
) -> str:
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
            browser=browser,
            way=way,
        )
    )
    return token


def end_session(db: Session, session_id: uuid.UUID) -> None:
    db.execute(delete(DeskSession).where(DeskSession.id == session_id))


def end_own_session(db: Session, reviewer_id: uuid.UUID, session_id: uuid.UUID) -> bool:
    """Ends one session of this person's; False when it is not theirs, or has ended."""
    theirs = delete(DeskSession).where(DeskSession.id == session_id, DeskSession.reviewer_id == reviewer_id)
    return db.execute(theirs).rowcount == 1  # type: ignore[attr-defined]


def end_all_sessions(db: Session, reviewer_id: uuid.UUID) -> None:
    """Signs a reviewer out everywhere, as after a change of password or role; half a sign-in ends too."""
    db.execute(delete(DeskSession).where(DeskSession.reviewer_id == reviewer_id))
    db.execute(delete(SignInStep).where(SignInStep.reviewer_id == reviewer_id))


def end_other_sessions(db: Session, reviewer_id: uuid.UUID, session_id: uuid.UUID | None) -> None:
    """Signs somebody out everywhere but here."""
    db.execute(
        delete(DeskSession).where(DeskSession.reviewer_id == reviewer_id, DeskSession.id != session_id)
    )


def sessions_of(db: Session, reviewer_id: uuid.UUID) -> list[DeskSession]:
    """Where somebody is signed in, the last used first."""
    now = utc_now()
    return list(
        db.scalars(
            select(DeskSession)
            .where(
                DeskSession.reviewer_id == reviewer_id,
                DeskSession.expires_at > now,
                DeskSession.last_seen_at > now - IDLE_LIMIT,
            )
            .order_by(DeskSession.last_seen_at.desc())
        )
    )


def begin_step(db: Session, kind: str, reviewer_id: uuid.UUID | None = None, **details: object) -> str:
    """The token of half a sign-in, good for ten minutes and for `finish_step` alone."""
    now = utc_now()
    db.execute(delete(SignInStep).where(SignInStep.expires_at <= now))
    token = secrets.token_urlsafe(32)
    db.add(
        SignInStep(
            token_sha256=token_hash(token),
            kind=kind,
            reviewer_id=reviewer_id,
            details=details,
            expires_at=now + STEP_LIMIT,
        )
    )
    return token


def find_step(db: Session, kind: str, token: str) -> SignInStep | None:
    """The half of a sign-in that this token began, None when there is none or its time is over."""
    return db.scalar(
        select(SignInStep).where(
            SignInStep.token_sha256 == token_hash(token),
            SignInStep.kind == kind,
            SignInStep.expires_at > utc_now(),
        )
    )


def take_step(db: Session, step: SignInStep) -> bool:
    """Uses it up; False when somebody was faster, so that each leads to one session at most."""
    taken = delete(SignInStep).where(SignInStep.id == step.id)
    return db.execute(taken).rowcount == 1  # type: ignore[attr-defined]


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
        must_add_second_factor=(
            reviewer.totp_confirmed_at is None
            and session.way != "provider"  # which asks for its own
            and reviewer.role in sign_in_settings().roles_with_second_factor
        ),
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
