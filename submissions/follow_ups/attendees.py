"""Who left a number at a forum and agreed to be texted: added one by one or from a file, and taken off."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from submissions import audit
from submissions.addresses import find_or_add_address, hash_of, readable_address
from submissions.errors import ConfigurationError, SubmissionNotFound
from submissions.follow_ups import forums
from submissions.follow_ups.clock import today
from submissions.follow_ups.errors import NotAccepted, NumberNotUsable, RowsNotAccepted
from submissions.follow_ups.numbers import masked, read_mobile_number
from submissions.models import Address, Attendee, Channel, DeliveryStatus, FollowUpRecipient, Forum, Message
from translations.languages import LANGUAGES, find_by_name

PERSON = "person"  # what the keyed hash of a number is made with, whatever the channel
CHANNELS = (Channel.SMS, Channel.WHATSAPP)
OLDEST_CONSENT = dt.timedelta(days=730)
NOT_ON_LIST = "no longer on the forum's list"
ALREADY_THERE = "This number is on the list already."


@dataclass(frozen=True)
class AttendeeFacts:
    """Somebody as typed in or read from a file; everything checked by `check`."""

    phone: str
    language: str
    consented_on: dt.date | None
    channel: str = Channel.SMS


@dataclass(frozen=True)
class CheckedAttendee:
    phone: str  # E.164; never log it
    language: str
    consented_on: dt.date
    channel: str


@dataclass(frozen=True)
class AttendeeLine:
    """An attendee as the list shows them."""

    id: uuid.UUID
    number: str  # masked
    channel: str
    language: str
    consented_on: dt.date


def person_hash(phone: str) -> bytes:
    """What one person is counted by across forums and channels; tells nothing without the key."""
    return hash_of(PERSON, phone)


def language_code(text: str) -> str | None:
    """The language by its code, its own name or its English name; None when we know none."""
    text = text.strip()
    if text.lower() in LANGUAGES:
        return text.lower()
    found = find_by_name(text)
    return found.code if found else None


def check(facts: AttendeeFacts) -> tuple[CheckedAttendee | None, dict[str, str]]:
    """(the person, {}) or (None, what is wrong by the name of the field)."""
    problems: dict[str, str] = {}
    phone = ""
    try:
        phone = read_mobile_number(facts.phone)
    except NumberNotUsable as error:
        problems["phone"] = error.reason
    language = language_code(facts.language)
    if language is None:
        problems["language"] = "This is not a language we know." if facts.language else "Choose a language."
    now = today()
    if facts.consented_on is None:
        problems["consented_on"] = "The date on which they agreed to be texted is missing."
    elif facts.consented_on > now:
        problems["consented_on"] = "The date of their agreement is in the future."
    elif facts.consented_on < now - OLDEST_CONSENT:
        problems["consented_on"] = "They agreed more than two years ago. Ask them again."
    if facts.channel not in CHANNELS:
        problems["channel"] = "Choose text message or WhatsApp."
    if problems or language is None or facts.consented_on is None:
        return None, problems
    return CheckedAttendee(phone, language, facts.consented_on, facts.channel), {}


def list_attendees(db: Session, forum_id: uuid.UUID) -> list[AttendeeLine]:
    """In the order of languages; numbers are shown masked."""
    rows = db.execute(
        select(Attendee, Address)
        .join(Address, Address.id == Attendee.address_id)
        .where(Attendee.forum_id == forum_id)
        .order_by(Attendee.language, Attendee.added_at, Attendee.id)
    )
    return [
        AttendeeLine(
            attendee.id, masked_number(address), address.channel, attendee.language, attendee.consented_on
        )
        for attendee, address in rows
    ]


def masked_number(address: Address | None) -> str:
    if address is None or not address.address_encrypted:
        return "deleted number"
    try:
        return masked(readable_address(address))
    except ConfigurationError:  # the secret has changed: the list must still open
        return "unreadable number"


def count_by_language(db: Session, forum_id: uuid.UUID) -> dict[str, int]:
    rows = db.execute(
        select(Attendee.language, func.count())
        .where(Attendee.forum_id == forum_id)
        .group_by(Attendee.language)
        .order_by(func.count().desc(), Attendee.language)
    )
    return {str(language): int(number) for language, number in rows}


def add_one(db: Session, forum_id: uuid.UUID, facts: AttendeeFacts, *, actor: str) -> Attendee:
    """Raises NotAccepted, SubmissionNotFound."""
    forum = _locked(db, forum_id)
    person, problems = check(facts)
    if person is None:
        raise NotAccepted(problems)
    if person_hash(person.phone) in _known_people(db, forum_id):
        raise NotAccepted({"phone": ALREADY_THERE})
    attendee = _add(db, forum, person, actor)
    db.flush()
    audit.record(
        db, actor, "attendee.added", "forum", forum_id, attendee=str(attendee.id), language=person.language
    )
    return attendee


def import_rows(
    db: Session, forum_id: uuid.UUID, rows: Iterable[tuple[int, AttendeeFacts, list[str]]], *, actor: str
) -> int:
    """Adds everybody of a file or nobody; how many.

    `rows` are (line of the file, the person, what reading the row found wrong already). Raises
    RowsNotAccepted with every fault, and SubmissionNotFound.
    """
    forum = _locked(db, forum_id)
    known = _known_people(db, forum_id)
    seen: dict[bytes, int] = {}
    people: list[CheckedAttendee] = []
    faults: list[tuple[int, str]] = []
    number = 0
    for line, facts, unreadable in rows:
        number += 1
        person, problems = check(facts)
        if unreadable:
            # What could not be read is said once, not a second time as missing.
            problems.pop("consented_on", None)
        faults += [(line, problem) for problem in (*unreadable, *problems.values())]
        if person is None or unreadable:
            continue
        who = person_hash(person.phone)
        if who in seen:
            faults.append((line, f"The number is the same as on line {seen[who]}."))
        elif who in known:
            faults.append((line, ALREADY_THERE))
        seen.setdefault(who, line)
        people.append(person)
    if faults:
        raise RowsNotAccepted(sorted(faults), number)
    # Addresses are locked in one order, so that two imports at once do not wait for each other.
    for person in sorted(people, key=lambda one: (one.channel, one.phone)):
        _add(db, forum, person, actor)
    db.flush()
    audit.record(db, actor, "attendees.imported", "forum", forum_id, count=len(people))
    return len(people)


def remove(db: Session, forum_id: uuid.UUID, attendee_id: uuid.UUID, *, actor: str) -> None:
    """Takes somebody off the list; a text that waits for them is not sent. Raises SubmissionNotFound."""
    attendee = db.get(Attendee, attendee_id, with_for_update=True)
    if attendee is None or attendee.forum_id != forum_id:
        raise SubmissionNotFound(str(attendee_id))
    texts_to_them = select(FollowUpRecipient.message_id).where(
        FollowUpRecipient.attendee_id == attendee_id, FollowUpRecipient.message_id.is_not(None)
    )
    db.execute(
        update(Message)
        .where(
            Message.id.in_(texts_to_them),
            Message.delivery_status.in_([DeliveryStatus.QUEUED, DeliveryStatus.HELD]),
        )
        .values(delivery_status=DeliveryStatus.CANCELED, last_error=NOT_ON_LIST, next_attempt_at=None)
        .execution_options(synchronize_session=False)
    )
    db.delete(attendee)
    audit.record(db, actor, "attendee.removed", "forum", forum_id, attendee=str(attendee_id))
    db.flush()


def _locked(db: Session, forum_id: uuid.UUID) -> Forum:
    """The forum, locked: two imports at once see each other's numbers."""
    forum = forums.find(db, forum_id)
    # Not FOR UPDATE: an inbound message that links to the forum must not wait for us while we wait for its
    # sender's address.
    db.refresh(forum, with_for_update={"key_share": True})
    return forum


def _known_people(db: Session, forum_id: uuid.UUID) -> set[bytes]:
    return set(db.scalars(select(Attendee.person_hash).where(Attendee.forum_id == forum_id)))


def _add(db: Session, forum: Forum, person: CheckedAttendee, actor: str) -> Attendee:
    address = find_or_add_address(db, channel=person.channel, phone=person.phone)
    attendee = Attendee(
        id=uuid.uuid4(),
        forum_id=forum.id,
        address_id=address.id,
        person_hash=person_hash(person.phone),
        language=person.language,
        consented_on=person.consented_on,
        added_by=actor,
    )
    db.add(attendee)
    return attendee
