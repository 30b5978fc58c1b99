"""An offer without a view is answered as a view is, and forgotten with its conversation."""

import datetime as dt
import re
import uuid

import pytest
from sqlalchemy import func, select

from submissions import erasure, intake, jobs, offers, reply_jobs
from submissions.addresses import configure_keys
from submissions.database import unit_of_work
from submissions.models import (
    AuditEntry,
    Conversation,
    DeliveryStatus,
    Direction,
    Forgetting,
    Message,
    Offer,
    Reply,
    ReplyState,
    Role,
    utc_now,
)
from submissions.review import reply_pages
from submissions.settings import StoreSettings
from submissions.translation_jobs import engine_in_use
from tests.factories import make_conversation, make_message
from tests.submissions.desk_site import Desk, hidden, make_reviewer
from tests.submissions.test_desk_replies import ENGLISH, PORTUGUESE, BothWaysEngine
from translations.errors import ModelNotLoaded

WORDS = "Falo em nome d'os moradores da Rua <b>Nova</b>."


@pytest.fixture(autouse=True)
def engine(monkeypatch, tmp_path):
    configure_keys(StoreSettings(data=tmp_path))
    monkeypatch.setattr(reply_pages, "WAIT_SECONDS", 0)  # these tests do the worker's part themselves
    with engine_in_use(BothWaysEngine()):
        yield


@pytest.fixture
def desk(database) -> Desk:
    make_reviewer()
    return Desk().signed_in()


def make_offer(
    text: str = WORDS, *, channel: str = "sms", language: str | None = "pt", **values
) -> uuid.UUID:
    conversation_id = make_conversation(channel=channel, language=language, **values)
    message_id = make_message(conversation_id, text, detected_language=language)
    with unit_of_work() as db:
        offers.note(db, db.get_one(Message, message_id))
        assert db.get(Offer, message_id) is not None
    return message_id


def address(message_id: uuid.UUID) -> str:
    return f"/desk/stakeholders/offers/{message_id}/reply"


def write(desk: Desk, message_id: uuid.UUID, english: str = ENGLISH) -> Reply:
    answer = desk.post(address(message_id), address(message_id), english=english)
    assert answer.status_code == 303, answer.text
    reply_jobs.translate_replies_to_offers()
    return the_reply()


def the_reply() -> Reply:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Reply).order_by(Reply.created_at.desc())).first()


def send(desk: Desk, message_id: uuid.UUID, reply: Reply, **fields: str):
    page = address(message_id)
    return desk.post(f"{page}/{reply.id}/send", page, reply_version=str(reply.version), **fields)


def sent_messages() -> list[Message]:
    with unit_of_work(read_only=True) as db:
        return list(db.scalars(select(Message).where(Message.direction == Direction.OUTBOUND)))


def test_an_offer_is_answered_in_its_language_on_its_channel_once_the_back_translation_was_there(desk):
    message_id = make_offer()
    listed = desk.get("/desk/stakeholders").text
    assert f'href="{address(message_id)}"' in listed
    page = desk.get(address(message_id)).text
    assert "Falo em nome" in page
    assert "&lt;b&gt;Nova" in page
    assert "in Portuguese, after you have seen what its translation says in English again" in page
    answer = desk.post(address(message_id), address(message_id), english=ENGLISH)
    assert answer.status_code == 303
    waiting = the_reply()
    assert (waiting.state, waiting.submission_id, waiting.offer_id) == ("translating", None, message_id)
    assert send(desk, message_id, waiting).status_code == 422  # nobody has seen what it would say
    assert sent_messages() == []
    assert reply_jobs.translate_replies_to_offers() == 1
    assert reply_jobs.translate_replies_to_offers() == 0
    reply = the_reply()
    assert (reply.text, reply.back_translation) == (PORTUGUESE, "Thanks, we have read.")
    page = desk.get(address(message_id)).text
    assert PORTUGUESE in page
    assert "Thanks, we have read." in page
    assert send(desk, message_id, reply).status_code == 303
    assert send(desk, message_id, reply).status_code == 422  # once
    [message] = sent_messages()
    assert (message.text, message.language, message.channel) == (PORTUGUESE, "pt", "sms")
    assert (message.message_key, message.delivery_status) == ("team_reply", DeliveryStatus.QUEUED)
    assert [block["text"] for block in message.blocks] == [PORTUGUESE]
    assert "answered" in desk.get("/desk/stakeholders").text
    with unit_of_work(read_only=True) as db:
        told = db.execute(
            select(AuditEntry.action, AuditEntry.subject_id).where(AuditEntry.subject_type == "message")
        ).all()
    assert {action for action, _ in told} >= {"offer.read", "reply.written", "reply.sent"}
    assert {subject for _, subject in told} == {str(message_id)}


def test_a_person_may_write_it_and_it_is_translated_back_anew(desk):
    message_id = make_offer()
    reply = write(desk, message_id)
    page = address(message_id)
    fields = {"reply_version": str(reply.version), "text": "Muito obrigado."}
    assert desk.post(f"{page}/{reply.id}/text", page, **fields).status_code == 303
    assert the_reply().back_translation is None
    reply_jobs.translate_replies_to_offers()
    reply = the_reply()
    assert (reply.made_by, reply.back_translation) == ("person", "(Muito obrigado.)")
    assert desk.post(f"{page}/{reply.id}/discard", page, reply_version="1").status_code == 422
    version = str(reply.version)
    assert desk.post(f"{page}/{reply.id}/discard", page, reply_version=version).status_code == 303
    assert send(desk, message_id, the_reply()).status_code == 422
    assert sent_messages() == []


def test_without_a_package_or_with_a_broken_one_a_person_writes_and_a_speaker_checks(desk, monkeypatch):
    somali = make_offer("Waxaan ku hadlayaa magaca bulshada.", language="so")
    reply = write(desk, somali)
    assert (reply.state, reply.text) == (ReplyState.NEEDS_PERSON, None)
    page = address(somali)
    fields = {"reply_version": str(reply.version), "text": "Mahadsanid."}
    assert desk.post(f"{page}/{reply.id}/text", page, **fields).status_code == 303
    reply_jobs.translate_replies_to_offers()
    assert send(desk, somali, the_reply()).status_code == 422
    assert send(desk, somali, the_reply(), checked="yes").status_code == 303

    def break_down(*_, **__):
        raise ModelNotLoaded("argos en-pt", "model.bin is damaged")

    monkeypatch.setattr(BothWaysEngine, "translate_texts", break_down)
    assert write(desk, make_offer()).state == ReplyState.NEEDS_PERSON


def test_the_sweep_translates_what_nobody_was_woken_for(desk):
    message_id = make_offer()
    assert desk.post(address(message_id), address(message_id), english=ENGLISH).status_code == 303
    jobs.sweep()
    assert the_reply().state == ReplyState.TO_CHECK


def test_what_cannot_be_answered_says_why_and_what_is_urgent_is_not_found(desk):
    by_form = make_offer(channel="web_form")
    assert "did not come through a channel that a reply can go back on" in desk.get(address(by_form)).text
    assert desk.post(address(by_form), address(by_form), english=ENGLISH).status_code == 422
    unknown = make_offer(language=None)
    assert "language is not known" in desk.get(address(unknown)).text
    message_id = make_offer()
    reply = write(desk, message_id)
    with unit_of_work() as db:
        conversation_id = db.get_one(Message, message_id).conversation_id
        db.get_one(Conversation, conversation_id).is_urgent = True
    assert desk.get(address(message_id)).status_code == 404
    token = hidden(desk.get("/desk/password").text, "csrf_token")
    fields = {"csrf_token": token, "reply_version": str(reply.version)}
    url = f"{address(message_id)}/{reply.id}/send"
    assert desk.client.post(url, data=fields).status_code == 404
    assert desk.get(address(uuid.uuid4())).status_code == 404
    assert sent_messages() == []


def test_a_reply_belongs_to_its_offer_alone(desk):
    first, second = make_offer(), make_offer()
    reply = write(desk, first)
    page = address(second)
    fields = {"reply_version": str(reply.version)}
    assert desk.post(f"{page}/{reply.id}/send", page, **fields).status_code == 404
    assert sent_messages() == []


@pytest.mark.parametrize("role", list(Role))
def test_who_may_answer_an_offer(sqlite_database, role):
    message_id = make_offer()
    make_reviewer(role=role)
    desk = Desk().signed_in()
    may = role in (Role.REVIEWER, Role.SAFEGUARDING_LEAD, Role.MANAGER, Role.ADMIN)
    assert desk.get(address(message_id)).status_code == (200 if may else 403)
    token = hidden(desk.get("/desk/password").text, "csrf_token")
    answer = desk.client.post(address(message_id), data={"csrf_token": token, "english": ENGLISH})
    assert answer.status_code == (303 if may else 403)
    with unit_of_work(read_only=True) as db:
        assert db.scalar(select(func.count()).select_from(Reply)) == int(may)


def test_retention_forgets_the_offer_and_what_was_answered(desk):
    message_id = make_offer()
    send(desk, message_id, write(desk, message_id))
    other = make_offer()
    write(desk, other)
    with unit_of_work() as db:
        conversation_id = db.get_one(Message, message_id).conversation_id
        db.get_one(Conversation, conversation_id).last_message_at = utc_now() - dt.timedelta(days=4000)
    assert erasure.delete_conversations(utc_now() - dt.timedelta(days=365), dry_run=False) == 1
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Offer.message_id)).all() == [other]
        assert db.scalars(select(Reply.offer_id)).all() == [other]
        assert db.scalars(select(Message.id)).all() == [other]
        assert [note.gone["conversation_id"] for note in db.scalars(select(Forgetting))] == [
            str(conversation_id)
        ]


def test_erasing_a_view_takes_an_offer_made_before_it_and_the_answer_too(desk):
    message_id = make_offer(consented_at=utc_now())
    send(desk, message_id, write(desk, message_id))
    with unit_of_work() as db:
        offered = db.get_one(Message, message_id)
        offered.handled_at = utc_now()
        conversation_id = offered.conversation_id
    view = make_message(
        conversation_id, "A rua precisa de luz.", detected_language="pt", handled_at=utc_now()
    )
    with unit_of_work() as db:
        reference = str(intake.submit(db, conversation_id, [view])[0].reference)
    assert f"answer on {reference}" in desk.get(address(message_id)).text
    assert re.search(rf"Answer on\s+{reference}", desk.get("/desk/stakeholders").text)
    erasure.erase(reference)
    with unit_of_work(read_only=True) as db:
        for model in (Offer, Reply, Message, Conversation):
            assert db.scalars(select(model)).all() == [], model
