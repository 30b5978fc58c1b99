"""Finding and keeping the people behind telephone numbers, without keeping the numbers readable.

An address at rest is encrypted; it is found again by a keyed hash. Both keys come from one secret, the
setting OWNWORDS_ADDRESS_KEY or a file in the data folder that is made at the first use (mode 600). Losing
the secret means that nobody can be answered any more, so it belongs in the backup, apart from the database.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import os
import secrets
import threading
import uuid
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from submissions import audit
from submissions.commission import get_commission
from submissions.conversations import start_conversation
from submissions.database import unit_of_work
from submissions.errors import ConfigurationError
from submissions.models import (
    Address,
    Conversation,
    ConversationAddress,
    FollowUpRecipient,
    HearBack,
    OptOut,
    utc_now,
)
from submissions.settings import StoreSettings

KEY_FILE = "address_key"
MINIMUM_SECRET_LENGTH = 20
_lock = threading.Lock()
_keys: _Keys | None = None


class _Keys:
    def __init__(self, secret: str) -> None:
        material = secret.encode()
        self.cipher = Fernet(
            base64.urlsafe_b64encode(hashlib.sha256(b"own-words address encryption:" + material).digest())
        )
        self.lookup = hashlib.sha256(b"own-words address lookup:" + material).digest()


def configure_keys(settings: StoreSettings) -> None:
    """Use this secret, or that data folder's, in this process. Raises ConfigurationError when it is short."""
    global _keys
    secret = settings.address_key or _secret_of_folder(settings.data)
    if len(secret) < MINIMUM_SECRET_LENGTH:
        raise ConfigurationError(
            f"OWNWORDS_ADDRESS_KEY: at least {MINIMUM_SECRET_LENGTH} characters, made at random"
        )
    with _lock:
        _keys = _Keys(secret)


def _secret_of_folder(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / KEY_FILE
    if not path.exists():
        # Written under another name first: a process that starts at the same time must not read half of it.
        new = folder / f"{KEY_FILE}.{uuid.uuid4().hex}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)  # fails when another process was first
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return path.read_text().strip()


def _the_keys() -> _Keys:
    if _keys is None:
        configure_keys(StoreSettings())
    assert _keys is not None  # noqa: S101  for the type checker: configure_keys has just set it
    return _keys


def hash_of(channel: str, identity: str) -> bytes:
    """32 bytes that are the same for the same identity on a channel, and tell nothing without the key."""
    return hmac.new(_the_keys().lookup, f"{channel}:{identity}".encode(), hashlib.sha256).digest()


def readable_address(address: Address) -> str:
    """What to send to, such as +447700900123. Raises ConfigurationError when the secret has changed."""
    try:
        return _the_keys().cipher.decrypt(address.address_encrypted).decode()
    except InvalidToken as error:
        raise ConfigurationError(
            "OWNWORDS_ADDRESS_KEY is not the one the addresses were encrypted with"
        ) from error


def find_or_add_address(
    db: Session, *, channel: str, phone: str | None, user_id: str | None = None, send_to: str | None = None
) -> Address:
    """The person with this number (E.164) or this id of the channel's own, locked from now on.

    A person first known by one of the two is known by both as soon as a message carries both. `send_to` is
    what the channel sends to, when that is not the number. Safe with any number of threads and processes.
    """
    if phone is None and user_id is None:
        raise ValueError("an address needs a number or an id")
    phone_hash = hash_of(channel, phone) if phone is not None else None
    user_hash = hash_of(channel, f"user:{user_id}") if user_id is not None else None
    known = (
        select(Address)
        .where(
            Address.channel == channel,
            or_(
                *([Address.user_hash == user_hash] if user_hash is not None else []),
                *([Address.phone_hash == phone_hash] if phone_hash is not None else []),
            ),
        )
        # The id stays when a number is given to somebody else, so it decides where both are known.
        .order_by(Address.user_hash.is_(None), Address.created_at)
        .with_for_update()
    )
    found = list(db.scalars(known))
    if not found:
        try:
            with db.begin_nested():
                address = Address(
                    channel=channel,
                    phone_hash=phone_hash,
                    user_hash=user_hash,
                    address_encrypted=_encrypted(send_to or phone or user_id or ""),
                )
                db.add(address)
                db.flush()
                return address
        except IntegrityError:  # another thread was first
            found = list(db.scalars(known))
    address = next((row for row in found if user_hash is not None and row.user_hash == user_hash), found[0])
    if not address.address_encrypted:
        address.address_encrypted = _encrypted(send_to or phone or user_id or "")
    if len(found) == 1:
        if address.phone_hash is None and phone_hash is not None:
            address.phone_hash = phone_hash
            address.address_encrypted = _encrypted(send_to or phone or "")
        if address.user_hash is None and user_hash is not None:
            address.user_hash = user_hash
    return address


def _encrypted(text: str) -> bytes:
    return _the_keys().cipher.encrypt(text.encode())


def seal(text: str) -> str:
    """The text encrypted, for a file outside the database; `unseal` gives it back."""
    return _the_keys().cipher.encrypt(text.encode("utf-8", "surrogatepass")).decode("ascii")


def unseal(sealed: str) -> str:
    return _the_keys().cipher.decrypt(sealed.encode("ascii")).decode("utf-8", "surrogatepass")


def seal_bytes(content: bytes) -> bytes:
    """As `seal`, for files; a third longer than the content."""
    return _the_keys().cipher.encrypt(content)


def unseal_bytes(sealed: bytes) -> bytes:
    """Raises ConfigurationError when the secret has changed or the file is damaged."""
    try:
        return _the_keys().cipher.decrypt(sealed)
    except InvalidToken as error:
        raise ConfigurationError("OWNWORDS_ADDRESS_KEY has changed since this file was encrypted") from error


def forget_addresses(
    last_message_before: dt.datetime, *, dry_run: bool, waiting_before: dt.datetime | None = None
) -> int:
    """Deletes the numbers of people who have been quiet since then; how many.

    Of those who agreed to hear back and have not been told, since `waiting_before`: else the promise could
    not be kept.

    Of somebody who asked us to stop the keyed hash stays, and the number goes: we must still know them if
    somebody enters that number again. Its own unit of work.
    """
    quiet = and_(
        func.coalesce(Address.last_inbound_at, Address.created_at) < last_message_before,
        Address.address_encrypted != b"",
        or_(
            func.coalesce(Address.last_inbound_at, Address.created_at)
            < (waiting_before or last_message_before),
            ~exists().where(
                HearBack.address_id == Address.id, HearBack.ended_at.is_(None), HearBack.told_at.is_(None)
            ),
        ),
    )
    has_opt_out = exists().where(OptOut.address_id == Address.id, OptOut.ended_at.is_(None))
    with unit_of_work() as db:
        count = db.scalar(select(func.count()).select_from(Address).where(quiet)) or 0
        if dry_run or not count:
            return count
        db.execute(
            update(Address)
            .where(quiet, has_opt_out)
            .values(address_encrypted=b"", our_address=None)
            .execution_options(synchronize_session=False)
        )
        db.execute(delete(Address).where(quiet).execution_options(synchronize_session=False))
        # The ledger of contacts knows deleted people no more, not even by a keyed hash.
        db.execute(
            update(FollowUpRecipient)
            .where(FollowUpRecipient.address_id.is_(None), FollowUpRecipient.person_hash.is_not(None))
            .values(person_hash=None)
            .execution_options(synchronize_session=False)
        )
        audit.record(db, audit.SYSTEM, "addresses.deleted", "address", "*", count=count)
    return count


def lock_address(db: Session, address_id: uuid.UUID) -> Address:
    """The address as it is now, locked until the unit of work ends."""
    return db.scalars(
        select(Address)
        .where(Address.id == address_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def address_of(db: Session, conversation_id: uuid.UUID, *, lock: bool = False) -> Address | None:
    """Whom the conversation is with; None on the web."""
    query = (
        select(Address)
        .join(ConversationAddress, ConversationAddress.address_id == Address.id)
        .where(ConversationAddress.conversation_id == conversation_id)
    )
    if lock:
        query = query.with_for_update(of=Address).execution_options(populate_existing=True)
    return db.scalars(query).one_or_none()


def conversation_with(db: Session, address: Address, *, at: dt.datetime | None = None) -> uuid.UUID:
    """The conversation that is going on with this person, or a new one.

    A new one begins when there is none, when retention has removed it, or when it has been quiet for longer
    than `commission.yml` keeps an address. A new one knows the language of the one before. Call with
    the address locked.
    """
    now = at or utc_now()
    limit = dt.timedelta(days=get_commission().retention.addresses_days)
    language = language_source = None
    if address.conversation_id is not None:
        conversation = db.get(Conversation, address.conversation_id)
        if conversation is not None:
            if conversation.last_message_at > now - limit:
                return conversation.id
            language, language_source = conversation.language, conversation.language_source
    conversation = start_conversation(
        db, channel=address.channel, language=language, language_source=language_source
    )
    db.add(ConversationAddress(conversation_id=conversation.id, address_id=address.id))
    address.conversation_id = conversation.id
    db.flush()
    return conversation.id
