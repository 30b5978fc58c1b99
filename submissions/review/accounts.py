"""Accounts of reviewers and API tokens: making them, signing in, changing a password."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.models import ApiToken, Reviewer, Role, utc_now
from submissions.review import passwords, second_factor, sessions
from submissions.review.errors import AccountError

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,118}")
FIRST_USERNAME = "reviewer"


def add_reviewer(
    username: str,
    display_name: str,
    role: str = Role.REVIEWER,
    *,
    themes: Sequence[str] = (),
    languages: Sequence[str] = (),
    actor: str = audit.SYSTEM,
    reset_second_factor: bool = False,
) -> str:
    """Makes an account and gives its one-time password, which is shown once and stored only as a hash.

    For a username that exists it makes a new one-time password, sets name and role, opens a closed account
    and signs its owner out everywhere: this is also how a forgotten password is mended.
    Raises AccountError for a username or role that cannot be.
    """
    with unit_of_work() as db:
        password = _add_reviewer(db, username, display_name, role, actor)
        reviewer = find_by_username(db, username)
        reviewer.themes, reviewer.languages = list(themes), list(languages)
        if reset_second_factor:
            second_factor.reset(db, actor, reviewer)
        return password


def _add_reviewer(db: Session, username: str, display_name: str, role: str, actor: str = audit.SYSTEM) -> str:
    name = username.strip().lower()
    if not _USERNAME.fullmatch(name):
        raise AccountError("A username has 2 to 119 letters (a to z), digits or any of . _ @ + -")
    if role not in list(Role):
        raise AccountError(f"There is no role {role}; the roles are {', '.join(Role)}")
    one_time_password = passwords.make_one_time_password()
    reviewer = db.scalar(select(Reviewer).where(Reviewer.username == name))
    action = "reviewer.password_reset" if reviewer else "reviewer.added"
    if reviewer is None:
        reviewer = Reviewer(id=uuid.uuid4(), username=name)
        db.add(reviewer)
    else:
        sessions.end_all_sessions(db, reviewer.id)
    reviewer.display_name = display_name.strip()[:120] or name
    reviewer.role = role
    reviewer.password_hash = passwords.hash_password(one_time_password)
    reviewer.must_change_password = True
    reviewer.disabled_at = None
    audit.record(db, actor, action, "reviewer", reviewer.id, role=role)
    return one_time_password


def find_by_username(db: Session, username: str) -> Reviewer:
    return db.scalars(select(Reviewer).where(Reviewer.username == username.strip().lower())).one()


def ensure_first_reviewer() -> tuple[str, str] | None:
    """(username, one-time password) of a first account when there is none yet, else None.

    While nobody has signed in with that first account, each start makes a new one-time password for it: the
    one shown before may have scrolled away.
    """
    with unit_of_work() as db:
        usernames = list(db.scalars(select(Reviewer.username).limit(2)))
        if usernames not in ([], [FIRST_USERNAME]):
            return None
        if usernames:
            has_chosen = not db.scalar(
                select(Reviewer.must_change_password).where(Reviewer.username == FIRST_USERNAME)
            )
            if has_chosen:
                return None
        return FIRST_USERNAME, _add_reviewer(db, FIRST_USERNAME, "First reviewer", Role.ADMIN)


def has_reviewer() -> bool:
    with unit_of_work(read_only=True) as db:
        return bool(db.scalar(select(func.count()).select_from(Reviewer)))


@dataclass(frozen=True)
class SignedIn:
    session_token: str
    must_change_password: bool


@dataclass(frozen=True)
class CodeDue:
    """The password was right; `step_token` and a code of the authenticator app make the session."""

    step_token: str


def sign_in(
    username: str, password: str, *, replacing: uuid.UUID | None = None, browser: str = ""
) -> SignedIn | CodeDue | None:
    """A new session when username and password fit, else None, after the same time whichever was wrong."""
    name = username.strip().lower()[:120]
    with unit_of_work(read_only=True) as db:
        # A name that cannot be is not looked up: PostgreSQL refuses some characters.
        is_possible = _USERNAME.fullmatch(name) is not None
        reviewer = db.scalar(select(Reviewer).where(Reviewer.username == name)) if is_possible else None
    known_hash = reviewer.password_hash if reviewer and not reviewer.disabled_at else None
    # Outside any transaction: the check takes a tenth of a second, and SQLite has one writer.
    if not passwords.is_right_password(password, known_hash) or reviewer is None:
        return None
    new_hash = passwords.hash_password(password) if passwords.needs_rehash(reviewer.password_hash) else None
    with unit_of_work() as db:
        if new_hash:
            reviewer = db.merge(reviewer)
            reviewer.password_hash = new_hash
        if reviewer.totp_confirmed_at is not None:
            return CodeDue(sessions.begin_step(db, "code", reviewer.id))
        token = sessions.start_session(db, reviewer, replacing=replacing, browser=browser)
        audit.record(db, f"reviewer:{name}", "reviewer.signed_in", "reviewer", reviewer.id)
    return SignedIn(token, reviewer.must_change_password)


def change_password(
    principal: sessions.Principal, current: str, new: str, repeated: str, *, browser: str = ""
) -> str:
    """Sets a new password, ends every session of the account and gives the token of a new one.

    Raises AccountError with what is wrong.
    """
    with unit_of_work(read_only=True) as db:
        reviewer = db.get_one(Reviewer, principal.reviewer_id)
    if not passwords.is_right_password(current, reviewer.password_hash):
        raise AccountError("The current password is not right")
    if new != repeated:
        raise AccountError("The two new passwords are not the same")
    if new == current:
        raise AccountError("The new password must differ from the current one")
    if problems := passwords.password_problems(new, username=reviewer.username):
        raise AccountError(problems[0])
    new_hash = passwords.hash_password(new)
    with unit_of_work() as db:
        reviewer = db.get_one(Reviewer, principal.reviewer_id)
        reviewer.password_hash = new_hash
        reviewer.must_change_password = False
        sessions.end_all_sessions(db, reviewer.id)
        audit.record(db, principal.actor, "reviewer.password_changed", "reviewer", reviewer.id)
        way = "code" if reviewer.totp_confirmed_at else "password"
        return sessions.start_session(db, reviewer, browser=browser, way=way)


def create_api_token(
    name: str,
    role: str = Role.VIEWER,
    days: int = 90,
    *,
    themes: Sequence[str] = (),
    languages: Sequence[str] = (),
    actor: str = audit.SYSTEM,
) -> str:
    """A bearer token for the desk API, valid for 1 to 366 days; shown once, stored only as a hash.

    Raises AccountError.
    """
    if role not in list(Role):
        raise AccountError(f"There is no role {role}; the roles are {', '.join(Role)}")
    if not 1 <= days <= 366:
        raise AccountError("A token is valid for 1 to 366 days")
    if not name.strip() or len(name) > 120:
        raise AccountError("A token needs a name of 1 to 120 characters that says what it is for")
    token = f"owt_{secrets.token_urlsafe(32)}"
    with unit_of_work() as db:
        row = ApiToken(
            id=uuid.uuid4(),
            name=name.strip(),
            token_sha256=sessions.token_hash(token),
            role=role,
            expires_at=utc_now() + dt.timedelta(days=days),
            themes=list(themes),
            languages=list(languages),
        )
        db.add(row)
        audit.record(db, actor, "api_token.added", "api_token", row.id, role=role, days=days)
    return token
