from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from submissions import intake, jobs
from submissions.database import unit_of_work
from submissions.models import (
    Job,
    JobKind,
    JobStatus,
    Segment,
    SegmentTranslation,
    Submission,
    TranslationStatus,
    utc_now,
)
from submissions.settings import StoreSettings
from submissions.translation_jobs import (
    draft_translation_state,
    engine_in_use,
    open_commission_registry,
    translate_submission,
)
from tests.factories import VIEW_AR, VIEW_EN, VIEW_SO, make_conversation, make_message, make_view
from tests.submissions.engine import WordListEngine
from translations.errors import ModelNotLoaded
from translations.registry import open_registry

VIEW = "Não fechem a biblioteca! É lá que os vizinhos se encontram.\n\n🙂🙂\nGosto desta rua."


@pytest.fixture
def engine() -> Iterator[WordListEngine]:
    engine = WordListEngine()
    with engine_in_use(engine):
        yield engine


def draft(*texts: str, language: str | None = "pt") -> uuid.UUID:
    conversation_id, message_ids = make_view(*texts, language=language, consented_at=utc_now())
    with unit_of_work() as db:
        return intake.make_draft(db, conversation_id, message_ids).id


def rows(current: bool = True) -> list[SegmentTranslation]:
    with unit_of_work(read_only=True) as db:
        return list(
            db.scalars(
                select(SegmentTranslation)
                .join(Segment, Segment.id == SegmentTranslation.segment_id)
                .where(SegmentTranslation.is_current == current)
                .order_by(Segment.part_id, Segment.position)
            )
        )


def state(submission_id: uuid.UUID) -> str | None:
    with unit_of_work(read_only=True) as db:
        return draft_translation_state(db, db.get_one(Submission, submission_id))


def job() -> Job:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Job).where(Job.kind == JobKind.TRANSLATE)).one()


def test_each_sentence_gets_a_translation_beside_it_with_what_made_it(
    database: str, engine: WordListEngine
) -> None:
    submission_id = draft(VIEW)
    assert state(submission_id) is None
    jobs.run_due_jobs()
    made = rows()
    with unit_of_work(read_only=True) as db:
        (part,) = db.get_one(Submission, submission_id).parts
        pieces = [part.original_text[segment.start : segment.end] for segment in part.segments]
    assert "".join(pieces) == VIEW
    assert len(made) == len(pieces) >= 3
    by_text = {row.text: row for row in made}
    first = by_text["do not close the library!"]
    assert (first.engine, first.model) == ("wordlist", "wordlist pt-en 1.0")
    assert (first.source_language, first.target_language) == ("pt", "en")
    assert first.quality is not None
    assert 0 <= first.quality <= 1
    assert job().status == JobStatus.DONE
    assert state(submission_id) == "ready"


def test_what_has_no_words_is_copied_and_never_sent_to_the_model(
    database: str, engine: WordListEngine
) -> None:
    draft("🙂🙂")
    draft_two = draft("2016 ... 5!")
    jobs.run_due_jobs()
    assert engine.calls == []
    assert "".join(str(row.text) for row in rows()).count("🙂") == 2
    assert {(row.engine, row.status) for row in rows()} == {("copy", TranslationStatus.MACHINE)}
    assert state(draft_two) == "ready"


def test_running_it_again_makes_nothing_new_and_asks_the_model_nothing(
    database: str, engine: WordListEngine
) -> None:
    submission_id = draft(VIEW)
    translate_submission(submission_id)
    before = [(row.id, row.text) for row in rows()]
    calls = len(engine.calls)
    assert translate_submission(submission_id) == JobStatus.DONE
    assert [(row.id, row.text) for row in rows()] == before
    assert rows(current=False) == []
    assert len(engine.calls) == calls


def test_english_needs_no_translation(database: str, engine: WordListEngine) -> None:
    submission_id = draft(VIEW_EN, language="en")
    assert state(submission_id) == "not_needed"
    jobs.run_due_jobs()
    assert rows() == []
    assert job().status == JobStatus.DONE
    with unit_of_work(read_only=True) as db:
        assert len(db.scalars(select(Segment)).all()) == 2  # the desk still shows it by sentence


@pytest.mark.parametrize(("text", "language"), [(VIEW_SO, "so"), (VIEW_AR, "ar"), ("hmm ok", None)])
def test_without_a_package_or_a_language_it_waits_for_a_person_or_a_package(
    database: str, engine: WordListEngine, text: str, language: str | None
) -> None:
    submission_id = draft(text, language=language)
    jobs.run_due_jobs()
    made = rows()
    assert made
    assert {(row.status, row.text) for row in made} == {(TranslationStatus.WAITING_FOR_PACKAGE, None)}
    assert job().status == JobStatus.WAITING
    assert state(submission_id) == "person"


def test_installing_the_package_translates_what_was_waiting(database: str) -> None:
    with engine_in_use(WordListEngine(languages=["es"])):
        submission_id = draft(VIEW)
        jobs.run_due_jobs()
        assert job().status == JobStatus.WAITING
    with engine_in_use(WordListEngine(languages=["pt"])):
        assert jobs.requeue_waiting("pt") == 1
        jobs.run_due_jobs()
    assert job().status == JobStatus.DONE
    assert state(submission_id) == "ready"
    assert all(row.text is None for row in rows(current=False))


def test_a_sentence_the_model_cannot_do_needs_a_person_and_the_others_are_kept(
    database: str, engine: WordListEngine
) -> None:
    submission_id = draft("Isto falha sempre. Gosto desta rua.")
    jobs.run_due_jobs()
    failed, good = rows()
    assert (failed.status, failed.text, failed.flags) == (TranslationStatus.NEEDS_PERSON, None, ["empty"])
    assert good.text == "I like this street."
    assert state(submission_id) == "person"
    assert job().status == JobStatus.DONE  # nothing that the machine could still do


def test_a_flagged_translation_needs_a_person_and_says_why(database: str, engine: WordListEngine) -> None:
    draft("Xilofone zebra quadrado impossível amarelo.")  # words the engine does not know: it copies them
    jobs.run_due_jobs()
    (row,) = rows()
    assert row.status == TranslationStatus.NEEDS_PERSON
    assert "untranslated" in row.flags


def test_what_a_person_corrected_is_never_overwritten(database: str, engine: WordListEngine) -> None:
    submission_id = draft(VIEW)
    translate_submission(submission_id)
    with unit_of_work() as db:
        machine = db.get_one(SegmentTranslation, rows()[0].id)
        machine.is_current = False
        db.flush()
        db.add(
            SegmentTranslation(
                segment_id=machine.segment_id,
                source_language="pt",
                text="Please keep the library open!",
                status=TranslationStatus.CORRECTED,
                is_current=True,
            )
        )
        db.get_one(Submission, submission_id).source_language = "es"
    with engine_in_use(WordListEngine(languages=["es"])):
        translate_submission(submission_id)
    texts = [row.text for row in rows()]
    assert texts[0] == "Please keep the library open!"
    assert [row.source_language for row in rows()][1:] == ["es"] * (len(texts) - 1)


def test_a_correction_made_while_the_machine_works_is_kept(database: str) -> None:
    submission_id = draft("Gosto desta rua.")

    class Slow(WordListEngine):
        def translate_texts(self, texts, *, source_language, target_language):  # type: ignore[no-untyped-def]
            with unit_of_work() as db:
                segment = db.scalars(select(Segment)).one()
                db.add(
                    SegmentTranslation(
                        segment_id=segment.id,
                        text="By hand.",
                        status=TranslationStatus.CORRECTED,
                        is_current=True,
                    )
                )
            return super().translate_texts(
                texts, source_language=source_language, target_language=target_language
            )

    with engine_in_use(Slow()):
        translate_submission(submission_id)
    assert [row.text for row in rows()] == ["By hand."]


def test_a_language_set_to_english_takes_the_machine_rows_away(database: str, engine: WordListEngine) -> None:
    submission_id = draft(VIEW)
    translate_submission(submission_id)
    with unit_of_work() as db:
        db.get_one(Submission, submission_id).source_language = "en"
    assert translate_submission(submission_id) == JobStatus.DONE
    assert rows() == []
    assert rows(current=False) != []


def test_more_words_are_translated_when_they_are_added(database: str, engine: WordListEngine) -> None:
    conversation_id, message_ids = make_view("Gosto desta rua.", consented_at=utc_now())
    with unit_of_work() as db:
        reference = intake.submit(db, conversation_id, message_ids)[0].reference
        job_id = db.scalars(select(Job.id).where(Job.kind == JobKind.TRANSLATE)).one()
    jobs.run_job(job_id)
    more = make_message(conversation_id, "Os vizinhos se encontram.")
    with unit_of_work() as db:
        intake.add_to(db, conversation_id, str(reference), [more])
    jobs.run_job(job_id)
    assert {row.text for row in rows()} == {"I like this street.", "the neighbours each other meet."}
    assert engine.calls == [["Gosto desta rua."], ["Os vizinhos se encontram."]]


def test_a_damaged_package_is_tried_again_and_stays_visible(database: str) -> None:
    class Damaged(WordListEngine):
        def translate_texts(self, texts, *, source_language, target_language):  # type: ignore[no-untyped-def]
            return [ModelNotLoaded("argos pt-en 1.0", "model.bin is damaged") for _ in texts]

    draft(VIEW)
    with engine_in_use(Damaged()):
        jobs.run_due_jobs()
    assert (job().status, job().attempts) == (JobStatus.QUEUED, 1)
    assert "model.bin is damaged" in str(job().last_error)
    assert rows() == []


def test_an_erased_submission_is_done(database: str) -> None:
    assert translate_submission(uuid.uuid4()) == JobStatus.DONE


def test_odd_texts_are_all_accounted_for(database: str, engine: WordListEngine) -> None:
    conversation_id = make_conversation(language="pt", consented_at=utc_now())
    texts = [" ", "\n\n", "a" * 4000, "\u202e\u200f", "Gosto. " * 300, "\x00"]
    ids = [make_message(conversation_id, text, detected_language="pt") for text in texts]
    with unit_of_work() as db:
        submission_id = intake.make_draft(db, conversation_id, ids).id
    jobs.run_due_jobs()
    assert job().status == JobStatus.DONE, job().last_error
    with unit_of_work(read_only=True) as db:
        for part in db.get_one(Submission, submission_id).parts:
            pieces = [part.original_text[segment.start : segment.end] for segment in part.segments]
            assert "".join(pieces) == part.original_text
            assert all(len(segment.translations) == 1 for segment in part.segments)


def test_portuguese_is_really_translated_by_a_fresh_install(sqlite_database: str, tmp_path: Path) -> None:
    submission_id = draft("Não fechem a biblioteca. É lá que os vizinhos se encontram.")
    registry = open_registry(tmp_path / "packages")
    try:
        with engine_in_use(registry):
            jobs.run_due_jobs()
    finally:
        registry.close()
    assert job().status == JobStatus.DONE, job().last_error
    english = " ".join(str(row.text) for row in rows()).lower()
    assert "library" in english
    assert "neighbo" in english
    assert {row.engine for row in rows()} == {"bergamot"}
    assert {row.status for row in rows()} == {TranslationStatus.MACHINE}
    assert state(submission_id) == "ready"


def test_the_glossary_and_the_names_of_commission_yml_reach_the_translation(tmp_path):
    registry = open_commission_registry(StoreSettings(data=tmp_path))
    try:
        translation = registry.translate_segment(
            "O vereador Aiken visitou a Abbey Community Centre.", source_language="pt", target_language="en"
        )
    finally:
        registry.close()
    assert "councillor" in translation.text.lower()
    assert "Aiken" in translation.text
    assert "Abbey Community Centre" in translation.text
