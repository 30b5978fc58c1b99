"""The application and its outbox in one process that kills itself at its write points; started by a test.

A write point is a moment before or after something becomes durable or leaves the process. At each, with a
small probability, the process ends as by a power cut. The points it died at are kept in a file.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import event
from sqlalchemy.orm import Session

from channels import inbox_worker
from channels.app import create_app
from channels.outbox_worker import OutboxWorker
from channels.sending import TwilioSender
from channels.settings import Settings
from submissions import database
from submissions.addresses import configure_keys
from submissions.write_ahead import WriteAheadFile
from translations.detection import detect

NOWHERE = "postgresql://postgres@127.0.0.1:9/nowhere"


class Deaths:
    """Dies at each point at least once, if the point is met, and now and then besides."""

    def __init__(self, path: Path, probability: float) -> None:
        self._path = path
        self._probability = probability
        self._met: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        self._born = time.monotonic()

    def may_come(self, point: str) -> None:
        # Long enough to get some work done between two deaths.
        if time.monotonic() - self._born < 1.0 or self._probability == 0:
            return
        if point in self._met and random.random() > self._probability:
            return
        self._met[point] = self._met.get(point, 0) + 1
        self._path.write_text(json.dumps(self._met))
        os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str, point: str) -> None:
        real = getattr(owner, name)

        def with_deaths(*args: Any, **kwargs: Any) -> Any:
            self.may_come(f"before {point}")
            result = real(*args, **kwargs)
            self.may_come(f"after {point}")
            return result

        setattr(owner, name, with_deaths)


def stop_database_while(flag: Path, url: str) -> None:
    """The database is unreachable for as long as the flag's file is there."""
    is_down = False
    while True:
        if flag.exists() != is_down:
            is_down = flag.exists()
            database.configure(NOWHERE if is_down else url)
        time.sleep(0.05)


def main() -> None:
    """Lives again after each death: a fork costs nothing, loading everything anew takes seconds."""
    values = json.loads(sys.argv[1])
    detect("warm up, so that no child must load the models")
    lives = Path(values["folder"]) / "lives"
    while True:
        lives.write_text(str(int(lives.read_text() or 0) + 1 if lives.exists() else 1))
        child = os.fork()
        if child == 0:
            live(values)
        os.waitpid(child, 0)


def live(values: dict[str, Any]) -> None:
    folder = Path(values["folder"])
    deaths = Deaths(folder / "deaths.json", float((folder / "probability").read_text()))
    event.listen(Session, "before_commit", lambda _: deaths.may_come("before a commit"))
    event.listen(Session, "after_commit", lambda _: deaths.may_come("after a commit"))
    event.listen(Session, "after_flush", lambda *_: deaths.may_come("between a statement and its commit"))
    deaths.around(WriteAheadFile, "append", "an append to the write-ahead file")
    deaths.around(WriteAheadFile, "_replace_by", "the shortening of the write-ahead file")
    deaths.around(TwilioSender, "send", "a request to Twilio")
    inbox_worker.LEASE_SECONDS = 4.0
    settings = Settings(**values["settings"])
    database.configure(settings.resolved_database_url)
    configure_keys(settings)
    worker = OutboxWorker(settings, look_up_after=dt.timedelta(seconds=4))
    worker.start()
    threading.Thread(
        target=stop_database_while,
        args=(folder / "database-is-down", settings.resolved_database_url),
        daemon=True,
    ).start()
    uvicorn.run(create_app(settings), host="127.0.0.1", port=values["port"], log_level="error")


if __name__ == "__main__":
    main()
