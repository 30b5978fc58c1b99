"""Open forums of the demonstration: one that was held and followed up, one to come, and whoever came.

Nobody came: the numbers are of the range that is kept free for films and books (Ofcom's 07700 900000 to
900999), and nothing is sent to them. The finished follow-up is written as it would be after it was sent.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from submissions import audit
from submissions.database import unit_of_work
from submissions.demo.loading import READER
from submissions.follow_ups import approval, attendees, forums, sending, texts
from submissions.follow_ups.attendees import AttendeeFacts
from submissions.follow_ups.forums import ForumFacts
from submissions.models import (
    Address,
    Attendee,
    AuditEntry,
    Channel,
    ConversationAddress,
    DeliveryStatus,
    DemonstrationView,
    FollowUp,
    FollowUpRecipient,
    FollowUpState,
    FollowUpText,
    Forum,
    RecipientState,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.sms_text import count_sms_parts

SIGNER = "reviewer:demonstration-manager"
HELD_DAYS_AGO, TO_COME_IN_DAYS = 33, 12
LANGUAGES = ("en", "ar", "bn", "pt", "so")
# (language, how many came); the first of each wrote an answer, and one in all cannot be reached.
CAME = (("bn", 6), ("ar", 5), ("pt", 5), ("en", 4), ("so", 3), ("pl", 2))
_FIRST_NUMBER = 447_700_900_200
_BUDGET_PENCE = 5_000
_PART_PENCE = 4.0
_VIEWS_LINKED = 9


def load(*, now: dt.datetime | None = None) -> int:
    """Adds the forums with their follow-ups, unless they are there; how many forums were added."""
    at = now or utc_now()
    with unit_of_work() as db:
        if db.scalars(select(Forum.id).where(Forum.created_by == READER).limit(1)).first() is not None:
            return 0
        held_on = (at - dt.timedelta(days=HELD_DAYS_AGO)).date()
        held = forums.add(
            db,
            ForumFacts(
                name="Demo: Church Street forum",
                held_on=held_on,
                place="Church Street Library",
                languages=list(LANGUAGES),
                code_word=_free_code_word(db, "DEMOCHURCH"),
            ),
            actor=READER,
        )
        people = _add_people(db, held, held_on)
        sent_at = dt.datetime.combine(held_on + dt.timedelta(days=2), dt.time(11), dt.UTC)
        follow_up = approval.add(db, held.id, "Demonstration: thank you", _BUDGET_PENCE, actor=READER)
        _finish(db, follow_up, people, sent_at)
        _link_views(db, held, sent_at)
        approval.add(db, held.id, "Demonstration: what came of it", _BUDGET_PENCE, actor=READER)
        forums.add(
            db,
            ForumFacts(
                name="Demo: Maida Hill forum",
                held_on=(at + dt.timedelta(days=TO_COME_IN_DAYS)).date(),
                place="A community hall in Maida Hill",
                languages=["en", "ar", "pt"],
                code_word=_free_code_word(db, "DEMOHILL"),
            ),
            actor=READER,
        )
    return 2


def remove() -> int:
    """Takes the forums out with all that hangs on them, and says how many there were."""
    with unit_of_work() as db:
        ids = list(db.scalars(select(Forum.id).where(Forum.created_by == READER)))
        follow_ups = list(db.scalars(select(FollowUp.id).where(FollowUp.forum_id.in_(ids))))
        addresses = list(db.scalars(select(Attendee.address_id).where(Attendee.forum_id.in_(ids))))
        db.execute(delete(Forum).where(Forum.id.in_(ids)))
        # Somebody who wrote to us, or came to another forum, stays known.
        is_needed = exists().where(ConversationAddress.address_id == Address.id) | exists().where(
            Attendee.address_id == Address.id
        )
        db.execute(delete(Address).where(Address.id.in_(addresses), ~is_needed))
        db.execute(
            delete(AuditEntry).where(
                AuditEntry.subject_type.in_(["forum", "follow_up"]),
                AuditEntry.subject_id.in_([str(one) for one in (*ids, *follow_ups)]),
            )
        )
    return len(ids)


def _free_code_word(db: Session, word: str) -> str | None:
    taken = db.scalars(select(Forum.id).where(Forum.code_word == word)).first()
    return word if taken is None else None


def _add_people(db: Session, forum: Forum, agreed_on: dt.date) -> list[Attendee]:
    languages = [language for language, number in CAME for _ in range(number)]
    return [
        attendees.add_one(
            db,
            forum.id,
            AttendeeFacts(
                phone=f"+{_FIRST_NUMBER + place}",
                language=language,
                consented_on=agreed_on,
                channel=Channel.SMS if _is_texted(place) else Channel.WHATSAPP,
            ),
            actor=READER,
        )
        for place, language in enumerate(languages)
    ]


def _is_texted(place: int) -> bool:
    """Whether somebody is reached by text message; every fourth is by WhatsApp."""
    return place % 4 != 3


def _finish(db: Session, follow_up: FollowUp, people: Sequence[Attendee], at: dt.datetime) -> None:
    """As if it had been proof-read, approved by a second person and sent; no message was made."""
    current = texts.current_texts(db, follow_up.id)
    for text in current.values():
        text.written_at = at - dt.timedelta(days=1)
        text.proof_read_by, text.proof_reading_kept_by = "Demonstration speaker", READER
        text.proof_read_at = at - dt.timedelta(hours=6)
    follow_up.state, follow_up.part_pence = FollowUpState.DONE, _PART_PENCE
    follow_up.created_at = at - dt.timedelta(days=1)
    follow_up.prepared_by, follow_up.prepared_at = READER, at - dt.timedelta(hours=5)
    follow_up.approved_by, follow_up.approved_at = SIGNER, at - dt.timedelta(hours=1)
    follow_up.finished_at = at + dt.timedelta(minutes=len(people))
    seen: set[str] = set()
    for place, person in enumerate(people):
        queued_at = at + dt.timedelta(minutes=place)
        told = current.get(person.language)
        row = _recipient(follow_up.id, person, told, queued_at, is_sms=_is_texted(place))
        if place == 4:
            row.state, row.reason, row.queued_at = RecipientState.SKIPPED, sending.OPTED_OUT, None
            row.delivery_status, row.sms_parts = None, 0
        elif place == 9:
            row.delivery_status = DeliveryStatus.UNDELIVERED
        elif place == 12:
            row.opted_out_at = at + dt.timedelta(hours=3)
        elif person.language not in seen:
            row.answered_at = at + dt.timedelta(hours=2 + place)
            seen.add(person.language)
        db.add(row)
    for action, actor, moment in (
        ("follow_up.prepared", READER, follow_up.prepared_at),
        ("follow_up.approved", SIGNER, follow_up.approved_at),
        ("follow_up.finished", audit.SYSTEM, follow_up.finished_at),
    ):
        db.add(
            AuditEntry(
                actor=actor,
                action=action,
                subject_type="follow_up",
                subject_id=str(follow_up.id),
                occurred_at=moment,
                details={"is_demonstration": True},
            )
        )


def _recipient(
    follow_up_id: uuid.UUID, person: Attendee, text: FollowUpText | None, at: dt.datetime, *, is_sms: bool
) -> FollowUpRecipient:
    return FollowUpRecipient(
        id=uuid.uuid4(),
        follow_up_id=follow_up_id,
        attendee_id=person.id,
        address_id=person.address_id,
        person_hash=person.person_hash,
        language=person.language,
        text_id=text.id if text else None,
        sms_parts=count_sms_parts(text.text) if text is not None and is_sms else 0,
        state=RecipientState.QUEUED,
        queued_at=at,
        delivery_status=DeliveryStatus.DELIVERED,
    )


def _link_views(db: Session, forum: Forum, since: dt.datetime) -> None:
    """Views of the demonstration that came by telephone in the weeks after it, as answers to the text."""
    some = db.scalars(
        select(Submission.id)
        .join(DemonstrationView, DemonstrationView.submission_id == Submission.id)
        .where(
            Submission.channel.in_([Channel.SMS, Channel.WHATSAPP]),
            Submission.source_language.in_(LANGUAGES),
            Submission.submitted_at > since,
            Submission.submitted_at < since + dt.timedelta(days=25),
            Submission.status.not_in([SubmissionStatus.DRAFT, SubmissionStatus.WITHDRAWN]),
        )
        .order_by(Submission.submitted_at)
        .limit(_VIEWS_LINKED)
    ).all()
    db.execute(update(Submission).where(Submission.id.in_(some)).values(forum_id=forum.id))
