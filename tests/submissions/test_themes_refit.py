from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from submissions import theme_finding, theme_quality, themes_refit
from submissions.database import unit_of_work
from submissions.models import CandidateTheme, Submission, SubmissionStatus, ThemeAssignment
from submissions.themes import find_themes_of_submission
from tests.submissions.test_translation_memory import send
from translations import embeddings

ALLOTMENTS = [
    "The allotments by the canal are overgrown and nobody answers about the waiting list.",
    "I have waited six years for an allotment.",
    "Give the empty allotments to people who will dig them.",
]


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test's, with the vectors that are there already."""
    monkeypatch.setattr(theme_finding, "refitted_file", lambda: tmp_path / "themes" / "model.npz")
    monkeypatch.setattr(themes_refit, "refitted_file", lambda: tmp_path / "themes" / "model.npz")
    return tmp_path


def test_themes_learn_from_decisions_only_when_somebody_asks(sqlite_database: str, own_data: Path) -> None:
    for text in ALLOTMENTS:
        submission_id = send(text, language="en")
        with unit_of_work() as db:
            db.get_one(Submission, submission_id).status = SubmissionStatus.APPROVED
            db.add(
                ThemeAssignment(
                    submission_id=submission_id,
                    theme_key="community_engagement",
                    decision="accepted",
                    codeframe_version="2016-1",
                )
            )
    vector = embeddings.embed(["When do I get an allotment?"])
    column = theme_finding.get_finder().keys.index("community_engagement")
    before = theme_finding.get_finder().confidences(vector)[0, column]
    tried = themes_refit.refit(dry_run=True)
    assert theme_finding.get_finder().confidences(vector)[0, column] == before
    done = themes_refit.refit()
    assert (tried.name, done.views, done.decisions) == (done.name, 3, 15)
    finder = theme_finding.get_finder()
    assert finder.confidences(vector)[0, column] > before
    assert finder.name == f"{theme_finding.MODEL_NAME}, refit 1"
    assert (own_data / "themes" / "model-1.npz").exists()
    assert themes_refit.refit().name.endswith("refit 2")
    # New suggestions say what made them.
    submission_id = send("The allotments are locked.", language="en")
    find_themes_of_submission(submission_id)
    with unit_of_work(read_only=True) as db:
        rows = db.scalars(select(CandidateTheme).where(CandidateTheme.submission_id == submission_id)).all()
    assert {row.model for row in rows} == {f"{theme_finding.MODEL_NAME}, refit 2"}
    assert themes_refit.suggest_again() == 1  # the approved ones are left alone


def test_a_language_far_behind_english_is_marked() -> None:
    scores = theme_quality.measured()
    assert len(scores) == 20
    for language, score in scores.items():
        assert theme_quality.is_low_confidence(language) == (scores["en"] - score > 0.15)
    assert theme_quality.is_low_confidence(None)
    assert theme_quality.is_low_confidence("xx")
