"""The whole system as `make run` starts it, on free ports and in a data folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.conftest import KEPT_VECTORS

PROJECT = Path(__file__).resolve().parent.parent.parent
OFFLINE = Path(__file__).resolve().parent / "offline"
START_LIMIT_SECONDS = 400  # the assistant may have to be trained first


def free_port() -> int:
    """A web port whose companions (the assistant's, 10,000 and 20,000 above) are free as well."""
    for port in range(8100 + os.getpid() % 1000, 12000):
        try:
            for candidate in (port, port + 10_000, port + 20_000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", candidate))
        except OSError:
            continue
        return port
    raise RuntimeError("no free port between 8100 and 12000")


@dataclass
class RunningSystem:
    data: Path
    port: int = field(default_factory=free_port)
    extra_environment: dict[str, str] = field(default_factory=dict)
    username: str = ""
    one_time_password: str = ""
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def refused_connections(self) -> Path:
        return self.data.parent / f"{self.data.name}.refused"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "OWNWORDS_PORT": str(self.port),
            "OWNWORDS_DATA": str(self.data),
            "OMP_NUM_THREADS": "1",
            # Every process of the system refuses, and notes, a connection that would leave this machine.
            "PYTHONPATH": str(OFFLINE),
            "OWNWORDS_TEST_REFUSED": str(self.refused_connections),
            **self.extra_environment,
        }

    def start(self) -> float:
        """Start and wait until everything answers; the seconds it took."""
        started = time.monotonic()
        output = self.data.parent / f"{self.data.name}.output"
        if KEPT_VECTORS.is_dir() and not self.data.exists():
            shutil.copytree(KEPT_VECTORS, self.data / "vectors")  # made by the tests before these
        with output.open("w") as stream:
            self.process = subprocess.Popen(
                [PROJECT / ".venv/bin/ownwords", "run"],
                cwd=PROJECT,
                env=self.environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while "Own Words is ready" not in output.read_text():
            if self.process.poll() is not None or time.monotonic() - started > START_LIMIT_SECONDS:
                self.stop()
                raise RuntimeError("the system did not start:\n" + output.read_text() + self.last_log_lines())
            time.sleep(0.2)
        time.sleep(0.2)  # the rest of the announcement
        first = re.search(r"First sign-in on the desk: (\S+)\s+one-time password: (\S+)", output.read_text())
        if first:
            self.username, self.one_time_password = first.groups()
        return time.monotonic() - started

    def last_log_lines(self) -> str:
        logs = sorted((self.data / "logs").glob("*.log"))
        return "".join(f"\n--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    def processes(self) -> list[psutil.Process]:
        """supervisord and everything it started."""
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        found = [parent, *parent.children(recursive=True)]
        # One that has just ended (the announcer) stays a zombie until supervisord looks.
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]

    def part(self, name: str) -> psutil.Process:
        """The process of one part: "bot", "actions", "web" or "worker"."""
        assert self.process is not None
        endings = {
            "bot": ["bot.run", "bot"],
            "actions": ["bot.run", "actions"],
            "web": ["web"],
            "worker": ["worker"],
        }
        wanted = endings[name]
        for child in self.processes():
            if child.cmdline()[-len(wanted) :] == wanted:
                return child
        raise LookupError(f"no process of {name}")

    def resident_megabytes(self) -> dict[str, float]:
        return {
            " ".join(process.cmdline()[-2:]): process.memory_info().rss / 1e6 for process in self.processes()
        }

    def wait_until_healthy(self, limit_seconds: float = 90) -> None:
        deadline = time.monotonic() + limit_seconds
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        raise RuntimeError("not healthy again in time" + self.last_log_lines())

    def stop(self) -> None:
        """As Ctrl-C does; whatever is left after that is ended by id, and is an error."""
        if self.process is None or self.process.poll() is not None:
            return
        parts = self.processes()
        os.kill(self.process.pid, signal.SIGINT)
        _, left = psutil.wait_procs(parts, timeout=45)
        for process in left:
            process.kill()
        if left:
            raise RuntimeError(f"Ctrl-C left {len(left)} processes running")
