"""One message through Twilio's API: as text, buttons or an approved template; and finding it again."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList

from channels.errors import PermanentSendError, TemporarySendError
from channels.message_parts import is_quick_reply
from channels.outbox import Attempt, find_template
from channels.phone_numbers import WHATSAPP_PREFIX, twilio_address
from channels.send_outcomes import known_provider_ids
from channels.settings import Settings
from channels.twilio_client import TwilioAccount, as_send_error
from channels.wording import wording
from submissions.database import unit_of_work
from submissions.follow_ups.templates import note_gone
from submissions.models import Channel, DeliveryKind, MessageTemplate

logger = logging.getLogger(__name__)

CONTENT_GONE = 21655  # the carrier knows no form of this ContentSid
OPTIONS = "options"  # purpose of the templates that are buttons or lists
LOOKED_AT = 50  # messages of one person, newest first
CLOCK_DIFFERENCE = dt.timedelta(seconds=5)
# Longer than a request of ours can last: what Twilio made later than that is not this attempt.
LONGEST_REQUEST = dt.timedelta(seconds=45)


@dataclass(frozen=True)
class Sent:
    provider_message_id: str
    status: str | None


class TwilioSender:
    """Sends for one account. Safe to use from several threads."""

    def __init__(self, settings: Settings, account: TwilioAccount, client: Client) -> None:
        self._settings = settings
        self._account = account
        self._client = client

    def send(self, attempt: Attempt) -> Sent:
        """The message as Twilio took it.

        Raises TemporarySendError, PermanentSendError, and SendOutcomeUnknown when it may have been taken.
        """
        values = {**self._who(attempt), **self._what(attempt)}
        try:
            made = self._client.messages.create(**values)
        except Exception as error:
            refused = as_send_error(error)
            if refused.code == CONTENT_GONE and "content_sid" in values:
                _forget_content(values["content_sid"])
                raise TemporarySendError("its form has gone at the carrier", code=CONTENT_GONE) from error
            raise refused from error
        return Sent(str(made.sid), made.status)

    def _who(self, attempt: Attempt) -> dict[str, Any]:
        values: dict[str, Any] = {"to": twilio_address(attempt.channel, attempt.send_to)}
        account = self._account
        if attempt.channel == Channel.SMS:
            ours = attempt.our_address or ""
            number = account.sms_number or ("" if ours.startswith(WHATSAPP_PREFIX) else ours)
            service = account.messaging_service_sid
        else:
            ours = (attempt.our_address or "").removeprefix(WHATSAPP_PREFIX)
            number = twilio_address(Channel.WHATSAPP, ours or account.whatsapp_number)
            # Twilio's pages disagree on WhatsApp senders in a service's pool, so the number wins here.
            service = "" if ours or account.whatsapp_number else account.messaging_service_sid
        if service:
            values["messaging_service_sid"] = service
        elif number.removeprefix(WHATSAPP_PREFIX):
            values["from_"] = number
        else:
            raise TemporarySendError(
                "no number of ours to send from: set OWNWORDS_TWILIO_SMS_NUMBER or the like", pauses_all=True
            )
        if self._settings.public_url or account.is_stand_in:
            values["status_callback"] = f"{self._settings.resolved_public_url}/twilio/status"
        return values

    def _what(self, attempt: Attempt) -> dict[str, Any]:
        if attempt.fit is not None:
            variables = json.dumps(attempt.fit.variables, ensure_ascii=False)
            values = {"content_variables": variables} if attempt.fit.variables else {}
            return {"content_sid": attempt.fit.content_sid, **values}
        if attempt.kind == DeliveryKind.TEMPLATE:
            with unit_of_work(read_only=True) as db:
                template = find_template(db, self._settings, attempt.language)
            if template is None:
                raise PermanentSendError("no approved WhatsApp template in this language or in English")
            return {"content_sid": template[1]}
        if attempt.kind == DeliveryKind.CONTENT:
            content_sid = self._content(attempt)
            if content_sid is not None:
                variables = json.dumps({"1": attempt.body}, ensure_ascii=False)
                return {"content_sid": content_sid, "content_variables": variables}
            return {"body": numbered(attempt)}
        return {"body": attempt.body}

    def _content(self, attempt: Attempt) -> str | None:
        """The buttons or list of this shape and language, made at the first use; None when that fails."""
        shape = [[option["title"], option["payload"]] for option in attempt.options]
        language = attempt.language or "en"
        digest = hashlib.sha256(json.dumps([language, shape]).encode()).digest()
        known = select(MessageTemplate.content_sid).where(
            MessageTemplate.purpose == OPTIONS,
            MessageTemplate.language == language,
            MessageTemplate.shape_sha256 == digest,
        )
        with unit_of_work(read_only=True) as db:
            content_sid = db.scalar(known)
        if content_sid is not None:
            return content_sid
        try:
            made = self._client.content.v1.contents.create(_content_request(attempt, language, digest))
        except Exception as error:  # noqa: BLE001  the numbered text says the same
            logger.warning("buttons not made (%s); the options go as numbered text", as_send_error(error))
            return None
        with unit_of_work() as db:
            try:
                with db.begin_nested():
                    db.add(
                        MessageTemplate(
                            purpose=OPTIONS,
                            language=language,
                            shape_sha256=digest,
                            content_sid=str(made.sid),
                        )
                    )
                    db.flush()
            except IntegrityError:
                logger.debug("another thread has made the same buttons")
        return str(made.sid)

    def find_again(self, attempt: Attempt) -> Sent | None:
        """The message of an attempt whose outcome is not known, in Twilio's list; None when it is not there.

        By whom it went to, by when, and by its words where Twilio has not changed them. Ids of other messages
        of ours do not count. Raises what `send` raises.
        """
        try:
            listed = self._client.messages.list(
                to=twilio_address(attempt.channel, attempt.send_to), limit=LOOKED_AT
            )
        except Exception as error:
            raise as_send_error(error) from error
        taken = known_provider_ids([str(message.sid) for message in listed])
        since = attempt.attempted_at - CLOCK_DIFFERENCE
        until = attempt.attempted_at + LONGEST_REQUEST
        candidates = [
            message
            for message in listed
            if message.sid not in taken
            and str(message.direction).startswith("outbound")
            and message.date_created is not None
            # Twilio's times are whole seconds.
            and since.replace(microsecond=0) <= _aware(message.date_created) <= until
        ]
        same_words = [message for message in candidates if message.body == attempt.body]
        # Twilio may have swapped letters (smart encoding) or filled in a template: then the time decides.
        for message in [*same_words, *candidates]:
            return Sent(str(message.sid), message.status)
        return None


def _forget_content(content_sid: str) -> None:
    """Buttons are then made anew at the next attempt, and a follow-up's wording is put before WhatsApp again.

    A template of the settings stays: only who set it can put that right.
    """
    with unit_of_work() as db:
        db.execute(delete(MessageTemplate).where(MessageTemplate.content_sid == content_sid))
        note_gone(db, content_sid)


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def numbered(attempt: Attempt) -> str:
    """The options as numbered lines under the text."""
    lines = [f"{number}. {option['title']}" for number, option in enumerate(attempt.options, start=1)]
    return "\n".join([attempt.body, *lines])


def _content_request(attempt: Attempt, language: str, digest: bytes) -> ContentList.ContentCreateRequest:
    if is_quick_reply(attempt.options):
        types = {
            "twilio/quick-reply": {
                "body": "{{1}}",
                "actions": [
                    {"type": "QUICK_REPLY", "title": option["title"], "id": option["payload"]}
                    for option in attempt.options
                ],
            }
        }
    else:
        types = {
            "twilio/list-picker": {
                "body": "{{1}}",
                "button": wording("list_button", language, Channel.WHATSAPP).text,
                "items": [{"item": option["title"], "id": option["payload"]} for option in attempt.options],
            }
        }
    return ContentList.ContentCreateRequest(
        {
            "friendly_name": f"own_words_{language}_{digest.hex()[:16]}",
            "language": language,
            "variables": {"1": "…"},
            "types": types,
        }
    )
