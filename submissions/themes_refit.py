"""Lets the themes learn from what the team decided; runs only when somebody asks for it.

Each theme a person accepted or refused is an example beside the exemplars of `commission.yml`. Themes nobody
decided about count as absent only where the whole view was approved. What was fitted is a file in the
data folder, named with its number, and every suggestion says which one made it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from submissions import jobs
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import JobKind, Submission, SubmissionStatus, ThemeDecision, utc_now
from submissions.search import kept_vector
from submissions.theme_finding import (
    MODEL_NAME,
    Vectors,
    embed_kept,
    exemplar_themes,
    get_finder,
    refitted_file,
    vector_folder,
)
from submissions.translation_memory import OPEN
from submissions.vector_classifier import VectorClassifier, fit
from translations import embeddings


@dataclass(frozen=True)
class Refit:
    """What a refit learnt from; shares from 0 to 1 are of the team's decisions, None when there are none."""

    name: str
    views: int
    decisions: int
    agreed_before: float | None  # the suggestions in use agreed with the team
    agreed_after: float | None  # those fitted anew do, on the same views: higher than on new ones


def refit(*, dry_run: bool = False) -> Refit:
    """Fits the themes to exemplars and decisions, and from then on uses that. Raises DatabaseUnavailable."""
    commission = get_commission()
    keys = commission.theme_keys
    with unit_of_work(read_only=True) as db:
        vectors, labels, known = _decisions(db, keys)
    exemplars = exemplar_themes(commission)
    base = embed_kept(list(exemplars), embeddings.embed, vector_folder())
    base_labels = np.array([[key in themes for key in keys] for themes in exemplars.values()])
    number = _last_number() + 1
    name = f"{MODEL_NAME}, refit {number}"
    classifier = fit(
        np.concatenate([base, vectors]),
        np.concatenate([base_labels, labels]),
        known=np.concatenate([np.ones_like(base_labels), known]),
        facts={
            "name": name,
            "number": number,
            "keys": keys,
            "vectors": embeddings.MODEL_NAME,
            "codeframe": commission.version,
            "exemplars": len(exemplars),
            "views": len(vectors),
            "decisions": int(known.sum()),
            "fitted_at": utc_now().isoformat(timespec="seconds"),
        },
    )
    before = _agreement(get_finder().confidences(vectors), labels, known)
    after = _agreement(classifier.confidences(vectors), labels, known)
    if not dry_run:
        classifier.save(refitted_file().with_name(f"model-{number}.npz"))
        classifier.save(refitted_file())
    return Refit(name, len(vectors), int(known.sum()), before, after)


def suggest_again() -> int:
    """Queues new suggestions for all open views; how many. What people decided stays."""
    with unit_of_work() as db:
        submission_ids = db.scalars(
            select(Submission.id).where(
                Submission.status.in_(OPEN), Submission.status != SubmissionStatus.DRAFT
            )
        ).all()
        for submission_id in submission_ids:
            jobs.request_job(db, submission_id, JobKind.FIND_THEMES)
    return len(submission_ids)


def _last_number() -> int:
    path = refitted_file()
    return int(VectorClassifier.load(path).facts["number"]) if path.exists() else 0


def _decisions(db: Session, keys: list[str]) -> tuple[Vectors, np.ndarray, np.ndarray]:
    """(vectors (n, 384), labels (n, themes), known (n, themes)) of the views with a decision about a
    theme."""
    submissions = db.scalars(
        select(Submission)
        .where(Submission.theme_assignments.any(), Submission.status != SubmissionStatus.WITHDRAWN)
        .options(selectinload(Submission.theme_assignments), selectinload(Submission.parts))
        .order_by(Submission.submitted_at, Submission.id)
    ).all()
    vectors = np.empty((len(submissions), embeddings.DIMENSIONS), dtype=np.float32)
    labels = np.zeros((len(submissions), len(keys)), dtype=bool)
    known = np.zeros((len(submissions), len(keys)), dtype=bool)
    for row, submission in enumerate(submissions):
        text = "\n".join(part.original_text for part in submission.parts)
        kept = kept_vector(db, submission.id, text)
        vectors[row] = embeddings.embed([text])[0] if kept is None else kept
        known[row] = submission.status == SubmissionStatus.APPROVED
        for assignment in submission.theme_assignments:
            if assignment.theme_key in keys:
                column = keys.index(assignment.theme_key)
                known[row, column] = True
                labels[row, column] = assignment.decision == ThemeDecision.ACCEPTED
    return vectors, labels, known


def _agreement(confidences: np.ndarray, labels: np.ndarray, known: np.ndarray) -> float | None:
    if not known.any():
        return None
    right = Counter(((confidences >= 0.5) == labels)[known].tolist())
    return right[True] / right.total()
