from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text, update

from submissions import database as db_module
from submissions.database import unit_of_work
from submissions.errors import ConfigurationError, DatabaseUnavailable
from submissions.models import Base, Conversation, Message


def has_model(name: str | None, kind: str, parents: object) -> bool:
    """False for the full-text index, which is SQL in a migration."""
    return not (name or "").startswith(("view_index_words", "ix_view_index_words"))


def can_be_compared(item: object, name: str | None, type_: str, reflected: bool, _: object) -> bool:
    """Not a foreign key that came to SQLite with its column: SQLAlchemy reads it without its options."""
    return not (type_ == "foreign_key_constraint" and item.column_keys == ["forum_id"])


def options_for(database: str, **options: object) -> dict[str, object]:
    options["include_name"] = has_model
    if database.startswith("sqlite"):
        options["include_object"] = can_be_compared
    return options


def test_models_and_migrations_agree(database: str) -> None:
    with db_module.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts=options_for(database, compare_type=True))
        assert compare_metadata(context, Base.metadata) == []
    assert db_module.schema_revision() == db_module.newest_revision()


def test_sqlite_lets_go_of_a_forum_as_the_model_says(sqlite_database: str) -> None:
    with db_module.engine().connect() as connection:
        keys = connection.execute(text("PRAGMA foreign_key_list(submission)")).mappings().all()
    assert {(key["from"], key["table"], key["on_delete"]) for key in keys} >= {
        ("forum_id", "forum", "SET NULL")
    }


def test_a_new_column_in_a_model_without_a_migration_is_noticed(own_database: str) -> None:
    with db_module.engine().begin() as connection:
        connection.execute(text("ALTER TABLE conversation DROP COLUMN message_count"))
        context = MigrationContext.configure(connection, opts=options_for(own_database))
        differences = compare_metadata(context, Base.metadata)
    assert [difference[0] for difference in differences] == ["add_column"]


def test_migrating_again_changes_nothing(database: str) -> None:
    with unit_of_work() as db:
        db.add(Conversation(channel="web_chat"))
    db_module.migrate()
    with unit_of_work(read_only=True) as db:
        assert db.scalar(select(func.count()).select_from(Conversation)) == 1


def test_a_unit_of_work_commits_and_an_error_rolls_back(database: str) -> None:
    with unit_of_work() as db:
        db.add(Conversation(channel="sms"))
    with pytest.raises(ValueError, match="on purpose"), unit_of_work() as db:  # noqa: PT012
        db.add(Conversation(channel="whatsapp"))
        db.flush()
        raise ValueError("on purpose")
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Conversation.channel)).all() == ["sms"]


def test_twenty_threads_that_read_and_then_write_all_succeed(database: str) -> None:
    with unit_of_work() as db:
        conversation = Conversation(channel="web_chat", message_count=0)
        db.add(conversation)
    barrier = threading.Barrier(20)
    errors: list[BaseException] = []

    def read_then_write() -> None:
        barrier.wait()
        try:
            for _ in range(5):
                with unit_of_work() as db:
                    db.scalar(
                        select(func.count()).select_from(Message)
                    )  # on SQLite: the read lock comes first
                    db.execute(
                        update(Conversation)
                        .where(Conversation.id == conversation.id)
                        .values(message_count=Conversation.message_count + 1)
                    )
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read_then_write) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Conversation.message_count)).one() == 100


@pytest.mark.parametrize(
    "words",
    [
        " ¡Hola!\r\n",
        "a\x00b",
        "\ue000\x00\ue000e000",
        "\ud83d alone \ude00",
        "صوتي‏ \u200d👩‍👩‍👧",
        "\ufeffکوردی",
        "",
    ],
)
def test_text_comes_back_as_it_went_in(database: str, words: str) -> None:
    with unit_of_work() as db:
        conversation = Conversation(channel="sms")
        conversation.messages.append(Message(position=1, direction="in", channel="sms", original_text=words))
        db.add(conversation)
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Message.original_text)).one() == words


def test_an_unreachable_server_is_named_without_its_password() -> None:
    db_module.configure("postgresql://someone:secret@127.0.0.1:20398/nothing")
    with pytest.raises(DatabaseUnavailable) as caught:
        db_module.check()
    assert "127.0.0.1:20398" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(DatabaseUnavailable):
        db_module.migrate()


def test_a_database_nobody_prepared_says_what_to_do(tmp_path: Path) -> None:
    db_module.configure(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(ConfigurationError, match="make setup"), unit_of_work() as db:
        db.scalar(select(Conversation.id))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_a_database_we_cannot_promise_anything_on_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="OWNWORDS_DATABASE_URL"):
        db_module.make_engine(url)


def test_sqlite_syncs_every_commit_and_keeps_foreign_keys(sqlite_database: str) -> None:
    with db_module.engine().connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "secure_delete": 1,
    }


def test_readers_go_on_while_a_writer_works(sqlite_database: str) -> None:
    with unit_of_work() as writing:
        writing.add(Conversation(channel="sms"))
        writing.flush()
        with unit_of_work(read_only=True) as reading:
            assert reading.scalar(select(func.count()).select_from(Conversation)) == 0


def test_a_locked_file_is_reported_as_unavailable(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_module, "SQLITE_BUSY_TIMEOUT_SECONDS", 0.1)
    path = sqlite_database.removeprefix("sqlite:///")
    db_module.configure(sqlite_database)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(DatabaseUnavailable, match="locked"), unit_of_work() as db:
            db.add(Conversation(channel="sms"))
    finally:
        blocker.close()
