"""Fetches voice notes, pictures and documents from the carrier, outside the webhook that told of them.

The address comes from a webhook whose signature was checked, and is not trusted all the same: our credentials
go to Twilio's own host only, redirects are followed without them, and nothing inside this network is asked.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
from urllib.parse import urljoin, urlsplit

import httpx

from channels.errors import ChannelError
from channels.faults import fault
from channels.settings import Settings
from channels.twilio_client import TwilioAccount, twilio_account
from submissions.database import unit_of_work
from submissions.errors import DatabaseUnavailable, MediaNotFound
from submissions.media import (
    MAXIMUM_BYTES,
    MediaStore,
    claim_next_fetch,
    keep_content,
    record_fetch_failed,
    record_fetch_refused,
)

logger = logging.getLogger(__name__)

TWILIO_HOST = "https://api.twilio.com"
MAXIMUM_REDIRECTS = 3
TOTAL_SECONDS = 60.0
TIMEOUT = httpx.Timeout(15.0, connect=5.0)
POLL_SECONDS = 0.7
CLEAN_EVERY_SECONDS = 3600.0


class MediaRefused(ChannelError):
    """The address or what lies there is not to be fetched, now or later."""


class MediaUnavailable(ChannelError):
    """It could not be fetched this time."""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def fetch(account: TwilioAccount, url: str, *, limit: int = MAXIMUM_BYTES) -> bytes:
    """The bytes at a media address, at most `limit`. Raises MediaRefused, MediaUnavailable."""
    home = _origin(account.api_url or TWILIO_HOST)
    try:
        is_home = _origin(url) == home
    except ValueError as error:
        raise MediaRefused("not an address") from error
    if not is_home:
        raise MediaRefused("not at the carrier's address")
    deadline = time.monotonic() + TOTAL_SECONDS
    unpacked = {"Accept-Encoding": "identity"}
    credentials: httpx.BasicAuth | None = httpx.BasicAuth(account.account_sid, account.auth_token)
    with httpx.Client(timeout=TIMEOUT, trust_env=False, headers=unpacked) as client:
        for _ in range(MAXIMUM_REDIRECTS + 1):
            request = _request(client, url, home)
            try:
                answer = client.send(request, auth=credentials, stream=True, follow_redirects=False)
            except httpx.HTTPError as error:
                raise MediaUnavailable(type(error).__name__) from error
            try:
                if not answer.is_redirect:
                    return _read(answer, limit, deadline)
                # From here on without credentials: the address itself is signed.
                url, credentials = urljoin(url, answer.headers["location"]), None
            finally:
                answer.close()
    raise MediaRefused("too many redirects")


def _request(client: httpx.Client, url: str, home: str) -> httpx.Request:
    """A request to exactly the machine that was checked: its name is not looked up a second time."""
    parts = urlsplit(url)
    if _origin(url) == home:
        return client.build_request("GET", url)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise MediaRefused("redirected to an address that is not https")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise MediaUnavailable("redirected to a name that is not found") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(address.is_global and not address.is_multicast for address in addresses):
        raise MediaRefused("redirected into a private network")
    literal = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
    port = f":{parts.port}" if parts.port else ""
    pinned = parts._replace(netloc=f"{literal}{port}", fragment="").geturl()
    request = client.build_request("GET", pinned, headers={"Host": f"{parts.hostname}{port}"})
    request.extensions["sni_hostname"] = parts.hostname
    return request


def _read(answer: httpx.Response, limit: int, deadline: float) -> bytes:
    if answer.status_code in (401, 403, 404, 410) or answer.status_code >= 500 or answer.status_code == 429:
        raise MediaUnavailable(f"HTTP {answer.status_code}")  # it may not be there yet
    if answer.status_code != 200:
        raise MediaRefused(f"HTTP {answer.status_code}")
    promised = answer.headers.get("content-length", "")
    if promised.isdecimal() and int(promised) > limit:
        raise MediaRefused("too large")
    content = bytearray()
    try:
        for chunk in answer.iter_raw():
            content += chunk
            if len(content) > limit:
                raise MediaRefused("too large")
            if time.monotonic() > deadline:
                raise MediaUnavailable("too slow")
    except httpx.HTTPError as error:
        raise MediaUnavailable(type(error).__name__) from error
    if not content or (promised.isdecimal() and int(promised) != len(content)):
        raise MediaUnavailable("cut off")  # half a recording would be transcribed as if it were whole
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise MediaRefused("packed")  # nobody asked for it, and it may unpack to any size
    return bytes(content)


class MediaWorker:
    """A thread of the worker process that fetches what is due, one after the other."""

    def __init__(self, settings: Settings) -> None:
        self._account = twilio_account(settings)
        self.store = MediaStore(settings.data)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="media", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=20)

    def fetch_next(self) -> bool:
        """Fetches one file; False when none is due."""
        if self._account is None:
            return False
        task = claim_next_fetch()
        if task is None:
            return False
        try:
            content = fetch(self._account, task.source_url)
            probed = keep_content(self.store, task.media_id, content)
        except MediaRefused as error:
            record_fetch_refused(task.media_id, str(error))
            logger.warning("media %s refused: %s", task.media_id, error)
        except MediaNotFound:
            logger.info("media %s was erased while it was fetched", task.media_id)
        except (MediaUnavailable, OSError) as error:
            reason = str(error) if isinstance(error, MediaUnavailable) else type(error).__name__
            record_fetch_failed(task.media_id, reason)
            logger.warning("media %s not fetched: %s", task.media_id, reason)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  a fault of ours must not keep the other files waiting
            logger.error("media %s: a fault of ours: %s", task.media_id, fault(error))
            record_fetch_failed(task.media_id, type(error).__name__)
        else:
            logger.info("media %s stored: %s, %d bytes", task.media_id, probed.media_type, len(content))
        return True

    def _run(self) -> None:
        cleaned_at = 0.0
        while not self._stopping.is_set():
            try:
                if time.monotonic() - cleaned_at > CLEAN_EVERY_SECONDS or not cleaned_at:
                    cleaned_at = time.monotonic()
                    with unit_of_work(read_only=True) as db:
                        self.store.remove_unknown(db)
                if not self.fetch_next():
                    self._stopping.wait(POLL_SECONDS)
            except DatabaseUnavailable as error:
                logger.warning("media wait for the database: %s", error)
                self._stopping.wait(2.0)
            except Exception as error:  # noqa: BLE001  a thread that died would fetch nothing any more
                logger.error("media: a fault of ours: %s", fault(error))
                self._stopping.wait(2.0)
