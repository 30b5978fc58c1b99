"""Whatever a resident sends: kept as it came, cut up without a gap, and no job dies of it."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from submissions import jobs
from submissions.database import unit_of_work
from submissions.models import Job, JobStatus, SegmentTranslation, Submission
from submissions.translation_jobs import engine_in_use
from tests.submissions.engine import WordListEngine
from tests.submissions.test_translation_memory import send
from translations.languages import LANGUAGES

EXAMPLES = int(os.environ.get("OWNWORDS_TEST_EXAMPLES", "5"))
HUNDRED = " ".join(
    language.autonym for language in list(LANGUAGES.values()) * 5
)  # a hundred names of languages in their own scripts
CONTROLS = "\x01\x07\u202e\u2066evil\u2069\u200f\u0000\ufeff\ud800\U000e0041"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(st.text(max_size=80), min_size=1, max_size=3),
    language=st.sampled_from(["pt", "ar", "so", "en", None]),
)
@example(texts=[""], language="pt")
@example(texts=["😀"], language="pt")
@example(texts=[HUNDRED], language=None)
@example(texts=[CONTROLS, "\u202e" * 50], language="ar")
@example(texts=["falha. Gosto desta rua."], language="pt")
def test_every_text_is_kept_and_accounted_for(
    sqlite_database: str, texts: list[str], language: str | None
) -> None:
    account_for(texts, language)


@pytest.mark.slow
def test_ten_thousand_characters_are_kept_and_accounted_for(sqlite_database: str) -> None:
    account_for(["não " * 2_500], "pt")


def account_for(texts: list[str], language: str | None) -> None:
    with engine_in_use(WordListEngine(["pt"])):
        submission_id = send(*texts, language=language)  # type: ignore[arg-type]
        jobs.run_due_jobs()
    with unit_of_work(read_only=True) as db:
        submission = db.get_one(Submission, submission_id)
        assert [part.original_text for part in submission.parts] == texts
        rows = {
            row.segment_id: row
            for row in db.scalars(select(SegmentTranslation).where(SegmentTranslation.is_current))
        }
        for part in submission.parts:
            pieces = [part.original_text[one.start : one.end] for one in part.segments]
            assert "".join(pieces) == part.original_text
            if language != "en":
                assert all(segment.id in rows for segment in part.segments)
                assert all(rows[one.id].text or rows[one.id].status != "machine" for one in part.segments)
        states = db.scalars(select(Job.status).where(Job.submission_id == submission_id)).all()
        errors = db.scalars(select(Job.last_error).where(Job.submission_id == submission_id)).all()
    assert set(states) <= {JobStatus.DONE, JobStatus.WAITING}, errors


@pytest.mark.parametrize("texts", [[], [""], ["😀", "", CONTROLS], [HUNDRED] * 3])
def test_as_many_vectors_as_texts(texts: list[str]) -> None:
    from translations import embeddings

    assert embeddings.embed(texts).shape == (len(texts), embeddings.DIMENSIONS)
