"""Open forums: written down by the team, with the languages spoken there and the code word of its posters."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import asdict, dataclass, field

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from submissions import audit
from submissions.errors import SubmissionNotFound
from submissions.follow_ups.clock import LOCAL_TIME
from submissions.follow_ups.code_words import code_word_key, problem_with
from submissions.follow_ups.errors import ChangedMeanwhile, NotAccepted
from submissions.models import Attendee, Forum, Submission, SubmissionStatus, utc_now
from translations.languages import LANGUAGES

NAME_LIMIT = 40  # it stands in the texts, where letters cost
PLACE_LIMIT = 200
CODE_WORD_TAKEN = "Another forum has this code word. Choose another one."


@dataclass(frozen=True)
class ForumFacts:
    """What the team writes down about a forum."""

    name: str
    held_on: dt.date | None
    place: str = ""
    languages: list[str] = field(default_factory=list)
    code_word: str | None = None


@dataclass(frozen=True)
class ForumLine:
    """A forum in the list."""

    forum: Forum
    attendees: int
    views: int


def find(db: Session, forum_id: uuid.UUID) -> Forum:
    """Raises SubmissionNotFound, which the desk answers with 404."""
    forum = db.get(Forum, forum_id)
    if forum is None:
        raise SubmissionNotFound(str(forum_id))
    return forum


def list_forums(db: Session) -> list[ForumLine]:
    """The latest first."""
    attendees = dict(db.execute(select(Attendee.forum_id, func.count()).group_by(Attendee.forum_id)).all())
    views = dict(
        db.execute(
            select(Submission.forum_id, func.count())
            .where(
                Submission.forum_id.is_not(None),
                Submission.status.not_in([SubmissionStatus.DRAFT, SubmissionStatus.WITHDRAWN]),
            )
            .group_by(Submission.forum_id)
        ).all()
    )
    forums = db.scalars(select(Forum).order_by(Forum.held_on.desc(), Forum.created_at.desc()))
    return [ForumLine(forum, attendees.get(forum.id, 0), views.get(forum.id, 0)) for forum in forums]


def add(db: Session, facts: ForumFacts, *, actor: str) -> Forum:
    """Raises NotAccepted."""
    _check(facts)
    forum = Forum(
        id=uuid.uuid4(),
        code_word_key=_key(facts),
        created_by=actor,
        updated_by=actor,
        **asdict(facts),
    )
    _keep(db, forum)
    audit.record(db, actor, "forum.added", "forum", forum.id)
    return forum


def change(db: Session, forum_id: uuid.UUID, facts: ForumFacts, *, version: int, actor: str) -> Forum:
    """Raises NotAccepted, ChangedMeanwhile, SubmissionNotFound."""
    forum = db.scalars(select(Forum).where(Forum.id == forum_id).with_for_update()).one_or_none()
    if forum is None:
        raise SubmissionNotFound(str(forum_id))
    if forum.version != version:
        raise ChangedMeanwhile(forum.updated_by, forum.updated_at, forum.version)
    _check(facts)
    changed = sorted(name for name, value in asdict(facts).items() if getattr(forum, name) != value)
    if not changed:
        return forum
    for name in changed:
        setattr(forum, name, getattr(facts, name))
    forum.code_word_key = _key(facts)
    forum.updated_by, forum.updated_at = actor, utc_now()
    _keep(db, forum)
    audit.record(db, actor, "forum.changed", "forum", forum.id, fields=changed)
    return forum


def _key(facts: ForumFacts) -> str | None:
    return code_word_key(facts.code_word) if facts.code_word else None


def _keep(db: Session, forum: Forum) -> None:
    """The unique constraint decides, also when two people save the same word at once."""
    try:
        with db.begin_nested():
            db.add(forum)
            db.flush()
    except IntegrityError as error:
        raise NotAccepted({"code_word": CODE_WORD_TAKEN}) from error


def _check(facts: ForumFacts) -> None:
    problems: dict[str, str] = {}
    if not facts.name:
        problems["name"] = "Write what the forum is called."
    elif len(facts.name) > NAME_LIMIT:
        problems["name"] = f"At most {NAME_LIMIT} characters: the name stands in the text messages."
    elif not facts.name.isprintable():
        problems["name"] = "Use letters, digits and punctuation only."
    if facts.held_on is None:
        problems["held_on"] = "Write the date as 2016-07-14."
    elif facts.held_on > utc_now().astimezone(LOCAL_TIME).date() + dt.timedelta(days=730):
        problems["held_on"] = "The date is more than two years away."
    if len(facts.place) > PLACE_LIMIT:
        problems["place"] = f"At most {PLACE_LIMIT} characters."
    if not facts.languages:
        problems["languages"] = "Choose the languages spoken there."
    elif not set(facts.languages) <= set(LANGUAGES):
        problems["languages"] = "Choose languages of the list."
    if facts.code_word and (problem := problem_with(facts.code_word)):
        problems["code_word"] = problem
    if problems:
        raise NotAccepted(problems)
