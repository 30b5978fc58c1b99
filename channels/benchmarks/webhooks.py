"""How fast a webhook is answered while the assistant is stopped: signed messages at a steady rate.

Starts its own web process on a free port and a database of its own in a temporary folder, so that it measures
what a resident's message meets, and nothing of the installation changes.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx
from twilio.request_validator import RequestValidator

ACCOUNT_SID, AUTH_TOKEN = "AC" + "b" * 32, "a-token-for-the-benchmark"
PUBLIC_URL = "https://bench.example.org"
START_LIMIT_SECONDS = 90
VIEW = "Não fechem a biblioteca! لا تغلقوا المكتبة 📚"
CLIENTS = 32
PEOPLE = 300


@dataclass(frozen=True)
class WebhookTimes:
    """Milliseconds from the moment a message was due to its 204, so that a queue before us counts as well."""

    milliseconds: list[float]
    per_second: float
    refused: int

    def lines(self) -> list[str]:
        cuts = statistics.quantiles(self.milliseconds, n=100, method="inclusive")
        return [
            f"{len(self.milliseconds)} messages, {self.per_second:.0f} a second, {self.refused} not kept",
            f"p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms, "
            f"longest {max(self.milliseconds):.1f} ms",
        ]


def bench_webhooks(*, per_second: int, seconds: int, database_url: str = "") -> WebhookTimes:
    """Posts `per_second` messages each second; the assistant's port is closed. Raises TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="ownwords-bench-") as folder:
        port = _free_port()
        environment = {
            **os.environ,
            "OWNWORDS_DATA": folder,
            "OWNWORDS_DATABASE_URL": database_url,
            "OWNWORDS_PORT": str(port),
            "OWNWORDS_BOT_URL": "http://127.0.0.1:9",
            "OWNWORDS_PUBLIC_URL": PUBLIC_URL,
            "OWNWORDS_TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "OWNWORDS_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "OMP_NUM_THREADS": "1",
        }
        command = str(Path(sys.executable).with_name("ownwords"))
        web = subprocess.Popen([command, "web"], env=environment, stderr=subprocess.DEVNULL)
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}",
                timeout=15,
                limits=httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS),
            ) as http:
                _wait_for(http)
                _post_steadily(http, per_second, 2)  # the first ones load what the process needs
                return _post_steadily(http, per_second, seconds)
        finally:
            web.terminate()
            web.wait(timeout=40)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        # Ours end at 45,535, to leave room for the assistant's.
        return 20_000 + int(probe.getsockname()[1]) % 20_000


def _wait_for(http: httpx.Client) -> None:
    end = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < end:
        try:
            if http.get("/openapi.json").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise TimeoutError("the web process did not start")


def _post_steadily(http: httpx.Client, per_second: int, seconds: int) -> WebhookTimes:
    validator = RequestValidator(AUTH_TOKEN)
    requests = [_request(validator, number) for number in range(per_second * seconds)]
    took: list[float] = []
    refused = 0
    lock = threading.Lock()
    start = time.monotonic() + 0.2

    def post(number: int) -> None:
        nonlocal refused
        due = start + number / per_second
        time.sleep(max(0.0, due - time.monotonic()))
        body, headers = requests[number]
        try:
            is_kept = http.post("/twilio/sms", content=body, headers=headers).status_code == 204
        except httpx.HTTPError:
            is_kept = False
        with lock:
            took.append((time.monotonic() - due) * 1000)
            refused += not is_kept

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in pool.map(post, range(len(requests))):
            pass
    return WebhookTimes(took, len(requests) / (time.monotonic() - start), refused)


def _request(validator: RequestValidator, number: int) -> tuple[bytes, dict[str, str]]:
    sid = "SM" + uuid.uuid4().hex
    form = {
        "MessageSid": sid,
        "SmsSid": sid,
        "AccountSid": ACCOUNT_SID,
        "From": f"+44770090{number % PEOPLE:04d}",
        "To": "+447700900999",
        "Body": f"{VIEW} {number}",
        "NumMedia": "0",
        "NumSegments": "1",
        "ApiVersion": "2010-04-01",
        "SmsStatus": "received",
    }
    signature = validator.compute_signature(f"{PUBLIC_URL}/twilio/sms", form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    return urlencode(form).encode(), headers
