"""Sub-codes and evidence: the finer sorting within an accepted theme, and the sentences that speak for it.

What is written here is part of `decisions.apply_changes`, so that it is checked against the version that was
read, and happens with the theme decisions that belong to it or not at all.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from submissions import audit
from submissions.codeframes import CodeframeRefused, must_be_usable
from submissions.commission import get_commission
from submissions.models import (
    CodingItem,
    Evidence,
    Recoding,
    Segment,
    SubCode,
    Submission,
    SubmissionPart,
    ThemeAssignment,
    ThemeDecision,
    utc_now,
)
from submissions.review.errors import DecisionRefused
from submissions.review.sessions import Principal

EVIDENCE_REASON_LIMIT = 500


@dataclass(frozen=True)
class Resolved:
    """What two coders agreed upon for one view of a round."""

    item_id: uuid.UUID
    themes: Sequence[str]
    reason: str


@dataclass(frozen=True)
class CodingChanges:
    """What is left out stays as it is; what is given replaces what was there."""

    sub_codes: Mapping[str, Collection[str]] = field(default_factory=dict)  # by theme
    evidence: Mapping[uuid.UUID, Collection[str]] = field(default_factory=dict)  # themes, by sentence
    resolved: Resolved | None = None
    recoded: tuple[uuid.UUID, str] | None = None  # which entry of the list, and what became of it
    confirmed_themes: Collection[str] = ()  # right by the new codeframe too
    confirmed_codes: Collection[tuple[str, str]] = ()


@dataclass(frozen=True)
class Marks:
    """What people marked in one view, in themes accepted for it."""

    sub_codes: dict[str, list[str]]  # codes by theme
    evidence: dict[uuid.UUID, list[str]]  # themes by sentence

    def number_for(self, theme_key: str) -> int:
        """How many sentences speak for a theme."""
        return sum(theme_key in themes for themes in self.evidence.values())


def marks_of(db: Session, submission_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Marks]:
    """The marks of each of these views, of accepted themes only."""
    accepted: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
    for identity, key in db.execute(
        select(ThemeAssignment.submission_id, ThemeAssignment.theme_key).where(
            ThemeAssignment.submission_id.in_(submission_ids),
            ThemeAssignment.decision == ThemeDecision.ACCEPTED,
        )
    ).all():
        accepted[identity].add(key)
    marks = {identity: Marks({}, {}) for identity in submission_ids}
    for code in db.scalars(
        select(SubCode)
        .where(SubCode.submission_id.in_(submission_ids))
        .order_by(SubCode.theme_key, SubCode.code)
    ):
        if code.theme_key in accepted[code.submission_id]:
            marks[code.submission_id].sub_codes.setdefault(code.theme_key, []).append(code.code)
    for row in db.scalars(
        select(Evidence).where(Evidence.submission_id.in_(submission_ids)).order_by(Evidence.theme_key)
    ):
        if row.theme_key in accepted[row.submission_id]:
            marks[row.submission_id].evidence.setdefault(row.segment_id, []).append(row.theme_key)
    return marks


def with_sub_code(theme_key: str, code: str) -> ColumnElement[bool]:
    """Which submissions carry this sub-code: a condition for the list."""
    return Submission.id.in_(
        select(SubCode.submission_id).where(SubCode.theme_key == theme_key, SubCode.code == code)
    )


def write(db: Session, principal: Principal, submission: Submission, changes: CodingChanges) -> None:
    """Makes the changes, in the caller's unit of work. Raises DecisionRefused."""
    try:
        must_be_usable(db)
    except CodeframeRefused as refused:
        raise DecisionRefused([refused.reason]) from refused
    writer = _Writer(db, principal, submission)
    for key, codes in changes.sub_codes.items():
        writer.set_sub_codes(key, codes)
    for segment_id, themes in changes.evidence.items():
        writer.set_evidence(segment_id, themes)
    for key in changes.confirmed_themes:
        writer.confirm_theme(key)
    for key, code in changes.confirmed_codes:
        writer.confirm_code(key, code)
    if changes.resolved is not None:
        writer.resolve(changes.resolved)
    if changes.recoded is not None:
        writer.finish_recoding(*changes.recoded)


def forget_theme(db: Session, submission_id: uuid.UUID, theme_key: str) -> None:
    """A theme is no longer accepted: what was marked within it goes."""
    db.execute(delete(SubCode).where(SubCode.submission_id == submission_id, SubCode.theme_key == theme_key))
    db.execute(
        delete(Evidence).where(Evidence.submission_id == submission_id, Evidence.theme_key == theme_key)
    )


class _Writer:
    def __init__(self, db: Session, principal: Principal, submission: Submission) -> None:
        self.db = db
        self.principal = principal
        self.submission = submission
        self.version = get_commission().version
        self.accepted = set(
            db.scalars(
                select(ThemeAssignment.theme_key).where(
                    ThemeAssignment.submission_id == submission.id,
                    ThemeAssignment.decision == ThemeDecision.ACCEPTED,
                )
            )
        )

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

    def _must_be_accepted(self, key: str) -> None:
        if key not in self.accepted:
            raise DecisionRefused(["Accept the theme first: sub-codes and evidence belong to it."])

    def set_sub_codes(self, key: str, codes: Collection[str]) -> None:
        rows = {
            row.code: row
            for row in self.db.scalars(
                select(SubCode).where(SubCode.submission_id == self.submission.id, SubCode.theme_key == key)
            )
        }
        added, removed = set(codes) - rows.keys(), rows.keys() - set(codes)
        if not added and not removed:
            return
        self._must_be_accepted(key)
        theme = next((one for one in get_commission().themes if one.key == key), None)
        known = {code.key for code in theme.sub_codes} if theme else set()
        if not added <= known:
            raise DecisionRefused(["Choose sub-codes of the theme from the list."])
        for code in removed:
            self.db.delete(rows[code])
        self.db.add_all(
            SubCode(
                submission_id=self.submission.id,
                theme_key=key,
                code=code,
                codeframe_version=self.version,
                reviewer_id=self.principal.reviewer_id,
            )
            for code in sorted(added)
        )
        self.db.flush()
        self._audit("sub_codes.set", theme=key, added=sorted(added), removed=sorted(removed))

    def set_evidence(self, segment_id: uuid.UUID, themes: Collection[str]) -> None:
        owner = self.db.scalar(
            select(SubmissionPart.submission_id)
            .join(Segment, Segment.part_id == SubmissionPart.id)
            .where(Segment.id == segment_id)
        )
        if owner != self.submission.id:
            raise DecisionRefused(["That sentence is not part of this view."])
        rows = {
            row.theme_key: row
            for row in self.db.scalars(select(Evidence).where(Evidence.segment_id == segment_id))
        }
        added, removed = set(themes) - rows.keys(), rows.keys() - set(themes)
        for key in added:
            self._must_be_accepted(key)
        for key in removed:
            self.db.delete(rows[key])
        self.db.add_all(
            Evidence(
                submission_id=self.submission.id,
                segment_id=segment_id,
                theme_key=key,
                reviewer_id=self.principal.reviewer_id,
            )
            for key in sorted(added)
        )
        self.db.flush()
        for key in sorted(added):
            self._audit("evidence.marked", theme=key, segment_id=str(segment_id))
        for key in sorted(removed):
            self._audit("evidence.unmarked", theme=key, segment_id=str(segment_id))

    def confirm_theme(self, key: str) -> None:
        self._must_be_accepted(key)
        self.db.execute(
            update(ThemeAssignment)
            .where(ThemeAssignment.submission_id == self.submission.id, ThemeAssignment.theme_key == key)
            .values(codeframe_version=self.version)
        )
        self._audit("theme.confirmed", theme=key)

    def confirm_code(self, key: str, code: str) -> None:
        self.db.execute(
            update(SubCode)
            .where(
                SubCode.submission_id == self.submission.id, SubCode.theme_key == key, SubCode.code == code
            )
            .values(codeframe_version=self.version)
        )
        self._audit("sub_codes.confirmed", theme=key, code=code)

    def resolve(self, resolved: Resolved) -> None:
        reason = resolved.reason.strip().replace("\0", "")
        if not reason or len(reason) > EVIDENCE_REASON_LIMIT:
            raise DecisionRefused([f"Give a reason, in at most {EVIDENCE_REASON_LIMIT} characters."])
        done = self.db.execute(
            update(CodingItem)
            .where(
                CodingItem.id == resolved.item_id,
                CodingItem.submission_id == self.submission.id,
                CodingItem.resolved_at.is_(None),
            )
            .values(
                resolved_themes=sorted(resolved.themes),
                resolution_reason=reason,
                resolved_by=self.principal.actor,
                resolved_at=utc_now(),
            )
        )
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise DecisionRefused(["Somebody else has settled this view meanwhile."])
        self._audit("coding.resolved", item_id=str(resolved.item_id))

    def finish_recoding(self, item_id: uuid.UUID, outcome: str) -> None:
        done = self.db.execute(
            update(Recoding)
            .where(
                Recoding.id == item_id,
                Recoding.submission_id == self.submission.id,
                Recoding.done_at.is_(None),
            )
            .values(outcome=outcome, done_by=self.principal.actor, done_at=utc_now())
        )
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise DecisionRefused(["Somebody else has done this one meanwhile."])
        self._audit("coding.recoded", item_id=str(item_id), outcome=outcome)
