"""What a reviewer decides about a submission: its status, themes, language, and the English of its sentences.

Everything asked at once happens in one transaction or not at all, and only if nobody changed the submission
since the person who asks read it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from submissions import audit, jobs, translation_memory
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.models import (
    JobKind,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    TranslationStatus,
    utc_now,
)
from submissions.references import normalise_reference
from submissions.review import blind_coding, coding, safeguarding
from submissions.review.coding import CodingChanges
from submissions.review.errors import DecisionRefused, VersionConflict
from submissions.review.queue import visible_to
from submissions.review.sentences import ENGLISH, current_translation, fingerprint, segment_text
from submissions.review.sessions import Principal
from translations.languages import LANGUAGES

CORRECTION_LIMIT = 8_000
REASON_LIMIT = 500


@dataclass(frozen=True)
class Correction:
    """The right English of one sentence, and why it was changed."""

    segment_id: uuid.UUID
    text: str
    reason: str


@dataclass(frozen=True)
class Changes:
    """What is asked for; what is left out stays as it is."""

    corrections: Sequence[Correction] = ()
    confirmed_segments: Sequence[uuid.UUID] = ()  # "this English is right as it stands"
    themes: Mapping[str, ThemeDecision | None] = field(default_factory=dict)  # None: not decided
    source_language: str | None = None
    status: SubmissionStatus | None = None  # IN_REVIEW or APPROVED
    # `fingerprint` of what was read; when given, only that is approved. A machine's translation may arrive,
    # or the resident add to the view, between reading and approving.
    approved_fingerprint: str | None = None
    # Approving vouches for the English, which sub-codes, evidence and what two coders agreed leave alone.
    coding: CodingChanges | None = None

    @property
    def gives_themes(self) -> bool:
        """Whether somebody decides on themes, sub-codes or evidence by themselves, outside a round."""
        if self.coding is None:
            return bool(self.themes)
        return self.coding.resolved is None

    @property
    def leaves_approval(self) -> bool:
        """Whether it may be done about an approved view. Themes may where two coders settled them, or where
        the codeframe changed; otherwise the view is opened again for them."""
        if self.coding is None or self.corrections or self.confirmed_segments:
            return False
        if self.source_language or self.status:
            return False
        return not self.themes or self.coding.resolved is not None or self.coding.recoded is not None


def apply_changes(principal: Principal, reference: str, expected_version: int, changes: Changes) -> int:
    """Makes the changes and gives the submission's new version.

    Raises SubmissionNotFound, VersionConflict when somebody else was faster, DecisionRefused,
    NotAllowed for an urgent view that is the safeguarding lead's.
    """
    with unit_of_work() as db:
        submission = _claim(db, principal, reference, expected_version)
        safeguarding.must_be_free_to_change(db, principal, submission)
        if changes.gives_themes and blind_coding.round_of(db, principal, submission.id):
            raise DecisionRefused(["You code this view in a round. Give its themes there, not here."])
        decisions = _Decisions(db, principal, submission)
        decisions.apply(changes)
        db.flush()
        return submission.version


def _claim(db: Session, principal: Principal, reference: str, expected_version: int) -> Submission:
    """The submission, its version raised by one and its row locked until the transaction ends."""
    normalised = normalise_reference(reference)
    if normalised is None:
        raise SubmissionNotFound(reference)
    table = Submission.__table__
    raised = db.execute(
        update(table)  # type: ignore[arg-type]
        .where(table.c.reference == normalised, table.c.version == expected_version, visible_to(principal))
        .values(version=expected_version + 1)
    )
    submission = db.scalar(
        select(Submission).where(Submission.reference == normalised, visible_to(principal))
    )
    if submission is None:
        raise SubmissionNotFound(reference)
    if raised.rowcount != 1:  # type: ignore[attr-defined]
        raise VersionConflict(normalised, expected=expected_version, current=submission.version)
    return submission


class _Decisions:
    """One person's changes to one submission, within one transaction."""

    def __init__(self, db: Session, principal: Principal, submission: Submission) -> None:
        self.db = db
        self.principal = principal
        self.submission = submission

    def apply(self, changes: Changes) -> None:
        if self.submission.status == SubmissionStatus.WITHDRAWN:
            raise DecisionRefused(["The resident has withdrawn this view, so nothing can be changed."])
        if self.submission.status == SubmissionStatus.APPROVED and not changes.leaves_approval:
            if changes.status != SubmissionStatus.IN_REVIEW:
                raise DecisionRefused(["It is approved. Open it again for review before you change it."])
            self._set_status(SubmissionStatus.IN_REVIEW, "submission.reopened")
        if changes.source_language is not None:
            self._set_language(changes.source_language)
        for correction in changes.corrections:
            self._correct(correction)
        for segment_id in changes.confirmed_segments:
            self._confirm(segment_id)
        for key, decision in changes.themes.items():
            self._decide_theme(key, decision)
        if changes.coding is not None:
            self.db.flush()
            coding.write(self.db, self.principal, self.submission, changes.coding)
        if changes.status == SubmissionStatus.APPROVED:
            self._approve(changes.approved_fingerprint)
        elif changes.status not in (None, SubmissionStatus.IN_REVIEW):
            raise DecisionRefused(["A view can be taken into review or approved, nothing else."])
        elif self.submission.status == SubmissionStatus.RECEIVED:
            # Whoever changes something has begun to review it.
            self._set_status(SubmissionStatus.IN_REVIEW, "submission.in_review")

    def _audit(self, action: str, **details: object) -> None:
        audit.record(
            self.db,
            self.principal.actor,
            action,
            "submission",
            self.submission.id,
            version=self.submission.version,
            **details,
        )

    def _set_status(self, status: SubmissionStatus, action: str) -> None:
        if self.submission.status == status:
            return
        self.submission.status = status
        self.db.flush()
        self._audit(action)

    def _segment(self, segment_id: uuid.UUID) -> Segment:
        segment = self.db.scalar(
            select(Segment)
            .join(SubmissionPart, SubmissionPart.id == Segment.part_id)
            .where(Segment.id == segment_id, SubmissionPart.submission_id == self.submission.id)
        )
        if segment is None:
            raise DecisionRefused(["That sentence is not part of this view."])
        return segment

    def _correct(self, correction: Correction) -> None:
        text = correction.text.strip().replace("\r\n", "\n").replace("\0", "")
        reason = correction.reason.strip().replace("\0", "")
        if not text:
            raise DecisionRefused(["Write the English of the sentence."])
        if len(text) > CORRECTION_LIMIT or len(reason) > REASON_LIMIT:
            raise DecisionRefused(
                [f"A sentence may have {CORRECTION_LIMIT} characters, and a reason {REASON_LIMIT}."]
            )
        if not reason:
            raise DecisionRefused(["Give a reason for the correction."])
        self._replace(
            self._segment(correction.segment_id),
            text=text,
            status=TranslationStatus.CORRECTED,
            reason=reason,
            action="translation.corrected",
        )

    def _confirm(self, segment_id: uuid.UUID) -> None:
        segment = self._segment(segment_id)
        current = current_translation(segment)
        if current is None or not current.text:
            raise DecisionRefused(["That sentence has no English yet, so there is nothing to confirm."])
        self._replace(
            segment,
            text=current.text,
            status=TranslationStatus.APPROVED,
            reason=None,
            action="translation.confirmed",
        )

    def _replace(
        self, segment: Segment, *, text: str, status: str, reason: str | None, action: str | None
    ) -> None:
        """Puts a new translation in the place of the current one, which stays as history.

        An approved one keeps what made it; a corrected one was made by a person.
        """
        old = current_translation(segment)
        is_persons = status == TranslationStatus.CORRECTED
        if old is not None:
            old.is_current = False
            self.db.flush()
        if old is None or not old.text:
            # It waited for a translation; the job sees that there is nothing left to wait for.
            jobs.request_job(self.db, self.submission.id, JobKind.TRANSLATE)
        source = None if is_persons else old
        new = SegmentTranslation(
            id=uuid.uuid4(),
            segment_id=segment.id,
            source_language=self.submission.source_language,
            target_language=ENGLISH,
            text=text,
            status=status,
            pivot_language=source.pivot_language if source else None,
            engine=source.engine if source else None,
            model=source.model if source else None,
            quality=source.quality if source else None,
            flags=list(source.flags) if source else [],
            is_current=True,
            reviewer_id=self.principal.reviewer_id,
            reason=reason,
        )
        self.db.add(new)
        self.db.flush()
        self.db.expire(segment, ["translations"])
        if is_persons:
            translation_memory.spread(self.db, segment, self.submission.source_language)
            jobs.request_job(self.db, self.submission.id, JobKind.FIND_THEMES)  # the English is read too
        if action is not None:
            self._audit(action, segment_id=str(segment.id), translation_id=str(new.id))

    def _decide_theme(self, key: str, decision: ThemeDecision | None) -> None:
        commission = get_commission()
        if key not in commission.theme_keys and decision is not None:
            raise DecisionRefused([f"There is no theme {key}."])
        known = self.db.scalar(
            select(ThemeAssignment).where(
                ThemeAssignment.submission_id == self.submission.id, ThemeAssignment.theme_key == key
            )
        )
        if (known.decision if known else None) == decision:
            return
        if known is not None:
            self.db.delete(known)
            self.db.flush()
        if decision != ThemeDecision.ACCEPTED:
            coding.forget_theme(self.db, self.submission.id, key)
        if decision is not None:
            self.db.add(
                ThemeAssignment(
                    submission_id=self.submission.id,
                    theme_key=key,
                    decision=decision,
                    codeframe_version=commission.version,
                    reviewer_id=self.principal.reviewer_id,
                )
            )
        self._audit(f"theme.{decision or 'cleared'}", theme=key)

    def _set_language(self, code: str) -> None:
        if code not in LANGUAGES:
            raise DecisionRefused([f"There is no language {code}."])
        if code == self.submission.source_language:
            return
        before = self.submission.source_language
        self.submission.source_language = code
        self.submission.source_language_confidence = None  # a person said it
        self.db.flush()
        # What a machine made of the text in another language is no translation of it. A person's is.
        for segment in self._segments():
            current = current_translation(segment)
            if current is not None and current.status not in (
                TranslationStatus.CORRECTED,
                TranslationStatus.APPROVED,
            ):
                current.is_current = False
        self._audit("submission.language_set", before=before, after=code)
        jobs.request_job(self.db, self.submission.id, JobKind.TRANSLATE)

    def _segments(self) -> list[Segment]:
        return [segment for part in self.submission.parts for segment in part.segments]

    def _approve(self, read: str | None) -> None:
        if read is not None and read != fingerprint(self.submission):
            raise VersionConflict(
                str(self.submission.reference),
                expected=self.submission.version - 1,
                current=self.submission.version,
            )
        if problems := self._what_stands_against_approval():
            raise DecisionRefused(problems)
        approved = 0
        for segment in self._segments():
            current = current_translation(segment)
            if current is not None and current.status == TranslationStatus.MACHINE:
                self._replace(
                    segment,
                    text=current.text or "",
                    status=TranslationStatus.APPROVED,
                    reason=None,
                    action=None,  # one entry for the whole approval is enough
                )
                approved += 1
        self.submission.status = SubmissionStatus.APPROVED
        self.db.flush()
        self._audit("submission.approved", sentences_approved=approved)

    def _what_stands_against_approval(self) -> list[str]:
        if self.submission.source_language is None:
            return ["Set the language of the view first."]
        if self.submission.source_language == ENGLISH:
            return []
        problems = []
        if any(not part.segments and part.original_text.strip() for part in self.submission.parts):
            problems.append("The view has not been cut into sentences for translation yet.")
        with_words = [segment for segment in self._segments() if segment_text(segment).strip()]
        currents = [current_translation(segment) for segment in with_words]
        without = sum(1 for current in currents if current is None or not current.text)
        if without:
            problems.append(f"{_sentences(without)} no English yet. Write it, or wait for the translation.")
        doubted = sum(
            1
            for current in currents
            if current and current.text and current.status == TranslationStatus.NEEDS_PERSON
        )
        if doubted:
            problems.append(f"{_sentences(doubted)} a doubtful translation. Correct or confirm each.")
        return problems


def _sentences(number: int) -> str:
    return "1 sentence has" if number == 1 else f"{number} sentences have"


def record_reading(principal: Principal, submission_id: uuid.UUID) -> None:
    """Notes that somebody read the submission; the first person to do so is its first reading.

    Reading leaves the version alone, so that it is no conflict for whoever is deciding meanwhile.
    """
    table = Submission.__table__
    with unit_of_work() as db:
        is_first = False
        if principal.is_person:
            first = db.execute(
                update(table)  # type: ignore[arg-type]
                .where(table.c.id == submission_id, table.c.first_read_at.is_(None))
                .values(first_read_at=utc_now())
            )
            is_first = first.rowcount == 1  # type: ignore[attr-defined]
        audit.record(
            db,
            principal.actor,
            "submission.read",
            "submission",
            submission_id,
            is_first=is_first,
            languages=_languages_shown(db, submission_id),
        )


def _languages_shown(db: Session, submission_id: uuid.UUID) -> list[str]:
    """In which languages a reader had the view before them, for the register."""
    source = db.scalar(select(Submission.source_language).where(Submission.id == submission_id))
    has_english = db.scalar(
        select(SegmentTranslation.id)
        .join(Segment, Segment.id == SegmentTranslation.segment_id)
        .join(SubmissionPart, SubmissionPart.id == Segment.part_id)
        .where(
            SubmissionPart.submission_id == submission_id,
            SegmentTranslation.is_current,
            SegmentTranslation.target_language == ENGLISH,
            SegmentTranslation.text.is_not(None),
        )
        .limit(1)
    )
    shown = [source or "und", *([ENGLISH] if has_english else [])]
    return list(dict.fromkeys(shown))
