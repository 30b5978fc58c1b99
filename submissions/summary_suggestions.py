"""Where somebody who writes a summary may begin: computed from people's decisions, and never published.

For what is common: sub-codes and groups of views that say nearly the same, the largest first. For what is
contested nothing here can tell who is for and who is against, so it names where people's own decisions
differ: whoever writes the point reads the views and marks their sides.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions.briefings import Briefing, Shared
from submissions.models import (
    Coding,
    CodingItem,
    PointKind,
    Submission,
    ThemeAssignment,
    ThemeDecision,
    ViewIndex,
)

FEWEST = 2  # views; one alone has nothing in common with another
MOST = 12  # of each kind


@dataclass(frozen=True)
class Suggestion:
    """Views to read together, with the reason."""

    key: str  # where it is from and what it names: "sub_code:libraries", "group:OW-7K3M-92QF"
    kind: str  # a PointKind
    what: str
    why: str
    references: list[str]  # approved views of the theme


def suggest(db: Session, briefing: Briefing) -> list[Suggestion]:
    """Suggestions for a theme: those for what is common first."""
    approved = {quote.reference for quote in briefing.quotes}
    ids = {
        reference: identity
        for identity, reference in db.execute(
            select(Submission.id, Submission.reference).where(Submission.reference.in_(approved))
        )
        if reference is not None
    }
    return [
        *_common(briefing),
        *_differently_decided(db, briefing, ids),
        *_differently_sorted(briefing),
        *_differently_coded(db, briefing, ids),
    ]


def find(suggestions: Collection[Suggestion], key: str) -> Suggestion | None:
    return next((one for one in suggestions if one.key == key), None)


def _common(briefing: Briefing) -> list[Suggestion]:
    codes = [
        _of(one, "sub_code", PointKind.COMMON, f"{len(one.references)} views have this sub-code.")
        for one in briefing.sub_codes
    ]
    groups = [
        _of(one, "group", PointKind.COMMON, f"{len(one.references)} views say nearly the same.")
        for one in briefing.alike
    ]
    found = [one for one in codes + groups if len(one.references) >= FEWEST]
    return sorted(found, key=lambda one: (-len(one.references), one.key))[:MOST]


def _of(shared: Shared, source: str, kind: PointKind, why: str) -> Suggestion:
    return Suggestion(f"{source}:{shared.key}", kind, shared.what, why, shared.references)


def _differently_decided(db: Session, briefing: Briefing, ids: dict[str, uuid.UUID]) -> list[Suggestion]:
    """Groups of views that say nearly the same, for some of which the theme was accepted and for others
    refused."""
    groups: defaultdict[uuid.UUID, Counter[str]] = defaultdict(Counter)
    rows = db.execute(
        select(ViewIndex.group_id, ThemeAssignment.decision)
        .join(ThemeAssignment, ThemeAssignment.submission_id == ViewIndex.submission_id)
        .where(ViewIndex.group_id.is_not(None), ThemeAssignment.theme_key == briefing.theme.key)
    )
    for group_id, decision in rows:
        if group_id is not None:
            groups[group_id][decision] += 1
    disputed = {
        group_id: counts
        for group_id, counts in groups.items()
        if counts[ThemeDecision.ACCEPTED] and counts[ThemeDecision.REFUSED]
    }
    references = {identity: reference for reference, identity in ids.items()}
    quoted: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    for group_id, submission_id in db.execute(
        select(ViewIndex.group_id, ViewIndex.submission_id).where(ViewIndex.group_id.in_(disputed))
    ):
        if group_id is not None and submission_id in references:
            quoted[group_id].append(references[submission_id])
    found = [
        Suggestion(
            f"decided:{min(views)}",
            PointKind.CONTESTED,
            f"As in {min(views)}",
            f"Of views that say nearly the same, people accepted this theme for "
            f"{disputed[group_id][ThemeDecision.ACCEPTED]} and refused it for "
            f"{disputed[group_id][ThemeDecision.REFUSED]}.",
            sorted(views),
        )
        for group_id, views in quoted.items()
    ]
    return sorted(found, key=lambda one: (-len(one.references), one.key))[:MOST]


def _differently_sorted(briefing: Briefing) -> list[Suggestion]:
    """Groups of views that say nearly the same and were given sub-codes, none of which they share."""
    codes: defaultdict[str, set[str]] = defaultdict(set)  # by reference
    for code in briefing.sub_codes:
        for reference in code.references:
            codes[reference].add(code.what)
    found = []
    for group in briefing.alike:
        given = [codes[reference] for reference in group.references if codes[reference]]
        if len(given) > 1 and not set.intersection(*given):
            names = sorted(set.union(*given))
            why = f"Views that say nearly the same were given different sub-codes: {', '.join(names)}."
            found.append(_of(group, "sorted", PointKind.CONTESTED, why))
    return found[:MOST]


def _differently_coded(db: Session, briefing: Briefing, ids: dict[str, uuid.UUID]) -> list[Suggestion]:
    """Sub-codes with views about which two coders differed on this theme."""
    said: defaultdict[uuid.UUID, set[bool]] = defaultdict(set)  # whether the theme was given, by item
    views: dict[uuid.UUID, uuid.UUID] = {}
    rows = db.execute(
        select(CodingItem.id, CodingItem.submission_id, Coding.themes)
        .join(Coding, Coding.item_id == CodingItem.id)
        .where(CodingItem.submission_id.in_(ids.values()))
    )
    for item_id, submission_id, themes in rows:
        said[item_id].add(briefing.theme.key in themes)
        views[item_id] = submission_id
    differing = {views[item_id] for item_id, answers in said.items() if len(answers) > 1}
    found = []
    for one in briefing.sub_codes:
        number = sum(ids.get(reference) in differing for reference in one.references)
        if number and len(one.references) >= FEWEST:
            why = f"Two coders differed about this theme for {number} of {len(one.references)} views."
            found.append((number, _of(one, "coders", PointKind.CONTESTED, why)))
    return [one for _, one in sorted(found, key=lambda pair: (-pair[0], pair[1].key))[:MOST]]
