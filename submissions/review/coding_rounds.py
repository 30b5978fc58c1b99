"""Coding by two people: a sample drawn so that it can be drawn again, two coders blind to each other, and
what they make of where they differ.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.agreement import Agreement, compare
from submissions.codeframes import State, standing
from submissions.models import (
    Codeframe,
    Coding,
    CodingItem,
    CodingRound,
    Job,
    JobKind,
    JobStatus,
    Reviewer,
    Segment,
    SegmentTranslation,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    utc_now,
)
from submissions.review.access import PERMISSIONS_OF, Permission, may
from submissions.review.assigning import Person
from submissions.review.errors import DecisionRefused
from submissions.review.queue import visible_to
from submissions.review.sentences import ENGLISH
from submissions.review.sessions import Principal
from submissions.sampling import draw

SMALLEST, LARGEST = 2, 300
# The newest ones; to draw from a million takes longer than anybody waits.
DRAWN_FROM = 50_000
NAME_LIMIT = 120
LARGEST_SEED = 2**31 - 1
UNKNOWN = "und"


@dataclass(frozen=True)
class NewRound:
    name: str
    size: int
    seed: int
    first_coder: str  # ids as text
    second_coder: str


@dataclass(frozen=True)
class Item:
    """One view of a round as it stands; `first` and `second` are what each coder said, None: not yet."""

    id: uuid.UUID
    position: int
    submission_id: uuid.UUID
    reference: str
    language: str | None
    is_withdrawn: bool
    first: Coding | None
    second: Coding | None
    row: CodingItem

    @property
    def is_coded(self) -> bool:
        return self.first is not None and self.second is not None

    @property
    def is_agreed(self) -> bool:
        return (
            self.first is not None
            and self.second is not None
            and set(self.first.themes) == set(self.second.themes)
        )

    def of(self, *, is_first: bool) -> Coding | None:
        return self.first if is_first else self.second


@dataclass(frozen=True)
class Round:
    row: CodingRound
    themes: list[tuple[str, str]]  # key and name, as in the round's codeframe
    items: list[Item]
    coders: tuple[Person | None, Person | None]
    are_open: tuple[bool, bool]  # whether the coders' accounts are
    is_of_now: bool  # its codeframe is the one in force

    @property
    def counted(self) -> list[Item]:
        """Without views that were taken back."""
        return [item for item in self.items if not item.is_withdrawn]

    @property
    def is_finished(self) -> bool:
        return bool(self.counted) and all(item.is_coded for item in self.counted)

    @property
    def done(self) -> tuple[int, int]:
        return (
            sum(item.first is not None for item in self.counted),
            sum(item.second is not None for item in self.counted),
        )

    @property
    def differing(self) -> list[Item]:
        return [item for item in self.counted if item.is_coded and not item.is_agreed]

    @property
    def unsettled(self) -> list[Item]:
        return [item for item in self.counted if item.row.resolved_at is None]

    def side_of(self, principal: Principal) -> bool | None:
        """True for the first coder, False for the second, None for anybody else."""
        if principal.reviewer_id is None:
            return None
        if principal.reviewer_id == self.row.first_coder_id:
            return True
        return False if principal.reviewer_id == self.row.second_coder_id else None

    def may_settle(self, principal: Principal) -> bool:
        return self.side_of(principal) is not None or may(principal, Permission.MANAGE_CODEFRAME)


@dataclass(frozen=True)
class Results:
    overall: Agreement
    same_views: int
    by_theme: list[tuple[str, Agreement]] = field(default_factory=list)
    by_language: list[tuple[str | None, Agreement]] = field(default_factory=list)


class RoundNotFound(DecisionRefused):
    """There is no such round, or no such view in it."""

    def __init__(self) -> None:
        super().__init__(["There is no such coding round, or the view is not in it any more."])


def coders(db: Session) -> list[Person]:
    """Who may be asked to code: open accounts whose role codes themes."""
    roles = [role for role, gives in PERMISSIONS_OF.items() if Permission.CODE_THEMES in gives]
    rows = db.execute(
        select(Reviewer.id, Reviewer.display_name)
        .where(Reviewer.disabled_at.is_(None), Reviewer.role.in_(roles))
        .order_by(Reviewer.display_name, Reviewer.id)
    ).all()
    return [Person(identity, name) for identity, name in rows]


def start(db: Session, principal: Principal, wish: NewRound) -> CodingRound:
    """Draws the sample and keeps the round. Raises DecisionRefused."""
    now = standing(db)
    if now.state != State.SIGNED:
        raise DecisionRefused(["Have the codeframe signed off first."])
    problems = []
    name = wish.name.strip().replace("\0", "")
    if not name or len(name) > NAME_LIMIT:
        problems.append(f"Name the round, in at most {NAME_LIMIT} characters.")
    if not SMALLEST <= wish.size <= LARGEST:
        problems.append(f"Choose between {SMALLEST} and {LARGEST} views.")
    if not 0 <= wish.seed <= LARGEST_SEED:
        problems.append("The seed must be a whole number, such as 2016.")
    known = {str(person.id): person for person in coders(db)}
    first, second = known.get(wish.first_coder), known.get(wish.second_coder)
    if first is None or second is None:
        problems.append("Choose two coders from the list.")
    elif first == second:
        problems.append("The two coders must be two people.")
    if problems:
        raise DecisionRefused(problems)
    drawn = draw(_population(db, principal), wish.size, wish.seed)
    if len(drawn) < SMALLEST:
        raise DecisionRefused(["There are not enough views with an English text to draw from."])
    assert first is not None  # noqa: S101  checked above
    assert second is not None  # noqa: S101
    made = CodingRound(
        id=uuid.uuid4(),
        name=name,
        codeframe_version=now.version,
        seed=wish.seed,
        first_coder_id=first.id,
        second_coder_id=second.id,
        created_by=principal.actor,
    )
    db.add(made)
    db.flush()
    db.add_all(
        CodingItem(id=uuid.uuid4(), round_id=made.id, submission_id=identity, position=position)
        for position, identity in enumerate(drawn, 1)
    )
    audit.record(
        db, principal.actor, "coding_round.started", "coding_round", made.id, seed=wish.seed, views=len(drawn)
    )
    return made


def _population(db: Session, principal: Principal) -> dict[str, list[uuid.UUID]]:
    """Views that can be read in English now, by language; urgent ones are the safeguarding lead's."""
    unfinished = select(Job.submission_id).where(Job.kind == JobKind.TRANSLATE, Job.status != JobStatus.DONE)
    has_english = exists().where(
        SubmissionPart.submission_id == Submission.id,
        Segment.part_id == SubmissionPart.id,
        SegmentTranslation.segment_id == Segment.id,
        SegmentTranslation.target_language == ENGLISH,
        SegmentTranslation.is_current.is_(True),
        SegmentTranslation.text.is_not(None),
    )
    rows = db.execute(
        select(Submission.id, Submission.source_language)
        .where(
            visible_to(principal),
            Submission.status != SubmissionStatus.WITHDRAWN,
            Submission.submitted_at.is_not(None),
            Submission.is_urgent.is_(False),
            or_(Submission.source_language == ENGLISH, and_(has_english, Submission.id.not_in(unfinished))),
        )
        .order_by(Submission.submitted_at.desc(), Submission.id)
        .limit(DRAWN_FROM)
    ).all()
    found: defaultdict[str, list[uuid.UUID]] = defaultdict(list)
    for identity, language in rows:
        found[language or UNKNOWN].append(identity)
    return dict(found)


def list_rounds(db: Session) -> list[Round]:
    """All rounds, the newest first."""
    return [
        load(db, row.id) for row in db.scalars(select(CodingRound).order_by(CodingRound.created_at.desc()))
    ]


def load(db: Session, round_id: uuid.UUID, *, to_change: bool = False) -> Round:
    """A round with everything in it; `to_change` keeps all others waiting. Raises RoundNotFound."""
    statement = select(CodingRound).where(CodingRound.id == round_id)
    row = db.scalars(statement.with_for_update() if to_change else statement).one_or_none()
    if row is None:
        raise RoundNotFound
    ids = [one for one in (row.first_coder_id, row.second_coder_id) if one is not None]
    people = {one.id: one for one in db.scalars(select(Reviewer).where(Reviewer.id.in_(ids)))}
    pair = tuple(people.get(one) if one else None for one in (row.first_coder_id, row.second_coder_id))
    frame = db.scalars(select(Codeframe).where(Codeframe.version == row.codeframe_version)).one_or_none()
    now = standing(db)
    return Round(
        row=row,
        themes=[(theme["key"], theme["name"]) for theme in (frame.themes if frame else [])],
        items=_items(db, row.id),
        coders=(_person(pair[0]), _person(pair[1])),
        are_open=(_is_open(pair[0]), _is_open(pair[1])),
        is_of_now=now.state == State.SIGNED and now.version == row.codeframe_version,
    )


def _person(reviewer: Reviewer | None) -> Person | None:
    return Person(reviewer.id, reviewer.display_name) if reviewer else None


def _is_open(reviewer: Reviewer | None) -> bool:
    return (
        reviewer is not None
        and reviewer.disabled_at is None
        and Permission.CODE_THEMES in PERMISSIONS_OF.get(reviewer.role, frozenset())
    )


def _items(db: Session, round_id: uuid.UUID) -> list[Item]:
    codings: dict[tuple[uuid.UUID, bool], Coding] = {
        (row.item_id, row.is_first_coder): row
        for row in db.scalars(
            select(Coding)
            .join(CodingItem, CodingItem.id == Coding.item_id)
            .where(CodingItem.round_id == round_id)
        )
    }
    rows = db.execute(
        select(CodingItem, Submission.reference, Submission.source_language, Submission.status)
        .join(Submission, Submission.id == CodingItem.submission_id)
        .where(CodingItem.round_id == round_id)
        .order_by(CodingItem.position)
    ).all()
    return [
        Item(
            id=row.id,
            position=row.position,
            submission_id=row.submission_id,
            reference=reference or "",
            language=language,
            is_withdrawn=status == SubmissionStatus.WITHDRAWN,
            first=codings.get((row.id, True)),
            second=codings.get((row.id, False)),
            row=row,
        )
        for row, reference, language, status in rows
    ]


def save_coding(
    db: Session,
    principal: Principal,
    round_id: uuid.UUID,
    item_id: uuid.UUID,
    themes: Sequence[str],
    *,
    seen: str,
) -> None:
    """Keeps what one coder says of one view, until both have coded everything.

    `seen` is the id of their coding that the page showed, "" for none: two windows never overwrite each
    other. Raises DecisionRefused.
    """
    coding_round = load(db, round_id, to_change=True)
    side = coding_round.side_of(principal)
    if side is None:
        raise DecisionRefused(["You are not a coder of this round."])
    item = next((one for one in coding_round.items if one.id == item_id), None)
    if item is None or item.is_withdrawn:
        raise DecisionRefused(["The resident has taken this view back meanwhile. Go on with the next."])
    if not coding_round.is_of_now:
        raise DecisionRefused(["The codeframe has changed since the round began. Start a new round."])
    if all(one.of(is_first=side) is not None for one in coding_round.counted):
        # From here on they see what others gave these views.
        raise DecisionRefused(["You have coded everything, so your codings are fixed now."])
    if not themes:
        raise DecisionRefused(["Choose at least one theme."])
    if not set(themes) <= {key for key, _ in coding_round.themes}:
        raise DecisionRefused(["Choose themes from the list."])
    known = item.of(is_first=side)
    if (str(known.id) if known else "") != seen:
        raise DecisionRefused(["You have coded this view in another window. Look at it again."])
    if known is not None:
        db.delete(known)
        db.flush()
    db.add(
        Coding(
            id=uuid.uuid4(),
            item_id=item_id,
            is_first_coder=side,
            themes=sorted(set(themes)),
            coded_at=utc_now(),
        )
    )
    db.flush()
    # About the round, without the themes: the history of the view must not tell the other coder.
    audit.record(db, principal.actor, "coding.saved", "coding_round", round_id, item_id=str(item_id))


def replace_coder(db: Session, principal: Principal, round_id: uuid.UUID, *, is_first: bool, to: str) -> None:
    """Another person in the place of a coder whose account is closed; they code everything anew, since a
    kappa of two people is not one of three. Raises DecisionRefused.
    """
    coding_round = load(db, round_id, to_change=True)
    if coding_round.are_open[0 if is_first else 1]:
        raise DecisionRefused(["This coder can still code."])
    if coding_round.is_finished:
        raise DecisionRefused(["Everything is coded already."])
    person = next((one for one in coders(db) if str(one.id) == to), None)
    if person is None:
        raise DecisionRefused(["Choose a person from the list."])
    other = coding_round.row.second_coder_id if is_first else coding_round.row.first_coder_id
    if person.id == other:
        raise DecisionRefused(["The two coders must be two people."])
    ids = [item.id for item in coding_round.items]
    db.execute(delete(Coding).where(Coding.item_id.in_(ids), Coding.is_first_coder.is_(is_first)))
    if is_first:
        coding_round.row.first_coder_id = person.id
    else:
        coding_round.row.second_coder_id = person.id
    audit.record(
        db,
        principal.actor,
        "coding_round.coder_replaced",
        "coding_round",
        round_id,
        reviewer_id=str(person.id),
    )


def results(coding_round: Round) -> Results:
    """How far the two agree, over views both have coded; by language over all themes together."""
    items = [item for item in coding_round.counted if item.is_coded]
    keys = [key for key, _ in coding_round.themes]

    def answers(some: Sequence[Item], themes: Sequence[str]) -> Agreement:
        pairs = [
            (key in item.first.themes, key in item.second.themes)
            for item in some
            if item.first is not None and item.second is not None
            for key in themes
        ]
        return compare(pairs, views=len(some))

    number = Counter(item.language for item in items)
    languages = sorted(number, key=lambda code: (-number[code], code or ""))
    return Results(
        overall=answers(items, keys),
        same_views=sum(item.is_agreed for item in items),
        by_theme=[(name, answers(items, [key])) for key, name in coding_round.themes],
        by_language=[
            (code, answers([item for item in items if item.language == code], keys)) for code in languages
        ],
    )


def count_to_code(db: Session, principal: Principal) -> int:
    """How many views wait for this person's coding, over all rounds."""
    number = 0
    for is_first, column in ((True, CodingRound.first_coder_id), (False, CodingRound.second_coder_id)):
        coded = select(Coding.item_id).where(Coding.is_first_coder.is_(is_first))
        number += (
            db.scalar(
                select(func.count())
                .select_from(CodingItem)
                .join(CodingRound, CodingRound.id == CodingItem.round_id)
                .join(Submission, Submission.id == CodingItem.submission_id)
                .where(
                    column == principal.reviewer_id,
                    Submission.status != SubmissionStatus.WITHDRAWN,
                    CodingItem.id.not_in(coded),
                )
            )
            or 0
        )
    return number
