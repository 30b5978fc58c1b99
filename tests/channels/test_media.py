"""Fetching files from the carrier: only from there, only whole, never too much, and once."""

from __future__ import annotations

import datetime as dt
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from channels.media import MediaRefused, MediaUnavailable, MediaWorker, fetch
from channels.settings import Settings
from channels.twilio_client import TwilioAccount
from submissions.addresses import configure_keys
from submissions.conversations import record_inbound_message, start_conversation
from submissions.database import unit_of_work
from submissions.media import MediaStore, claim_next_fetch
from submissions.models import Channel, MediaFile, MediaState, Message, utc_now
from tests.channels.simulator.conftest import ACCOUNT_SID, TOKEN, account  # noqa: F401  a fixture

OGG = b"OggS" + bytes(range(256)) * 40


class Carrier:
    """A server whose answers a test decides; notes what it was asked, with which credentials."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        carrier = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                carrier.asked.append((self.path, self.headers.get("Authorization")))
                carrier.answer(self)

            def log_message(self, *_: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        kind = request.path.strip("/")
        if kind.startswith("to="):
            request.send_response(307)
            request.send_header("Location", kind.removeprefix("to="))
            request.end_headers()
            return
        request.send_response(int(kind) if kind.isdecimal() else 200)
        if kind == "cut":
            request.send_header("Content-Length", str(len(OGG) * 2))
        elif kind == "declared-large":
            request.send_header("Content-Length", "99999999")
        elif kind == "packed":
            request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        for _ in range(50 if kind == "endless" else 0 if kind == "empty" else 1):
            request.wfile.write(OGG)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    made = Carrier()
    yield made
    made.close()


@pytest.fixture
def elsewhere() -> Iterator[Carrier]:
    made = Carrier()
    yield made
    made.close()


def fetched(carrier: Carrier, path: str, limit: int = 100_000) -> bytes:
    return fetch(TwilioAccount(ACCOUNT_SID, TOKEN, api_url=carrier.url), carrier.url + path, limit=limit)


def test_a_file_is_fetched_with_our_credentials_and_through_redirects_without_them(carrier):
    assert fetched(carrier, "/to=/file") == OGG
    assert [path for path, _ in carrier.asked] == ["/to=/file", "/file"]
    first, second = (credentials for _, credentials in carrier.asked)
    assert first.startswith("Basic ")
    assert second is None


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/file",
        "https://api.twilio.com.evil.example/file",
        "https://api.twilio.com@127.0.0.1/file",
        "http://api.twilio.com/file",
        "https://api.twilio.com:8443/file",
        "file:///etc/passwd",
        "http://[::1/file",
        "",
    ],
)
def test_credentials_go_to_twilios_own_host_only(url):
    with pytest.raises(MediaRefused):
        fetch(TwilioAccount(ACCOUNT_SID, TOKEN), url)


def test_a_redirect_into_a_private_network_is_not_followed(carrier, elsewhere):
    for target in (
        elsewhere.url + "/file",  # another port of this machine, plain
        elsewhere.url.replace("http:", "https:") + "/file",
        "https://localhost/file",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/file",
        "https://[::1]/file",
        "https://[::ffff:127.0.0.1]/file",
        "https://user@127.0.0.1/file",
        "ftp://example.org/file",
    ):
        with pytest.raises(MediaRefused):
            fetched(carrier, f"/to={target}")
    assert elsewhere.asked == []


def test_a_circle_of_redirects_ends(carrier):
    carrier.answer = lambda request: (
        request.send_response(302),
        request.send_header("Location", "/again"),
        request.end_headers(),
    )
    with pytest.raises(MediaRefused, match="redirects"):
        fetched(carrier, "/start")
    assert len(carrier.asked) == 4


@pytest.mark.parametrize("kind", ["declared-large", "endless"])
def test_too_much_is_refused_however_it_comes(carrier, kind):
    with pytest.raises(MediaRefused, match="too large"):
        fetched(carrier, f"/{kind}")


@pytest.mark.parametrize("kind", ["cut", "empty", "404", "401", "429", "503"])
def test_what_may_come_whole_later_is_tried_again(carrier, kind):
    with pytest.raises(MediaUnavailable):
        fetched(carrier, f"/{kind}")


def test_a_packed_answer_is_refused(carrier):
    with pytest.raises(MediaRefused, match="packed"):
        fetched(carrier, "/packed")


# ---- the rows, and the files on disk


@pytest.fixture
def worker(sqlite_database, tmp_path, carrier) -> MediaWorker:
    settings = Settings(
        data=tmp_path / "data",
        twilio_account_sid=ACCOUNT_SID,
        twilio_auth_token=TOKEN,
        twilio_api_url=carrier.url,
    )
    configure_keys(settings)
    return MediaWorker(settings)


def add_media(url: str, declared_type: str = "audio/ogg"):
    with unit_of_work() as db:
        conversation = start_conversation(db, channel=Channel.WHATSAPP)
        message = record_inbound_message(
            db,
            conversation_id=conversation.id,
            channel=Channel.WHATSAPP,
            provider_message_id=url[-40:],
            original_text="",
        )
        media = MediaFile(message_id=message.id, position=0, source_url=url, declared_type=declared_type)
        db.add(media)
        db.flush()
        return media.id


def row(media_id) -> MediaFile | None:
    with unit_of_work(read_only=True) as db:
        return db.get(MediaFile, media_id)


def test_a_file_is_stored_once_encrypted_and_known_by_its_content(worker, carrier):
    picture = b"\xff\xd8\xff\xe0" + b"picture" * 50
    carrier.answer = lambda request: (
        request.send_response(200),
        request.end_headers(),
        request.wfile.write(picture),
    )
    media_id = add_media(carrier.url + "/file", declared_type="audio/ogg")
    assert worker.fetch_next()
    assert not worker.fetch_next()
    media = row(media_id)
    assert (media.state, media.detected_type, media.byte_count) == (
        MediaState.STORED,
        "image/jpeg",
        len(picture),
    )
    path = worker.store.folder / media.stored_name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"picture" not in path.read_bytes()
    assert worker.store.read(media.stored_name) == picture


def test_a_file_from_the_wrong_place_is_refused_for_good(worker, elsewhere):
    media_id = add_media(elsewhere.url + "/file")
    assert worker.fetch_next()
    assert (row(media_id).state, row(media_id).last_error) == (
        MediaState.REFUSED,
        "not at the carrier's address",
    )
    assert elsewhere.asked == []


def test_trouble_is_tried_again_with_growing_waits_and_at_last_given_up(worker, carrier):
    media_id = add_media(carrier.url + "/503")
    waits = []
    for _ in range(7):
        assert worker.fetch_next()
        media = row(media_id)
        if media.next_attempt_at is None:
            break
        waits.append(round((media.next_attempt_at - utc_now()).total_seconds()))
        with unit_of_work() as db:
            db.get(MediaFile, media_id).next_attempt_at = utc_now()
    assert waits == pytest.approx([5, 30, 120, 600, 3600, 21600], abs=2)
    assert (row(media_id).state, row(media_id).last_error) == (MediaState.FAILED, "HTTP 503")


def test_a_fetch_is_one_workers_until_its_lease_is_over(worker, carrier):
    media_id = add_media(carrier.url + "/file")
    assert claim_next_fetch().media_id == media_id
    assert claim_next_fetch() is None
    with unit_of_work() as db:
        db.get(MediaFile, media_id).next_attempt_at = utc_now()
    assert worker.fetch_next()
    assert row(media_id).state == MediaState.STORED


def test_files_of_erased_messages_go_from_the_disk(worker, carrier, tmp_path):
    media_id = add_media(carrier.url + "/file")
    worker.fetch_next()
    other = add_media(carrier.url + "/file2")
    worker.fetch_next()
    with unit_of_work() as db:
        db.delete(db.get(Message, row(media_id).message_id))
    store = MediaStore(tmp_path / "data")
    with unit_of_work(read_only=True) as db:
        assert store.remove_unknown(db) == 0  # perhaps still being written
        assert store.remove_unknown(db, older_than=dt.timedelta(0)) == 1
    assert [path.name for path in store.folder.iterdir()] == [row(other).stored_name]


def test_a_voice_note_comes_through_the_stand_in(sqlite_database, tmp_path, account):  # noqa: F811
    settings = Settings(
        data=tmp_path / "data",
        twilio_account_sid=ACCOUNT_SID,
        twilio_auth_token=TOKEN,
        twilio_api_url=account.api_url,
    )
    configure_keys(settings)
    message = account.receive(from_="whatsapp:+447700900123", media=[("audio/ogg", OGG)])
    url = f"{account.api_url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{message.sid}/Media/"
    media_id = add_media(url + message.media[0].sid)
    assert MediaWorker(settings).fetch_next()
    assert (row(media_id).state, row(media_id).byte_count) == (MediaState.STORED, len(OGG))
