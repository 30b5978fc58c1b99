"""Passwords: how they are kept (argon2id), what a new one must be like, and how guessing is slowed down."""

from __future__ import annotations

import secrets
import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 200
# Long passwords that people do choose, in lower case. Rule and reason: NIST SP 800-63B, 5.1.1.2.
COMMON_PASSWORDS = frozenset(
    {
        "password1234",
        "password12345",
        "password123456",
        "passwordpassword",
        "123456789012",
        "1234567890123",
        "12345678901234",
        "1234567891011",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiop1234",
        "qwertyuiopasdf",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "q1w2e3r4t5y6",
        "asdfghjkl123",
        "iloveyou1234",
        "administrator",
        "administrator1",
        "letmeinletmein",
        "welcome12345",
        "welcome123456",
        "changemenow1",
        "changeme1234",
        "westminster1",
        "westminster12",
        "westminster123",
        "ownwordsownwords",
        "correcthorsebatterystaple",
        "trustno1trustno1",
        "abc123abc123",
        "abcdefghijkl",
        "abcd12345678",
        "football1234",
        "liverpool1234",
        "manchester12",
        "londonlondon",
        "london123456",
        "monkeymonkey",
        "correct horse battery staple",
    }
)

COST = RFC_9106_LOW_MEMORY  # 64 MiB, 3 passes: the RFC's second choice, and the library's own default
_hasher = PasswordHasher.from_parameters(COST)
# Each check needs 64 MiB: two at a time, or a flood of sign-ins would take the machine's memory.
_two_at_a_time = threading.BoundedSemaphore(2)

_GUESSES = MovingWindowRateLimiter(MemoryStorage())
GUESSES_PER_USERNAME = parse("10 per 15 minutes")
GUESSES_PER_ADDRESS = parse("50 per 15 minutes")
# Of a million codes three are right at a time: ten tries in fifteen minutes guess one in decades.
CODES_PER_PERSON = parse("10 per 15 minutes")


def hash_password(password: str) -> str:
    with _two_at_a_time:
        return _hasher.hash(password)


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return hash_password(secrets.token_urlsafe(32))


def is_right_password(password: str, password_hash: str | None) -> bool:
    """Whether the password fits. With no hash (no such account) it takes as long, and is False."""
    stored = password_hash or _hash_of_nobody()
    with _two_at_a_time:
        try:
            _hasher.verify(stored, password[:MAXIMUM_LENGTH])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    return _hasher.check_needs_rehash(password_hash)


def make_one_time_password() -> str:
    """Twenty letters and digits in groups of five, none of which look alike; about 98 random bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


def password_problems(password: str, *, username: str) -> list[str]:
    """What is wrong with a new password, in sentences for its owner; empty when it will do."""
    lower = password.casefold().strip()
    if len(password) < MINIMUM_LENGTH:
        return [f"The password must have {MINIMUM_LENGTH} characters or more"]
    if len(password) > MAXIMUM_LENGTH:
        return [f"The password must have {MAXIMUM_LENGTH} characters or fewer"]
    if username and username.casefold() in lower:
        return ["The password must not contain your username"]
    if lower in COMMON_PASSWORDS or len(set(lower)) < 5:
        return ["This password is too easy to guess. Three or four unrelated words work well"]
    return []


def is_throttled(username: str, address: str) -> bool:
    """Counts one try to sign in; says whether there were too many for this username or from this address."""
    username_is_free = _GUESSES.hit(GUESSES_PER_USERNAME, "username", username.casefold()[:120])
    address_is_free = _GUESSES.hit(GUESSES_PER_ADDRESS, "address", address)
    return not (username_is_free and address_is_free)


def is_code_throttled(key: str) -> bool:
    """Counts one try of a second factor; says whether there were too many for this person."""
    return not _GUESSES.hit(CODES_PER_PERSON, "code", key)


def forget_guesses(username: str) -> None:
    """After a right password the count of this username starts again."""
    _GUESSES.clear(GUESSES_PER_USERNAME, "username", username.casefold()[:120])


def forget_code_guesses(key: str) -> None:
    _GUESSES.clear(CODES_PER_PERSON, "code", key)


def forget_all_guesses() -> None:
    """Empties the counts, as a restart does; for tests that sign in often."""
    _GUESSES.storage.reset()
