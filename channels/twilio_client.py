"""Talking to Twilio: which account, with what time limits, and how to read its refusals."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from channels.errors import PermanentSendError, SendOutcomeUnknown, TemporarySendError
from channels.settings import Settings

TIMEOUT_SECONDS = 10.0  # the library has none by itself
MAXIMUM_BODY = 1600  # characters, on every channel; error 21617 above


@dataclass(frozen=True)
class TwilioAccount:
    account_sid: str
    auth_token: str  # the primary one: webhooks are signed with it
    messaging_service_sid: str = ""
    sms_number: str = ""
    whatsapp_number: str = ""
    api_url: str = ""  # empty is Twilio itself

    @property
    def is_stand_in(self) -> bool:
        return bool(self.api_url)


def twilio_account(settings: Settings) -> TwilioAccount | None:
    """The account of these settings, or None: then nothing is taken in and nothing is sent."""
    if not settings.twilio_account_sid or not settings.twilio_auth_token:
        return None
    return TwilioAccount(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token,
        messaging_service_sid=settings.twilio_messaging_service_sid,
        sms_number=settings.twilio_sms_number,
        whatsapp_number=settings.twilio_whatsapp_number.removeprefix("whatsapp:"),
        api_url=settings.twilio_api_url.rstrip("/"),
    )


class LimitedHttpClient(TwilioHttpClient):
    """Twilio's own client with time limits; its requests go to `base_url` instead when one is given."""

    def __init__(self, base_url: str = "", timeout: float = TIMEOUT_SECONDS) -> None:
        super().__init__(timeout=timeout)
        self._base = urlsplit(base_url) if base_url else None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if self._base is not None:
            asked = urlsplit(url)
            # The host's name goes into the path, so that one stand-in can tell Twilio's APIs apart.
            path = f"{self._base.path}{asked.path}"
            url = urlunsplit((self._base.scheme, self._base.netloc, path, asked.query, ""))
        return super().request(method, url, *args, **kwargs)


def make_client(account: TwilioAccount) -> Client:
    """The official client for the account; safe to use from several threads."""
    return Client(account.account_sid, account.auth_token, http_client=LimitedHttpClient(account.api_url))


class Remedy(enum.Enum):
    """What a refusal or a failed delivery asks for."""

    RETRY_SOON = "retry soon"
    RETRY_LATER = "retry in an hour or more"
    OPT_OUT = "opted out"
    BAD_ADDRESS = "nobody can be reached there"
    TEMPLATE = "outside WhatsApp's 24 hours"
    PAUSE = "stop sending for now"
    NONE = "give up"


# code -> (what to do, what the team reads). Sources: twilio.com/docs/api/errors/<code>
KNOWN_CODES: dict[int, tuple[Remedy, str]] = {
    20003: (Remedy.PAUSE, "Twilio does not accept our credentials"),
    20429: (Remedy.RETRY_SOON, "too many requests at once"),
    21211: (Remedy.BAD_ADDRESS, "not a telephone number"),
    21408: (Remedy.NONE, "sending to this country is switched off in the account"),
    21608: (Remedy.NONE, "a trial account may send to verified numbers only"),
    21610: (Remedy.OPT_OUT, "asked the carrier to stop"),
    21612: (Remedy.NONE, "our number cannot send there"),
    21614: (Remedy.BAD_ADDRESS, "not a mobile number"),
    21617: (Remedy.NONE, "longer than 1,600 characters"),
    21635: (Remedy.BAD_ADDRESS, "a landline"),
    14103: (Remedy.NONE, "an empty message"),
    30001: (Remedy.RETRY_LATER, "the carrier's queue is full"),
    30003: (Remedy.RETRY_LATER, "the handset is off or out of reach"),
    30004: (Remedy.NONE, "blocked by the carrier"),
    30005: (Remedy.BAD_ADDRESS, "no such number"),
    30006: (Remedy.BAD_ADDRESS, "a landline"),
    30007: (Remedy.NONE, "filtered by the carrier as unwanted"),
    30008: (Remedy.RETRY_LATER, "the carrier does not say why"),
    30034: (Remedy.NONE, "our number is not registered with the carriers"),
    30036: (Remedy.NONE, "too old when it could be delivered"),
    63003: (Remedy.BAD_ADDRESS, "not a WhatsApp user"),
    63014: (Remedy.OPT_OUT, "blocked us on WhatsApp"),
    63016: (Remedy.TEMPLATE, "outside WhatsApp's 24 hours"),
    63018: (Remedy.RETRY_SOON, "too many WhatsApp messages at once"),
    63021: (Remedy.NONE, "WhatsApp does not accept the content"),
    63038: (Remedy.RETRY_LATER, "the daily number of WhatsApp messages is used up"),
}


def remedy_for(code: int | None, http_status: int | None = None) -> tuple[Remedy, str]:
    """What to do about an error code, and what it means in plain words.

    Codes we do not know are not tried again: Twilio refines them over time, and a second text costs money.
    """
    if code in KNOWN_CODES:
        return KNOWN_CODES[code]
    if http_status == 401:
        return KNOWN_CODES[20003]
    if http_status == 429:
        return KNOWN_CODES[20429]
    if http_status is not None and http_status >= 500:
        return Remedy.RETRY_SOON, "Twilio has trouble of its own"
    return Remedy.NONE, f"error {code}" if code else "an unknown error"


def as_send_error(error: Exception) -> TemporarySendError | PermanentSendError | SendOutcomeUnknown:
    """What an exception of the client means for the message that was being sent.

    A connection that was never made sent nothing. Time running out, a connection that broke and a 5xx answer
    leave it open: Messages have no idempotency key, so such a one must be looked up, not sent again.
    """
    if isinstance(error, TwilioRestException):
        code = error.code if error.code and error.code != error.status else None
        remedy, words = remedy_for(code, error.status)
        if error.status >= 500:
            return SendOutcomeUnknown(f"HTTP {error.status}")
        if remedy in (Remedy.RETRY_SOON, Remedy.RETRY_LATER, Remedy.PAUSE):
            return TemporarySendError(words, code=code, pauses_all=remedy is Remedy.PAUSE)
        return PermanentSendError(words, code=code)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return TemporarySendError("Twilio cannot be reached")
    if isinstance(error, requests.exceptions.ConnectionError) and _was_never_connected(error):
        return TemporarySendError("Twilio cannot be reached")
    if isinstance(error, requests.exceptions.RequestException | TwilioException | ValueError):
        return SendOutcomeUnknown(type(error).__name__)
    raise error


def _was_never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """Whether no connection was made at all (refused, no such host), so that nothing can have been sent."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")
