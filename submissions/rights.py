"""What whoever holds a reference may do with the view: see it, add to it, correct it, take it back.

The reference is the only key, so it is a secret as a password is. Each change may be repeated: `form_id` is
of the page it was made on, and the same page posted twice is one change. All in the caller's unit of work.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from submissions import audit, intake, jobs
from submissions.addresses import address_of
from submissions.conversations import sha256_of
from submissions.errors import SubmissionClosed, SubmissionError, SubmissionNotFound
from submissions.models import (
    EarlierText,
    HearBack,
    JobKind,
    Message,
    Redaction,
    RedactionSpan,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    utc_now,
)
from submissions.redactions import occurrences
from submissions.references import normalise_reference
from translations.detection import detect

ASK_HEAR_BACK = "ask_hear_back"  # key of the question
ON_THE_PAGE = "my_submission"  # the way in which a change came, for the audit
ON_THE_DESK = "desk"  # by the team, for who contributed in a session or on paper


class ChangedSince(SubmissionError):
    """The view is not any more what the page showed when the correction was written."""


@dataclass(frozen=True)
class OwnView:
    """A view as its writer sees it; without texts once it was taken back."""

    submission_id: uuid.UUID
    reference: str
    status: str  # received, being_translated, in_review, approved or withdrawn
    texts: list[str]
    language: str | None
    sent_at: dt.datetime
    changed_at: dt.datetime | None
    withdrawn_at: dt.datetime | None
    fingerprint: str  # of the texts
    is_by_phone: bool  # there is somewhere to write to, so they can hear back
    hears_back: bool

    @property
    def is_withdrawn(self) -> bool:
        return self.status == SubmissionStatus.WITHDRAWN

    @property
    def whole(self) -> str:
        return "\n\n".join(self.texts)


def find_own_view(db: Session, reference: str) -> OwnView:
    """Raises SubmissionNotFound, the same for a wrong reference and one nobody has."""
    normalised = normalise_reference(reference)
    submission = None
    if normalised is not None:
        submission = db.scalars(
            select(Submission).where(
                Submission.reference == normalised, Submission.status != SubmissionStatus.DRAFT
            )
        ).one_or_none()
    if submission is None:
        raise SubmissionNotFound(reference)
    sent_at = submission.submitted_at or submission.created_at
    changed_at = max((part.added_at for part in submission.parts), default=sent_at)
    is_withdrawn = submission.status == SubmissionStatus.WITHDRAWN
    agreement = _agreement(db, submission)
    return OwnView(
        submission_id=submission.id,
        reference=str(submission.reference),
        status=intake.state_of(db, submission),
        texts=[] if is_withdrawn else [part.original_text for part in submission.parts],
        language=submission.source_language,
        sent_at=sent_at,
        changed_at=changed_at if changed_at > sent_at else None,
        withdrawn_at=submission.withdrawn_at,
        fingerprint=fingerprint(submission.parts),
        is_by_phone=_address_id(db, submission) is not None,
        hears_back=agreement is not None and agreement.ended_at is None,
    )


def fingerprint(parts: Sequence[SubmissionPart]) -> str:
    return hashlib.sha256(b"".join(part.original_sha256 for part in parts)).hexdigest()[:32]


def add(db: Session, reference: str, text: str, *, form_id: str) -> None:
    """The text as a new part at the view's end. Raises SubmissionNotFound, SubmissionClosed."""
    submission = _open_submission(db, reference)
    part_id = _part_id(submission, "add", form_id)
    if _is_made(db, submission, part_id):
        return
    position = max((part.position for part in submission.parts), default=-1) + 1
    submission.parts.append(_part(part_id, position, text))
    if submission.source_language is None:
        _set_language(submission, text)
    _back_to_review(db, submission)
    audit.record(
        db, audit.RESIDENT, "submission.added_to", "submission", submission.id, parts=1, way=ON_THE_PAGE
    )


def correct(
    db: Session, reference: str, text: str, *, form_id: str, seen: str, actor: str = audit.RESIDENT
) -> None:
    """The text in place of all that the view said; the earlier words stay in its history.

    `seen` is the fingerprint of what the page showed. Raises SubmissionNotFound, SubmissionClosed,
    ChangedSince.
    """
    submission = _open_submission(db, reference)
    part_id = _part_id(submission, "correct", form_id)
    if _is_made(db, submission, part_id):
        return
    if fingerprint(submission.parts) != seen:
        raise ChangedSince(reference)
    if [part.original_text for part in submission.parts] == [text]:
        return
    covered = _covered_words(db, submission)
    now = utc_now()
    for part in submission.parts:
        db.add(
            EarlierText(
                id=part.id,  # so that posting the page it came from again is known again
                submission_id=submission.id,
                position=part.position,
                original_text=part.original_text,
                original_sha256=part.original_sha256,
                english=_english_of(part),
                message_id=part.message_id,
                written_at=part.added_at,
                replaced_at=now,
            )
        )
    submission.parts.clear()
    db.flush()  # the old parts go, with their sentences, translations and vectors, before the new one comes
    submission.parts.append(_part(part_id, 0, text, at=now))
    _set_language(submission, text)
    db.flush()
    _cover_again(db, part_id, text, covered)
    _back_to_review(db, submission)
    way = ON_THE_PAGE if actor == audit.RESIDENT else ON_THE_DESK
    audit.record(db, actor, "submission.corrected", "submission", submission.id, way=way)


def withdraw(db: Session, reference: str) -> bool:
    """Takes the view back; False when it was before. Raises SubmissionNotFound."""
    return intake.withdraw_submission(db, intake.find_by_reference(db, reference), way=ON_THE_PAGE)


def set_hear_back(db: Session, reference: str, wants: bool) -> bool:
    """Keeps whether they want one message about the outcomes; False where there is nowhere to write to.

    Raises SubmissionNotFound, SubmissionClosed.
    """
    submission = _open_submission(db, reference)
    if submission.conversation_id is None:
        return False
    return agree_to_hear_back(db, submission.conversation_id, wants, way=ON_THE_PAGE)


def agree_to_hear_back(db: Session, conversation_id: uuid.UUID, wants: bool, *, way: str) -> bool:
    """As `set_hear_back`, for the person a conversation is with. Repeating it changes nothing."""
    address = address_of(db, conversation_id, lock=True)
    if address is None:
        return False
    row = db.scalars(select(HearBack).where(HearBack.address_id == address.id)).one_or_none()
    is_agreed = row is not None and row.ended_at is None
    if wants == is_agreed:
        return True
    if row is None:
        row = HearBack(id=uuid.uuid4(), address_id=address.id)
        db.add(row)
    row.conversation_id = conversation_id
    row.way = way
    if wants:
        row.agreed_at, row.ended_at = utc_now(), None
    else:
        row.ended_at = utc_now()
    action = "hear_back.agreed" if wants else "hear_back.ended"
    audit.record(db, audit.RESIDENT, action, "address", address.id, way=way)
    db.flush()
    return True


def has_been_asked(db: Session, conversation_id: uuid.UUID) -> bool:
    """Whether the question about hearing back was put in this conversation, or ever answered by this person.

    True on the web, where there is nobody to write to.
    """
    address = address_of(db, conversation_id)
    if address is None:
        return True
    was_put = exists().where(Message.conversation_id == conversation_id, Message.message_key == ASK_HEAR_BACK)
    was_answered = exists().where(HearBack.address_id == address.id)
    return bool(db.scalar(select(or_(was_put, was_answered))))


def earlier_texts(db: Session, submission_id: uuid.UUID) -> list[EarlierText]:
    """What the view said before it was corrected, the latest first."""
    return list(
        db.scalars(
            select(EarlierText)
            .where(EarlierText.submission_id == submission_id)
            .order_by(EarlierText.replaced_at.desc(), EarlierText.position)
        )
    )


def _open_submission(db: Session, reference: str) -> Submission:
    submission = intake.find_by_reference(db, reference)
    if submission.status == SubmissionStatus.WITHDRAWN:
        raise SubmissionClosed(reference)
    return submission


def _part_id(submission: Submission, kind: str, form_id: str) -> uuid.UUID:
    return uuid.uuid5(submission.id, f"{kind}:{form_id}")


def _is_made(db: Session, submission: Submission, part_id: uuid.UUID) -> bool:
    is_part = any(part.id == part_id for part in submission.parts)
    return is_part or db.get(EarlierText, part_id) is not None


def _part(part_id: uuid.UUID, position: int, text: str, at: dt.datetime | None = None) -> SubmissionPart:
    return SubmissionPart(
        id=part_id,
        position=position,
        original_text=text,
        original_sha256=sha256_of(text),
        added_at=at or utc_now(),
    )


def _set_language(submission: Submission, text: str) -> None:
    found = detect(text, submission.source_language)
    if found.language is not None:
        submission.source_language = found.language
        submission.source_language_confidence = found.confidence


def _english_of(part: SubmissionPart) -> str | None:
    """As the team last read it, sentence by sentence."""
    rows = [
        next((row.text for row in segment.translations if row.is_current and row.text), None)
        for segment in part.segments
    ]
    return " ".join(row for row in rows if row) or None


def _covered_words(db: Session, submission: Submission) -> dict[uuid.UUID, set[str]]:
    """What is covered in the original by each redaction that holds."""
    texts = {part.id: part.original_text for part in submission.parts}
    words: dict[uuid.UUID, set[str]] = {}
    spans = db.execute(
        select(Redaction.id, RedactionSpan.part_id, RedactionSpan.start, RedactionSpan.end)
        .join(RedactionSpan, RedactionSpan.redaction_id == Redaction.id)
        .where(
            Redaction.submission_id == submission.id,
            Redaction.ended_at.is_(None),
            RedactionSpan.translation_id.is_(None),
        )
    )
    for redaction_id, part_id, start, end in spans:
        words.setdefault(redaction_id, set()).add(texts.get(part_id, "")[start:end].strip())
    return words


def _cover_again(db: Session, part_id: uuid.UUID, text: str, covered: dict[uuid.UUID, set[str]]) -> None:
    """What was covered before stays covered where the same words stand in the new text."""
    for redaction_id, words in covered.items():
        for word in words:
            for start, end in occurrences(word, text):
                db.add(RedactionSpan(redaction_id=redaction_id, part_id=part_id, start=start, end=end))


def _back_to_review(db: Session, submission: Submission) -> None:
    """Whoever is reviewing is told, an approved view is reviewed again, and no file keeps the old words."""
    from submissions.exports import downloads  # it asks for jobs itself

    if submission.status == SubmissionStatus.APPROVED:
        submission.status = SubmissionStatus.IN_REVIEW
    flag_modified(submission, "is_urgent")
    db.flush()
    downloads.forget(db, submission.reference)
    jobs.request_job(db, submission.id, JobKind.TRANSLATE)
    jobs.request_job(db, submission.id, JobKind.FIND_THEMES)


def _address_id(db: Session, submission: Submission) -> uuid.UUID | None:
    if submission.conversation_id is None:
        return None
    address = address_of(db, submission.conversation_id)
    return address.id if address is not None and address.address_encrypted else None


def _agreement(db: Session, submission: Submission) -> HearBack | None:
    address_id = _address_id(db, submission)
    if address_id is None:
        return None
    return db.scalars(select(HearBack).where(HearBack.address_id == address_id)).one_or_none()


def count_waiting_to_hear(db: Session) -> int:
    """How many agreed to hear back and have not been told."""
    waiting = select(func.count()).where(HearBack.ended_at.is_(None), HearBack.told_at.is_(None))
    return db.scalar(waiting) or 0
