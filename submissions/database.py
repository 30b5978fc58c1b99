"""The database: one engine for the process, and units of work that commit or roll back.

SQLite (WAL) by default and PostgreSQL by one setting, with the same guarantees: a unit of work is durable
when its block has been left, and two writers never deadlock on a lock upgrade.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from submissions.errors import ConfigurationError, DatabaseUnavailable
from submissions.settings import StoreSettings

logger = logging.getLogger(__name__)

MIGRATIONS_FOLDER = Path(__file__).resolve().parent / "migrations"
# Longer than any unit of work of ours takes, so that a writer waits its turn instead of failing.
SQLITE_BUSY_TIMEOUT_SECONDS = 30
POSTGRESQL_CONNECT_TIMEOUT_SECONDS = 5
# Any number, the same in every process: two that start at once must not both migrate.
MIGRATION_LOCK_ID = 7_071_016

_lock = threading.Lock()
_engine: Engine | None = None
_read_engine: Engine | None = None
_sessions = sessionmaker(expire_on_commit=False)


def make_engine(url: str) -> Engine:
    """An engine for a SQLAlchemy address, with our settings for its kind of database.

    `postgresql://` and `postgres://` mean the psycopg 3 driver. Raises ConfigurationError for another kind.
    """
    if url.startswith("postgres://"):  # as many hosting services write it
        url = "postgresql://" + url.removeprefix("postgres://")
    address = make_url(url)
    kind = address.get_backend_name()
    if kind == "sqlite":
        if not address.database or address.database == ":memory:":
            raise ConfigurationError(
                "OWNWORDS_DATABASE_URL: SQLite needs a file; an in-memory one loses messages"
            )
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(address, pool_size=20, max_overflow=40, connect_args={"timeout": 30})
        event.listen(engine, "connect", _prepare_sqlite_connection)
        event.listen(engine, "begin", _begin_on_sqlite)
        return engine
    if kind == "postgresql":
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        return create_engine(
            address,
            pool_size=10,
            max_overflow=40,
            pool_pre_ping=True,  # a connection that died while idle is replaced, not handed out
            connect_args={"connect_timeout": POSTGRESQL_CONNECT_TIMEOUT_SECONDS},
        )
    raise ConfigurationError(
        f"OWNWORDS_DATABASE_URL: {kind} is not supported; use sqlite:/// or postgresql://"
    )


def _prepare_sqlite_connection(connection: Any, _record: Any) -> None:
    # The driver would begin transactions by itself, and too late (at the first write).
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {round(SQLITE_BUSY_TIMEOUT_SECONDS * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # NORMAL would lose the last commits when the power fails; we answer only after a commit that stays.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Erased views must not stay readable in free pages of the file.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_on_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once ("database is locked") when another one
    # wrote in between, whatever the timeout; taking the write lock at the start makes it wait instead.
    is_read_only = connection.get_execution_options().get("own_words_read_only", False)
    connection.exec_driver_sql("BEGIN DEFERRED" if is_read_only else "BEGIN IMMEDIATE")


def configure(url: str) -> Engine:
    """Use this database in this process from now on; closes the connections to the one before."""
    global _engine, _read_engine
    new = make_engine(url)
    with _lock:
        old, _engine = _engine, new
        _read_engine = new.execution_options(own_words_read_only=True, postgresql_readonly=True)
    if old is not None:
        old.dispose()
    return new


def engine() -> Engine:
    """The engine of this process; of the settings' database when `configure` was not called."""
    if _engine is None:
        configure(StoreSettings().resolved_database_url)
    assert _engine is not None  # noqa: S101  for the type checker: configure has just set it
    return _engine


@contextmanager
def unit_of_work(*, read_only: bool = False) -> Iterator[Session]:
    """A session that commits when the block ends and rolls back when it raises.

    After the block the changes are on disk. With `read_only` the block does not wait for writers; writing in
    it is an error on PostgreSQL.
    Raises DatabaseUnavailable when the database cannot be reached or stays locked.
    """
    bind = engine()
    if read_only:
        assert _read_engine is not None  # noqa: S101  set together with the engine
        bind = _read_engine
    session = _sessions(bind=bind)
    try:
        yield session
        session.commit()
    except OperationalError as error:
        session.rollback()
        raise _readable(error, bind) from error
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


def _readable(error: DBAPIError, bind: Engine) -> Exception:
    reason = " ".join(str(error.orig).split())
    if "no such table" in reason or "no such column" in reason:
        return ConfigurationError(
            f"The database {_address(bind)} has not been prepared ({reason}). Run: make setup"
        )
    return DatabaseUnavailable(_address(bind), reason)


def _address(bind: Engine) -> str:
    return bind.url.render_as_string(hide_password=True)


def check() -> None:
    """Returns when the database answers. Raises DatabaseUnavailable."""
    with unit_of_work(read_only=True) as db:
        db.execute(text("SELECT 1"))


def is_postgresql(db: Session | Engine) -> bool:
    bind = db if isinstance(db, Engine) else db.get_bind()
    return bind.dialect.name == "postgresql"


def _alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def migrate() -> None:
    """Bring the tables of the configured database up to date; nothing happens when they are.

    Safe when several processes start at once. Raises DatabaseUnavailable.
    """
    bind = engine()
    try:
        with bind.begin() as connection:
            if is_postgresql(bind):
                connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": MIGRATION_LOCK_ID})
            command.upgrade(_alembic_config(connection), "head")
    except OperationalError as error:
        raise _readable(error, bind) from error
    logger.info("database is at revision %s", schema_revision())


def schema_revision() -> str | None:
    """The revision the tables are at, or None when `migrate` never ran."""
    with engine().connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision this code needs."""
    head = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    assert head is not None  # noqa: S101  the folder ships with revisions
    return head
