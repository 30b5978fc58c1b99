"""2,000 messages arrive while the process dies at its write points: none lost, none double."""

from __future__ import annotations

import collections
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from submissions.models import DeliveryStatus, Direction, Message, OptOut
from submissions.settings import PROJECT_FOLDER
from tests.channels.conftest import TOKEN
from tests.channels.phone import rows
from tests.fakes.bot import FakeBot, reply
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio, encoded, signature_of, webhook_form

MESSAGES = int(os.environ.get("OWNWORDS_TEST_KILL_MESSAGES", "2000"))
LIMIT_SECONDS = 175
# A machine that is busy with other things begins fewer than 2,000; the figures say how many it were.
BEGIN_SECONDS = 80
FEWEST = 100
PUBLIC_URL = "https://views.example.org"
SENDERS = 400
VIEW = "Não fechem a biblioteca! لا تغلقوا المكتبة 📚"
POINTS = {
    "before a commit",
    "after a commit",
    "between a statement and its commit",
    "before an append to the write-ahead file",
    "after an append to the write-ahead file",
    "before the shortening of the write-ahead file",
    "after the shortening of the write-ahead file",
    "before a request to Twilio",
    "after a request to Twilio",
}


def mixed_message(number: int) -> dict[str, str]:
    """Texts, voice notes and WhatsApp messages of 400 people; every fiftieth is a STOP of somebody else."""
    sid = f"SM{number:032x}"
    if number % 50 == 49:
        return webhook_form(sid, "STOP", f"+4477008{number:05d}")
    sender = f"+4477009{number % SENDERS:05d}"
    if number % SENDERS % 3 == 1:
        sender = f"whatsapp:{sender}"
    media = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/m", "MediaContentType0": "audio/ogg"}
    return webhook_form(sid, f"{VIEW} #{number}#", sender, **(media if number % 20 == 7 else {}))


class Mortal:
    """The child, which lives again each time it has died."""

    def __init__(self, folder: Path, settings: dict[str, str], port: int) -> None:
        self._folder = folder
        self.die_with(0.0002)
        values = {"folder": str(folder), "settings": settings, "port": port}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.channels.kill_child", json.dumps(values)],
            cwd=PROJECT_FOLDER,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a group of its own, so that stopping it stops its child too
        )

    def die_with(self, probability: float) -> None:
        """The probability of a death at each write point, from the next life on."""
        (self._folder / "probability").write_text(str(probability))

    @property
    def deaths(self) -> int:
        return int((self._folder / "lives").read_text()) - 1

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)


def deliver(http: httpx.Client, form: dict[str, str], begin_until: float, end: float) -> bool:
    """As Twilio with `rc` set: again until it is acknowledged; each third message once more afterwards.

    False when it was too late to begin.
    """
    if time.monotonic() > begin_until:
        return False
    path = "/twilio/whatsapp" if form["From"].startswith("whatsapp:") else "/twilio/sms"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature_of(PUBLIC_URL + path, form),
    }
    acknowledged = 0
    wanted = 2 if form["MessageSid"][-1] in "0369c" else 1
    while acknowledged < wanted:
        assert time.monotonic() < end, "not acknowledged in time"
        try:
            if http.post(path, content=encoded(form), headers=headers).status_code == 204:
                acknowledged += 1
                continue
        except httpx.HTTPError:
            pass  # it has died; Twilio would see the same
        time.sleep(0.2)
    return True


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nothing_is_lost_or_doubled_however_often_the_process_is_killed(sqlite_database, tmp_path):
    twilio, bot = FakeTwilio(), FakeBot(TOKEN)
    bot.replies = lambda message: [
        reply("submission_saved", reference=f"#{message['text'].rpartition(' ')[2].strip('#')}#")
    ]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "data": str(tmp_path / "data"),
        "database_url": sqlite_database,
        "bot_url": bot.url,
        "internal_token": TOKEN,
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": AUTH_TOKEN,
        "twilio_api_url": twilio.url,
        "public_url": PUBLIC_URL,
    }
    started = time.monotonic()
    end = started + LIMIT_SECONDS
    forms = [mixed_message(number) for number in range(MESSAGES)]
    mortal = Mortal(tmp_path, settings, port)
    flag = tmp_path / "database-is-down"
    try:
        with (
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=15) as http,
            ThreadPoolExecutor(12) as pool,
        ):
            done = [pool.submit(deliver, http, form, started + BEGIN_SECONDS, end) for form in forms]
            for third in (1, 2):  # the database is stopped twice in the middle
                while (
                    sum(one.done() for one in done) < MESSAGES * third // 3
                    and time.monotonic() < started + BEGIN_SECONDS * third / 3
                ):
                    time.sleep(0.1)
                flag.touch()
                time.sleep(4)
                flag.unlink()
            forms = [form for form, one in zip(forms, done, strict=True) if one.result()]
        acknowledged_after = time.monotonic() - started
        mortal.die_with(0.0)  # from its next life on, if this one ends at all
        while time.monotonic() < end and not is_finished():
            time.sleep(0.5)
    finally:
        mortal.stop()
        twilio.close()
        bot.close()

    inbound = [message for message in rows(Message) if message.direction == Direction.INBOUND]
    kept = collections.Counter(message.provider_message_id for message in inbound)
    lost = {form["MessageSid"] for form in forms} - set(kept)
    doubled = {sid for sid, count in kept.items() if count > 1}
    stops = [form for form in forms if form["Body"] == "STOP"]
    assert len(forms) >= min(FEWEST, MESSAGES)
    texts = {form["MessageSid"]: form["Body"] for form in forms}
    assert (lost, doubled) == (set(), set())
    assert all(message.original_text == texts[message.provider_message_id] for message in inbound)
    assert len({row.address_id for row in rows(OptOut)}) == len(stops)

    sent = collections.Counter(body.split("#")[1] for body in twilio.bodies() if body.count("#") >= 2)
    answered = {form["Body"].split("#")[1] for form in forms if form["Body"] != "STOP"}
    assert {number for number, count in sent.items() if count > 1} == set()
    # Where the time was over first, what is not sent yet must be waiting in the record: that is not lost.
    replies = replies_by_message()
    waiting = {row.original_text.split("#")[1] for row in inbound if is_waiting(row, replies)}
    assert answered - set(sent) - waiting == set()
    deaths = json.loads((tmp_path / "deaths.json").read_text())
    print(  # the figures of docs/figures.md
        f"\n{len(forms)} messages, {mortal.deaths} deaths, acknowledged after {acknowledged_after:.0f} s, "
        f"{len(answered & set(sent))} answered after {time.monotonic() - started:.0f} s; lost 0, doubled 0; "
        f"{deaths}"
    )
    assert set(deaths) >= POINTS


def replies_by_message() -> dict[object, list[Message]]:
    replies: dict[object, list[Message]] = collections.defaultdict(list)
    for message in rows(Message):
        replies[message.in_reply_to_id].append(message)
    return replies


def is_waiting(message: Message, replies: dict[object, list[Message]]) -> bool:
    """Not answered yet, or its answer has not gone out yet."""
    waiting = {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}
    return "#" in message.original_text and (
        message.handled_at is None or any(reply.delivery_status in waiting for reply in replies[message.id])
    )


def is_finished() -> bool:
    waiting = {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}
    return not any(
        message.handled_at is None
        if message.direction == Direction.INBOUND
        else message.delivery_status in waiting
        for message in rows(Message)
    )
