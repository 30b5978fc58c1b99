"""Keeping what arrives in the database or, while that is down, beside it: one order, nothing lost.

What waits in the write-ahead file is replayed before anything newer is kept, and every two seconds besides.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from submissions.database import unit_of_work
from submissions.errors import DatabaseUnavailable
from submissions.write_ahead import WriteAheadFile

logger = logging.getLogger(__name__)

REPLAY_SECONDS = 2.0

Kept = TypeVar("Kept")


class KeptBeside:
    """One for each kind of message and application; `start` and `stop` run with it."""

    def __init__(
        self, path: Path, keep: Callable[[dict[str, Any]], None], *, woken: Callable[[], None]
    ) -> None:
        """`keep` keeps a record of the file in the database, and is idempotent; `woken` is called after a
        replay that kept something. Raises WriteAheadFileNotWritable.
        """
        self.file = WriteAheadFile(path)
        self._keep = keep
        self._woken = woken
        self._may_have_records = True  # until a replay has found none
        self._stopping = threading.Event()
        self._replayer = threading.Thread(target=self._replay_regularly, name=path.name, daemon=True)

    def start(self) -> None:
        self._replayer.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._replayer.ident is not None:
            self._replayer.join(timeout=5)

    def keep_in_order(
        self, keep_now: Callable[[], Kept], record: Callable[[], dict[str, Any]]
    ) -> Kept | None:
        """What `keep_now` returns; None when the database is down and `record` is in the file instead.

        On disk when this returns, either way. Raises OSError when neither can be written.
        """
        try:
            if self._may_have_records:
                self.replay()  # what came before this must be kept before it
            return keep_now()
        except DatabaseUnavailable as error:
            self.file.append(record())
            self._may_have_records = True
            logger.warning("%s took a message in: %s", self.file.path.name, error)
            return None

    def replay(self) -> int:
        """Moves what waits in the file into the database. How many records. Raises DatabaseUnavailable."""
        self._may_have_records = False  # before reading: who appends meanwhile sets it again
        kept = self.file.replay(self._keep)
        if self.file.count():
            self._may_have_records = True
            with unit_of_work(read_only=True) as db:  # down still: let the caller know
                db.connection()
        if kept:
            self._woken()
        return kept

    def _replay_regularly(self) -> None:
        while not self._stopping.wait(REPLAY_SECONDS):
            if not self._may_have_records:
                continue
            try:
                self.replay()
            except DatabaseUnavailable as error:
                logger.warning("%s waits: %s", self.file.path.name, error)
            except Exception:
                # The file is as it was; a thread that died would leave it so until the next start.
                self._may_have_records = True
                logger.exception("%s could not be replayed", self.file.path.name)
