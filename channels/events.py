"""Wakes event streams when their conversation has changed.

A change in this process wakes its streams at once. The database is the truth: one query a second asks for
the conversations being watched, however many streams are open, so that what another process wrote reaches
them too.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.errors import SubmissionError
from submissions.models import Conversation

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
IDS_PER_QUERY = 500


class EventHub:
    """Streams watch, writers notify; `notify` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: dict[uuid.UUID, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(
            set
        )
        self._seen: dict[uuid.UUID, tuple[int, str | None] | None] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._poll, name="event-poll", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the polling and wakes every stream, so that each can end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        with self._lock:
            ids = list(self._watchers)
        for conversation_id in ids:
            self.notify(conversation_id)

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()

    @contextmanager
    def watch(self, conversation_id: uuid.UUID) -> Iterator[asyncio.Event]:
        """An event of the running loop, set at each change. Clear it before reading, then wait for it."""
        watcher = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._watchers[conversation_id].add(watcher)
        try:
            yield watcher[1]
        finally:
            with self._lock:
                self._watchers[conversation_id].discard(watcher)
                if not self._watchers[conversation_id]:
                    del self._watchers[conversation_id]
                    self._seen.pop(conversation_id, None)

    def notify(self, conversation_id: uuid.UUID) -> None:
        """Wakes the streams of a conversation; nothing happens when there are none."""
        with self._lock:
            watchers = list(self._watchers.get(conversation_id, ()))
        for loop, event in watchers:
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:  # the loop has closed, and its streams with it
                logger.debug("a stream's loop is closed")

    def _poll(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                self._look()
            except SubmissionError as error:
                logger.warning("event poll: %s", type(error).__name__)
            except Exception:
                logger.exception("event poll failed")

    def _look(self) -> None:
        with self._lock:
            ids = list(self._watchers)
        for start in range(0, len(ids), IDS_PER_QUERY):
            some = ids[start : start + IDS_PER_QUERY]
            with unit_of_work(read_only=True) as db:
                rows = db.execute(
                    select(Conversation.id, Conversation.message_count, Conversation.language).where(
                        Conversation.id.in_(some)
                    )
                )
                now = {row.id: (row.message_count, row.language) for row in rows}
            for conversation_id in some:
                state = now.get(conversation_id)  # None when it was erased: its streams must end
                with self._lock:
                    changed = self._seen.get(conversation_id, ()) != state
                    self._seen[conversation_id] = state
                if changed:
                    self.notify(conversation_id)
