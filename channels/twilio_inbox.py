"""Keeping what Twilio delivers: messages and receipts, once each, in the database or beside it.

While the database is down they wait, encrypted, in a write-ahead file and are replayed in order. Whatever a
message means for opt-outs takes effect in the commit that keeps it, so it needs neither assistant nor worker.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from channels.delivery_receipts import keep_delivery_receipt
from channels.kept_beside import KeptBeside
from channels.opt_out_keywords import StopMeaning, asks_to_start_again, stop_meaning
from channels.phone_numbers import read_sender
from channels.settings import Settings
from channels.twilio_shared import Shared, read_shared
from submissions.addresses import conversation_with, find_or_add_address, seal, unseal
from submissions.conversations import record_inbound_message
from submissions.database import unit_of_work
from submissions.follow_ups.answers import note_answer
from submissions.models import (
    Address,
    Channel,
    Delivery,
    MediaFile,
    Message,
    OptOutWay,
    Purpose,
    SharedItem,
    SharedKind,
    utc_now,
)
from submissions.opt_outs import end_opt_out, is_blocked_by_carrier, is_opted_out, record_opt_out
from submissions.outbox import release_held

logger = logging.getLogger(__name__)

WRITE_AHEAD_FILE = "twilio.write-ahead.jsonl"
MAXIMUM_CHOICE = 60  # characters of `message.choice`; ours are shorter, so a longer one is no payload of ours
MAXIMUM_MEDIA = 20
MAXIMUM_BATCH = 40  # messages in one commit; more would keep the first one waiting

Parameters = list[tuple[str, str]]


class TwilioInbox:
    """One for each application; `start` and `stop` run with it."""

    def __init__(self, settings: Settings, wake: Callable[[], None]) -> None:
        """`wake` is called after a message was committed. Raises WriteAheadFileNotWritable."""
        self._wake = wake
        self._beside = KeptBeside(settings.data / WRITE_AHEAD_FILE, _keep_sealed, woken=wake)
        self._messages = CommonCommits()

    def start(self) -> None:
        self._beside.start()

    def stop(self) -> None:
        self._beside.stop()

    def keep_message(self, parameters: Parameters) -> None:
        """Keeps an inbound message; on disk when this returns. Raises OSError when nothing can be written."""
        self._keep({"kind": "message", "form": parameters, "received_at": utc_now().isoformat()})

    def keep_receipt(self, parameters: Parameters) -> None:
        """Keeps a status callback; likewise."""
        self._keep({"kind": "receipt", "form": parameters, "received_at": utc_now().isoformat()})

    def _keep(self, record: dict[str, Any]) -> None:
        def keep_now() -> None:
            if record["kind"] == "message":
                self._messages.keep(record)
                self._wake()
            else:
                _keep_record(record)

        self._beside.keep_in_order(keep_now, record=lambda: {"sealed": seal(json.dumps(record))})


class CommonCommits:
    """Keeps messages that arrive at the same time in one commit, since each waits for the disk.

    Whoever comes first commits for all who came while the commit before was under way.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[dict[str, Any], Future[None]]] = []
        self._adding = threading.Lock()
        self._committing = threading.Lock()

    def keep(self, record: dict[str, Any]) -> None:
        """Returns when the record is on disk. Raises what keeping it alone would raise."""
        kept: Future[None] = Future()
        with self._adding:
            self._waiting.append((record, kept))
        while not kept.done():  # more may have come at once than one commit takes
            with self._committing:
                if kept.done():
                    break
                with self._adding:
                    batch, self._waiting = self._waiting[:MAXIMUM_BATCH], self._waiting[MAXIMUM_BATCH:]
                _keep_batch(batch)
        kept.result()


def _keep_batch(batch: list[tuple[dict[str, Any], Future[None]]]) -> None:
    # By sender, so that two processes lock addresses in the same order; a sender's own stay in theirs.
    batch = sorted(batch, key=lambda item: dict(item[0]["form"]).get("From", ""))
    failed: dict[int, Exception] = {}
    try:
        with unit_of_work() as db:
            for index, (record, _) in enumerate(batch):
                try:
                    with db.begin_nested():
                        add_inbound(db, _form(record), received_at=_received_at(record))
                except OperationalError:
                    raise  # the database is down for all of them
                except Exception as error:  # noqa: BLE001  one bad message must not lose the others
                    failed[index] = error
    except Exception as error:  # noqa: BLE001  handed to each who waits
        failed = dict.fromkeys(range(len(batch)), error)
    for index, (_, kept) in enumerate(batch):
        if index in failed:
            kept.set_exception(failed[index])
        else:
            kept.set_result(None)


def _form(record: dict[str, Any]) -> dict[str, str]:
    return dict(reversed([(name, value) for name, value in record["form"]]))  # the first of a repeated name


def _received_at(record: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(record["received_at"])


def _keep_sealed(line: dict[str, Any]) -> None:
    _keep_record(json.loads(unseal(line["sealed"])))


def _keep_record(record: dict[str, Any]) -> None:
    form, received_at = _form(record), _received_at(record)
    if record["kind"] == "receipt":
        keep_delivery_receipt(
            provider_message_id=form.get("MessageSid") or form.get("SmsSid") or "",
            status=form.get("MessageStatus") or form.get("SmsStatus") or "",
            error_code=form.get("ErrorCode"),
            received_at=received_at,
        )
    else:
        keep_inbound(form, received_at=received_at)


def keep_inbound(form: dict[str, str], *, received_at: dt.datetime) -> bool:
    """Keeps the message of a webhook or of Twilio's list; False when it was known or nobody sent it."""
    with unit_of_work() as db:
        return add_inbound(db, form, received_at=received_at)


def add_inbound(db: Session, form: dict[str, str], *, received_at: dt.datetime) -> bool:
    """As `keep_inbound`, in the caller's unit of work.

    Parameters we do not know are let pass, and not kept: where a sender seems to be and what they call
    themselves is none of our business. A place they send on purpose is.
    """
    sender = read_sender(form.get("From", ""), form.get("ExternalUserId", ""))
    provider_message_id = form.get("MessageSid") or form.get("SmsSid") or form.get("SmsMessageSid") or ""
    if sender is None or not 1 <= len(provider_message_id) <= 60:
        logger.warning("a webhook without sender or MessageSid was let go")
        return False
    known = select(Message.id).where(
        Message.channel == sender.channel, Message.provider_message_id == provider_message_id
    )
    if db.scalar(known) is not None:
        return False
    address = find_or_add_address(
        db,
        channel=sender.channel,
        phone=sender.phone,
        user_id=sender.user_id,
        send_to=sender.send_to,
    )
    # Now that the address is locked: the same message may have been kept while we waited.
    if db.scalar(known) is not None:
        return False
    shared = None if form.get("OptOutType") else read_shared(form)
    is_reaction = shared is not None and shared.kind is SharedKind.REACTION
    _note_arrival(db, address, form, received_at, is_reaction=is_reaction)
    message = record_inbound_message(
        db,
        conversation_id=conversation_with(db, address, at=received_at),
        channel=sender.channel,
        provider_message_id=provider_message_id,
        original_text=form.get("Body", "") if shared is None else shared.text,
        choice=_choice(form),
        received_at=received_at,
    )
    db.add_all(_media(message, form))
    if shared is not None:
        db.add(
            SharedItem(message_id=message.id, kind=shared.kind, details=_details(db, message, shared, form))
        )
    if is_reaction:
        # It asks for no answer, answers no follow-up, and says neither "stop" nor "write to me again".
        message.handled_at = utc_now()
        return True
    _heed_wish_to_stop(db, address, message, form)
    if not form.get("OptOutType") and not is_opted_out(db, address.id, Purpose.FOLLOW_UPS):
        note_answer(db, address, message, phone=sender.phone, at=received_at)
    return True


def _details(db: Session, message: Message, shared: Shared, form: dict[str, str]) -> dict[str, Any]:
    """With which message of ours a reaction is about, where we know it."""
    replied_to = form.get("OriginalRepliedMessageSid", "")
    if shared.kind is not SharedKind.REACTION or not 1 <= len(replied_to) <= 60:
        return shared.details
    ours = db.scalar(
        select(Message.id)
        .join(Delivery, Delivery.message_id == Message.id)
        .where(Delivery.provider_message_id == replied_to, Message.conversation_id == message.conversation_id)
    )
    return shared.details | ({"to_message_id": str(ours)} if ours is not None else {})


def _note_arrival(
    db: Session, address: Address, form: dict[str, str], received_at: dt.datetime, *, is_reaction: bool
) -> None:
    ours = form.get("To", "").strip()
    address.our_address = ours[:60] or address.our_address
    address.invalid_at = address.invalid_code = None  # somebody writes from there
    if is_reaction:
        # Whether it opens WhatsApp's 24 hours nobody promises, so what is held goes on waiting for words.
        return
    if address.last_inbound_at is None or address.last_inbound_at < received_at:
        address.last_inbound_at = received_at
    address.template_sent_at = None
    if address.channel == Channel.WHATSAPP:
        release_held(db, address)


def _choice(form: dict[str, str]) -> str | None:
    """The payload of the button or list row that was pressed; `choices` decides whether it was offered."""
    picked = form.get("ButtonPayload") or form.get("ListId") or ""
    return picked if 1 <= len(picked) <= MAXIMUM_CHOICE else None


def _media(message: Message, form: dict[str, str]) -> list[MediaFile]:
    count = form.get("NumMedia", "0")
    wanted = min(int(count), MAXIMUM_MEDIA) if count.isascii() and count.isdecimal() else 0
    return [
        MediaFile(
            message_id=message.id,
            position=position,
            source_url=form.get(f"MediaUrl{position}"),
            declared_type=form.get(f"MediaContentType{position}", "")[:120] or None,
        )
        for position in range(wanted)
        if form.get(f"MediaUrl{position}")
    ]


def _heed_wish_to_stop(db: Session, address: Address, message: Message, form: dict[str, str]) -> None:
    text = message.original_text or ""
    told = form.get("OptOutType", "").upper()
    if told:
        # Twilio has answered by itself; a word of ours would be the second.
        message.handled_at = utc_now()
        if told == "STOP":
            record_opt_out(db, address, way=OptOutWay.CARRIER, words=text)
        elif told == "START":
            end_opt_out(db, address, way=OptOutWay.CARRIER, words=text)
        return
    if message.choice is not None:
        return
    meaning = stop_meaning(text)
    if meaning is StopMeaning.STOP:
        record_opt_out(db, address, way=OptOutWay.WORDS, words=text)
    elif is_opted_out(db, address.id, Purpose.CONVERSATION):
        if asks_to_start_again(text):
            end_opt_out(db, address, way=OptOutWay.WORDS, words=text)
        elif meaning is StopMeaning.NOTHING and not is_blocked_by_carrier(db, address.id):
            # "If you change your mind, just write to us", we said. Follow-ups stay off.
            end_opt_out(db, address, way=OptOutWay.WORDS, words=text, purposes=(Purpose.CONVERSATION,))
    elif meaning is StopMeaning.AMBIGUOUS:
        if address.stop_asked_at is not None:
            # Asked already, and this is the answer: it may be a yes, and it surely is no "go on".
            record_opt_out(db, address, way=OptOutWay.CONFIRMED, words=text)
        else:
            address.stop_asked_at = utc_now()
            address.stop_asked_message_id = message.id
