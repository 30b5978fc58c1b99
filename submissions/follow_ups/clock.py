"""When texts that nobody asked for may be sent: in the day, by the clock on the wall in London."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from submissions.commission import get_commission

LOCAL_TIME = ZoneInfo("Europe/London")


def may_text_at(moment: dt.datetime) -> bool:
    """Whether it is between the hours of commission.yml (09:00 and 20:00), summer time or not."""
    hours = get_commission().follow_ups
    return hours.from_hour <= moment.astimezone(LOCAL_TIME).hour < hours.until_hour


def today() -> dt.date:
    return dt.datetime.now(LOCAL_TIME).date()
