"""A follow-up from its draft to its results: two people, each person once, in the day, within the budget."""

import datetime as dt

import pytest
from sqlalchemy import func, select, update

from submissions import outbox
from submissions.addresses import forget_addresses, lock_address
from submissions.database import unit_of_work
from submissions.follow_ups import answers, approval, attendees, ledger, results, sending, texts
from submissions.follow_ups.clock import may_text_at
from submissions.follow_ups.errors import NotAccepted, NotNow
from submissions.follow_ups.preview import make_preview
from submissions.models import (
    Address,
    AuditEntry,
    Conversation,
    DeliveryStatus,
    FollowUpRecipient,
    Message,
    OptOutWay,
    Purpose,
)
from submissions.opt_outs import record_opt_out
from tests.submissions.forums import (
    ANA,
    BEN,
    CARA,
    MAYA,
    PEOPLE,
    WORDS,
    approve,
    approved_follow_up,
    at_noon,
    attendee,
    fingerprint,
    follow_up_now,
    make_follow_up,
    make_forum,
    prepare,
    recipients,
    texts_in_outbox,
    use_keys,
)
from tests.submissions.threads import in_threads

NOON = at_noon()


@pytest.fixture(autouse=True)
def no_default_wording(monkeypatch):
    """Whatever part of the application was loaded before, a new follow-up begins without texts here."""
    monkeypatch.setattr(texts, "_default_wording", [])


@pytest.fixture
def forum_id(database, tmp_path):
    use_keys(tmp_path)
    return make_forum()


def opt_out(language: str) -> None:
    with unit_of_work() as db:
        row = db.scalars(
            select(Address).join(attendees.Attendee).where(attendees.Attendee.language == language)
        ).one()
        record_opt_out(db, lock_address(db, row.id), way=OptOutWay.WORDS, words="stop")


def mark_all(status: DeliveryStatus) -> None:
    with unit_of_work() as db:
        db.execute(update(Message).values(delivery_status=status))


def test_a_preview_counts_parts_and_cost_and_says_what_is_missing(forum_id):
    follow_up_id = make_follow_up(forum_id, proof_read=False, budget_pence=10)
    opt_out("bn")
    with unit_of_work(read_only=True) as db:
        preview = make_preview(db, approval.find(db, follow_up_id))
    by_language = {one.language: one for one in preview.languages}
    assert (by_language["en"].parts, by_language["en"].cost_pence) == (1, 4.0)
    assert (by_language["bn"].people, by_language["bn"].texted, by_language["bn"].parts) == (1, 0, 0)
    assert (preview.people, preview.texted, preview.parts, preview.cost_pence) == (5, 4, 4, 16.0)
    assert preview.left_out == {"do not want to hear from us": 1}
    assert "Arabic: have version 1 of the text read by a speaker." in preview.problems
    assert "It costs more than its budget. Raise the budget or shorten the texts." in preview.problems
    with pytest.raises(NotNow, match="budget"):
        prepare(follow_up_id)


def test_a_second_person_approves_and_a_change_asks_for_it_again(forum_id):
    follow_up_id = make_follow_up(forum_id)
    with pytest.raises(NotNow, match="Prepare it first"):
        approve(follow_up_id)
    prepare(follow_up_id)
    with pytest.raises(NotNow, match="somebody else must approve"):
        approve(follow_up_id, ANA)
    with unit_of_work() as db:
        row = approval.lock(db, follow_up_id)
        texts.save(db, row, "pl", "Dziękujemy!", version=1, actor=BEN)
        # The same words make no version; an old one is not written over.
        assert texts.save(db, row, "pl", "Dziękujemy!", version=2, actor=BEN).version == 2
    assert follow_up_now(follow_up_id).state == "draft"
    with pytest.raises(NotNow, match="Polish: have version 2"):
        prepare(follow_up_id)
    with unit_of_work() as db:
        row = approval.lock(db, follow_up_id)
        with pytest.raises(NotNow, match="newer version"):
            texts.keep_proof_reading(db, row, "pl", version=1, reader="Ola", actor=ANA)
        with pytest.raises(NotNow, match="Somebody else has changed"):
            texts.save(db, row, "pl", "Inny tekst", version=1, actor=ANA)
        texts.keep_proof_reading(db, row, "pl", version=2, reader="Ola", actor=ANA)
    prepare(follow_up_id)
    seen = fingerprint(follow_up_id)
    with unit_of_work() as db:
        attendees.add_one(db, forum_id, attendee("07700900111"), actor=ANA)
    with pytest.raises(NotNow, match="changed since you opened"), unit_of_work() as db:
        approval.approve(db, follow_up_id, fingerprint=seen, actor=MAYA)
    with pytest.raises(NotNow, match="somebody else"):
        approve(follow_up_id, BEN)  # wrote a text
    approve(follow_up_id, MAYA)
    with pytest.raises(NotNow, match="stay as they are"), unit_of_work() as db:
        texts.save(db, approval.lock(db, follow_up_id), "pl", "Za późno", version=2, actor=ANA)


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 601, "a{name}", "bell\x07", "я" * 300], ids=lambda text: text[:4]
)
def test_a_text_that_cannot_be_sent_is_refused(forum_id, text):
    follow_up_id = make_follow_up(forum_id)
    with pytest.raises(NotAccepted), unit_of_work() as db:
        texts.save(db, approval.lock(db, follow_up_id), "pl", text, version=1, actor=ANA)


def test_two_approvals_at_once_are_one(forum_id):
    follow_up_id = make_follow_up(forum_id)
    prepare(follow_up_id)

    def press(actor: str) -> bool:
        try:
            approve(follow_up_id, actor)
        except NotNow:
            return False
        return True

    assert sorted(in_threads(2, lambda number: press((MAYA, CARA)[number]))) == [False, True]
    assert len(recipients(follow_up_id)) == len(PEOPLE)


def test_each_person_is_queued_once_whatever_runs_at_the_same_time(forum_id):
    follow_up_id = approved_follow_up(forum_id)
    queued = in_threads(4, lambda _: sending.queue_next_batches(NOON))
    assert sum(queued) == len(PEOPLE)
    assert sending.queue_next_batches(NOON) == 0
    assert sorted(texts_in_outbox()) == sorted(WORDS.values())
    with unit_of_work(read_only=True) as db:
        languages = db.scalars(select(Conversation.language).where(~Conversation.is_choosing_language))
        assert set(languages) == set(PEOPLE)
        assert {row.message_key for row in db.scalars(select(Message))} == {texts.MESSAGE_KEY}
    mark_all(DeliveryStatus.DELIVERED)
    sending.queue_next_batches(NOON)
    assert follow_up_now(follow_up_id).state == "done"


def test_killed_between_any_two_people_it_goes_on_without_a_second_text(forum_id, monkeypatch):
    approved_follow_up(forum_id)
    queue, calls = sending._queue, iter(range(99))

    def die_before_commit(*arguments):
        queue(*arguments)
        if next(calls) % 2 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(sending, "_queue", die_before_commit)
    for _ in range(2 * len(PEOPLE)):
        try:
            sending.queue_next_batches(NOON)
        except KeyboardInterrupt:
            continue
    assert sorted(texts_in_outbox()) == sorted(WORDS.values())


def test_a_pause_in_the_middle_keeps_back_what_is_in_the_outbox_too(forum_id, monkeypatch):
    follow_up_id = approved_follow_up(forum_id)
    monkeypatch.setattr(sending, "utc_now", lambda: NOON)
    limits = sending.get_commission().follow_ups.model_copy(update={"batch": 2})
    commission = sending.get_commission().model_copy(update={"follow_ups": limits})
    monkeypatch.setattr(sending, "get_commission", lambda: commission)
    assert sending.queue_next_batches(NOON) == 2
    assert sending.queue_next_batches(NOON) == 0  # the first batch is still in the outbox
    with unit_of_work() as db:
        approval.pause(db, follow_up_id, reason="wait", actor=BEN)
    assert sending.queue_next_batches(NOON) == 0
    with unit_of_work() as db:
        for message in db.scalars(select(Message)):
            reason = sending.check_before_sending(db, message, 1)
            assert reason == sending.PAUSED
            outbox.hold(message, reason)
    with unit_of_work() as db:
        approval.resume(db, follow_up_id, actor=MAYA)
    assert sending.queue_next_batches(NOON) == 0
    with unit_of_work(read_only=True) as db:
        assert {row.delivery_status for row in db.scalars(select(Message))} == {"queued"}
        assert {sending.check_before_sending(db, row, 1) for row in db.scalars(select(Message))} == {None}
    mark_all(DeliveryStatus.SENT)
    assert sending.queue_next_batches(NOON) == 2


def test_who_opted_out_left_the_list_or_cannot_be_reached_gets_nothing(forum_id):
    follow_up_id = approved_follow_up(forum_id)
    opt_out("pl")
    people = {row.language: row for row in _attendees(forum_id)}
    with unit_of_work() as db:
        attendees.remove(db, forum_id, people["ar"].id, actor=ANA)
        db.get(Address, people["bn"].address_id).invalid_at = NOON
    sending.queue_next_batches(NOON)
    assert sorted(texts_in_outbox()) == sorted([WORDS["pt"], WORDS["en"]])
    assert {code: row.reason for code, row in recipients(follow_up_id).items()} == {
        "pl": "opted out",
        "ar": "no longer on the forum's list",
        "bn": "cannot be reached",
        "pt": None,
        "en": None,
    }
    with unit_of_work() as db:  # taken off while the text waits in the outbox
        attendees.remove(db, forum_id, people["pt"].id, actor=ANA)
    with unit_of_work(read_only=True) as db:
        statuses = dict(db.execute(select(Message.language, Message.delivery_status)).all())
    assert statuses == {"pt": "canceled", "en": "queued"}


def _attendees(forum_id):
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(attendees.Attendee).where(attendees.Attendee.forum_id == forum_id)).all()


def test_money_that_runs_out_pauses_it(forum_id):
    follow_up_id = approved_follow_up(forum_id, budget_pence=20)
    with unit_of_work() as db:
        approval.lock(db, follow_up_id).part_pence = 6.0  # the operator's price went up
    assert sending.queue_next_batches(NOON) == 3
    paused = follow_up_now(follow_up_id)
    assert (paused.state, paused.pause_reason) == ("paused", "The budget is used up.")
    with unit_of_work() as db:
        approval.resume(db, follow_up_id, actor=MAYA)
    assert sending.queue_next_batches(NOON) == 0
    assert len(texts_in_outbox()) == 3


def test_a_person_is_capped_over_all_forums_and_the_ledger_tells_why(forum_id):
    for number in range(2):
        other = make_forum({"pl": PEOPLE["pl"]}, name=f"Forum {number}")
        approved_follow_up(other)
        sending.queue_next_batches(NOON + dt.timedelta(hours=number))
        mark_all(DeliveryStatus.DELIVERED)
    follow_up_id = approved_follow_up(forum_id)
    sending.queue_next_batches(NOON)
    assert recipients(follow_up_id)["pl"].reason == sending.AT_CAP
    assert recipients(follow_up_id)["ar"].state == "queued"
    with unit_of_work(read_only=True) as db:
        contacts = ledger.latest_contacts(db, "07700 900101")
        assert [(one.number, one.forum, one.times) for one in contacts] == [
            ("+44 … 101", "Forum 1", 2),
            ("+44 … 101", "Forum 0", 2),
        ]
        assert all(one.is_at_the_cap for one in contacts)
        assert len(ledger.latest_contacts(db)) == 6
    forget_addresses(at_noon(1), dry_run=False)
    with unit_of_work(read_only=True) as db:
        assert [one.number for one in ledger.latest_contacts(db)] == ["deleted number"] * 6
        assert db.scalar(select(func.count(FollowUpRecipient.person_hash))) == 0


@pytest.mark.parametrize(
    ("moment", "may"),
    [
        ("2026-01-10T08:59:59+00:00", False),
        ("2026-01-10T09:00:00+00:00", True),
        ("2026-01-10T19:59:59+00:00", True),
        ("2026-01-10T20:00:00+00:00", False),
        ("2026-03-29T08:00:00+00:00", True),  # clocks went forward at 01:00: 09:00 in London
        ("2026-03-28T08:00:00+00:00", False),
        ("2026-03-29T19:00:00+00:00", False),
        ("2026-10-25T08:30:00+00:00", False),  # clocks went back: 08:30
        ("2026-10-24T08:30:00+00:00", True),
        ("2026-10-25T19:30:00+00:00", True),
    ],
)
def test_texts_go_out_between_nine_and_eight_by_londons_clock(moment, may):
    assert may_text_at(dt.datetime.fromisoformat(moment)) is may


def test_what_is_still_in_the_outbox_at_night_waits_for_the_morning(forum_id, monkeypatch):
    approved_follow_up(forum_id)
    night = NOON.replace(hour=23)
    assert sending.queue_next_batches(night) == 0
    sending.queue_next_batches(NOON)
    monkeypatch.setattr(sending, "utc_now", lambda: night)
    with unit_of_work() as db:
        message = db.scalars(select(Message).limit(1)).one()
        outbox.hold(message, sending.check_before_sending(db, message, 1) or "")
        assert message.last_error == sending.QUIET_HOURS
    assert sending.release_held(night) == 0
    assert sending.release_held(NOON) == 1


def test_called_off_nobody_else_gets_it(forum_id):
    follow_up_id = approved_follow_up(forum_id)
    sending.queue_next_batches(NOON)
    with unit_of_work() as db:
        sent = db.scalars(select(Message).limit(1)).one()
        sent.delivery_status = DeliveryStatus.SENT
    with unit_of_work() as db:
        approval.call_off(db, follow_up_id, actor=BEN)
    with pytest.raises(NotNow), unit_of_work() as db:
        approval.call_off(db, follow_up_id, actor=BEN)
    with unit_of_work(read_only=True) as db:
        found = results.results_of(db, follow_up_id, 4.0)
    assert (found.total.sent, found.total.passed_over, found.total.waiting) == (1, 4, 0)
    assert found.parts == 1


def test_results_by_language_outlive_the_conversations(forum_id):
    follow_up_id = approved_follow_up(forum_id)
    sending.queue_next_batches(NOON)
    told = {"pl": "delivered", "ar": "read", "bn": "failed", "pt": "sent", "en": "delivered"}
    with unit_of_work() as db:
        for message in db.scalars(select(Message)):
            message.delivery_status = told[message.language]
        for message in db.scalars(select(Message).where(Message.language == "pl")):
            address = db.get(Address, recipients(follow_up_id)["pl"].address_id)
            answers.note_answer(db, address, message, phone=PEOPLE["pl"], at=NOON + dt.timedelta(hours=1))
            assert answers.forum_of_conversation(db, message.conversation_id) == forum_id
    with unit_of_work() as db:
        address = lock_address(db, recipients(follow_up_id)["ar"].address_id)
        later = NOON + dt.timedelta(hours=2)
        record_opt_out(db, address, way=OptOutWay.WORDS, words="لا", purposes=tuple(Purpose), at=later)
    results.note_outcomes(NOON)
    with unit_of_work() as db:
        for conversation in db.scalars(select(Conversation)):
            db.delete(conversation)
    with unit_of_work(read_only=True) as db:
        found = results.results_of(db, follow_up_id, 4.0)
        actions = set(db.scalars(select(AuditEntry.action)))
    total = found.total
    assert (total.people, total.sent, total.delivered, total.failed) == (5, 4, 3, 1)
    assert (total.opted_out, total.answered, total.waiting) == (1, 1, 0)
    by_language = {one.language: one for one in found.languages}
    assert (by_language["ar"].opted_out, by_language["pl"].answered) == (1, 1)
    assert {"follow_up.prepared", "follow_up.approved", "follow_up.text_saved"} <= actions
