"""Recordings on the desk: who may hear them, and that nothing in a file can run."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from submissions.addresses import configure_keys
from submissions.conversations import OutboundMessage, record_replies
from submissions.database import unit_of_work
from submissions.media import MediaStore, keep_content
from submissions.models import (
    AuditEntry,
    MediaFile,
    Redaction,
    Role,
    SafeguardingLead,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    Transcript,
    TranscriptState,
    utc_now,
)
from submissions.redactions import Redactions
from submissions.review import reading, redacting
from submissions.review.sessions import Principal
from submissions.settings import StoreSettings
from tests.factories import make_conversation, make_message
from tests.submissions.desk_site import Desk, find, hidden, make_app, make_reviewer, make_submission

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
    _, media_id = make_spoken_view(store)
    stranger = Desk(desk.client.app)
    assert stranger.get(f"/desk/recordings/{media_id}/file").status_code == 303
    make_reviewer("vera", Role.VIEWER, "Vera")
    viewer = Desk(desk.client.app).signed_in("vera")
    assert viewer.get(f"/desk/recordings/{media_id}/file").status_code == 200
    assert "I have listened" not in viewer.get("/desk/recordings").text


READERS = [Role.VIEWER, Role.REVIEWER, Role.SAFEGUARDING_LEAD, Role.MANAGER, Role.ADMIN]


def make_spoken_view(store, **values) -> tuple[str, object]:
    """A view whose words were heard in a recording, which the resident agreed to."""
    reference = make_submission("Chamo-me Rita.", english=["My name is Rita."], channel="whatsapp", **values)
    conversation_id = find(reference).conversation_id
    spoken = make_message(conversation_id, "")
    media_id = make_media(store, b"OggS" + bytes(100), spoken, detected_type="audio/ogg")
    with unit_of_work() as db:
        heard = db.scalars(
            select(SubmissionPart.message_id).where(SubmissionPart.submission_id == find(reference).id)
        ).one()
        db.add(
            Transcript(
                media_file_id=media_id,
                state=TranscriptState.AGREED,
                text="Chamo-me Rita.",
                language="pt",
                attempts=1,
                message_id=heard,
            )
        )
        record_replies(
            db,
            spoken,
            [OutboundMessage("voice_note_heard", "Chamo-me Rita.", "pt")],
        )
    return reference, media_id


def redact_the_name(reference: str) -> None:
    ana = Principal("reviewer:ana", "Ana", Role.REVIEWER, None)
    with unit_of_work(read_only=True) as db:
        line = redacting.lines_of(reading.find_submission(db, ana, reference), Redactions())[0]
    redacting.redact(ana, reference, redacting.Mark(line.key, "Rita", "Rita", False, "name", "a name"))


def person(desk: Desk, role: str) -> Desk:
    make_reviewer("someone", role, "Someone")
    return Desk(desk.client.app).signed_in("someone")


def name_lead() -> None:
    lead = make_reviewer("lea", Role.REVIEWER, "Lea")
    with unit_of_work() as db:
        db.add(SafeguardingLead(reviewer_id=lead.id, named_by="reviewer:boss"))


@pytest.mark.parametrize("role", READERS)
def test_a_recording_of_redacted_words_is_heard_by_who_may_see_them_and_that_is_audited(desk, store, role):
    reference, media_id = make_spoken_view(store)
    redact_the_name(reference)
    someone = person(desk, role)
    may_hear = role != Role.VIEWER
    page = someone.get("/desk/recordings").text
    assert "Rita" not in page
    assert "Words of this conversation are redacted" in page
    assert (f"/desk/recordings/{media_id}/file" in page) is may_hear
    answer = someone.get(f"/desk/recordings/{media_id}/file")
    assert answer.status_code == (200 if may_hear else 403)
    with unit_of_work(read_only=True) as db:
        played = db.scalars(select(AuditEntry).where(AuditEntry.action == "recording.played")).all()
    assert [entry.details for entry in played] == ([{"is_redacted": True}] if may_hear else [])
    # On the view's own page the words are covered, what was read back too, and nothing plays them.
    view = someone.get(f"/desk/submissions/{reference}").text
    assert "Chamo-me [redacted]." in view
    assert "Chamo-me Rita" not in view
    assert f'src="/desk/recordings/{media_id}/file"' not in view
    assert ("it is heard on the page of recordings" in view) is may_hear


def test_a_redaction_that_was_taken_back_covers_no_recording(desk, store):
    reference, media_id = make_spoken_view(store)
    redact_the_name(reference)
    with unit_of_work() as db:
        db.scalars(select(Redaction)).one().ended_at = utc_now()
    viewer = person(desk, Role.VIEWER)
    assert viewer.get(f"/desk/recordings/{media_id}/file").status_code == 200
    assert "Chamo-me Rita." in viewer.get("/desk/recordings").text


@pytest.mark.parametrize("has_lead", [False, True])
@pytest.mark.parametrize("role", READERS)
def test_a_recording_in_an_urgent_view_is_heard_by_who_finds_the_view(desk, store, role, has_lead):
    reference, media_id = make_spoken_view(store, is_urgent=True)
    if has_lead:
        name_lead()
    someone = person(desk, role)
    finds = someone.get(f"/desk/submissions/{reference}").status_code == 200
    assert finds is (role != Role.VIEWER or not has_lead)
    assert someone.get(f"/desk/recordings/{media_id}/file").status_code == (200 if finds else 404)
    page = someone.get("/desk/recordings").text
    assert (str(media_id) in page, "Rita" in page) == (finds, finds)


@pytest.mark.parametrize("has_lead", [False, True])
@pytest.mark.parametrize("role", READERS)
def test_a_recording_that_told_of_danger_without_a_view_is_the_leads(desk, store, role, has_lead):
    media_id = make_media(
        store, b"OggS" + bytes(9), make_message(make_conversation(is_urgent=True)), detected_type="audio/ogg"
    )
    if has_lead:
        name_lead()
    someone = person(desk, role)
    hears = role != Role.VIEWER and (role != Role.REVIEWER or not has_lead)
    assert someone.get(f"/desk/recordings/{media_id}/file").status_code == (200 if hears else 404)
    assert (str(media_id) in someone.get("/desk/recordings").text) is hears
    token = hidden(someone.get("/desk/password").text, "csrf_token")
    answer = someone.client.post(f"/desk/recordings/{media_id}/listened", data={"csrf_token": token})
    assert answer.status_code == (303 if hears else 403 if role == Role.VIEWER else 404)


def test_a_recording_of_a_view_that_was_taken_back_is_heard_by_nobody_else_until_it_is_erased(desk, store):
    reference, media_id = make_spoken_view(store)
    conversation_id = find(reference).conversation_id
    later = make_message(conversation_id, "")
    other = make_media(store, b"OggS" + bytes(9), later, detected_type="audio/ogg")
    with unit_of_work() as db:
        db.get_one(Submission, find(reference).id).status = SubmissionStatus.WITHDRAWN
    viewer = person(desk, Role.VIEWER)
    assert viewer.get(f"/desk/recordings/{media_id}/file").status_code == 404
    with unit_of_work() as db:
        db.execute(delete(SubmissionPart))  # its words are erased; the conversation goes on
    assert viewer.get(f"/desk/recordings/{other}/file").status_code == 200


def test_the_lead_plays_it_on_the_safeguarding_page(desk, store):
    conversation_id = make_conversation(is_urgent=True)
    media_id = make_media(store, b"OggS" + bytes(9), make_message(conversation_id), detected_type="audio/ogg")
    name_lead()
    page = Desk(desk.client.app).signed_in("lea").get(f"/desk/safeguarding/conversations/{conversation_id}")
    assert f'src="/desk/recordings/{media_id}/file"' in page.text
    assert "media-src 'self'" in page.headers["content-security-policy"]


def test_what_nobody_sent_yet_is_heard_by_reviewers_alone(desk, store):
    media_id = make_media(store, b"OggS" + bytes(9), detected_type="audio/ogg")
    assert desk.get(f"/desk/recordings/{media_id}/file").status_code == 200
    viewer = person(desk, Role.VIEWER)
    assert viewer.get(f"/desk/recordings/{media_id}/file").status_code == 404
    assert str(media_id) not in viewer.get("/desk/recordings").text


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
    assert shown.text.count("Neither words nor a file that could be read") == 1
    assert "media-src 'self'" in shown.headers["content-security-policy"]
