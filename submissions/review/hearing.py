"""Who may hear a recording: whoever may read the words it holds, none of them covered.

A recording cannot be covered in part, and what is said in it may be on no page. So what holds for a whole
conversation holds for each recording in it.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions.models import Conversation, Redaction, Submission, SubmissionPart, SubmissionStatus
from submissions.review import safeguarding
from submissions.review.access import Permission, may
from submissions.review.queue import visible_to
from submissions.review.sessions import Principal


class Access(enum.Enum):
    HEARD = enum.auto()
    COVERED = enum.auto()  # words are redacted, and this person sees no redacted words
    HIDDEN = enum.auto()  # this person does not find the words either


@dataclass(frozen=True)
class Hearing:
    access: Access
    is_redacted: bool  # something in the conversation's views is

    @property
    def is_heard(self) -> bool:
        return self.access is Access.HEARD


NOTHING = Hearing(Access.HIDDEN, is_redacted=False)


def of_conversations(
    db: Session, principal: Principal, conversation_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, Hearing]:
    """How this person stands to the recordings of each of these conversations."""
    ids = set(conversation_ids)
    views = db.execute(
        select(Submission.id, Submission.conversation_id, Submission.status).where(
            Submission.conversation_id.in_(ids), Submission.status != SubmissionStatus.DRAFT
        )
    ).all()
    visible = set(
        db.scalars(select(Submission.id).where(Submission.conversation_id.in_(ids), visible_to(principal)))
    )
    redacted = set(
        db.scalars(
            select(Submission.conversation_id)
            .join(Redaction, Redaction.submission_id == Submission.id)
            .where(Submission.conversation_id.in_(ids), Redaction.ended_at.is_(None))
        )
    )
    urgent = set(
        db.scalars(select(Conversation.id).where(Conversation.id.in_(ids), Conversation.is_urgent.is_(True)))
    )
    with_view = {view.conversation_id for view in views}
    unseen = {view.conversation_id for view in views if view.id not in visible}
    withdrawn = [view.id for view in views if view.status == SubmissionStatus.WITHDRAWN]
    with_words = set(
        db.scalars(select(SubmissionPart.submission_id).where(SubmissionPart.submission_id.in_(withdrawn)))
    )
    taken_back = {view.conversation_id for view in views if view.id in with_words}
    handles = may(principal, Permission.HANDLE_SAFEGUARDING) and safeguarding.may_handle(db, principal)
    reviews = may(principal, Permission.REVIEW_SUBMISSIONS)

    def access(one: uuid.UUID) -> Access:
        if one in unseen:
            return Access.HIDDEN
        # On the safeguarding page alone: danger told of without a view, and words that were taken back.
        if (one in taken_back or (one in urgent and one not in with_view)) and not handles:
            return Access.HIDDEN
        # What nobody sent yet waits for a person who listens, and is no view that others could read.
        if one not in with_view and not reviews:
            return Access.HIDDEN
        return Access.COVERED if one in redacted and not reviews else Access.HEARD

    return {one: Hearing(access(one), one in redacted) for one in ids}


def of_conversation(db: Session, principal: Principal, conversation_id: uuid.UUID | None) -> Hearing:
    """As `of_conversations`, for one; nothing is heard of a conversation that is not kept."""
    if conversation_id is None:
        return NOTHING
    return of_conversations(db, principal, [conversation_id])[conversation_id]
