"""Shared fixtures: a migrated database on SQLite and on PostgreSQL, each test with its own copy.

`database` runs a test on both. PostgreSQL is the server of OWNWORDS_TEST_POSTGRESQL (an address of a server,
default 127.0.0.1 as user postgres); without one the PostgreSQL half is skipped with a word, or fails where
OWNWORDS_TEST_REQUIRE_POSTGRESQL is set, as in the project's own checks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

# The embedding model's threads spin; with both cores busy that makes each text ten times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import psycopg
import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from submissions import database as database_module
from submissions import theme_finding, themes_refit
from submissions.review import passwords
from tests.browser import browser as browser

POSTGRESQL_SERVER = os.environ.get(
    "OWNWORDS_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres?connect_timeout=3"
)

KEPT_VECTORS = Path(__file__).resolve().parent.parent / ".pytest_cache" / "vectors"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a database or a real model, so that `make test-fast` runs the unit tests alone."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "browser" in fixtures and "end_to_end" not in item.path.parts:
            # Chromium itself hung once in a few thousand pages. What hangs twice is ours.
            item.add_marker(pytest.mark.timeout(150))
            item.add_marker(pytest.mark.flaky(reruns=1))
        if fixtures & {"database", "own_database", "sqlite_template"} or "translations" in item.path.parts:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session", autouse=True)
def kept_vectors() -> Iterator[None]:
    """The exemplars' vectors are made once for all tests, and for the next run: each time takes 30 s."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (theme_finding, themes_refit):
            patch.setattr(module, "vector_folder", lambda: KEPT_VECTORS)
        yield


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hashing is slow on purpose, and most tests sign somebody in. Those of the running system pay it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher.from_parameters(CHEAPEST))
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, made once; tests copy it."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    database_module.configure(f"sqlite:///{path}")
    database_module.migrate()
    database_module.engine().dispose()
    return path


class PostgresqlServer:
    """Makes databases from a migrated template, and drops them."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.prefix = f"ow_core_{uuid.uuid4().hex[:10]}"
        self.template = f"{self.prefix}_template"
        with self._connection() as connection:
            connection.execute(f"CREATE DATABASE {self.template}")
        database_module.configure(self.url(self.template))
        database_module.migrate()
        database_module.engine().dispose()

    def _connection(self) -> psycopg.Connection:
        return psycopg.connect(self.address, autocommit=True)

    def url(self, name: str) -> str:
        parts = psycopg.conninfo.conninfo_to_dict(self.address)
        password = f":{parts['password']}" if parts.get("password") else ""
        return f"postgresql://{parts['user']}{password}@{parts['host']}:{parts.get('port', 5432)}/{name}"

    def new_database(self) -> str:
        name = f"{self.prefix}_{uuid.uuid4().hex[:12]}"
        with self._connection() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {self.template}")
        return name

    def new_empty_database(self) -> str:
        """One without any tables, as an administrator would make it."""
        name = f"{self.prefix}_{uuid.uuid4().hex[:12]}"
        with self._connection() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def drop(self, name: str) -> None:
        with self._connection() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def empty(self, name: str) -> None:
        """Deletes all rows, which takes a hundredth of the time that a new database does."""
        address = psycopg.conninfo.make_conninfo(self.address, dbname=name)
        with psycopg.connect(address) as connection:
            connection.execute("SET session_replication_role = replica")  # no order by foreign keys
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables"
                " WHERE schemaname IN ('public', 'huey') AND tablename <> 'alembic_version'"
            ).fetchall()
            for schema, table in tables:
                connection.execute(f'DELETE FROM "{schema}"."{table}"')


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    try:
        with psycopg.connect(POSTGRESQL_SERVER):
            pass
    except psycopg.OperationalError as error:
        if os.environ.get("OWNWORDS_TEST_REQUIRE_POSTGRESQL"):
            raise
        pytest.skip(f"no PostgreSQL server for the tests: {error}")
    server = PostgresqlServer(POSTGRESQL_SERVER)
    yield server
    database_module.engine().dispose()
    server.drop(server.template)


@pytest.fixture(scope="session")
def shared_postgresql_database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    name = postgresql_server.new_database()
    yield name
    database_module.engine().dispose()
    postgresql_server.drop(name)


@contextlib.contextmanager
def _in_use(url: str) -> Iterator[str]:
    database_module.configure(url)
    try:
        yield url
    finally:
        database_module.engine().dispose()


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty SQLite database, which this process uses."""
    path = tmp_path / "ownwords.db"
    shutil.copyfile(sqlite_template, path)
    with _in_use(f"sqlite:///{path}") as url:
        yield url


@pytest.fixture
def postgresql_database(
    postgresql_server: PostgresqlServer, shared_postgresql_database: str
) -> Iterator[str]:
    """The address of a migrated, empty PostgreSQL database, which this process uses.

    Its rows are deleted after each test; a test that changes tables takes `own_database`.
    """
    with _in_use(postgresql_server.url(shared_postgresql_database)) as url:
        yield url
    postgresql_server.empty(shared_postgresql_database)


@pytest.fixture
def own_postgresql_database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    name = postgresql_server.new_database()
    try:
        with _in_use(postgresql_server.url(name)) as url:
            yield url
    finally:
        postgresql_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """As `sqlite_database` and `postgresql_database`: the test runs once on each."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


@pytest.fixture(params=["sqlite", "own_postgresql"])
def own_database(request: pytest.FixtureRequest) -> str:
    """As `database`, for a test that changes tables or stops the database: nobody else uses it."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url
