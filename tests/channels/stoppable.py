"""Databases that can be stopped in the middle of a test: SQLite by a flag, PostgreSQL really."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from submissions import database


class FlaggedDatabase:
    """A file cannot be stopped: while the flag is there, the process under test asks elsewhere, in vain."""

    def __init__(self, url: str, flag: Path) -> None:
        self.url = url
        self._flag = flag

    def stop(self) -> None:
        self._flag.touch()

    def start(self) -> None:
        self._flag.unlink()


class Cluster:
    """A PostgreSQL server of its own in a temporary folder, with one migrated database."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        # PostgreSQL refuses to run as root.
        self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.getuid() != 0:
            self._as_user = []
        else:
            shutil.chown(folder, "postgres", "postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._run("initdb", "-D", f"{folder}/data", "-U", "postgres", "--auth=trust", "-E", "UTF8")
        self.start()
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [*self._as_user, str(self._programs / program), *arguments],
            cwd=self._folder,
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        log = f"{self._folder}/log"
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """As by a crash: who is connected is cut off in the middle of what they do."""
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-m", "immediate", "-w", "stop")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Skips the test where PostgreSQL's programs are not installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(programs[-1]) if programs else shutil.which("initdb")
    if found is None:
        pytest.skip("initdb is not installed, so there is no PostgreSQL that could be stopped")
    with tempfile.TemporaryDirectory(prefix="ownwords-cluster-") as folder:
        made = Cluster(Path(found).parent, Path(folder))
        try:
            database.configure(made.url)
            database.migrate()
            yield made
        finally:
            database.engine().dispose()
            made.stop()
