"""How much one conversation and one internet address may send; counted in this process's memory, which is the
only one that counts: `only_one`.

A message sent again (same conversation, same id) is the same message and is not counted twice.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
import uuid
from collections import OrderedDict

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from channels.errors import TooManyRequests

REMEMBERED_MESSAGES = 20_000


class RateLimits:
    def __init__(self, *, messages_per_minute: int, messages_per_minute_and_address: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_conversation = RateLimitItemPerMinute(messages_per_minute)
        self._per_address = RateLimitItemPerMinute(messages_per_minute_and_address)
        # A hall full of people behind one address begins many conversations, but sends more messages.
        self._starts = RateLimitItemPerMinute(max(10, messages_per_minute_and_address // 10))
        self._seen: OrderedDict[tuple[uuid.UUID, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def count_message(self, conversation_id: uuid.UUID, client_message_id: str, address: str | None) -> None:
        """Raises TooManyRequests."""
        key = (conversation_id, client_message_id)
        with self._lock:
            if key in self._seen:
                return
            self._hit(self._per_conversation, "conversation", str(conversation_id))
            self._hit_address(self._per_address, "messages", address)
            self._seen[key] = None
            if len(self._seen) > REMEMBERED_MESSAGES:
                self._seen.popitem(last=False)

    def count_start(self, address: str | None) -> None:
        """A new conversation or form. Raises TooManyRequests."""
        with self._lock:
            self._hit_address(self._starts, "starts", address)

    def _hit_address(self, item: RateLimitItem, what: str, address: str | None) -> None:
        # Without an address (a socket file), or with this machine's own (a proxy that does not pass on the
        # true one), everybody would share one count.
        if address and not _is_this_machine(address):
            self._hit(item, what, address)

    def _hit(self, item: RateLimitItem, *identifiers: str) -> None:
        if not self._limiter.hit(item, *identifiers):
            free_at, _ = self._limiter.get_window_stats(item, *identifiers)
            raise TooManyRequests(max(1, math.ceil(free_at - time.time())))


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False  # the tests' "testclient", and names: counted like any other
