"""Demonstration data: complete, natural, marked, loaded once, and removed without a trace."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections import Counter

import pytest
from sqlalchemy import func, select

from channels.commands.demo import say_as_a_channel
from channels.follow_ups import default_wording
from submissions import intake, outcomes, summaries, translation_jobs
from submissions.addresses import configure_keys, readable_address
from submissions.commission import get_commission
from submissions.conversations import sha256_of
from submissions.database import unit_of_work
from submissions.demo import coding, forums, loading, results, sessions, stakeholders
from submissions.demo.views import PERIOD, read_texts, story_of
from submissions.erasure import erase
from submissions.errors import RealViewsThere
from submissions.exports import downloads
from submissions.follow_ups import approval, sending
from submissions.follow_ups.results import results_of
from submissions.follow_ups.texts import use_default_wording
from submissions.models import (
    Address,
    AuditEntry,
    Base,
    Codeframe,
    Coding,
    CodingItem,
    CodingRound,
    Conversation,
    Delivery,
    DemonstrationView,
    Evidence,
    EvidenceContribution,
    EvidenceSession,
    Forum,
    Job,
    Outcome,
    OutcomeAnnouncement,
    Role,
    SegmentTranslation,
    StakeholderContact,
    StakeholderSession,
    SubCode,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    TranslationStatus,
    utc_now,
)
from submissions.references import demonstration_reference, find_references, normalise_reference
from submissions.review import coding_rounds
from submissions.settings import StoreSettings
from tests.factories import make_view
from tests.submissions.desk_site import Desk, make_reviewer, make_submission
from translations.languages import LANGUAGES
from translations.segmentation import split

SOME = 60  # of the views, where all 300 would only take longer


def rows() -> dict[str, int]:
    """How many rows each table has."""
    with unit_of_work(read_only=True) as db:
        return {
            table.name: db.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_there_are_300_different_views_in_at_least_15_languages():
    texts = read_texts()
    assert len(texts) == 300
    assert len({text.key for text in texts}) == 300
    assert len({tuple(text.parts) for text in texts}) == 300
    languages = Counter(text.language for text in texts)
    assert len(languages) >= 15
    assert set(languages) <= set(LANGUAGES)
    assert min(languages.values()) >= 8
    assert {theme for text in texts for theme in text.themes} == set(get_commission().theme_keys)
    assert 8 <= sum(text.urgent for text in texts) <= 20


def test_every_sentence_with_english_has_exactly_one():
    for text in (text for text in read_texts() if text.english is not None):
        sentences = [
            part[piece.start : piece.end]
            for part in text.parts
            for piece in split(part, text.language)
            if part[piece.start : piece.end].strip()
        ]
        assert len(sentences) == len(text.english), text.key
        assert all(english.strip() for english in text.english), text.key


def test_texts_are_in_the_script_of_their_language():
    scripts = {"am": "ETHIOPIC", "bn": "BENGALI", "zh": "CJK", "ru": "CYRILLIC", "uk": "CYRILLIC"}
    wrong = []
    for text in read_texts():
        letters = [character for part in text.parts for character in part if character.isalpha()]
        script = scripts.get(text.language)
        if script is None:
            continue
        share = sum(script in unicodedata.name(letter, "") for letter in letters) / len(letters)
        # Residents also write with Latin letters on a telephone without theirs.
        if 0.05 < share < 0.6:
            wrong.append(text.key)
    assert wrong == []


def test_what_happened_to_a_view_is_in_order_and_in_the_past():
    now = utc_now()
    texts = read_texts()
    stories = [story_of(text, len(texts), now) for text in texts]
    assert stories == [story_of(text, len(texts), now) for text in texts]
    for text, story in zip(texts, stories, strict=True):
        times = [story.sent_at, story.first_read_at, story.decided_at, now]
        known = [moment for moment in times if moment is not None]
        assert known == sorted(known), text.key
        assert now - story.sent_at <= PERIOD
        assert (story.withdrawn_at is not None) == (story.status == SubmissionStatus.WITHDRAWN)
    assert {story.channel for story in stories} == {"web_chat", "web_form", "sms", "whatsapp"}
    assert {story.status for story in stories} == {"received", "in_review", "approved", "withdrawn"}
    assert len({(story.sent_at.year, story.sent_at.month) for story in stories}) >= 3


def test_a_demonstration_reference_is_a_right_one_and_says_so():
    references = {demonstration_reference(number) for number in range(1, 301)}
    assert len(references) == 300
    for reference in references:
        assert reference.startswith("OW-DEM0-")
        assert normalise_reference(reference.lower()) == reference
        assert find_references(f"status of {reference}?") == [reference]
    with pytest.raises(ValueError, match="32767"):
        demonstration_reference(32**3)


def test_loading_twice_adds_nothing_and_removing_leaves_nothing(database):
    conversation_id, message_ids = make_view()
    with unit_of_work() as db:
        intake.record_consent(db, conversation_id, message_ids[0], True)
        real, _ = intake.submit(db, conversation_id, message_ids)
    before = rows()

    assert loading.load(first=SOME) == loading.Loaded(added=SOME, there_before=0)
    loaded = rows()
    assert loaded["submission"] == before["submission"] + SOME
    assert loading.is_loaded()
    assert loading.load(first=SOME) == loading.Loaded(added=0, there_before=SOME)
    assert rows() == loaded

    with unit_of_work(read_only=True) as db:
        made = db.scalars(
            select(Submission).join(DemonstrationView, DemonstrationView.submission_id == Submission.id)
        ).all()
        assert all(str(one.reference).startswith("OW-DEM0-") for one in made)
        assert all(
            part.original_sha256 == sha256_of(part.original_text)
            for part in db.scalars(select(SubmissionPart))
        )
        assert db.scalar(select(func.count()).select_from(Job)) == 2 * SOME + 2

    assert loading.remove() == SOME
    after = rows()
    # That it was loaded and removed is remembered, with counts only.
    assert after.pop("audit_entry") == before.pop("audit_entry") + 2
    assert after == before
    assert not loading.is_loaded()
    assert loading.remove() == 0
    with unit_of_work(read_only=True) as db:
        assert db.get(Submission, real.id) is not None
        assert db.get(Conversation, conversation_id) is not None
        details = [
            entry.details for entry in db.scalars(select(AuditEntry).where(AuditEntry.action.like("demo%")))
        ]
        assert details == [{"count": SOME}, {"count": SOME}]


def test_a_round_of_coding_comes_once_and_goes(database):
    loading.load()
    assert coding.load() is True
    assert coding.load() is False
    with unit_of_work(read_only=True) as db:
        (found,) = coding_rounds.list_rounds(db)
        assert found.is_finished
        assert len(found.counted) == coding.VIEWS
        assert len(found.differing) > coding.LEFT_OPEN
        assert len([item for item in found.differing if item.row.resolved_at is None]) == coding.LEFT_OPEN
        kappas = [agreement.kappa for _, agreement in coding_rounds.results(found).by_theme]
        assert all(kappa is None or 0 < kappa <= 1 for kappa in kappas)
        assert db.scalars(select(Evidence)).first() is not None
    coding.remove()
    loading.remove()
    with unit_of_work(read_only=True) as db:
        for table in (Codeframe, CodingRound, CodingItem, Coding, SubCode, Evidence):
            assert db.scalars(select(table)).all() == []


def test_no_codeframe_is_signed_off_beside_real_views(sqlite_database):
    make_submission("Olá.", english=["Hello."])
    loading.load(first=60)
    assert coding.load() is False


def test_sessions_come_and_go_with_their_contributions(database):
    before = rows()
    assert sessions.load() >= 8
    loaded = rows()
    assert sessions.load() == 0
    assert rows() == loaded
    with unit_of_work(read_only=True) as db:
        made = db.scalars(select(Submission)).all()
        assert len(made) == loaded["evidence_contribution"] == loaded["demonstration_view"] == 12
        assert all(one.channel == "desk" and str(one.reference).startswith("OW-DEM0-") for one in made)
        # Nobody real is made to say anything.
        held = db.scalars(select(EvidenceSession).join(EvidenceContribution)).unique().all()
        assert all("made up for the demonstration" in session.contributors[0] for session in held)
    assert sessions.remove() >= 8
    assert loading.remove() == 12
    after = rows()
    assert after.pop("audit_entry") == before.pop("audit_entry") + 1
    assert after == before


def test_what_was_erased_is_added_again_and_translation_leaves_a_persons_english(
    sqlite_database, tmp_path, monkeypatch
):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    mark = "Demonstration data is loaded"
    make_reviewer("ana", Role.VIEWER)
    client = Desk().signed_in("ana")
    assert mark not in client.get("/desk").text
    loading.load(now=utc_now() - dt.timedelta(hours=1), first=SOME)
    assert mark in client.get("/desk").text
    erase(demonstration_reference(7))
    assert loading.load(first=SOME) == loading.Loaded(added=1, there_before=SOME - 1)
    with unit_of_work(read_only=True) as db:
        by_person = db.scalars(
            select(SegmentTranslation.text).where(SegmentTranslation.interpreter == loading.INTERPRETER)
        ).all()
        some = db.scalars(
            select(Submission.id)
            .where(Submission.source_language.in_(["so", "en"]), Submission.status != "withdrawn")
            .limit(30)
        ).all()
    assert len(by_person) > SOME
    for submission_id in some:
        translation_jobs.translate_submission(submission_id)
    with unit_of_work(read_only=True) as db:
        after = db.scalars(
            select(SegmentTranslation.text).where(SegmentTranslation.interpreter == loading.INTERPRETER)
        ).all()
        waiting = db.scalars(
            select(SegmentTranslation.text).where(
                SegmentTranslation.status == TranslationStatus.WAITING_FOR_PACKAGE
            )
        ).all()
    assert sorted(after) == sorted(by_person)
    assert waiting
    assert set(waiting) == {None}


def test_it_is_not_put_beside_real_views_unless_somebody_says_so(sqlite_database):
    loading.load(first=2)
    loading.must_stand_alone()
    make_submission("Somebody real.", language="en")
    with pytest.raises(RealViewsThere, match="--beside-real"):
        loading.must_stand_alone()


def test_conversations_have_the_assistants_side_in_the_residents_language_and_nothing_is_sent(
    sqlite_database,
):
    loading.load(first=20, say=say_as_a_channel)
    with unit_of_work(read_only=True) as db:
        talks = db.scalars(select(Conversation).where(Conversation.channel != "web_form")).all()
        assert talks
        for talk in talks:
            said = [message for message in talk.messages if message.direction == "out"]
            heard = [message for message in talk.messages if message.direction == "in"]
            assert [message.position for message in talk.messages] == list(range(1, talk.message_count + 1))
            assert [said[0].message_key, said[1].message_key] == ["welcome", "ask_consent"]
            assert {message.language for message in said} == {talk.language}
            assert heard[0].choice == "affirm"
            assert any("OW-DEM0" in (message.text or "") for message in said)
            assert {message.delivery_status for message in said} <= {"sent", "delivered"}
        assert db.scalar(select(func.count()).select_from(Delivery)) == 0
    loading.remove()
    left = {name for name, number in rows().items() if number}
    assert left <= {"audit_entry", "alembic_version"}


def test_stakeholders_come_once_linked_to_their_sessions_and_go(sqlite_database):
    sessions.load()
    assert stakeholders.load() >= 15
    assert stakeholders.load() == 0
    with unit_of_work(read_only=True) as db:
        linked = db.scalar(select(func.count()).select_from(StakeholderSession))
        assert (linked or 0) >= 8
    assert stakeholders.remove() >= 15
    with unit_of_work(read_only=True) as db:
        assert db.scalar(select(func.count()).select_from(StakeholderContact)) == 0


def test_forums_come_once_with_whoever_came_and_a_finished_follow_up_and_nothing_is_sent(
    database, tmp_path, monkeypatch
):
    configure_keys(StoreSettings(data=tmp_path))
    use_default_wording(default_wording)
    loading.load()
    before = rows()
    assert forums.load() == 2
    loaded = rows()
    assert forums.load() == 0
    assert rows() == loaded
    assert loaded["message"] == before["message"], "nothing that could be sent"
    assert loaded["delivery"] == 0
    with unit_of_work(read_only=True) as db:
        held = db.scalars(select(Forum).order_by(Forum.held_on)).first()
        done, draft = approval.list_of_forum(db, held.id)[::-1]
        assert (done.state, draft.state) == ("done", "draft")
        found = results_of(db, done.id, done.part_pence or 0)
        assert found.total.people == found.total.sent + found.total.failed + found.total.passed_over == 25
        assert (found.total.failed, found.total.opted_out, found.total.passed_over) == (1, 1, 1)
        assert found.total.answered >= 5
        assert found.parts > 20
        numbers = [readable_address(address) for address in db.scalars(select(Address))]
        # Nobody has these: https://www.ofcom.org.uk, numbers for drama use.
        assert all(number.startswith("+447700900") for number in numbers)
        answers = db.scalars(select(Submission).where(Submission.forum_id == held.id)).all()
        assert len(answers) >= 5
        assert all(one.channel in ("sms", "whatsapp") for one in answers)
    assert sending.queue_next_batches(now=dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)) == 0
    assert forums.remove() == 2
    after = rows()
    assert after == before


def test_summaries_and_outcomes_are_there_in_every_state_rest_on_approved_views_and_go(database, tmp_path):
    loading.load()
    before = rows()
    assert results.load() == (4, 4)
    assert results.load() == (0, 0)
    with unit_of_work(read_only=True) as db:
        newest = {
            key: summaries.versions_of(db, key)[0] for key in get_commission().theme_keys if key != "other"
        }
        assert {row.state for row in newest.values()} == {"signed_off", "proposed", "draft"}
        points = [point for row in newest.values() for point in summaries.points_of(db, row)]
        assert len(points) >= 12
        assert [point.fault for point in points if point.fault] == []
        assert min(len(point.references) for point in points) >= 2
        assert {row.state for row in db.scalars(select(Outcome))} == {"published", "proposed", "draft"}
        shown = outcomes.published_in(db, "pt")
        assert [one.made_by for one in shown] == ["person", ""]
        assert all("Demonstra" in one.said for one in shown)
        assert db.scalar(select(func.count()).select_from(OutcomeAnnouncement)) == 0
    assert results.remove() == (4, 4)
    assert rows() == before


def test_a_file_with_views_of_the_demonstration_goes_with_them(sqlite_database, tmp_path, monkeypatch):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    loading.load(first=5)
    export_id = downloads.request("csv", actor="reviewer:ana")
    downloads.run(export_id)
    assert downloads.path_of(export_id).exists()
    loading.remove()
    assert downloads.find(export_id).state == "taken_away"
    assert not downloads.path_of(export_id).exists()


def test_nothing_of_the_demonstration_is_published_beside_real_views(sqlite_database):
    make_submission("Somebody real.", language="en")
    loading.load(first=SOME)
    assert results.load() == (0, 0)
