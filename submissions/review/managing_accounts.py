"""What an administrator does with accounts and API tokens: each change ends the sessions it concerns."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import ApiToken, DeskSession, Reviewer, Role, utc_now
from submissions.review import accounts, passwords, second_factor, sessions
from submissions.review.errors import AccountError, AccountNotFound
from submissions.review.safeguarding import current_lead
from submissions.review.sessions import Principal
from translations.languages import LANGUAGES


@dataclass(frozen=True)
class Scope:
    """A role, and the part of the views it sees where it sees only a part."""

    role: str
    themes: Sequence[str] = ()
    languages: Sequence[str] = ()

    def checked(self) -> Scope:
        """The same without what the role has no use for. Raises AccountError."""
        if self.role not in list(Role):
            raise AccountError("Choose a role")
        themes = [key for key in get_commission().theme_keys if key in self.themes]
        languages = sorted(set(self.languages) & set(LANGUAGES))
        if self.role == Role.COMMISSION_MEMBER and not themes:
            raise AccountError("Choose the themes that the commission member reads")
        if self.role == Role.TRANSLATOR and not languages:
            raise AccountError("Choose the languages that the translator reads")
        return Scope(
            self.role,
            themes if self.role == Role.COMMISSION_MEMBER else [],
            languages if self.role == Role.TRANSLATOR else [],
        )


@dataclass(frozen=True)
class Person:
    """An account as the list shows it."""

    account: Reviewer
    last_seen_at: dt.datetime | None  # of the sessions that are open
    is_lead: bool

    @property
    def awaits_opening(self) -> bool:
        """Came by the council's own sign-in, and no administrator has given a role yet."""
        account = self.account
        return account.disabled_at is not None and account.disabled_at == account.created_at


def people(db: Session) -> list[Person]:
    """All accounts, open ones first, by name."""
    seen = dict(
        db.execute(
            select(DeskSession.reviewer_id, func.max(DeskSession.last_seen_at)).group_by(
                DeskSession.reviewer_id
            )
        ).all()
    )
    lead = current_lead(db)
    rows = db.scalars(select(Reviewer).order_by(Reviewer.disabled_at.is_not(None), Reviewer.display_name))
    return [Person(row, seen.get(row.id), lead is not None and lead.id == row.id) for row in rows]


def find_person(db: Session, reviewer_id: uuid.UUID, *, lock: bool = False) -> Reviewer:
    """Raises AccountNotFound."""
    query = select(Reviewer).where(Reviewer.id == reviewer_id)
    found = db.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise AccountNotFound
    return found


def add_person(principal: Principal, username: str, display_name: str, scope: Scope) -> str:
    """A new account; its one-time password, shown once. Raises AccountError."""
    chosen = scope.checked()
    name = username.strip().lower()
    with unit_of_work(read_only=True) as db:
        if db.scalar(select(Reviewer.id).where(Reviewer.username == name)) is not None:
            raise AccountError("There is an account with this username already")
    return accounts.add_reviewer(
        name,
        display_name,
        chosen.role,
        themes=chosen.themes,
        languages=chosen.languages,
        actor=principal.actor,
    )


def change_person(principal: Principal, reviewer_id: uuid.UUID, display_name: str, scope: Scope) -> None:
    """Sets name and role; another role or part of the views ends the sessions. Raises AccountError."""
    chosen = scope.checked()
    with unit_of_work() as db:
        admins = _lock_admins(db)
        person = find_person(db, reviewer_id, lock=True)
        if chosen.role != Role.ADMIN:
            _must_not_be_the_last_admin(person, admins)
        before = (person.role, sorted(person.themes), sorted(person.languages))
        person.display_name = display_name.strip().replace("\0", "")[:120] or person.username
        person.role = chosen.role
        person.themes, person.languages = list(chosen.themes), list(chosen.languages)
        if before != (chosen.role, sorted(chosen.themes), sorted(chosen.languages)):
            sessions.end_all_sessions(db, person.id)
        audit.record(
            db,
            principal.actor,
            "reviewer.changed",
            "reviewer",
            person.id,
            role_before=before[0],
            role=chosen.role,
            themes=list(chosen.themes),
            languages=list(chosen.languages),
        )


def disable(principal: Principal, reviewer_id: uuid.UUID) -> None:
    """Closes the account and ends its sessions; its work stays. Raises AccountError for the last admin."""
    with unit_of_work() as db:
        admins = _lock_admins(db)
        person = find_person(db, reviewer_id, lock=True)
        _must_not_be_the_last_admin(person, admins)
        person.disabled_at = person.disabled_at or utc_now()
        sessions.end_all_sessions(db, person.id)
        audit.record(db, principal.actor, "reviewer.disabled", "reviewer", person.id)


def enable(principal: Principal, reviewer_id: uuid.UUID) -> None:
    with unit_of_work() as db:
        person = find_person(db, reviewer_id, lock=True)
        person.disabled_at = None
        audit.record(db, principal.actor, "reviewer.enabled", "reviewer", person.id, role=person.role)


def reset_password(principal: Principal, reviewer_id: uuid.UUID) -> str:
    """A new one-time password, shown once; the sessions end."""
    one_time_password = passwords.make_one_time_password()
    password_hash = passwords.hash_password(one_time_password)
    with unit_of_work() as db:
        person = find_person(db, reviewer_id, lock=True)
        person.password_hash, person.must_change_password = password_hash, True
        sessions.end_all_sessions(db, person.id)
        audit.record(db, principal.actor, "reviewer.password_reset", "reviewer", person.id)
    return one_time_password


def reset_second_factor(principal: Principal, reviewer_id: uuid.UUID) -> None:
    with unit_of_work() as db:
        second_factor.reset(db, principal.actor, find_person(db, reviewer_id, lock=True))


def _must_not_be_the_last_admin(person: Reviewer, admins: Sequence[Reviewer]) -> None:
    if [admin.id for admin in admins] == [person.id]:
        raise AccountError("This is the last administrator. Make somebody else one first")


def _lock_admins(db: Session) -> Sequence[Reviewer]:
    """Those who may sign in, locked in one order and before the person.

    Two who remove each other at once leave one, and neither waits for what the other holds.
    """
    return db.scalars(
        select(Reviewer)
        .where(Reviewer.role == Role.ADMIN, Reviewer.disabled_at.is_(None))
        .order_by(Reviewer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def tokens(db: Session) -> list[ApiToken]:
    """All API tokens, valid ones first, then the newest."""
    ended = (ApiToken.revoked_at.is_not(None)) | (ApiToken.expires_at <= utc_now())
    return list(db.scalars(select(ApiToken).order_by(ended, ApiToken.created_at.desc())))


def add_token(principal: Principal, name: str, days: int, scope: Scope) -> str:
    """A new token, shown once. Raises AccountError."""
    chosen = scope.checked()
    return accounts.create_api_token(
        name.replace("\0", ""),
        chosen.role,
        days,
        themes=chosen.themes,
        languages=chosen.languages,
        actor=principal.actor,
    )


def revoke_token(principal: Principal, token_id: uuid.UUID) -> None:
    """Ends a token now; once more changes nothing. Raises AccountNotFound."""
    with unit_of_work() as db:
        token = db.scalar(select(ApiToken).where(ApiToken.id == token_id).with_for_update())
        if token is None:
            raise AccountNotFound
        if token.revoked_at is None:
            token.revoked_at = utc_now()
            audit.record(db, principal.actor, "api_token.revoked", "api_token", token.id)
