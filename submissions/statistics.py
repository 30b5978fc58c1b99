"""Figures about the views that were sent and not withdrawn, counted from the rows.

`recent_figures` counts anew where that is quick, and otherwise gives those of a moment ago.

For the desk, where every view can be read anyway, so small numbers are shown. What is published hides them
(`submissions.exports.counts`).
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from submissions.census import Census
from submissions.commission import get_commission
from submissions.database import engine, is_postgresql, unit_of_work
from submissions.errors import SubmissionError
from submissions.exports.contributions import EXPORTED_STATUSES, is_exported
from submissions.models import (
    Job,
    JobKind,
    JobStatus,
    Submission,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    ViewTheme,
    utc_now,
)

# Reading times are those of the newest views: what the team does now, at a cost that does not grow.
READING_SAMPLE = 1_000
MOST_COLUMNS = 62
NOT_EXPORTED_STATUSES = tuple(status for status in SubmissionStatus if status not in EXPORTED_STATUSES)
KEPT_FOR = dt.timedelta(minutes=1)  # then they are counted anew while they are still shown
OLDEST = dt.timedelta(minutes=15)  # that are shown meanwhile
QUICK_SECONDS = 0.1

# As `is_exported`, said so that SQLite takes the index in the order of time, or that of what is unread, and
# not that of statuses, by which it would look up nearly every view.
_COUNTS = and_(Submission.status.not_in(NOT_EXPORTED_STATUSES), Submission.submitted_at.is_not(None))

logger = logging.getLogger(__name__)
_lock = threading.Lock()
_lock_of_counting = threading.Lock()
_kept: dict[str, Figures] = {}  # of the one database this process uses
_counting: set[str] = set()  # databases whose figures are being counted in a thread


@dataclass(frozen=True)
class ThemeCount:
    key: str
    name: str
    accepted: int  # views for which a person accepted the theme
    suggested: int  # views for which a machine suggests it and nobody has decided


@dataclass(frozen=True)
class WaitingCount:
    """Views of one language that wait for a translation, by how long since they were sent."""

    language: str | None
    under_a_day: int
    under_a_week: int
    longer: int
    oldest_at: dt.datetime

    @property
    def total(self) -> int:
        return self.under_a_day + self.under_a_week + self.longer


@dataclass(frozen=True)
class ReadingTimes:
    unread: int
    oldest_unread_at: dt.datetime | None
    measured: int  # how many read views the median is of
    median: dt.timedelta | None
    within_a_day: int  # of `measured`


@dataclass(frozen=True)
class VoiceShare:
    """A language's share of the people and of the views; `missing` when it has under half its share."""

    language: str  # a code, or "other"
    people_share: float
    views: int
    views_share: float

    @property
    def is_missing(self) -> bool:
        return self.views_share < self.people_share / 2


@dataclass(frozen=True)
class Figures:
    counted_at: dt.datetime
    total: int
    step: str  # "day", "week" or "month": how long one entry of `over_time` is
    over_time: list[tuple[dt.date, int]]  # first day of each, without a gap; days are UTC
    languages: list[tuple[str | None, int]]
    channels: list[tuple[str, int]]
    methods: list[tuple[str, int]]
    themes: list[ThemeCount]
    without_theme: int  # no accepted theme yet
    waiting: list[WaitingCount]
    reading: ReadingTimes


def recent_figures(*, now: bool = False) -> Figures:
    """All figures; with `now` counted anew.

    A count that took less than QUICK_SECONDS is not kept, so a small record is always shown as it is. Of a
    large one the figures of before are given while a thread counts anew, up to OLDEST; who comes when there
    are none, or only older ones, waits for the count.
    """
    address = str(engine().url)
    kept = _kept.get(address)
    age = utc_now() - kept.counted_at if kept is not None else OLDEST
    if kept is None or now or age >= OLDEST:
        return _count_anew(address, asked_at=utc_now(), is_enough=not now)
    if age >= KEPT_FOR:
        _count_meanwhile(address)
    return kept


def is_being_counted() -> bool:
    """Whether newer figures will be there in a moment."""
    return bool(_counting)


def _count_anew(address: str, *, asked_at: dt.datetime, is_enough: bool) -> Figures:
    """Two who ask at once wait for one count, if one that began before is enough for them."""
    with _lock:
        kept = _kept.get(address)
        if kept is not None and is_enough and kept.counted_at >= asked_at:
            return kept
        began = time.monotonic()
        with unit_of_work(read_only=True) as db:
            figures = compute_figures(db)
        _kept.clear()
        if time.monotonic() - began >= QUICK_SECONDS:
            _kept[address] = figures
        return figures


def _count_meanwhile(address: str) -> None:
    """Counts in a thread of its own, one at a time."""

    def count() -> None:
        try:
            _count_anew(address, asked_at=utc_now(), is_enough=True)
        except SubmissionError as error:  # the figures of before stay, with their time beside them
            logger.error("the overview was not counted anew: %s", type(error).__name__)
        finally:
            _counting.discard(address)

    with _lock_of_counting:
        if address in _counting:
            return
        _counting.add(address)
    threading.Thread(target=count, name="overview", daemon=True).start()


def compute_figures(db: Session) -> Figures:
    """All figures of the overview, counted now."""
    counted = _count(db)
    step, over_time = group_days(counted.days)
    themes, without = _themes(db, sum(counted.channels.values()))
    return Figures(
        counted_at=utc_now(),
        total=sum(counted.channels.values()),
        step=step,
        over_time=over_time,
        languages=[(code or None, number) for code, number in _largest_first(counted.languages)],
        channels=_largest_first(counted.channels),
        methods=_largest_first(counted.methods),
        themes=themes,
        without_theme=without,
        waiting=_waiting(db),
        reading=_reading(db),
    )


@dataclass
class _Counted:
    languages: Counter[str] = field(default_factory=Counter)  # "" where nobody knows it
    channels: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    days: Counter[dt.date] = field(default_factory=Counter)  # UTC


def _count(db: Session) -> _Counted:
    """Everything that is counted by a column of the view itself, in one pass over the rows."""
    sent: Any = Submission.submitted_at
    day = func.date(func.timezone("UTC", sent)) if is_postgresql(db) else func.date(sent)
    columns = (func.coalesce(Submission.source_language, ""), Submission.channel, Submission.method, day)
    counted = _Counted()
    for language, channel, method, date, number in db.execute(
        select(*columns, func.count()).where(is_exported()).group_by(*columns)
    ):
        counted.languages[language] += number
        counted.channels[channel] += number
        counted.methods[method] += number
        counted.days[_as_date(date)] += number
    return counted


def _largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))


def _as_date(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


def group_days(days: Mapping[dt.date, int]) -> tuple[str, list[tuple[dt.date, int]]]:
    """Days, weeks (from Monday) or months, whichever are at most MOST_COLUMNS; empty ones are there as 0."""
    if not days:
        return "day", []
    first, last = min(days), max(days)
    length = (last - first).days + 1
    step = "day" if length <= MOST_COLUMNS else "week" if length <= 7 * MOST_COLUMNS else "month"
    tally: Counter[dt.date] = Counter()
    for day, number in days.items():
        tally[_start_of(day, step)] += number
    series = []
    at, end = _start_of(first, step), _start_of(last, step)
    while at <= end:
        series.append((at, tally[at]))
        at = _start_of(at + dt.timedelta(days={"day": 1, "week": 7, "month": 31}[step]), step)
    return step, series


def _start_of(day: dt.date, step: str) -> dt.date:
    if step == "week":
        return day - dt.timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _themes(db: Session, total: int) -> tuple[list[ThemeCount], int]:
    """Each theme's count, and how many of all views have no accepted theme."""
    is_accepted = ThemeAssignment.decision == ThemeDecision.ACCEPTED
    accepted = _by_theme(db, ThemeAssignment, func.count(), is_accepted)
    # Themes that count for a view are those accepted, and those proposed that nobody has decided about.
    counting = _by_theme(db, ViewTheme, func.count())
    suggested = {key: number - accepted.get(key, 0) for key, number in counting.items()}
    views = func.count(func.distinct(ThemeAssignment.submission_id))
    with_theme = select(views).where(is_accepted)
    without = (
        total - (db.scalar(with_theme) or 0) + (db.scalar(_of_left_out(with_theme, ThemeAssignment)) or 0)
    )
    names = {theme.key: theme.name for theme in get_commission().themes}
    keys = [*names, *sorted((accepted.keys() | suggested.keys()) - names.keys())]
    counts = [
        ThemeCount(key, names.get(key, key), accepted.get(key, 0), suggested.get(key, 0)) for key in keys
    ]
    return counts, without


def _by_theme(db: Session, model: Any, number: Any, *conditions: Any) -> dict[str, int]:
    """A number of views for each theme of a table, without drafts and withdrawn views.

    All rows are counted from an index, and the few of views that do not count are taken off: looking at
    every view takes many times as long.
    """
    every = select(model.theme_key, number).where(*conditions).group_by(model.theme_key)
    left_out: dict[str, int] = dict(db.execute(_of_left_out(every, model)).all())
    found = {key: count - left_out.get(key, 0) for key, count in db.execute(every)}
    return {key: count for key, count in found.items() if count}


def _of_left_out(statement: Select[Any], model: Any) -> Select[Any]:
    """The same question, of views that do not count."""
    return statement.join(Submission, Submission.id == model.submission_id).where(
        or_(Submission.status.in_(NOT_EXPORTED_STATUSES), Submission.submitted_at.is_(None))
    )


def _waiting(db: Session) -> list[WaitingCount]:
    sent = Submission.submitted_at
    now = utc_now()
    day, week = now - dt.timedelta(days=1), now - dt.timedelta(days=7)
    under_a_day = func.sum(case((sent > day, 1), else_=0))
    under_a_week = func.sum(case(((sent <= day) & (sent > week), 1), else_=0))
    longer = func.sum(case((sent <= week, 1), else_=0))
    rows = db.execute(
        select(Submission.source_language, under_a_day, under_a_week, longer, func.min(sent))
        .join(Job, Job.submission_id == Submission.id)
        .where(is_exported(), Job.kind == JobKind.TRANSLATE, Job.status == JobStatus.WAITING)
        .group_by(Submission.source_language)
    )
    found = [WaitingCount(*row) for row in rows]
    return sorted(found, key=lambda row: row.oldest_at)


def _reading(db: Session) -> ReadingTimes:
    unread, oldest = db.execute(
        select(func.count(), func.min(Submission.submitted_at)).where(
            _COUNTS, Submission.first_read_at.is_(None)
        )
    ).one()
    rows = db.execute(
        select(Submission.submitted_at, Submission.first_read_at)
        .where(_COUNTS, Submission.first_read_at.is_not(None))
        .order_by(Submission.submitted_at.desc())
        .limit(READING_SAMPLE)
    ).all()
    seconds = [
        max(0.0, (read_at - sent_at).total_seconds())
        for sent_at, read_at in rows
        if sent_at is not None and read_at is not None
    ]
    return ReadingTimes(
        unread=unread,
        oldest_unread_at=oldest,
        measured=len(seconds),
        median=dt.timedelta(seconds=median(seconds)) if seconds else None,
        within_a_day=sum(value <= 24 * 3600 for value in seconds),
    )


def compare_voices(figures: Figures, census: Census) -> list[VoiceShare]:
    """Each language of the census beside its views, the one that is missing most first.

    Views in a language without a row of its own count as "other"; those whose language nobody knows do not.
    """
    views: Counter[str] = Counter()
    for code, number in figures.languages:
        if code is not None:
            views[code if code in census.people else "other"] += number
    known = sum(views.values())
    shares = [
        VoiceShare(code, people / census.total, views[code], views[code] / known if known else 0.0)
        for code, people in (census.people | ({} if "other" in census.people else {"other": 0})).items()
        if people or views[code]
    ]
    return sorted(shares, key=lambda share: (share.views_share - share.people_share, share.language))
