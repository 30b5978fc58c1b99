"""What docs/architecture.md promises the gateway: once, in order, loudly, and only to who knows the token."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.settings import TOKEN_HEADER
from bot.tests.conftest import RunningAssistant, Talk


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/messages"), ("POST", "/understand"), ("DELETE", "/conversations/x")],
)
@pytest.mark.parametrize("token", ["", "wrong", "a token for test"])
def test_every_call_needs_the_token(assistant: RunningAssistant, method: str, path: str, token: str):
    answer = assistant.http.request(method, path, headers={TOKEN_HEADER: token}, json={})
    assert answer.status_code == 401


def test_the_actions_need_the_token_too(assistant: RunningAssistant):
    url = f"http://127.0.0.1:{assistant.port + 20_000}/webhook"
    assert assistant.http.post(url, headers={TOKEN_HEADER: "wrong"}, json={}).status_code == 401


def test_the_same_message_again_gives_the_same_answer_and_changes_nothing(collecting: Talk):
    first = collecting.post("The library should open on Sundays for families", message_id="m-1").json()
    again = collecting.post("The library should open on Sundays for families", message_id="m-1").json()
    assert again == first
    collecting.choose("deny")
    assert collecting.calls("drafts")[-1]["message_ids"] == ["m-1"]


def test_an_old_message_delivered_late_is_answered_as_then(collecting: Talk):
    first = collecting.post("The library should open on Sundays for families", message_id="m-1").json()
    collecting.choose("deny")
    collecting.choose("affirm")
    assert (
        collecting.post("The library should open on Sundays for families", message_id="m-1").json() == first
    )
    assert len(collecting.calls("submissions")) == 1


def test_one_message_from_many_threads_is_one_turn(collecting: Talk):
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(
                lambda _: collecting.post("Our street needs lights at night", message_id="m-2"), range(10)
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    collecting.choose("deny")
    assert collecting.calls("drafts")[-1]["message_ids"] == ["m-2"]


@pytest.mark.parametrize(
    "text", ["/affirm", "/submit_view", '/affirm{"consent": true}', "/restart", "//", "/", "", "😀"]
)
def test_a_text_that_looks_like_a_command_is_a_text(collecting: Talk, text: str):
    answer = collecting.post(text)
    assert answer.status_code == 200
    assert answer.json()["intent"]["confidence"] < 1.0
    assert answer.json()["replies"][-1]["key"] in {"view_kept", "ask_more_words", "ask_view"}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"message_id": "m", "conversation_id": "c", "channel": "web_chat"},
        {"message_id": "m", "conversation_id": "c", "channel": "web_chat", "text": 5},
        {"message_id": "", "conversation_id": "c", "channel": "web_chat", "text": "x"},
        {"message_id": "m", "conversation_id": "c", "channel": "web_chat", "text": "x" * 30_000},
        {
            "message_id": "m",
            "conversation_id": "c",
            "channel": "web_chat",
            "text": "",
            "choice": "no_such_intent",
        },
    ],
)
def test_a_wrong_request_is_refused_and_not_kept(assistant: RunningAssistant, body):
    assert assistant.http.post("/messages", json=body).status_code == 422


def test_understand_answers_as_the_command_line_prints(assistant: RunningAssistant):
    answer = assistant.http.post("/understand", json={"text": "adeus e obrigada"}).json()
    assert answer["intent"] == "goodbye_thanks"
    assert 0 < answer["confidence"] <= 1


def test_a_forgotten_conversation_leaves_nothing(collecting: Talk):
    collecting.write("The library should open on Sundays for families")
    deleted = collecting.assistant.http.delete(f"/conversations/{collecting.conversation_id}").json()
    assert deleted["deleted_events"] > 0
    assert collecting.choose("language_chosen") == ["welcome", "ask_consent"]


def test_words_reach_neither_log_nor_tracker(collecting: Talk):
    word = "canarywordquince"
    collecting.write(f"My {word} is about the park and the street and the school near us")
    collecting.assistant.http.post("/understand", json={"text": word})
    collecting.post(word * 2000)
    for path in collecting.assistant.data.rglob("*"):
        if path.is_file():
            assert word.encode() not in path.read_bytes(), path.name


class TestFailures:
    """Each on an assistant that is put right again afterwards."""

    def test_with_the_actions_down_the_message_fails_and_can_be_repeated(self, collecting: Talk):
        collecting.assistant.kill("actions")
        try:
            failed = collecting.post("The market should have a room for prayer", message_id="m-3")
            assert failed.status_code >= 500
        finally:
            collecting.assistant.start("actions")
        repeated = collecting.post("The market should have a room for prayer", message_id="m-3")
        assert [reply["key"] for reply in repeated.json()["replies"]] == ["view_kept"]
        collecting.choose("deny")
        assert collecting.calls("drafts")[-1]["message_ids"] == ["m-3"]

    @pytest.mark.parametrize(
        ("call", "choice"), [("human-requests", "request_human"), ("status", "check_status")]
    )
    def test_a_call_the_record_refuses_fails_the_turn(self, talk: Talk, call: str, choice: str):
        talk.assistant.gateway.broken.add(call)
        assert talk.post(choice=choice, message_id="m-4").status_code == 503
        talk.assistant.gateway.broken.clear()
        assert talk.post(choice=choice, message_id="m-4").status_code == 200

    def test_consent_that_could_not_be_recorded_is_not_given(self, talk: Talk):
        talk.choose("language_chosen")
        talk.assistant.gateway.broken.add("consents")
        assert talk.post(choice="affirm", message_id="m-5").status_code == 503
        talk.assistant.gateway.broken.clear()
        assert talk.post(choice="affirm", message_id="m-5").json()["replies"][0]["key"] == "ask_view"

    def test_a_killed_assistant_goes_on_where_it_was(self, collecting: Talk):
        first = collecting.post("The square needs benches for old people", message_id="m-6").json()
        collecting.assistant.kill("bot")
        collecting.assistant.start("bot")
        assert collecting.post("The square needs benches for old people", message_id="m-6").json() == first
        assert collecting.choose("deny") == ["preview_translated", "ask_send"]


def test_three_short_messages_at_once_are_all_kept(collecting: Talk):
    texts = [
        "the lifts are broken since May",
        "the stairs are dark and wet",
        "old people stay at home all week",
    ]
    threads = [threading.Thread(target=collecting.post, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    collecting.choose("deny")
    assert len(collecting.calls("drafts")[-1]["message_ids"]) == 3
