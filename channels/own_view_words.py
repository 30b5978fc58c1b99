"""What the gateway adds to the assistant's answers about one's own view: where to see it, and hearing back.

The assistant knows neither web addresses nor telephones; the question about hearing back is asked once, by
telephone only, since nobody can be written to on the web.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from channels.rendering import TEXT_CHANNELS
from channels.settings import get_settings
from submissions import rights
from submissions.database import unit_of_work

MY_SUBMISSION_PATH = "/my-submission"
STATUS_KEYS = frozenset({"status_received", "status_being_translated", "status_in_review", "status_approved"})
HEAR_BACK, HEAR_NOTHING = "hear_back", "hear_nothing"
HEAR_BACK_OPTIONS = (
    {"key": "option_hear_back", "payload": HEAR_BACK},
    {"key": "option_hear_nothing", "payload": HEAR_NOTHING},
)

Addition = tuple[str, dict[str, Any], Sequence[dict[str, str]]]


def what_to_add(conversation_id: uuid.UUID, channel: str, keys: Sequence[str]) -> list[Addition]:
    """(key, arguments, options) of what follows the assistant's answers with these keys."""
    if STATUS_KEYS & set(keys):
        return [("status_more", {"address": my_submission_address()}, ())]
    if "submission_saved" in keys and channel in TEXT_CHANNELS:
        with unit_of_work(read_only=True) as db:
            if not rights.has_been_asked(db, conversation_id):
                return [(rights.ASK_HEAR_BACK, {}, HEAR_BACK_OPTIONS)]
    return []


def read_hear_back_step(conversation_id: uuid.UUID, channel: str, choice: str | None) -> str | None:
    """The key of our answer to the question about hearing back, or None for anything else. Safe to repeat."""
    if channel not in TEXT_CHANNELS or choice not in (HEAR_BACK, HEAR_NOTHING):
        return None
    wants = choice == HEAR_BACK
    with unit_of_work() as db:
        is_kept = rights.agree_to_hear_back(db, conversation_id, wants, way="conversation")
    return "hear_back_kept" if wants and is_kept else "hear_back_not"


def my_submission_address() -> str:
    return get_settings().resolved_public_url + MY_SUBMISSION_PATH
