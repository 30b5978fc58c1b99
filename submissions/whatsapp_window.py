"""WhatsApp's customer service window: free text for 24 hours after a person's message, then templates."""

from __future__ import annotations

import datetime as dt

# Ten minutes short of WhatsApp's 24 hours: a message must still arrive before the window closes.
WINDOW = dt.timedelta(hours=23, minutes=50)


def is_window_open(
    last_inbound_at: dt.datetime | None, window_closed_at: dt.datetime | None, now: dt.datetime
) -> bool:
    """Whether free text may be sent now.

    `window_closed_at` is when WhatsApp refused a text for this reason (63016): it knows better than our
    clock, until the person writes again. Source: https://www.twilio.com/docs/whatsapp/key-concepts
    """
    if last_inbound_at is None or now - last_inbound_at >= WINDOW:
        return False
    return window_closed_at is None or window_closed_at < last_inbound_at
