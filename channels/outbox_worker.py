"""Sends the outbox: takes what may go, no faster than operators allow, and looks up what is in doubt.

Runs as threads of the worker process. Rows in the database decide who sends what, so any number of worker
processes may run; the rates hold for each of them.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time

from sqlalchemy import select
from sqlalchemy.orm import Session
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from channels import outbox, send_outcomes
from channels.delivery_receipts import apply_receipts, apply_what_waits
from channels.errors import PermanentSendError, SendError, SendOutcomeUnknown, TemporarySendError
from channels.outbox import REPLY_WAITING, Attempt, find_template
from channels.rendering import render
from channels.sending import TwilioSender
from channels.settings import Settings
from channels.twilio_client import TwilioAccount, make_client, twilio_account
from submissions.conversations import OutboundMessage, record_outbound_message
from submissions.database import unit_of_work
from submissions.errors import DatabaseUnavailable
from submissions.models import Address, Channel, Conversation, Direction, Message, utc_now
from submissions.outbox import note_trouble

logger = logging.getLogger(__name__)

THREADS = 4  # requests to Twilio at once; more earn 20429
POLL_SECONDS = 0.3
# Longer than a request can last, so that what is looked up is not still on its way to Twilio.
LOOK_UP_AFTER = dt.timedelta(seconds=60)
PAUSE_SECONDS = 60.0  # when Twilio refuses our credentials
DATABASE_PAUSE_SECONDS = 2.0
TYPING_PAUSE_SECONDS = 600.0
TYPING_FOR = dt.timedelta(seconds=25)  # how long WhatsApp shows the dots


class Pace:
    """Lets one message a channel through at a time, evenly spaced."""

    def __init__(self, per_second: dict[str, float]) -> None:
        self._interval = {channel: 1 / rate for channel, rate in per_second.items()}
        self._free_at = dict.fromkeys(per_second, 0.0)
        self._lock = threading.Lock()

    def ready(self) -> list[str]:
        now = time.monotonic()
        with self._lock:
            return [channel for channel, free_at in self._free_at.items() if free_at <= now]

    def used(self, channel: str) -> None:
        with self._lock:
            start = max(self._free_at[channel], time.monotonic())
            self._free_at[channel] = start + self._interval[channel]

    def pause(self, seconds: float) -> None:
        with self._lock:
            until = time.monotonic() + seconds
            self._free_at = {channel: max(at, until) for channel, at in self._free_at.items()}


class OutboxWorker:
    """Sends until stopped. Without an account it does nothing, and what is queued waits."""

    def __init__(
        self,
        settings: Settings,
        *,
        account: TwilioAccount | None = None,
        client: Client | None = None,
        threads: int = THREADS,
        look_up_after: dt.timedelta = LOOK_UP_AFTER,
    ) -> None:
        self._settings = settings
        self._account = account or twilio_account(settings)
        self._look_up_after = look_up_after
        self._stopping = threading.Event()
        self._claiming = threading.Lock()
        rates = {Channel.SMS: settings.sms_per_second, Channel.WHATSAPP: settings.whatsapp_per_second}
        if self._account is not None and self._account.is_stand_in:
            rates = dict.fromkeys(rates, 200.0)  # no operator behind it
        self._pace = Pace({str(channel): rate for channel, rate in rates.items()})
        self._sender = None
        self._client = client
        if self._account is not None:
            self._client = client or make_client(self._account)
            self._sender = TwilioSender(settings, self._account, self._client)
        self._shown_typing: set[str] = set()
        self._typing_again_at = 0.0
        self._threads = [
            threading.Thread(target=self._run, args=(index == 0,), name=f"outbox-{index}", daemon=True)
            for index in range(threads)
        ]

    def start(self) -> None:
        if self._sender is None:
            logger.info("no Twilio account is set: SMS and WhatsApp are off")
            return
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float = 15.0) -> None:
        """Lets each thread finish the request it is at."""
        self._stopping.set()
        end = time.monotonic() + timeout_seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=max(0.0, end - time.monotonic()))

    def _run(self, is_first: bool) -> None:
        looked_at = 0.0
        while not self._stopping.is_set():
            try:
                if is_first and time.monotonic() - looked_at > min(5, self._look_up_after.total_seconds()):
                    looked_at = time.monotonic()
                    self.look_up_doubtful()
                    apply_what_waits()
                if is_first:
                    self._show_typing()
                if not self.send_next():
                    self._stopping.wait(POLL_SECONDS)
            except DatabaseUnavailable as error:
                logger.warning("outbox: %s", error)
                self._stopping.wait(DATABASE_PAUSE_SECONDS)
            except Exception:
                # A thread that died would leave the outbox to fewer and fewer.
                logger.exception("outbox: unexpected trouble")
                self._stopping.wait(DATABASE_PAUSE_SECONDS)

    def send_next(self) -> bool:
        """Sends one part, or settles one message that must not go now. False when there is nothing to do."""
        if self._sender is None:
            return False
        with self._claiming:  # one search at a time, so that a channel's pace holds for all threads
            claimed = outbox.claim_next(
                self._settings, self._pace.ready(), announce_reply=self._announce_reply
            )
            if isinstance(claimed, Attempt):
                self._pace.used(claimed.channel)
        if isinstance(claimed, outbox.Nothing):
            return False
        if isinstance(claimed, Attempt):
            self._send(claimed, self._sender)
        return True

    def _send(self, attempt: Attempt, sender: TwilioSender) -> None:
        try:
            sent = sender.send(attempt)
        except SendOutcomeUnknown as error:
            logger.warning("delivery %s is in doubt: %s", attempt.delivery_id, error)
            send_outcomes.record_unknown(attempt, error.reason)
        except (TemporarySendError, PermanentSendError) as error:
            logger.warning("delivery %s was not sent: %s", attempt.delivery_id, error)
            send_outcomes.record_not_sent(attempt, error)
            if isinstance(error, TemporarySendError) and error.pauses_all:
                note_trouble(str(error))
                self._pace.pause(PAUSE_SECONDS)
        else:
            send_outcomes.record_sent(attempt, sent.provider_message_id, sent.status)
            apply_receipts(sent.provider_message_id)  # one may have been quicker than our commit

    def look_up_doubtful(self) -> int:
        """Settles what was marked as being sent and never decided upon; how many."""
        if self._sender is None:
            return 0
        settled = 0
        for attempt in send_outcomes.in_doubt(utc_now() - self._look_up_after):
            if self._stopping.is_set():
                break
            try:
                sent = self._sender.find_again(attempt)
            except SendError as error:
                logger.warning("delivery %s could not be looked up: %s", attempt.delivery_id, error)
                break
            if sent is None:
                send_outcomes.record_not_found(attempt)
            elif send_outcomes.record_sent(attempt, sent.provider_message_id, sent.status):
                apply_receipts(sent.provider_message_id)
            settled += 1
        return settled

    def _announce_reply(self, db: Session, address: Address, held: Message) -> None:
        """Queues "you have a reply" once, until they answer; the held messages follow then."""
        if address.template_sent_at is not None or find_template(db, self._settings, held.language) is None:
            return
        conversation = db.get(Conversation, held.conversation_id)
        language = conversation.language if conversation is not None else held.language
        said = render(REPLY_WAITING, {}, [], language, Channel.WHATSAPP)
        record_outbound_message(
            db,
            held.conversation_id,
            OutboundMessage(
                message_key=REPLY_WAITING, text=said.text, language=said.language, blocks=said.blocks
            ),
        )
        address.template_sent_at = utc_now()

    def _show_typing(self) -> None:
        """Read ticks and typing dots for WhatsApp messages that are being answered; never retried.

        Source: https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource
        """
        if self._client is None or self._settings.sending_stopped or time.monotonic() < self._typing_again_at:
            return
        with unit_of_work(read_only=True) as db:
            waiting = db.scalars(
                select(Message.provider_message_id).where(
                    Message.direction == Direction.INBOUND,
                    Message.handled_at.is_(None),
                    Message.channel == Channel.WHATSAPP,
                    Message.created_at > utc_now() - TYPING_FOR,
                )
            ).all()
        new = [sid for sid in waiting if sid is not None and sid not in self._shown_typing][:5]
        self._shown_typing &= set(waiting)
        for sid in new:
            self._shown_typing.add(sid)
            try:
                self._client.messaging.v2.typing_indicator.create(channel="whatsapp", message_id=sid)
            except Exception as error:  # noqa: BLE001  not worth a resident's wait
                if isinstance(error, TwilioRestException) and error.status in (400, 404):
                    continue  # not for this message
                logger.info("no typing dots for some minutes: %s", type(error).__name__)
                self._typing_again_at = time.monotonic() + TYPING_PAUSE_SECONDS
                return
