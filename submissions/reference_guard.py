"""Keeps people from trying references until one fits: wrong ones are counted, by who asks and over all.

Counted in this process's memory; there is one web process, which `channels.only_one` sees to. There are 34
thousand million references; at 300 wrong ones in a quarter of an hour, finding one of ten thousand views
takes a hundred days and cannot go unnoticed.
"""

from __future__ import annotations

import ipaddress
import math
import time
from functools import lru_cache

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

MINUTES = 15
WRONG_BY_ONE = 10
WRONG_BY_ALL = 300


class ReferenceGuard:
    """One for each process: `get_guard`."""

    def __init__(self, *, by_one: int = WRONG_BY_ONE, by_all: int = WRONG_BY_ALL) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._by_one = RateLimitItemPerMinute(by_one, MINUTES)
        self._by_all = RateLimitItemPerMinute(by_all, MINUTES)

    def seconds_to_wait(self, asker: str | None) -> int:
        """0 for whoever may ask now. Right and wrong references wait alike, or waiting would tell them apart.

        `asker` is an internet address or a conversation; None is counted with all only.
        """
        waits = [self._wait(self._by_all, "all")]
        if asker is not None:
            waits.append(self._wait(self._by_one, _group(asker)))
        return max(waits)

    def count_wrong(self, asker: str | None) -> None:
        self._limiter.hit(self._by_all, "all")
        if asker is not None:
            self._limiter.hit(self._by_one, _group(asker))

    def _wait(self, item: RateLimitItem, who: str) -> int:
        if self._limiter.test(item, who):
            return 0
        free_at, _ = self._limiter.get_window_stats(item, who)
        return max(1, math.ceil(free_at - time.time()))


def _group(asker: str) -> str:
    """One household has a whole /64 of IPv6 addresses. Source: RFC 6177."""
    try:
        address = ipaddress.ip_address(asker)
    except ValueError:
        return asker
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address)


@lru_cache(maxsize=1)
def get_guard() -> ReferenceGuard:
    """The guard of this process."""
    return ReferenceGuard()
