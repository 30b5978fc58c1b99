"""Who may use which route, declared by a dependency on each route and found again by `access_rule_of`.

A route says it in one of these ways:

    Depends(require(Permission.READ_SUBMISSIONS))      a person at the desk whose role gives the permission
    Depends(require_token(Permission.READ_SUBMISSIONS)) a bearer token of the desk API, likewise
    Depends(public_route)                               anybody
    Depends(internal_token)                             our own parts, by X-Internal-Token
    Depends(any function marked with @declares_access("conversation_token"))

so that one test lists the routes of the whole application and fails on one that says nothing.
"""

from __future__ import annotations

import enum
import hmac
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.routing import iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from submissions.models import Role
from submissions.review.errors import FormNotGenuine, NotAllowed, PasswordChangeDue, SecondFactorDue
from submissions.review.sessions import Principal, current_principal, find_token_principal, posted_form

CheckT = TypeVar("CheckT", bound=Callable[..., Any])

PUBLIC = "public"
INTERNAL_TOKEN = "internal_token"  # noqa: S105  the name of a rule, not a secret
SIGNED_IN = "session"


class Permission(enum.StrEnum):
    """One thing somebody may do. Routes ask for permissions, never for roles."""

    READ_SUBMISSIONS = "submissions.read"
    READ_RECORD = (
        "record.read"  # what runs across all views: overview, register, sessions, recordings, problems
    )
    REVIEW_SUBMISSIONS = "submissions.review"  # status, themes, source language
    CORRECT_TRANSLATIONS = "translations.correct"
    MANAGE_JOBS = "jobs.manage"
    HANDLE_SAFEGUARDING = "safeguarding.handle"
    NAME_SAFEGUARDING_LEAD = "safeguarding.name_lead"
    RECORD_CONTRIBUTIONS = "contributions.record"  # sessions, paper forms
    MANAGE_STAKEHOLDERS = "stakeholders.manage"
    PREPARE_FOLLOW_UPS = "follow_ups.prepare"  # forums, attendees, texts
    APPROVE_FOLLOW_UPS = "follow_ups.approve"  # a second person sends them
    CODE_THEMES = "themes.code"  # sub-codes, evidence, coding rounds
    MANAGE_CODEFRAME = "codeframe.manage"  # versions, sign-off, rounds
    WRITE_OUTCOMES = "outcomes.write"
    PUBLISH_OUTCOMES = "outcomes.publish"
    WRITE_SUMMARIES = "summaries.write"  # what is common and contested in a theme
    SIGN_OFF_SUMMARIES = "summaries.sign_off"
    READ_BRIEFINGS = "briefings.read"  # briefings and the report: approved material only
    EXPORT_DATA = "data.export"
    READ_AUDIT = "audit.read"
    MANAGE_ACCOUNTS = "accounts.manage"  # people, roles, API tokens


_READING = frozenset({Permission.READ_SUBMISSIONS, Permission.READ_RECORD, Permission.READ_BRIEFINGS})
_TRANSLATING = frozenset({Permission.READ_SUBMISSIONS, Permission.CORRECT_TRANSLATIONS})
_REVIEWING = _READING | {
    Permission.REVIEW_SUBMISSIONS,
    Permission.CORRECT_TRANSLATIONS,
    Permission.HANDLE_SAFEGUARDING,
    Permission.RECORD_CONTRIBUTIONS,
    Permission.MANAGE_STAKEHOLDERS,
    Permission.PREPARE_FOLLOW_UPS,
    Permission.CODE_THEMES,
    Permission.WRITE_OUTCOMES,
    Permission.WRITE_SUMMARIES,
    Permission.EXPORT_DATA,
}
_MANAGING = _REVIEWING | {
    Permission.MANAGE_JOBS,
    Permission.NAME_SAFEGUARDING_LEAD,
    Permission.APPROVE_FOLLOW_UPS,
    Permission.MANAGE_CODEFRAME,
    Permission.PUBLISH_OUTCOMES,
    Permission.SIGN_OFF_SUMMARIES,
    Permission.READ_AUDIT,
}

# The one table of roles. A new role is a row here (and, when it sees only a part of the submissions, a
# condition in `queue.visible_to`); no route changes.
PERMISSIONS_OF: dict[str, frozenset[Permission]] = {
    Role.VIEWER: _READING,
    Role.COMMISSION_MEMBER: frozenset({Permission.READ_BRIEFINGS}),
    Role.TRANSLATOR: _TRANSLATING,
    Role.REVIEWER: _REVIEWING,
    Role.SAFEGUARDING_LEAD: _REVIEWING,
    Role.MANAGER: _MANAGING,
    Role.ADMIN: frozenset(Permission),
}


def may(principal: Principal, permission: Permission) -> bool:
    """Whether this person's or token's role gives the permission; a role not in the table gives none."""
    return permission in PERMISSIONS_OF.get(principal.role, frozenset())


def themes_of(principal: Principal, all_themes: Iterable[str]) -> list[str]:
    """Keys of the themes whose briefings this person may read: a commission member their own alone."""
    is_scoped = principal.role == Role.COMMISSION_MEMBER
    return [key for key in all_themes if not is_scoped or key in principal.themes]


def home_of(principal: Principal) -> str:
    """The page on which somebody's work begins."""
    if may(principal, Permission.READ_SUBMISSIONS):
        return "/desk"
    return "/desk/briefings" if may(principal, Permission.READ_BRIEFINGS) else "/desk/account"


def declares_access(rule: str) -> Callable[[CheckT], CheckT]:
    """Marks a dependency as the check that decides who may use a route, under this name.

    The dependency itself must refuse (by raising) whoever may not.
    """

    def mark(check: CheckT) -> CheckT:
        check.access_rule = rule  # type: ignore[attr-defined]
        return check

    return mark


@declares_access(PUBLIC)
def public_route() -> None:
    """Anybody may use the route; said out loud so that nobody has to guess whether it was forgotten."""


@declares_access(INTERNAL_TOKEN)
def internal_token(request: Request) -> None:
    """Only our own parts: `X-Internal-Token` must equal `app.state.internal_token`, or it is a 401."""
    expected = getattr(request.app.state, "internal_token", "")
    given = request.headers.get("x-internal-token", "")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(401, "This address is for the parts of Own Words only.")


PrincipalOfSession = Annotated[Principal, Depends(current_principal)]
PostedForm = Annotated[dict[str, list[str]] | None, Depends(posted_form)]


class SessionRule:
    """Lets in a signed-in person, with a permission where one is named; checks the CSRF token of each form.

    The check of forms is part of the rule, so no page can forget it.
    """

    def __init__(
        self,
        permission: Permission | None = None,
        *,
        even_if_password_is_due: bool = False,
        even_if_second_factor_is_due: bool = False,
    ) -> None:
        self.permission = permission
        self.even_if_password_is_due = even_if_password_is_due
        self.even_if_second_factor_is_due = even_if_second_factor_is_due
        self.access_rule = f"{SIGNED_IN}:{permission}" if permission else SIGNED_IN

    def __call__(self, request: Request, principal: PrincipalOfSession, form: PostedForm) -> Principal:
        if principal.must_change_password and not self.even_if_password_is_due:
            raise PasswordChangeDue
        if principal.must_add_second_factor and not self.even_if_second_factor_is_due:
            raise SecondFactorDue
        if self.permission is not None and not may(principal, self.permission):
            raise NotAllowed(self.permission)
        if request.method not in ("GET", "HEAD"):
            given = ((form or {}).get("csrf_token") or [""])[0]
            if not given or not hmac.compare_digest(given.encode(), principal.csrf_token.encode()):
                raise FormNotGenuine
        return principal


class TokenRule:
    """Lets in a bearer token of the desk API whose role gives the permission: else 401 or 403."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        self.access_rule = f"token:{permission}"

    def __call__(
        self,
        credentials: Annotated[
            HTTPAuthorizationCredentials | None,
            Depends(HTTPBearer(auto_error=False, description="A token made by `ownwords api-token add`.")),
        ],
    ) -> Principal:
        principal = find_token_principal(credentials.credentials) if credentials else None
        if principal is None:
            raise HTTPException(
                401, "A valid API token is needed: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"}
            )
        if not may(principal, self.permission):
            raise HTTPException(403, f"The token's role does not give {self.permission}.")
        return principal


@lru_cache
def require(permission: Permission) -> SessionRule:
    """The rule for a page: signed in, password chosen, and a role that gives this permission."""
    return SessionRule(permission)


@lru_cache
def require_token(permission: Permission) -> TokenRule:
    """The rule for a call of the desk API."""
    return TokenRule(permission)


signed_in = SessionRule()
signed_in_password_may_be_due = SessionRule(even_if_password_is_due=True, even_if_second_factor_is_due=True)
signed_in_second_factor_may_be_due = SessionRule(even_if_second_factor_is_due=True)


def access_rule_of(route: Any) -> str | None:
    """The rule a route declares ("public", "session:submissions.read", …), or None when it declares none.

    Takes what `app.routes` or FastAPI's `iter_route_contexts` yields. A plain route or a mounted application
    declares its rule with `declares_access` on the endpoint or on the application mounted.
    """
    rules = list(_rules_within(getattr(route, "dependant", None)))
    for holder in (getattr(route, "endpoint", None), getattr(route, "app", None)):
        rule = getattr(holder, "access_rule", None)
        if isinstance(rule, str):
            rules.append(rule)
    return " and ".join(dict.fromkeys(rules)) or None


def _rules_within(dependant: Any) -> Iterator[str]:
    for inner in getattr(dependant, "dependencies", ()):
        rule = getattr(inner.call, "access_rule", None)
        if isinstance(rule, str):
            yield rule
        yield from _rules_within(inner)


def access_rules(app: FastAPI) -> list[tuple[str, str, str | None]]:
    """(methods, path, rule or None) of every route of the application, those of included routers too."""
    return [
        (" ".join(sorted(context.methods or ())) or "MOUNT", context.path or "", access_rule_of(context))
        for context in iter_route_contexts(app.routes)
    ]
