"""What can go wrong on the desk. `web.DeskRoute` makes pages of these, `desk_api` makes JSON answers."""

from __future__ import annotations

from collections.abc import Sequence

from submissions.errors import SubmissionError


class DeskError(SubmissionError):
    """Base of the desk's errors."""


class NotSignedIn(DeskError):
    """No session, or one that has ended. `had_session` tells "please sign in" from "you were signed out"."""

    def __init__(self, *, had_session: bool = False) -> None:
        super().__init__("not signed in")
        self.had_session = had_session


class PasswordChangeDue(DeskError):
    """A one-time password lets its owner do one thing only: choose a password."""


class SecondFactorDue(DeskError):
    """A role that must use an authenticator app lets its owner do one thing only without: set one up."""


class NotAllowed(DeskError):
    def __init__(self, permission: str) -> None:
        super().__init__(f"the role does not give {permission}")
        self.permission = permission


class FormNotGenuine(DeskError):
    """The form's CSRF token is missing or is not this session's: it may come from another site."""


class FormTooLarge(DeskError):
    """More was posted than any form of the desk can hold."""


class DecisionRefused(DeskError):
    """What was asked cannot be done; `problems` are sentences for the person who asked."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"{len(problems)} reason(s) why this cannot be done")
        self.problems = list(problems)


class VersionConflict(DeskError):
    """Somebody changed the submission after this person read it."""

    def __init__(self, reference: str, *, expected: int, current: int) -> None:
        super().__init__(f"{reference} is at version {current}, not {expected}")
        self.reference = reference
        self.expected = expected
        self.current = current


class ProviderRefused(DeskError):
    """The council's own sign-in did not let somebody in; `reason` is a sentence for them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderUnavailable(DeskError):
    """The council's own sign-in does not answer, or not as it should."""


class AccountNotFound(DeskError):
    """There is no account, session or token with this id."""


class AccountError(DeskError):
    """An account or token could not be made or changed; `reason` is a sentence for the person who asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
