"""What must not happen however things fail: a view lost, a view twice."""

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
from playwright.sync_api import expect

from tests.end_to_end.people import NEW_PASSWORD, Resident, sign_in
from tests.end_to_end.running_system import RunningSystem


class ApiResident:
    """Somebody who speaks the web chat's API, as its documentation says."""

    def __init__(self, system: RunningSystem) -> None:
        self.client = httpx.Client(base_url=system.url, timeout=60)
        created = self.client.post("/chat/conversations").raise_for_status().json()
        self.path = f"/chat/conversations/{created['conversation_id']}/messages"
        self.headers = {"Authorization": f"Bearer {created['token']}"}

    def post(self, text: str, client_message_id: str | None = None) -> httpx.Response:
        body = {"client_message_id": client_message_id or str(uuid.uuid4()), "text": text}
        return self.client.post(self.path, json=body, headers=self.headers)

    def messages(self) -> list[dict]:
        answer = self.client.get(self.path, headers=self.headers).raise_for_status().json()
        return answer["messages"] if isinstance(answer, dict) else answer

    def texts(self, direction: str) -> list[str]:
        return [message["text"] for message in self.messages() if message["direction"] == direction]

    def wait_for(self, direction: str, count: int, limit_seconds: float = 60) -> list[str]:
        deadline = time.monotonic() + limit_seconds
        while len(self.texts(direction)) < count:
            assert time.monotonic() < deadline, self.texts(direction)
            time.sleep(0.1)
        return self.texts(direction)

    def say(self, text: str) -> list[str]:
        """Post a text and give back what is said to it."""
        before = len(self.texts("out"))
        assert self.post(text).status_code == 202
        self.wait_for("out", before + 1)
        time.sleep(0.3)
        return self.texts("out")[before:]


def test_a_message_posted_five_times_from_twenty_threads_is_one_message_and_one_reply(system):
    resident = ApiResident(system)
    resident.say("English")
    resident.say("I agree")
    replies = len(resident.texts("out"))
    message_id = str(uuid.uuid4())
    text = " The library should open on Sundays.\n"
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: resident.post(text, message_id), range(100)))
    # Some of a hundred posts may meet the limit on messages; none may fail in another way.
    assert {answer.status_code for answer in answers} <= {202, 429}
    assert answers[0].status_code == 202
    resident.wait_for("out", replies + 1)
    time.sleep(2)
    assert resident.texts("in").count(text) == 1
    assert len(resident.texts("out")) == replies + 1


def test_the_assistant_killed_in_the_middle_of_a_conversation_loses_nothing_and_repeats_nothing(system):
    resident = ApiResident(system)
    resident.say("English")
    resident.say("I agree")
    resident.say("Our street needs a place where young people can meet.")
    before = len(resident.texts("out"))
    bot = system.part("bot")
    bot.kill()
    bot.wait(10)
    assert resident.post("And somebody who speaks Bengali at the housing office.").status_code == 202
    resident.wait_for("out", before + 1)  # told that the answer takes a while
    system.wait_until_healthy()
    answers = resident.wait_for("out", before + 2, limit_seconds=120)[before:]
    assert len(answers) == 2, answers
    finish = resident.say("that's all")
    preview = "\n".join(finish)
    assert preview.count("Our street needs a place where young people can meet.") == 1
    assert preview.count("And somebody who speaks Bengali at the housing office.") == 1
    time.sleep(3)
    sent = resident.say("send it")
    assert sum("OW-" in text for text in sent) == 1
    assert len(resident.texts("in")) == 6


def test_a_worker_killed_at_work_leaves_no_view_untranslated(system):
    resident = ApiResident(system)
    resident.say("Português")
    resident.say("Concordo")
    resident.say("Faltam médicos que falem a nossa língua.")
    worker = system.part("worker")
    worker.kill()
    worker.wait(10)
    resident.say("não")  # the preview may have to say that the English comes later
    time.sleep(7)
    assert any("OW-" in text for text in resident.say("Enviar"))
    deadline = time.monotonic() + 150
    while "inglês" in " ".join(resident.say("o que aconteceu com a minha opinião?")):
        assert time.monotonic() < deadline, "the view was never translated"
        time.sleep(5)


def test_a_second_start_on_postgresql_repeats_nothing_is_quick_and_has_the_view(
    tmp_path, page, postgresql_server
):
    name = postgresql_server.new_empty_database()
    settings = {"OWNWORDS_DATABASE_URL": postgresql_server.url(name)}
    first = RunningSystem(tmp_path / "var", extra_environment=settings)
    first.start()
    password = first.one_time_password
    try:
        text = "As paragens de autocarro precisam de bancos."
        reference = Resident(page, first, "pt").sends_a_view("Português", text)
        sign_in(page, first)  # and choose a password; until then each start gives a new one
    finally:
        first.stop()
    second = RunningSystem(
        tmp_path / "var", extra_environment=settings, username=first.username, one_time_password=NEW_PASSWORD
    )
    seconds = second.start()
    try:
        assert password
        assert second.one_time_password == NEW_PASSWORD  # no new one was printed
        # The target is 60 on a quiet machine.
        assert seconds < 60 * max(1, os.getloadavg()[0] / os.cpu_count())
        assert sum(second.resident_megabytes().values()) < 2000, second.resident_megabytes()
        sign_in(page, second)
        page.goto(f"{second.url}/desk/submissions/{reference}")
        expect(page.locator("body")).to_contain_text(text)
        expect(page.locator("body")).to_contain_text("Machine translation")
    finally:
        second.stop()
    assert not (tmp_path / "var" / "ownwords.db").exists()
    postgresql_server.drop(name)
