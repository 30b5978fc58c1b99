"""Who a message on the telephone comes from: numbers in E.164, and WhatsApp users with none."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers

from submissions.models import Channel

WHATSAPP_PREFIX = "whatsapp:"


@dataclass(frozen=True)
class Sender:
    """`phone` is E.164 or None when it is hidden or none; `user_id` is WhatsApp's own id where it gives one.

    `send_to` is what Twilio is told to send to, without the prefix `whatsapp:`. It is not logged.
    """

    channel: Channel
    phone: str | None
    user_id: str | None
    send_to: str


def to_e164(number: str) -> str | None:
    """The number as +447700900123, or None when it is not an international number (a short code, a name)."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def read_sender(from_: str, external_user_id: str = "") -> Sender | None:
    """The sender by the webhook's From and ExternalUserId; None when both are empty.

    Since 2026 WhatsApp may hide the number of somebody with a user name: From then holds an id, which must
    not be taken for a number. Source: https://www.twilio.com/docs/messaging/guides/webhook-request
    """
    from_, external_user_id = from_.strip(), external_user_id.strip()
    is_whatsapp = from_.startswith(WHATSAPP_PREFIX) or external_user_id.startswith(WHATSAPP_PREFIX)
    name = from_.removeprefix(WHATSAPP_PREFIX).strip()
    user_id = external_user_id.removeprefix(WHATSAPP_PREFIX).strip() or None
    phone = to_e164(name)
    if not is_whatsapp:
        # A short code or a sender's name can be no E.164 number, but it can be answered under what it is.
        return Sender(Channel.SMS, phone or name, None, phone or name) if name else None
    if phone is None:
        user_id = user_id or name or None
    if phone is None and user_id is None:
        return None
    return Sender(Channel.WHATSAPP, phone, user_id, phone or name or user_id or "")


def twilio_address(channel: str, send_to: str) -> str:
    """The address as Twilio's `To` and `From` want it."""
    return f"{WHATSAPP_PREFIX}{send_to}" if channel == Channel.WHATSAPP else send_to
