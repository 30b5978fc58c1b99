"""A stand-in that really runs, and the official client that talks to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from twilio.rest import Client

from channels.app import create_app
from channels.outbox_worker import OutboxWorker
from channels.settings import Settings
from channels.simulator.account import StandInAccount
from channels.simulator.local import with_simulator
from channels.simulator.stand_in import create_stand_in
from channels.twilio_client import TwilioAccount, make_client
from tests.channels.conftest import TOKEN as BOT_TOKEN
from tests.channels.conftest import wait_until
from tests.fakes.bot import FakeBot

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
SERVICE_SID = "MG" + "0123456789abcdef" * 2
TOKEN = "the-token-of-the-tests"
SMS_NUMBER, WHATSAPP_NUMBER = "+447700900001", "+447700900002"
RESIDENT = "+447700900123"


class Served:
    """An ASGI application under uvicorn in a thread."""

    def __init__(self, app: Any, on: socket.socket | None = None) -> None:
        self._socket = on or socket.socket()
        if on is None:
            self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=20)
        self._socket.close()


def low_port() -> socket.socket:
    """A bound socket; the setting of the port leaves room for the assistant's ports above it."""
    for port in range(21100, 21200):
        made = socket.socket()
        try:
            made.bind(("127.0.0.1", port))
        except OSError:
            made.close()
            continue
        return made
    raise RuntimeError("no free port between 21100 and 21199")


@dataclass
class Machine:
    """The application, the worker that sends, and the simulator in Twilio's place."""

    url: str
    app: FastAPI
    simulator: StandInAccount


@pytest.fixture
def machine(sqlite_database: str, tmp_path: Path, bot: FakeBot) -> Iterator[Machine]:
    on = low_port()
    bare = Settings(
        data=tmp_path / "data",
        database_url=sqlite_database,
        bot_url=bot.url,
        internal_token=BOT_TOKEN,
        port=on.getsockname()[1],
    )
    settings = with_simulator(bare)
    app = create_app(settings)
    with Served(app, on) as served:
        sending = OutboxWorker(settings)
        sending.start()
        yield Machine(served.url, app, app.state.simulator)
        sending.stop()


@pytest.fixture
def account() -> Iterator[StandInAccount]:
    """Served; its `api_url` is where."""
    made = StandInAccount(
        ACCOUNT_SID,
        TOKEN,
        sms_number=SMS_NUMBER,
        whatsapp_number=WHATSAPP_NUMBER,
        messaging_service_sid=SERVICE_SID,
    )
    with Served(create_stand_in(made)) as served:
        made.api_url = served.url
        yield made
    made.stop()


@pytest.fixture
def client(account: StandInAccount) -> Client:
    """The client as the application makes it."""
    return make_client(TwilioAccount(ACCOUNT_SID, TOKEN, api_url=account.api_url))
