"""The simulator's stand-in in Twilio's place, able to fail at once in the ways we must survive.

It is the same stand-in that the contract tests hold against Twilio's own description, served on a port.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from channels.simulator.account import Form, StandInAccount
from channels.simulator.errors import StandInRefusal
from channels.simulator.records import StandInApproval, StandInContent, StandInMessage
from channels.simulator.stand_in import create_stand_in
from tests.channels.simulator.conftest import Served

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "the-primary-token-of-the-tests"
SERVICE_SID = "MG" + "1" * 32
OURS = "+447700900999"
TEMPLATE_SID = "HX" + "e" * 32  # approved by WhatsApp
TEMPLATE_TEXT = "You have a reply."
SERVER_TROUBLE = {500: 20500, 503: 20503}


@dataclass
class Failure:
    """An answer instead of the usual one: Twilio's `code`, or a status of its servers.

    `accepts` keeps the message all the same; status 0 breaks the answer off.
    """

    status: int
    code: int | None = None
    accepts: bool = False


class TwilioInPlace(StandInAccount):
    """`failures` are used up one a send. States follow only where a test says them."""

    def __init__(self) -> None:
        super().__init__(
            ACCOUNT_SID,
            AUTH_TOKEN,
            sms_number=OURS,
            whatsapp_number=OURS,
            messaging_service_sid=SERVICE_SID,
            public_url="https://views.example.org",
            local_url="http://127.0.0.1:9",
        )
        self.failures: list[Failure] = []
        self.refuses_contents = False
        self.smart_encoding = False  # answers with other letters than it was given, as a service may
        self._forms: dict[str, dict[str, str]] = {}
        self._breaks_off = False
        types = {"twilio/text": {"body": TEMPLATE_TEXT}}
        self.contents[TEMPLATE_SID] = StandInContent(
            TEMPLATE_SID,
            ACCOUNT_SID,
            "reply_waiting",
            "en",
            {},
            types,
            StandInApproval("reply_waiting", "UTILITY", "approved"),
        )
        self._app = create_stand_in(self)

        async def answer(scope: Any, receive: Any, send: Any) -> None:  # uvicorn takes a function, no method
            await self._answer(scope, receive, send)

        self._served = Served(answer).__enter__()
        self.api_url = self.url = self._served.url

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        async def maybe_half(message: Any) -> None:
            if self._breaks_off and message["type"] == "http.response.body":
                self._breaks_off = False
                raise ConnectionAbortedError("broken off, as the test wants it")
            await send(message)

        try:
            await self._app(scope, receive, maybe_half)
        except ConnectionAbortedError:
            return  # without the body that was promised, the server closes the connection

    def create_message(self, form: Form) -> StandInMessage:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and not failure.accepts:
            self._fail(failure)
        message = super().create_message(form)
        self._forms[message.sid] = {name: values[0] for name, values in form.items()}
        if self.smart_encoding:
            message.body = message.body.replace("“", '"')
        if failure is not None:
            self._fail(failure)
        return message

    def _fail(self, failure: Failure) -> None:
        self._breaks_off = failure.status == 0
        raise StandInRefusal(failure.code or SERVER_TROUBLE.get(failure.status, 20500))

    def create_content(self, body: dict[str, Any]) -> StandInContent:
        if self.refuses_contents:
            raise StandInRefusal(92001)
        return super().create_content(body)

    def _let_states_follow(self, message: StandInMessage, content: StandInContent | None) -> None:
        """They are said by the tests."""

    def add(self, sid: str, *, body: str, to: str, from_: str, direction: str, at: dt.datetime) -> None:
        """A message in the list that neither we nor the simulator made."""
        status = "received" if direction == "inbound" else "sent"
        self.messages[sid] = StandInMessage(
            sid, ACCOUNT_SID, to, from_, body, status, direction, created_at=at, sent_at=at
        )

    @property
    def sent(self) -> list[dict[str, Any]]:
        """What we sent: sid, body and the form of the request, oldest first."""
        return [
            {"sid": one.sid, "body": one.body, "form": self._forms[one.sid]}
            for one in self.messages.values()
            if one.sid in self._forms
        ]

    def bodies(self) -> list[str]:
        return [message["body"] for message in self.sent]

    @property
    def made_contents(self) -> list[StandInContent]:
        return [content for content in self.contents.values() if not content.is_approved]

    def close(self) -> None:
        self._served.__exit__()
        self.stop()


def signature_of(address: str, parameters: Any = None, token: str = AUTH_TOKEN) -> str:
    return RequestValidator(token).compute_signature(address, parameters or {})


def webhook_form(sid: str, text: str, sender: str = "+447700900123", **values: str) -> dict[str, str]:
    """What Twilio posts for an inbound message."""
    to = f"whatsapp:{OURS}" if sender.startswith("whatsapp:") else OURS
    return {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "To": to,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
        "ApiVersion": "2010-04-01",
        "SmsStatus": "received",
        **values,
    }


def encoded(form: dict[str, str]) -> bytes:
    return urlencode(form).encode()
