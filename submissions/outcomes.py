"""You said, we did: what came of the views on each theme, written, signed off by somebody else, published.

Each theme has versions. One is proposed at a time; publishing it replaces the one before. From then on
neither its English nor a person's translation changes. A machine translates what no person has, and says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import flag_modified

from submissions import audit
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import SubmissionError, SubmissionNotFound
from submissions.models import Outcome, OutcomeAnnouncement, OutcomeState, OutcomeText, utc_now
from submissions.translation_jobs import get_engine
from translations import quality
from translations.engine import Translation
from translations.errors import LanguagePairNotInstalled, TranslationError, TranslationFailed

ENGLISH = "en"
TEXT_LIMIT = 3_000  # characters of each half
OPEN = (OutcomeState.DRAFT, OutcomeState.PROPOSED)
SHOWN_VERSIONS = 20
# (outcome, language) that a machine failed at in this process: tried once more only after a restart.
_failed: set[tuple[uuid.UUID, str]] = set()


class OutcomeRefused(SubmissionError):
    """What was asked for cannot be done; `problems` says why, in sentences."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Shown:
    """An outcome in a language. `made_by` is machine or person, and empty where the text is the English."""

    theme_name: str
    theme_language: str  # of the theme's name
    said: str
    did: str
    language: str
    made_by: str
    english_said: str
    english_did: str


def published_in(db: Session, language: str) -> list[Shown]:
    """What stands on the public page, in the order of the themes; in English where a language lacks it."""
    rows = db.scalars(
        select(Outcome)
        .where(Outcome.state == OutcomeState.PUBLISHED)
        .options(selectinload(Outcome.texts))
        .order_by(Outcome.published_at)
    ).all()
    names = {theme.key: theme.name_in(language) for theme in get_commission().themes}
    places = {key: place for place, key in enumerate(names)}
    rows = sorted(rows, key=lambda row: places.get(row.theme_key, len(places)))
    return [_shown(row, names.get(row.theme_key, (row.theme_key, ENGLISH)), language) for row in rows]


def _shown(row: Outcome, name: tuple[str, str], language: str) -> Shown:
    text = next((one for one in row.texts if one.language == language), None)
    if text is None or language == ENGLISH:
        return Shown(*name, row.said, row.did, ENGLISH, "", row.said, row.did)
    return Shown(*name, text.said, text.did, language, text.made_by, row.said, row.did)


def versions_of(db: Session, theme_key: str) -> Sequence[Outcome]:
    """The versions of a theme, the newest first. Raises SubmissionNotFound for an unknown theme."""
    _theme_name(theme_key)
    return db.scalars(
        select(Outcome)
        .where(Outcome.theme_key == theme_key)
        .options(selectinload(Outcome.texts))
        .order_by(Outcome.number.desc())
        .limit(SHOWN_VERSIONS)
    ).all()


def save(actor: str, theme_key: str, said: str, did: str, *, version: int | None = None) -> uuid.UUID:
    """The draft of a theme with these words: the open one changed, or a new version.

    `version` is of the draft the writer saw. A proposed one becomes a draft again, its translations gone.
    Raises OutcomeRefused, SubmissionNotFound.
    """
    said, did = _checked(said, did)
    name = _theme_name(theme_key)
    with unit_of_work() as db:
        rows = db.scalars(select(Outcome).where(Outcome.theme_key == theme_key).with_for_update()).all()
        draft = next((row for row in rows if row.state in OPEN), None)
        if draft is None and version is not None:
            raise OutcomeRefused(f"Somebody published or changed “{name}” meanwhile. Look at it first.")
        if draft is not None and draft.version != version:
            raise OutcomeRefused(f"Somebody changed the draft of “{name}” meanwhile. Look at it first.")
        if draft is None:
            number = max((row.number for row in rows), default=0) + 1
            draft = Outcome(id=uuid.uuid4(), theme_key=theme_key, number=number, said=said, did=did)
            draft.written_by = actor
            db.add(draft)
        elif (draft.said, draft.did) != (said, did):
            draft.said, draft.did, draft.written_by = said, did, actor
            draft.written_at, draft.state, draft.proposed_by = utc_now(), OutcomeState.DRAFT, None
            draft.texts.clear()
        db.flush()
        _record(db, actor, "outcome.written", draft)
        return draft.id


def set_text(actor: str, outcome_id: uuid.UUID, language: str, said: str, did: str) -> None:
    """A person's words for the whole of a version that is not published yet. Raises OutcomeRefused,
    SubmissionNotFound."""
    said, did = _checked(said, did)
    if language == ENGLISH or language not in get_commission().languages:
        raise OutcomeRefused("Choose one of the languages that are offered.")
    with unit_of_work() as db:
        row = _locked(db, outcome_id)
        if row.state not in OPEN:
            raise OutcomeRefused("It is published. Write a new version to change it.")
        _put_text(
            row, OutcomeText(language=language, said=said, did=did, made_by="person", person=actor, flags=[])
        )
        flag_modified(row, "state")  # whoever is about to publish it has not seen this text
        db.flush()
        _record(db, actor, "outcome.translated", row, language=language)


def propose(actor: str, outcome_id: uuid.UUID) -> None:
    """Asks somebody else to publish it; machines translate it meanwhile. Raises OutcomeRefused,
    SubmissionNotFound."""
    with unit_of_work() as db:
        row = _locked(db, outcome_id)
        if row.state == OutcomeState.PROPOSED:
            return
        if row.state != OutcomeState.DRAFT:
            raise OutcomeRefused("Only a draft can be proposed.")
        row.state, row.proposed_by = OutcomeState.PROPOSED, actor
        _record(db, actor, "outcome.proposed", row)


def publish(actor: str, outcome_id: uuid.UUID, *, version: int) -> None:
    """Signs it off: it is public from now on, and replaces the version before it.

    Whoever wrote or proposed it does not publish it. Raises OutcomeRefused, SubmissionNotFound.
    """
    with unit_of_work() as db:
        row = _locked(db, outcome_id)
        if row.state == OutcomeState.PUBLISHED:
            return
        if row.state != OutcomeState.PROPOSED or row.version != version:
            raise OutcomeRefused("It was changed since you looked at it. Look at it again.")
        if actor in (row.written_by, row.proposed_by):
            raise OutcomeRefused("Somebody else must publish it: you wrote or proposed it.")
        for other in db.scalars(
            select(Outcome)
            .where(Outcome.theme_key == row.theme_key, Outcome.state == OutcomeState.PUBLISHED)
            .with_for_update()
        ):
            other.state = OutcomeState.REPLACED
        row.state, row.published_by, row.published_at = OutcomeState.PUBLISHED, actor, utc_now()
        _record(db, actor, "outcome.published", row, languages=len(row.texts) + 1)


def retire(actor: str, outcome_id: uuid.UUID) -> None:
    """Takes it off the public page. Raises SubmissionNotFound."""
    with unit_of_work() as db:
        row = _locked(db, outcome_id)
        if row.state == OutcomeState.PUBLISHED:
            row.state = OutcomeState.RETIRED
            _record(db, actor, "outcome.retired", row)


def delete(actor: str, outcome_id: uuid.UUID) -> None:
    """Deletes a version that is not public, its translations with it, for good: it may quote what a resident
    has had erased. Raises OutcomeRefused, SubmissionNotFound."""
    with unit_of_work() as db:
        row = _locked(db, outcome_id)
        if row.state == OutcomeState.PUBLISHED:
            raise OutcomeRefused("It is published. Take it off the page first.")
        _record(db, actor, "outcome.deleted", row)
        db.delete(row)


def announce(actor: str) -> None:
    """Those who agreed to hear back until now are told, once each.

    Raises OutcomeRefused when there is nothing to tell of.
    """
    with unit_of_work() as db:
        if not db.scalar(
            select(func.count()).select_from(Outcome).where(Outcome.state == OutcomeState.PUBLISHED)
        ):
            raise OutcomeRefused("Publish an outcome first.")
        announcement = OutcomeAnnouncement(id=uuid.uuid4(), announced_by=actor)
        db.add(announcement)
        audit.record(db, actor, "outcome.announced", "outcome", announcement.id)


def last_announcement(db: Session) -> OutcomeAnnouncement | None:
    newest = select(OutcomeAnnouncement).order_by(OutcomeAnnouncement.announced_at.desc()).limit(1)
    return db.scalars(newest).one_or_none()


def translate_waiting() -> int:
    """Lets the machine translate what is proposed or published, where a language has no text yet; how many.

    A language without a package is left for a person, and tried again when one is installed.
    """
    languages = [code for code in get_commission().languages if code != ENGLISH]
    with unit_of_work(read_only=True) as db:
        rows = db.scalars(
            select(Outcome)
            .where(Outcome.state.in_([OutcomeState.PROPOSED, OutcomeState.PUBLISHED]))
            .options(selectinload(Outcome.texts))
        ).all()
        waiting = [
            (row.id, row.said, row.did, language)
            for row in rows
            for language in languages
            if language not in {text.language for text in row.texts} and (row.id, language) not in _failed
        ]
    count = 0
    for outcome_id, said, did, language in waiting:
        made = _translate(outcome_id, said, did, language)
        if made is None:
            continue
        with unit_of_work() as db:
            row = db.get(Outcome, outcome_id, with_for_update=True)
            # Written anew, or translated by a person, while the machine was at work.
            if row is None or (row.said, row.did) != (said, did):
                continue
            if language not in {text.language for text in row.texts}:
                row.texts.append(made)
                count += 1
    return count


def _translate(outcome_id: uuid.UUID, said: str, did: str, language: str) -> OutcomeText | None:
    try:
        results = get_engine().translate_texts([said, did], source_language=ENGLISH, target_language=language)
    except LanguagePairNotInstalled:
        return None
    if any(isinstance(result, LanguagePairNotInstalled) for result in results):
        return None
    made: list[Translation] = []
    for result in results:
        if isinstance(result, TranslationError) and not isinstance(result, TranslationFailed):
            raise result
        if isinstance(result, Translation) and result.text.strip():
            made.append(result)
    if len(made) < 2:
        _failed.add((outcome_id, language))
        return None
    estimates = [
        quality.estimate(source, one.text, source_language=ENGLISH, target_language=language)
        for source, one in zip((said, did), made, strict=True)
    ]
    return OutcomeText(
        language=language,
        said=made[0].text.strip(),
        did=made[1].text.strip(),
        made_by="machine",
        model=made[0].model[:120],
        quality=min(estimate.score for estimate in estimates),
        flags=sorted({flag for estimate in estimates for flag in estimate.flags}),
    )


def _put_text(row: Outcome, text: OutcomeText) -> None:
    """In place of the machine's whole text or an earlier person's, never of half of it."""
    known = next((one for one in row.texts if one.language == text.language), None)
    if known is None:
        row.texts.append(text)
        return
    for name in ("said", "did", "made_by", "person", "flags"):
        setattr(known, name, getattr(text, name))
    known.model, known.quality, known.made_at = None, None, utc_now()


def _locked(db: Session, outcome_id: uuid.UUID) -> Outcome:
    row = db.get(Outcome, outcome_id, with_for_update=True)
    if row is None:
        raise SubmissionNotFound(str(outcome_id))
    return row


def _checked(said: str, did: str) -> tuple[str, str]:
    said, did = (text.replace("\r\n", "\n").replace("\0", "").strip() for text in (said, did))
    problems = []
    if not said or not did:
        problems.append("Write both what people said and what was done.")
    if max(len(said), len(did)) > TEXT_LIMIT:
        problems.append(f"Each part has at most {TEXT_LIMIT:,} characters.")
    if problems:
        raise OutcomeRefused(*problems)
    return said, did


def _theme_name(theme_key: str) -> str:
    try:
        return get_commission().theme(theme_key).name
    except KeyError as error:
        raise SubmissionNotFound(theme_key) from error


def _record(db: Session, actor: str, action: str, row: Outcome, **details: object) -> None:
    audit.record(db, actor, action, "outcome", row.id, theme=row.theme_key, number=row.number, **details)
