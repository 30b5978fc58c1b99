"""What the official client sends and what the stand-in answers, against Twilio's own API description.

The description lies beside the project and is not part of it; the smaller twin describes a few operations in
its own words, so that the check itself is always run.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from requests.adapters import HTTPAdapter
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from channels.simulator.account import StandInAccount
from tests.channels.simulator.conftest import RESIDENT, SERVICE_SID, SMS_NUMBER, WHATSAPP_NUMBER

DESCRIPTIONS = Path(__file__).resolve().parents[4] / "shared" / "twilio"
FILES = {
    "https://api.twilio.com": "twilio_api_v2010.json",
    "https://content.twilio.com": "twilio_content_v1.json",
}


class CheckedAdapter(HTTPAdapter):
    """Sends as usual, and holds each request and each answer against the description of its host."""

    def __init__(self, descriptions: dict[str, OpenAPI]) -> None:
        super().__init__()
        self._descriptions = descriptions
        self.checked: list[str] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        host = "https://content.twilio.com" if "/v1/Content" in request.url else "https://api.twilio.com"
        parts = urlsplit(request.url)
        official = request.copy()
        official.url = host + parts.path + (f"?{parts.query}" if parts.query else "")
        description = self._descriptions[host]
        description.validate_request(RequestsOpenAPIRequest(official))
        answer = super().send(request, *args, **kwargs)
        if answer.status_code < 400:  # Twilio describes no errors
            description.validate_response(RequestsOpenAPIRequest(official), RequestsOpenAPIResponse(answer))
        self.checked.append(f"{request.method} {re.sub('[A-Z]{2}[0-9a-f]{32}', '*', parts.path)}")
        return answer


@pytest.fixture(scope="module")
def official_descriptions() -> dict[str, OpenAPI]:
    if not DESCRIPTIONS.is_dir():
        pytest.skip("Twilio's API descriptions are not beside the project")
    return {
        host: OpenAPI.from_dict(_of_interest(json.loads((DESCRIPTIONS / name).read_text())))
        for host, name in FILES.items()
    }


def _of_interest(description: dict[str, Any]) -> dict[str, Any]:
    """The description with the paths we use, unchanged; the rest takes seconds to load."""
    description["paths"] = {
        path: item
        for path, item in description["paths"].items()
        if "/Messages" in path or path.startswith("/v1/Content")
    }
    return description


def check(client: Client, descriptions: dict[str, OpenAPI]) -> CheckedAdapter:
    adapter = CheckedAdapter(descriptions)
    client.http_client.session.mount("http://", adapter)
    return adapter


QUICK_REPLY = ContentList.ContentCreateRequest(
    {
        "friendly_name": "options",
        "language": "pt",
        "types": {
            "twilio/quick-reply": {
                "body": "Posso guardar a sua opinião?",
                "actions": [
                    {"type": "QUICK_REPLY", "title": "Sim", "id": "affirm"},
                    {"type": "QUICK_REPLY", "title": "Não", "id": "deny"},
                ],
            }
        },
    }
)


APPROVAL = ApprovalCreateList.ContentApprovalRequest({"name": "options", "category": "UTILITY"})


def test_every_request_and_answer_is_as_twilio_describes_it(
    account: StandInAccount, client: Client, official_descriptions: dict[str, OpenAPI]
) -> None:
    adapter = check(client, official_descriptions)
    account.receive(from_=f"whatsapp:{RESIDENT}", body="Olá", media=[("audio/ogg", b"OggS")])
    callback = "https://views.example.org/twilio/status"
    sms = client.messages.create(
        to=RESIDENT, from_=SMS_NUMBER, body="Zażółć gęślą jaźń 😀", status_callback=callback
    )
    assert (sms.body, sms.to, sms.from_) == ("Zażółć gęślą jaźń 😀", RESIDENT, SMS_NUMBER)
    by_service = client.messages.create(to=RESIDENT, messaging_service_sid=SERVICE_SID, body="Hi")
    assert by_service.status == "accepted"
    assert by_service.sid != sms.sid
    content = client.content.v1.contents.create(QUICK_REPLY)
    assert client.content.v1.contents(content.sid).fetch().language == "pt"
    approval = client.content.v1.contents(content.sid).approval_create.create(APPROVAL)
    assert approval.status == "approved"
    found = client.content.v1.contents(content.sid).approval_fetch().fetch()
    assert (found.sid, found.whatsapp["status"], found.whatsapp["name"]) == (
        content.sid,
        "approved",
        "options",
    )
    whatsapp = client.messages.create(
        to=f"whatsapp:{RESIDENT}", from_=f"whatsapp:{WHATSAPP_NUMBER}", content_sid=content.sid
    )
    assert whatsapp.body == "Posso guardar a sua opinião?"
    later = client.messages.create(
        to=RESIDENT,
        messaging_service_sid=SERVICE_SID,
        body="Later",
        schedule_type="fixed",
        send_at=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
    )
    assert client.messages(later.sid).update(status="canceled").status == "canceled"
    assert client.messages(later.sid).update(body="").body == ""
    assert client.messages(later.sid).delete()
    assert client.messages(sms.sid).fetch().sid == sms.sid
    assert [one.sid for one in client.messages.list(to=RESIDENT, page_size=1)] == [by_service.sid, sms.sid]
    voice_note = client.messages.list(from_=f"whatsapp:{RESIDENT}")[0]
    media = client.messages(voice_note.sid).media.list()
    assert media[0].content_type == "audio/ogg"
    assert client.messages(voice_note.sid).media(media[0].sid).fetch().parent_sid == voice_note.sid
    assert client.messages(voice_note.sid).media(media[0].sid).delete()
    account_path = "/2010-04-01/Accounts/*/Messages"
    assert set(adapter.checked) == {
        f"POST {account_path}.json",
        f"GET {account_path}.json",
        f"GET {account_path}/*.json",
        f"POST {account_path}/*.json",
        f"DELETE {account_path}/*.json",
        f"GET {account_path}/*/Media.json",
        f"GET {account_path}/*/Media/*.json",
        f"DELETE {account_path}/*/Media/*.json",
        "POST /v1/Content",
        "GET /v1/Content/*",
        "GET /v1/Content/*/ApprovalRequests",
        "POST /v1/Content/*/ApprovalRequests/whatsapp",
    }


SMALL_TWIN = {
    "openapi": "3.0.1",
    "info": {"title": "A few operations in our own words", "version": "1"},
    "servers": [{"url": "https://api.twilio.com"}],
    "paths": {
        "/2010-04-01/Accounts/{AccountSid}/Messages.json": {
            "parameters": [
                {
                    "name": "AccountSid",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^AC[0-9a-f]{32}$"},
                }
            ],
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {
                                "type": "object",
                                "required": ["To"],
                                "properties": {
                                    "To": {"type": "string"},
                                    "From": {"type": "string"},
                                    "Body": {"type": "string"},
                                },
                            }
                        }
                    },
                },
                "responses": {
                    "201": {
                        "description": "Created",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["sid", "status", "num_segments"],
                                    "properties": {
                                        "sid": {"type": "string", "pattern": "^(SM|MM)[0-9a-f]{32}$"},
                                        "status": {"enum": ["queued", "accepted", "scheduled"]},
                                        "num_segments": {"type": "string"},
                                    },
                                }
                            }
                        },
                    }
                },
            },
        }
    },
}


def test_the_check_works_with_a_description_of_our_own(account: StandInAccount, client: Client) -> None:
    adapter = check(client, {"https://api.twilio.com": OpenAPI.from_dict(SMALL_TWIN)})
    client.messages.create(to=RESIDENT, from_=SMS_NUMBER, body="مرحبا")
    assert adapter.checked == ["POST /2010-04-01/Accounts/*/Messages.json"]


def test_the_check_finds_a_request_that_is_not_as_described(account: StandInAccount, client: Client) -> None:
    adapter = check(client, {"https://api.twilio.com": OpenAPI.from_dict(SMALL_TWIN)})
    url = f"{account.api_url}/2010-04-01/Accounts/{account.account_sid}/Messages.json"
    with pytest.raises(Exception, match="Request body validation error"):
        client.http_client.session.post(url, data={"Body": "to nobody"})
    assert adapter.checked == []
