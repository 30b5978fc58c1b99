"""The inbox is answered whatever fails: the assistant, the database, this process."""

import datetime as dt
import logging
import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select, update

from channels.health import HEARTBEAT_FILE
from channels.inbox_worker import InboxWorker
from channels.rasa_client import RasaClient
from submissions import database as database_module
from submissions.conversations import lease_next_conversation, record_inbound_message, start_conversation
from submissions.database import unit_of_work
from submissions.models import Channel, Conversation, Message, utc_now
from tests.channels.conftest import TOKEN, RunningGateway, wait_until
from tests.fakes.bot import FakeBot, reply

SECRET_WORDS = "Moja sąsiadka się boi"


def test_a_message_sent_while_the_assistant_is_down_is_answered_once_when_it_is_back(gateway, bot, caplog):
    chat = gateway.begin()
    chat.say("Polski", choice="language:pt")
    bot.down = True
    with caplog.at_level(logging.DEBUG):
        (trouble,) = chat.say(SECRET_WORDS)
        assert (trouble["key"], trouble["lang"]) == ("temporary_trouble", "pt")
        chat.post("e mais isto")
        wait_until(lambda: len(bot.handled) >= 1 and attempts_of(SECRET_WORDS) >= 2)
        bot.down = False
        wait_until(lambda: len(bot.texts()) >= 3, seconds=30)
        wait_until(lambda: chat.keys()[-1] == "view_kept" and chat.keys().count("view_kept") == 2)
    assert bot.texts()[-2:] == [SECRET_WORDS, "e mais isto"]  # in their order
    assert chat.keys().count("temporary_trouble") == 1
    assert SECRET_WORDS not in caplog.text


def attempts_of(text: str) -> int:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Message.attempts).where(Message.original_text == text)).one()


def test_a_choice_of_language_made_while_the_assistant_is_down_need_not_be_made_again(sqlite_gateway, bot):
    bot.down = True
    chat = sqlite_gateway.begin()
    assert chat.say("5")[0]["lang"] == "ar"
    bot.down = False
    wait_until(lambda: chat.keys()[-1] == "ask_consent")
    assert bot.handled[0]["choice"] == "language_chosen"
    assert chat.answers()[-1]["lang"] == "ar"


@pytest.mark.parametrize("answer", [{}, {"replies": "no list"}, {"replies": [{"arguments": {}}]}, []])
def test_an_answer_of_another_shape_is_a_failure_and_not_silence(sqlite_gateway, bot, answer):
    bot.handle = lambda message: answer
    chat = sqlite_gateway.begin()
    assert chat.say("Hello to everybody in this street")[0]["key"] == "temporary_trouble"


def test_a_key_nobody_can_word_keeps_the_message_and_says_so(sqlite_gateway, bot, caplog):
    bot.replies = lambda message: [reply("no_such_key")]
    chat = sqlite_gateway.begin()
    assert chat.say("Hello to everybody in this street")[0]["key"] == "temporary_trouble"
    assert "no_such_key" in caplog.text
    with unit_of_work(read_only=True) as db:
        kept = db.scalars(select(Message).where(Message.direction == "in")).one()
    assert (kept.handled_at, kept.last_error) == (None, "UnknownMessageKey")


def test_what_another_process_took_in_and_left_is_found_and_answered(database, bot):
    conversation_id = begin_and_write("Somebody else kept this message")
    assert lease_next_conversation("a worker that died", 0.5) == conversation_id
    with RasaClient(bot.url, TOKEN) as client:
        worker = InboxWorker(client, poll_seconds=0.1)
        worker.start()
        try:
            wait_until(lambda: bot.texts() == ["Somebody else kept this message"])
            wait_until(lambda: worker.is_alive and lease_of(conversation_id) == (None, None))
        finally:
            worker.stop()


def test_two_workers_answer_each_message_once(database, bot):
    ids = [begin_and_write(f"This is the message with the number {number}") for number in range(20)]
    with RasaClient(bot.url, TOKEN) as client:
        workers = [InboxWorker(client, threads=4, poll_seconds=0.05) for _ in range(2)]
        for worker in workers:
            worker.start()
        try:
            wait_until(lambda: unanswered() == 0)
        finally:
            for worker in workers:
                worker.stop()
    assert len(bot.handled) == len(set(bot.texts())) == len(ids)


def begin_and_write(text: str) -> uuid.UUID:
    with unit_of_work() as db:
        conversation = start_conversation(db, channel=Channel.WEB_CHAT)
        record_inbound_message(
            db,
            conversation_id=conversation.id,
            channel=Channel.WEB_CHAT,
            provider_message_id="1",
            original_text=text,
        )
        return conversation.id


def lease_of(conversation_id: uuid.UUID) -> tuple[str | None, dt.datetime | None]:
    with unit_of_work(read_only=True) as db:
        conversation = db.get_one(Conversation, conversation_id)
        return conversation.leased_by, conversation.leased_until


def unanswered() -> int:
    with unit_of_work(read_only=True) as db:
        open_ones = select(Message.id).where(Message.direction == "in", Message.handled_at.is_(None))
        return len(db.scalars(open_ones).all())


def test_a_message_is_taken_in_while_the_database_is_down_and_kept_when_it_is_back(
    postgresql_database: str, tmp_path: Path, bot: FakeBot
):
    with RunningGateway(postgresql_database, tmp_path / "data", bot.url) as gateway:
        chat = gateway.begin()
        stranger = gateway.begin()
        database_module.configure("postgresql://nobody@127.0.0.1:1/nothing")
        accepted = chat.post(" do not lose me \n", client_message_id="m1")
        assert (accepted.status_code, accepted.json()["message_id"]) == (202, None)
        assert chat.post(" do not lose me \n", client_message_id="m1").status_code == 202
        assert chat.post("and me after it", client_message_id="m2").status_code == 202
        # A genuine token, but of another conversation: taken in by its signature, refused by the record.
        path = f"{chat.path}/messages"
        body = {"client_message_id": "m3", "text": "not mine"}
        assert gateway.http.post(path, json=body, headers=stranger.headers).status_code == 202
        forged = {"Authorization": "Bearer abc.def"}
        assert gateway.http.post(path, json=body, headers=forged).status_code == 403
        down = gateway.http.get("/health")
        assert (down.status_code, down.json()["parts"]["database"]["status"]) == (503, "down")
        assert gateway.http.get(path, headers=chat.headers).status_code == 503
        assert gateway.http.post("/chat/conversations").status_code == 503

        database_module.configure(postgresql_database)
        assert chat.post("third", client_message_id="m4").status_code == 202
        wait_until(lambda: len(bot.handled) == 3)
        inbound = [message["text"] for message in chat.messages() if message["direction"] == "in"]
        assert inbound == [" do not lose me \n", "and me after it", "third"]
        assert gateway.app.state.gateway.write_ahead.count() == 0


def test_health_tells_each_part_and_that_the_assistant_matters(sqlite_gateway, bot):
    healthy = sqlite_gateway.http.get("/health")
    assert healthy.status_code == 200
    assert {"database", "bot", "worker", "translations"} <= set(healthy.json()["parts"])
    assert healthy.json()["parts"]["worker"]["status"] == "down"  # nobody started one
    (sqlite_gateway.settings.data / HEARTBEAT_FILE).touch()
    assert sqlite_gateway.http.get("/health").json()["parts"]["worker"]["status"] == "up"
    bot.down = True
    ill = sqlite_gateway.http.get("/health")
    assert (ill.status_code, ill.json()["parts"]["bot"]["status"]) == (503, "down")


def test_a_lease_that_was_lost_keeps_no_second_answer(database, bot):
    conversation_id = begin_and_write("Answered by whoever holds the lease")

    def lose_the_lease(message: dict) -> list[dict]:
        with unit_of_work() as db:
            db.execute(update(Conversation).values(leased_by="another", leased_until=utc_now()))
        bot.replies = lambda _: [reply("goodbye")]
        return [reply("goodbye")]

    bot.replies = lose_the_lease
    with RasaClient(bot.url, TOKEN) as client:
        worker = InboxWorker(client, threads=1, poll_seconds=0.1)
        worker.start()
        try:
            wait_until(lambda: unanswered() == 0)
        finally:
            worker.stop()
    with unit_of_work(read_only=True) as db:
        said = db.scalars(
            select(Message.message_key).where(
                Message.conversation_id == conversation_id, Message.direction == "out"
            )
        ).all()
    assert said == ["goodbye"]
    assert len(bot.handled) == 2  # asked twice, by the same id, so the assistant did nothing twice


def test_after_a_long_outage_what_waits_for_minutes_is_answered_as_soon_as_the_assistant_is_up(gateway, bot):
    chat = gateway.begin()
    bot.down = True
    assert chat.say("Is nobody there?")[0]["key"] == "temporary_trouble"
    with unit_of_work() as db:  # as after an hour
        later = utc_now() + dt.timedelta(minutes=5)
        db.execute(update(Message).where(Message.handled_at.is_(None)).values(next_attempt_at=later))
    bot.down = False
    up_at = time.monotonic()
    wait_until(lambda: bot.texts() == ["Is nobody there?"])
    print(f"\nanswered {time.monotonic() - up_at:.1f} s after the assistant was up")


def test_who_is_in_danger_is_urgent_although_the_assistant_could_not_report_it(gateway, bot):
    bot.replies = lambda message: [reply("danger_help")]
    chat = gateway.begin()
    assert chat.say("He beats me and I am afraid to go home")[0]["key"] == "danger_help"
    with unit_of_work(read_only=True) as db:
        assert db.get_one(Conversation, uuid.UUID(chat.conversation_id)).is_urgent
