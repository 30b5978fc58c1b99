"""A draft's own words and its English, for the preview a resident checks before sending."""

from __future__ import annotations

import time
import uuid

from sqlalchemy.orm import Session

from channels.rendering import DraftTexts
from submissions.database import unit_of_work
from submissions.models import Submission, SubmissionPart
from submissions.translation_jobs import draft_translation_state

LOOK_AGAIN_SECONDS = 0.15
PREVIEW_KEY_OF = {
    "not_needed": "preview_english",
    "ready": "preview_translated",
    "person": "preview_person",
    None: "preview_later",  # still at work
}


def read_draft(db: Session, draft_id: uuid.UUID) -> DraftTexts | None:
    """The texts of a draft, its parts joined by line breaks; None when there is no such draft.

    `english` is None unless every sentence has a translation: half a preview would pass for the whole.
    """
    draft = db.get(Submission, draft_id)
    if draft is None:
        return None
    translations = [_english_of(part) for part in draft.parts]
    return DraftTexts(
        original="\n".join(part.original_text for part in draft.parts),
        language=draft.source_language,
        english="\n".join(text for text in translations if text is not None)
        if translations and None not in translations
        else None,
    )


def wait_for_preview(draft_id: uuid.UUID, *, seconds: float) -> str:
    """The message key of the draft's preview, once its translation is done or `seconds` have gone."""
    end = time.monotonic() + seconds
    while True:
        with unit_of_work(read_only=True) as db:
            draft = db.get(Submission, draft_id)
            state = draft_translation_state(db, draft) if draft is not None else None
        if state is not None or time.monotonic() >= end:
            return PREVIEW_KEY_OF[state]
        time.sleep(LOOK_AGAIN_SECONDS)


def _english_of(part: SubmissionPart) -> str | None:
    pieces: list[str] = []
    for segment in part.segments:
        original = part.original_text[segment.start : segment.end]
        # Spaces and line breaks between sentences are the original's; a translation has none at its ends.
        space = original[len(original.rstrip()) :]
        if not original.strip():
            pieces.append(original)
            continue
        current = [row for row in segment.translations if row.is_current and row.target_language == "en"]
        if not current or current[-1].text is None:
            return None
        pieces.append(current[-1].text + space)
    return "".join(pieces) if pieces else None
