"""For tests of SMS and WhatsApp: settings with an account, keeping webhooks, sending what is queued."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

from sqlalchemy import select

from channels.outbox_worker import OutboxWorker
from channels.settings import Settings
from channels.twilio_inbox import keep_inbound
from submissions.addresses import configure_keys
from submissions.conversations import OutboundMessage, record_outbound_message
from submissions.database import unit_of_work
from submissions.models import Address, Delivery, Message, utc_now
from tests.channels.twilio_in_place import ACCOUNT_SID, AUTH_TOKEN, TwilioInPlace, webhook_form

RESIDENT = "+447700900123"
WHATSAPP_RESIDENT = "whatsapp:+447700900124"
_numbers = itertools.count()


def new_sid() -> str:
    return f"SM{next(_numbers):032x}"


class Phone:
    """The application's side of the telephone, without its web server."""

    def __init__(self, database_url: str, data: Path, twilio: TwilioInPlace, **values: Any) -> None:
        self.twilio = twilio
        self.settings = Settings(
            **{
                "data": data,
                "database_url": database_url,
                "twilio_account_sid": ACCOUNT_SID,
                "twilio_auth_token": AUTH_TOKEN,
                "twilio_api_url": twilio.url,
                "twilio_sms_number": "+447700900999",
                "twilio_whatsapp_number": "+447700900999",
                "public_url": "https://views.example.org",
                **values,
            }
        )
        configure_keys(self.settings)
        self.worker = OutboxWorker(self.settings, threads=1, look_up_after=dt.timedelta(0))

    def receive(self, text: str = "hello", sender: str = RESIDENT, **values: Any) -> bool:
        received_at = values.pop("received_at", None) or utc_now()
        form = webhook_form(values.pop("sid", None) or new_sid(), text, sender, **values)
        return keep_inbound(form, received_at=received_at)

    def queue(self, text: str = "Thank you.", key: str = "view_kept", **values: Any) -> Message:
        """An answer in the conversation of the address that wrote last."""
        with unit_of_work() as db:
            address = db.scalars(select(Address).order_by(Address.last_inbound_at.desc())).first()
            assert address is not None
            assert address.conversation_id is not None
            blocks = values.pop("blocks", [{"text": text, "lang": "en", "dir": "ltr", "role": "message"}])
            outbound = OutboundMessage(message_key=key, text=text, language="en", blocks=blocks, **values)
            return record_outbound_message(db, address.conversation_id, outbound)

    def send_all(self) -> None:
        for _ in range(200):
            if not self.worker.send_next():
                return
        raise AssertionError("the outbox does not come to an end")


def row(model: Any, row_id: Any) -> Any:
    with unit_of_work(read_only=True) as db:
        found = db.get(model, row_id)
        assert found is not None
        return found


def rows(model: Any) -> list[Any]:
    with unit_of_work(read_only=True) as db:
        return list(db.scalars(select(model)))


def deliveries() -> list[Delivery]:
    return rows(Delivery)
