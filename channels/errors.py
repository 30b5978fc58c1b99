"""What can go wrong between residents and the rest. Web code turns these into answers in one place."""

from __future__ import annotations


class ChannelError(Exception):
    """Base of all errors of this package."""


class BotUnavailable(ChannelError):
    """The assistant gave no answer we can use; the same call may work later. `reason` never holds a text."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the assistant does not answer: {reason}")
        self.reason = reason


class UnknownMessageKey(ChannelError):
    """No catalogue, not even the English one, has this key: a fault of ours, not of the resident's."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no wording for the message key {key!r}")
        self.key = key


class MissingArgument(ChannelError):
    """The wording names a value that nobody gave."""

    def __init__(self, key: str, argument: str) -> None:
        super().__init__(f"the wording of {key!r} needs {{{argument}}}")
        self.key = key
        self.argument = argument


class ResidentInputError(ChannelError):
    """A request of a resident's that cannot be taken.

    `code` is for programs, `message_key` names the wording the resident reads, `arguments` fill it in.
    """

    code = "invalid"
    message_key = "ui_wrong_input"

    def __init__(self, code: str | None = None, **arguments: object) -> None:
        super().__init__(code or self.code)
        self.code = code or self.code
        self.arguments = arguments


class MessageEmpty(ResidentInputError):
    code = "empty"
    message_key = "ui_empty"


class MessageTooLong(ResidentInputError):
    code = "too_long"
    message_key = "too_long"


class NotText(ResidentInputError):
    code = "not_text"
    message_key = "not_text"


class NotSignedIn(ResidentInputError):
    """The bearer token is missing or malformed."""

    code = "token_missing"
    message_key = "ui_not_allowed"


class WrongToken(ResidentInputError):
    """The bearer token is not the one of this conversation."""

    code = "token_wrong"
    message_key = "ui_not_allowed"


class TooManyRequests(ResidentInputError):
    code = "too_many"
    message_key = "ui_too_fast"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class SendError(ChannelError):
    """A message was not sent. `reason` is what the team reads; it never holds a text or a number."""

    def __init__(self, reason: str, *, code: int | None = None) -> None:
        super().__init__(reason if code is None else f"{reason} ({code})")
        self.reason = reason
        self.code = code


class TemporarySendError(SendError):
    """Surely not sent; trying again later may work. With `pauses_all` no other message would go either."""

    def __init__(self, reason: str, *, code: int | None = None, pauses_all: bool = False) -> None:
        super().__init__(reason, code=code)
        self.pauses_all = pauses_all


class PermanentSendError(SendError):
    """Surely not sent, and trying again would change nothing; `twilio_client.remedy_for` says what helps."""


class SendOutcomeUnknown(SendError):
    """Perhaps sent: it must be looked up at the carrier before anything else."""


class NotFromTwilio(ChannelError):
    """A webhook without a genuine signature, or one nobody is to send here; the sender learns no more."""

    def __init__(self, why: str) -> None:
        super().__init__(f"webhook refused: {why}")
        self.why = why
