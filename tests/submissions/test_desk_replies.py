"""Replies: translated, translated back, approved as they are, and sent once on the resident's channel."""

import re
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import select

from submissions import jobs
from submissions.database import unit_of_work
from submissions.models import (
    Channel,
    Conversation,
    DeliveryStatus,
    Direction,
    Message,
    Reply,
    ReplyState,
    SubmissionStatus,
)
from submissions.review import reply_pages
from submissions.translation_jobs import engine_in_use
from tests.submissions.desk_site import Desk, find, make_reviewer, make_submission
from tests.submissions.engine import WordListEngine
from translations.engine import Translation
from translations.errors import LanguagePairNotInstalled, TranslationError

ENGLISH = "Thank you, we read it."
PORTUGUESE = "Obrigado, nós lemos."


class BothWaysEngine(WordListEngine):
    """Knows one English sentence in Portuguese as well; back again it says what it understood."""

    def translate_texts(
        self, texts: Sequence[str], *, source_language: str, target_language: str
    ) -> list[Translation | TranslationError]:
        if {source_language, target_language} != {"en", "pt"}:
            raise LanguagePairNotInstalled(source_language, target_language)
        known = {ENGLISH: PORTUGUESE, PORTUGUESE: "Thanks, we have read."}
        return [
            Translation(
                known.get(text, f"({text})"),
                source_language,
                target_language,
                None,
                f"wordlist {source_language}",
            )
            for text in texts
        ]


@pytest.fixture(autouse=True)
def engine(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(reply_pages, "WAIT_SECONDS", 0)  # these tests run the jobs themselves
    with engine_in_use(BothWaysEngine()):
        yield


@pytest.fixture
def desk(database) -> Desk:
    make_reviewer()
    return Desk().signed_in()


def reply_page(reference: str) -> str:
    return f"/desk/submissions/{reference}/reply"


def write(desk: Desk, reference: str, english: str = ENGLISH, **fields: str) -> Reply:
    answer = desk.post(reply_page(reference), reply_page(reference), english=english, **fields)
    assert answer.status_code == 303, answer.text
    jobs.run_due_jobs()
    return the_reply()


def the_reply() -> Reply:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Reply).order_by(Reply.created_at.desc())).first()


def send(desk: Desk, reference: str, reply: Reply, **fields: str):
    return desk.post(
        f"{reply_page(reference)}/{reply.id}/send",
        reply_page(reference),
        **({"reply_version": str(reply.version)} | fields),
    )


def outbound(reference: str) -> list[Message]:
    with unit_of_work(read_only=True) as db:
        rows = select(Message).where(
            Message.conversation_id == find(reference).conversation_id,
            Message.direction == Direction.OUTBOUND,
        )
        return list(db.scalars(rows))


def test_a_reply_goes_out_in_the_residents_language_after_its_back_translation_is_shown(desk):
    reference = make_submission("Olá.", english=["Hello."])
    reply = write(desk, reference)
    html = desk.get(reply_page(reference)).text
    assert PORTUGUESE in html
    assert "Thanks, we have read." in html
    assert outbound(reference) == []
    assert send(desk, reference, reply).status_code == 303
    [message] = outbound(reference)
    assert message.text == f"{reference}\n{PORTUGUESE}"
    assert (message.language, message.delivery_status) == ("pt", DeliveryStatus.SENT)
    assert [block["dir"] for block in message.blocks] == ["ltr", "ltr"]
    assert the_reply().message_id == message.id
    assert "approved and sent a reply" in desk.get(f"/desk/submissions/{reference}").text


def test_a_text_message_is_queued_for_the_carrier(desk):
    reference = make_submission("Olá.", english=["Hello."], channel=Channel.SMS)
    send(desk, reference, write(desk, reference))
    assert [message.delivery_status for message in outbound(reference)] == [DeliveryStatus.QUEUED]


def test_a_reply_is_sent_once_however_often_the_button_is_pressed(desk):
    reference = make_submission("Olá.", english=["Hello."])
    reply = write(desk, reference)
    send(desk, reference, reply)
    again = send(desk, reference, reply)
    assert again.status_code == 422
    assert "sent or discarded already" in again.text
    assert len(outbound(reference)) == 1


def test_what_was_not_seen_is_not_sent(desk):
    reference = make_submission("Olá.", english=["Hello."])
    reply = write(desk, reference)
    text = f"{reply_page(reference)}/{reply.id}/text"
    changed = desk.post(text, reply_page(reference), reply_version=str(reply.version), text="Obrigada!")
    assert changed.status_code == 303
    assert send(desk, reference, reply).status_code == 422
    assert send(desk, reference, the_reply()).status_code == 422  # not translated back yet
    jobs.run_due_jobs()
    latest = the_reply()
    assert (latest.text, latest.back_translation, latest.made_by) == ("Obrigada!", "(Obrigada!)", "person")
    assert send(desk, reference, latest).status_code == 303
    assert outbound(reference)[0].text.endswith("Obrigada!")


def test_where_no_machine_helps_a_person_writes_and_a_reader_of_the_language_vouches(desk):
    reference = make_submission("ሰላም።", language="am")
    reply = write(desk, reference)
    assert (reply.state, reply.text) == (ReplyState.NEEDS_PERSON, None)
    assert send(desk, reference, reply, checked="yes").status_code == 422
    text = f"{reply_page(reference)}/{reply.id}/text"
    desk.post(text, reply_page(reference), reply_version=str(reply.version), text="እናመሰግናለን።")
    jobs.run_due_jobs()
    refused = send(desk, reference, the_reply())
    assert refused.status_code == 422
    assert "No machine can translate it back" in refused.text
    assert send(desk, reference, the_reply(), checked="yes").status_code == 303
    assert outbound(reference)[0].blocks[1] == {
        "text": "እናመሰግናለን።",
        "lang": "am",
        "dir": "ltr",
        "role": "message",
    }


def test_an_english_reply_needs_no_translation(desk):
    reference = make_submission("Hello.", language="en")
    reply = write(desk, reference)
    assert reply.state == ReplyState.TO_CHECK
    assert send(desk, reference, reply).status_code == 303
    assert outbound(reference)[0].text == f"{reference}\n{ENGLISH}"


def test_kept_wording_is_used_as_the_speaker_checked_it(desk):
    page = "/desk/canned-replies"
    assert desk.post(page, page, name="Thanks", english=ENGLISH).status_code == 303
    canned = re.search(r'id="reply-([0-9a-f-]{36})"', desk.get(page).text)[1]
    unnamed = desk.post(f"{page}/{canned}/texts", page, language="pt", text="Muito obrigado.")
    assert unnamed.status_code == 422
    kept = desk.post(
        f"{page}/{canned}/texts", page, language="pt", text="Muito obrigado.", checked_by="Rui Sá"
    )
    assert kept.status_code == 303
    reference = make_submission("Olá.", english=["Hello."])
    assert ENGLISH in desk.get(f"{reply_page(reference)}?canned={canned}").text
    reply = write(desk, reference, canned=canned)
    assert (reply.text, reply.made_by) == ("Muito obrigado.", "canned")
    assert reply.back_translation == "(Muito obrigado.)"
    # Other English voids what the speaker checked.
    desk.post(page, page, canned=canned, name="Thanks", english="Something else.")
    assert "Rui Sá" not in desk.get(page).text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"channel": Channel.WEB_FORM}, "did not come through a channel"),
        ({"status": SubmissionStatus.WITHDRAWN}, "has withdrawn"),
        ({"language": None}, "language is not known"),
    ],
)
def test_who_cannot_or_must_not_be_reached_is_not_written_to(desk, values, words):
    reference = make_submission("Olá.", **({"english": ["Hello."]} | values))
    assert words in desk.get(reply_page(reference)).text
    assert desk.post(reply_page(reference), reply_page(reference), english=ENGLISH).status_code == 422
    assert outbound(reference) == []


def test_a_view_withdrawn_meanwhile_gets_no_reply(desk):
    reference = make_submission("Olá.", english=["Hello."])
    reply = write(desk, reference)
    with unit_of_work() as db:
        db.merge(find(reference)).status = SubmissionStatus.WITHDRAWN
    assert send(desk, reference, reply).status_code == 422
    assert outbound(reference) == []


def test_a_reply_is_not_reached_through_another_view(desk):
    reference, other = make_submission("Olá.", english=["Hello."]), make_submission("Oi.", english=["Hi."])
    reply = write(desk, reference)
    assert send(desk, other, reply).status_code == 404
    assert outbound(other) == []


def test_a_discarded_reply_is_gone_from_the_page(desk):
    reference = make_submission("Olá.", english=["Hello."])
    reply = write(desk, reference)
    path = f"{reply_page(reference)}/{reply.id}/discard"
    assert desk.post(path, reply_page(reference), reply_version=str(reply.version)).status_code == 303
    assert PORTUGUESE not in desk.get(reply_page(reference)).text


def test_the_reply_is_in_the_language_the_resident_chose(desk):
    reference = make_submission("Hello there.", language="en")
    with unit_of_work() as db:
        db.get_one(Conversation, find(reference).conversation_id).language = "pt"
    assert write(desk, reference).language == "pt"
