"""The second factor: codes of an authenticator app (TOTP), and recovery codes for when the app is gone.

The secret is stored sealed, with the key of the telephone numbers; of recovery codes only hashes are. A code
counts once, also when two requests bring it at the same moment.
Source: https://www.rfc-editor.org/rfc/rfc6238
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import uuid

import pyotp
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from submissions import audit
from submissions.addresses import seal, unseal
from submissions.database import unit_of_work
from submissions.models import RecoveryCode, Reviewer, utc_now
from submissions.review import sessions
from submissions.review.errors import AccountError

STEP_SECONDS = 30
# One step either way: clocks of telephones are seldom further off. RFC 6238, 5.2.
STEPS_OFF = 1
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none of which look alike
ISSUER = "Own Words"
NOT_RIGHT = "The code is not right, or was used before. Wait for the next one and try again"


def pending_secret(reviewer_id: uuid.UUID) -> str:
    """The secret to put into an app, in base 32; made at the first call and the same until it is confirmed.

    Raises AccountError when a second factor is in use: its secret is never shown again.
    """
    with unit_of_work() as db:
        reviewer = _locked(db, reviewer_id)
        if reviewer.totp_confirmed_at is not None:
            raise AccountError("An authenticator app is in use already")
        if reviewer.totp_secret is None:
            reviewer.totp_secret = seal(pyotp.random_base32())
        return unseal(reviewer.totp_secret)


def address_for_app(secret: str, username: str) -> str:
    """What the QR code says, as authenticator apps read it."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def confirm(principal: sessions.Principal, code: str) -> list[str]:
    """Puts the app to use after its first right code, ends the other sessions, and gives the recovery codes.

    Raises AccountError.
    """
    with unit_of_work() as db:
        reviewer = _locked(db, principal.reviewer_id)
        if reviewer.totp_confirmed_at is not None or reviewer.totp_secret is None:
            raise AccountError("An authenticator app is in use already")
        if not _take_app_code(db, reviewer, code):
            raise AccountError(NOT_RIGHT)
        reviewer.totp_confirmed_at = utc_now()
        codes = _new_recovery_codes(db, reviewer.id)
        sessions.end_other_sessions(db, reviewer.id, principal.session_id)
        audit.record(db, principal.actor, "second_factor.added", "reviewer", reviewer.id)
        return codes


def renew_recovery_codes(principal: sessions.Principal, code: str) -> list[str]:
    """New recovery codes in place of the old ones. Raises AccountError without a right code of the app."""
    with unit_of_work() as db:
        reviewer = _locked(db, principal.reviewer_id)
        if reviewer.totp_confirmed_at is None or not _take_app_code(db, reviewer, code):
            raise AccountError(NOT_RIGHT)
        audit.record(db, principal.actor, "second_factor.codes_renewed", "reviewer", reviewer.id)
        return _new_recovery_codes(db, reviewer.id)


def remove(principal: sessions.Principal, code: str) -> None:
    """Takes the app out of use, to add another. Raises AccountError without a right code."""
    with unit_of_work() as db:
        reviewer = _locked(db, principal.reviewer_id)
        if reviewer.totp_confirmed_at is None or not take_code(db, reviewer, code):
            raise AccountError(NOT_RIGHT)
        _forget(db, reviewer)
        sessions.end_other_sessions(db, reviewer.id, principal.session_id)
        audit.record(db, principal.actor, "second_factor.removed", "reviewer", reviewer.id)


def reset(db: Session, actor: str, reviewer: Reviewer) -> None:
    """An administrator's help for somebody whose app is gone: the password alone signs in again."""
    _forget(db, reviewer)
    sessions.end_all_sessions(db, reviewer.id)
    audit.record(db, actor, "second_factor.reset", "reviewer", reviewer.id)


def _forget(db: Session, reviewer: Reviewer) -> None:
    # `totp_last_step` stays: it is a time, and a code once used stays used.
    reviewer.totp_secret = reviewer.totp_confirmed_at = None
    db.execute(delete(RecoveryCode).where(RecoveryCode.reviewer_id == reviewer.id))


def _locked(db: Session, reviewer_id: uuid.UUID | None) -> Reviewer:
    return db.scalars(select(Reviewer).where(Reviewer.id == reviewer_id).with_for_update()).one()


def take_code(db: Session, reviewer: Reviewer, code: str) -> bool:
    """Whether this is a code of the app or a recovery code that was never used; it is used up now."""
    return _take_app_code(db, reviewer, code) or _take_recovery_code(db, reviewer, code)


def _take_app_code(db: Session, reviewer: Reviewer, code: str) -> bool:
    digits = re.sub(r"\s", "", code)
    if reviewer.totp_secret is None or not re.fullmatch(r"[0-9]{6}", digits, re.ASCII):
        return False
    app = pyotp.TOTP(unseal(reviewer.totp_secret), interval=STEP_SECONDS)
    now = int(utc_now().timestamp()) // STEP_SECONDS
    for step in range(now - STEPS_OFF, now + STEPS_OFF + 1):
        if hmac.compare_digest(app.generate_otp(step), digits):
            used = db.execute(
                update(Reviewer)
                .where(
                    Reviewer.id == reviewer.id,
                    or_(Reviewer.totp_last_step.is_(None), Reviewer.totp_last_step < step),
                )
                .values(totp_last_step=step)
            )
            return used.rowcount == 1  # type: ignore[attr-defined]
    return False


def _take_recovery_code(db: Session, reviewer: Reviewer, code: str) -> bool:
    if reviewer.totp_confirmed_at is None:
        return False
    used = db.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.reviewer_id == reviewer.id,
            RecoveryCode.code_sha256 == _code_hash(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=utc_now())
    )
    return used.rowcount == 1  # type: ignore[attr-defined]


def _code_hash(code: str) -> bytes:
    # Plain hashing is enough: the codes carry 79 random bits.
    return hashlib.sha256(re.sub(r"[\s-]", "", code).lower().encode("utf-8", "replace")).digest()


def _new_recovery_codes(db: Session, reviewer_id: uuid.UUID) -> list[str]:
    db.execute(delete(RecoveryCode).where(RecoveryCode.reviewer_id == reviewer_id))
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    db.add_all(RecoveryCode(reviewer_id=reviewer_id, code_sha256=_code_hash(code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def recovery_codes_left(db: Session, reviewer_id: uuid.UUID) -> int:
    unused = select(func.count()).where(
        RecoveryCode.reviewer_id == reviewer_id, RecoveryCode.used_at.is_(None)
    )
    return db.scalar(unused) or 0


def finish_sign_in(step_token: str, code: str, *, browser: str = "") -> str | None:
    """The token of a session for whoever has given the password and now the code; None when it is not right.

    Raises StepOver when the password must be given again.
    """
    with unit_of_work() as db:
        step = sessions.find_step(db, "code", step_token)
        if step is None:
            raise StepOver("The sign-in took too long. Give your password again")
        reviewer = _locked(db, step.reviewer_id)
        if reviewer.disabled_at is not None or reviewer.totp_confirmed_at is None:
            raise StepOver("Give your password again")
        if not take_code(db, reviewer, code):
            return None
        if not sessions.take_step(db, step):
            raise StepOver("Give your password again")
        audit.record(
            db, f"reviewer:{reviewer.username}", "reviewer.signed_in", "reviewer", reviewer.id, way="code"
        )
        return sessions.start_session(db, reviewer, browser=browser, way="code")


class StepOver(AccountError):
    """Half a sign-in that cannot be finished any more."""
