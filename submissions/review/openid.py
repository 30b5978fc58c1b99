"""Signing in with the council's own accounts: OpenID Connect, authorization code with PKCE.

Somebody is known by the provider's name and their subject there, never by an e-mail address, which may be
unverified and may be given to somebody else later. An account of ours with the same username stays apart.
Source: https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.models import Reviewer, Role, utc_now
from submissions.review import passwords, sessions
from submissions.review.errors import ProviderRefused, ProviderUnavailable
from submissions.settings import StoreSettings

logger = logging.getLogger(__name__)

# Signed with a key that only the provider has: no "none", and no secret that we share.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CLOCKS_APART_SECONDS = 60
KEPT_SECONDS = 3600
TIMEOUT_SECONDS = 10.0
SUBJECT_LIMIT = 255
# Where somebody's claim names several roles the greatest counts.
_GREATEST_FIRST = (
    Role.ADMIN,
    Role.MANAGER,
    Role.SAFEGUARDING_LEAD,
    Role.REVIEWER,
    Role.TRANSLATOR,
    Role.COMMISSION_MEMBER,
    Role.VIEWER,
)


@dataclass
class _Provider:
    """What the provider says about itself, asked for again every hour or when it signs with a new key."""

    metadata: dict[str, Any]
    read_at: float = field(default_factory=time.monotonic)
    keys: KeySet | None = None


_known: dict[str, _Provider] = {}
_lock = threading.Lock()


def forget_provider() -> None:
    """Asks it anew, as a restart does; for tests."""
    with _lock:
        _known.clear()


def _provider(settings: StoreSettings) -> _Provider:
    with _lock:
        known = _known.get(settings.oidc_issuer)
    if known is not None and time.monotonic() - known.read_at < KEPT_SECONDS:
        return known
    metadata = _get_json(settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration")
    if metadata.get("issuer") != settings.oidc_issuer:
        raise ProviderUnavailable("the provider calls itself something else than OWNWORDS_OIDC_ISSUER")
    if not all(
        isinstance(metadata.get(key), str) for key in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    ):
        raise ProviderUnavailable("the provider does not say where to go")
    found = _Provider(metadata)
    with _lock:
        _known[settings.oidc_issuer] = found
    return found


def _get_json(address: str) -> dict[str, Any]:
    try:
        answer = httpx.get(address, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderUnavailable(f"the provider does not answer: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable("the provider's answer is not what it should be")
    return found


def _keys(provider: _Provider, *, anew: bool = False) -> KeySet:
    if provider.keys is None or anew:
        try:
            provider.keys = KeySet.import_key_set(_get_json(provider.metadata["jwks_uri"]))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderUnavailable("the provider's keys cannot be read") from error
    return provider.keys


def _client(settings: StoreSettings, return_address: str) -> OAuth2Client:
    return OAuth2Client(
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        scope="openid profile",
        redirect_uri=return_address,
        code_challenge_method="S256",
        timeout=TIMEOUT_SECONDS,
    )


def begin(settings: StoreSettings, return_address: str, next_page: str) -> tuple[str, str]:
    """(where to send the browser, the token of this half of the sign-in for its cookie).

    Raises ProviderUnavailable.
    """
    provider = _provider(settings)
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    with _client(settings, return_address) as client:
        address, state = client.create_authorization_url(
            provider.metadata["authorization_endpoint"], nonce=nonce, code_verifier=verifier
        )
    with unit_of_work() as db:
        token = sessions.begin_step(
            db,
            "oidc",
            state=state,
            nonce=nonce,
            verifier=verifier,
            next=next_page,
            return_address=return_address,
        )
    return address, token


@dataclass(frozen=True)
class Entered:
    session_token: str
    next_page: str


def finish(settings: StoreSettings, step_token: str, answer: dict[str, str], *, browser: str = "") -> Entered:
    """A session for whoever the provider says it is. `answer` is the query that the browser came back with.

    Raises ProviderRefused, with a sentence for the person, and ProviderUnavailable.
    """
    with unit_of_work() as db:
        step = sessions.find_step(db, "oidc", step_token)
        # Used up whatever comes of it: an answer is looked at once.
        if step is None or not sessions.take_step(db, step):
            raise ProviderRefused("The sign-in took too long, or was begun in another browser. Begin again")
        details = dict(step.details)
    if not hmac.compare_digest(str(details["state"]).encode(), answer.get("state", "").encode()):
        raise ProviderRefused("The answer does not belong to this sign-in. Begin again")
    # RFC 9207: where the answer says who it is from, it must be the provider that was asked.
    if answer.get("iss", settings.oidc_issuer) != settings.oidc_issuer:
        raise ProviderRefused("The answer is not from the provider that was asked")
    if answer.get("error") or not answer.get("code"):
        raise ProviderRefused("The provider did not let you in")
    provider = _provider(settings)
    token = _fetch_token(settings, provider, details, answer["code"])
    claims = _claims(settings, provider, token, details["nonce"])
    session_token = _enter(settings, claims, browser)
    return Entered(session_token, str(details["next"]))


def _fetch_token(
    settings: StoreSettings, provider: _Provider, details: dict[str, Any], code: str
) -> dict[str, Any]:
    try:
        with _client(settings, details["return_address"]) as client:
            token = client.fetch_token(
                provider.metadata["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=details["verifier"],
            )
    except httpx.HTTPError as error:
        raise ProviderUnavailable(f"the provider does not answer: {type(error).__name__}") from error
    except (AuthlibBaseError, ValueError) as error:
        raise ProviderRefused("The provider did not accept the sign-in. Begin again") from error
    if not isinstance(token, dict) or not isinstance(token.get("id_token"), str):
        raise ProviderRefused("The provider did not say who you are")
    return token


def _claims(
    settings: StoreSettings, provider: _Provider, token: dict[str, Any], nonce: str
) -> dict[str, Any]:
    """Whom the token names, once it is certain that the provider made it for us, now, for this sign-in."""
    try:
        decoded = _decode(provider, token["id_token"])
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": settings.oidc_issuer},
                "sub": {"essential": True},
                "aud": {"essential": True, "value": settings.oidc_client_id},
                "exp": {"essential": True},
                "iat": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            },
            params={
                "client_id": settings.oidc_client_id,
                "nonce": nonce,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=CLOCKS_APART_SECONDS)
    except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
        logger.warning("a token of the provider was refused: %s", type(error).__name__)
        raise ProviderRefused("What the provider said about you cannot be trusted. Begin again") from error
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_LIMIT or "\0" in subject:
        raise ProviderRefused("The provider did not say who you are")
    return dict(claims)


def _decode(provider: _Provider, id_token: str) -> jwt.Token:
    try:
        return jwt.decode(id_token, _keys(provider), algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        # It may sign with a key that is newer than what we know; a wrong one stays wrong.
        return jwt.decode(id_token, _keys(provider, anew=True), algorithms=ALGORITHMS)


def role_of(settings: StoreSettings, claims: dict[str, Any]) -> Role | None:
    """The role that the claim gives, None when it gives none or no claim decides."""
    value = claims.get(settings.oidc_role_claim) if settings.oidc_role_claim else None
    values = value if isinstance(value, list) else [value]
    given = {
        settings.oidc_roles[one] for one in values if isinstance(one, str) and one in settings.oidc_roles
    }
    return next((role for role in _GREATEST_FIRST if role in given), None)


NO_ROLE = "Your account has no role here. Ask an administrator of the desk"
CLOSED = "An administrator of the desk must open your account first. Ask one"


def _enter(settings: StoreSettings, claims: dict[str, Any], browser: str) -> str:
    role = role_of(settings, claims)
    refusal = ""
    session_token = ""
    with unit_of_work() as db:
        account = db.scalar(
            select(Reviewer)
            .where(Reviewer.oidc_issuer == settings.oidc_issuer, Reviewer.oidc_subject == claims["sub"])
            .with_for_update()
        )
        if account is None and settings.oidc_role_claim and role is None:
            refusal = NO_ROLE
        else:
            if account is None:
                account = _add(db, settings, claims, role)
            if settings.oidc_role_claim and role is None:
                refusal = NO_ROLE
                sessions.end_all_sessions(db, account.id)
            elif account.disabled_at is not None:
                refusal = CLOSED
            else:
                _take_over(db, account, role)
                actor = f"reviewer:{account.username}"
                audit.record(db, actor, "reviewer.signed_in", "reviewer", account.id, way="provider")
                session_token = sessions.start_session(db, account, browser=browser, way="provider")
    # Outside the unit of work: who asks to be let in stays known, although they are refused.
    if refusal:
        raise ProviderRefused(refusal)
    return session_token


def _take_over(db: Session, account: Reviewer, role: Role | None) -> None:
    """The role is as the claim says now; sessions with another role end."""
    if role is None or role == account.role:
        return
    sessions.end_all_sessions(db, account.id)
    audit.record(
        db,
        audit.SYSTEM,
        "reviewer.role_from_provider",
        "reviewer",
        account.id,
        role_before=account.role,
        role=role,
    )
    account.role = role


def _add(db: Session, settings: StoreSettings, claims: dict[str, Any], role: Role | None) -> Reviewer:
    """A new account; closed until an administrator opens it, where no claim decides on the role."""
    now = utc_now()
    account = Reviewer(
        id=uuid.uuid4(),
        username=_free_username(db, str(claims.get("preferred_username") or "")),
        display_name=_words(claims.get("name")) or "Somebody",
        role=role or Role.VIEWER,
        # Nobody knows this password, so only the provider lets them in.
        password_hash=passwords.hash_password(secrets.token_urlsafe(32)),
        must_change_password=False,
        created_at=now,
        disabled_at=None if role else now,
        oidc_issuer=settings.oidc_issuer,
        oidc_subject=claims["sub"],
    )
    db.add(account)
    db.flush()
    action = "reviewer.added" if role else "reviewer.asked"
    audit.record(db, audit.SYSTEM, action, "reviewer", account.id, role=account.role)
    return account


def _words(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return " ".join("".join(letter for letter in text if letter.isprintable()).split())[:120]


def _free_username(db: Session, wanted: str) -> str:
    """A username that nobody has; one that somebody has is never taken over."""
    base = re.sub(r"[^a-z0-9._@+-]", "", wanted.lower())[:100].lstrip("._@+-")
    base = base if len(base) >= 2 else "person"
    taken = db.scalar(select(Reviewer.id).where(Reviewer.username == base)) is not None
    return f"{base}-{secrets.token_hex(4)}" if taken else base
