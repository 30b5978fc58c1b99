"""Files that residents send: which are to be fetched, where they lie, and what was found in them.

Each lies encrypted in the data folder's `media`, under a name that says nothing, readable by its owner only.
The rows are the queue: a fetch that a crash interrupted is due again when its lease is over.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from submissions.addresses import seal_bytes, unseal_bytes
from submissions.database import unit_of_work
from submissions.errors import MediaNotFound
from submissions.models import MediaFile, MediaState, SessionFile, utc_now
from translations.speech.probing import Probed, probe

MAXIMUM_BYTES = 16 * 1024 * 1024  # as WhatsApp has it
RETRY_AFTER_SECONDS = (5, 30, 120, 600, 3600, 6 * 3600)
FETCH_LEASE = dt.timedelta(minutes=3)
FOLDER = "media"


@dataclass(frozen=True)
class ToFetch:
    media_id: uuid.UUID
    source_url: str


class MediaStore:
    """The folder of the files themselves."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER

    def write(self, content: bytes) -> str:
        """Keeps the content, encrypted and on disk when this returns; the name to find it by."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        draft = self.folder / f"{name}.part"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(seal_bytes(content))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.folder / name)
        return name

    def read(self, name: str) -> bytes:
        """Raises MediaNotFound when it has gone, as promised, or its key has."""
        try:
            return unseal_bytes((self.folder / Path(name).name).read_bytes())
        except FileNotFoundError as error:
            raise MediaNotFound(name) from error

    @contextmanager
    def readable(self, name: str) -> Iterator[Path]:
        """A decrypted copy for a program that reads files; gone afterwards."""
        with as_file(self.read(name)) as path:
            yield path

    def remove_unknown(self, db: Session, older_than: dt.timedelta = dt.timedelta(hours=1)) -> int:
        """Deletes the files no row knows any more (erased, or never finished); how many."""
        if not self.folder.is_dir():
            return 0
        before = (utc_now() - older_than).timestamp()
        old = [path for path in self.folder.iterdir() if path.stat().st_mtime <= before]
        known = set(db.scalars(select(MediaFile.stored_name).where(MediaFile.stored_name.is_not(None))))
        known |= set(db.scalars(select(SessionFile.stored_name)))
        unknown = [path for path in old if path.name not in known]
        for path in unknown:
            path.unlink(missing_ok=True)
        return len(unknown)


@contextmanager
def as_file(content: bytes) -> Iterator[Path]:
    """The content in a file (mode 600) of a folder of its own; both gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ownwords-media-") as folder:
        path = Path(folder) / "media"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        yield path


def claim_next_fetch(now: dt.datetime | None = None) -> ToFetch | None:
    """The next file to fetch, this caller's for three minutes; None when none is due."""
    at = now or utc_now()
    due = (
        select(MediaFile)
        .where(
            MediaFile.state == MediaState.TO_FETCH,
            MediaFile.source_url.is_not(None),
            or_(MediaFile.next_attempt_at.is_(None), MediaFile.next_attempt_at <= at),
        )
        .order_by(MediaFile.created_at)
        .limit(1)
    )
    with unit_of_work(read_only=True) as db:  # looking must not take SQLite's one write lock
        if db.scalars(due).first() is None:
            return None
    with unit_of_work() as db:
        media = db.scalars(due.with_for_update(skip_locked=True)).first()
        if media is None or media.source_url is None:
            return None
        media.attempts += 1
        media.next_attempt_at = at + FETCH_LEASE
        return ToFetch(media.id, media.source_url)


def keep_content(store: MediaStore, media_id: uuid.UUID, content: bytes) -> Probed:
    """Stores what was fetched or uploaded, and what it really is. Raises MediaNotFound when it was erased."""
    with as_file(content) as path:
        probed = probe(path)
    name = store.write(content)
    with unit_of_work() as db:
        media = db.get(MediaFile, media_id, with_for_update=True)
        if media is None:
            (store.folder / name).unlink()
            raise MediaNotFound(str(media_id))
        media.state = MediaState.STORED
        media.detected_type = probed.media_type
        media.byte_count = len(content)
        media.sha256 = hashlib.sha256(content).digest()
        media.stored_name = name
        media.stored_at = utc_now()
        media.next_attempt_at = media.last_error = None
    return probed


def record_fetch_refused(media_id: uuid.UUID, reason: str) -> None:
    """It will never be fetched: from the wrong place, or too large."""
    with unit_of_work() as db:
        media = db.get(MediaFile, media_id, with_for_update=True)
        if media is not None:
            media.state, media.last_error, media.next_attempt_at = MediaState.REFUSED, reason[:300], None


def record_fetch_failed(media_id: uuid.UUID, reason: str) -> None:
    """Tried again later, with growing waits, and after the last one never again."""
    with unit_of_work() as db:
        media = db.get(MediaFile, media_id, with_for_update=True)
        if media is None:
            return
        media.last_error = reason[:300]
        if media.attempts > len(RETRY_AFTER_SECONDS):
            media.state, media.next_attempt_at = MediaState.FAILED, None
            return
        wait = RETRY_AFTER_SECONDS[media.attempts - 1]
        media.next_attempt_at = utc_now() + dt.timedelta(seconds=wait)
