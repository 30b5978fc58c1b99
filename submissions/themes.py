"""Candidate themes in the database: proposed beside a submission, with model and codeframe."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from submissions import audit, search, theme_quality
from submissions.commission import get_commission
from submissions.danger import MODEL_NAME as DANGER_MODEL_NAME
from submissions.danger import Danger, get_danger_detector
from submissions.database import unit_of_work
from submissions.models import (
    CandidateTheme,
    Conversation,
    JobStatus,
    PartEmbedding,
    Submission,
    SubmissionPart,
)
from submissions.theme_finding import Candidate, Vectors, get_finder, passages_of
from translations import embeddings

READ_ORIGINAL, READ_ENGLISH = "original", "english"


def find_themes_of_submission(submission_id: uuid.UUID) -> JobStatus:
    """Puts candidate themes beside the submission, makes it urgent when it tells of danger, indexes it. DONE.

    It is read in the resident's own words, and once more in English where that exists: the two stand side by
    side, so that a reviewer sees where they disagree. Candidates that earlier versions of ours proposed are
    replaced; those of others and what a person decided stay. An erased submission is DONE.
    """
    with unit_of_work(read_only=True) as db:
        submission = db.get(Submission, submission_id)
        texts = search.texts_of(db, submission_id)
        if submission is None or texts is None:
            return JobStatus.DONE
        parts = [(part.id, part.original_text) for part in submission.parts]
        language = submission.source_language
        kept = _kept_vectors(db, parts)
        kept_whole = search.kept_vector(db, submission_id, texts.original)
    if not any(text.strip() for _, text in parts):
        return JobStatus.DONE
    # The slow part, outside any transaction.
    by_part = np.array(
        [kept[part_id] if part_id in kept else embeddings.embed([text])[0] for part_id, text in parts]
    )
    whole = kept_whole[None] if kept_whole is not None else by_part
    if len(parts) > 1 and kept_whole is None:
        whole = embeddings.embed([texts.original])
    candidates, danger = judge([text for _, text in parts], by_part, language, whole)
    found = {READ_ORIGINAL: candidates}
    english = None
    if language != "en" and texts.english:
        english = embeddings.embed([texts.english])
        found[READ_ENGLISH], danger_in_english = judge([texts.english], english, "en")
        if danger_in_english.flag and not danger.flag:
            danger = danger_in_english
    with unit_of_work() as db:
        submission = db.get(Submission, submission_id, with_for_update=True)
        if submission is None:
            return JobStatus.DONE
        _keep_candidates(db, submission, found)
        _keep_vectors(
            db, submission, [(part_id, row) for (part_id, _), row in zip(parts, by_part, strict=True)]
        )
        search.index_view(db, submission_id, texts, whole[0], None if english is None else english[0])
        if danger.flag and not submission.is_urgent:
            _make_urgent(db, submission, danger)
    return JobStatus.DONE


def _kept_vectors(db: Session, parts: Sequence[tuple[uuid.UUID, str]]) -> dict[uuid.UUID, Vectors]:
    rows = db.scalars(
        select(PartEmbedding).where(
            PartEmbedding.part_id.in_([part_id for part_id, _ in parts]),
            PartEmbedding.model == embeddings.MODEL_NAME,
        )
    )
    return {row.part_id: np.frombuffer(row.vector, dtype="<f4") for row in rows}


def _keep_candidates(db: Session, submission: Submission, found: dict[str, list[Candidate]]) -> None:
    db.execute(
        delete(CandidateTheme).where(
            CandidateTheme.submission_id == submission.id,
            CandidateTheme.model.contains(f"over {embeddings.MODEL_NAME}", autoescape=True),
        )
    )
    name = get_finder().name
    for text_read, candidates in found.items():
        language = "en" if text_read == READ_ENGLISH else submission.source_language
        db.add_all(
            CandidateTheme(
                submission_id=submission.id,
                theme_key=candidate.key,
                confidence=candidate.confidence,
                model=f"{name}, in English" if text_read == READ_ENGLISH else name,
                codeframe_version=get_commission().version,
                text_read=text_read,
                is_low_confidence=theme_quality.is_low_confidence(language),
            )
            for candidate in candidates
        )


def _keep_vectors(db: Session, submission: Submission, vectors: Sequence[tuple[uuid.UUID, Vectors]]) -> None:
    still_there = set(
        db.scalars(select(SubmissionPart.id).where(SubmissionPart.submission_id == submission.id))
    )
    kept = set(
        db.scalars(
            select(PartEmbedding.part_id).where(
                PartEmbedding.part_id.in_(still_there), PartEmbedding.model == embeddings.MODEL_NAME
            )
        )
    )
    db.add_all(
        PartEmbedding(part_id=part_id, model=embeddings.MODEL_NAME, vector=vector.astype("<f4").tobytes())
        for part_id, vector in vectors
        if part_id in still_there - kept
    )


def _make_urgent(db: Session, submission: Submission, danger: Danger) -> None:
    submission.is_urgent = True
    if submission.conversation_id is not None:
        conversation = db.get(Conversation, submission.conversation_id)
        if conversation is not None:
            conversation.is_urgent = True
    audit.record(
        db,
        audit.SYSTEM,
        "submission.urgent",
        "submission",
        submission.id,
        confidence=danger.confidence,
        model=DANGER_MODEL_NAME,
    )


def prepare() -> None:
    """Fits the finders, which embeds the exemplars once for each commission.yml: some seconds."""
    get_finder()
    get_danger_detector()


def judge(
    texts: Sequence[str], by_part: Vectors, language: str | None, whole: Vectors | None = None
) -> tuple[list[Candidate], Danger]:
    """Candidate themes and danger of one view in several parts; `by_part` (n, 384) are the parts' vectors,
    `whole` (1, 384) that of all of them joined."""
    view = "\n".join(texts)
    if whole is None:
        whole = by_part if len(texts) == 1 else embeddings.embed([view])
    passages = passages_of(view, language)
    vectors = np.concatenate([by_part, embeddings.embed(passages)]) if passages else by_part
    return (
        get_finder().find(whole, vectors if len(vectors) > 1 else None),
        get_danger_detector().judge([view, *texts, *passages], np.concatenate([whole, vectors])),
    )
