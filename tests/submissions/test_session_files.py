"""An evidence session beyond its facts: files by their content, corrections, taking back, erasing."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from openpyxl import Workbook
from sqlalchemy import select

from channels.forgetting import delete_media
from submissions import evidence_sessions, forgetting, rights, session_files
from submissions.addresses import configure_keys
from submissions.database import unit_of_work
from submissions.erasure import erase
from submissions.evidence_sessions import NotAccepted, SessionFacts
from submissions.media import MediaStore
from submissions.models import AuditEntry, EarlierText, Role, SessionFile, Submission
from submissions.settings import StoreSettings
from tests.submissions.desk_site import Desk, hidden, make_app, make_reviewer
from tests.submissions.test_evidence_sessions import FACTS, SAID, add_session, enter

ACTOR = "reviewer:ana"
PDF = b"%PDF-1.7\n" + b"notes" * 100


@pytest.fixture
def store(tmp_path, monkeypatch):
    configure_keys(StoreSettings(data=tmp_path))
    monkeypatch.setattr(forgetting, "_stores", {})
    forgetting.register_store("media files", lambda gone: delete_media(tmp_path, gone))
    return MediaStore(tmp_path)


def on_disk(store: MediaStore) -> int:
    return len(list(store.folder.iterdir())) if store.folder.is_dir() else 0


def office(kind: str, macros: bool = False) -> bytes:
    buffer = io.BytesIO()
    (docx.Document() if kind == "docx" else Workbook()).save(buffer)
    if macros:
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr("word/vbaProject.bin", b"x")
    return buffer.getvalue()


def test_files_are_known_by_content_and_named_after_it():
    assert session_files.media_type_of(PDF) == "application/pdf"
    assert session_files.media_type_of(office("docx")).endswith("wordprocessingml.document")
    assert session_files.media_type_of(office("xlsx")).endswith("spreadsheetml.sheet")
    for content in (b"<html>", b"<svg onload=1>", b"MZ\x90", b"PK\x03\x04x", office("docx", macros=True)):
        assert session_files.media_type_of(content) is None
    assert session_files.safe_name("..\\..\\a/b\u202ecod.exe", "application/pdf") == "b cod.pdf"
    assert session_files.safe_name("", "image/png") == "file.png"
    assert len(session_files.safe_name("ü" * 500, "image/png")) == 120


def test_a_file_is_kept_encrypted_and_goes_with_its_contribution_or_its_session(database, store):
    session_id = add_session()
    reference = str(enter(session_id).reference)
    session_files.attach(store, session_id, "letter.pdf", PDF, actor=ACTOR, reference=reference)
    session_files.attach(store, session_id, "minutes.pdf", PDF, actor=ACTOR)
    with pytest.raises(NotAccepted):
        session_files.attach(store, session_id, "a.html", b"<html>", actor=ACTOR)
    with pytest.raises(NotAccepted):
        session_files.attach(store, session_id, "a.pdf", PDF, actor=ACTOR, reference="OW-0000-0000")
    assert on_disk(store) == 2
    assert all(b"notes" not in path.read_bytes() for path in store.folder.iterdir())
    with unit_of_work(read_only=True) as db:
        assert store.remove_unknown(db) == 0
        assert [store.read(file.stored_name) for file in db.scalars(select(SessionFile))] == [PDF, PDF]
    with unit_of_work() as db:
        assert not evidence_sessions.remove(db, session_id, actor=ACTOR)
    erase(reference)
    assert on_disk(store) == 1
    with unit_of_work() as db:
        assert evidence_sessions.remove(db, session_id, actor=ACTOR)
    forgetting.run_due()
    assert on_disk(store) == 0


def test_a_correction_keeps_the_earlier_words_and_the_language_and_names_who_made_it(database):
    session_id = add_session()
    reference = str(enter(session_id).reference)
    with unit_of_work() as db:
        seen = rights.fingerprint(evidence_sessions.find_contribution(db, session_id, reference).parts)
    for _ in range(2):  # posted twice is once
        with unit_of_work() as db:
            evidence_sessions.correct_contribution(
                db, session_id, reference, "Hello there", form_id="f", seen=seen, actor=ACTOR
            )
    with unit_of_work() as db, pytest.raises(rights.ChangedSince):
        evidence_sessions.correct_contribution(
            db, session_id, reference, "Late", form_id="g", seen=seen, actor=ACTOR
        )
    with unit_of_work(read_only=True) as db:
        submission = evidence_sessions.find_contribution(db, session_id, reference)
        assert [part.original_text for part in submission.parts] == ["Hello there"]
        assert submission.source_language == "so"
        assert db.scalars(select(EarlierText.original_text)).all() == [SAID]
        corrected = db.scalars(select(AuditEntry).where(AuditEntry.action == "submission.corrected")).one()
        assert (corrected.actor, corrected.details["way"]) == (ACTOR, "desk")


def test_changed_facts_stay_in_the_history(database):
    session_id = add_session()
    moved = SessionFacts(**{**FACTS.__dict__, "place": "City Hall"})
    with unit_of_work() as db:
        evidence_sessions.change(db, session_id, moved, version=1, actor="reviewer:ben")
    with unit_of_work(read_only=True) as db:
        [change] = evidence_sessions.changes_of(db, session_id)
        assert (change.before, change.changed_by) == ({"place": "Church Street Library"}, "reviewer:ben")


def test_through_the_pages(sqlite_database, store, tmp_path):
    make_reviewer("ana", Role.REVIEWER)
    app = make_app()
    app.state.data = tmp_path
    desk = Desk(app).signed_in("ana")
    session_id = add_session()
    reference = str(enter(session_id).reference)
    address = f"/desk/evidence-sessions/{session_id}"
    token = {"csrf_token": hidden(desk.get(address).text, "csrf_token")}
    wrong = {"file": ("a.pdf", b"<script>", "application/pdf")}
    refused = desk.client.post(f"{address}/files", data=token, files=wrong)
    assert refused.status_code == 422
    assert "Only PDF" in refused.text
    right = {"file": ("note <b>é.pdf", PDF, "text/html")}
    assert desk.client.post(f"{address}/files", data=token, files=right).status_code == 303
    with unit_of_work(read_only=True) as db:
        [file] = session_files.list_files(db, session_id)
    got = desk.get(f"{address}/files/{file.id}")
    assert got.content == PDF
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-disposition"].startswith("attachment")
    assert desk.client.post(f"{address}/files/{file.id}/remove", data=token).status_code == 303
    assert desk.get(f"{address}/files/{file.id}").status_code == 404
    assert desk.client.post(f"{address}/remove", data=token).status_code == 422

    page = f"{address}/contributions/{reference}"
    html = desk.get(page).text
    fields = {name: hidden(html, name) for name in ("csrf_token", "fingerprint", "form_id")}
    assert desk.client.post(page, data=fields | {"text": "  "}).status_code == 422
    assert desk.client.post(page, data=fields | {"text": "Maya\r\nhaa"}).status_code == 303
    late = desk.client.post(page, data=fields | {"text": "Late", "form_id": "other"})
    assert late.status_code == 409
    assert desk.client.post(f"{page}/withdraw", data=token).status_code == 422
    assert desk.client.post(f"{page}/withdraw", data=token | {"is_wanted": "yes"}).status_code == 303
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Submission.status)).all() == ["withdrawn"]
    assert "withdrawn" in desk.get(address).text
