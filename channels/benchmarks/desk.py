"""How long the desk's list takes with so many views: made by the database itself, measured, and dropped.

Measured is what the list's page asks of the database (rows, counts, notices), without making HTML of it, in
this process: 30 repetitions of each question, p50 and p95 in milliseconds.
"""

# ruff: noqa: S608  the SQL is put together from constants of this module and a number

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

from submissions import database
from submissions.database import unit_of_work
from submissions.models import Role
from submissions.review import problems, queue, register, rows, safeguarding
from submissions.review.filter_form import read_filters
from submissions.review.sessions import Principal

REPETITIONS = 30
LANGUAGES = ("en", "pt", "ar", "pl", "bn", "so", "es", "fr", "it", "ro", "sq", "uk", "fa", "ur", "zh")
CHANNELS = ("web_chat", "sms", "whatsapp", "web_form")
THEMES = ("identity_faith_values", "community_engagement", "safeguarding", "opportunity_empowerment", "other")
SENTENCES = (
    ("Não fechem a biblioteca, é lá que os vizinhos se encontram.", "Do not close the library."),
    ("لا تغلقوا المكتبة، هناك يلتقي الجيران كل أسبوع.", "The neighbours meet there every week."),
    ("Nie ma światła w parku i boimy się wracać wieczorem.", "There is no light in the park in the evening."),
    ("আমাদের এলাকায় ইংরেজি শেখার ক্লাস দরকার।", "We need classes to learn English in our area."),
    (
        "Los jóvenes no tienen dónde ir después de la escuela.",
        "Young people have nowhere to go after school.",
    ),
    ("Les loyers montent et les familles partent.", "Rents rise and families leave."),
    ("Cineva ar trebui să ne asculte când vorbim.", "Somebody should listen when we speak."),
)
_READER = Principal("reviewer:bench", "Bench", Role.ADMIN, uuid.UUID(int=1))


@dataclass(frozen=True)
class Measured:
    name: str
    p50_ms: float
    p95_ms: float


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


def fill(number: int) -> None:
    """So many sent views, each of one message with two sentences' words, its English and a theme."""
    is_postgresql = database.is_postgresql(database.engine())

    def identity(tag: int, n: str = "n") -> str:
        if is_postgresql:
            return f"('{tag:08x}' || lpad(to_hex({n}), 24, '0'))::uuid"
        return f"'{tag:08x}' || printf('%024x', {n})"

    def pick(values: tuple[str, ...], n: str = "n") -> str:
        cases = " ".join(
            f"WHEN {place} THEN '{value.replace(chr(39), chr(39) * 2)}'" for place, value in enumerate(values)
        )
        return f"CASE ({n}) % {len(values)} {cases} END"

    if is_postgresql:
        numbers = f"generate_series(1, {number}) AS numbers(n)"
        at, digest = "now() - n * interval '17 seconds'", "'\\x00'::bytea"
        true, false = "true", "false"
    else:
        numbers = (
            f"(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"
            " SELECT n FROM numbers)"
        )
        at, digest = "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || (n * 17) || ' seconds')", "x'00'"
        true, false = "1", "0"
    status = (
        "CASE WHEN n % 100 < 55 THEN 'received' WHEN n % 100 < 70 THEN 'in_review' "
        "WHEN n % 100 < 97 THEN 'approved' ELSE 'withdrawn' END"
    )
    words = (
        f"{pick(tuple(o for o, _ in SENTENCES))} || ' ' || {pick(tuple(o for o, _ in SENTENCES), 'n / 7')}"
    )
    english = (
        f"{pick(tuple(e for _, e in SENTENCES))} || ' ' || {pick(tuple(e for _, e in SENTENCES), 'n / 7')}"
    )
    original = f"{words} || ' q' || (n % 50000)"
    reference = (
        "'B' || lpad(n::text, 9, '0')" if is_postgresql else "'B' || printf('%09d', n)"
    )  # not a real one
    statements = [
        "INSERT INTO submission (id, reference, channel, method, status, source_language, is_urgent, "
        f"consented_at, created_at, submitted_at, first_read_at, version) SELECT {identity(1)}, {reference}, "
        f"{pick(CHANNELS)}, 'online', {status}, {pick(LANGUAGES)}, n % 4000 = 0, {at}, {at}, {at}, "
        f"CASE WHEN n % 100 >= 55 THEN {at} END, 1 FROM {numbers}",
        "INSERT INTO submission_part (id, submission_id, position, original_text, original_sha256, added_at) "
        f"SELECT {identity(2)}, {identity(1)}, 0, {original}, {digest}, {at} FROM {numbers}",
        'INSERT INTO segment (id, part_id, position, start, "end") '
        f"SELECT {identity(3)}, {identity(2)}, 0, 0, 60 FROM {numbers}",
        "INSERT INTO segment_translation "
        "(id, segment_id, source_language, target_language, text, status, flags, "
        f"is_current, created_at) SELECT {identity(4)}, {identity(3)}, {pick(LANGUAGES)}, 'en', {english}, "
        f"'machine', '[]', {true}, {at} FROM {numbers} WHERE n % {len(LANGUAGES)} <> 0",
        "INSERT INTO candidate_theme (id, submission_id, theme_key, confidence, model, codeframe_version, "
        f"text_read, is_low_confidence, created_at) SELECT {identity(5)}, {identity(1)}, "
        f"{pick(THEMES, 'n / 3')}, 0.7, 'bench', 'bench', 'original', {false}, {at} FROM {numbers}",
        "INSERT INTO view_index (submission_id, original, english, updated_at) "
        f"SELECT {identity(1)}, {original}, {english}, {at} FROM {numbers}",
    ]
    with database.engine().begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%") if is_postgresql else statement)
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if is_postgresql else "ANALYZE")


def _list(query: dict[str, str], after: queue.Position | None = None) -> None:
    form = read_filters(query)
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


def bench_desk(number: int, server: str | None) -> Iterator[Measured]:
    """Measures the list with so many views, on SQLite or on that PostgreSQL server; leaves nothing."""
    with scratch_database(server):
        fill(number)
        deep = _deep(number)
        questions: dict[str, Callable[[], None]] = {
            "list": lambda: _list({}),
            "list, all": lambda: _list({"status": "all"}),
            "list, deep": lambda: _list({"status": "all"}, deep),
            "language": lambda: _list({"language": "ar"}),
            "channel": lambda: _list({"channel": "sms", "status": "all"}),
            "theme": lambda: _list({"theme": "safeguarding"}),
            "theme, language, status": lambda: _list(
                {"theme": "other", "language": "so", "status": "in_review"}
            ),
            "urgent": lambda: _list({"urgent": "yes"}),
            "search, common word": lambda: _list({"q": "library", "status": "all"}),
            "search, rare word": lambda: _list({"q": "q49871", "status": "all"}),
            "search, nothing": lambda: _list({"q": "zebra", "status": "all"}),
            "next": lambda: _next(deep),
        }
        for name, ask in questions.items():
            ask()
            times = []
            for _ in range(REPETITIONS):
                began = time.perf_counter()
                ask()
                times.append((time.perf_counter() - began) * 1000)
                if sum(times) > 20_000:
                    break  # far beyond any target: a few tell enough
            ordered = sorted(times)
            p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
            yield Measured(name, statistics.median(times), p95)
