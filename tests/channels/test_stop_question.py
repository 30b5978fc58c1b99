"""A whole conversation by text message: a webhook in, answers out, and what may be a wish to stop."""

from __future__ import annotations

import pytest

from channels.outbox_worker import OutboxWorker
from submissions.models import Direction, Message, OptOut
from tests.channels.conftest import RunningGateway, wait_until
from tests.channels.phone import new_sid, rows
from tests.channels.test_twilio_webhooks import PUBLIC_URL, post
from tests.channels.twilio_in_place import ACCOUNT_SID, AUTH_TOKEN, TwilioInPlace, webhook_form
from tests.fakes.bot import reply


class Resident:
    def __init__(self, gateway: RunningGateway, twilio: TwilioInPlace) -> None:
        self.gateway, self.twilio = gateway, twilio
        self.worker = OutboxWorker(gateway.settings, threads=1)

    def say(self, text: str) -> list[str]:
        """What comes back to a text message."""
        before = len(self.twilio.sent)
        assert post(self.gateway, webhook_form(new_sid(), text)).status_code == 204
        wait_until(lambda: all(row.handled_at for row in rows(Message) if row.direction == Direction.INBOUND))
        while self.worker.send_next():
            pass
        return [message["body"] for message in self.twilio.sent[before:]]


@pytest.fixture
def resident(database, tmp_path, bot, twilio):
    settings = {
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": AUTH_TOKEN,
        "twilio_api_url": twilio.url,
        "public_url": PUBLIC_URL,
    }
    with RunningGateway(database, tmp_path / "data", bot.url, **settings) as gateway:
        yield Resident(gateway, twilio)


def test_an_ambiguous_message_is_asked_about_once_and_a_yes_stops_everything(resident, bot):
    [asked] = resident.say("oh stop texting me love")
    assert asked == ("Do you want us to write to you no more?\n1. That is right\n2. Go on, please")
    assert bot.handled == []
    [stopped] = resident.say("1")
    assert stopped.startswith("We will not write to you again.")
    assert {(row.way, row.words) for row in rows(OptOut)} == {("confirmed", "1")}
    assert resident.say("oh stop texting me love") == []


def test_no_means_that_the_message_was_a_view_and_it_is_answered_as_one(resident, bot):
    resident.say("oh stop texting me love")
    answers = resident.say("2")
    assert bot.texts() == ["oh stop texting me love"]
    assert answers
    assert rows(OptOut) == []


def test_another_message_instead_of_an_answer_is_a_message(resident, bot):
    resident.say("oh stop texting me love")
    assert resident.say("the library must stay open")
    assert bot.texts() == ["the library must stay open"]
    assert rows(OptOut) == []


def test_what_the_assistant_takes_for_a_stop_is_asked_about(resident, bot):
    bot.replies = lambda message: [reply("stopped")]
    [asked] = resident.say("I would rather be left in peace from here on, if you see what I mean")
    assert asked.startswith("Do you want us to write to you no more?")
    assert rows(OptOut) == []
    assert resident.say("That is right")[0].startswith("We will not write")
    assert len(rows(OptOut)) == 2


def test_stop_is_confirmed_though_the_assistant_is_down(resident, bot):
    bot.down = True
    assert resident.say("Please STOP 🙏")[0].startswith("We will not write")
    assert bot.handled == []


def test_a_message_with_neither_words_nor_a_file_is_kept_and_answered_without_the_assistant(resident, bot):
    said = resident.say("")
    assert said[0].startswith("I could not read that. Please write it as text.")
    assert bot.handled == []
    assert [row.original_text for row in rows(Message) if row.direction == Direction.INBOUND] == [""]
