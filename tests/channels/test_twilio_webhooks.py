"""Webhooks: only Twilio's own are taken, each once, and each before it is answered."""

from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from submissions import database
from submissions.database import unit_of_work
from submissions.models import Address, Conversation, Direction, MediaFile, Message, Purpose
from submissions.opt_outs import is_opted_out
from tests.channels.conftest import RunningGateway, wait_until
from tests.channels.phone import rows
from tests.channels.twilio_in_place import ACCOUNT_SID, AUTH_TOKEN, encoded, signature_of, webhook_form

PUBLIC_URL = "https://views.example.org"
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
VIEW = " ¡No cierren la biblioteca! 📚\nلا تغلقوا المكتبة "


@pytest.fixture
def account():
    return {
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": AUTH_TOKEN,
        "public_url": PUBLIC_URL,
    }


@pytest.fixture
def phone_gateway(database, tmp_path, bot, account):
    with RunningGateway(database, tmp_path / "data", bot.url, **account) as running:
        yield running


@pytest.fixture
def sqlite_phone_gateway(sqlite_database, tmp_path, bot, account):
    with RunningGateway(sqlite_database, tmp_path / "data", bot.url, **account) as running:
        yield running


def post(gateway, form, path="/twilio/sms", *, signed_for=None, token=AUTH_TOKEN, body=None, **headers):
    address = signed_for if signed_for is not None else PUBLIC_URL + path
    signature = {"X-Twilio-Signature": signature_of(address, form, token)}
    content = encoded(form) if body is None else body
    return gateway.http.post(path, content=content, headers={**FORM_HEADERS, **signature, **headers})


def inbound():
    return [message for message in rows(Message) if message.direction == Direction.INBOUND]


def test_a_message_delivered_twice_is_kept_once_and_unchanged(phone_gateway):
    for _ in range(2):
        assert post(phone_gateway, webhook_form("SM1", VIEW)).status_code == 204
    assert [message.original_text for message in inbound()] == [VIEW]


def test_five_times_from_twenty_threads_and_again_after_a_restart_is_one_message(
    database, tmp_path, bot, account
):
    forms = [webhook_form(f"SM{number}", f"view {number % 7}", "+447700900123") for number in range(8)]

    def all_threads_post(gateway):
        barrier = threading.Barrier(20)

        def post_all(thread):
            barrier.wait()
            return [
                post(gateway, forms[(index + thread) % 8]).status_code for index in range(8) for _ in range(5)
            ]

        with ThreadPoolExecutor(20) as pool:
            return {status for statuses in pool.map(post_all, range(20)) for status in statuses}

    with RunningGateway(database, tmp_path / "data", bot.url, **account) as gateway:
        assert all_threads_post(gateway) == {204}
    with RunningGateway(database, tmp_path / "data", bot.url, **account) as gateway:
        assert {post(gateway, form).status_code for form in forms} == {204}
        wait_until(lambda: all(message.handled_at is not None for message in inbound()), 60)
    assert sorted(message.provider_message_id for message in inbound()) == sorted(
        form["MessageSid"] for form in forms
    )
    assert len(rows(Conversation)) == len(rows(Address)) == 1
    replies = [message.in_reply_to_id for message in rows(Message) if message.reply_index == 0]
    assert len(replies) == len(set(replies)) == 8


@pytest.mark.parametrize(
    ("signed_for", "public_url", "query"),
    [
        (f"{PUBLIC_URL}/twilio/sms", PUBLIC_URL, ""),
        (f"{PUBLIC_URL}/twilio/sms", PUBLIC_URL + "/ ", ""),  # a setting with a slash and a space after it
        ("https://views.example.org:443/twilio/sms", PUBLIC_URL, ""),  # Twilio adds the port at times
        ("https://views.example.org/twilio/sms", "https://views.example.org:8443", ""),  # and drops it
        ("http://127.0.0.1:8000/twilio/sms", "http://127.0.0.1:8000", ""),
        ("https://example.org/views/twilio/sms", "https://example.org/views", ""),  # a proxy with a path
        (f"{PUBLIC_URL}/twilio/sms?a=%C3%A9%20x&b=+", PUBLIC_URL, "?a=%C3%A9%20x&b=+"),
        (f"{PUBLIC_URL}/twilio/sms?a=1&a=2", PUBLIC_URL, "?a=1&a=2"),
    ],
)
def test_a_genuine_signature_counts_however_the_address_is_written(
    sqlite_database, tmp_path, bot, account, signed_for, public_url, query
):
    settings = {**account, "public_url": public_url}
    with RunningGateway(sqlite_database, tmp_path / "data", bot.url, **settings) as gateway:
        form = webhook_form("SM1", VIEW, Blank="", Later="new ünknown")
        answer = post(gateway, form, f"/twilio/sms{query}", signed_for=signed_for)
    assert answer.status_code == 204
    assert [message.original_text for message in inbound()] == [VIEW]


def test_repeated_parameters_are_signed_with_all_their_values(sqlite_phone_gateway):
    pairs = [*webhook_form("SM1", VIEW).items(), ("Tag", "b"), ("Tag", "a"), ("Tag", "a")]
    text = PUBLIC_URL + "/twilio/sms"
    for name in sorted({name for name, _ in pairs}):
        text += "".join(name + value for value in sorted({value for key, value in pairs if key == name}))
    answer = sqlite_phone_gateway.http.post(
        "/twilio/sms",
        content=urlencode(pairs),
        headers={**FORM_HEADERS, "X-Twilio-Signature": signature_of(text)},
    )
    assert answer.status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        {"token": "the-secondary-token"},
        {"token": ""},
        {"signed_for": "http://views.example.org/twilio/sms"},  # another scheme
        {"signed_for": "https://other.example.org/twilio/sms"},
        {"signed_for": f"{PUBLIC_URL}/twilio/whatsapp"},
        {"signed_for": f"{PUBLIC_URL}/twilio/sms?x=1"},
        {"signed_for": f"{PUBLIC_URL}/twilio/sms/"},
        {"X-Twilio-Signature": ""},
        {"X-Twilio-Signature": "nonsense"},
        {"X-Twilio-Signature": "ungültig".encode("latin-1").decode("latin-1")},
        {"body": encoded(webhook_form("SM1", VIEW.strip()))},  # a space less than was signed
        {"body": encoded({**webhook_form("SM1", VIEW), "Extra": "1"})},
        {"body": b"\xff\xfe"},
        {"body": b""},
        {"Content-Type": "application/json"},  # without a hash nothing vouches for the body
        {"Content-Type": "text/plain", "body": b"x" * 300_000},
        {
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": "evil.example",
            "signed_for": "http://evil.example/twilio/sms",
        },
    ],
)
def test_anything_else_is_refused_and_nothing_is_kept(sqlite_phone_gateway, change):
    headers = {name: value.encode("latin-1") for name, value in change.items() if name[0].isupper()}
    values = {name: value for name, value in change.items() if not name[0].isupper()}
    answer = post(sqlite_phone_gateway, webhook_form("SM1", VIEW), **values, **headers)
    assert answer.status_code == 403
    assert answer.content == b""
    assert inbound() == []


def test_a_subaccount_of_another_token_is_refused(sqlite_phone_gateway):
    form = webhook_form("SM1", VIEW) | {"AccountSid": "AC" + "1" * 32}
    assert post(sqlite_phone_gateway, form).status_code == 403


def test_a_body_of_json_counts_with_its_hash_in_the_signed_address(sqlite_phone_gateway):
    body = json.dumps({"MessageSid": "SM1", "Text": "é "}, ensure_ascii=False).encode()
    path = f"/twilio/status?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature_of(PUBLIC_URL + path)}
    assert sqlite_phone_gateway.http.post(path, content=body, headers=headers).status_code == 204
    assert sqlite_phone_gateway.http.post(path, content=body + b" ", headers=headers).status_code == 403
    assert sqlite_phone_gateway.http.post(path, content=b"\xff", headers=headers).status_code == 403


def test_without_a_token_there_is_no_such_route(sqlite_gateway):
    for path in ("/twilio/sms", "/twilio/whatsapp", "/twilio/status"):
        form = webhook_form("SM1", VIEW)
        signature = signature_of(sqlite_gateway.settings.resolved_public_url + path, form, "")
        headers = {**FORM_HEADERS, "X-Twilio-Signature": signature}
        assert sqlite_gateway.http.post(path, content=encoded(form), headers=headers).status_code == 404
    assert inbound() == []


def test_media_are_kept_as_references_and_a_pressed_button_as_its_payload(phone_gateway):
    voice = webhook_form(
        "MM1",
        "",
        "whatsapp:+447700900124",
        NumMedia="2",
        MediaUrl0="https://api.twilio.com/media/0",
        MediaContentType0="audio/ogg",
        MediaUrl1="https://api.twilio.com/media/1",
        MediaContentType1="image/jpeg",
        MessageType="audio",
    )
    button = webhook_form(
        "SM2", "Sim", "whatsapp:+447700900124", ButtonPayload="affirm", ButtonText="Sim", MessageType="button"
    )
    assert post(phone_gateway, voice, "/twilio/whatsapp").status_code == 204
    assert post(phone_gateway, voice, "/twilio/whatsapp").status_code == 204
    assert post(phone_gateway, button, "/twilio/whatsapp").status_code == 204
    assert sorted((file.position, file.declared_type, file.state) for file in rows(MediaFile)) == [
        (0, "audio/ogg", "to_fetch"),
        (1, "image/jpeg", "to_fetch"),
    ]
    assert {message.channel for message in inbound()} == {"whatsapp"}


def test_a_whatsapp_user_whose_number_is_hidden_is_the_same_person_as_before(phone_gateway):
    with_both = webhook_form("SM1", "olá", "whatsapp:+447700900124", ExternalUserId="whatsapp:GB.77")
    hidden = webhook_form("SM2", "olá de novo", "whatsapp:GB.77", ExternalUserId="whatsapp:GB.77")
    for form in (with_both, hidden):
        assert post(phone_gateway, form, "/twilio/whatsapp").status_code == 204
    assert len(rows(Address)) == len(rows(Conversation)) == 1
    address = rows(Address)[0]
    assert b"447700900124" not in address.address_encrypted


def test_stop_takes_effect_with_the_commit_that_keeps_it_though_the_assistant_is_down(phone_gateway, bot):
    bot.down = True
    assert post(phone_gateway, webhook_form("SM1", "Parar por favor")).status_code == 204
    with unit_of_work(read_only=True) as db:
        assert is_opted_out(db, rows(Address)[0].id, Purpose.CONVERSATION)
        assert is_opted_out(db, rows(Address)[0].id, Purpose.FOLLOW_UPS)


def test_messages_wait_encrypted_beside_a_database_that_is_down(own_database, tmp_path, bot, account):
    with RunningGateway(own_database, tmp_path / "data", bot.url, **account) as gateway:
        assert post(gateway, webhook_form("SM0", "first")).status_code == 204
        address = database.engine().url.render_as_string(hide_password=False)
        database.configure("postgresql://postgres@127.0.0.1:9/nowhere")
        assert post(gateway, webhook_form("SM1", VIEW)).status_code == 204
        status = webhook_form("SM9", "") | {"MessageStatus": "sent"}
        assert post(gateway, status, "/twilio/status").status_code == 204
        waiting = (tmp_path / "data" / "twilio.write-ahead.jsonl").read_text()
        assert waiting.count("\n") == 2
        assert "447700900123" not in waiting
        assert "biblioteca" not in waiting
        database.configure(address)
        assert post(gateway, webhook_form("SM2", "after")).status_code == 204
        wait_until(lambda: len(inbound()) == 3)
    assert [message.original_text for message in sorted(inbound(), key=lambda row: row.position)] == [
        "first",
        VIEW,
        "after",
    ]
