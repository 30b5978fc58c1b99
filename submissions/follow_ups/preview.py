"""What a follow-up would send, to how many, in how many SMS parts and for how much, and what is missing."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions.commission import get_commission
from submissions.follow_ups import ledger
from submissions.follow_ups.templates import Fit, find_fit
from submissions.follow_ups.texts import current_texts
from submissions.models import (
    Address,
    Attendee,
    Channel,
    FollowUp,
    FollowUpText,
    OptOut,
    Purpose,
    utc_now,
)
from submissions.sms_text import SmsSize, measure_sms
from submissions.whatsapp_window import is_window_open
from translations.languages import LANGUAGES

OPTED_OUT = "do not want to hear from us"
AT_CAP = "have been texted often enough"
UNREACHABLE = "cannot be reached"
NO_TEMPLATE = "use WhatsApp, where the text in their language is not approved"


@dataclass(frozen=True)
class LanguagePreview:
    language: str
    people: int  # on the list
    texted: int  # of them, those who would get it now
    by_sms: int  # of those
    by_text: int  # of those: on WhatsApp, and wrote to us within the last 24 hours
    by_template: int  # of those: on WhatsApp, where only an approved wording may be sent
    without_template: int  # on WhatsApp, not texted since the wording is not approved
    text: FollowUpText | None
    size: SmsSize | None
    cost_pence: float
    fit: Fit | None  # where the wording is with WhatsApp; None when nobody has asked

    @property
    def parts(self) -> int:
        return self.by_sms * self.size.parts if self.size else 0


@dataclass(frozen=True)
class Preview:
    languages: list[LanguagePreview]
    left_out: dict[str, int]  # why -> how many of the list
    part_pence: float
    budget_pence: int
    problems: list[str]  # what must be done before it can be approved
    fingerprint: str  # of everything that is approved; another one means that something has changed

    @property
    def people(self) -> int:
        return sum(one.people for one in self.languages)

    @property
    def texted(self) -> int:
        return sum(one.texted for one in self.languages)

    @property
    def needs_templates(self) -> bool:
        """Whether anybody on the list can be reached by an approved wording only."""
        return any(one.by_template or one.without_template for one in self.languages)

    @property
    def may_ask(self) -> bool:
        """Whether there is a proof-read text that WhatsApp has not been asked about."""
        return any(
            one.without_template and one.fit is None and one.text is not None and one.text.proof_read_at
            for one in self.languages
        )

    @property
    def parts(self) -> int:
        return sum(one.parts for one in self.languages)

    @property
    def cost_pence(self) -> float:
        return sum(one.cost_pence for one in self.languages)


@dataclass(frozen=True)
class _Person:
    attendee_id: uuid.UUID
    language: str
    channel: str
    needs_template: bool
    left_out: str | None


def make_preview(db: Session, follow_up: FollowUp) -> Preview:
    """As things stand now. Nothing is kept."""
    part_pence = get_commission().follow_ups.sms_part_pence
    texts = current_texts(db, follow_up.id)
    fits = {language: find_fit(db, language, text.text) for language, text in texts.items()}
    people = _people(db, follow_up.forum_id, fits)
    languages = [
        _language(
            language,
            [one for one in people if one.language == language],
            texts.get(language),
            fits.get(language),
            part_pence,
        )
        for language in sorted({one.language for one in people} | set(texts), key=_by_name)
    ]
    left_out: dict[str, int] = {}
    for one in people:
        if one.left_out:
            left_out[one.left_out] = left_out.get(one.left_out, 0) + 1
    preview = Preview(languages, left_out, part_pence, follow_up.budget_pence, [], "")
    return Preview(
        languages,
        left_out,
        part_pence,
        follow_up.budget_pence,
        _problems(preview),
        _fingerprint(people, texts, fits, follow_up.budget_pence, part_pence),
    )


def _by_name(code: str) -> str:
    return LANGUAGES[code].english_name if code in LANGUAGES else code


def _people(db: Session, forum_id: uuid.UUID, fits: Mapping[str, Fit | None]) -> list[_Person]:
    rows = db.execute(
        select(Attendee, Address)
        .join(Address, Address.id == Attendee.address_id)
        .where(Attendee.forum_id == forum_id)
        .order_by(Attendee.id)
    ).all()
    silent = set(
        db.scalars(
            select(OptOut.address_id)
            .join(Attendee, Attendee.address_id == OptOut.address_id)
            .where(
                Attendee.forum_id == forum_id,
                OptOut.purpose == Purpose.FOLLOW_UPS,
                OptOut.ended_at.is_(None),
            )
        )
    )
    times = ledger.times_asked(db, {attendee.person_hash for attendee, _ in rows})
    now = utc_now()
    people = []
    for attendee, address in rows:
        needs_template = address.channel == Channel.WHATSAPP and not is_window_open(
            address.last_inbound_at, address.window_closed_at, now
        )
        fit = fits.get(attendee.language)
        left_out = None
        if address.id in silent:
            left_out = OPTED_OUT
        elif address.invalid_at is not None or not address.address_encrypted:
            left_out = UNREACHABLE
        elif ledger.is_at_cap(times.get(attendee.person_hash, 0)):
            left_out = AT_CAP
        elif needs_template and (fit is None or not fit.is_approved):
            left_out = NO_TEMPLATE
        people.append(_Person(attendee.id, attendee.language, address.channel, needs_template, left_out))
    return people


def _language(
    language: str, people: list[_Person], text: FollowUpText | None, fit: Fit | None, part_pence: float
) -> LanguagePreview:
    texted = [one for one in people if one.left_out is None]
    by_sms = sum(one.channel == Channel.SMS for one in texted)
    by_template = sum(one.needs_template for one in texted)
    size = measure_sms(text.text) if text is not None else None
    return LanguagePreview(
        language=language,
        people=len(people),
        texted=len(texted),
        by_sms=by_sms,
        by_text=len(texted) - by_sms - by_template,
        by_template=by_template,
        without_template=sum(one.left_out == NO_TEMPLATE for one in people),
        text=text,
        size=size,
        cost_pence=by_sms * size.parts * part_pence if size else 0.0,
        fit=fit,
    )


def _problems(preview: Preview) -> list[str]:
    problems = []
    if not preview.people:
        problems.append("Nobody is on the forum's list yet.")
    elif not preview.texted:
        problems.append("Nobody on the list can be texted now.")
    for one in preview.languages:
        name = _by_name(one.language)
        if not one.people:
            continue
        if one.text is None:
            problems.append(f"{name}: write the text; {one.people} on the list read it.")
        elif one.text.proof_read_at is None:
            problems.append(f"{name}: have version {one.text.version} of the text read by a speaker.")
    if preview.cost_pence > preview.budget_pence:
        problems.append("It costs more than its budget. Raise the budget or shorten the texts.")
    return problems


def _fingerprint(
    people: list[_Person],
    texts: dict[str, FollowUpText],
    fits: Mapping[str, Fit | None],
    budget_pence: int,
    part_pence: float,
) -> str:
    facts = [
        sorted(str(one.attendee_id) for one in people),
        sorted((language, text.version, text.proof_read_at is not None) for language, text in texts.items()),
        sorted(language for language, fit in fits.items() if fit is not None and fit.is_approved),
        budget_pence,
        part_pence,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
