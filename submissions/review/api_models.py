"""What the desk API takes and gives, as documented at /openapi.json."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from submissions.review.reading import Part, Reading, ThemeChoice, TranslationVersion
from submissions.review.rows import Row


class ApiModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ThemeOut(ApiModel):
    key: str
    confidence: float | None = Field(description="The machine's, from 0 to 1; null when it was not proposed.")
    decision: Literal["accepted", "refused"] | None = Field(description="A person's; null: not decided.")


class ThemeWithSubCodes(ThemeOut):
    sub_codes: list[str] = Field(description="Chosen by people, within an accepted theme only.")


class SubmissionSummary(ApiModel):
    reference: str
    status: Literal["received", "in_review", "approved", "withdrawn"]
    version: int = Field(description="Rises with each change; send it back with PATCH.")
    channel: str
    method: str
    source_language: str | None = Field(description="BCP 47; null: not known.")
    source_language_confidence: float | None
    urgent: bool
    unread: bool
    submitted_at: dt.datetime
    original_start: str = Field(description="The first words, as the resident wrote them.")
    english_start: str | None = Field(description="The first words in English; null while there are none.")
    translation_states: dict[str, int] = Field(
        description="Sentences by state: waiting_for_package, machine, needs_person, corrected, approved."
    )
    themes: list[ThemeOut]
    forum_id: uuid.UUID | None = Field(description="The open forum it was contributed to.")
    assigned_to_id: uuid.UUID | None = Field(description="Who has it to review; null: nobody.")

    @classmethod
    def of(cls, row: Row) -> SubmissionSummary:
        return cls(
            reference=row.reference,
            status=row.status,
            version=row.version,
            channel=row.channel,
            method=row.method,
            source_language=row.language,
            source_language_confidence=row.language_confidence,
            urgent=row.is_urgent,
            unread=row.is_unread,
            submitted_at=row.submitted_at,
            original_start=row.original_start,
            english_start=row.english_start,
            translation_states=row.translation_states,
            themes=[
                ThemeOut(
                    key=mark.key,
                    confidence=mark.confidence,
                    decision="accepted" if mark.is_accepted else None,
                )
                for mark in row.themes
            ],
            forum_id=row.forum_id,
            assigned_to_id=row.assigned_to_id,
        )


class SubmissionList(ApiModel):
    submissions: list[SubmissionSummary]
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null on the last one."
    )
    total: int = Field(description="How many match, up to 10,000 (1,000 with q).")
    total_is_exact: bool


class TranslationOut(ApiModel):
    text: str | None
    status: Literal["waiting_for_package", "machine", "needs_person", "corrected", "approved"]
    model: str | None = Field(description="Engine, pair and version; null when a person wrote it.")
    pivot_language: str | None
    quality: float | None = Field(description="Estimated without a reference, from 0 to 1.")
    flags: list[str]
    label: str = Field(description="How far the English can be trusted, in words for people.")
    made_by: str | None = Field(description="The reviewer or interpreter who wrote or approved it.")
    from_memory: bool = Field(description="Taken over from a correction of the same sentence.")
    reason: str | None
    created_at: dt.datetime

    @classmethod
    def of(cls, version: TranslationVersion) -> TranslationOut:
        return cls(
            text=version.text,
            status=version.status,
            model=version.model,
            pivot_language=version.pivot_language,
            quality=version.quality,
            flags=version.flags,
            label=version.label,
            made_by=version.made_by,
            from_memory=version.from_memory,
            reason=version.reason,
            created_at=version.created_at,
        )


class SegmentOut(ApiModel):
    id: uuid.UUID
    original: str
    translation: TranslationOut | None
    earlier_translations: list[TranslationOut] = Field(description="Newest first.")
    evidence_for: list[str] = Field(description="Themes for which people marked this sentence as evidence.")


class PartOut(ApiModel):
    """One message of the view."""

    original: str = Field(description="Exactly as it came.")
    added_at: dt.datetime
    segments: list[SegmentOut] = Field(description="Its sentences; those of white space alone are left out.")

    @classmethod
    def of(cls, part: Part, evidence: Mapping[uuid.UUID, list[str]]) -> PartOut:
        return cls(
            original=part.original,
            added_at=part.added_at,
            segments=[
                SegmentOut(
                    id=sentence.segment_id,
                    original=sentence.original,
                    translation=TranslationOut.of(sentence.current) if sentence.current else None,
                    earlier_translations=[TranslationOut.of(version) for version in sentence.earlier],
                    evidence_for=evidence.get(sentence.segment_id, []),
                )
                for sentence in part.sentences
            ],
        )


class SubmissionOut(ApiModel):
    reference: str
    status: Literal["received", "in_review", "approved", "withdrawn"]
    version: int
    channel: str
    method: str
    source_language: str | None
    source_language_confidence: float | None
    urgent: bool
    submitted_at: dt.datetime | None
    consented_at: dt.datetime | None
    withdrawn_at: dt.datetime | None
    first_read_at: dt.datetime | None
    parts: list[PartOut]
    themes: list[ThemeWithSubCodes] = Field(description="Proposed or decided ones.")
    forum_id: uuid.UUID | None
    assigned_to_id: uuid.UUID | None

    @classmethod
    def of(cls, view: Reading, assigned_to_id: uuid.UUID | None) -> SubmissionOut:
        submission = view.submission
        return cls(
            reference=submission.reference or "",
            status=submission.status,
            version=submission.version,
            channel=submission.channel,
            method=submission.method,
            source_language=submission.source_language,
            source_language_confidence=submission.source_language_confidence,
            urgent=submission.is_urgent,
            submitted_at=submission.submitted_at,
            consented_at=submission.consented_at,
            withdrawn_at=submission.withdrawn_at,
            first_read_at=submission.first_read_at,
            parts=[PartOut.of(part, view.marks.evidence) for part in view.parts],
            themes=[
                _theme(choice, view.marks.sub_codes.get(choice.key, []))
                for choice in view.themes
                if _is_mentioned(choice)
            ],
            forum_id=submission.forum_id,
            assigned_to_id=assigned_to_id,
        )


def _is_mentioned(choice: ThemeChoice) -> bool:
    return choice.confidence is not None or choice.decision is not None


def _theme(choice: ThemeChoice, sub_codes: list[str]) -> ThemeWithSubCodes:
    return ThemeWithSubCodes(
        key=choice.key, confidence=choice.confidence, decision=choice.decision, sub_codes=sub_codes
    )


class CorrectionIn(ApiModel):
    segment_id: uuid.UUID
    text: str = Field(min_length=1, max_length=8000, description="The right English.")
    reason: str = Field(min_length=1, max_length=500)


class SubmissionPatch(ApiModel):
    """What is left out stays as it is. All of it happens, or nothing."""

    version: int | None = Field(
        default=None, ge=1, le=999_999_999, description="As read; or send it as If-Match."
    )
    status: Literal["in_review", "approved"] | None = None
    themes: dict[str, Literal["accepted", "refused"] | None] = Field(
        default_factory=dict, description="Decisions by theme key; null takes a decision back."
    )
    corrections: list[CorrectionIn] = Field(default_factory=list, max_length=500)
    source_language: str | None = Field(default=None, description="BCP 47")
    sub_codes: dict[str, list[str]] = Field(
        default_factory=dict,
        max_length=100,
        description="By accepted theme: these and no others. An approved view may be coded too, by itself.",
    )
    evidence: dict[uuid.UUID, list[str]] = Field(
        default_factory=dict,
        max_length=500,
        description="By segment: the accepted themes it is evidence for, and no others. As with sub_codes.",
    )


class Fault(ApiModel):
    detail: str | list[str]


class Conflict(ApiModel):
    detail: str
    current_version: int
