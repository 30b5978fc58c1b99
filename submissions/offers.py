"""Offers to contribute made in chat: who says that they speak for others, and who asks for a person.

The assistant's answer stays as it is; beside it the message is noted for the team's page of stakeholders.
There it is answered (`review.replying`) when the conversation has no view. Rules find it, by the words with
which people introduce a group in twenty languages; people decide.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from submissions import audit, redactions
from submissions.errors import MessageNotFound
from submissions.models import (
    Conversation,
    Message,
    Offer,
    OfferState,
    Reply,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    utc_now,
)

SPEAKS_FOR = "speaks_for"
WANTS_PERSON = "wants_person"
REQUEST_HUMAN = "request_human"  # the assistant's intent
SHOWN = 100
_LATIN = (
    r"(?:i|we) (?:(?:can|could|would like to|want to|am here to|are here to) )?"
    r"(?:speak|am speaking|are speaking|write|am writing|are writing) (?:for|on behalf of)"
    r"(?! (?:myself|ourselves|nobody|no one))"
    r"|(?:i|we) represent(?! (?:nobody|no one))|i am here for (?:the|our)"
    r"|falo em nome d|falo por (?:um|uma|todos|todas)|represento (?:um|uma|o|a|os|as)\b|representamos"
    r"|hablo en nombre de|represento a|representamos a|je parle au nom d|je représente|nous représentons"
    r"|parlo a nome d|rappresento|rappresentiamo|mówię w imieniu|reprezentuję|vorbesc în numele|reprezint"
    r"|flas në emër të|përfaqësoj|waxaan ku hadlayaa magaca|waxaan matalayaa|waxaan metelayaa"
    r"|nagsasalita ako para sa|kinakatawan ko|adına konuşuyorum|temsil ediyorum|temsil ediyoruz"
)
_OTHER = (
    r"говорю от имени|представляю (?:интересы|организацию|общину|группу)|говорю від імені|представляю "
    r"|أتحدث باسم|اتحدث باسم|أتكلم باسم|أمثل |نمثل |به نمایندگی از|از طرف .{1,40} صحبت می|کی نمائندگی کر"
    r"|کی طرف سے بات|এর পক্ষ থেকে|প্রতিনিধিত্ব করি|পক্ষ থেকে বলছি|我代表|我们代表|代表.{1,20}发言|በመወከል|እወክላለሁ"
    r"|بە ناوی .{1,40} قسە|نوێنەرایەتی"
)
_OFFERS = re.compile(rf"(?<!\w)(?:{_LATIN})|{_OTHER}", re.IGNORECASE)


@dataclass(frozen=True)
class Shown:
    """An offer as the page shows it; words that are redacted in the view are covered."""

    offer: Offer
    words: str
    language: str | None
    channel: str
    reference: str | None  # of a view from the same conversation: there it is answered
    answered_at: dt.datetime | None  # when the team's last answer about the offer itself was approved


def speaks_for_others(text: str) -> bool:
    """Whether somebody introduces themselves as speaking for a group."""
    plain = unicodedata.normalize("NFC", text.replace("’", "'"))
    return _OFFERS.search(" ".join(plain.split())) is not None


def note(db: Session, message: Message) -> None:
    """Notes an offer in a message that was understood, in the caller's unit of work. Twice is once."""
    kind = None
    if message.original_text and message.choice is None and speaks_for_others(message.original_text):
        kind = SPEAKS_FOR
    elif message.intent == REQUEST_HUMAN:
        kind = WANTS_PERSON
    if kind is not None and db.get(Offer, message.id) is None:
        db.add(Offer(message_id=message.id, kind=kind, state=OfferState.NEW))


def list_new(db: Session) -> list[Shown]:
    """Those nobody has decided on, who has waited longest first."""
    rows = db.execute(
        select(Offer, Message, Conversation.language)
        .join(Message, Message.id == Offer.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Offer.state == OfferState.NEW, Conversation.is_urgent.is_(False))
        .order_by(Offer.found_at)
        .limit(SHOWN)
    ).all()
    return [_shown(db, offer, message, language) for offer, message, language in rows]


def find(db: Session, message_id: uuid.UUID) -> Shown:
    """An offer, decided on or not. Raises MessageNotFound, for one of an urgent conversation too."""
    found = db.execute(
        select(Offer, Message, Conversation.language)
        .join(Message, Message.id == Offer.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Offer.message_id == message_id, Conversation.is_urgent.is_(False))
    ).one_or_none()
    if found is None:
        raise MessageNotFound(message_id)
    offer, message, language = found
    return _shown(db, offer, message, language)


def count_new(db: Session) -> int:
    return db.scalar(select(func.count()).where(Offer.state == OfferState.NEW)) or 0


def of_stakeholder(db: Session, stakeholder_id: uuid.UUID) -> Sequence[Shown]:
    rows = db.execute(
        select(Offer, Message, Conversation.language)
        .join(Message, Message.id == Offer.message_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Offer.stakeholder_id == stakeholder_id)
        .order_by(Offer.found_at)
    ).all()
    return [_shown(db, offer, message, language) for offer, message, language in rows]


def _shown(db: Session, offer: Offer, message: Message, language: str | None) -> Shown:
    sent = Submission.status.not_in([SubmissionStatus.DRAFT, SubmissionStatus.WITHDRAWN])
    latest = db.scalars(
        select(Submission)
        .where(Submission.conversation_id == message.conversation_id, sent)
        .order_by(Submission.submitted_at.desc())
        .limit(1)
    ).first()
    parts = db.execute(
        select(SubmissionPart.id, SubmissionPart.submission_id).where(SubmissionPart.message_id == message.id)
    ).all()
    held = redactions.load(db, [submission_id for _, submission_id in parts])
    words = message.original_text or ""
    for part_id, _ in parts:
        words = held.original(part_id, words)
    return Shown(
        offer,
        words,
        message.detected_language or language,
        message.channel,
        latest.reference if latest is not None else None,
        db.scalar(select(func.max(Reply.approved_at)).where(Reply.offer_id == message.id)),
    )


def decide(
    db: Session, message_id: uuid.UUID, *, actor: str, stakeholder_id: uuid.UUID | None = None
) -> bool:
    """Accepts the offer for a stakeholder, or declines it without one; False when somebody was faster.

    Raises MessageNotFound.
    """
    offer = db.get(Offer, message_id, with_for_update=True)
    if offer is None:
        raise MessageNotFound(message_id)
    if offer.state != OfferState.NEW:
        return False
    is_accepted = stakeholder_id is not None
    offer.state = OfferState.ACCEPTED if is_accepted else OfferState.DECLINED
    offer.stakeholder_id = stakeholder_id
    offer.decided_by, offer.decided_at = actor, utc_now()
    action = "offer.accepted" if is_accepted else "offer.declined"
    audit.record(db, actor, action, "message", message_id)
    return True
