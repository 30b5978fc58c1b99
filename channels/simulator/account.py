"""The stand-in's account: what it accepts, remembers and reports, without any HTTP.

It refuses what Twilio refuses, also what Twilio's own API description cannot say: no sender, no body, a
number that is none, more than 1,600 characters, ContentVariables that are not JSON, a date without a service.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from channels.phone_numbers import to_e164
from channels.simulator.content import fill_content, read_approval, read_content
from channels.simulator.courier import Courier
from channels.simulator.errors import StandInRefusal
from channels.simulator.records import (
    WHATSAPP,
    StandInContent,
    StandInMedia,
    StandInMessage,
    Switches,
    new_sid,
    now_utc,
)
from channels.sms_text import measure_sms

MAXIMUM_BODY = 1600
WINDOW = dt.timedelta(hours=24)
TYPING = dt.timedelta(seconds=25)
SCHEDULE = (dt.timedelta(minutes=15), dt.timedelta(days=35))
# Advanced Opt-Out's default words. Source: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
CARRIER_STOP = frozenset(["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"])
CARRIER_START = frozenset(["START", "UNSTOP"])
# When states come after a message was accepted, in seconds.
STATES_SMS = (("sent", 0.2), ("delivered", 0.8))
STATES_WHATSAPP = (("sent", 0.2), ("delivered", 0.6), ("read", 1.5))
# fmt: off
KNOWN_PARAMETERS = frozenset((
    "To", "From", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid", "ContentVariables",
    "StatusCallback", "ScheduleType", "SendAt", "SmartEncoded", "ShortenUrls", "ValidityPeriod",
    "ProvideFeedback", "MaxPrice", "Attempt", "ForceDelivery", "PersistentAction", "SendAsMms",
    "RiskCheck", "ContentRetention", "AddressRetention", "ApplicationSid",
))
# fmt: on

Form = Mapping[str, Sequence[str]]


class StandInAccount:
    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        sms_number: str,
        whatsapp_number: str,
        messaging_service_sid: str = "",
        public_url: str = "http://127.0.0.1:8000",
        local_url: str | None = None,
        api_url: str = "",
    ) -> None:
        """`public_url` is the application's, whose webhooks are called; this itself is at `api_url`."""
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.sms_number = sms_number
        self.whatsapp_number = whatsapp_number
        self.messaging_service_sid = messaging_service_sid
        self.api_url = api_url.rstrip("/")
        self.courier = Courier(auth_token, public_url, local_url)
        self.switches = Switches()
        self.messages: dict[str, StandInMessage] = {}  # in order of their making
        self.contents: dict[str, StandInContent] = {}
        self.stopped: set[str] = set()  # who told the carrier STOP
        self.last_inbound_at: dict[str, dt.datetime] = {}  # opens WhatsApp's 24 hours
        self.lock = threading.RLock()

    def find_message(self, sid: str) -> StandInMessage:
        with self.lock:
            if sid not in self.messages:
                raise StandInRefusal(20404, sid)
            return self.messages[sid]

    def find_content(self, sid: str) -> StandInContent:
        with self.lock:
            if sid not in self.contents:
                raise StandInRefusal(20404, sid)
            return self.contents[sid]

    def create_content(self, body: dict[str, Any]) -> StandInContent:
        with self.lock:
            content = read_content(body, self.account_sid)
            self.contents[content.sid] = content
            return content

    def ask_approval(self, sid: str, name: object, category: object) -> StandInContent:
        """Puts a form before WhatsApp; the switch says what that answers. Raises StandInRefusal."""
        with self.lock:
            content = self.find_content(sid)
            content.approval = read_approval(content, self.contents.values(), name, category)
            return self.look_up_approval(sid)

    def look_up_approval(self, sid: str) -> StandInContent:
        """The form with WhatsApp's decision as it is now. One that was rejected stays so."""
        with self.lock:
            content = self.find_content(sid)
            approval = content.approval
            if approval is not None and approval.status != "rejected":
                approval.status = self.switches.approval
                if approval.status == "rejected":
                    approval.rejection_reason = "INVALID_FORMAT: a switch of the simulator says so"
            return content

    def create_message(self, form: Form) -> StandInMessage:
        """Accepts a message and lets its states follow. Raises StandInRefusal."""
        unknown = sorted(set(form) - KNOWN_PARAMETERS)
        if unknown:
            # Twilio lets them pass, and a misspelt name then changes nothing, silently.
            raise StandInRefusal(20001, f"unknown {', '.join(unknown)}")
        values = {name: found[0] for name, found in form.items() if found}
        with self.lock:
            sender = self._sender(values)
            to = self._recipient(values, sender)
            message = StandInMessage(
                sid=new_sid("MM" if form.get("MediaUrl") else "SM"),
                account_sid=self.account_sid,
                to=to,
                from_=sender,
                body="",
                status="",
                direction="outbound-api",
                service_sid=values.get("MessagingServiceSid"),
                status_callback=values.get("StatusCallback"),
            )
            content = self._fill(message, values, form.get("MediaUrl", ()))
            message.send_at = _send_at(values)
            if to in self.stopped:
                raise StandInRefusal(21610)
            refusal = self.switches.take_refusal()
            if refusal is not None:
                raise StandInRefusal(refusal)
            if message.send_at is not None:
                message.move_to("scheduled")
            else:
                message.move_to("accepted" if message.service_sid else "queued")
            self.messages[message.sid] = message
            self._end_typing(to)
            if message.send_at is None:
                self._let_states_follow(message, content)
            return message

    def _sender(self, values: dict[str, str]) -> str:
        service, sender = values.get("MessagingServiceSid"), values.get("From")
        if service:
            if service != self.messaging_service_sid:
                raise StandInRefusal(21701, service)
            if not sender:
                is_whatsapp = values.get("To", "").startswith(WHATSAPP)
                return WHATSAPP + self.whatsapp_number if is_whatsapp else self.sms_number
        if not sender:
            raise StandInRefusal(21603)
        if sender.startswith(WHATSAPP):
            if sender.removeprefix(WHATSAPP) != self.whatsapp_number:
                raise StandInRefusal(63007)
        elif sender != self.sms_number:
            raise StandInRefusal(21606)
        return sender

    def _recipient(self, values: dict[str, str], sender: str) -> str:
        to = values.get("To", "")
        if not to:
            raise StandInRefusal(21604)
        # A WhatsApp user whose number is hidden is known by an id, once that user has written.
        if to_e164(to.removeprefix(WHATSAPP)) is None and to not in self.last_inbound_at:
            raise StandInRefusal(21211)
        if to.startswith(WHATSAPP) != sender.startswith(WHATSAPP):
            raise StandInRefusal(21910)
        return to

    def _fill(
        self, message: StandInMessage, values: dict[str, str], media_urls: Sequence[str]
    ) -> StandInContent | None:
        content = None
        if values.get("ContentSid"):
            content = self.contents.get(values["ContentSid"])
            if content is None:
                raise StandInRefusal(21655, values["ContentSid"])
            fill_content(message, content, values.get("ContentVariables"))
        elif values.get("Body") or media_urls:
            message.body = values.get("Body", "")
        else:
            raise StandInRefusal(21619)
        if len(message.body) > MAXIMUM_BODY:
            raise StandInRefusal(21617)
        message.media = [StandInMedia(new_sid("ME"), "application/octet-stream", b"") for _ in media_urls]
        return content

    def _let_states_follow(self, message: StandInMessage, content: StandInContent | None) -> None:
        failure = self.switches.take_failure()
        if failure is None and message.is_whatsapp:
            last = self.last_inbound_at.get(message.to)
            is_open = last is not None and now_utc() - last < WINDOW
            if not is_open and not (content is not None and content.is_approved):
                failure = 63016
        states = list(STATES_WHATSAPP if message.is_whatsapp else STATES_SMS)
        if failure is not None:
            states = [("sent", 0.2), ("undelivered", 0.5)] if failure < 60000 else [("failed", 0.3)]
        if self.switches.reorder:
            states = list(zip((name for name, _ in reversed(states)), (at for _, at in states), strict=True))
        for name, seconds in states:
            is_last = failure is not None and name in ("undelivered", "failed")
            self._report_later(message, name, seconds, failure if is_last else None)

    def _report_later(
        self, message: StandInMessage, status: str, seconds: float, error_code: int | None
    ) -> None:
        seconds += self.switches.delay_seconds
        timer = threading.Timer(seconds, self._report, (message, status, error_code))
        timer.daemon = True
        timer.start()

    def _report(self, message: StandInMessage, status: str, error_code: int | None) -> None:
        with self.lock:
            if message.status == "canceled" or message.sid not in self.messages:
                return
            message.move_to(status, error_code)
        if not message.status_callback:
            return
        parameters = {
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.from_ or "",
            "MessageSid": message.sid,
            "MessageStatus": status,
            "SmsSid": message.sid,
            "SmsStatus": status,
            "To": message.to,
        }
        if error_code is not None:
            parameters["ErrorCode"] = str(error_code)
        if message.is_whatsapp:
            parameters["ChannelPrefix"] = "whatsapp"
        for _ in range(2 if self.switches.duplicates else 1):
            self.courier.post_later(message.status_callback, parameters)

    def show_typing(self, form: Form) -> None:
        """Marks a WhatsApp message of the resident's as read, and shows dots. Raises StandInRefusal."""
        if set(form) != {"messageId", "channel"} or form["channel"] != ["whatsapp"]:
            raise StandInRefusal(20001, "messageId and channel=whatsapp")
        with self.lock:
            message = self.find_message(form["messageId"][0])
            if not message.is_whatsapp or message.direction != "inbound":
                raise StandInRefusal(20001, "messageId")
            message.move_to("read")
            self._end_typing(message.from_)
            message.typing_until = now_utc() + TYPING

    def _end_typing(self, resident: str | None) -> None:
        """The dots go when the answer comes, and are shown under one message only."""
        for message in self.messages.values():
            if message.from_ == resident:
                message.typing_until = None

    def update_message(self, sid: str, form: Form) -> StandInMessage:
        """Redacts (`Body` empty) or cancels (`Status` canceled). Raises StandInRefusal."""
        with self.lock:
            message = self.find_message(sid)
            if "Status" in form:
                if form["Status"][0] != "canceled":
                    raise StandInRefusal(20001, "Status")
                if message.status != "scheduled":
                    raise StandInRefusal(30409)
                message.move_to("canceled")
            if "Body" in form:
                if form["Body"][0]:
                    raise StandInRefusal(20001, "Body can only be emptied")
                message.body = ""
                message.updated_at = now_utc()
            return message

    def delete_message(self, sid: str) -> None:
        with self.lock:
            if self.find_message(sid).status in ("queued", "accepted", "sending"):
                raise StandInRefusal(20009)
            del self.messages[sid]

    def receive(
        self,
        *,
        from_: str,
        body: str = "",
        media: Sequence[tuple[str, bytes]] = (),
        extra: Mapping[str, str] | None = None,
    ) -> StandInMessage:
        """A resident writes: keeps the message and posts the webhook. `media` is (content type, bytes).

        `extra` are further parameters of the webhook, such as ButtonPayload.
        """
        message, url, parameters = self.take_in(from_=from_, body=body, media=media)
        for _ in range(2 if self.switches.duplicates else 1):
            self.courier.post_later(url, {**parameters, **(extra or {})}, self.switches.delay_seconds)
        return message

    def take_in(
        self, *, from_: str, body: str = "", media: Sequence[tuple[str, bytes]] = ()
    ) -> tuple[StandInMessage, str, dict[str, str]]:
        """As `receive`, but whoever calls posts the webhook: the message, its address and its parameters."""
        is_whatsapp = from_.startswith(WHATSAPP)
        ours = WHATSAPP + self.whatsapp_number if is_whatsapp else self.sms_number
        message = StandInMessage(
            sid=new_sid("MM" if media else "SM"),
            account_sid=self.account_sid,
            to=ours,
            from_=from_,
            body=body,
            status="",
            direction="inbound",
            media=[StandInMedia(new_sid("ME"), kind, content) for kind, content in media],
        )
        message.move_to("received")
        message.sent_at = message.created_at
        word = body.strip().upper()
        with self.lock:
            self.messages[message.sid] = message
            self.last_inbound_at[from_] = message.created_at
            if not is_whatsapp and word in CARRIER_STOP:
                self.stopped.add(from_)
            elif word in CARRIER_START:
                self.stopped.discard(from_)
            parameters = self._webhook(message)
        path = "/twilio/whatsapp" if is_whatsapp else "/twilio/sms"
        return message, self.courier.public_url + path, parameters

    def _webhook(self, message: StandInMessage) -> dict[str, str]:
        """Source: https://www.twilio.com/docs/messaging/guides/webhook-request"""
        sender = message.from_ or ""
        parameters = {
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "Body": message.body,
            "From": sender,
            "MessageSid": message.sid,
            "NumMedia": str(len(message.media)),
            "NumSegments": "1" if message.is_whatsapp else str(measure_sms(message.body).parts),
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "To": message.to,
        }
        if self.messaging_service_sid:
            parameters["MessagingServiceSid"] = self.messaging_service_sid
        for index, media in enumerate(message.media):
            parameters[f"MediaUrl{index}"] = (
                f"{self.api_url}/2010-04-01/Accounts/{self.account_sid}"
                f"/Messages/{message.sid}/Media/{media.sid}"
            )
            parameters[f"MediaContentType{index}"] = media.content_type
        if message.is_whatsapp:
            name = sender.removeprefix(WHATSAPP)
            kind = message.media[0].content_type.partition("/")[0] if message.media else "text"
            parameters |= {"ProfileName": "Simulator", "WaId": name.removeprefix("+"), "MessageType": kind}
        else:
            word = message.body.strip().upper()
            if word in CARRIER_STOP:
                parameters["OptOutType"] = "STOP"
            elif word in CARRIER_START:
                parameters["OptOutType"] = "START"
        return parameters

    def stop(self) -> None:
        self.courier.stop()


def _send_at(values: dict[str, str]) -> dt.datetime | None:
    if "SendAt" not in values and "ScheduleType" not in values:
        return None
    if not values.get("MessagingServiceSid"):
        raise StandInRefusal(35118)
    if not values.get("SendAt") or values.get("ScheduleType") != "fixed":
        raise StandInRefusal(35111)
    try:
        moment = dt.datetime.fromisoformat(values["SendAt"].replace("Z", "+00:00"))
    except ValueError as error:
        raise StandInRefusal(35111) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    if not SCHEDULE[0] <= moment - now_utc() <= SCHEDULE[1]:
        raise StandInRefusal(35115)
    return moment
