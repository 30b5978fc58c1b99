"""The application, its outbox and its fetching of files in one process that kills itself at its write points.

A write point is a moment at which something has just been written, or is about to become durable or to leave
the process: each writing statement, both sides of each commit, of each change of a write-ahead file or of a
stored file, and of each request to the assistant and to Twilio. In a full run they are told apart by the
function that does it. At the first meeting of each the process ends as by a power cut, and afterwards now and
then at any of them. The points it died at are kept in a file.
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
from fastapi import FastAPI
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, configure_mappers

from channels import inbox_worker
from channels.app import create_app
from channels.media import MediaWorker
from channels.outbox_worker import OutboxWorker
from channels.rasa_client import RasaClient
from channels.rendering import language_options
from channels.sending import TwilioSender
from channels.settings import Settings
from channels.twilio_client import make_client, twilio_account
from channels.wording import catalogue_languages, load_catalogue
from submissions import database, media
from submissions.addresses import configure_keys
from submissions.commission import get_commission
from submissions.media import MediaStore
from submissions.write_ahead import WriteAheadFile
from translations.detection import detect

NOWHERE = "postgresql://postgres@127.0.0.1:9/nowhere"
AGAIN = 0.0001  # the chance of another death at a point where one was already
WRITES = ("INSERT", "UPDATE", "DELETE")
# A request to Twilio must be over when its outcome is looked up, on a busy machine too.
LOOK_UP_AFTER = dt.timedelta(seconds=6)


class Deaths:
    """Dies at each point at the first meeting, and now and then besides."""

    def __init__(self, folder: Path, *, is_full: bool) -> None:
        self._is_full = is_full
        self._path = folder / "deaths.json"
        self._calm = folder / "calm"  # while this file is there, only points not met before kill
        self._died: dict[str, int] = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._dying = threading.Lock()

    def may_come(self, moment: str) -> None:
        point = f"{moment} in {_site()}" if self._is_full else moment
        if point in self._died and (random.random() > AGAIN or self._calm.exists()):
            return
        with self._dying:  # for good: no second thread may get past its own point
            self._died[point] = self._died.get(point, 0) + 1
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(self._died))
            draft.replace(self._path)
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

    def around(self, owner: Any, name: str, what: str) -> None:
        real = getattr(owner, name)

        def with_deaths(*args: Any, **kwargs: Any) -> Any:
            self.may_come(f"before {what}")
            result = real(*args, **kwargs)
            self.may_come(f"after {what}")
            return result

        setattr(owner, name, with_deaths)


def _site() -> str:
    """The function of ours that writes: the innermost one outside of what all of them share."""
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("channels.", "submissions.")) and module != "submissions.database":
            return f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "nobody"


def watch_writes(deaths: Deaths) -> None:
    def commit(moment: str, session: Session) -> None:
        if not session.get_bind().get_execution_options().get("own_words_read_only", False):
            deaths.may_come(f"{moment} a commit")

    def statement(_c: Any, _cursor: Any, text: str, *_: Any) -> None:
        verb = text.lstrip()[:6].upper()
        if verb in WRITES:
            table = text.replace("INTO ", "").replace("FROM ", "").split(maxsplit=2)[1].strip('"')
            deaths.may_come(f"after {verb} {table}")

    event.listen(Session, "before_commit", lambda session: commit("before", session))
    event.listen(Session, "after_commit", lambda session: commit("after", session))
    event.listen(Engine, "after_cursor_execute", statement)
    deaths.around(WriteAheadFile, "append", "an append to the write-ahead file")
    deaths.around(WriteAheadFile, "_replace_by", "the shortening of the write-ahead file")
    deaths.around(MediaStore, "write", "the writing of a file")
    deaths.around(RasaClient, "handle", "a request to the assistant")
    deaths.around(TwilioSender, "send", "a request to Twilio")
    deaths.around(TwilioSender, "find_again", "a look-up at Twilio")


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
    settings = Settings(**values["settings"])
    app = create_app(settings)
    warm_up(app, settings)
    folder = Path(values["folder"])
    lives = 0
    while True:
        lives += 1
        (folder / "lives").write_text(str(lives))
        child = os.fork()
        if child == 0:
            watch_writes(Deaths(folder, is_full=values["is_full"]))
            live(app, settings, folder, values["port"])
        os.waitpid(child, 0)


def warm_up(app: FastAPI, settings: Settings) -> None:
    """Loads what every life needs, and opens nothing: what is loaded here no child must load."""
    detect("what language is this?")
    uvicorn.Config(app).load()
    account = twilio_account(settings)
    assert account is not None
    client = make_client(account)
    for _ in (client.messages, client.content.v1.contents, client.messaging.v2.typing_indicator):
        pass  # each loads its module when it is named
    configure_mappers()
    for language in catalogue_languages():
        load_catalogue(language)
    language_options(get_commission(settings.commission))


def live(app: FastAPI, settings: Settings, folder: Path, port: int) -> None:
    random.seed()
    inbox_worker.LEASE_SECONDS = 4.0
    media.FETCH_LEASE = dt.timedelta(seconds=4)
    database.configure(settings.resolved_database_url)
    configure_keys(settings)
    OutboxWorker(settings, look_up_after=LOOK_UP_AFTER).start()
    MediaWorker(settings).start()
    threading.Thread(
        target=stop_database_while,
        args=(folder / "database-is-down", settings.resolved_database_url),
        daemon=True,
    ).start()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


if __name__ == "__main__":
    main()
