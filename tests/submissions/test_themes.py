from __future__ import annotations

import uuid

import numpy as np
import pytest
from sqlalchemy import select

from submissions import intake, jobs
from submissions.commission import get_commission
from submissions.danger import MODEL_NAME as DANGER_MODEL_NAME
from submissions.database import unit_of_work
from submissions.models import (
    AuditEntry,
    CandidateTheme,
    Conversation,
    JobKind,
    JobStatus,
    PartEmbedding,
    Submission,
    ThemeAssignment,
    ThemeDecision,
    utc_now,
)
from submissions.theme_finding import MODEL_NAME
from submissions.themes import find_themes_of_submission
from tests.factories import VIEW_AR, make_message, make_view
from translations import embeddings

ENGLISH_CLASSES = "القسم ممتلئ ولا أجد درس لغة إنجليزية، لذلك لا أجد عملا جيدا."


def sent(*texts: str, language: str | None = "ar") -> tuple[uuid.UUID, uuid.UUID]:
    """(conversation id, submission id) of a view that was sent."""
    conversation_id, ids = make_view(*texts, language=language, consented_at=utc_now())
    with unit_of_work() as db:
        return conversation_id, intake.submit(db, conversation_id, ids)[0].id


def candidates(submission_id: uuid.UUID) -> list[CandidateTheme]:
    with unit_of_work(read_only=True) as db:
        return list(
            db.scalars(
                select(CandidateTheme)
                .where(CandidateTheme.submission_id == submission_id)
                .order_by(CandidateTheme.confidence.desc())
            )
        )


def test_a_view_gets_candidate_themes_from_its_own_words(database: str) -> None:
    _, submission_id = sent(ENGLISH_CLASSES)
    with unit_of_work(read_only=True) as db:
        job = next(job for job in db.scalars(select(jobs.Job)) if job.kind == JobKind.FIND_THEMES)
    jobs.run_job(job.id)
    found = candidates(submission_id)
    assert found[0].theme_key == "opportunity_empowerment"
    assert 0.3 <= found[0].confidence <= 1
    assert {one.model for one in found} == {MODEL_NAME}
    assert {one.codeframe_version for one in found} == {get_commission().version}
    with unit_of_work(read_only=True) as db:
        stored = db.scalars(select(PartEmbedding)).one()
    vector = np.frombuffer(stored.vector, dtype="<f4")
    assert vector.shape == (384,)
    assert float(vector @ embeddings.embed([ENGLISH_CLASSES])[0]) == pytest.approx(1, abs=1e-4)


def test_running_again_replaces_the_candidates_and_leaves_decisions_and_other_models(database: str) -> None:
    conversation_id, submission_id = sent(ENGLISH_CLASSES)
    with unit_of_work() as db:
        db.add(
            CandidateTheme(
                submission_id=submission_id,
                theme_key="other",
                confidence=0.4,
                model="an older one",
                codeframe_version="0",
            )
        )
        db.add(
            ThemeAssignment(
                submission_id=submission_id,
                theme_key="safeguarding",
                decision=ThemeDecision.ACCEPTED,
                codeframe_version="0",
            )
        )
    for _ in range(2):
        assert find_themes_of_submission(submission_id) == JobStatus.DONE
    ours = [one for one in candidates(submission_id) if one.model == MODEL_NAME]
    assert len({one.theme_key for one in ours}) == len(ours) >= 1
    assert len(candidates(submission_id)) == len(ours) + 1
    more = make_message(conversation_id, VIEW_AR, detected_language="ar")
    with unit_of_work() as db:
        reference = str(db.get_one(Submission, submission_id).reference)
        intake.add_to(db, conversation_id, reference, [more])
    find_themes_of_submission(submission_id)
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(ThemeAssignment.theme_key)).all() == ["safeguarding"]
        assert len(db.scalars(select(PartEmbedding)).all()) == 2


def test_a_view_that_tells_of_danger_becomes_urgent_with_its_conversation(database: str) -> None:
    conversation_id, submission_id = sent("زوجي يضربني وأخاف على حياتي")
    find_themes_of_submission(submission_id)
    find_themes_of_submission(submission_id)
    with unit_of_work(read_only=True) as db:
        assert db.get_one(Submission, submission_id).is_urgent
        assert db.get_one(Conversation, conversation_id).is_urgent
        entries = db.scalars(select(AuditEntry).where(AuditEntry.action == "submission.urgent")).all()
    assert [entry.subject_id for entry in entries] == [str(submission_id)]
    assert entries[0].details["model"] == DANGER_MODEL_NAME


def test_an_ordinary_view_is_not_urgent(database: str) -> None:
    _, submission_id = sent(VIEW_AR)
    find_themes_of_submission(submission_id)
    with unit_of_work(read_only=True) as db:
        assert not db.get_one(Submission, submission_id).is_urgent


@pytest.mark.parametrize("text", [" ", "🙂", "\x00", "a" * 4000, "12345"])
def test_odd_texts_do_no_harm(database: str, text: str) -> None:
    _, submission_id = sent(text, language=None)
    assert find_themes_of_submission(submission_id) == JobStatus.DONE


def test_an_erased_submission_is_done(database: str) -> None:
    assert find_themes_of_submission(uuid.uuid4()) == JobStatus.DONE
