"""Recordings on the desk: who may hear them, and that nothing in a file can run."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from submissions.addresses import configure_keys
from submissions.database import unit_of_work
from submissions.media import MediaStore, keep_content
from submissions.models import AuditEntry, MediaFile, Role, Submission, Transcript, TranscriptState
from submissions.settings import StoreSettings
from tests.factories import make_conversation, make_message
from tests.submissions.desk_site import Desk, make_app, make_reviewer, make_submission

PAGE = b"<!doctype html><script>alert(1)</script>"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def store(sqlite_database, tmp_path):
    configure_keys(StoreSettings(data=tmp_path))
    return MediaStore(tmp_path)


def make_media(store, content, message_id=None, **values):
    message_id = message_id or make_message(make_conversation())
    with unit_of_work() as db:
        media = MediaFile(message_id=message_id, position=0)
        db.add(media)
        db.flush()
        media_id = media.id
    keep_content(store, media_id, content)
    with unit_of_work() as db:
        media = db.get(MediaFile, media_id)
        for name, value in values.items():
            setattr(media, name, value)
    return media_id


@pytest.fixture
def desk(store, tmp_path):
    app = make_app()
    app.state.data = tmp_path
    make_reviewer()
    return Desk(app).signed_in()


def test_a_recording_can_be_heard_and_marked_as_listened_to_once(desk, store):
    media_id = make_media(store, b"OggS" + bytes(100), detected_type="audio/ogg")
    with unit_of_work() as db:
        db.add(
            Transcript(
                media_file_id=media_id,
                state=TranscriptState.FOR_A_PERSON,
                doubt="unclear",
                text="<b>quizás</b>",
                language="es",
                attempts=1,
            )
        )
    shown = desk.get("/desk/recordings")
    assert f'src="/desk/recordings/{media_id}/file"' in shown.text
    assert "heard unclearly" in shown.text
    assert "&lt;b&gt;quizás" in shown.text
    assert "media-src 'self'" in shown.headers["content-security-policy"]
    heard = desk.get(f"/desk/recordings/{media_id}/file")
    assert (heard.content[:4], heard.headers["content-type"]) == (b"OggS", "audio/ogg")
    assert desk.post(f"/desk/recordings/{media_id}/listened", page="/desk/recordings").status_code == 303
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Transcript.listened_by)).one() == "reviewer:ana"
        assert len(db.scalars(select(AuditEntry).where(AuditEntry.action == "recording.listened")).all()) == 1
    assert "I have listened" not in desk.get("/desk/recordings").text


def test_what_may_hold_a_script_is_saved_and_never_opened(desk, store):
    page, picture = make_media(store, PAGE), make_media(store, PICTURE)
    answer = desk.get(f"/desk/recordings/{page}/file")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    shown = desk.get(f"/desk/recordings/{picture}/file")
    assert shown.headers["content-type"] == "image/png"
    assert "content-disposition" not in shown.headers


def test_nobody_hears_recordings_without_signing_in_and_a_viewer_marks_none(desk, store):
    media_id = make_media(store, b"OggS" + bytes(100), detected_type="audio/ogg")
    stranger = Desk(desk.client.app)
    assert stranger.get(f"/desk/recordings/{media_id}/file").status_code == 303
    make_reviewer("vera", Role.VIEWER, "Vera")
    viewer = Desk(desk.client.app).signed_in("vera")
    assert viewer.get(f"/desk/recordings/{media_id}/file").status_code == 200
    assert "I have listened" not in viewer.get("/desk/recordings").text


def test_a_file_that_was_erased_is_not_found(desk, store):
    media_id = make_media(store, PICTURE)
    for path in store.folder.iterdir():
        path.unlink()
    assert desk.get(f"/desk/recordings/{media_id}/file").status_code == 404


def test_a_recording_is_played_beside_the_view_and_what_came_without_words_is_said(desk, store):
    reference = make_submission("A biblioteca fechou.", english=["The library closed."])
    with unit_of_work(read_only=True) as db:
        conversation_id = db.scalars(select(Submission.conversation_id)).one()
    spoken = make_message(conversation_id, "")
    media_id = make_media(store, b"OggS" + bytes(100), spoken, detected_type="audio/ogg")
    make_message(conversation_id, "")
    shown = desk.get(f"/desk/submissions/{reference}")
    assert f'src="/desk/recordings/{media_id}/file" aria-label="Recording received' in shown.text
    assert shown.text.count("No words: a place, a contact or a reaction") == 1
    assert "media-src 'self'" in shown.headers["content-security-policy"]
