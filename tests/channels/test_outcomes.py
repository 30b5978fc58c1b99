"""You said, we did: proposed by one, published by another, never half machine and half person, told once."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import select

from channels import outcome_messages
from submissions import intake, outcomes, rights
from submissions.addresses import configure_keys, conversation_with, find_or_add_address
from submissions.database import unit_of_work
from submissions.models import (
    Address,
    AuditEntry,
    Channel,
    DeliveryStatus,
    HearBack,
    Message,
    OptOutWay,
    Outcome,
    OutcomeState,
)
from submissions.opt_outs import record_opt_out
from submissions.outcomes import OutcomeRefused
from submissions.retention import run_retention
from submissions.settings import StoreSettings
from submissions.translation_jobs import engine_in_use
from tests.factories import make_message
from translations.engine import Translation
from translations.errors import LanguagePairNotInstalled

ANA, BEN = "reviewer:ana", "reviewer:ben"
THEME = "community_engagement"
NOON = dt.datetime(2026, 7, 1, 11, tzinfo=dt.UTC)  # 12 in London
NIGHT = dt.datetime(2026, 7, 1, 20, tzinfo=dt.UTC)  # 21 in London


class IntoPortuguese:
    """An engine that has one language and says what it was given."""

    def translate_texts(self, texts, *, source_language, target_language):
        if target_language != "pt":
            raise LanguagePairNotInstalled(source_language, target_language)
        return [Translation(f"pt: {text}", "en", "pt", None, "words en-pt 1") for text in texts]


@pytest.fixture(autouse=True)
def keys(tmp_path):
    configure_keys(StoreSettings(data=tmp_path))


def published(said: str = "Buses come late.", did: str = "We asked for more buses.") -> Outcome:
    outcome_id = outcomes.save(ANA, THEME, said, did)
    outcomes.propose(ANA, outcome_id)
    outcomes.publish(BEN, outcome_id, version=outcome(outcome_id).version)
    return outcome(outcome_id)


def outcome(outcome_id: uuid.UUID) -> Outcome:
    with unit_of_work(read_only=True) as db:
        row = db.get_one(Outcome, outcome_id)
        _ = row.texts
        return row


def shown(language: str) -> list[outcomes.Shown]:
    with unit_of_work(read_only=True) as db:
        return outcomes.published_in(db, language)


def phone(number: str = "+447700900123", *, language: str = "pt") -> uuid.UUID:
    with unit_of_work() as db:
        address = find_or_add_address(db, channel=Channel.SMS, phone=number)
        conversation_id = conversation_with(db, address)
        intake.conversations.find_conversation(db, conversation_id).language = language
        return conversation_id


def agree(conversation_id: uuid.UUID, wants: bool = True) -> None:
    with unit_of_work() as db:
        assert rights.agree_to_hear_back(db, conversation_id, wants, way="conversation")


def told() -> list[Message]:
    with unit_of_work(read_only=True) as db:
        of_outcomes = select(Message).where(Message.message_key == outcome_messages.MESSAGE_KEY)
        return list(db.scalars(of_outcomes))


def test_whoever_wrote_or_proposed_it_does_not_publish_it(database):
    outcome_id = outcomes.save(ANA, THEME, "Buses.", "More buses.")
    with pytest.raises(OutcomeRefused):
        outcomes.publish(BEN, outcome_id, version=outcome(outcome_id).version)  # not proposed yet
    outcomes.propose(ANA, outcome_id)
    with pytest.raises(OutcomeRefused, match="Somebody else"):
        outcomes.publish(ANA, outcome_id, version=outcome(outcome_id).version)
    assert shown("en") == []
    outcomes.publish(BEN, outcome_id, version=outcome(outcome_id).version)
    assert [(one.said, one.did) for one in shown("en")] == [("Buses.", "More buses.")]
    with unit_of_work(read_only=True) as db:
        actions = db.scalars(select(AuditEntry.action).where(AuditEntry.subject_type == "outcome"))
        assert set(actions) == {"outcome.written", "outcome.proposed", "outcome.published"}


def test_a_new_version_replaces_the_old_one_and_what_is_published_never_changes(database):
    first = published()
    with pytest.raises(OutcomeRefused):
        outcomes.set_text(ANA, first.id, "pt", "x", "y")
    second = published(did="More buses come since May.")
    assert (first.number, second.number) == (1, 2)
    assert outcome(first.id).state == OutcomeState.REPLACED
    assert [one.did for one in shown("en")] == ["More buses come since May."]
    outcomes.retire(BEN, second.id)
    assert shown("en") == []


def test_two_people_at_once_are_told(database):
    outcome_id = outcomes.save(ANA, THEME, "Buses.", "More buses.")
    seen = outcome(outcome_id).version
    outcomes.save(BEN, THEME, "Buses.", "More and later buses.", version=seen)
    with pytest.raises(OutcomeRefused):
        outcomes.save(ANA, THEME, "Buses.", "Other buses.", version=seen)
    outcomes.propose(BEN, outcome_id)
    seen = outcome(outcome_id).version
    outcomes.set_text(BEN, outcome_id, "pt", "Autocarros.", "Mais autocarros.")
    with pytest.raises(OutcomeRefused):  # the publisher has not seen the Portuguese
        outcomes.publish(ANA, outcome_id, version=seen)


def test_a_text_is_a_machines_or_a_persons_and_never_half_of_each(database):
    outcome_id = outcomes.save(ANA, THEME, "Buses.", "More buses.")
    outcomes.propose(ANA, outcome_id)
    with engine_in_use(IntoPortuguese()):
        assert outcomes.translate_waiting() == 1
        (made,) = outcome(outcome_id).texts
        assert (made.language, made.made_by, made.did) == ("pt", "machine", "pt: More buses.")
        outcomes.set_text(BEN, outcome_id, "pt", "Os autocarros.", "Há mais autocarros.")
        assert outcomes.translate_waiting() == 0
    (text,) = outcome(outcome_id).texts
    assert (text.made_by, text.person, text.said) == ("person", BEN, "Os autocarros.")
    assert text.model is None


def test_the_public_page_says_who_translated_and_is_in_the_language_asked_for(gateway):
    outcome_id = outcomes.save(ANA, THEME, "Buses <b>late</b>.", "More buses.")
    outcomes.set_text(ANA, outcome_id, "ar", "الحافلات متأخرة.", "المزيد من الحافلات.")
    outcomes.propose(ANA, outcome_id)
    assert "Buses" not in gateway.http.get("/outcomes").text
    outcomes.publish(BEN, outcome_id, version=outcome(outcome_id).version)
    arabic = gateway.http.get("/outcomes?lang=ar")
    assert 'dir="rtl"' in arabic.text
    assert "الحافلات متأخرة." in arabic.text
    assert "ترجم هذا شخص." in arabic.text
    somali = gateway.http.get("/outcomes?lang=so").text
    assert "Weli kuma qorna luqaddaada" in somali  # there is no text: said, with the English
    assert "Buses &lt;b&gt;late&lt;/b&gt;." in somali
    # The theme's name is in the reader's language, even where the words are not yet.
    assert '<bdi lang="ar">مشاركة المجتمع</bdi>' in arabic.text
    assert '<bdi lang="so">Ka-qaybgalka bulshada</bdi>' in somali
    assert '<bdi lang="en">Community Engagement</bdi>' in gateway.http.get("/outcomes?lang=en").text


def test_each_who_agreed_is_told_once_in_their_language(database, monkeypatch):
    for number, language in (("+447700900123", "pt"), ("+447700900124", "so")):
        agree(phone(number, language=language))
    agree(phone("+447700900125"), wants=True)
    agree(phone("+447700900125"), wants=False)
    stopped = phone("+447700900126")
    agree(stopped)
    with unit_of_work() as db:
        address = rights.address_of(db, stopped, lock=True)
        record_opt_out(db, address, way=OptOutWay.WORDS, words="stop")
    monkeypatch.setattr(outcome_messages, "utc_now", lambda: NOON)
    with pytest.raises(OutcomeRefused):
        outcomes.announce(BEN)  # nothing is published
    published()
    assert outcome_messages.tell_contributors() == 0  # nobody has asked for it
    outcomes.announce(BEN)
    monkeypatch.setattr(outcome_messages, "utc_now", lambda: NIGHT)
    assert outcome_messages.tell_contributors() == 0
    monkeypatch.setattr(outcome_messages, "utc_now", lambda: NOON)
    assert outcome_messages.tell_contributors() == 2
    assert outcome_messages.tell_contributors() == 0
    outcomes.announce(BEN)
    assert outcome_messages.tell_contributors() == 0
    assert sorted(str(message.language) for message in told()) == ["pt", "so"]
    assert all("/outcomes" in str(message.text) for message in told())


def test_a_crash_in_the_middle_neither_loses_nor_repeats_a_message(database, monkeypatch):
    agree(phone())
    published()
    outcomes.announce(BEN)
    monkeypatch.setattr(outcome_messages, "utc_now", lambda: NOON)
    real = outcome_messages.record_outbound_message

    def record_and_die(*values):
        real(*values)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outcome_messages, "record_outbound_message", record_and_die)
        with pytest.raises(KeyboardInterrupt):
            outcome_messages.tell_contributors()
    assert told() == []
    assert outcome_messages.tell_contributors() == 1
    assert len(told()) == 1


def test_what_was_queued_in_the_day_is_not_sent_at_night(database, monkeypatch):
    agree(phone())
    published()
    outcomes.announce(BEN)
    monkeypatch.setattr(outcome_messages, "utc_now", lambda: NOON)
    outcome_messages.tell_contributors()
    (message,) = told()
    with unit_of_work() as db:
        assert outcome_messages.hold_back(db, message, 1) is None
        monkeypatch.setattr(outcome_messages, "utc_now", lambda: NIGHT)
        assert outcome_messages.hold_back(db, message, 1) == outcome_messages.QUIET_HOURS
        row = db.get_one(Message, message.id)
        row.delivery_status, row.last_error = DeliveryStatus.HELD, outcome_messages.QUIET_HOURS
    monkeypatch.setattr(outcome_messages, "utc_now", lambda: NOON)
    outcome_messages.tell_contributors()
    assert [row.delivery_status for row in told()] == [DeliveryStatus.QUEUED]


def test_somebody_on_the_web_cannot_be_written_to(database):
    from tests.factories import make_conversation

    conversation_id = make_conversation()
    make_message(conversation_id)
    with unit_of_work() as db:
        assert rights.agree_to_hear_back(db, conversation_id, True, way="my_submission") is False
        assert db.scalars(select(HearBack)).all() == []


def test_a_number_that_waits_to_hear_back_outlives_the_ninety_days_and_no_other(database):
    agree(phone("+447700900123"))
    phone("+447700900124")
    now = rights.utc_now()

    def numbers_after(days: int) -> int:
        run_retention(dry_run=False, now=now + dt.timedelta(days=days))
        with unit_of_work(read_only=True) as db:
            return len(db.scalars(select(Address)).all())

    assert [numbers_after(days) for days in (89, 91, 364, 366)] == [2, 1, 1, 0]
