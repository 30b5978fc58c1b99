"""The stores outside the database that must forget what was erased: assistant, files, write-ahead, carrier.

`register_stores` in each process that erases or works off what is left: the worker and the command line.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twilio.base.exceptions import TwilioRestException

from channels import gateway, twilio_inbox
from channels.rasa_client import RasaClient
from channels.settings import Settings
from channels.start import internal_token
from channels.twilio_client import make_client, twilio_account
from submissions.addresses import unseal
from submissions.database import unit_of_work
from submissions.forgetting import Gone, NotYet, register_store
from submissions.media import FOLDER as MEDIA_FOLDER
from submissions.models import Conversation, utc_now
from submissions.write_ahead import WriteAheadFile

# Somebody who took one view back may be writing the next: the assistant remembers where they are.
QUIET_FOR = dt.timedelta(minutes=10)
BAD_SID_STATUS = 404
SID = re.compile("[SM]M[0-9a-f]{32}")  # a message that the carrier knows; what was heard has an id of ours


def register_stores(settings: Settings) -> None:
    """What this installation keeps outside its database."""
    register_store("assistant", _of_assistant(settings))
    register_store("media files", lambda gone: delete_media(settings.data, gone))
    register_store("write-ahead files", lambda gone: delete_from_write_ahead(settings.data, gone))
    register_store("carrier", _at_carrier(settings))


def _of_assistant(settings: Settings) -> Callable[[Gone], None]:
    def forget(gone: Gone) -> None:
        if gone.conversation_id is None:
            return
        conversation_id = uuid.UUID(gone.conversation_id)
        with unit_of_work(read_only=True) as db:
            conversation = db.get(Conversation, conversation_id)
            is_going_on = conversation is not None and conversation.last_message_at > utc_now() - QUIET_FOR
        if is_going_on:
            raise NotYet("the conversation is going on")
        with RasaClient(settings.resolved_bot_url, internal_token(settings)) as bot:
            bot.forget(conversation_id)

    return forget


def delete_media(data: Path, gone: Gone) -> None:
    """Deletes the files themselves; their rows have gone before."""
    for name in gone.media_files:
        (data / MEDIA_FOLDER / Path(name).name).unlink(missing_ok=True)


def delete_from_write_ahead(data: Path, gone: Gone) -> None:
    """Takes the messages out of the files in which they waited, or were set aside."""
    ids = set(gone.client_message_ids)

    def is_of_chat(record: dict[str, Any]) -> bool:
        # On the web a message is known by its conversation and the id its browser gave it.
        return f"{record.get('conversation_id')}/{record.get('client_message_id')}" in ids

    def is_of_twilio(record: dict[str, Any]) -> bool:
        form = dict(json.loads(unseal(record["sealed"])).get("form", []))
        return form.get("MessageSid") in ids

    for name, is_gone in (
        (gateway.WRITE_AHEAD_FILE, is_of_chat),
        (twilio_inbox.WRITE_AHEAD_FILE, is_of_twilio),
    ):
        if ids and (data / name).exists():
            WriteAheadFile(data / name).remove(is_gone)


def _at_carrier(settings: Settings) -> Callable[[Gone], None]:
    def forget(gone: Gone) -> None:
        account = twilio_account(settings)
        if account is None or not gone.provider_message_ids:
            return
        client = make_client(account)
        for sid in filter(SID.fullmatch, gone.provider_message_ids):
            try:
                # Media first: they outlive the message they came with.
                for media in client.messages(sid).media.list():
                    media.delete()
                client.messages(sid).delete()
            except TwilioRestException as error:
                if error.status != BAD_SID_STATUS:
                    raise

    return forget
