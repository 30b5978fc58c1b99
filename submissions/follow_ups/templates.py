"""Wordings that WhatsApp has to approve before they may be sent outside the 24 hours.

A follow-up asks people who have often never written to us, so on WhatsApp it must go as a template that says
the very words that were proof-read. The forum's name is a variable in it, so one approval serves the same
wording after the next forum. `channels.follow_up_templates` brings them to the carrier and back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import uuid
from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from submissions import audit
from submissions.follow_ups import forums, texts
from submissions.follow_ups.errors import NotNow
from submissions.models import (
    Address,
    Attendee,
    Channel,
    FollowUp,
    FollowUpTemplate,
    TemplateStatus,
    utc_now,
)

MOST_VARIABLES = 3  # a template with more says little by itself, and WhatsApp refuses it
LONGEST_VALUE = 300  # characters put in for a variable
CHECKED_EVERY = dt.timedelta(minutes=1)  # while WhatsApp decides; that takes minutes, or a day
CHECKED_AGAIN = dt.timedelta(hours=1)  # once it has: an approval can be taken back
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# Source: https://www.twilio.com/docs/content/using-variables-with-content-api
_NOT_IN_A_VALUE = re.compile(r"[\n\r\t]| {4}")
_DECIDED = (
    TemplateStatus.APPROVED,
    TemplateStatus.REJECTED,
    TemplateStatus.PAUSED,
    TemplateStatus.DISABLED,
)


@dataclass(frozen=True)
class Fit:
    """A wording that says exactly a text, with what stands for its variables."""

    template_id: uuid.UUID
    content_sid: str | None
    status: str
    reason: str | None
    variables: dict[str, str]

    @property
    def is_approved(self) -> bool:
        return self.status == TemplateStatus.APPROVED and self.content_sid is not None


def make_body(text: str, forum_name: str) -> tuple[str, dict[str, str]]:
    """The text as a template, and what its variable stands for.

    The forum's name is {{1}} unless it begins or ends the text, where WhatsApp allows no variable.
    """
    before, found, after = text.partition(forum_name)
    if not found or not before.strip() or not after.strip() or forum_name in after:
        return text, {}
    return f"{before}{{{{1}}}}{after}", {"1": forum_name}


def variables_for(body: str, text: str) -> dict[str, str] | None:
    """What has to stand for the template's variables so that it says exactly this text; None when nothing."""
    names = [match[1] for match in _VARIABLE.finditer(body)]
    if len(names) > MOST_VARIABLES or len(set(names)) != len(names):
        return None
    pieces = _VARIABLE.split(body)[::2]
    pattern = f"(.{{1,{LONGEST_VALUE}}}?)".join(re.escape(piece) for piece in pieces)
    match = re.fullmatch(pattern, text)
    if match is None or any(_NOT_IN_A_VALUE.search(value) for value in match.groups()):
        return None
    return dict(zip(names, match.groups(), strict=True))


def find_fit(db: Session, language: str | None, text: str | None) -> Fit | None:
    """The wording that says this text in this language: an approved one if there is one."""
    if not language or not text:
        return None
    rows = db.scalars(
        select(FollowUpTemplate)
        .where(FollowUpTemplate.language == language)
        .order_by(FollowUpTemplate.asked_at.desc())
    )
    found: Fit | None = None
    for row in rows:
        variables = variables_for(row.body, text)
        if variables is None:
            continue
        fit = Fit(row.id, row.content_sid, row.status, row.reason, variables)
        if fit.is_approved:
            return fit
        found = found or fit
    return found


def ask(db: Session, follow_up: FollowUp, *, actor: str) -> int:
    """Notes the texts that WhatsApp is to approve; how many. The worker brings them there.

    Those are the proof-read texts of languages in which somebody on the list is reached by WhatsApp. None is
    asked about twice. Call with the follow-up locked. Raises NotNow.
    """
    forum = forums.find(db, follow_up.forum_id)
    current = texts.current_texts(db, follow_up.id)
    asked = 0
    for language in _languages_on_whatsapp(db, forum.id):
        text = current.get(language)
        if text is None or text.proof_read_at is None or find_fit(db, language, text.text) is not None:
            continue
        body, samples = make_body(text.text, forum.name)
        asked += _add(db, language, body, samples, actor) is not None
    if not asked:
        raise NotNow(
            "There is nothing to ask: each text that goes out by WhatsApp has to be proof-read first, and is"
            " asked about once."
        )
    audit.record(db, actor, "follow_up.template_asked", "follow_up", follow_up.id, count=asked)
    return asked


def adopt(
    db: Session, *, language: str, body: str, content_sid: str, samples: dict[str, str]
) -> FollowUpTemplate | None:
    """A wording that was brought to the carrier by hand. None when it is known already."""
    known = db.scalar(select(FollowUpTemplate.id).where(FollowUpTemplate.content_sid == content_sid))
    if known is not None:
        return None
    row = _add(db, language, body, samples, audit.SYSTEM)
    if row is not None:
        row.content_sid = content_sid
    return row


def known_sids(db: Session) -> set[str]:
    """The carrier's ids of all wordings."""
    sids = db.scalars(select(FollowUpTemplate.content_sid).where(FollowUpTemplate.content_sid.is_not(None)))
    return {str(sid) for sid in sids}


def _add(
    db: Session, language: str, body: str, samples: dict[str, str], actor: str
) -> FollowUpTemplate | None:
    row = FollowUpTemplate(
        id=uuid.uuid4(),
        language=language,
        body=body,
        body_sha256=hashlib.sha256(body.encode("utf-8", "surrogatepass")).digest(),
        samples=samples,
        status=TemplateStatus.ASKED,
        asked_by=actor,
    )
    try:
        with db.begin_nested():
            db.add(row)
            db.flush()
    except IntegrityError:  # somebody else has asked at the same moment
        return None
    return row


def _languages_on_whatsapp(db: Session, forum_id: uuid.UUID) -> list[str]:
    return list(
        db.scalars(
            select(Attendee.language)
            .join(Address, Address.id == Attendee.address_id)
            .where(Attendee.forum_id == forum_id, Address.channel == Channel.WHATSAPP)
            .distinct()
            .order_by(Attendee.language)
        )
    )


def due(db: Session, now: dt.datetime | None = None) -> list[FollowUpTemplate]:
    """What has to be brought to the carrier or looked up there, the oldest first."""
    at = now or utc_now()
    checked = FollowUpTemplate.checked_at
    return list(
        db.scalars(
            select(FollowUpTemplate)
            .where(
                or_(
                    checked.is_(None),
                    checked <= at - CHECKED_AGAIN,
                    FollowUpTemplate.status.not_in(_DECIDED) & (checked <= at - CHECKED_EVERY),
                )
            )
            .order_by(FollowUpTemplate.asked_at)
            .limit(50)
        )
    )


def note_made(db: Session, template_id: uuid.UUID, content_sid: str) -> str | None:
    """The carrier has the wording, under this id or one that another process has kept before: the one to use.

    WhatsApp has not been asked yet. None when there is no such wording any more.
    """
    row = db.get(FollowUpTemplate, template_id, with_for_update=True, populate_existing=True)
    if row is None:
        return None
    row.content_sid = row.content_sid or content_sid
    return row.content_sid


def note_gone(db: Session, content_sid: str) -> None:
    """The carrier has no wording of this id any more: it is to be brought there, and asked about, anew."""
    db.execute(
        update(FollowUpTemplate)
        .where(FollowUpTemplate.content_sid == content_sid)
        .values(content_sid=None, status=TemplateStatus.ASKED, reason=None, checked_at=None)
        .execution_options(synchronize_session=False)
    )


def note_status(db: Session, template_id: uuid.UUID, status: str, reason: str | None) -> None:
    """What WhatsApp says now. A word we do not know counts as no approval."""
    row = db.get(FollowUpTemplate, template_id, with_for_update=True)
    if row is None:
        return
    row.status, row.reason = status[:20], (reason or "")[:300] or None
    row.checked_at = utc_now()
