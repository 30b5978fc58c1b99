"""Follow-ups on the telephone, through the stand-in: checked, sent, answered, linked; and code words."""

import datetime as dt
import unicodedata

import pytest
from sqlalchemy import select, update

from channels import follow_ups
from channels.follow_ups import default_wording
from channels.opt_out_keywords import CARRIER_WORDS, WORDS_FOLDER, asks_to_stop
from channels.outbox import OPTED_OUT
from channels.sms_text import count_sms_parts
from channels.twilio_inbox import keep_inbound
from channels.wording import catalogue_languages, load_catalogue
from submissions import intake
from submissions.database import unit_of_work
from submissions.follow_ups import answers, approval, code_words, results, sending
from submissions.follow_ups.errors import NotAccepted
from submissions.models import (
    Address,
    Conversation,
    ConversationForum,
    Message,
    utc_now,
)
from tests.channels.conftest import RunningGateway, wait_until
from tests.channels.phone import Phone, new_sid, rows
from tests.channels.twilio_in_place import webhook_form
from tests.submissions.forums import (
    PEOPLE,
    WORDS,
    approved_follow_up,
    at_noon,
    make_forum,
    recipients,
)
from translations.languages import direction_of

NOON = at_noon()


@pytest.fixture(autouse=True)
def in_the_day(monkeypatch):
    """The outbox asks for the time by itself; the hours are tested elsewhere."""
    follow_ups.install()
    monkeypatch.setattr(sending, "may_text_at", lambda _: True)


@pytest.fixture
def phone(sqlite_database, tmp_path, twilio) -> Phone:
    return Phone(sqlite_database, tmp_path / "data", twilio)


def message_in(language: str) -> Message:
    with unit_of_work(read_only=True) as db:
        return db.scalars(
            select(Message).where(Message.language == language, Message.message_key == "follow_up_invitation")
        ).one()


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_the_kept_invitation_says_how_to_hear_no_more_in_words_we_heed(language):
    text = default_wording(language, "Queen's Park forum") or ""
    assert "Queen's Park forum" in text
    quoted = [part for mark in ('"', "«»", "“”") for part in _quoted(text, mark)]
    assert len(quoted) == 1
    assert asks_to_stop(quoted[0], on_phone=True)
    assert quoted[0].casefold() not in CARRIER_WORDS


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_the_kept_invitation_is_laid_out_in_its_own_direction_on_a_telephone(language):
    text = default_wording(language, "Queen's Park forum") or ""
    first = next(char for char in text if unicodedata.bidirectional(char) in ("L", "R", "AL"))
    assert (unicodedata.bidirectional(first) != "L") is (direction_of(language) == "rtl")
    assert count_sms_parts(text) <= 2


def _quoted(text: str, marks: str) -> list[str]:
    opening, closing = marks[0], marks[-1]
    _, found, rest = text.partition(opening)
    return [rest.partition(closing)[0]] if found and closing in rest else []


def test_it_reaches_each_telephone_once_and_an_answer_becomes_a_view_of_the_forum(phone, twilio):
    forum_id = make_forum()
    follow_up_id = approved_follow_up(forum_id)
    for _ in range(2):
        follow_ups.work_on_follow_ups()
        phone.send_all()
    assert sorted(twilio.bodies()) == sorted(WORDS.values())
    phone.receive("Więcej światła w parku.", sender=PEOPLE["pl"])
    phone.receive("stop", sender=PEOPLE["ar"])
    phone.receive("I was not there.", sender="+447700900177")
    [link] = rows(ConversationForum)
    assert (link.forum_id, link.way) == (forum_id, "follow_up")
    results.note_outcomes()
    found = {
        code: (one.answered_at is not None, one.opted_out_at is not None)
        for code, one in recipients(follow_up_id).items()
    }
    assert found == {
        "pl": (True, False),
        "ar": (False, True),
        "bn": (False, False),
        "pt": (False, False),
        "en": (False, False),
    }
    assert forum_of_view(link.conversation_id, "Więcej światła w parku.") == forum_id
    # Weeks later they write about something else.
    with unit_of_work() as db:
        db.execute(update(ConversationForum).values(linked_at=utc_now() - dt.timedelta(days=31)))
    phone.receive("Autobus nie przyjechał.", sender=PEOPLE["pl"], received_at=NOON + dt.timedelta(days=40))
    assert forum_of_view(link.conversation_id, "Autobus nie przyjechał.") is None


def forum_of_view(conversation_id, text: str):
    with unit_of_work() as db:
        db.get(Conversation, conversation_id).consented_at = utc_now()
        message = db.scalars(
            select(Message).where(Message.conversation_id == conversation_id, Message.original_text == text)
        ).one()
        submission, _ = intake.submit(db, conversation_id, [message.id])
        return submission.forum_id


def test_who_opts_out_or_is_paused_while_it_waits_in_the_outbox_is_not_texted(phone, twilio):
    forum_id = make_forum({"pl": PEOPLE["pl"], "ar": PEOPLE["ar"]})
    follow_up_id = approved_follow_up(forum_id)
    follow_ups.work_on_follow_ups()
    phone.receive("لا تراسلوني", sender=PEOPLE["ar"])
    with unit_of_work() as db:
        approval.pause(db, follow_up_id, reason="wait", actor="reviewer:ben")
    phone.send_all()
    assert WORDS["pl"] not in twilio.bodies()
    assert (message_in("ar").delivery_status, message_in("ar").last_error) == ("canceled", OPTED_OUT)
    assert (message_in("pl").delivery_status, message_in("pl").last_error) == ("held", sending.PAUSED)
    with unit_of_work() as db:
        approval.resume(db, follow_up_id, actor="reviewer:maya")
    follow_ups.work_on_follow_ups()
    phone.send_all()
    assert twilio.bodies().count(WORDS["pl"]) == 1
    assert WORDS["ar"] not in twilio.bodies()


@pytest.mark.parametrize(
    ("text", "is_code"),
    [
        ("PARK26", True),
        (" park26! ", True),
        ("Park26.", True),
        ("ＰＡＲＫ２６", True),
        ("park26 needs more light", False),
        ("I was at PARK26", False),
        ("PARK 26", False),
        ("park2", False),
        ("park٢٦", True),
        ("", False),
    ],
)
def test_only_a_message_that_is_nothing_else_is_a_code_word(sqlite_database, tmp_path, text, is_code):
    make_forum({}, code_word="PARK26")
    with unit_of_work(read_only=True) as db:
        assert (code_words.find_forum_by_code_word(db, text) is not None) is is_code


@pytest.mark.parametrize(
    ("word", "texted"),
    [
        ("حديقة٢٦", ["حديقة٢٦", "حَدِيقَة26", " حديقه٢٦! ", "حــديــقة۲۶"]),
        ("公园", ["公园", "公园。", " 公园 🌳"]),
        ("公园26", ["公园26", "公园２６"]),
        ("Парк26", ["парк26", "ПАРК26", "«Парк26»"]),
        ("Łąka", ["łąka", "LAKA", "łąka."]),
        ("পার্ক২৬", ["পার্ক২৬", "পার্ক26"]),
        ("ፓርክ2016", ["ፓርክ2016"]),
        ("می‌آیم", ["می‌آیم", "میآیم"]),
    ],
)
def test_a_code_word_may_be_in_any_script_however_it_is_typed(sqlite_database, word, texted):
    follow_ups.install()
    forum_id = make_forum({}, code_word=word)
    make_forum({}, name="Another forum", code_word="OTHER26")
    with unit_of_work(read_only=True) as db:
        found = [code_words.find_forum_by_code_word(db, text) for text in texted]
        assert [forum.id if forum else None for forum in found] == [forum_id] * len(texted)
        assert code_words.find_forum_by_code_word(db, f"{word} {word}") is None


@pytest.mark.parametrize(
    "word",
    [
        "STOP",
        "Unsubscribe",
        "stopp",
        "start",
        "Polish",
        "AB",
        "PARK 26",
        "2026",
        "٢٠٢٦",
        "26PARK",
        "help",
        "Finish",
        "PARK!",
        "PARK🌳",
        "PАRK26",  # its second letter is Cyrillic
        "P" * 21,
        "ﷺﷺ",  # one character that becomes eighteen
        "园",
        "停止",
        "إيقاف",
        "стоп",
        "العربية",
        "русский",
        "中文",
        "",
    ],
)
def test_a_word_that_means_something_else_cannot_be_a_code_word(sqlite_database, word):
    assert code_words.problem_with(word)
    if word:
        with pytest.raises(NotAccepted) as refused:
            make_forum({}, code_word=word)
        assert list(refused.value.problems) == ["code_word"]


@pytest.mark.parametrize("language", sorted(catalogue_languages()))
def test_no_option_and_no_word_of_stopping_can_be_a_code_word(language):
    follow_ups.install()
    titles = {text for (key, _), text in load_catalogue(language).texts.items() if key.startswith("option_")}
    assert len(titles) > 10
    lines = (WORDS_FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    words = {line for line in lines if line.strip() and not line.startswith("#")}
    assert [word for word in sorted(titles | words) if code_words.problem_with(word) is None] == []


def test_two_forums_cannot_have_one_code_word(sqlite_database):
    make_forum({}, code_word="PARK26")
    with pytest.raises(NotAccepted, match="Another forum"):
        make_forum({}, code_word="park26")


def keys_after(number: int) -> list[str]:
    def said() -> list[Message]:
        with unit_of_work(read_only=True) as db:
            return list(
                db.scalars(
                    select(Message)
                    .join(Address, Address.conversation_id == Message.conversation_id)
                    .where(Message.direction == "out")
                    .order_by(Message.position)
                )
            )

    wait_until(lambda: len(said()) >= number)
    return [message.message_key or "" for message in said()]


def test_texting_the_code_word_links_and_goes_on_in_the_right_language(sqlite_gateway, bot):
    follow_ups.install()
    forum_id = make_forum({}, code_word="PARK26", languages=["pl", "ar"])
    Keeper(sqlite_gateway).text("Park26!")
    assert keys_after(2) == ["forum_welcome", "choose_language"]
    Keeper(sqlite_gateway).text("polski")
    assert keys_after(5)[2:] == ["language_set", "welcome", "ask_consent"]
    Keeper(sqlite_gateway).text("PARK26")  # again, the language being known
    assert keys_after(8)[5:] == ["forum_welcome", "welcome", "ask_consent"]
    spoken = {message.message_key: message for message in rows(Message) if message.direction == "out"}
    assert spoken["forum_welcome"].language in {"pl", "en"}
    [link] = rows(ConversationForum)
    assert (link.forum_id, link.way) == (forum_id, "code_word")
    with unit_of_work(read_only=True) as db:
        assert answers.forum_of_conversation(db, link.conversation_id) == forum_id


class Keeper:
    """Somebody with a telephone who texts the running gateway."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway

    def text(self, words: str) -> None:
        keep_inbound(webhook_form(new_sid(), words, "+447700900188"), received_at=utc_now())
        self.gateway.app.state.gateway.worker.wake()
