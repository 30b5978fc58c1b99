"""What the stand-in accepts, refuses and reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
from fastapi import FastAPI, Request, Response
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from channels.simulator.account import StandInAccount
from channels.simulator.content import MAXIMUM_BUTTONS
from channels.simulator.errors import StandInRefusal
from channels.twilio_client import LimitedHttpClient
from tests.channels.conftest import wait_until
from tests.channels.simulator.conftest import (
    ACCOUNT_SID,
    RESIDENT,
    SERVICE_SID,
    SMS_NUMBER,
    TOKEN,
    WHATSAPP_NUMBER,
    Served,
)

GOOD = {"to": RESIDENT, "from_": SMS_NUMBER, "body": "Hello"}
ON_WHATSAPP = {"to": f"whatsapp:{RESIDENT}", "from_": f"whatsapp:{WHATSAPP_NUMBER}"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"from_": None}, 21603),
        ({"from_": "+447700900555"}, 21606),
        ({"from_": "whatsapp:+447700900555", "to": f"whatsapp:{RESIDENT}"}, 63007),
        ({"to": f"whatsapp:{RESIDENT}"}, 21910),
        ({"to": "banana"}, 21211),
        ({"to": ""}, 21604),
        ({"body": None}, 21619),
        ({"body": ""}, 21619),
        ({"body": "ж" * 1601}, 21617),
        ({"content_sid": "HX" + "0" * 32}, 21655),
        ({"from_": None, "messaging_service_sid": "MG" + "9" * 32}, 21701),
        ({"schedule_type": "fixed", "send_at": "2030-01-01T00:00:00Z"}, 35118),
        ({"schedule_type": "fixed", "messaging_service_sid": SERVICE_SID}, 35111),
        (
            {
                "schedule_type": "fixed",
                "messaging_service_sid": SERVICE_SID,
                "send_at": "2030-01-01T00:00:00Z",
            },
            35115,
        ),
    ],
)
def test_it_refuses_what_twilio_refuses(client: Client, changes: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(
            **{name: value for name, value in {**GOOD, **changes}.items() if value is not None}
        )
    assert (refused.value.status, refused.value.code) == (400, code)
    assert refused.value.msg


def test_a_text_of_exactly_1600_characters_is_accepted(client: Client) -> None:
    assert client.messages.create(**{**GOOD, "body": "ж" * 1600}).num_segments == "24"


def test_a_misspelt_parameter_is_refused(account: StandInAccount) -> None:
    url = f"{account.api_url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    form = {"To": RESIDENT, "From": SMS_NUMBER, "Body": "Hello", "StatusCalback": "https://example.org"}
    answer = httpx.post(url, data=form, auth=(ACCOUNT_SID, TOKEN))
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
    assert set(answer.json()) == {"code", "message", "more_info", "status"}


def test_wrong_credentials_and_another_account_are_refused(account: StandInAccount) -> None:
    url = f"{account.api_url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    assert httpx.get(url).json()["code"] == 20003
    assert httpx.get(url, auth=(ACCOUNT_SID, "wrong")).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Basic %%%"}).status_code == 401
    other = url.replace(ACCOUNT_SID, "AC" + "f" * 32)
    assert httpx.get(other, auth=(ACCOUNT_SID, TOKEN)).json()["code"] == 20404


def content(kind: str, **parts: Any) -> dict[str, Any]:
    return {"language": "ar", "types": {kind: {"body": "مرحبا {{1}}", **parts}}, "variables": {"1": "?"}}


@pytest.mark.parametrize("variables", ["{1: 'x'}", "[1]", '{"1": 5}'])
def test_content_variables_must_be_json_of_texts(
    account: StandInAccount, client: Client, variables: str
) -> None:
    made = account.create_content(content("twilio/text"))
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(**ON_WHATSAPP, content_sid=made.sid, content_variables=variables)
    assert refused.value.code == 21656


def test_a_list_is_filled_with_its_variables_and_keeps_its_choices(
    account: StandInAccount, client: Client
) -> None:
    rows = [{"item": "العربية", "id": "language:ar"}, {"item": "English", "id": "language:en"}]
    made = account.create_content(content("twilio/list-picker", button="اختر", items=rows))
    sent = client.messages.create(**ON_WHATSAPP, content_sid=made.sid, content_variables='{"1": "بك"}')
    kept = account.find_message(sent.sid)
    assert (sent.body, kept.option_kind) == ("مرحبا بك", "list")
    assert kept.options == [
        {"title": "العربية", "id": "language:ar"},
        {"title": "English", "id": "language:en"},
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        content("twilio/quick-reply", actions=[]),
        content("twilio/quick-reply", actions=[{"title": "x" * 21, "id": "a"}]),
        content(
            "twilio/quick-reply",
            actions=[{"title": "x", "id": str(number)} for number in range(MAXIMUM_BUTTONS + 1)],
        ),
        content("twilio/list-picker", button="Choose", items=[{"item": "x", "id": "a"}] * 2),
        content("twilio/list-picker", button="", items=[{"item": "x", "id": "a"}]),
        content("twilio/text", body="x" * 1025),
        {"language": "ar"},
    ],
)
def test_contents_beyond_whatsapps_limits_are_refused(account: StandInAccount, wrong: dict[str, Any]) -> None:
    answer = httpx.post(f"{account.api_url}/v1/Content", json=wrong, auth=(ACCOUNT_SID, TOKEN))
    assert (answer.status_code, answer.json()["code"]) == (400, 92001)


def test_a_resident_who_told_the_carrier_to_stop_cannot_be_sent_to_until_start(
    account: StandInAccount, client: Client
) -> None:
    account.receive(from_=RESIDENT, body="Stop ")
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(**GOOD)
    assert refused.value.code == 21610
    account.receive(from_=RESIDENT, body="START")
    assert client.messages.create(**GOOD).status == "queued"


class Hooks:
    """An application that notes signed webhooks."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.got: list[dict[str, str]] = []
        self.genuine: list[bool] = []
        self.public_url = "https://views.example.org"

        @self.app.post("/twilio/{kind}")
        async def take(kind: str, request: Request) -> Response:
            form = await request.form()
            self.got.append({name: str(value) for name, value in form.items()})
            signature = request.headers["x-twilio-signature"]
            url = f"{self.public_url}/twilio/{kind}"
            self.genuine.append(RequestValidator(TOKEN).validate(url, form, signature))
            return Response(status_code=204)

    def states(self) -> list[str]:
        return [one["MessageStatus"] for one in self.got if "MessageStatus" in one]


@pytest.fixture
def hooks(account: StandInAccount) -> Iterator[Hooks]:
    """Behind a proxy: signed for another address than the one that is called."""
    made = Hooks()
    with Served(made.app) as served:
        account.courier.public_url, account.courier.local_url = made.public_url, served.url
        yield made


def send(client: Client, hooks: Hooks, **more: str) -> str:
    callback = f"{hooks.public_url}/twilio/status"
    return str(client.messages.create(**{**GOOD, **more}, status_callback=callback).sid)


def test_states_are_told_in_order_by_signed_webhooks(
    account: StandInAccount, client: Client, hooks: Hooks
) -> None:
    sid = send(client, hooks)
    wait_until(lambda: len(hooks.got) == 2)
    assert hooks.states() == ["sent", "delivered"]
    assert hooks.genuine == [True, True]
    assert client.messages(sid).fetch().status == "delivered"


def test_switches_make_deliveries_fail_come_twice_and_out_of_order(
    account: StandInAccount, client: Client, hooks: Hooks
) -> None:
    account.switches.fail_with, account.switches.fail_count = 30003, 1
    sid = send(client, hooks)
    wait_until(lambda: "undelivered" in hooks.states())
    assert hooks.got[-1]["ErrorCode"] == "30003"
    assert client.messages(sid).fetch().error_code == 30003
    hooks.got.clear()
    account.switches.duplicates = account.switches.reorder = True
    send(client, hooks)
    wait_until(lambda: len(hooks.got) == 4)
    assert hooks.states() == ["delivered", "delivered", "sent", "sent"]


def test_outside_whatsapps_24_hours_free_text_fails_and_an_approved_template_arrives(
    account: StandInAccount, client: Client, hooks: Hooks
) -> None:
    send(client, hooks, **ON_WHATSAPP)
    wait_until(lambda: hooks.states() == ["failed"])
    assert hooks.got[-1]["ErrorCode"] == "63016"
    made = account.create_content(content("twilio/text", body="مرحبا {{1}}."))
    url = f"{account.api_url}/v1/Content/{made.sid}/ApprovalRequests/whatsapp"
    approval = {"name": "reply_waiting", "category": "UTILITY"}
    assert httpx.post(url, json=approval, auth=(ACCOUNT_SID, TOKEN)).json()["status"] == "approved"
    hooks.got.clear()
    client.messages.create(
        **ON_WHATSAPP, content_sid=made.sid, status_callback=f"{hooks.public_url}/twilio/status"
    )
    wait_until(lambda: "delivered" in hooks.states())
    account.receive(from_=f"whatsapp:{RESIDENT}", body="Hi")
    hooks.got.clear()
    send(client, hooks, **ON_WHATSAPP)
    wait_until(lambda: hooks.states() == ["sent", "delivered", "read"])
    account.last_inbound_at[f"whatsapp:{RESIDENT}"] -= dt.timedelta(hours=25)
    hooks.got.clear()
    send(client, hooks, **ON_WHATSAPP)
    wait_until(lambda: hooks.states() == ["failed"])


def test_a_refusal_by_switch_happens_as_often_as_set(account: StandInAccount, client: Client) -> None:
    account.switches.refuse_with, account.switches.refuse_count = 20429, 2
    for _ in range(2):
        with pytest.raises(TwilioRestException) as refused:
            client.messages.create(**GOOD)
        assert (refused.value.status, refused.value.code) == (429, 20429)
    assert client.messages.create(**GOOD).sid
    assert len(account.messages) == 1


def test_time_may_run_out_after_the_message_was_accepted(account: StandInAccount) -> None:
    account.switches.hang_count, account.switches.hang_seconds = 1, 1.0
    impatient = Client(ACCOUNT_SID, TOKEN, http_client=LimitedHttpClient(account.api_url, timeout=0.3))
    with pytest.raises(requests.exceptions.ReadTimeout):
        impatient.messages.create(**GOOD)
    assert [one.body for one in account.messages.values()] == ["Hello"]


def test_a_voice_note_comes_by_webhook_and_lies_behind_credentials_and_a_redirect(
    account: StandInAccount, hooks: Hooks
) -> None:
    account.receive(from_=f"whatsapp:{RESIDENT}", media=[("audio/ogg", b"OggS...")])
    wait_until(lambda: hooks.got)
    told = hooks.got[0]
    assert hooks.genuine == [True]
    assert (told["NumMedia"], told["MediaContentType0"], told["MessageType"]) == ("1", "audio/ogg", "audio")
    assert httpx.get(told["MediaUrl0"]).status_code == 401
    redirect = httpx.get(told["MediaUrl0"], auth=(ACCOUNT_SID, TOKEN))
    assert redirect.status_code == 307
    there = redirect.headers["location"]
    assert httpx.get(there).content == b"OggS..."
    assert httpx.get(there, auth=(ACCOUNT_SID, TOKEN)).status_code == 400


def test_a_list_is_filtered_by_person_and_time_and_paged(account: StandInAccount, client: Client) -> None:
    for number in range(5):
        client.messages.create(**{**GOOD, "body": str(number)})
    client.messages.create(**{**GOOD, "to": "+447700900124"})
    listed = client.messages.list(to=RESIDENT, page_size=2)
    assert [one.body for one in listed] == ["4", "3", "2", "1", "0"]
    hour_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    assert len(client.messages.list(date_sent_after=hour_ago)) == 6
    assert client.messages.list(date_sent_before=hour_ago) == []
    account.receive(from_=RESIDENT, body="¿Hola?")
    assert [one.direction for one in client.messages.list(from_=RESIDENT)] == ["inbound"]


@pytest.mark.parametrize(
    ("body", "variables", "name", "category"),
    [
        ("{{1}} hello", {"1": "x"}, "a_name", "UTILITY"),
        ("hello {{1}} ", {"1": "x"}, "a_name", "UTILITY"),
        ("hello {{2}}.", {"2": "x"}, "a_name", "UTILITY"),
        ("hello {{1}}.", {}, "a_name", "UTILITY"),
        ("hello", {}, "A name", "UTILITY"),
        ("hello", {}, "", "UTILITY"),
        ("hello", {}, None, "UTILITY"),
        ("hello", {}, "a_name", "SURVEY"),
        ("hello", {}, "taken", "UTILITY"),
    ],
)
def test_whatsapp_is_asked_only_what_it_would_take(
    account: StandInAccount, body: str, variables: dict[str, str], name: object, category: object
) -> None:
    other = account.create_content(content("twilio/text", body="Another."))
    account.ask_approval(other.sid, "taken", "UTILITY")
    made = account.create_content(content("twilio/text", body=body) | {"variables": variables})
    with pytest.raises(StandInRefusal) as refused:
        account.ask_approval(made.sid, name, category)
    assert refused.value.code == 92002
    assert made.approval is None


APPROVAL = ApprovalCreateList.ContentApprovalRequest({"name": "a_name", "category": "UTILITY"})


def test_an_approval_goes_through_its_states_and_a_refusal_stays(
    account: StandInAccount, client: Client
) -> None:
    made = client.content.v1.contents(account.create_content(content("twilio/text", body="Hello.")).sid)
    assert made.approval_fetch().fetch().whatsapp["status"] == "unsubmitted"
    account.switches.approval = "pending"
    assert made.approval_create.create(APPROVAL).status == "pending"
    with pytest.raises(TwilioRestException):
        made.approval_create.create(APPROVAL)
    for said in ("pending", "approved", "paused", "approved", "rejected"):
        account.switches.approval = said
        assert made.approval_fetch().fetch().whatsapp["status"] == said
    account.switches.approval = "approved"
    found = made.approval_fetch().fetch().whatsapp
    assert found["status"] == "rejected"
    assert found["rejection_reason"]
