"""The texts of a follow-up: one a language, in versions that never change, each proof-read by a speaker."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit
from submissions.follow_ups.errors import NotAccepted, NotNow
from submissions.models import FollowUp, FollowUpState, FollowUpText, Forum, utc_now
from submissions.sms_text import count_sms_parts
from translations.languages import LANGUAGES

MESSAGE_KEY = "follow_up_invitation"
LONGEST = 600  # characters
MOST_PARTS = 4
NAME_LIMIT = 120

# The wording a new follow-up begins with: (language, name of the forum) -> text, or None where there is no
# catalogue. `channels` knows the catalogues and sets it.
DefaultWording = Callable[[str, str], str | None]
_default_wording: list[DefaultWording] = []


def use_default_wording(wording: DefaultWording) -> None:
    _default_wording[:] = [wording]


def default_text(language: str, forum: Forum) -> str | None:
    return _default_wording[0](language, forum.name) if _default_wording else None


def current_texts(db: Session, follow_up_id: uuid.UUID) -> dict[str, FollowUpText]:
    """The newest version of each language."""
    rows = db.scalars(
        select(FollowUpText).where(FollowUpText.follow_up_id == follow_up_id).order_by(FollowUpText.version)
    )
    return {row.language: row for row in rows}


def earlier_versions(db: Session, follow_up_id: uuid.UUID) -> dict[str, list[FollowUpText]]:
    """All but the newest of each language, the latest first."""
    rows = db.scalars(
        select(FollowUpText)
        .where(FollowUpText.follow_up_id == follow_up_id)
        .order_by(FollowUpText.version.desc())
    )
    versions: dict[str, list[FollowUpText]] = {}
    for row in rows:
        versions.setdefault(row.language, []).append(row)
    return {language: found[1:] for language, found in versions.items()}


def save(
    db: Session, follow_up: FollowUp, language: str, text: str, *, version: int, actor: str
) -> FollowUpText:
    """A new version of the text, to be proof-read again; the same words make none.

    `version` is the one the writer saw, 0 for none. Call with the follow-up locked. Raises NotAccepted,
    NotNow.
    """
    _check_open(follow_up)
    text = text.replace("\r\n", "\n").strip()
    problem = problem_with(text) if language in LANGUAGES else "Choose a language of the list."
    if problem:
        raise NotAccepted({f"text-{language}": problem})
    current = current_texts(db, follow_up.id).get(language)
    if current is not None and current.version != version:
        raise NotNow("Somebody else has changed this text since you opened it. Read theirs first.")
    if current is not None and current.text == text:
        return current
    row = FollowUpText(
        id=uuid.uuid4(),
        follow_up_id=follow_up.id,
        language=language,
        version=(current.version if current else 0) + 1,
        text=text,
        written_by=actor,
    )
    db.add(row)
    take_back_preparation(follow_up)
    audit.record(
        db,
        actor,
        "follow_up.text_saved",
        "follow_up",
        follow_up.id,
        language=language,
        text_version=row.version,
    )
    db.flush()
    return row


def keep_proof_reading(
    db: Session, follow_up: FollowUp, language: str, *, version: int, reader: str, actor: str
) -> FollowUpText:
    """Keeps that a speaker of the language has read this version and found it right.

    Raises NotAccepted, NotNow. Call with the follow-up locked.
    """
    _check_open(follow_up)
    reader = " ".join(reader.split())
    current = current_texts(db, follow_up.id).get(language)
    if current is None or current.version != version:
        raise NotNow("There is a newer version of this text. Have that one read.")
    if not reader or len(reader) > NAME_LIMIT or not reader.isprintable():
        raise NotAccepted({f"reader-{language}": "Write the name of the speaker who has read it."})
    current.proof_read_by = reader
    current.proof_reading_kept_by = actor
    current.proof_read_at = utc_now()
    audit.record(
        db,
        actor,
        "follow_up.proof_read",
        "follow_up",
        follow_up.id,
        language=language,
        text_version=current.version,
    )
    db.flush()
    return current


def add_default_texts(
    db: Session, follow_up: FollowUp, forum: Forum, languages: list[str], actor: str
) -> None:
    """The kept wording, as first versions that a speaker has still to read."""
    for language in languages:
        text = default_text(language, forum)
        if text is not None:
            db.add(
                FollowUpText(
                    id=uuid.uuid4(),
                    follow_up_id=follow_up.id,
                    language=language,
                    version=1,
                    text=text,
                    written_by=actor,
                )
            )
    db.flush()


def take_back_preparation(follow_up: FollowUp) -> None:
    """What was to be approved has changed, so it is a draft again."""
    if follow_up.state == FollowUpState.WAITING:
        follow_up.state = FollowUpState.DRAFT
        follow_up.prepared_by = follow_up.prepared_at = None


def problem_with(text: str) -> str | None:
    if not text:
        return "Write the text."
    if len(text) > LONGEST:
        return f"At most {LONGEST} characters."
    if any(not char.isprintable() and char not in "\n\u200c\u200d\u200e\u200f" for char in text):
        return "The text holds characters that cannot be shown. Type it anew."
    if "{" in text or "}" in text:
        return "Curly brackets are sent as they are. Write the words themselves."
    if count_sms_parts(text) > MOST_PARTS:
        return f"This is {count_sms_parts(text)} SMS parts; at most {MOST_PARTS} are sent."
    return None


def _check_open(follow_up: FollowUp) -> None:
    if follow_up.state not in (FollowUpState.DRAFT, FollowUpState.WAITING):
        raise NotNow("It has been approved, so its texts stay as they are.")
