"""Mixed messages arrive while the process dies at every write point: none lost, none double.

OWNWORDS_TEST_KILL_MESSAGES is how many: the full number is 2,000, and from 1,000 on the same kind of write in
each function of ours is a point of its own; the usual number is quick.
"""

from __future__ import annotations

import collections
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from channels.simulator.account import StandInAccount
from channels.simulator.records import WHATSAPP
from channels.simulator.stand_in import create_stand_in
from submissions.models import (
    Channel,
    DeliveryStatus,
    Direction,
    MediaFile,
    MediaState,
    Message,
    OptOut,
    SharedItem,
)
from submissions.settings import PROJECT_FOLDER
from tests.channels.conftest import TOKEN
from tests.channels.phone import rows
from tests.channels.simulator.conftest import ACCOUNT_SID, SMS_NUMBER, WHATSAPP_NUMBER, Served
from tests.channels.simulator.conftest import TOKEN as AUTH_TOKEN
from tests.channels.stoppable import Cluster, FlaggedDatabase, cluster
from tests.fakes.bot import FakeBot, reply

MESSAGES = int(os.environ.get("OWNWORDS_TEST_KILL_MESSAGES", "120"))
FULL = 1000
LIMIT_SECONDS = 200 + MESSAGES * 1.1
PUBLIC_URL = "https://views.example.org"
PEOPLE = 400
CHATS = 60
VIEW = "Não fechem a biblioteca! لا تغلقوا المكتبة 📚"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ffffff7f0009fb"
    "03fd2a86e38a0000000049454e44ae426082"
)
SHARED = (
    {"MessageType": "location", "Latitude": "51.5347", "Longitude": "-0.2047", "Label": "Queen's Park"},
    {"MessageType": "reaction"},
)
MARK = re.compile(r"#(\d+)#")
# At least these must have been met; what else is met must have killed too.
MOMENTS = {
    f"{moment} {what}"
    for moment in ("before", "after")
    for what in (
        "a commit",
        "an append to the write-ahead file",
        "the shortening of the write-ahead file",
        "the writing of a file",
        "a request to the assistant",
        "a request to Twilio",
    )
} | {"after INSERT message", "after UPDATE conversation", "after INSERT delivery", "after INSERT opt_out"}
WAITING = {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}


class Mortal:
    """The child, which lives again each time it has died."""

    def __init__(self, folder: Path, settings: dict[str, Any], port: int) -> None:
        self._folder = folder
        is_full = MESSAGES >= FULL
        values = {"folder": str(folder), "settings": settings, "port": port, "is_full": is_full}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.channels.kill_child", json.dumps(values)],
            cwd=PROJECT_FOLDER,
            stdout=subprocess.DEVNULL,
            stderr=(folder / "log").open("w"),
            start_new_session=True,  # a group of its own, so that stopping it stops its child too
        )

    def calm_down(self) -> None:
        """From now on only a point that was not met before kills."""
        (self._folder / "calm").touch()

    @property
    def deaths(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self._folder / "deaths.json").read_text())
        return found

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)


@dataclass
class Crowd:
    """Everybody who writes, each message again until it was acknowledged and each third once more."""

    http: httpx.Client
    account: StandInAccount
    end: float
    chats: dict[int, tuple[str, str]] = field(default_factory=dict)  # id and token
    shared: list[str] = field(default_factory=list)  # SIDs of places and reactions
    beginning: list[threading.Lock] = field(default_factory=lambda: [threading.Lock() for _ in range(CHATS)])

    def write(self, number: int) -> None:
        text = f"{VIEW} #{number}#"
        if number % 5 == 3:
            self._chat(number, text)
            return
        if number % 50 == 49:  # somebody else, who has enough: by the carrier's word and by one of ours
            text, sender = ("STOP" if number % 100 == 49 else "PARAR"), f"+4477008{number:05d}"
        else:
            sender = f"+4477009{number % PEOPLE:05d}"
        if number % 3 == 1:
            sender = WHATSAPP + sender
        pictures = [("image/png", PICTURE)] if number % 20 == 7 else []
        _, url, parameters = self.account.take_in(from_=sender, body=text, media=pictures)
        self._deliver(url, parameters, times=1 + (number % 3 == 0))
        if number % 3 == 1 and number % 4 == 0:
            self._share(SHARED[number // 4 % len(SHARED)], sender)

    def _share(self, extra: dict[str, str], sender: str) -> None:
        """Something that is no words, twice."""
        body = "👍" if extra["MessageType"] == "reaction" else ""
        message, url, parameters = self.account.take_in(from_=sender, body=body)
        self.shared.append(message.sid)
        self._deliver(url, {**parameters, **extra}, times=2)

    def _deliver(self, url: str, parameters: dict[str, str], *, times: int) -> None:
        signature = RequestValidator(AUTH_TOKEN).compute_signature(url, parameters)
        path = url.removeprefix(PUBLIC_URL)
        for _ in range(times):
            self._until(204, path, data=parameters, headers={"X-Twilio-Signature": signature})

    def _chat(self, number: int, text: str) -> None:
        which = number // 5 % CHATS
        with self.beginning[which]:
            if which not in self.chats:
                made = self._until(201, "/chat/conversations").json()
                self.chats[which] = (made["conversation_id"], made["token"])
        conversation_id, token = self.chats[which]
        for _ in range(1 + (number % 3 == 0)):
            self._until(
                202,
                f"/chat/conversations/{conversation_id}/messages",
                json={"client_message_id": f"m{number}", "text": text},
                headers={"Authorization": f"Bearer {token}"},
            )

    def _until(self, wanted: int, path: str, **values: Any) -> httpx.Response:
        while time.monotonic() < self.end:
            try:
                answer = self.http.post(path, **values)
                if answer.status_code == wanted:
                    return answer
            except httpx.HTTPError:
                pass  # it has died: a sender sees a broken connection and tries again
            time.sleep(0.1)
        raise AssertionError(f"{path} was not acknowledged in time")


@contextmanager
def stoppable(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[FlaggedDatabase | Cluster]:
    if kind == "sqlite":
        yield FlaggedDatabase(request.getfixturevalue("sqlite_database"), folder / "database-is-down")
    else:
        with cluster() as made:
            yield made


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_SECONDS + 60)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_or_doubled_however_often_the_process_is_killed(kind, request, tmp_path):
    bot = FakeBot(TOKEN)
    bot.replies = lambda message: [
        reply("submission_saved", reference=f"#{number}#") for number in MARK.findall(message["text"])
    ]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    local = f"http://127.0.0.1:{port}"
    account = StandInAccount(
        ACCOUNT_SID,
        AUTH_TOKEN,
        sms_number=SMS_NUMBER,
        whatsapp_number=WHATSAPP_NUMBER,
        public_url=PUBLIC_URL,
        local_url=local,
    )
    with (
        stoppable(kind, request, tmp_path) as store,
        Served(create_stand_in(account)) as twilio,
        httpx.Client(base_url=local, timeout=15, limits=httpx.Limits(max_connections=40)) as http,
    ):
        account.api_url = twilio.url
        settings = {
            "data": str(tmp_path / "data"),
            "database_url": store.url,
            "bot_url": bot.url,
            "internal_token": TOKEN,
            "twilio_account_sid": ACCOUNT_SID,
            "twilio_auth_token": AUTH_TOKEN,
            "twilio_sms_number": SMS_NUMBER,
            "twilio_whatsapp_number": WHATSAPP_NUMBER,
            "twilio_api_url": twilio.url,
            "public_url": PUBLIC_URL,
        }
        started = time.monotonic()
        crowd = Crowd(http, account, started + LIMIT_SECONDS)
        mortal = Mortal(tmp_path, settings, port)
        try:
            with ThreadPoolExecutor(12) as pool:
                done = [pool.submit(crowd.write, number) for number in range(MESSAGES)]
                for third in (1, 2):  # the database is stopped twice in the middle
                    while sum(one.done() for one in done) < MESSAGES * third // 3:
                        assert time.monotonic() < crowd.end, "too slow to begin with"
                        time.sleep(0.05)
                    store.stop()
                    time.sleep(3)
                    store.start()
                for one in done:
                    one.result()
            acknowledged_after = time.monotonic() - started
            mortal.calm_down()
            while not is_finished():
                assert time.monotonic() < crowd.end, "not everything was answered in time"
                time.sleep(0.5)
            answered_after = time.monotonic() - started
        finally:
            mortal.stop()
            account.stop()
            bot.close()
        deaths = mortal.deaths
        check_records(crowd)
        check_answers(account)
        print(  # the figures of docs/figures.md
            f"\n{kind}: {MESSAGES} messages, {len(crowd.shared)} places and reactions, "
            f"{sum(deaths.values())} deaths at {len(deaths)} points, all "
            f"acknowledged after {acknowledged_after:.0f} s and answered after {answered_after:.0f} s; "
            "lost 0, doubled 0"
        )
        assert {moment for point in deaths for moment in MOMENTS if point.startswith(moment)} == MOMENTS


def check_records(crowd: Crowd) -> None:
    """Each message once and as it came, each wish to stop obeyed, each picture kept."""
    inbound = [message for message in rows(Message) if message.direction == Direction.INBOUND]
    on_phone = [message for message in inbound if message.channel != Channel.WEB_CHAT]
    written = {one.sid: one.body for one in crowd.account.messages.values() if one.direction == "inbound"}
    kept = collections.Counter(message.provider_message_id for message in on_phone)
    assert set(kept) == set(written), "lost"
    assert set(kept.values()) == {1}, "doubled"
    shared = set(crowd.shared)
    assert all(
        message.original_text == ("" if message.provider_message_id in shared else written[sid])
        for message in on_phone
        if (sid := message.provider_message_id)
    )
    assert {item.message_id for item in rows(SharedItem)} == {
        message.id for message in on_phone if message.provider_message_id in shared
    }

    chatted = {
        (uuid.UUID(crowd.chats[number // 5 % CHATS][0]), f"{VIEW} #{number}#")
        for number in range(MESSAGES)
        if number % 5 == 3
    }
    on_web = [(one.conversation_id, one.original_text) for one in inbound if one.channel == Channel.WEB_CHAT]
    assert sorted(on_web, key=str) == sorted(chatted, key=str)

    stops = [body for sid, body in written.items() if sid not in shared and not MARK.search(body)]
    assert len({row.address_id for row in rows(OptOut)}) == len(stops)
    pictures = rows(MediaFile)
    assert len(pictures) == sum(bool(one.media) for one in crowd.account.messages.values())
    assert {picture.state for picture in pictures} == {MediaState.STORED}


def check_answers(account: StandInAccount) -> None:
    """Each view was answered, and once: on the telephone by what Twilio took, in the chat by the record."""
    outbound = [message for message in rows(Message) if message.direction == Direction.OUTBOUND]
    said = [one.body for one in account.messages.values() if one.direction != "inbound"]
    said += [message.text for message in outbound if message.channel == Channel.WEB_CHAT]
    answers = collections.Counter(mark for text in said for mark in MARK.findall(text))
    views = {str(number) for number in range(MESSAGES) if number % 50 != 49 or number % 5 == 3}
    assert set(answers) == views, "not answered"
    assert set(answers.values()) == {1}, "answered twice"


def is_finished() -> bool:
    """Everything was answered, sent and fetched; read while the process still works."""
    return not any(
        message.handled_at is None
        if message.direction == Direction.INBOUND
        else message.delivery_status in WAITING
        for message in rows(Message)
    ) and not any(one.state == MediaState.TO_FETCH for one in rows(MediaFile))
