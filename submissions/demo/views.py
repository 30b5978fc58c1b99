"""The views of the demonstration, and what happens to each: when it came, how, and how far the team got.

The texts are in `views.jsonl`, one view a line: `key`, `language`, `parts` (one text for each message),
`themes`, and where there is one `english` (one text for each sentence of the parts) and `urgent`. They were
written for the project; no resident wrote them.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import dataclass
from pathlib import Path

from submissions.models import Channel, SubmissionStatus

VIEWS_FILE = Path(__file__).with_name("views.jsonl")
PERIOD = dt.timedelta(days=84)  # the evidence runs over three months
# Shares as other consultations have had them; no figure of a real one.
CHANNEL_WEIGHTS = {Channel.WEB_CHAT: 40, Channel.SMS: 25, Channel.WHATSAPP: 25, Channel.WEB_FORM: 10}
READ_AT_ONCE_AFTER = dt.timedelta(days=3)  # an urgent view older than this has been dealt with
# Of every sixty views one is taken back; the last ones only, since retention deletes them after a month.
WITHDRAWN = frozenset({240, 270, 290})


@dataclass(frozen=True)
class DemonstrationText:
    """One line of the file."""

    number: int  # from 1, the oldest first
    key: str
    language: str
    parts: list[str]
    themes: list[str]
    english: list[str] | None = None
    urgent: bool = False


@dataclass(frozen=True)
class Story:
    """What happened to a view, at times before `now`."""

    channel: Channel
    sent_at: dt.datetime
    status: SubmissionStatus
    first_read_at: dt.datetime | None
    decided_at: dt.datetime | None  # when the team decided its themes, for one that is approved
    withdrawn_at: dt.datetime | None


def read_texts() -> list[DemonstrationText]:
    """All views of the file, the oldest first."""
    with VIEWS_FILE.open(encoding="utf-8") as lines:
        return [DemonstrationText(number=number, **json.loads(line)) for number, line in enumerate(lines, 1)]


def story_of(text: DemonstrationText, total: int, now: dt.datetime) -> Story:
    """Always the same for the same view and `now`; every time is before `now`."""
    chance = random.Random(text.key)  # noqa: S311  for variety, not for secrets
    steps_ago = total - text.number + chance.uniform(0.1, 0.9)
    sent_at = now - PERIOD * (steps_ago / total)
    age = now - sent_at
    channel = chance.choices(list(CHANNEL_WEIGHTS), list(CHANNEL_WEIGHTS.values()))[0]
    status = _status(text, age, chance)
    read_after = min(age / 2, dt.timedelta(hours=chance.uniform(0.3, 50)))
    if text.urgent:
        read_after = min(age / 2, dt.timedelta(minutes=chance.uniform(4, 90)))
    is_read = (
        status in (SubmissionStatus.IN_REVIEW, SubmissionStatus.APPROVED)
        or (text.urgent and age > READ_AT_ONCE_AFTER)
        or (age > dt.timedelta(days=4) and chance.random() < 0.6)
    )
    read_at = sent_at + read_after if is_read else None
    is_approved = status == SubmissionStatus.APPROVED
    return Story(
        channel=channel,
        sent_at=sent_at,
        status=status,
        first_read_at=read_at,
        decided_at=read_at + (now - read_at) / 4 if read_at and is_approved else None,
        withdrawn_at=sent_at + age / 3 if status == SubmissionStatus.WITHDRAWN else None,
    )


def _status(text: DemonstrationText, age: dt.timedelta, chance: random.Random) -> SubmissionStatus:
    draw = chance.random()
    if text.number in WITHDRAWN:
        return SubmissionStatus.WITHDRAWN
    has_english = text.language == "en" or text.english is not None
    if has_english and age > dt.timedelta(days=6) and draw < 0.6:
        return SubmissionStatus.APPROVED
    if age > dt.timedelta(days=1) and draw < (0.85 if has_english else 0.35):
        return SubmissionStatus.IN_REVIEW
    return SubmissionStatus.RECEIVED
