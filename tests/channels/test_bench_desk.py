"""`ownwords bench desk` on a small record: every question is asked, of the pages' own functions."""

from __future__ import annotations

from sqlalchemy import func, select

from channels.benchmarks import desk
from submissions import briefings, statistics
from submissions.briefings import make_briefing
from submissions.commission import get_commission
from submissions.database import engine, unit_of_work
from submissions.models import Submission


def test_every_question_of_the_desk_is_measured_and_nothing_is_left(sqlite_database, monkeypatch):
    before = engine().url
    counted: list[int] = []
    count = statistics.compute_figures

    def count_and_note(db):
        figures = count(db)
        counted.append(figures.total)
        return figures

    monkeypatch.setattr(statistics, "compute_figures", count_and_note)
    monkeypatch.setattr(desk, "REPETITIONS", 2)
    measured = {line.name: line for line in desk.bench_desk(200, None)}
    assert {
        "list",
        "search, rare word",
        "next",
        "overview",
        "overview, counted anew",
        "briefings, the list",
    } <= set(measured)
    assert all(0 < line.least_ms <= line.p50_ms <= line.p95_ms for line in measured.values())
    assert set(counted) == {194}, "of two hundred, three in a hundred were withdrawn"
    assert engine().url != before


def test_the_counts_of_the_list_of_briefings_are_those_of_the_briefings(sqlite_database):
    with desk.scratch_database(None):
        desk.fill(150)
        with unit_of_work(read_only=True) as db:
            lines = briefings.list_briefings(db, get_commission().theme_keys)
            assert db.scalar(select(func.count()).select_from(Submission)) == 150
            for line in lines:
                briefing = make_briefing(db, line.theme.key)
                assert (line.total, line.awaiting_decision) == (briefing.total, briefing.awaiting_decision)
            assert sum(line.awaiting_decision for line in lines) > 100
