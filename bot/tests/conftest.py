"""The assistant as it really runs: a trained model, its server and its action server in processes of
their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import httpx
import pytest

from bot.settings import PROJECT_FOLDER, TOKEN_HEADER
from bot.tests.fake_gateway import FakeGateway

TOKEN = "a token for tests"
START_SECONDS = 120


def free_port() -> int:
    """A web port whose neighbours for assistant (+10000) and actions (+20000) are free as well."""
    for port in range(20_100, 20_200):
        try:
            for number in (port, port + 10_000, port + 20_000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
        except OSError:
            continue
        return port
    raise RuntimeError("no free port from 20100 to 20199")


class RunningAssistant:
    """Assistant and actions as processes, and the gateway they talk to."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.data = data
        self.gateway = FakeGateway(self.port, TOKEN)
        self.log = data / "assistant.log"
        self._environment = {
            **os.environ,
            "OWNWORDS_PORT": str(self.port),
            "OWNWORDS_DATA": str(data),
            "OWNWORDS_INTERNAL_TOKEN": TOKEN,
            "OMP_NUM_THREADS": "1",
        }
        for name in ("OWNWORDS_GATEWAY_URL", "OWNWORDS_ACTIONS_URL", "OWNWORDS_BOT_DATABASE_URL"):
            self._environment.pop(name, None)
        self._processes: Dict[str, subprocess.Popen[bytes]] = {}
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port + 10_000}/webhooks/own_words",
            headers={TOKEN_HEADER: TOKEN},
            timeout=60,
            trust_env=False,
        )

    def start(self, part: str) -> None:
        with self.log.open("ab") as log:
            self._processes[part] = subprocess.Popen(
                [sys.executable, "-m", "bot.run", part],
                cwd=PROJECT_FOLDER,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        url = (
            f"http://127.0.0.1:{self.port + 20_000}/health"
            if part == "actions"
            else f"http://127.0.0.1:{self.port + 10_000}/webhooks/own_words/"
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._processes[part].poll() is not None:
                break
            try:
                if self.http.get(url).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise RuntimeError(f"{part} did not start; its log ends:\n{self.log.read_text()[-3000:]}")

    def kill(self, part: str) -> None:
        process = self._processes.pop(part)
        process.kill()
        process.wait()

    def process_id(self, part: str) -> int:
        return self._processes[part].pid

    def stop(self) -> None:
        for part in list(self._processes):
            self.kill(part)
        self.http.close()
        self.gateway.stop()


class Talk:
    """One conversation with the running assistant."""

    def __init__(self, assistant: RunningAssistant) -> None:
        self.assistant = assistant
        self.conversation_id = str(uuid.uuid4())
        self.message_ids: List[str] = []
        self.last: Dict[str, Any] = {}

    def post(
        self, text: str = "", choice: Optional[str] = None, message_id: Optional[str] = None
    ) -> httpx.Response:
        message_id = message_id or str(uuid.uuid4())
        self.message_ids.append(message_id)
        return self.assistant.http.post(
            "/messages",
            json={
                "message_id": message_id,
                "conversation_id": self.conversation_id,
                "text": text,
                "language": "pt",
                "channel": "web_chat",
                "choice": choice,
            },
        )

    def _say(self, **message: Any) -> List[str]:
        response = self.post(**message)
        assert response.status_code == 200, response.text
        self.last = response.json()
        return [reply["key"] for reply in self.last["replies"]]

    def write(self, text: str) -> List[str]:
        """Send a text; the keys of the replies."""
        return self._say(text=text)

    def choose(self, choice: str) -> List[str]:
        """Pick an option; the keys of the replies."""
        return self._say(choice=choice)

    def calls(self, name: str) -> List[Dict[str, Any]]:
        return [
            c for c in self.assistant.gateway.called(name) if c["conversation_id"] == self.conversation_id
        ]


@pytest.fixture(scope="session")
def model() -> Path:
    """The model of the files as they are, trained now if they have changed."""
    subprocess.run(
        [sys.executable, "-m", "bot.train"], cwd=PROJECT_FOLDER, check=True, stdout=subprocess.DEVNULL
    )
    from bot.train import current_model

    path = current_model()
    assert path is not None
    return path


@pytest.fixture(scope="session")
def assistant(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssistant]:
    running = RunningAssistant(tmp_path_factory.mktemp("data"))
    try:
        running.start("actions")
        running.start("bot")
        yield running
        assert running.gateway.mistakes == []
    finally:
        running.stop()


@pytest.fixture
def talk(assistant: RunningAssistant) -> Iterator[Talk]:
    yield Talk(assistant)
    assistant.gateway.broken.clear()
    assistant.gateway.translation = "ready"


@pytest.fixture
def collecting(talk: Talk) -> Talk:
    """A conversation in which consent was given and nothing written yet."""
    talk.choose("language_chosen")
    assert talk.choose("affirm") == ["ask_view"]
    return talk
