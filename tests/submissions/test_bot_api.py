from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from submissions import bot_api, intake, jobs
from submissions import database as db_module
from submissions.database import unit_of_work
from submissions.models import (
    Conversation,
    Job,
    JobKind,
    JobStatus,
    Message,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.references import normalise_reference
from submissions.settings import PROJECT_FOLDER
from submissions.translation_jobs import engine_in_use
from tests.factories import VIEW_SO, make_conversation, make_message, make_view
from tests.submissions.engine import WordListEngine
from tests.submissions.threads import in_threads

CONTRACTS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((PROJECT_FOLDER / "tests" / "contracts").glob("*.json"))
}
OURS = {name: one for name, one in CONTRACTS.items() if str(one.get("path", "")).startswith("/internal/bot/")}
TOKEN = {"X-Internal-Token": "between-us"}


@pytest.fixture
def client(database: str) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.internal_token = TOKEN["X-Internal-Token"]
    app.include_router(bot_api.router)
    with engine_in_use(WordListEngine()), TestClient(app, headers=TOKEN) as client:
        yield client


@pytest.fixture
def worker() -> Iterator[None]:
    """Runs due jobs in a thread of its own, as the worker process does."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.02):
            jobs.run_due_jobs()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


def post(client: TestClient, path: str, expected: int = 200, **body: Any) -> Any:
    answer = client.post(f"/internal/bot/{path}", json=json.loads(json.dumps(body, default=str)))
    assert answer.status_code == expected, answer.text
    return answer.json()


def stored_as_in(contract: dict[str, Any]) -> None:
    """Rows with the ids that the contract's request names, as they are before the call."""
    request = contract["request"]
    conversation_id = uuid.UUID(request["conversation_id"])
    ids = [uuid.UUID(one) for one in request.get("message_ids", []) or [request.get("message_id")] if one]
    with unit_of_work() as db:
        db.add(
            Conversation(
                id=conversation_id, channel="web_chat", language="pt", consented_at=utc_now(), message_count=0
            )
        )
    for message_id in ids:
        stored = make_message(conversation_id, "Gosto desta rua.", detected_language="pt")
        with unit_of_work() as db:
            db.execute(update(Message).where(Message.id == stored).values(id=message_id))
    reference = request.get("reference") or next(
        (one["reference"] for one in contract["answer"].get("submissions", [])), None
    )
    if reference:
        earlier = make_message(conversation_id, "Os vizinhos se encontram.", detected_language="pt")
        with unit_of_work() as db:
            submission, _ = intake.submit(db, conversation_id, [earlier])
            submission.reference = reference


def shape(value: Any) -> Any:
    """The kinds of the values; words that are one of a few stay."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    if isinstance(value, str):
        for kind, test in (("uuid", uuid.UUID), ("reference", _reference)):
            try:
                test(value)
            except ValueError:
                continue
            return kind
    return value


def _reference(text: str) -> None:
    if normalise_reference(text) != text:
        raise ValueError(text)


def test_there_is_a_contract_for_every_call() -> None:
    paths = {route.path for route in bot_api.router.routes}  # type: ignore[attr-defined]
    assert {one["path"] for one in OURS.values()} == paths
    assert len(paths) == 8


@pytest.mark.parametrize("name", OURS)
def test_each_call_answers_as_its_contract_says(client: TestClient, worker: None, name: str) -> None:
    contract = OURS[name]
    stored_as_in(contract)
    with unit_of_work() as db:  # a word of the contract's answer, whatever the worker has done by now
        for job in db.scalars(select(Job)):
            job.status = JobStatus.WAITING
    for time_number in range(2):  # every call may be repeated
        answer = client.request(contract["method"], contract["path"], json=contract["request"])
        assert answer.status_code == contract.get("status", 200), answer.text
        expected = shape(contract["answer"])
        if name == "submissions" and time_number == 1:
            expected["created"] = False
        if name == "withdrawals" and time_number == 1:
            expected["status"] = "already_withdrawn"
        assert shape(answer.json()) == expected


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_every_call_is_refused_without_the_token(client: TestClient, name: str, token: str | None) -> None:
    headers = {} if token is None else {"X-Internal-Token": token}
    client.headers.pop("X-Internal-Token")
    assert client.post(OURS[name]["path"], json=OURS[name]["request"], headers=headers).status_code == 401


@pytest.mark.parametrize("name", OURS)
def test_unknown_conversations_are_404_and_wrong_bodies_422(client: TestClient, name: str) -> None:
    contract = OURS[name]
    assert client.post(contract["path"], json=contract["request"]).status_code == 404
    assert client.post(contract["path"], json={}).status_code == 422
    assert client.post(contract["path"], json={**contract["request"], "text": "own words"}).status_code == 422


def test_a_draft_is_ready_when_the_worker_was_quick(client: TestClient, worker: None) -> None:
    conversation_id, ids = make_view("Gosto desta rua.")
    answer = post(client, "drafts", conversation_id=conversation_id, message_ids=ids)
    assert answer["translation"] == "ready"
    again = post(client, "drafts", conversation_id=conversation_id, message_ids=ids)
    assert again == answer


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [("I like this street.", "en", "not_needed"), (VIEW_SO, "so", "person"), ("hm", None, "person")],
)
def test_what_a_resident_is_told_of_the_translation(
    client: TestClient, worker: None, text: str, language: str | None, expected: str
) -> None:
    conversation_id, ids = make_view(text, language=language)
    answer = post(client, "drafts", conversation_id=conversation_id, message_ids=ids)
    assert answer["translation"] == expected


def test_a_slow_translation_comes_later_and_nobody_else_waits_for_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_api, "DRAFT_WAIT_SECONDS", 1.0)
    conversation_id, ids = make_view("Gosto desta rua.")
    other, other_ids = make_view("Gosto desta rua.")
    took: dict[int, float] = {}

    def call(number: int) -> Any:
        began = time.monotonic()
        if number == 0:
            answer = post(client, "drafts", conversation_id=conversation_id, message_ids=ids)["translation"]
        else:
            answer = post(client, "human-requests", conversation_id=other, message_id=other_ids[0])
        took[number] = time.monotonic() - began
        return answer

    assert in_threads(2, call) == ["later", {}]
    assert took[0] >= 1.0
    jobs.run_due_jobs()
    assert post(client, "drafts", conversation_id=conversation_id, message_ids=ids)["translation"] == "ready"


def test_a_translation_that_failed_for_good_is_a_persons_work(client: TestClient) -> None:
    conversation_id, ids = make_view("Gosto desta rua.")
    with unit_of_work() as db:
        intake.make_draft(db, conversation_id, ids)
    with unit_of_work() as db:
        db.scalars(select(Job).where(Job.kind == JobKind.TRANSLATE)).one().status = JobStatus.FAILED
    assert post(client, "drafts", conversation_id=conversation_id, message_ids=ids)["translation"] == "person"


def test_a_submission_needs_consent(client: TestClient) -> None:
    conversation_id, ids = make_view()
    post(client, "submissions", 422, conversation_id=conversation_id, message_ids=ids)
    post(client, "consents", conversation_id=conversation_id, message_id=ids[0], agreed=True)
    first = post(client, "submissions", conversation_id=conversation_id, message_ids=ids)
    assert first["created"]
    second = post(client, "submissions", conversation_id=conversation_id, message_ids=ids)
    assert second == {"reference": first["reference"], "created": False}


def test_twenty_calls_at_once_make_one_submission(client: TestClient) -> None:
    conversation_id, ids = make_view(consented_at=utc_now())
    answers = in_threads(
        20, lambda _: post(client, "submissions", conversation_id=conversation_id, message_ids=ids)
    )
    assert len({answer["reference"] for answer in answers}) == 1
    assert sum(answer["created"] for answer in answers) == 1


def test_the_life_of_a_view(client: TestClient, worker: None) -> None:
    conversation_id, ids = make_view("Gosto desta rua.", consented_at=utc_now())
    reference = post(client, "submissions", conversation_id=conversation_id, message_ids=ids)["reference"]
    more = make_message(conversation_id, "Os vizinhos se encontram.", detected_language="pt")
    added = post(
        client, "additions", conversation_id=conversation_id, reference=reference, message_ids=[more]
    )
    assert added == {"reference": reference}
    asked = make_message(conversation_id, "Como está?")
    for _ in range(300):
        answer = post(client, "status", conversation_id=conversation_id, message_id=asked)
        if answer["submissions"][0]["status"] == "received":
            break
        time.sleep(0.05)
    assert answer == {"submissions": [{"reference": reference, "status": "received"}]}
    post(client, "danger-reports", conversation_id=conversation_id, message_id=asked)
    with unit_of_work() as db:
        assert db.scalars(select(Submission)).one().is_urgent
    body = {"conversation_id": conversation_id, "reference": reference}
    assert post(client, "withdrawals", **body) == {"status": "withdrawn"}
    assert post(client, "withdrawals", **body) == {"status": "already_withdrawn"}
    post(client, "additions", 422, **body, message_ids=[asked])
    assert post(client, "withdrawals", conversation_id=conversation_id, reference="?") == {
        "status": "not_found"
    }
    with unit_of_work() as db:
        assert db.scalars(select(Submission)).one().status == SubmissionStatus.WITHDRAWN


def test_a_database_that_is_down_is_a_503(client: TestClient, database: str) -> None:
    conversation_id = make_conversation()
    db_module.configure("postgresql://nobody@127.0.0.1:20396/nothing")
    try:
        post(client, "withdrawals", 503, conversation_id=conversation_id, reference="OW-7K3M-92QF")
    finally:
        db_module.configure(database)


def test_answers_are_committed_before_they_leave(client: TestClient) -> None:
    conversation_id, ids = make_view(consented_at=utc_now())
    reference = post(client, "submissions", conversation_id=conversation_id, message_ids=ids)["reference"]
    db_module.engine().dispose()  # whatever was not committed is gone
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Submission.reference)).one() == reference
