"""What a commission member reads about their theme: approved views, what is common and contested, gaps.

Everything is taken from people's decisions and from the rows; nothing is written by a machine. A view counts
for a theme when a person approved the view and accepted the theme.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from submissions import summaries
from submissions.commission import Theme, get_commission
from submissions.exports.contributions import (
    Contribution,
    is_approved_for,
    is_exported,
    read_contributions,
)
from submissions.exports.counts import protect
from submissions.models import (
    Codeframe,
    EvidenceContribution,
    EvidenceSession,
    PointKind,
    SubCode,
    Submission,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    ThemeSummary,
    ViewIndex,
    ViewTheme,
)
from submissions.review.queue import LOCAL_TIME
from submissions.review.words import CHANNELS, language_name

ONLINE = "online"
MOST_COUNTED = 10_000  # views that wait, in the list of briefings
# Characters. A view as short as this is quoted whole beside a point that cites it; of a longer one only what
# a person marked as evidence, since cutting it would be choosing for the resident what they meant.
SHORT_VIEW = 280


@dataclass(frozen=True)
class Quote:
    """An approved view, whole, with what its English is worth."""

    reference: str
    language: str | None
    original: str
    english: str | None
    label: str
    # (original, English) of the sentences that a person marked as speaking for the theme
    evidence: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def is_english(self) -> bool:
        return self.language == "en"

    @property
    def excerpts(self) -> list[tuple[str, str | None]]:
        """(original, English) to stand beside a point: a short view whole, of a long one the evidence."""
        return [(self.original, self.english)] if len(self.original) <= SHORT_VIEW else self.evidence


@dataclass(frozen=True)
class Shared:
    """Something several views have in common, and how many: "12", or "fewer than 5"."""

    what: str
    views: str
    references: list[str]
    key: str = ""  # of the sub-code; of a group its first reference


@dataclass(frozen=True)
class QuotedPoint:
    """A point of the team's summary with the views it rests on; `gone` of those can be shown no more."""

    text: str
    sides: list[tuple[str, list[Quote]]]  # (words such as "For it", views); sides without views are left out
    gone: int


@dataclass(frozen=True)
class QuotedSummary:
    """What the team wrote and another person signed off."""

    number: int
    signed_off_on: str  # "3 June 2026"
    common: list[QuotedPoint]
    contested: list[QuotedPoint]


@dataclass(frozen=True)
class Briefing:
    theme: Theme
    quotes: list[Quote]  # in the order of their references
    awaiting_decision: int  # views the machine suggests for the theme that are not approved with it yet
    by_language: dict[str, str]  # numbers as they may be shown: small ones hidden
    by_channel: dict[str, str]
    by_method: dict[str, str]
    sub_codes: list[Shared]  # people's finer sorting, the most frequent first
    alike: list[Shared]  # groups of views that say nearly the same
    silent_languages: list[str]  # of the menu, without an approved view on the theme
    sessions: list[str]  # held by the theme's lead, or that gave one of the quotes; the latest first
    invited: list[str]  # who the commission means to hear, and how
    summary: QuotedSummary | None = None  # what the team has signed off; None while it has not

    @property
    def total(self) -> int:
        return len(self.quotes)

    @property
    def references(self) -> set[str]:
        """Of every view that is quoted or named."""
        return {quote.reference for quote in self.quotes}.union(
            *(one.references for one in [*self.sub_codes, *self.alike])
        )

    def quotes_of(self, references: Iterable[str]) -> list[Quote]:
        """Those of the quotes, in the order of the references; others are left out."""
        known = {quote.reference: quote for quote in self.quotes}
        return [known[one] for one in references if one in known]


def make_briefing(db: Session, theme_key: str) -> Briefing:
    """The briefing of one theme. Raises KeyError for a theme that commission.yml does not have."""
    commission = get_commission()
    theme = commission.theme(theme_key)
    counted = is_approved_for(theme_key)
    found = list(read_contributions(db, counted))
    quotes = sorted((_quote(one, theme_key) for one in found), key=lambda quote: quote.reference)
    rows = db.execute(select(Submission.id, Submission.reference).where(is_exported(), counted)).all()
    ids = {identity: reference or "" for identity, reference in rows}
    ways = {way.key: way.name for way in commission.ways_of_contributing}
    return Briefing(
        theme=theme,
        quotes=quotes,
        awaiting_decision=_awaiting(db, theme_key),
        by_language=_counts(language_name(one.language) for one in found),
        by_channel=_counts(CHANNELS.get(one.channel, one.channel) for one in found),
        by_method=_counts(
            ways.get(one.method, "Online" if one.method == ONLINE else one.method) for one in found
        ),
        sub_codes=_sub_codes(db, theme_key, ids),
        alike=_alike(db, ids),
        silent_languages=[
            language_name(code)
            for code in commission.languages
            if code not in {one.language for one in found}
        ],
        sessions=_sessions(db, theme, ids, ways),
        invited=[
            f"{', '.join(one.organisations)} ({ways.get(one.method, one.method)}; with "
            f"{', '.join(one.attended_by)})"
            for one in theme.invited_contributors
        ],
        summary=_summary(db, theme_key, {quote.reference: quote for quote in quotes}),
    )


@dataclass(frozen=True)
class BriefingLine:
    """A theme in the list of briefings."""

    theme: Theme
    total: int
    awaiting_decision: int  # MOST_COUNTED and one: that many or more
    summary: ThemeSummary | None  # its newest version, whatever its state


def list_briefings(db: Session, theme_keys: Iterable[str]) -> list[BriefingLine]:
    """Counts only, and those that a machine can drive up stop, so that the list opens at once at any size."""
    approved = dict(
        db.execute(
            select(ThemeAssignment.theme_key, func.count())
            .join(Submission, Submission.id == ThemeAssignment.submission_id)
            .where(
                is_exported(),
                Submission.status == SubmissionStatus.APPROVED,
                ThemeAssignment.decision == ThemeDecision.ACCEPTED,
            )
            .group_by(ThemeAssignment.theme_key)
        ).all()
    )
    lines = []
    for key in theme_keys:
        versions = summaries.versions_of(db, key)
        lines.append(
            BriefingLine(
                theme=get_commission().theme(key),
                total=approved.get(key, 0),
                awaiting_decision=_awaiting(db, key, MOST_COUNTED),
                summary=versions[0] if versions else None,
            )
        )
    return lines


def _summary(db: Session, theme_key: str, quotes: dict[str, Quote]) -> QuotedSummary | None:
    signed = summaries.signed_off(db, theme_key)
    if signed is None:
        return None

    def quoted(kind: PointKind) -> list[QuotedPoint]:
        words = {
            PointKind.COMMON: ("Who says so", "Who says otherwise"),
            PointKind.CONTESTED: ("For it", "Against it"),
        }[kind]
        points = []
        for point in signed.of_kind(kind):
            sides = zip(words, (point.speaking_for, point.speaking_against), strict=True)
            resolved = [
                (side, [quotes[one] for one in references if one in quotes]) for side, references in sides
            ]
            points.append(QuotedPoint(point.text, [side for side in resolved if side[1]], point.gone))
        return points

    day = signed.signed_off_at.astimezone(LOCAL_TIME)
    return QuotedSummary(
        number=signed.number,
        signed_off_on=f"{day.day} {day:%B %Y}",
        common=quoted(PointKind.COMMON),
        contested=quoted(PointKind.CONTESTED),
    )


def _quote(contribution: Contribution, theme_key: str) -> Quote:
    return Quote(
        reference=contribution.reference,
        language=contribution.language,
        original=contribution.original,
        english=contribution.english,
        label=contribution.translation_words,
        evidence=[(one.original, one.english) for one in contribution.evidence_for(theme_key)],
    )


def _counts(values: Iterable[str]) -> dict[str, str]:
    tally = Counter(values)
    protected = protect(tally)
    return {key: protected[key] for key in sorted(tally, key=lambda key: (-tally[key], key))}


def _awaiting(db: Session, theme_key: str, most: int | None = None) -> int:
    """Views that may belong to the theme and are not approved with it yet; counted up to `most` and one."""
    is_accepted = exists().where(
        ThemeAssignment.submission_id == ViewTheme.submission_id,
        ThemeAssignment.theme_key == theme_key,
        ThemeAssignment.decision == ThemeDecision.ACCEPTED,
    )
    # Themes that were accepted, or proposed and not refused.
    waiting = (
        select(ViewTheme.submission_id)
        .join(Submission, Submission.id == ViewTheme.submission_id)
        .where(
            ViewTheme.theme_key == theme_key,
            is_exported(),
            or_(Submission.status != SubmissionStatus.APPROVED, ~is_accepted),
        )
    )
    if most is not None:
        waiting = waiting.limit(most + 1)
    return db.scalar(select(func.count()).select_from(waiting.subquery())) or 0


def _sub_codes(db: Session, theme_key: str, ids: dict[uuid.UUID, str]) -> list[Shared]:
    """People's sub-codes, each with its views; their names are those of the newest codeframe signed off."""
    frame = db.scalars(
        select(Codeframe).where(Codeframe.signed_off_at.is_not(None)).order_by(Codeframe.signed_off_at.desc())
    ).first()
    names = {
        code["key"]: code["name"]
        for theme in (frame.themes if frame else [])
        if theme.get("key") == theme_key
        for code in theme.get("sub_codes", [])
    }
    views: defaultdict[str, list[str]] = defaultdict(list)
    for submission_id, code in db.execute(
        select(SubCode.submission_id, SubCode.code).where(SubCode.theme_key == theme_key)
    ).all():
        if submission_id in ids:
            views[code].append(ids[submission_id])
    return _shared((names.get(code, code), references, code) for code, references in views.items())


def _alike(db: Session, ids: dict[uuid.UUID, str]) -> list[Shared]:
    groups: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    rows = db.execute(
        select(ViewIndex.group_id, ViewIndex.submission_id).where(ViewIndex.group_id.is_not(None))
    )
    for group_id, submission_id in rows.all():
        if group_id is not None and submission_id in ids:
            groups[group_id].append(ids[submission_id])
    return _shared(
        (f"As in {min(references)}", references, min(references))
        for references in groups.values()
        if len(references) > 1
    )


def _sessions(db: Session, theme: Theme, ids: dict[uuid.UUID, str], ways: dict[str, str]) -> list[str]:
    gave = {
        session_id
        for session_id, submission_id in db.execute(
            select(EvidenceContribution.session_id, EvidenceContribution.submission_id)
        ).all()
        if submission_id in ids
    }
    held = db.scalars(
        select(EvidenceSession).order_by(EvidenceSession.held_on.desc(), EvidenceSession.id)
    ).all()
    lines = []
    for one in held:
        if one.id in gave or (theme.lead and one.lead == theme.lead):
            when = f"{one.held_on.day} {one.held_on:%B %Y}"
            facts = [when, ways.get(one.method, one.method), one.place, ", ".join(one.contributors)]
            lines.append("; ".join(fact for fact in facts if fact))
    return lines


def _shared(found: Iterable[tuple[str, list[str], str]]) -> list[Shared]:
    made = sorted(found, key=lambda one: (-len(one[1]), one[0]))
    # References stand beside the number, so hiding the number would hide nothing.
    return [Shared(what, str(len(references)), sorted(references), key) for what, references, key in made]
