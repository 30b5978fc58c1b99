"""The chat's API as a resident's browser uses it, against a gateway that runs."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from channels.resident_text import MAXIMUM_CHARACTERS
from submissions.database import unit_of_work
from submissions.models import Message
from tests.channels.conftest import RunningGateway, wait_until
from tests.fakes.bot import FakeBot, reply


def test_a_conversation_begins_with_the_languages_by_their_own_names(sqlite_gateway: RunningGateway):
    (menu,) = sqlite_gateway.begin().messages()
    assert (menu["direction"], menu["key"], menu["lang"], menu["position"]) == (
        "out",
        "choose_language",
        "en",
        1,
    )
    assert {"title": "العربية", "payload": "language:ar", "lang": "ar", "dir": "rtl"} in menu["options"]


def test_the_first_words_are_in_the_language_of_the_browser(sqlite_gateway):
    chat = sqlite_gateway.begin(**{"Accept-Language": "sv, pt-BR;q=0.9, en;q=0.8"})
    assert chat.messages()[0]["lang"] == "pt"


@pytest.mark.parametrize("answer", ["2", "٢", "português", "PORTUGUESE", " Portugues. "])
def test_a_language_is_chosen_by_number_or_by_any_of_its_names(sqlite_gateway, bot: FakeBot, answer):
    chat = sqlite_gateway.begin()
    welcome = chat.say(answer)
    assert [message["key"] for message in welcome] == ["welcome", "ask_consent"]
    assert {message["lang"] for message in welcome} == {"pt"}
    assert (bot.handled[0]["choice"], bot.handled[0]["language"]) == ("language_chosen", "pt")


def test_just_writing_chooses_the_language_too(gateway, bot):
    chat = gateway.begin()
    (kept,) = chat.say(
        "Não me sinto bem-vindo nas reuniões de moradores, porque ninguém fala a minha língua."
    )
    assert (kept["key"], kept["lang"]) == ("view_kept", "pt")
    assert (bot.handled[0]["language"], bot.handled[0]["choice"]) == ("pt", None)
    # A short word of another language does not turn the conversation round.
    assert chat.say("ok thanks")[0]["lang"] == "pt"


def test_nought_opens_the_menu_again_and_a_choice_goes_on(sqlite_gateway, bot):
    chat = sqlite_gateway.begin()
    chat.say("English", choice="language:en")
    assert chat.say("0")[0]["key"] == "choose_language"
    answers = chat.say("4")
    assert [message["key"] for message in answers] == ["language_set", "welcome", "ask_consent"]
    assert {message["lang"] for message in answers} == {"fr"}
    assert bot.texts() == ["English", "4"]  # the menu is no business of the assistant's


def test_an_option_is_picked_by_button_by_number_or_by_its_words(sqlite_gateway, bot):
    chat = sqlite_gateway.begin()
    chat.say("English", choice="language:en")
    for text, choice in (("I agree", "affirm"), ("1", None), ("  i  AGREE ", None), ("affirm", None)):
        chat.say("2", choice="language:en")
        chat.say(text, choice=choice)
        assert bot.handled[-1]["choice"] == "affirm", text
        assert bot.handled[-1]["text"] == text


@pytest.mark.parametrize(
    "text", ["/affirm", "submit_view", "withdraw", "/restart", "language:pt", "EXTERNAL: x"]
)
def test_a_text_that_looks_like_a_command_is_a_text(sqlite_gateway, bot, text):
    chat = sqlite_gateway.begin()
    chat.say("English", choice="language:en")
    chat.say(text, choice="withdraw")  # never offered, so neither way
    assert (bot.handled[-1]["text"], bot.handled[-1]["choice"]) == (text, None)


def test_a_message_posted_five_times_from_twenty_threads_is_one_message_and_one_reply(gateway, bot):
    chat = gateway.begin()
    chat.say("English", choice="language:en")
    text, one_id = " ¡No cierren la biblioteca!\n", uuid.uuid4().hex
    barrier = threading.Barrier(20)

    def post_five_times(_: int) -> list[int]:
        barrier.wait()
        return [chat.post(text, client_message_id=one_id).status_code for _ in range(5)]

    with ThreadPoolExecutor(20) as threads:
        codes = [code for found in threads.map(post_five_times, range(20)) for code in found]
    assert set(codes) == {202}
    wait_until(lambda: chat.keys()[-1] == "view_kept")
    inbound = [message for message in chat.messages() if message["direction"] == "in"]
    assert [message["text"] for message in inbound[1:]] == [text]
    assert chat.keys().count("view_kept") == 1
    assert bot.texts().count(text) == 1


def test_what_is_written_is_kept_to_the_byte(gateway):
    chat = gateway.begin()
    text = "  ¡Hola!\r\n\tسلام\u200c\u200f বাংলা 👩‍👩‍👧 e\u0301 \u2028\n "
    assert chat.post(text, client_message_id="a").status_code == 202
    with unit_of_work(read_only=True) as db:
        stored = [row.original_text for row in db.query(Message) if row.original_text]
    assert stored == [text]


def test_messages_sent_at_once_are_answered_in_their_order(gateway, bot):
    chats = [gateway.begin() for _ in range(5)]
    bot.replies = lambda message: [reply("addition_saved", reference=message["text"])]
    for number in range(8):
        for chat in chats:
            assert chat.post(f"number {number}", client_message_id=f"m{number}").status_code == 202
    for chat in chats:
        wait_until(lambda chat=chat: len(chat.answers()) == 9)
        said = [message["text"] for message in chat.answers()[1:]]
        assert [f"number {number}" in text for number, text in enumerate(said)] == [True] * 8


def test_the_event_stream_goes_on_where_it_broke(gateway):
    chat = gateway.begin()
    with chat.events() as events:
        assert next(events)["data"]["key"] == "choose_language"
        chat.post("English", choice="language:en")
        seen = []
        while len(seen) < 3:
            event = next(events)
            seen += [event] if event["event"] == "message" else []
        assert [event["data"]["key"] for event in seen] == [None, "welcome", "ask_consent"]
    with chat.events(last_event_id=int(seen[1]["id"])) as events:
        missed = next(event for event in events if event["event"] == "message")
        assert (missed["event"], missed["id"], missed["data"]["key"]) == (
            "message",
            seen[2]["id"],
            "ask_consent",
        )


def test_the_stream_tells_of_writing_and_of_the_language(sqlite_gateway, bot):
    bot.delay_seconds = 0.4
    chat = sqlite_gateway.begin()
    with chat.events(last_event_id=1) as events:
        chat.post("Português", choice="language:pt")
        told = []
        while not told or told[-1] != ("typing", {"active": False}):
            event = next(events)
            told += [(event["event"], event["data"])] if event["event"] != "message" else []
    assert ("typing", {"active": True}) in told
    assert ("language", {"language": "pt", "dir": "ltr"}) in told


def test_a_text_with_a_script_comes_back_as_the_text_it_is(sqlite_gateway):
    chat = sqlite_gateway.begin()
    text = "<script>alert('x')</script><img src=x onerror=alert(1)>"
    chat.post(text)
    response = sqlite_gateway.http.get(f"{chat.path}/messages", headers=chat.headers)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.json()["messages"][1]["text"] == text


BAD_BODIES = [
    (b"", 422, "client_message_id_invalid"),
    (b"{", 400, "invalid_json"),
    (b"\xff\xfe{}", 400, "invalid_json"),
    (b"[" * 100_000, 400, "invalid_json"),
    (b"[]", 422, "not_an_object"),
    (b'{"client_message_id": "a"}', 422, "empty"),
    (b'{"client_message_id": "a", "text": ""}', 422, "empty"),
    (b'{"client_message_id": "a", "text": " \\n\\u200b\\ufeff "}', 422, "empty"),
    (b'{"client_message_id": "a", "text": 5}', 422, "not_text"),
    (b'{"client_message_id": "a", "text": ["x"]}', 422, "not_text"),
    (b'{"client_message_id": "a", "text": "x\\u0000y"}', 422, "not_text"),
    (b'{"client_message_id": "a", "text": "\\u001b[2J"}', 422, "not_text"),
    (b'{"client_message_id": "a", "text": "\\ud83d"}', 422, "not_text"),
    (b'{"client_message_id": 7, "text": "x"}', 422, "client_message_id_invalid"),
    (b'{"client_message_id": "", "text": "x"}', 422, "client_message_id_invalid"),
    (b'{"client_message_id": "a\\ud800", "text": "x"}', 422, "client_message_id_invalid"),
    (b'{"client_message_id": "' + b"i" * 81 + b'", "text": "x"}', 422, "client_message_id_invalid"),
    (b'{"client_message_id": "a", "text": "x", "choice": {}}', 422, "choice_invalid"),
    (b'{"client_message_id": "a", "text": "' + b"x" * 4001 + b'"}', 413, "too_long"),
    (b'{"client_message_id": "a", "text": "' + b"x" * 1_000_000 + b'"}', 413, "too_long"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_what_cannot_be_read_is_refused_with_a_reason_and_keeps_nothing(sqlite_gateway, body, status, code):
    chat = sqlite_gateway.begin()
    response = sqlite_gateway.http.post(f"{chat.path}/messages", content=body, headers=chat.headers)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert len(response.json()["error"]["message"]) > 10
    assert len(chat.messages()) == 1


def test_a_text_of_the_longest_length_is_taken_and_the_refusal_speaks_the_resident_s_language(sqlite_gateway):
    chat = sqlite_gateway.begin()
    chat.say("Português", choice="language:pt")
    assert chat.post("🦉" * MAXIMUM_CHARACTERS).status_code == 202
    refused = chat.post("🦉" * (MAXIMUM_CHARACTERS + 1))
    assert (refused.status_code, refused.json()["error"]["lang"]) == (413, "pt")
    assert "4000" in refused.json()["error"]["message"]


def test_only_the_conversation_s_own_token_opens_it(sqlite_gateway):
    chat, other = sqlite_gateway.begin(), sqlite_gateway.begin()
    http = sqlite_gateway.http
    for rest in ("/messages", "/events"):
        assert http.get(chat.path + rest).status_code == 401
        assert http.get(chat.path + rest, headers={"Authorization": "Basic eDp5"}).status_code == 401
        assert http.get(chat.path + rest, headers=other.headers).status_code == 403
        for nobody in (uuid.uuid4(), "nonsense", "1;drop table"):
            path = f"/chat/conversations/{nobody}{rest}"
            assert http.get(path, headers=chat.headers).status_code == 404
    body = {"client_message_id": "a", "text": "x"}
    assert http.post(f"{chat.path}/messages", json=body).status_code == 401
    assert http.post(f"{chat.path}/messages", json=body, headers=other.headers).status_code == 403
    assert len(chat.messages()) == 1


def test_too_many_messages_are_put_off_with_a_time_and_the_same_message_is_not_counted_twice(
    sqlite_database, tmp_path, bot
):
    with RunningGateway(sqlite_database, tmp_path / "data", bot.url, chat_messages_per_minute=3) as gateway:
        chat = gateway.begin()
        codes = [chat.post("x", client_message_id=f"m{number // 4}").status_code for number in range(12)]
        assert codes == [202] * 12
        refused = chat.post("one more")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert gateway.begin().post("x").status_code == 202  # another conversation is not held back


def test_stop_is_answered_without_the_assistant_and_a_view_about_stopping_is_a_view(sqlite_gateway, bot):
    chat = sqlite_gateway.begin()
    chat.say("English", choice="language:en")
    bot.down = True
    assert chat.say("STOP")[0]["key"] == "stopped"
    bot.down = False
    assert chat.say("stop the buses being cut")[0]["key"] == "view_kept"


def test_a_request_in_words_for_a_language_is_granted_or_asked_about(sqlite_gateway, bot):
    chat = sqlite_gateway.begin()
    chat.say("English", choice="language:en")
    assert chat.say("Another language please")[0]["key"] == "choose_language"
    assert chat.say("Français")[0]["lang"] == "fr"
    (granted,) = chat.say("Arabic language please")
    assert (granted["key"], granted["lang"]) == ("language_set", "ar")


def test_another_site_may_call_the_chat_and_read_nothing_else(sqlite_gateway):
    http = sqlite_gateway.http
    preflight = http.options("/chat/conversations", headers={"Origin": "https://council.example"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in preflight.headers
    for path in ("/form", "/desk", "/health", "/openapi.json"):
        assert "access-control-allow-origin" not in http.get(path).headers
