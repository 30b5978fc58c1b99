"""Answers the durable inbox: takes conversations with unanswered messages and works through them in order.

Several threads, each with one conversation at a time, held by a lease in the database; so a message is
answered once whatever the number of processes, and one left behind by a crash is found when its lease ends.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import queue
import socket
import threading
import time
import uuid
from collections.abc import Callable

from sqlalchemy.orm import Session

from channels.answering import answer_message
from channels.errors import ChannelError
from channels.rasa_client import RasaClient
from submissions.conversations import (
    find_conversation,
    lease_next_conversation,
    make_waiting_due,
    release_lease,
)
from submissions.errors import DatabaseUnavailable, LeaseLost
from submissions.models import utc_now

logger = logging.getLogger(__name__)

THREADS = 8
POLL_SECONDS = 0.7
# Longer than a turn can take (the client gives up after 20 s); a crash keeps a conversation waiting so long.
LEASE_SECONDS = 45.0
DATABASE_PAUSE_SECONDS = 2.0
FAILING_PAUSE_SECONDS = 0.1  # between two turns while the assistant does not answer
RECOVERY_LOOK_SECONDS = 2.0  # between two looks whether the assistant is up again
# After one that was up: if it answers its health and no messages, it is not asked for all of them every 2 s.
RECOVERY_REST_SECONDS = 30.0


class InboxWorker:
    def __init__(
        self,
        bot: RasaClient,
        *,
        notify: Callable[[uuid.UUID], None] = lambda _: None,
        threads: int = THREADS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """`notify` is called with the conversation after each change that its readers should see."""
        self._bot = bot
        self._notify = notify
        self._poll_seconds = poll_seconds
        self._name = f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        # What a thread is to do: work on a conversation leased for it, or (None) look for one.
        self._tasks: queue.SimpleQueue[tuple[uuid.UUID, str] | None] = queue.SimpleQueue()
        # One thread is never promised, so that somebody always looks for what was left behind.
        self._promises = threading.BoundedSemaphore(max(1, threads - 1))
        self._stopping = threading.Event()
        self._trying = threading.Lock()
        self._may_be_down = True  # at the start nobody knows
        self._look_at = 0.0
        self._threads = [
            threading.Thread(target=self._run, args=(index,), name=f"inbox-{index}")
            for index in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def wake(self) -> None:
        """Call after an inbound message was committed; some thread then looks at once."""
        self._tasks.put(None)

    def promise_thread(self) -> str | None:
        """A name to lease a conversation under, with a thread that will work on it; None when all are busy.

        Call `work_on` or `break_promise` afterwards. To lease with the commit that keeps a message saves the
        turn a search and a commit of its own.
        """
        if self._stopping.is_set() or self._bot.is_failing or not self._promises.acquire(blocking=False):
            return None
        return f"{self._name}:{uuid.uuid4().hex[:8]}"

    def work_on(self, conversation_id: uuid.UUID, lease: str) -> None:
        """Call after the lease was committed."""
        self._tasks.put((conversation_id, lease))

    def break_promise(self) -> None:
        """Nothing was leased: the thread is free again."""
        self._promises.release()

    def stop(self, timeout_seconds: float = 25.0) -> None:
        """Lets each thread finish the message it is at; what is left is found at the next start."""
        self._stopping.set()
        for _ in self._threads:
            self._tasks.put(None)
        end = time.monotonic() + timeout_seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=max(0.0, end - time.monotonic()))
        self._give_back_what_was_promised()

    @property
    def is_alive(self) -> bool:
        """Whether every thread still runs."""
        return all(thread.is_alive() for thread in self._threads)

    def _run(self, index: int) -> None:
        worker = f"{self._name}:{index}"
        # The first thread looks by itself for what other processes left; the others sleep until woken.
        timeout = self._poll_seconds if index == 0 else None
        while not self._stopping.is_set():
            try:
                task = self._tasks.get(timeout=timeout)
            except queue.Empty:
                task = None
            try:
                if index == 0:
                    self._notice_recovery()
                if task is not None:
                    self._keep_promise(*task)
                else:
                    while not self._stopping.is_set() and self._find_and_answer(worker):
                        pass
            except DatabaseUnavailable as error:
                logger.warning("inbox: %s", error)
                self._stopping.wait(DATABASE_PAUSE_SECONDS)
            except Exception:
                # A thread that died would leave the inbox to fewer and fewer; the message itself was put off.
                logger.exception("inbox: unexpected trouble")
                self._stopping.wait(DATABASE_PAUSE_SECONDS)

    def _notice_recovery(self) -> None:
        """After a long outage messages wait minutes for the next try; once the assistant is up they are due.

        Also at the start, since nobody knows what was before it.
        """
        self._may_be_down = self._may_be_down or self._bot.is_failing
        now = time.monotonic()
        if not self._may_be_down or now < self._look_at:
            return
        self._look_at = now + RECOVERY_LOOK_SECONDS
        if not self._bot.is_up():
            return
        if self._bot.is_failing:
            self._look_at = now + RECOVERY_REST_SECONDS
        self._may_be_down = self._bot.is_failing = False
        due = make_waiting_due()
        if due:
            logger.info("inbox: the assistant is up; %d messages are tried at once", due)
            self.wake()

    def _keep_promise(self, conversation_id: uuid.UUID, lease: str) -> None:
        try:
            self._answer(conversation_id, lease)
        finally:
            self._promises.release()

    def _give_back_what_was_promised(self) -> None:
        """So that the next start need not wait for the leases of this one to end."""
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return
            if task is not None:
                try:
                    release_lease(*task)
                except DatabaseUnavailable as error:
                    logger.warning("inbox: a lease ends by itself: %s", error)

    def _find_and_answer(self, worker: str) -> bool:
        """Answers what is due in one conversation. False when no conversation is due."""
        conversation_id = lease_next_conversation(worker, LEASE_SECONDS)
        if conversation_id is None:
            return False
        self.wake()  # where one conversation is due, another may be
        self._answer(conversation_id, worker)
        return True

    def _answer(self, conversation_id: uuid.UUID, lease: str) -> None:
        holds_lease = True
        try:
            while holds_lease and not self._stopping.is_set():
                if self._bot.is_failing:
                    # One try at a time: taking messages in must not wait while we ask in vain.
                    with self._trying:
                        self._stopping.wait(FAILING_PAUSE_SECONDS)
                holds_lease = answer_message(
                    conversation_id, worker=lease, bot=self._bot, lease_seconds=LEASE_SECONDS
                )
                self._notify(conversation_id)
        except LeaseLost:
            logger.warning("inbox: lease on %s lost", conversation_id)
        except ChannelError as error:
            logger.error("inbox: conversation %s: %s", conversation_id, error)
        finally:
            if holds_lease:
                release_lease(conversation_id, lease)


def lease_with_this_commit(db: Session, conversation_id: uuid.UUID, lease: str) -> bool:
    """Leases the conversation, which the unit of work has locked, unless somebody works on it already."""
    conversation = find_conversation(db, conversation_id)
    now = utc_now()
    if conversation.leased_until is not None and conversation.leased_until > now:
        return False  # who holds it will see the new message
    conversation.leased_by = lease
    conversation.leased_until = now + dt.timedelta(seconds=LEASE_SECONDS)
    return True
