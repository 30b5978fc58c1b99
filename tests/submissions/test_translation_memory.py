from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

from submissions import intake, jobs, translation_labels, translation_memory
from submissions.database import unit_of_work
from submissions.models import (
    Job,
    JobKind,
    JobStatus,
    Reviewer,
    Role,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    TranslationStatus,
    utc_now,
)
from submissions.review import accounts, decisions
from submissions.review.decisions import Changes, Correction
from submissions.review.sessions import Principal
from submissions.translation_jobs import engine_in_use, translate_submission
from tests.factories import make_view
from tests.submissions.engine import WordListEngine

SENTENCE = "Gosto desta rua."


@pytest.fixture
def reviewer(database: str) -> Principal:
    accounts.add_reviewer("ana", "Ana", Role.REVIEWER)
    with unit_of_work(read_only=True) as db:
        person = db.scalars(select(Reviewer)).one()
        return Principal("reviewer:ana", "Ana", Role.REVIEWER, person.id)


def send(*texts: str, language: str = "pt") -> uuid.UUID:
    conversation_id, message_ids = make_view(*texts, language=language, consented_at=utc_now())
    with unit_of_work() as db:
        return intake.submit(db, conversation_id, message_ids)[0].id


def translations(submission_id: uuid.UUID) -> list[SegmentTranslation]:
    with unit_of_work(read_only=True) as db:
        return list(
            db.scalars(
                select(SegmentTranslation)
                .join(Segment)
                .join(SubmissionPart)
                .where(SubmissionPart.submission_id == submission_id, SegmentTranslation.is_current)
                .order_by(SubmissionPart.position, Segment.position)
            )
        )


def correct(principal: Principal, submission_id: uuid.UUID, text: str, position: int = 0) -> None:
    row = translations(submission_id)[position]
    with unit_of_work(read_only=True) as db:
        submission = db.get_one(Submission, submission_id)
    decisions.apply_changes(
        principal,
        str(submission.reference),
        submission.version,
        Changes(corrections=[Correction(row.segment_id, text, "Better English")]),
    )


def run_translations() -> None:
    """Runs what is queued, without the themes."""
    with unit_of_work(read_only=True) as db:
        due = db.scalars(
            select(Job.id).where(Job.kind == JobKind.TRANSLATE, Job.status == JobStatus.QUEUED)
        ).all()
    for job_id in due:
        jobs.run_job(job_id)


def test_a_sentence_that_was_corrected_is_not_translated_by_the_machine_again(reviewer: Principal) -> None:
    engine = WordListEngine()
    with engine_in_use(engine):
        first = send(SENTENCE)
        translate_submission(first)
        correct(reviewer, first, "I am fond of this street.")
        second = send("Gosto  desta\u00a0rua. ")  # the white space differs
        engine.calls.clear()
        translate_submission(second)
    assert engine.calls == []
    (row,) = translations(second)
    (source,) = translations(first)
    assert (row.text, row.status) == ("I am fond of this street.", TranslationStatus.CORRECTED)
    assert (row.engine, row.memory_of_id, row.reviewer_id) == ("memory", source.id, reviewer.reviewer_id)
    label = translation_labels.label(row, "Ana")
    assert label.words == "Corrected by Ana, for the same sentence in another view"


def test_a_correction_reaches_views_that_were_translated_before_it(reviewer: Principal) -> None:
    with engine_in_use(WordListEngine()):
        first, second = send(SENTENCE), send(SENTENCE + " Fechem a biblioteca.")
        run_translations()
        correct(reviewer, first, "I am fond of this street.")
        run_translations()
        assert [row.status for row in translations(second)] == ["corrected", "machine"]
        # A newer correction replaces what came from memory, never what a person decided there.
        third = send(SENTENCE)
        run_translations()
        correct(reviewer, third, "This street is dear to me.")
        run_translations()
    assert translations(second)[0].text == "This street is dear to me."
    assert translations(first)[0].text == "I am fond of this street."


def test_a_correction_stands_for_its_own_language_only(reviewer: Principal) -> None:
    with engine_in_use(WordListEngine(["pt", "es"])):
        first = send(SENTENCE)
        translate_submission(first)
        correct(reviewer, first, "I am fond of this street.")
        second = send(SENTENCE, language="es")
        translate_submission(second)
    assert translations(second)[0].status != TranslationStatus.CORRECTED


def test_a_language_without_a_package_uses_the_memory_too(reviewer: Principal) -> None:
    with engine_in_use(WordListEngine([])):
        first = send("Waan jeclahay waddadan.", language="so")
        translate_submission(first)
        correct(reviewer, first, "I like this road.")
        second = send("Waan jeclahay waddadan.", language="so")
        translate_submission(second)
    assert [(row.text, row.status) for row in translations(second)] == [("I like this road.", "corrected")]


def test_what_was_erased_is_no_longer_remembered(reviewer: Principal) -> None:
    with engine_in_use(WordListEngine()):
        first = send(SENTENCE)
        translate_submission(first)
        correct(reviewer, first, "I am fond of this street.")
        with unit_of_work() as db:
            db.delete(db.get_one(Submission, first))
        second = send(SENTENCE)
        translate_submission(second)
    assert translations(second)[0].status == TranslationStatus.MACHINE


def test_an_approval_of_a_machine_translation_is_not_a_correction(reviewer: Principal) -> None:
    with engine_in_use(WordListEngine()):
        first = send(SENTENCE)
        translate_submission(first)
        with unit_of_work(read_only=True) as db:
            submission = db.get_one(Submission, first)
        row = translations(first)[0]
        decisions.apply_changes(
            reviewer,
            str(submission.reference),
            submission.version,
            Changes(confirmed_segments=[row.segment_id]),
        )
    with unit_of_work(read_only=True) as db:
        key = translation_memory.sentence_key(SENTENCE)
        assert translation_memory.recall(db, [key], "pt") == {}
    label = translation_labels.label(translations(first)[0], "Ana")
    assert label.words == "Machine translation, approved by Ana (wordlist pt-en 1.0)"


def test_the_label_of_a_view_is_that_of_its_weakest_sentence() -> None:
    assert translation_labels.weakest(["approved", "machine", "corrected"]) == "machine"
    assert translation_labels.weakest(["approved", "needs_person", "machine"]) == "needs_person"
    assert translation_labels.weakest(["approved", None]) is None
    assert translation_labels.label(None).words == "Not translated yet"
