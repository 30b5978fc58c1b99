"""Contributions that came through no channel: heard in a session, sent by letter, written on paper.

The team types them in. Each is a submission like any other: a reference, an original that never changes,
the same jobs, themes, rights and row in the export; its channel is "desk" and its method the session's.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from submissions import audit, forgetting, intake, jobs, rights
from submissions.commission import Commission, get_commission
from submissions.conversations import sha256_of
from submissions.errors import SubmissionNotFound
from submissions.forgetting import Gone
from submissions.models import (
    Channel,
    EvidenceContribution,
    EvidenceSession,
    JobKind,
    Segment,
    SegmentTranslation,
    SessionChange,
    SessionFile,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    TranslationStatus,
    utc_now,
)
from submissions.translation_memory import sentence_key
from translations.languages import LANGUAGES

LOCAL_TIME = ZoneInfo("Europe/London")
TEXT_LIMIT = 20_000  # characters of one contribution
NAME_LIMIT = 120
PLACE_LIMIT = 200
CONTRIBUTORS_LIMIT = 40


class NotAccepted(ValueError):
    """What was typed cannot be kept; `problems` says why, by the name of the field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


class ChangedMeanwhile(Exception):
    """Somebody else saved the session after this person opened it."""

    def __init__(self, session: EvidenceSession) -> None:
        super().__init__(f"evidence session {session.id} is at version {session.version}")
        self.saved_by = session.updated_by
        self.saved_at = session.updated_at
        self.version = session.version


@dataclass(frozen=True)
class SessionFacts:
    """What the team writes down about a session."""

    method: str
    held_on: dt.date | None
    place: str = ""
    contributors: list[str] = field(default_factory=list)
    lead: str = ""
    attended_by: list[str] = field(default_factory=list)
    note_taker: str = ""
    interpreter: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Contribution:
    """What somebody contributed, in their own language as it was said or written."""

    text: str
    language: str
    english: str = ""  # by a person, such as the interpreter; empty lets the engine translate
    contributor: str = ""
    has_agreed: bool = False
    was_read_back: bool = False


def find(db: Session, session_id: uuid.UUID, *, lock: bool = False) -> EvidenceSession:
    """Raises SubmissionNotFound, which the desk answers with 404."""
    session = db.get(EvidenceSession, session_id, with_for_update=lock or None)
    if session is None:
        raise SubmissionNotFound(str(session_id))
    return session


def list_sessions(db: Session) -> list[tuple[EvidenceSession, int]]:
    """(session, how many contributions), the latest first."""
    counts = (
        select(EvidenceContribution.session_id, func.count().label("number"))
        .group_by(EvidenceContribution.session_id)
        .subquery()
    )
    rows = db.execute(
        select(EvidenceSession, func.coalesce(counts.c.number, 0))
        .outerjoin(counts, counts.c.session_id == EvidenceSession.id)
        .order_by(EvidenceSession.held_on.desc(), EvidenceSession.created_at.desc())
    )
    return [(session, number) for session, number in rows]


def contributions_of(db: Session, session_id: uuid.UUID) -> Sequence[tuple[EvidenceContribution, Submission]]:
    """In the order in which they were typed in."""
    return [
        (contribution, submission)
        for contribution, submission in db.execute(
            select(EvidenceContribution, Submission)
            .join(Submission, Submission.id == EvidenceContribution.submission_id)
            .where(EvidenceContribution.session_id == session_id)
            .order_by(Submission.created_at, Submission.reference)
        )
    ]


def add(db: Session, facts: SessionFacts, *, actor: str, is_demonstration: bool = False) -> EvidenceSession:
    """Raises NotAccepted."""
    _check(facts, get_commission())
    session = EvidenceSession(
        id=uuid.uuid4(),
        created_by=actor,
        updated_by=actor,
        is_demonstration=is_demonstration,
        **asdict(facts),
    )
    db.add(session)
    db.flush()
    audit.record(db, actor, "evidence_session.added", "evidence_session", session.id, method=facts.method)
    return session


def change(
    db: Session, session_id: uuid.UUID, facts: SessionFacts, *, version: int, actor: str
) -> EvidenceSession:
    """Raises NotAccepted, ChangedMeanwhile, SubmissionNotFound."""
    session = db.scalars(
        select(EvidenceSession).where(EvidenceSession.id == session_id).with_for_update()
    ).one_or_none()
    if session is None:
        raise SubmissionNotFound(str(session_id))
    if session.version != version:
        raise ChangedMeanwhile(session)
    _check(facts, get_commission())
    changed = sorted(name for name, value in asdict(facts).items() if getattr(session, name) != value)
    if not changed:
        return session
    before = {name: getattr(session, name) for name in changed}
    db.add(
        SessionChange(
            session_id=session_id,
            before={name: str(value) if name == "held_on" else value for name, value in before.items()},
            changed_by=actor,
        )
    )
    for name in changed:
        setattr(session, name, getattr(facts, name))
    session.updated_by, session.updated_at = actor, utc_now()
    if "method" in changed:
        for _, submission in contributions_of(db, session_id):
            submission.method = session.method
    audit.record(db, actor, "evidence_session.changed", "evidence_session", session.id, fields=changed)
    db.flush()
    return session


def add_contribution(
    db: Session,
    session_id: uuid.UUID,
    given: Contribution,
    *,
    actor: str,
    reviewer_id: uuid.UUID | None = None,
    reference: str | None = None,
) -> Submission:
    """The contribution as a sent submission, its jobs queued. The text is kept exactly as it was typed.

    Raises NotAccepted, SubmissionNotFound.
    """
    session = find(db, session_id)
    _check_contribution(given)
    now = utc_now()
    # Agreed when it was said; sent when it came into the record, from where the wait for a reader counts.
    agreed_at = min(now, dt.datetime.combine(session.held_on, dt.time(12), LOCAL_TIME))
    submission = Submission(
        id=uuid.uuid4(),
        reference=reference or intake.unused_reference(db),
        channel=Channel.DESK,
        method=session.method,
        status=SubmissionStatus.RECEIVED,
        source_language=given.language,
        is_urgent=False,
        consented_at=agreed_at,
        created_at=now,
        submitted_at=now,
    )
    part = SubmissionPart(
        id=uuid.uuid4(), position=0, original_text=given.text, original_sha256=sha256_of(given.text)
    )
    submission.parts.append(part)
    if given.english.strip() and given.language != "en":
        english, interpreter = given.english.strip(), session.interpreter or None
        part.segments.append(whole_segment(given.text, given.language, english, interpreter, reviewer_id))
    db.add(submission)
    db.flush()
    db.add(
        EvidenceContribution(
            submission_id=submission.id,
            session_id=session_id,
            contributor=given.contributor.strip(),
            was_read_back=given.was_read_back,
            entered_by=actor,
        )
    )
    audit.record(db, actor, "submission.entered", "submission", submission.id, session=str(session_id))
    db.flush()
    jobs.request_job(db, submission.id, JobKind.TRANSLATE)
    jobs.request_job(db, submission.id, JobKind.FIND_THEMES)
    return submission


def changes_of(db: Session, session_id: uuid.UUID) -> Sequence[SessionChange]:
    """What the session said before each change, the latest first."""
    return db.scalars(
        select(SessionChange)
        .where(SessionChange.session_id == session_id)
        .order_by(SessionChange.changed_at.desc())
    ).all()


def remove(db: Session, session_id: uuid.UUID, *, actor: str) -> bool:
    """Removes a session with its files and history; False while a contribution is in it. Raises
    SubmissionNotFound."""
    session = find(db, session_id, lock=True)
    if contributions_of(db, session_id):
        return False
    files = db.scalars(select(SessionFile).where(SessionFile.session_id == session_id)).all()
    forgetting.forget_later(db, Gone(media_files=tuple(file.stored_name for file in files)))
    db.delete(session)
    audit.record(db, actor, "evidence_session.removed", "evidence_session", session_id)
    return True


def find_contribution(db: Session, session_id: uuid.UUID, reference: str) -> Submission:
    """Raises SubmissionNotFound."""
    for _, submission in contributions_of(db, session_id):
        if submission.reference == reference:
            return submission
    raise SubmissionNotFound(reference)


def correct_contribution(
    db: Session, session_id: uuid.UUID, reference: str, text: str, *, form_id: str, seen: str, actor: str
) -> None:
    """What they really said, in place of what was typed; the earlier words stay in its history.

    Raises NotAccepted, SubmissionNotFound, SubmissionClosed, ChangedSince.
    """
    submission = find_contribution(db, session_id, reference)
    language, confidence = submission.source_language, submission.source_language_confidence
    if not text.strip() or len(text) > TEXT_LIMIT:
        raise NotAccepted({"text": f"Write what they contributed, in at most {TEXT_LIMIT} characters."})
    rights.correct(db, reference, text, form_id=form_id, seen=seen, actor=actor)
    # A person who was there said which language it was.
    submission.source_language, submission.source_language_confidence = language, confidence


def withdraw_contribution(db: Session, session_id: uuid.UUID, reference: str, *, actor: str) -> bool:
    """Takes it back for who contributed it; False when it was before. Raises SubmissionNotFound."""
    submission = find_contribution(db, session_id, reference)
    return intake.withdraw_submission(db, submission, actor=actor, way=rights.ON_THE_DESK)


def whole_segment(
    text: str, language: str | None, english: str, interpreter: str | None, reviewer_id: uuid.UUID | None
) -> Segment:
    """One segment for all of it: whoever wrote the English did not write it sentence by sentence."""
    return Segment(
        id=uuid.uuid4(),
        position=0,
        start=0,
        end=len(text),
        text_sha256=sentence_key(text),
        translations=[
            SegmentTranslation(
                source_language=language,
                target_language="en",
                text=english,
                status=TranslationStatus.CORRECTED,
                flags=[],
                is_current=True,
                interpreter=interpreter,
                reviewer_id=reviewer_id,
            )
        ],
    )


def _check(facts: SessionFacts, commission: Commission) -> None:
    problems: dict[str, str] = {}
    members = {member.name for member in commission.members}
    if facts.method not in {way.key for way in commission.ways_of_contributing}:
        problems["method"] = "Choose how they contributed."
    if facts.held_on is None:
        problems["held_on"] = "Write the date as 2016-07-14."
    elif facts.held_on > utc_now().astimezone(LOCAL_TIME).date():
        problems["held_on"] = "The date is in the future."
    if not facts.contributors:
        problems["contributors"] = "Write who contributed, one organisation or person a line."
    elif len(facts.contributors) > CONTRIBUTORS_LIMIT or max(map(len, facts.contributors)) > PLACE_LIMIT:
        problems["contributors"] = f"At most {CONTRIBUTORS_LIMIT} lines of {PLACE_LIMIT} characters."
    if (facts.lead and facts.lead not in members) or not set(facts.attended_by) <= members:
        problems["lead"] = "Choose members of the commission."
    if len(facts.place) > PLACE_LIMIT:
        problems["place"] = f"At most {PLACE_LIMIT} characters."
    for name in ("note_taker", "interpreter"):
        if len(getattr(facts, name)) > NAME_LIMIT:
            problems[name] = f"At most {NAME_LIMIT} characters."
    if len(facts.notes) > TEXT_LIMIT:
        problems["notes"] = f"At most {TEXT_LIMIT} characters."
    if problems:
        raise NotAccepted(problems)


def _check_contribution(given: Contribution) -> None:
    problems: dict[str, str] = {}
    if not given.text.strip():
        problems["text"] = "Write what they contributed, in their own words and language."
    elif max(len(given.text), len(given.english)) > TEXT_LIMIT:
        problems["text"] = f"At most {TEXT_LIMIT} characters. Enter a longer one in parts."
    if given.language not in LANGUAGES:
        problems["language"] = "Choose the language."
    if not given.has_agreed:
        problems["has_agreed"] = "They must have agreed that it is kept and read."
    if len(given.contributor) > PLACE_LIMIT:
        problems["contributor"] = f"At most {PLACE_LIMIT} characters."
    if problems:
        raise NotAccepted(problems)
