"""The codeframe: the themes and sub-codes of `commission.yml`, signed off version by version.

A signed version is never changed. A file that says the same version with other themes is not in force:
nothing is coded by it until the themes are put back or the version is changed.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from submissions import audit
from submissions.commission import Commission, get_commission
from submissions.errors import SubmissionError
from submissions.models import (
    Codeframe,
    Recoding,
    SubCode,
    Submission,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    utc_now,
)

REASON_LIMIT = 500


class CodeframeRefused(SubmissionError):
    """The codeframe cannot be signed off, or not be used; `reason` is a sentence for the person who asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class State(enum.StrEnum):
    DRAFT = "draft"  # this version was never signed off
    SIGNED = "signed"
    CHANGED = "changed"  # this version was signed off with other themes


@dataclass(frozen=True)
class Differences:
    """What a codeframe says otherwise than the one before; keys of themes, and (theme, code) of sub-codes."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    added_codes: list[tuple[str, str]] = field(default_factory=list)
    removed_codes: list[tuple[str, str]] = field(default_factory=list)
    changed_codes: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self != Differences()


@dataclass(frozen=True)
class Standing:
    """The configured codeframe beside what was signed off."""

    version: str
    themes: list[dict[str, Any]]
    sha256: bytes
    state: State
    signed: Codeframe | None  # this version, as it was signed off
    before: Codeframe | None  # the newest other version that was signed off
    differences: Differences  # from `signed` where that differs, or else from `before`

    @property
    def is_usable(self) -> bool:
        return self.state != State.CHANGED


def themes_of(commission: Commission) -> list[dict[str, Any]]:
    """The themes and sub-codes as they are kept when signed off."""
    return [
        {
            "key": theme.key,
            "name": theme.name,
            "description": theme.description,
            "sub_codes": [{"key": code.key, "name": code.name} for code in theme.sub_codes],
        }
        for theme in commission.themes
    ]


def hash_of(themes: Sequence[dict[str, Any]]) -> bytes:
    """SHA-256 of the themes, the same however they are kept."""
    written = json.dumps(list(themes), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).digest()


def standing(db: Session) -> Standing:
    """How the configured codeframe stands to those signed off."""
    commission = get_commission()
    themes = themes_of(commission)
    sha256 = hash_of(themes)
    rows = signed_versions(db)
    signed = next((row for row in rows if row.version == commission.version), None)
    before = next((row for row in rows if row.version != commission.version), None)
    if signed is None:
        state = State.DRAFT
    else:
        state = State.SIGNED if signed.sha256 == sha256 else State.CHANGED
    reference = before if signed is None else signed
    return Standing(
        version=commission.version,
        themes=themes,
        sha256=sha256,
        state=state,
        signed=signed,
        before=before,
        differences=differences(reference.themes, themes) if reference else Differences(),
    )


def signed_versions(db: Session) -> Sequence[Codeframe]:
    """What was signed off, the newest first."""
    statement = select(Codeframe).where(Codeframe.signed_off_at.is_not(None))
    return db.scalars(statement.order_by(Codeframe.signed_off_at.desc(), Codeframe.version)).all()


def must_be_usable(db: Session) -> Standing:
    """Raises CodeframeRefused where the file says otherwise than what was signed off by the same name."""
    now = standing(db)
    if not now.is_usable:
        raise CodeframeRefused(
            f"The themes in commission.yml are not those signed off as version {now.version}. Put them back, "
            "or give the file a new version and have it signed off."
        )
    return now


def sub_code_names(db: Session, version: str | None = None) -> dict[tuple[str, str], str]:
    """Names of all sub-codes by (theme, code): the configured ones, and those of earlier versions."""
    names: dict[tuple[str, str], str] = {}
    frames = [themes_of(get_commission()), *(row.themes for row in signed_versions(db))]
    for themes in frames:
        for theme in themes:
            for code in theme.get("sub_codes", []):
                names.setdefault((theme["key"], code["key"]), code["name"])
    return names


def differences(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> Differences:
    old, new = {theme["key"]: theme for theme in before}, {theme["key"]: theme for theme in after}
    old_codes, new_codes = _codes(before), _codes(after)
    return Differences(
        added=[key for key in new if key not in old],
        removed=[key for key in old if key not in new],
        changed=[key for key in new if key in old and _said(new[key]) != _said(old[key])],
        added_codes=[key for key in new_codes if key not in old_codes],
        removed_codes=[key for key in old_codes if key not in new_codes],
        changed_codes=[key for key in new_codes if key in old_codes and new_codes[key] != old_codes[key]],
    )


def _said(theme: dict[str, Any]) -> tuple[str, str]:
    return str(theme.get("name")), str(theme.get("description", ""))


def _codes(themes: Sequence[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {
        (theme["key"], code["key"]): code["name"] for theme in themes for code in theme.get("sub_codes", [])
    }


def sign_off(
    db: Session, *, sha256: bytes, reason: str, actor: str, reviewer_id: uuid.UUID | None
) -> Codeframe:
    """Locks the configured codeframe, and lists what has to be coded again because of it.

    `sha256` is of the themes that were read on the page. Raises CodeframeRefused: signed off before, not the
    themes that were read, or a change without a reason.
    """
    now = standing(db)
    reason = reason.strip().replace("\0", "")
    if now.state == State.SIGNED:
        raise CodeframeRefused(f"Version {now.version} has been signed off already.")
    must_be_usable(db)
    if sha256 != now.sha256:
        raise CodeframeRefused(
            "The file was changed since you read it. Read the themes again, then sign off."
        )
    if now.before is not None and not reason:
        raise CodeframeRefused("Say why the codeframe was changed.")
    if len(reason) > REASON_LIMIT:
        raise CodeframeRefused(f"A reason may have {REASON_LIMIT} characters.")
    frame = Codeframe(
        id=uuid.uuid4(),
        version=now.version,
        themes=now.themes,
        sha256=now.sha256,
        reason=reason,
        signed_off_by_id=reviewer_id,
        signed_off_at=utc_now(),
    )
    try:
        with db.begin_nested():
            db.add(frame)
            db.flush()
    except IntegrityError as error:  # somebody else did so in the same moment
        raise CodeframeRefused(f"Version {now.version} has been signed off already.") from error
    number = _list_recoding(db, frame, now.differences)
    audit.record(
        db,
        actor,
        "codeframe.signed_off",
        "codeframe",
        frame.id,
        codeframe=frame.version,
        sha256=frame.sha256.hex(),
        to_recode=number,
    )
    return frame


def _list_recoding(db: Session, frame: Codeframe, changed: Differences) -> int:
    """A row for each view that carries a theme or sub-code which is gone or means something else now."""
    keys = {theme["key"] for theme in frame.themes}
    codes = set(_codes(frame.themes))
    in_use = Submission.status.in_(
        (SubmissionStatus.RECEIVED, SubmissionStatus.IN_REVIEW, SubmissionStatus.APPROVED)
    )
    wanted: list[tuple[uuid.UUID, str, str, bool]] = []
    assignments = (
        select(ThemeAssignment.submission_id, ThemeAssignment.theme_key)
        .join(Submission, Submission.id == ThemeAssignment.submission_id)
        .where(
            in_use,
            ThemeAssignment.decision == ThemeDecision.ACCEPTED,
            ThemeAssignment.codeframe_version != frame.version,
            ThemeAssignment.theme_key.in_(changed.changed) | ThemeAssignment.theme_key.not_in(keys),
        )
    )
    for submission_id, key in db.execute(assignments).all():
        wanted.append((submission_id, key, "", key not in keys))
    chosen = (
        select(SubCode.submission_id, SubCode.theme_key, SubCode.code)
        .join(Submission, Submission.id == SubCode.submission_id)
        .where(in_use, SubCode.codeframe_version != frame.version)
    )
    for submission_id, key, code in db.execute(chosen).all():
        is_gone = (key, code) not in codes
        # Where the theme itself is gone, its own row says so: its sub-codes go with it.
        if key in keys and (is_gone or (key, code) in changed.changed_codes):
            wanted.append((submission_id, key, code, is_gone))
    db.add_all(
        Recoding(
            id=uuid.uuid4(),
            codeframe_version=frame.version,
            submission_id=submission_id,
            theme_key=key,
            code=code,
            is_gone=is_gone,
        )
        for submission_id, key, code, is_gone in wanted
    )
    db.flush()
    return len(wanted)


@dataclass(frozen=True)
class Progress:
    done: int
    total: int

    @property
    def left(self) -> int:
        return self.total - self.done


@dataclass(frozen=True)
class ToRecode:
    item: Recoding
    reference: str
    version: int
    language: str | None


def recoding(db: Session, *, limit: int = 50) -> tuple[list[ToRecode], Progress]:
    """What is still to be coded again, the oldest view first, and how far all of it is."""
    usable = (
        select(Recoding.id, Recoding.done_at)
        .join(Submission, Submission.id == Recoding.submission_id)
        .where(Submission.status != SubmissionStatus.WITHDRAWN)
    )
    states: list[dt.datetime | None] = [row.done_at for row in db.execute(usable).all()]
    rows = db.execute(
        select(Recoding, Submission.reference, Submission.version, Submission.source_language)
        .join(Submission, Submission.id == Recoding.submission_id)
        .where(Submission.status != SubmissionStatus.WITHDRAWN, Recoding.done_at.is_(None))
        .order_by(Submission.submitted_at, Submission.id, Recoding.theme_key, Recoding.code)
        .limit(limit)
    ).all()
    found = [
        ToRecode(item, reference or "", version, language) for item, reference, version, language in rows
    ]
    return found, Progress(sum(1 for state in states if state is not None), len(states))
