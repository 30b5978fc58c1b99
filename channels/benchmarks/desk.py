"""How long the desk's list and front page take with so many views: filled, measured, and dropped.

Measured is what the pages ask of the database (rows, counts, notices), without making HTML of it, in this
process; of the overview also what somebody waits for who has everything counted anew. 30 repetitions of each
question, p50, p95, the least, and the time of processors that the process and a PostgreSQL server on the same
machine took, in milliseconds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from channels.benchmarks.desk_data import FORUM, RARE_THEME, READER, fill
from submissions import briefings, database
from submissions import statistics as statistics_of_views
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import Role
from submissions.review import problems, queue, register, rows, safeguarding
from submissions.review.filter_form import read_filters
from submissions.review.sessions import Principal

REPETITIONS = 30
_READER = Principal("reviewer:bench", "Bench", Role.ADMIN, READER)


@dataclass(frozen=True)
class Measured:
    name: str
    p50_ms: float
    p95_ms: float
    least_ms: float
    # What this process and the database's computed, on average: others on the machine do not change it.
    processor_ms: float


@contextmanager
def scratch_database(server: str | None) -> Iterator[str]:
    """An empty, migrated database of our own, gone afterwards: SQLite, or PostgreSQL on that server."""
    if server is None:
        with tempfile.TemporaryDirectory(prefix="ownwords-bench-") as folder:
            yield _migrated(f"sqlite:///{Path(folder) / 'bench.db'}")
            database.engine().dispose()
        return
    name = f"ownwords_bench_{uuid.uuid4().hex[:10]}"
    address = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(address, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield _migrated(address.set(database=name).render_as_string(hide_password=False))
    finally:
        database.engine().dispose()
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()


def _migrated(url: str) -> str:
    database.configure(url)
    database.migrate()
    return url


def _list(query: dict[str, str], after: queue.Position | None = None) -> None:
    form = read_filters(query, READER)
    with unit_of_work(read_only=True) as db:
        filters = safeguarding.without_urgent(db, form.filters)
        found = queue.find_page(db, _READER, filters, after=after)
        rows.describe(db, queue.fetch(db, found.ids))
        queue.count(db, _READER, filters, found)
        queue.count_by_status(db, _READER)
        problems.find_problems(db)
        safeguarding.count_open(db, _READER)
        register.share_unread(db, _READER)


def _deep(number: int) -> queue.Position:
    with unit_of_work(read_only=True) as db:
        middle = queue.Filters()
        page = queue.find_page(db, _READER, middle, limit=min(number // 2, 20_000))
        return queue.Position.decode(page.next_cursor or "")


def _next(place: queue.Position) -> None:
    with unit_of_work(read_only=True) as db:
        submission = queue.fetch(db, [place.id])[0]
        queue.find_neighbours(db, _READER, read_filters({}).filters, submission)


def _figures() -> None:
    with unit_of_work(read_only=True) as db:
        statistics_of_views.compute_figures(db)


def _briefings() -> None:
    with unit_of_work(read_only=True) as db:
        briefings.list_briefings(db, get_commission().theme_keys)


def backend_of_session() -> Path | None:
    """Where Linux tells the processor time of the PostgreSQL process that answers us; None on SQLite."""
    if not database.is_postgresql(database.engine()):
        return None
    with unit_of_work(read_only=True) as db:
        return Path(f"/proc/{db.scalar(text('SELECT pg_backend_pid()'))}/schedstat")


def processor_ms(backend: Path | None) -> float:
    there = int(backend.read_text().split()[0]) / 1e6 if backend and backend.exists() else 0.0
    return time.process_time() * 1000 + there


def bench_desk(number: int, server: str | None) -> Iterator[Measured]:
    """Measures the list with so many views, on SQLite or on that PostgreSQL server; leaves nothing."""
    with scratch_database(server):
        fill(number)
        deep = _deep(number)
        backend = backend_of_session()
        questions: dict[str, Callable[[], object]] = {
            "list": lambda: _list({}),
            "list, all": lambda: _list({"status": "all"}),
            "list, deep": lambda: _list({"status": "all"}, deep),
            "language": lambda: _list({"language": "ar"}),
            "channel": lambda: _list({"channel": "sms", "status": "all"}),
            "theme": lambda: _list({"theme": "safeguarding"}),
            "theme, language, status": lambda: _list(
                {"theme": "other", "language": "so", "status": "in_review"}
            ),
            "theme, rare": lambda: _list({"theme": RARE_THEME, "status": "all"}),
            "theme and language, none": lambda: _list({"theme": RARE_THEME, "language": "so"}),
            "way of contributing": lambda: _list({"method": "written", "status": "all"}),
            "forum": lambda: _list({"forum": str(FORUM), "status": "all"}),
            "assigned to me": lambda: _list({"assigned": "me", "status": "all"}),
            "assigned to nobody": lambda: _list({"assigned": "nobody"}),
            "urgent": lambda: _list({"urgent": "yes"}),
            "search, common word": lambda: _list({"q": "library", "status": "all"}),
            "search, two common words": lambda: _list({"q": "library evening", "status": "all"}),
            "search, 1 view in 150": lambda: _list({"q": "ward17", "status": "all"}),
            "search, 1 view in 400": lambda: _list({"q": "street399", "status": "all"}),
            "search, rare word": lambda: _list({"q": "q49871", "status": "all"}),
            "search, nothing": lambda: _list({"q": "zebra", "status": "all"}),
            "search and language": lambda: _list({"q": "library", "language": "so", "status": "all"}),
            "next": lambda: _next(deep),
            "overview": statistics_of_views.recent_figures,
            "overview, counted anew": lambda: _figures(),
            "briefings, the list": lambda: _briefings(),
        }
        for name, ask in questions.items():
            ask()
            times = []
            computed = processor_ms(backend)
            for _ in range(REPETITIONS):
                began = time.perf_counter()
                ask()
                times.append((time.perf_counter() - began) * 1000)
                if sum(times) > 20_000:
                    break  # far beyond any target: a few tell enough
            ordered = sorted(times)
            p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
            computed = (processor_ms(backend) - computed) / len(times)
            yield Measured(name, statistics.median(times), p95, ordered[0], computed)
