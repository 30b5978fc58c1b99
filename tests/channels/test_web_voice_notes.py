"""Voice notes of the web chat: the bearer token's owner's only, recordings only, once."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.media import MediaStore
from submissions.models import MediaFile, MediaState
from tests.channels.conftest import wait_until
from tests.translations.speech.conftest import SAMPLE_RATE, voice_note  # noqa: F401  a fixture


@pytest.fixture
def note(voice_note) -> bytes:  # noqa: F811
    return voice_note(np.zeros(SAMPLE_RATE)).read_bytes()


def post(chat, content, client_message_id="note-1", **headers):
    return chat.gateway.http.post(
        f"{chat.path}/voice-notes",
        params={"client_message_id": client_message_id},
        content=content,
        headers={**chat.headers, "Content-Type": "audio/webm", **headers},
    )


def media() -> list[MediaFile]:
    with unit_of_work(read_only=True) as db:
        return list(db.scalars(select(MediaFile)))


def test_a_voice_note_is_kept_once_and_acknowledged(gateway, note):
    chat = gateway.begin()
    assert chat.say("English")
    for _ in range(2):
        assert post(chat, note).status_code == 202
    wait_until(lambda: chat.keys()[-1] == "voice_note_received")
    assert chat.keys().count("voice_note_received") == 1
    (kept,) = media()
    assert (kept.state, kept.detected_type, kept.byte_count) == (MediaState.STORED, "audio/ogg", len(note))
    assert MediaStore(gateway.settings.data).read(kept.stored_name) == note


def test_before_a_language_is_chosen_it_is_kept_and_the_menu_comes_again(sqlite_gateway, note):
    chat = sqlite_gateway.begin()
    assert post(chat, note).status_code == 202
    wait_until(lambda: chat.keys()[1:] == ["voice_note_received", "choose_language"])


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "not_a_recording"),
        (b"<script>alert(1)</script>", 422, "not_a_recording"),
        (b"\xff\xd8\xff\xe0" + bytes(100), 422, "not_a_recording"),
        (bytes(16 * 1024 * 1024 + 1), 422, "too_large"),
    ],
)
def test_anything_else_is_refused(sqlite_gateway, content, status, code):
    chat = sqlite_gateway.begin()
    refused = post(chat, content)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert media() == []


def test_it_needs_the_conversations_own_token(sqlite_gateway, note):
    chat, other = sqlite_gateway.begin(), sqlite_gateway.begin()
    assert post(chat, note, Authorization="").status_code == 401
    assert post(chat, note, Authorization=other.headers["Authorization"]).status_code == 403
    chat.conversation_id = str(uuid.uuid4())
    assert post(chat, note).status_code == 404
    assert media() == []
