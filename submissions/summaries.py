"""What is common and what is contested in a theme, in the team's own words.

A reviewer writes points, each resting on approved views of the theme: some speak for it, some against.
Another person signs the whole off; from then on it stands in the briefing and never changes, and a change is
a new version. Nothing here is written by a machine: `summary_suggestions` only helps to begin.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import flag_modified

from submissions import audit
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import SubmissionError, SubmissionNotFound
from submissions.exports.contributions import is_approved_for
from submissions.models import (
    PointCitation,
    PointKind,
    Side,
    Submission,
    SummaryPoint,
    SummaryState,
    ThemeSummary,
    utc_now,
)

TEXT_LIMIT = 1_000  # characters of a point
MOST_POINTS = 30
MOST_CITED = 40  # views of a point
OPEN = (SummaryState.DRAFT, SummaryState.PROPOSED)
SHOWN_VERSIONS = 20
_CHANGED = "Somebody changed the summary meanwhile. Look at it again."


class SummaryRefused(SubmissionError):
    """What was asked for cannot be done; `problems` says why, in sentences."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class GivenPoint:
    """A point as somebody wrote it; `cited` says for each reference which side it is on."""

    kind: str
    text: str
    cited: Mapping[str, str]


@dataclass(frozen=True)
class Point:
    """A point as it may be shown: of the views it cites, those that are approved for the theme now."""

    id: uuid.UUID
    kind: str
    text: str
    speaking_for: list[str]  # references
    speaking_against: list[str]
    gone: int  # views it cited when it was written that cannot be shown any more

    @property
    def references(self) -> list[str]:
        return [*self.speaking_for, *self.speaking_against]

    @property
    def fault(self) -> str | None:
        """What it lacks to be shown to anybody; None when nothing."""
        if self.kind == PointKind.CONTESTED and not (self.speaking_for and self.speaking_against):
            return "cite at least one view for it and one against it"
        if not self.speaking_for:
            return "cite at least one view that says so"
        return None


@dataclass(frozen=True)
class Signed:
    """The version that stands in the briefing; points that lost the views they rest on are left out."""

    number: int
    signed_off_at: dt.datetime
    points: list[Point]

    def of_kind(self, kind: str) -> list[Point]:
        return [point for point in self.points if point.kind == kind]


def versions_of(db: Session, theme_key: str) -> Sequence[ThemeSummary]:
    """The versions of a theme with their points, the newest first. Raises SubmissionNotFound."""
    _must_be_theme(theme_key)
    return db.scalars(
        _with_points(theme_key).order_by(ThemeSummary.number.desc()).limit(SHOWN_VERSIONS)
    ).all()


def signed_off(db: Session, theme_key: str) -> Signed | None:
    """What the team has signed off about the theme; None when nothing stands."""
    row = db.scalars(_with_points(theme_key).where(ThemeSummary.state == SummaryState.SIGNED_OFF)).first()
    if row is None or row.signed_off_at is None:
        return None
    points = points_of(db, row)
    return Signed(row.number, row.signed_off_at, [point for point in points if point.fault is None])


def points_of(db: Session, row: ThemeSummary) -> list[Point]:
    """The points of a version, with the views that can be shown now."""
    cited = {citation.submission_id for point in row.points for citation in point.citations}
    references = {
        identity: reference
        for reference, identity in _approved(db, row.theme_key, Submission.id.in_(cited)).items()
    }
    return [_point(point, references) for point in row.points]


def _point(point: SummaryPoint, references: Mapping[uuid.UUID, str]) -> Point:
    sides: dict[str, list[str]] = {Side.FOR: [], Side.AGAINST: []}
    for citation in point.citations:
        if citation.submission_id in references:
            sides[citation.side].append(references[citation.submission_id])
    shown = len(sides[Side.FOR]) + len(sides[Side.AGAINST])
    return Point(
        point.id, point.kind, point.text, sides[Side.FOR], sides[Side.AGAINST], max(0, point.cited - shown)
    )


def begin(actor: str, theme_key: str) -> None:
    """Opens a new version with the points that stand; nothing happens when one is open. Raises
    SubmissionNotFound, SummaryRefused."""
    with unit_of_work() as db:
        _open(db, actor, theme_key)


def save_point(
    actor: str,
    theme_key: str,
    given: GivenPoint,
    *,
    point_id: uuid.UUID | None = None,
    version: int | None = None,
    began_with: str = "",
) -> uuid.UUID:
    """Adds a point to the open version, or changes one; without an open version one is begun.

    `version` is of the open version the writer saw, None when there was none. One that was proposed is a
    draft again. `began_with` names the suggestion it came from, for the audit. Raises SummaryRefused,
    SubmissionNotFound.
    """
    text = given.text.replace("\r\n", "\n").replace("\0", "").strip()
    with unit_of_work() as db:
        row = _seen(db, theme_key, version) or _open(db, actor, theme_key)
        identities = _checked(db, theme_key, given, text)
        point = next((one for one in row.points if one.id == point_id), None)
        if point_id is not None and point is None:
            raise SummaryRefused(_CHANGED)
        if point is None:
            if len(row.points) >= MOST_POINTS:
                raise SummaryRefused(f"A summary has at most {MOST_POINTS} points.")
            position = max((one.position for one in row.points), default=0) + 1
            point = SummaryPoint(id=uuid.uuid4(), position=position)
            row.points.append(point)
        point.kind, point.text, point.cited = given.kind, text, len(identities)
        point.citations.clear()
        db.flush()  # the same view may be cited again below
        point.citations.extend(
            PointCitation(submission_id=identities[reference], side=side, position=position)
            for position, (reference, side) in enumerate(given.cited.items())
        )
        _written(db, actor, row)
        _record(
            db,
            actor,
            "summary.written",
            row,
            point=str(point.id),
            cited=len(identities),
            began_with=began_with,
        )
        return point.id


def remove_point(actor: str, theme_key: str, point_id: uuid.UUID, *, version: int) -> None:
    """Takes a point out of the open version. Raises SummaryRefused, SubmissionNotFound."""
    with unit_of_work() as db:
        row = _seen(db, theme_key, version)
        point = next((one for one in row.points if one.id == point_id), None) if row else None
        if row is None or point is None:
            raise SummaryRefused(_CHANGED)
        row.points.remove(point)
        _written(db, actor, row)
        _record(db, actor, "summary.point_removed", row, point=str(point_id))


def propose(actor: str, theme_key: str, *, version: int) -> None:
    """Asks somebody else to sign it off. Raises SummaryRefused, SubmissionNotFound."""
    with unit_of_work() as db:
        row = _seen(db, theme_key, version)
        if row is None or row.state != SummaryState.DRAFT:
            raise SummaryRefused(_CHANGED)
        _must_be_complete(db, row)
        row.state, row.proposed_by = SummaryState.PROPOSED, actor
        _record(db, actor, "summary.proposed", row, points=len(row.points))


def sign_off(actor: str, theme_key: str, *, version: int) -> None:
    """Puts it into the briefing, in place of the version before it. Nobody signs off what they wrote in or
    proposed. Raises SummaryRefused, SubmissionNotFound."""
    with unit_of_work() as db:
        row = _seen(db, theme_key, version)
        if row is None or row.state != SummaryState.PROPOSED:
            raise SummaryRefused(_CHANGED)
        if actor in (*row.writers, row.proposed_by):
            raise SummaryRefused("Somebody else must sign it off: you wrote in it or proposed it.")
        _must_be_complete(db, row)
        for other in _standing(db, theme_key):
            other.state = SummaryState.REPLACED
        row.state, row.signed_off_by, row.signed_off_at = SummaryState.SIGNED_OFF, actor, utc_now()
        _record(db, actor, "summary.signed_off", row, points=len(row.points))


def retire(actor: str, theme_key: str) -> None:
    """Takes what stands out of the briefing. Raises SubmissionNotFound."""
    _must_be_theme(theme_key)
    with unit_of_work() as db:
        for row in _standing(db, theme_key):
            row.state = SummaryState.RETIRED
            _record(db, actor, "summary.retired", row)


def _must_be_complete(db: Session, row: ThemeSummary) -> None:
    points = points_of(db, row)
    problems = [
        f"Point {place}, “{point.text[:40]}”: {point.fault}."
        for place, point in enumerate(points, start=1)
        if point.fault
    ]
    if not points:
        problems.append("Write at least one point.")
    if problems:
        raise SummaryRefused(*problems)


def _checked(db: Session, theme_key: str, given: GivenPoint, text: str) -> dict[str, uuid.UUID]:
    """The ids of the views it cites, by reference."""
    problems = []
    if given.kind not in list(PointKind):
        problems.append("Choose whether it is common or contested.")
    if not text:
        problems.append("Write the point in your own words.")
    if len(text) > TEXT_LIMIT:
        problems.append(f"A point has at most {TEXT_LIMIT:,} characters.")
    if len(given.cited) > MOST_CITED:
        problems.append(f"A point cites at most {MOST_CITED} views.")
    if not set(given.cited.values()) <= set(Side):
        problems.append("Choose for each view whether it is for the point or against it.")
    found = _approved(db, theme_key, Submission.reference.in_(list(given.cited)[: MOST_CITED + 1]))
    if unknown := [reference for reference in given.cited if reference not in found]:
        problems.append(f"Not an approved view of this theme: {', '.join(unknown[:10])}.")
    if problems:
        raise SummaryRefused(*problems)
    return {reference: found[reference] for reference in given.cited}


def _approved(db: Session, theme_key: str, condition: ColumnElement[bool]) -> dict[str, uuid.UUID]:
    """Approved views of the theme, by reference."""
    rows = db.execute(
        select(Submission.reference, Submission.id).where(is_approved_for(theme_key), condition)
    )
    return {reference: identity for reference, identity in rows if reference is not None}


def _with_points(theme_key: str) -> Select[ThemeSummary]:
    return (
        select(ThemeSummary)
        .where(ThemeSummary.theme_key == theme_key)
        .options(selectinload(ThemeSummary.points).selectinload(SummaryPoint.citations))
    )


def _find_open(db: Session, theme_key: str) -> ThemeSummary | None:
    return db.scalars(
        _with_points(theme_key).where(ThemeSummary.state.in_(OPEN)).with_for_update(of=ThemeSummary)
    ).first()


def _seen(db: Session, theme_key: str, version: int | None) -> ThemeSummary | None:
    """The open version, if it is the one the writer saw. Raises SummaryRefused when it is another."""
    _must_be_theme(theme_key)
    row = _find_open(db, theme_key)
    if (row.version if row else None) != version:
        raise SummaryRefused(_CHANGED)
    return row


def _open(db: Session, actor: str, theme_key: str) -> ThemeSummary:
    _must_be_theme(theme_key)
    row = _find_open(db, theme_key)
    if row is not None:
        return row
    before = db.scalars(_with_points(theme_key).order_by(ThemeSummary.number.desc())).first()
    standing = next(iter(_standing(db, theme_key)), None)
    row = ThemeSummary(
        id=uuid.uuid4(),
        theme_key=theme_key,
        number=(before.number if before else 0) + 1,
        state=SummaryState.DRAFT,
        writers=[],
    )
    row.points.extend(_copy(point) for point in (standing.points if standing else []))
    try:
        with db.begin_nested():
            db.add(row)
            db.flush()
    except IntegrityError as error:  # somebody else began in the same moment
        raise SummaryRefused(_CHANGED) from error
    _record(db, actor, "summary.begun", row)
    return row


def _copy(point: SummaryPoint) -> SummaryPoint:
    return SummaryPoint(
        id=uuid.uuid4(),
        position=point.position,
        kind=point.kind,
        text=point.text,
        cited=len(point.citations),
        citations=[
            PointCitation(submission_id=one.submission_id, side=one.side, position=one.position)
            for one in point.citations
        ],
    )


def _standing(db: Session, theme_key: str) -> Iterable[ThemeSummary]:
    statement = _with_points(theme_key).where(ThemeSummary.state == SummaryState.SIGNED_OFF)
    return db.scalars(statement.with_for_update(of=ThemeSummary)).all()


def _written(db: Session, actor: str, row: ThemeSummary) -> None:
    """Whoever reads a proposal signs off what they read: after a change it is a draft again."""
    row.state, row.proposed_by, row.written_at = SummaryState.DRAFT, None, utc_now()
    if actor not in row.writers:
        row.writers = [*row.writers, actor]
    flag_modified(row, "state")  # points alone would leave the row, and so its version, as they were
    db.flush()


def _must_be_theme(theme_key: str) -> None:
    try:
        get_commission().theme(theme_key)
    except KeyError as error:
        raise SubmissionNotFound(theme_key) from error


def _record(db: Session, actor: str, action: str, row: ThemeSummary, **details: object) -> None:
    audit.record(db, actor, action, "summary", row.id, theme=row.theme_key, number=row.number, **details)
