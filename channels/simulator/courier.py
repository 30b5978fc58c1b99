"""Delivers the stand-in's webhooks as Twilio does: signed, one after the other, from a thread of its own."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from twilio.request_validator import RequestValidator

logger = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(15.0, connect=5.0)  # as Twilio's own


@dataclass(frozen=True)
class Delivered:
    """A webhook that was posted; `status` is None when nobody answered."""

    path: str
    parameters: dict[str, str]
    status: int | None


class Courier:
    """`public_url` is what signatures are made for; `local_url` is where the application really listens."""

    def __init__(self, auth_token: str, public_url: str, local_url: str | None = None) -> None:
        self._validator = RequestValidator(auth_token)
        self.public_url = public_url.rstrip("/")
        self.local_url = (local_url or public_url).rstrip("/")
        self.delivered: list[Delivered] = []
        self._waiting: list[tuple[float, int, str, dict[str, str]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._is_busy = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    def post_later(self, url: str, parameters: dict[str, str], seconds: float = 0.0) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._order), url, parameters))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="simulator-courier", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def post(self, url: str, parameters: dict[str, str]) -> int | None:
        """Posts now and gives the HTTP status, or None when nobody answered."""
        signature = self._validator.compute_signature(url, parameters)
        where = urlsplit(url)
        target = url
        if url.startswith(self.public_url + "/"):
            target = self.local_url + url[len(self.public_url) :]
        status: int | None = None
        try:
            answer = httpx.post(
                target,
                data=parameters,
                headers={"X-Twilio-Signature": signature, "User-Agent": "TwilioProxy/1.1"},
                timeout=TIMEOUT,
            )
            status = answer.status_code
        except httpx.HTTPError as error:
            logger.warning("simulator: no answer from %s (%s)", where.path, type(error).__name__)
        self.delivered.append(Delivered(where.path, dict(parameters), status))
        del self.delivered[:-500]
        return status

    def wait_until_idle(self, seconds: float = 10.0) -> bool:
        """Whether everything was delivered in that time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._is_busy, seconds)

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=20)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (not self._waiting or self._waiting[0][0] > time.monotonic()):
                    self._changed.wait(self._waiting[0][0] - time.monotonic() if self._waiting else None)
                if self._stopping:
                    return
                _, _, url, parameters = heapq.heappop(self._waiting)
                self._is_busy = True
            try:
                self.post(url, parameters)
            except Exception:
                logger.exception("simulator: a webhook could not be posted")
            finally:
                with self._changed:
                    self._is_busy = False
                    self._changed.notify_all()
