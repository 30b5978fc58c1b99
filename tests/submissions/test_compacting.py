"""PostgreSQL's own files: small tables are written anew, large ones in use, and nobody waits long."""

import time

import psycopg
import pytest
from sqlalchemy import Text, text

from submissions import compacting, database
from submissions.erasure import erase, forget_on_disk
from submissions.models import Base
from submissions.models.base import ExactText
from submissions.retention import run_retention
from tests.submissions.test_erasure import a_canary_of_this_test, canary, pages_with, plant, stores

__all__ = ["a_canary_of_this_test", "stores"]  # fixtures

# Words in these are the council's own, and are not deleted with anybody's.
OF_THE_COUNCIL = {
    "canned_reply",
    "codeframe",
    "follow_up_template",
    "follow_up_text",
    "summary_point",
    "theme_summary",
}


def test_every_table_with_words_of_residents_is_among_those_written_anew():
    with_words = {
        table.name
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, ExactText | Text)
    }
    assert with_words - set(compacting.tables_with_words()) - OF_THE_COUNCIL == set()


@pytest.mark.slow
def test_a_table_that_is_read_is_left_for_the_next_time_and_soon(own_postgresql_database):
    with psycopg.connect(own_postgresql_database) as reader:
        reader.execute("LOCK TABLE message IN ACCESS SHARE MODE")
        started = time.monotonic()
        assert compacting.compact(database.engine()) == ["message"]
        assert time.monotonic() - started < 20
    assert compacting.compact(database.engine()) == []
    with database.engine().connect() as connection:  # the pool's connections wait as long as before
        assert connection.scalar(text("SHOW lock_timeout")) == "0"


@pytest.mark.slow
def test_of_a_large_table_the_words_leave_the_index_in_the_night(
    own_postgresql_database, stores, tmp_path, monkeypatch
):
    monkeypatch.setattr(compacting, "SMALL_BYTES", 0)
    reference, word = plant("web_form", tmp_path), canary("web_form")
    kept = plant("sms", tmp_path)
    erase(reference)
    assert compacting.WORD_INDEX in pages_with(word, own_postgresql_database)
    run_retention(dry_run=False)
    assert compacting.WORD_INDEX not in pages_with(word, own_postgresql_database)
    assert compacting.WORD_INDEX in pages_with(canary("sms"), own_postgresql_database)
    assert kept
    # Once it is small enough, or written anew by hand, nothing is left at all.
    monkeypatch.setattr(compacting, "SMALL_BYTES", 2**40)
    deadline = time.monotonic() + 30
    while pages_with(word, own_postgresql_database) and time.monotonic() < deadline:
        forget_on_disk()
        time.sleep(0.5)
    assert pages_with(word, own_postgresql_database) == []


@pytest.mark.slow
def test_what_a_broken_off_run_left_is_cleared(own_postgresql_database):
    with psycopg.connect(own_postgresql_database, autocommit=True) as connection:
        connection.execute(
            "CREATE INDEX ix_view_index_words_ccnew ON view_index USING gin (view_index_words)"
        )
    compacting.compact_word_index(database.engine())
    with psycopg.connect(own_postgresql_database) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'ix_view_index_words%'"
        ).fetchall()
    assert names == [("ix_view_index_words",)]
