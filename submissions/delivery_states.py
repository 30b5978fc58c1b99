"""The states of a message on its way, which only go forward however late, often or disordered news arrive."""

from __future__ import annotations

from submissions.models import DeliveryStatus

# What carriers call a state -> ours. A word that is not here changes nothing; it is kept as it came.
STATE_OF_WORD = {
    "accepted": DeliveryStatus.SENDING,
    "scheduled": DeliveryStatus.SENDING,
    "queued": DeliveryStatus.SENDING,
    "sending": DeliveryStatus.SENDING,
    "sent": DeliveryStatus.SENT,
    "partially_delivered": DeliveryStatus.SENT,
    "undelivered": DeliveryStatus.UNDELIVERED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.CANCELED,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
}
# Delivered stands above failed: a message somebody has got did not fail, whatever was said before or after.
RANK = {
    DeliveryStatus.QUEUED: 0,
    DeliveryStatus.HELD: 0,
    DeliveryStatus.SENDING: 1,
    DeliveryStatus.SENT: 2,
    DeliveryStatus.CANCELED: 3,
    DeliveryStatus.UNDELIVERED: 4,
    DeliveryStatus.FAILED: 5,
    DeliveryStatus.DELIVERED: 6,
    DeliveryStatus.READ: 7,
}
UNHAPPY = frozenset({DeliveryStatus.UNDELIVERED, DeliveryStatus.FAILED, DeliveryStatus.CANCELED})


def later_state(current: str, word: str) -> DeliveryStatus:
    """The state after hearing this word: the one that is further on, never one further back."""
    heard = STATE_OF_WORD.get(word)
    now = DeliveryStatus(current)
    return heard if heard is not None and RANK[heard] > RANK[now] else now


def state_of_whole(parts: list[str]) -> DeliveryStatus:
    """The state of a message sent in several parts: a part's failure, else the part furthest behind."""
    states = [DeliveryStatus(part) for part in parts]
    failures = [state for state in states if state in UNHAPPY]
    if failures:
        return max(failures, key=RANK.__getitem__)
    return min(states, key=RANK.__getitem__)
