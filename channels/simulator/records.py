"""What the stand-in remembers: messages, their media, content forms, switches for failure. All in memory."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

from channels.sms_text import measure_sms

WHATSAPP = "whatsapp:"


def new_sid(prefix: str) -> str:
    """A prefix of two letters and 32 hexadecimal digits, as Twilio writes its ids."""
    return prefix + secrets.token_hex(16)


def now_utc() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _rfc_2822(moment: dt.datetime | None) -> str | None:
    return None if moment is None else format_datetime(moment)


@dataclass
class StandInMedia:
    sid: str
    content_type: str
    content: bytes
    storage_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))  # of the signed address
    created_at: dt.datetime = field(default_factory=now_utc)


@dataclass
class StandInMessage:
    sid: str
    account_sid: str
    to: str
    from_: str | None
    body: str
    status: str
    direction: str  # "inbound" or "outbound-api"
    service_sid: str | None = None
    content_sid: str | None = None
    options: list[dict[str, str]] = field(default_factory=list)  # [{title, id}]: buttons or rows of a list
    option_kind: str | None = None  # "buttons" or "list"
    media: list[StandInMedia] = field(default_factory=list)
    status_callback: str | None = None
    send_at: dt.datetime | None = None
    error_code: int | None = None
    history: list[str] = field(default_factory=list)  # every state it has been in, in order
    created_at: dt.datetime = field(default_factory=now_utc)
    updated_at: dt.datetime = field(default_factory=now_utc)
    sent_at: dt.datetime | None = None
    shared_kind: str | None = None  # a place, a contact card or a reaction, from the page
    reacts_to: str | None = None  # the message of ours a reaction is put on
    typing_until: dt.datetime | None = None  # dots are shown under it, unless an answer comes before

    @property
    def is_whatsapp(self) -> bool:
        return self.to.startswith(WHATSAPP)

    @property
    def uri(self) -> str:
        return f"/2010-04-01/Accounts/{self.account_sid}/Messages/{self.sid}.json"

    def move_to(self, status: str, error_code: int | None = None) -> None:
        self.status = status
        self.error_code = error_code
        self.history.append(status)
        self.updated_at = now_utc()
        if status == "sent":
            self.sent_at = self.updated_at

    def as_json(self) -> dict[str, Any]:
        """The Message resource as Twilio describes it."""
        parts = 1 if self.is_whatsapp else measure_sms(self.body).parts
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": _rfc_2822(self.created_at),
            "date_sent": _rfc_2822(self.sent_at),
            "date_updated": _rfc_2822(self.updated_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.from_,
            "messaging_service_sid": self.service_sid,
            "num_media": str(len(self.media)),
            "num_segments": "0" if self.service_sid and self.sent_at is None else str(parts),
            "price": None,
            "price_unit": "GBP",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": self.uri.removesuffix(".json") + "/Media.json"},
            "to": self.to,
            "uri": self.uri,
        }

    def media_as_json(self, media: StandInMedia) -> dict[str, Any]:
        return {
            "account_sid": self.account_sid,
            "content_type": media.content_type,
            "date_created": _rfc_2822(media.created_at),
            "date_updated": _rfc_2822(media.created_at),
            "parent_sid": self.sid,
            "sid": media.sid,
            "uri": f"{self.uri.removesuffix('.json')}/Media/{media.sid}.json",
        }


@dataclass
class StandInApproval:
    """What WhatsApp was asked about a content form, and where that is."""

    name: str
    category: str
    status: str  # "received", "pending", "approved", "rejected", ...
    rejection_reason: str = ""

    def as_json(self, content: StandInContent) -> dict[str, Any]:
        return {
            "name": self.name,
            "category": self.category,
            "content_type": next(iter(content.types)),
            "status": self.status,
            "rejection_reason": self.rejection_reason,
            "allow_category_change": True,
        }


@dataclass
class StandInContent:
    sid: str
    account_sid: str
    friendly_name: str | None
    language: str
    variables: dict[str, str]
    types: dict[str, Any]
    approval: StandInApproval | None = None
    created_at: dt.datetime = field(default_factory=now_utc)

    @property
    def is_approved(self) -> bool:
        return self.approval is not None and self.approval.status == "approved"

    def approval_as_json(self) -> dict[str, Any]:
        """As a wording is looked up: one nobody has asked about is "unsubmitted"."""
        approval = self.approval or StandInApproval("", "", "unsubmitted")
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "whatsapp": {"type": "whatsapp", **approval.as_json(self)},
            "url": f"https://content.twilio.com/v1/Content/{self.sid}/ApprovalRequests",
        }

    def as_json(self) -> dict[str, Any]:
        url = f"https://content.twilio.com/v1/Content/{self.sid}"
        moment = self.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "account_sid": self.account_sid,
            "date_created": moment,
            "date_updated": moment,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "links": {
                "approval_create": f"{url}/ApprovalRequests/whatsapp",
                "approval_fetch": f"{url}/ApprovalRequests",
            },
            "sid": self.sid,
            "types": self.types,
            "url": url,
            "variables": self.variables,
        }


@dataclass
class Switches:
    """What goes wrong on purpose. Those with a count go wrong so many times; -1 is always."""

    refuse_with: int | None = None  # a code of `REFUSALS`, said before anything is accepted
    refuse_count: int = 0
    fail_with: int | None = None  # accepted, then undelivered with this code: 63016, 30003
    fail_count: int = 0
    hang_count: int = 0  # accepted and delivered, but the answer comes after the client has given up
    hang_seconds: float = 12.0
    approval: str = "approved"  # WhatsApp's answer to wordings: "approved", "pending", "rejected", "paused"
    delay_seconds: float = 0.0  # before each webhook
    duplicates: bool = False  # each webhook twice
    reorder: bool = False  # states in the wrong order

    def take_refusal(self) -> int | None:
        if self.refuse_with is None or self.refuse_count == 0:
            return None
        self.refuse_count -= self.refuse_count > 0
        return self.refuse_with

    def take_failure(self) -> int | None:
        if self.fail_with is None or self.fail_count == 0:
            return None
        self.fail_count -= self.fail_count > 0
        return self.fail_with

    def take_hang(self) -> bool:
        if self.hang_count == 0:
            return False
        self.hang_count -= self.hang_count > 0
        return True
