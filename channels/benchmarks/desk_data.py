"""The views that `ownwords bench desk` measures with, made by the database itself: a million in minutes.

Triggers, foreign keys and indices are put aside while the rows go in, and made up for at the end.
"""

# ruff: noqa: S106, S608  the SQL is put together from constants of this module; the password is none

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from submissions import database
from submissions.database import unit_of_work
from submissions.models import Forum, Reviewer, Role
from submissions.search_words import words_of

READER = uuid.UUID(int=1)
FORUM = uuid.UUID(int=2)
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
RARE_THEME = THEMES[0]  # one view in 5,000 has it; the others share the rest
_ORIGINALS = tuple(original for original, _ in SENTENCES)
_ENGLISH = tuple(english for _, english in SENTENCES)
_STATUS = (
    "CASE WHEN n % 100 < 55 THEN 'received' WHEN n % 100 < 70 THEN 'in_review' "
    "WHEN n % 100 < 97 THEN 'approved' ELSE 'withdrawn' END"
)
# Those of the tables that are filled, but for keys.
_INDICES = """
    SELECT pg_indexes.indexname, pg_indexes.indexdef FROM pg_indexes
    JOIN pg_index ON pg_index.indexrelid = pg_indexes.indexname::regclass AND NOT pg_index.indisunique
    WHERE pg_indexes.tablename IN ('submission', 'submission_part', 'segment', 'segment_translation',
      'candidate_theme', 'view_theme', 'assignment', 'view_index')"""


class _Sql:
    """The few things that the two databases write differently."""

    def __init__(self, number: int, is_postgresql: bool) -> None:
        self.is_postgresql = is_postgresql
        if is_postgresql:
            self.numbers = f"generate_series(1, {number}) AS numbers(n)"
            self.at, self.digest = "now() - n * interval '17 seconds'", "'\\x00'::bytea"
            self.true, self.false = "true", "false"
            self.reference = "'B' || lpad(n::text, 9, '0')"  # not a real one
            return
        self.numbers = (
            f"(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"
            " SELECT n FROM numbers)"
        )
        self.at = "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || (n * 17) || ' seconds')"
        self.digest, self.true, self.false = "x'00'", "1", "0"
        self.reference = "'B' || printf('%09d', n)"

    def id(self, tag: int) -> str:
        if self.is_postgresql:
            return f"('{tag:08x}' || lpad(to_hex(n), 24, '0'))::uuid"
        return f"'{tag:08x}' || printf('%024x', n)"

    def known(self, one: uuid.UUID) -> str:
        return f"'{one}'::uuid" if self.is_postgresql else f"'{one.hex}'"


def _pick(values: tuple[str, ...], n: str = "n") -> str:
    quoted = (value.replace("'", "''") for value in values)
    cases = " ".join(f"WHEN {place} THEN '{value}'" for place, value in enumerate(quoted))
    return f"CASE ({n}) % {len(values)} {cases} END"


def fill(number: int) -> None:
    """So many sent views, each of one message with two sentences' words, its English and a theme.

    One in 50,000 shares a word with nineteen others at a million, one in 400 and one in 150 with many.
    """
    with unit_of_work() as db:
        db.add(
            Reviewer(id=READER, username="bench", display_name="Bench", password_hash="-", role=Role.ADMIN)
        )
        db.add(
            Forum(
                id=FORUM, name="Bench", place="", held_on=dt.date(2026, 6, 1), created_by="-", updated_by="-"
            )
        )
    bind = database.engine()
    is_postgresql = database.is_postgresql(bind)
    with bind.begin() as connection, _put_aside(connection, is_postgresql):
        for statement in _statements(_Sql(number, is_postgresql)):
            connection.exec_driver_sql(statement.replace("%", "%%") if is_postgresql else statement)
    with bind.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if is_postgresql else "ANALYZE")


def _statements(sql: _Sql) -> Iterator[str]:
    rare = "'q' || (n % 50000) || ' street' || (n % 400) || ' ward' || (n % 150)"
    yield (
        "INSERT INTO submission (id, reference, channel, method, status, source_language, is_urgent, "
        f"consented_at, created_at, submitted_at, first_read_at, version, forum_id) SELECT {sql.id(1)}, "
        f"{sql.reference}, {_pick(CHANNELS)}, CASE WHEN n % 300 = 0 THEN 'written' ELSE 'online' END, "
        f"{_STATUS}, {_pick(LANGUAGES)}, n % 4000 = 0, {sql.at}, {sql.at}, {sql.at}, "
        f"CASE WHEN n % 100 >= 55 THEN {sql.at} END, 1, CASE WHEN n % 60 = 0 THEN {sql.known(FORUM)} END "
        f"FROM {sql.numbers}"
    )
    original = f"{_pick(_ORIGINALS)} || ' ' || {_pick(_ORIGINALS, 'n / 7')} || ' ' || {rare}"
    english = f"{_pick(_ENGLISH)} || ' ' || {_pick(_ENGLISH, 'n / 7')}"
    yield (
        "INSERT INTO submission_part (id, submission_id, position, original_text, original_sha256, added_at) "
        f"SELECT {sql.id(2)}, {sql.id(1)}, 0, {original}, {sql.digest}, {sql.at} FROM {sql.numbers}"
    )
    yield (
        'INSERT INTO segment (id, part_id, position, start, "end") '
        f"SELECT {sql.id(3)}, {sql.id(2)}, 0, 0, 60 FROM {sql.numbers}"
    )
    yield (
        "INSERT INTO segment_translation (id, segment_id, source_language, target_language, text, status, "
        f"flags, is_current, created_at) SELECT {sql.id(4)}, {sql.id(3)}, {_pick(LANGUAGES)}, 'en', "
        f"{english}, 'machine', '[]', {sql.true}, {sql.at} FROM {sql.numbers} WHERE n % {len(LANGUAGES)} <> 0"
    )
    for tag, theme, which in (
        (5, _pick(THEMES[1:], "n / 3"), "n > 0"),
        (6, f"'{RARE_THEME}'", "n % 5000 = 0"),
    ):
        yield (
            "INSERT INTO candidate_theme (id, submission_id, theme_key, confidence, model, "
            "codeframe_version, text_read, is_low_confidence, created_at) "
            f"SELECT {sql.id(tag)}, {sql.id(1)}, {theme}, 0.7, 'bench', 'bench', 'original', {sql.false}, "
            f"{sql.at} FROM {sql.numbers} WHERE {which}"
        )
    yield (
        "INSERT INTO view_theme (theme_key, submission_id, submitted_at) SELECT theme_key, submission.id, "
        "submitted_at FROM candidate_theme JOIN submission ON submission.id = candidate_theme.submission_id"
    )
    yield (
        "INSERT INTO assignment (submission_id, reviewer_id, assigned_at) "
        f"SELECT {sql.id(1)}, {sql.known(READER)}, {sql.at} FROM {sql.numbers} WHERE n % 50 = 0"
    )
    words = tuple(words_of(original, english) for original, english in SENTENCES)
    # The newest last, as views come in.
    yield (
        "INSERT INTO view_index (submission_id, original, english, words, updated_at) "
        f"SELECT {sql.id(1)}, {original}, {english}, {_pick(words)} || ' ' || {_pick(words, 'n / 7')} || ' ' "
        f"|| {rare}, {sql.at} FROM {sql.numbers} WHERE n % 100 < 97 ORDER BY n DESC"
    )


@contextmanager
def _put_aside(connection: Connection, is_postgresql: bool) -> Iterator[None]:
    """Without triggers and the index of words inside; with them, and the index made, after it."""
    if is_postgresql:
        indices = connection.exec_driver_sql(_INDICES).all()
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for name, _ in indices:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        yield
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        for _, made_by in indices:
            connection.exec_driver_sql(made_by)
        return
    triggers = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
    kept = [(name, sql) for name, sql in triggers if not name.startswith("view_index_words")]
    for name, _ in kept:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    connection.exec_driver_sql("INSERT INTO view_index_words (view_index_words) VALUES ('rebuild')")
    for _, sql in kept:
        connection.exec_driver_sql(sql)
