"""A finished round of coding of the demonstration, with sub-codes and evidence, so that the pages are full.

The coders are nobody: what they said is made up from the themes in `views.jsonl`, and differs now and then.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections import defaultdict

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from submissions import codeframes
from submissions.codeframes import State
from submissions.commission import OTHER_THEME, get_commission
from submissions.database import unit_of_work
from submissions.demo.loading import READER, must_stand_alone
from submissions.errors import RealViewsThere
from submissions.models import (
    Codeframe,
    Coding,
    CodingItem,
    CodingRound,
    DemonstrationView,
    Evidence,
    Segment,
    SubCode,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    utc_now,
)
from submissions.review.sentences import current_translation, segment_text
from submissions.sampling import draw

NAME = "Demonstration: first round"
REMARK = "Demonstration: nobody signed this off."
SEED, VIEWS = 2016, 60
DIFFER_EVERY, LEFT_OPEN = 4, 2

# What in the English speaks for a sub-code; another council's codeframe may have none of them.
WORDS = {
    "community_engagement": {
        "meeting_places": "librar|centre|park|hall|garden",
        "neighbours": "neighbour|lonely|alone",
        "being_heard": "council|meeting|ask us|opinion",
        "own_language": "language|translat|in english",
        "housing_estates": "estate|flat|housing|landlord",
    },
    "safeguarding": {
        "street_safety": "street|dark|light|night|station",
        "gangs_drugs": "drug|knife|knives|gang",
        "trust_police": "police",
        "children_harm": "children|school|daughter|son ",
        "hate_crime": "shout|spat|attack|insult",
    },
    "identity_faith_values": {
        "faith_life": "mosque|church|pray|faith|temple|religio",
        "language_culture": "tradition|culture|mother tongue|food",
        "prejudice": "stare|accent|treated|headscarf",
        "belonging": "belong|foreign|home",
    },
    "opportunity_empowerment": {
        "english_classes": "english",
        "jobs_training": "job|work|training",
        "schools_childcare": "school|nursery|childcare",
        "qualifications": "degree|diploma|qualif",
        "young_people": "young",
    },
}


def load(*, now: dt.datetime | None = None) -> bool:
    """Adds the round and the marks, unless they are there; whether it did. A codeframe that residents' views
    are coded by is never signed off here: beside them, and without one signed off, there is no round.
    """
    at = now or utc_now()
    with unit_of_work() as db:
        if db.scalars(select(CodingRound.id).where(CodingRound.created_by == READER)).first() is not None:
            return False
        views = _decided_views(db)
        if not views or not _has_codeframe(db, at):
            return False
        for submission, themes in views:
            _mark(db, submission, themes, at)
        _add_round(db, views, at)
    return True


def remove() -> None:
    """Takes the round out, and the codeframe if it is the demonstration's; marks go with their views."""
    with unit_of_work() as db:
        rounds = select(CodingRound.id).where(CodingRound.created_by == READER)
        items = select(CodingItem.id).where(CodingItem.round_id.in_(rounds))
        db.execute(delete(Coding).where(Coding.item_id.in_(items)))
        db.execute(delete(CodingItem).where(CodingItem.round_id.in_(rounds)))
        db.execute(delete(CodingRound).where(CodingRound.created_by == READER))
        db.execute(delete(Codeframe).where(Codeframe.reason == REMARK))


def _has_codeframe(db: Session, at: dt.datetime) -> bool:
    now = codeframes.standing(db)
    if now.state == State.SIGNED:
        return True
    if now.state == State.CHANGED or now.before is not None:
        return False
    try:
        must_stand_alone()
    except RealViewsThere:
        return False
    db.add(
        Codeframe(
            id=uuid.uuid4(),
            version=now.version,
            themes=now.themes,
            sha256=now.sha256,
            reason=REMARK,
            signed_off_at=at - dt.timedelta(days=20),
        )
    )
    db.flush()
    return True


def _decided_views(db: Session) -> list[tuple[Submission, list[str]]]:
    """Approved views with sentences, each with its accepted themes."""
    rows = db.scalars(
        select(Submission)
        .join(DemonstrationView, DemonstrationView.submission_id == Submission.id)
        .where(Submission.status == SubmissionStatus.APPROVED)
        .order_by(Submission.reference)
        .options(
            selectinload(Submission.parts)
            .selectinload(SubmissionPart.segments)
            .selectinload(Segment.translations)
        )
    ).all()
    themes: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    for identity, key in db.execute(
        select(ThemeAssignment.submission_id, ThemeAssignment.theme_key)
        .where(ThemeAssignment.decision == ThemeDecision.ACCEPTED)
        .order_by(ThemeAssignment.theme_key)
    ).all():
        themes[identity].append(key)
    return [(row, themes[row.id]) for row in rows if themes[row.id] and any(p.segments for p in row.parts)]


def _mark(db: Session, submission: Submission, themes: list[str], at: dt.datetime) -> None:
    sentences = [segment for part in submission.parts for segment in part.segments]
    for key in themes:
        theme = next((one for one in get_commission().themes if one.key == key), None)
        known = {code.key for code in theme.sub_codes} if theme else set()
        for code, pattern in WORDS.get(key, {}).items():
            fitting = [one for one in sentences if re.search(pattern, _english(one), re.IGNORECASE)]
            if code not in known or not fitting:
                continue
            db.add(
                SubCode(
                    submission_id=submission.id,
                    theme_key=key,
                    code=code,
                    codeframe_version=get_commission().version,
                    decided_at=at,
                )
            )
            db.add(
                Evidence(submission_id=submission.id, segment_id=fitting[0].id, theme_key=key, marked_at=at)
            )
            break  # one of each theme is enough to look at


def _english(segment: Segment) -> str:
    current = current_translation(segment)
    return (current.text or "") if current else segment_text(segment)


def _add_round(db: Session, views: list[tuple[Submission, list[str]]], at: dt.datetime) -> None:
    made = CodingRound(
        id=uuid.uuid4(),
        name=NAME,
        codeframe_version=get_commission().version,
        seed=SEED,
        created_by=READER,
        created_at=at - dt.timedelta(days=10),
    )
    db.add(made)
    db.flush()
    by_id = {submission.id: (submission, themes) for submission, themes in views}
    by_language: defaultdict[str, list[uuid.UUID]] = defaultdict(list)
    for submission, _ in views:
        by_language[submission.source_language or "und"].append(submission.id)
    left_open = LEFT_OPEN
    for position, identity in enumerate(draw(by_language, VIEWS, SEED), 1):
        themes = by_id[identity][1]
        second = themes if position % DIFFER_EVERY else _otherwise(themes)
        is_open = second != themes and left_open > 0
        left_open -= is_open
        item = CodingItem(id=uuid.uuid4(), round_id=made.id, submission_id=identity, position=position)
        if not is_open:
            item.resolved_themes = themes
            item.resolution_reason = (
                "Both coders gave the same themes."
                if second == themes
                else "Demonstration: the description of the theme says so."
            )
            item.resolved_by = READER
            item.resolved_at = at - dt.timedelta(days=6)
        db.add(item)
        db.flush()
        for is_first, given in ((True, themes), (False, second)):
            db.add(
                Coding(
                    id=uuid.uuid4(),
                    item_id=item.id,
                    is_first_coder=is_first,
                    themes=sorted(given),
                    coded_at=at - dt.timedelta(days=8),
                )
            )


def _otherwise(themes: list[str]) -> list[str]:
    """What the second coder says where the two differ: one theme less, or another."""
    if len(themes) > 1:
        return themes[:1]
    keys = [key for key in get_commission().theme_keys if key != OTHER_THEME]
    place = keys.index(themes[0]) if themes[0] in keys else 0
    return sorted([*themes, keys[(place + 1) % len(keys)]])
