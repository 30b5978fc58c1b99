"""Forums, attendees and follow-ups for tests."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from submissions.addresses import configure_keys
from submissions.database import unit_of_work
from submissions.follow_ups import approval, attendees, forums, preview, texts
from submissions.follow_ups.attendees import AttendeeFacts
from submissions.follow_ups.forums import ForumFacts
from submissions.models import FollowUp, FollowUpRecipient, Message, utc_now
from submissions.settings import StoreSettings

ANA, BEN, CARA, MAYA = "reviewer:ana", "reviewer:ben", "reviewer:cara", "reviewer:maya"
LONDON = ZoneInfo("Europe/London")
# Five people in five languages, with numbers that nobody has.
PEOPLE = {
    "pl": "+447700900101",
    "ar": "+447700900102",
    "bn": "+447700900103",
    "pt": "+447700900104",
    "en": "+447700900105",
}
WORDS = {
    "pl": "Dziękujemy za przyjście. Co myślisz?",
    "ar": "شكراً لحضوركم. ما رأيكم؟",
    "bn": "আসার জন্য ধন্যবাদ। আপনি কী ভাবেন?",
    "pt": "Obrigado por ter vindo. O que pensa?",
    "en": "Thank you for coming. What do you think?",
}


def at_noon(days: int = 0) -> dt.datetime:
    """Noon in London today, or so many days later."""
    today = utc_now().astimezone(LONDON).date() + dt.timedelta(days=days)
    return dt.datetime.combine(today, dt.time(12), LONDON).astimezone(dt.UTC)


def use_keys(folder: Path) -> None:
    configure_keys(StoreSettings(data=folder))


def make_forum(people: dict[str, str] | None = None, **facts: Any) -> uuid.UUID:
    values = {
        "name": "Queen's Park forum",
        "held_on": dt.date(2026, 6, 14),
        "languages": ["pl", "ar"],
        **facts,
    }
    with unit_of_work() as db:
        forum = forums.add(db, ForumFacts(**values), actor=ANA)
        for language, phone in (PEOPLE if people is None else people).items():
            attendees.add_one(db, forum.id, attendee(phone, language), actor=ANA)
        return forum.id


def attendee(phone: str, language: str = "pl", **values: Any) -> AttendeeFacts:
    agreed_on = values.pop("consented_on", utc_now().date() - dt.timedelta(days=30))
    return AttendeeFacts(phone, language, agreed_on, **values)


def make_follow_up(forum_id: uuid.UUID, *, budget_pence: int = 5_000, proof_read: bool = True) -> uuid.UUID:
    """A draft of Ana's with a text in each language of WORDS."""
    with unit_of_work() as db:
        follow_up = approval.add(db, forum_id, "After the forum", budget_pence, actor=ANA)
        for language, words in WORDS.items():
            current = texts.current_texts(db, follow_up.id).get(language)
            text = texts.save(
                db, follow_up, language, words, version=current.version if current else 0, actor=ANA
            )
            if proof_read:
                texts.keep_proof_reading(
                    db, follow_up, language, version=text.version, reader="A speaker", actor=ANA
                )
        return follow_up.id


def fingerprint(follow_up_id: uuid.UUID) -> str:
    with unit_of_work(read_only=True) as db:
        return preview.make_preview(db, approval.find(db, follow_up_id)).fingerprint


def prepare(follow_up_id: uuid.UUID) -> None:
    with unit_of_work() as db:
        approval.prepare(db, follow_up_id, fingerprint=fingerprint(follow_up_id), actor=ANA)


def approve(follow_up_id: uuid.UUID, actor: str = MAYA) -> None:
    with unit_of_work() as db:
        approval.approve(db, follow_up_id, fingerprint=fingerprint(follow_up_id), actor=actor)


def approved_follow_up(forum_id: uuid.UUID, **values: Any) -> uuid.UUID:
    follow_up_id = make_follow_up(forum_id, **values)
    prepare(follow_up_id)
    approve(follow_up_id)
    return follow_up_id


def follow_up_now(follow_up_id: uuid.UUID) -> FollowUp:
    with unit_of_work(read_only=True) as db:
        return approval.find(db, follow_up_id)


def recipients(follow_up_id: uuid.UUID) -> dict[str, FollowUpRecipient]:
    """By language."""
    with unit_of_work(read_only=True) as db:
        rows = db.query(FollowUpRecipient).filter_by(follow_up_id=follow_up_id)
        return {row.language: row for row in rows}


def texts_in_outbox() -> list[str]:
    with unit_of_work(read_only=True) as db:
        rows = db.query(Message).filter_by(direction="out").order_by(Message.created_at, Message.position)
        return [row.text or "" for row in rows]
