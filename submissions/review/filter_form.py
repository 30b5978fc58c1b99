"""The filters of the list as they stand in an address: read, checked, and written again."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from submissions.commission import get_commission
from submissions.models import Channel, SubmissionStatus
from submissions.review.queue import OPEN_STATUSES, UNKNOWN_LANGUAGE, Filters
from translations.languages import LANGUAGES

# The desk opens on what is still to be done; the API on everything.
OPEN = "open"
ALL = "all"
STATUS_CHOICES: dict[str, tuple[str, ...]] = {
    OPEN: OPEN_STATUSES,
    SubmissionStatus.RECEIVED: (SubmissionStatus.RECEIVED,),
    SubmissionStatus.IN_REVIEW: (SubmissionStatus.IN_REVIEW,),
    SubmissionStatus.APPROVED: (SubmissionStatus.APPROVED,),
    SubmissionStatus.WITHDRAWN: (SubmissionStatus.WITHDRAWN,),
    ALL: (),
}
NAMES = (
    *("status", "theme", "language", "channel", "method", "urgent", "waiting"),
    "code",
    *("forum", "assigned", "from", "to", "q", "meaning"),
)
SEARCH_LIMIT = 200
MINE, NOBODYS = "me", "nobody"


@dataclass(frozen=True)
class FilterForm:
    """`query` is the address's part that leads here again, without what is empty; `faults` are sentences by
    field."""

    filters: Filters
    query: dict[str, str]
    faults: dict[str, str] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> FilterForm:
        return cls(Filters(statuses=OPEN_STATUSES), {})

    @property
    def status(self) -> str:
        return self.query.get("status", OPEN)

    @property
    def is_narrowed(self) -> bool:
        return any(name != "status" for name in self.query)

    def with_(self, **changes: str | None) -> dict[str, str]:
        """The query with some fields changed, and None taken out."""
        return {name: value for name, value in {**self.query, **changes}.items() if value}


def read_filters(given: Mapping[str, str], me: uuid.UUID | None = None) -> FilterForm:
    """The filters of an address, as `me` reads it. A value that cannot be is left out and named among the
    faults."""
    faults: dict[str, str] = {}
    query = {name: given[name].strip() for name in NAMES if given.get(name, "").strip()}

    def choice(name: str, allowed: Mapping[str, object] | list[str] | set[str], fault: str) -> str | None:
        value = query.get(name)
        if value is not None and value not in allowed:
            faults[name] = fault
            del query[name]
            return None
        return value

    def day(name: str, fault: str) -> dt.date | None:
        if name not in query:
            return None
        try:
            parsed = dt.date.fromisoformat(query[name])
        except ValueError:
            parsed = dt.date.min
        if not 2000 <= parsed.year <= 2100:
            faults[name] = fault
            del query[name]
            return None
        return parsed

    def identity(name: str, fault: str, words: Mapping[str, uuid.UUID | None]) -> uuid.UUID | None:
        value = query.get(name)
        if value is None or value in words:
            return words.get(value or "")
        try:
            return uuid.UUID(value)
        except ValueError:
            faults[name] = fault
            del query[name]
            return None

    commission = get_commission()
    codes = {
        f"{theme.key}.{code.key}": (theme.key, code.key)
        for theme in commission.themes
        for code in theme.sub_codes
    }
    status = choice("status", STATUS_CHOICES, "Choose a status from the list") or OPEN
    if "q" in query:
        query["q"] = query["q"][:SEARCH_LIMIT]
    if "meaning" in query:
        query["meaning"] = query["meaning"][:SEARCH_LIMIT]
    unassigned = query.get("assigned") == NOBODYS
    ways = {"online", "paper", *(way.key for way in commission.ways_of_contributing)}
    filters = Filters(
        theme=choice("theme", commission.theme_keys, "Choose a theme from the list"),
        language=choice("language", {UNKNOWN_LANGUAGE, *LANGUAGES}, "Choose a language from the list"),
        channel=choice("channel", list(Channel), "Choose a channel from the list"),
        method=choice("method", ways, "Choose a way of contributing from the list"),
        sub_code=codes.get(choice("code", codes, "Choose a sub-code from the list") or ""),
        statuses=STATUS_CHOICES[status],
        urgent=True if choice("urgent", {"yes"}, "Choose urgent ones or all") else None,
        waiting=True if choice("waiting", {"yes"}, "Choose those that wait or all") else None,
        forum=identity("forum", "Choose a forum from the list", {}),
        unassigned=unassigned,
        assigned_to=None
        if unassigned
        else identity("assigned", "Choose a person from the list, me or nobody", {MINE: me}),
        received_from=day("from", "“Received from” must be a date, such as 2026-03-27"),
        received_to=day("to", "“Received to” must be a date, such as 2026-03-27"),
        q=query.get("q"),
        meaning=query.get("meaning"),
    )
    return FilterForm(filters, query, faults)
