"""/simulator without a browser: when it is there, and that a message goes the whole way round."""

from __future__ import annotations

import json
import stat

import httpx
import pytest

from channels.settings import Settings
from channels.simulator.local import ACCOUNT_FILE, with_simulator
from channels.twilio_client import twilio_account
from submissions.review.access import access_rules
from tests.channels.conftest import wait_until
from tests.channels.simulator.conftest import Machine

NUMBER = "+447700900321"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, True),
        ({"public_url": "https://views.example.org"}, False),
        ({"twilio_account_sid": "AC" + "1" * 32, "twilio_auth_token": "secret"}, False),
        ({"simulator": False}, False),
        ({"simulator": True, "public_url": "https://views.example.org"}, True),
        ({"simulator": True, "twilio_account_sid": "AC" + "1" * 32, "twilio_auth_token": "secret"}, True),
    ],
)
def test_it_runs_by_itself_only_on_somebodys_own_machine(tmp_path, values, expected):
    settings = with_simulator(Settings(data=tmp_path, **values))
    assert settings.simulator is expected
    account = twilio_account(settings)
    # Never the real account's messages to the stand-in's address, nor the other way round.
    is_local = account is not None and account.account_sid != values.get("twilio_account_sid")
    assert is_local is expected
    assert (account is not None and account.is_stand_in) is expected


def test_its_account_is_made_once_and_is_nobody_elses_to_read(tmp_path):
    first, second = (with_simulator(Settings(data=tmp_path)) for _ in range(2))
    assert first.twilio_auth_token == second.twilio_auth_token
    path = tmp_path / ACCOUNT_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["auth_token"] == first.twilio_auth_token
    assert [one.name for one in tmp_path.iterdir()] == [ACCOUNT_FILE]


def state(machine: Machine) -> dict:
    answer = httpx.get(f"{machine.url}/simulator/state", params={"number": NUMBER})
    assert answer.status_code == 200
    return answer.json()


def answers(machine: Machine, channel: str) -> list[dict]:
    return [
        one for one in state(machine)["messages"] if not one["from_resident"] and one["channel"] == channel
    ]


def say(machine: Machine, channel: str, text: str, **more: str) -> None:
    body = {"channel": channel, "number": NUMBER, "text": text, **more}
    assert httpx.post(f"{machine.url}/simulator/messages", json=body).status_code == 202


def test_a_text_message_goes_round_by_signed_webhook_and_comes_back_with_its_cost(machine):
    say(machine, "sms", "0")
    wait_until(lambda: answers(machine, "sms") and answers(machine, "sms")[-1]["states"][-1] == "delivered")
    menu = answers(machine, "sms")[0]
    assert "العربية" in menu["text"]
    assert (menu["encoding"], menu["parts"] >= 1) == ("UCS-2", True)
    assert {(one["path"], one["status"]) for one in state(machine)["webhooks"]} == {
        ("/twilio/sms", 204),
        ("/twilio/status", 204),
    }


def test_a_row_of_a_whatsapp_list_or_a_button_is_chosen_by_its_id(machine, bot):
    say(machine, "whatsapp", "0")
    wait_until(lambda: answers(machine, "whatsapp"))
    say(machine, "whatsapp", "العربية", choice="language:ar", choice_kind="list")
    wait_until(lambda: any(one["options"] for one in answers(machine, "whatsapp")[1:]))
    buttons = next(one for one in answers(machine, "whatsapp")[1:] if one["options"])
    assert buttons["option_kind"] == "buttons"
    assert buttons["options"][0]["id"] == "affirm"
    say(machine, "whatsapp", buttons["options"][0]["title"], choice="affirm", choice_kind="buttons")
    wait_until(lambda: "affirm" in [message["choice"] for message in bot.handled])


def test_switches_reach_the_outbox(machine):
    wanted = {"refuse_with": 20429, "refuse_count": 1, "duplicates": True}
    assert httpx.post(f"{machine.url}/simulator/switches", json=wanted).status_code == 204
    assert state(machine)["switches"]["refuse_with"] == 20429
    say(machine, "sms", "Hello")
    wait_until(lambda: answers(machine, "sms"), 30)
    assert machine.simulator.switches.refuse_count == 0
    received = [one for one in state(machine)["webhooks"] if one["path"] == "/twilio/sms"]
    assert len(received) == 2
    wait_until(lambda: answers(machine, "sms")[-1]["states"][-1] == "delivered")
    assert len(answers(machine, "sms")) == 1


def test_numbers_that_may_be_somebodys_are_refused(machine):
    body = {"channel": "sms", "number": "+447911123456", "text": "Hello"}
    assert httpx.post(f"{machine.url}/simulator/messages", json=body).status_code == 422
    assert httpx.get(f"{machine.url}/simulator/state", params={"number": "+4"}).status_code == 422


def test_every_route_says_who_may_use_it(machine):
    rules = [rule for rule in access_rules(machine.app) if rule[1].startswith("/simulator")]
    assert len(rules) == 7
    assert all(rule for _, _, rule in rules)
