"""A second opinion on the stand-in: Prism, a proxy of other hands, holds exchanges against Twilio's words.

It is asked where a `prism` is on the path (npm install @stoplight/prism-cli) and the description lies beside
the project; `test_contract` asks the first opinion everywhere.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from channels.simulator.account import StandInAccount
from channels.twilio_client import TwilioAccount, make_client
from tests.channels.simulator.conftest import ACCOUNT_SID, RESIDENT, SMS_NUMBER, TOKEN
from tests.channels.simulator.test_contract import APPROVAL, DESCRIPTIONS, FILES, QUICK_REPLY, _of_interest

pytestmark = pytest.mark.slow
PRISM = shutil.which("prism")
START_SECONDS = 60


def as_answered(description: object) -> object:
    """The description, but for the addresses of pages: Twilio describes whole ones and answers with paths.

    Its client puts the host before them.
    """
    if isinstance(description, list):
        return [as_answered(one) for one in description]
    if not isinstance(description, dict):
        return description
    cleared = {key: as_answered(value) for key, value in description.items()}
    for name in ("uri", "first_page_uri", "next_page_uri", "previous_page_uri"):
        if isinstance(cleared.get(name), dict):
            cleared[name].pop("format", None)
    return cleared


@contextlib.contextmanager
def prism_before(upstream: str, host: str, folder: Path) -> Iterator[str]:
    """The address of a proxy that answers with an error where an exchange is not as described."""
    if PRISM is None or not DESCRIPTIONS.is_dir():
        pytest.skip("prism is not on the path, or Twilio's API descriptions are not beside the project")
    description = folder / FILES[host]
    official = json.loads((DESCRIPTIONS / FILES[host]).read_text())
    description.write_text(json.dumps(as_answered(_of_interest(official))))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [PRISM, "proxy", str(description), upstream, "--errors", "-h", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, "prism ended at once"
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url)
                break
            assert time.monotonic() < deadline, "prism does not answer"
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def client_at(url: str) -> Client:
    return make_client(TwilioAccount(ACCOUNT_SID, TOKEN, api_url=url))


def test_prism_finds_messages_as_described(account: StandInAccount, tmp_path: Path) -> None:
    with prism_before(account.api_url, "https://api.twilio.com", tmp_path) as url:
        client = client_at(url)
        sms = client.messages.create(to=RESIDENT, from_=SMS_NUMBER, body="Zażółć gęślą jaźń 😀")
        assert client.messages(sms.sid).fetch().body == "Zażółć gęślą jaźń 😀"
        assert [one.sid for one in client.messages.list(to=RESIDENT)] == [sms.sid]
        account.receive(from_=f"whatsapp:{RESIDENT}", body="Olá", media=[("audio/ogg", b"OggS")])
        voice_note = client.messages.list(from_=f"whatsapp:{RESIDENT}")[0]
        assert client.messages(voice_note.sid).media.list()[0].content_type == "audio/ogg"
        # The proxy does object: without it this test could not fail.
        answer = httpx.post(
            f"{url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json",
            data={"Body": "To nobody"},
            auth=(ACCOUNT_SID, TOKEN),
        )
        assert answer.status_code == 422
        assert "To" in answer.text


def test_prism_finds_content_as_described(account: StandInAccount, tmp_path: Path) -> None:
    with prism_before(account.api_url, "https://content.twilio.com", tmp_path) as url:
        client = client_at(url)
        content = client.content.v1.contents.create(QUICK_REPLY)
        assert client.content.v1.contents(content.sid).fetch().language == "pt"
        assert client.content.v1.contents(content.sid).approval_create.create(APPROVAL).status == "approved"
        with pytest.raises(TwilioRestException):
            client.content.v1.contents("HXnotone").fetch()
