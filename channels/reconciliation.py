"""Our messages against Twilio's own list: what never reached us is taken in, what differs is reported."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass, field

from sqlalchemy import select
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from channels.delivery_receipts import keep_delivery_receipt
from channels.settings import Settings
from channels.twilio_client import as_send_error, make_client, twilio_account
from channels.twilio_inbox import keep_inbound
from submissions.database import unit_of_work
from submissions.forgetting import is_to_be_forgotten
from submissions.models import Delivery, Direction, Message, utc_now
from submissions.outbox import PHONE_CHANNELS

logger = logging.getLogger(__name__)

# A message this young may still be on its way to us, or to Twilio's list.
YOUNG = dt.timedelta(minutes=10)
# Twilio lists by the day, and ours of the first hours may stand in the day before.
MARGIN = dt.timedelta(days=1)


@dataclass
class Reconciled:
    """What the comparison found; ids only, no numbers and no texts."""

    since: dt.datetime
    inbound: int = 0  # in Twilio's list
    outbound: int = 0
    taken_in: list[str] = field(default_factory=list)  # inbound ones we had not got
    states_moved: int = 0  # outbound ones whose state we had not heard
    unknown_to_us: list[str] = field(default_factory=list)  # sent by the account, not by us
    unknown_to_twilio: list[str] = field(default_factory=list)  # sent by us, says the record; not in the list

    def lines(self) -> list[str]:
        return [
            f"since {self.since:%Y-%m-%d %H:%M} UTC: {self.inbound} in and {self.outbound} out at Twilio",
            f"taken in now: {len(self.taken_in)}",
            f"states brought up to date: {self.states_moved}",
            *(f"sent by the account, not by us: {sid}" for sid in self.unknown_to_us),
            *(f"sent by us, not in Twilio's list: {sid}" for sid in self.unknown_to_twilio),
        ]


def reconcile(settings: Settings, *, days: int = 2, client: Client | None = None) -> Reconciled | None:
    """Compares the last days; None without an account. May be repeated.

    Raises SendError when Twilio cannot be asked.
    """
    account = twilio_account(settings)
    if account is None:
        return None
    client = client or make_client(account)
    found = Reconciled(since=utc_now() - dt.timedelta(days=days))
    listed: set[str] = set()
    try:
        for message in client.messages.stream(date_sent_after=found.since - MARGIN, page_size=500):
            listed.add(str(message.sid))
            if _moment(message) >= found.since:
                _compare(client, found, message)
    except Exception as error:
        raise as_send_error(error) from error
    found.unknown_to_twilio = _ours_not_in(listed, found.since)
    logger.info(
        "reconciliation: %d taken in, %d states, %d and %d unknown",
        len(found.taken_in),
        found.states_moved,
        len(found.unknown_to_us),
        len(found.unknown_to_twilio),
    )
    return found


def _moment(message: MessageInstance) -> dt.datetime:
    moment = message.date_created or message.date_sent or utc_now()
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _compare(client: Client, found: Reconciled, message: MessageInstance) -> None:
    if str(message.direction) == "inbound":
        found.inbound += 1
        with unit_of_work(read_only=True) as db:
            if is_to_be_forgotten(db, str(message.sid)):
                return  # erased here; the carrier has not deleted it yet
        if keep_inbound(_as_webhook(client, message), received_at=_moment(message)):
            found.taken_in.append(str(message.sid))
        return
    found.outbound += 1
    with unit_of_work(read_only=True) as db:
        before = db.execute(
            select(Delivery.status, Delivery.provider_status).where(
                Delivery.provider_message_id == message.sid
            )
        ).first()
    if before is None:
        if _moment(message) < utc_now() - YOUNG:
            found.unknown_to_us.append(str(message.sid))
        return
    keep_delivery_receipt(
        provider_message_id=str(message.sid),
        status=str(message.status),
        error_code=str(message.error_code) if message.error_code else None,
        received_at=utc_now(),
    )
    with unit_of_work(read_only=True) as db:
        after = db.scalar(select(Delivery.status).where(Delivery.provider_message_id == message.sid))
    found.states_moved += after != before[0]


def _as_webhook(client: Client, message: MessageInstance) -> dict[str, str]:
    """The message as its webhook would have told of it; a pressed button is there by its words only."""
    form = {
        "MessageSid": str(message.sid),
        "From": message.from_ or "",
        "To": message.to or "",
        "Body": message.body or "",
        "NumMedia": str(message.num_media or 0),
    }
    if form["NumMedia"] != "0":
        base = client.api.v2010.absolute_url(f"/Accounts/{message.account_sid}/Messages/{message.sid}/Media")
        for position, media in enumerate(client.messages(str(message.sid)).media.list(limit=20)):
            form[f"MediaUrl{position}"] = f"{base}/{media.sid}"
            form[f"MediaContentType{position}"] = media.content_type or ""
    return form


def _ours_not_in(listed: set[str], since: dt.datetime) -> list[str]:
    with unit_of_work(read_only=True) as db:
        ours = db.scalars(
            select(Delivery.provider_message_id)
            .join(Message, Message.id == Delivery.message_id)
            .where(
                Delivery.provider_message_id.is_not(None),
                Delivery.sent_at >= since,
                Delivery.sent_at < utc_now() - YOUNG,
                Message.direction == Direction.OUTBOUND,
                Message.channel.in_(PHONE_CHANNELS),
            )
        )
        return sorted(sid for sid in ours if sid is not None and sid not in listed)
