"""Faults of our own in the workers: named by id, kind and place, never by their words; they stop nobody."""

from __future__ import annotations

import logging
import uuid

import pytest
from sqlalchemy.exc import IntegrityError

from channels import media, voice_notes
from channels.faults import fault
from channels.media import MediaWorker
from channels.settings import Settings
from channels.voice_notes import VoiceNoteWorker
from submissions.addresses import configure_keys
from submissions.database import unit_of_work
from submissions.models import MediaFile, Transcript, TranscriptState
from submissions.voice_notes import ToTranscribe
from tests.channels.phone import rows
from tests.factories import make_conversation, make_message

SECRET = "Więcej światła w parku, mówi Ana +447700900123"


@pytest.fixture
def settings(sqlite_database, tmp_path) -> Settings:
    made = Settings(
        data=tmp_path,
        database_url=sqlite_database,
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token="token",
    )
    configure_keys(made)
    return made


def broken(*_: object, **__: object) -> None:
    raise IntegrityError("INSERT INTO message", {"original_text": SECRET}, Exception(SECRET))


def a_file() -> uuid.UUID:
    message_id = make_message(make_conversation())
    with unit_of_work() as db:
        file = MediaFile(message_id=message_id, position=0, source_url="https://api.twilio.com/x")
        db.add(file)
        db.flush()
        return file.id


def test_a_fault_is_named_by_its_kind_and_place():
    try:
        broken()
    except IntegrityError as error:
        named = fault(error)
    assert named.startswith("IntegrityError at tests/channels/test_faults.py:")
    assert SECRET not in named
    assert fault(ValueError(SECRET)) == "ValueError"


def test_a_fault_while_a_file_is_kept_names_the_file_and_keeps_nobody_waiting(settings, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    first, second = a_file(), a_file()
    monkeypatch.setattr(media, "fetch", lambda *_: b"x")
    monkeypatch.setattr(media, "keep_content", broken)
    worker = MediaWorker(settings)
    assert worker.fetch_next()
    assert worker.fetch_next()
    assert not worker.fetch_next()
    assert {file.id: file.last_error for file in rows(MediaFile)} == {
        first: "IntegrityError",
        second: "IntegrityError",
    }
    assert all(file.next_attempt_at is not None for file in rows(MediaFile))
    _names_but_does_not_tell(caplog, first, second)


@pytest.mark.parametrize("where", ["transcribe", "_tell"])
def test_a_fault_while_a_recording_is_heard_names_the_recording(settings, monkeypatch, caplog, where):
    caplog.set_level(logging.DEBUG)
    media_id = a_file()
    with unit_of_work() as db:
        db.add(Transcript(media_file_id=media_id, state=TranscriptState.RUNNING, attempts=1))
        message = db.get_one(MediaFile, media_id).message_id
    worker = VoiceNoteWorker(settings)
    name = worker._store.write(b"OggS")
    conversation_id = make_conversation()
    task = ToTranscribe(media_id, name, conversation_id, "whatsapp", "pl")
    monkeypatch.setattr(voice_notes, "installed_model", lambda _: settings.data)
    monkeypatch.setattr(voice_notes, "claim_next", lambda: task)
    monkeypatch.setattr(voice_notes, where, broken)
    if where == "_tell":
        monkeypatch.setattr(voice_notes, "transcribe", lambda *_, **__: None)
    assert worker.transcribe_next()
    [kept] = rows(Transcript)
    expected = TranscriptState.FOR_A_PERSON if where == "transcribe" else TranscriptState.RUNNING
    assert kept.state == expected
    assert message is not None
    _names_but_does_not_tell(caplog, media_id)


def test_a_fault_outside_any_file_ends_no_thread(settings, monkeypatch, caplog):
    worker = MediaWorker(settings)
    calls = []

    def once_broken() -> None:
        calls.append(1)
        if len(calls) == 1:
            broken()
        worker._stopping.set()

    monkeypatch.setattr(media, "claim_next_fetch", once_broken)
    monkeypatch.setattr(worker._stopping, "wait", lambda _: None)
    worker._run()
    assert len(calls) == 2
    _names_but_does_not_tell(caplog)


def _names_but_does_not_tell(caplog, *ids: uuid.UUID) -> None:
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == max(1, len(ids))
    for record in errors:
        assert "IntegrityError at tests/channels/test_faults.py:" in record.getMessage()
        assert record.exc_info is None
    assert all(any(str(one) in record.getMessage() for record in errors) for one in ids)
    assert SECRET not in caplog.text
    assert "Ana" not in caplog.text
