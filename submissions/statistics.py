"""Figures about the views that were sent and not withdrawn, each counted anew from the rows.

For the desk, where every view can be read anyway, so small numbers are shown. What is published hides them
(`submissions.exports.counts`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import func, not_, select
from sqlalchemy.orm import Session

from submissions.census import Census
from submissions.commission import get_commission
from submissions.database import is_postgresql
from submissions.exports.contributions import is_exported
from submissions.models import (
    CandidateTheme,
    Job,
    JobKind,
    JobStatus,
    Submission,
    ThemeAssignment,
    ThemeDecision,
    utc_now,
)

# Reading times are those of the newest views: what the team does now, at a cost that does not grow.
READING_SAMPLE = 5_000
MOST_COLUMNS = 62


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


def compute_figures(db: Session) -> Figures:
    """All figures of the overview."""
    languages = _count_by(db, func.coalesce(Submission.source_language, ""))
    step, over_time = _over_time(db)
    themes, without = _themes(db)
    return Figures(
        total=sum(number for _, number in languages),
        step=step,
        over_time=over_time,
        languages=[(code or None, number) for code, number in languages],
        channels=_count_by(db, Submission.channel),
        methods=_count_by(db, Submission.method),
        themes=themes,
        without_theme=without,
        waiting=_waiting(db),
        reading=_reading(db),
    )


def _count_by(db: Session, value: Any) -> list[tuple[str, int]]:
    rows = db.execute(select(value, func.count()).where(is_exported()).group_by(value)).all()
    return sorted(((key, number) for key, number in rows), key=lambda row: (-row[1], row[0]))


def _over_time(db: Session) -> tuple[str, list[tuple[dt.date, int]]]:
    time: Any = Submission.submitted_at
    day = func.date(func.timezone("UTC", time)) if is_postgresql(db) else func.date(time)
    rows = db.execute(select(day, func.count()).where(is_exported()).group_by(day)).all()
    days = {_as_date(key): int(number) for key, number in rows}
    return group_days(days)


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


def _themes(db: Session) -> tuple[list[ThemeCount], int]:
    accepted = dict(
        db.execute(
            select(ThemeAssignment.theme_key, func.count())
            .join(Submission, Submission.id == ThemeAssignment.submission_id)
            .where(is_exported(), ThemeAssignment.decision == ThemeDecision.ACCEPTED)
            .group_by(ThemeAssignment.theme_key)
        ).all()
    )
    is_decided = (
        select(ThemeAssignment.id)
        .where(
            ThemeAssignment.submission_id == CandidateTheme.submission_id,
            ThemeAssignment.theme_key == CandidateTheme.theme_key,
        )
        .exists()
    )
    suggested = dict(
        db.execute(
            select(CandidateTheme.theme_key, func.count(func.distinct(CandidateTheme.submission_id)))
            .join(Submission, Submission.id == CandidateTheme.submission_id)
            .where(is_exported(), not_(is_decided))
            .group_by(CandidateTheme.theme_key)
        ).all()
    )
    has_accepted = (
        select(ThemeAssignment.id)
        .where(
            ThemeAssignment.submission_id == Submission.id,
            ThemeAssignment.decision == ThemeDecision.ACCEPTED,
        )
        .exists()
    )
    without = db.scalar(select(func.count()).select_from(Submission).where(is_exported(), not_(has_accepted)))
    names = {theme.key: theme.name for theme in get_commission().themes}
    keys = [*names, *sorted((accepted.keys() | suggested.keys()) - names.keys())]
    counts = [
        ThemeCount(key, names.get(key, key), accepted.get(key, 0), suggested.get(key, 0)) for key in keys
    ]
    return counts, without or 0


def _waiting(db: Session) -> list[WaitingCount]:
    rows = db.execute(
        select(Submission.source_language, Submission.submitted_at)
        .join(Job, Job.submission_id == Submission.id)
        .where(is_exported(), Job.kind == JobKind.TRANSLATE, Job.status == JobStatus.WAITING)
    ).all()
    now = utc_now()
    times: dict[str | None, list[dt.datetime]] = {}
    for language, submitted_at in rows:
        if submitted_at is not None:
            times.setdefault(language, []).append(submitted_at)
    found = []
    for language, sent in times.items():
        ages = [now - moment for moment in sent]
        day, week = dt.timedelta(days=1), dt.timedelta(days=7)
        found.append(
            WaitingCount(
                language,
                sum(age < day for age in ages),
                sum(day <= age < week for age in ages),
                sum(age >= week for age in ages),
                min(sent),
            )
        )
    return sorted(found, key=lambda row: row.oldest_at)


def _reading(db: Session) -> ReadingTimes:
    unread, oldest = db.execute(
        select(func.count(), func.min(Submission.submitted_at)).where(
            is_exported(), Submission.first_read_at.is_(None)
        )
    ).one()
    rows = db.execute(
        select(Submission.submitted_at, Submission.first_read_at)
        .where(is_exported(), Submission.first_read_at.is_not(None))
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
