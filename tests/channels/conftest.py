"""A gateway that really runs: uvicorn on a free port, a real database of both kinds, and a fake assistant."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from channels.app import create_app
from channels.settings import Settings
from tests.fakes.bot import FakeBot

TOKEN = "the-internal-token-of-the-tests"


class RunningGateway:
    """The application under uvicorn in a thread, with a client of its own."""

    def __init__(self, database_url: str, data: Path, bot_url: str, **settings: Any) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        values = {"data": data, "database_url": database_url, "bot_url": bot_url, "internal_token": TOKEN}
        self.settings = Settings(**{**values, **settings})
        self.app = create_app(self.settings)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(self.app, log_level="warning", timeout_graceful_shutdown=1, lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> RunningGateway:
        self._thread.start()
        wait_until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started
        self.http = httpx.Client(base_url=self.url, timeout=60, limits=httpx.Limits(max_connections=40))
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(timeout=20)
        self._socket.close()

    def begin(self, **headers: str) -> Chat:
        response = self.http.post("/chat/conversations", headers=headers)
        assert response.status_code == 201, response.text
        return Chat(self, **{name: response.json()[name] for name in ("conversation_id", "token")})


@dataclass
class Chat:
    """One resident's conversation, through the API alone."""

    gateway: RunningGateway
    conversation_id: str
    token: str

    @property
    def path(self) -> str:
        return f"/chat/conversations/{self.conversation_id}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def post(self, text: Any, *, choice: str | None = None, client_message_id: Any = None) -> httpx.Response:
        body = {"client_message_id": client_message_id or uuid.uuid4().hex, "text": text}
        if choice is not None:
            body["choice"] = choice
        return self.gateway.http.post(f"{self.path}/messages", json=body, headers=self.headers)

    def messages(self, after: int = 0) -> list[dict[str, Any]]:
        response = self.gateway.http.get(f"{self.path}/messages?after={after}", headers=self.headers)
        assert response.status_code == 200, response.text
        return response.json()["messages"]

    def answers(self) -> list[dict[str, Any]]:
        return [message for message in self.messages() if message["direction"] == "out"]

    def keys(self) -> list[str]:
        return [message["key"] for message in self.answers()]

    def say(self, text: str, *, choice: str | None = None) -> list[dict[str, Any]]:
        """Posts a message and waits for what is answered to it."""
        before = self.messages()[-1]["position"]
        assert self.post(text, choice=choice).status_code == 202
        wait_until(lambda: self.messages(before)[-1:] and self.messages(before)[-1]["direction"] == "out")
        return [message for message in self.messages(before) if message["direction"] == "out"]

    @contextlib.contextmanager
    def events(self, last_event_id: int = 0) -> Iterator[Iterator[dict[str, Any]]]:
        """The event stream, as {id, event, data} a piece."""
        headers = {**self.headers, "Last-Event-ID": str(last_event_id)}
        with self.gateway.http.stream("GET", f"{self.path}/events", headers=headers) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield read_events(response.iter_lines())


def read_events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        if not line:
            if "data" in event:
                yield {**event, "data": json.loads(event["data"])}
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def bot() -> Iterator[FakeBot]:
    fake = FakeBot(TOKEN)
    yield fake
    fake.close()


@pytest.fixture
def twilio() -> Iterator[Any]:
    """A `TwilioInPlace`."""
    from tests.channels.twilio_in_place import TwilioInPlace  # which imports this module's TOKEN

    fake = TwilioInPlace()
    yield fake
    fake.close()


@pytest.fixture
def gateway(database: str, tmp_path: Path, bot: FakeBot) -> Iterator[RunningGateway]:
    """On SQLite and on PostgreSQL."""
    with RunningGateway(database, tmp_path / "data", bot.url) as running:
        yield running


@pytest.fixture
def sqlite_gateway(sqlite_database: str, tmp_path: Path, bot: FakeBot) -> Iterator[RunningGateway]:
    """For what no database changes."""
    with RunningGateway(sqlite_database, tmp_path / "data", bot.url) as running:
        yield running
