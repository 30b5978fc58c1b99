"""Canaries planted by every route, in every store; erased or taken back, none is left anywhere."""

import datetime as dt
import json
import subprocess
import time
import uuid
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from channels import forgetting as channel_stores
from submissions import database as database_module
from submissions import (
    evidence_sessions,
    forgetting,
    intake,
    jobs,
    paper_forms,
    rights,
    session_files,
)
from submissions.addresses import configure_keys, conversation_with, find_or_add_address, seal
from submissions.conversations import OutboundMessage, record_inbound_message, record_replies
from submissions.database import unit_of_work
from submissions.erasure import erase, erase_withdrawn_words, forget_on_disk
from submissions.forgetting import Gone, register_store
from submissions.media import MediaStore
from submissions.models import (
    AnalystNote,
    Channel,
    ExportJob,
    ExportState,
    Forgetting,
    MediaFile,
    MediaState,
    Message,
    PaperForm,
    Redaction,
    Reply,
    SafeguardingCase,
    Submission,
    SubmissionPart,
    SubmissionStatus,
    Transcript,
    TranscriptState,
    utc_now,
)
from submissions.retention import run_retention
from submissions.settings import StoreSettings
from submissions.translation_jobs import engine_in_use
from submissions.write_ahead import WriteAheadFile
from tests.factories import make_message, make_view
from tests.submissions.engine import WordListEngine
from tests.submissions.test_retention import tables_with

CANARY = "Kanarivogel7f3a"
ROUTES = ["web_chat", "web_form", "sms", "whatsapp", "voice", "evidence", "paper"]
FACTS = evidence_sessions.SessionFacts(
    method="group", held_on=dt.date(2016, 7, 14), contributors=["A group"], notes="Tea was served."
)


@pytest.fixture(autouse=True)
def a_canary_of_this_test(monkeypatch):
    """PostgreSQL's pages hold deleted rows for a while, those of other tests in the same database too."""
    monkeypatch.setattr(f"{__name__}.CANARY", f"Kanarivogel{uuid.uuid4().hex[:8]}")


class Stores:
    """The stores outside the database, in a folder of this test; the assistant can be down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_assistant_up = True
        self.forgotten: list[str | None] = []
        register_store("assistant", self.forget_conversation)
        register_store("media files", lambda gone: channel_stores.delete_media(folder, gone))
        register_store("write-ahead files", lambda gone: channel_stores.delete_from_write_ahead(folder, gone))

    def forget_conversation(self, gone: Gone) -> None:
        if not self.is_assistant_up:
            raise ConnectionError
        self.forgotten.append(gone.conversation_id)


@pytest.fixture
def stores(tmp_path, monkeypatch):
    monkeypatch.setattr(forgetting, "_stores", {})
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    configure_keys(StoreSettings(data=tmp_path))
    return Stores(tmp_path)


def canary(route: str) -> str:
    """A word that nobody writes, one for each route."""
    return CANARY + route.replace("_", "")


def plant(route: str, folder: Path) -> str:
    """A sent view that came in by this route, with whatever hangs on one; its reference."""
    word = canary(route)
    text = f"Gosto desta rua {word}."
    if route == "evidence":
        reference = _in_a_session(text, word, folder)
    elif route == "paper":
        reference = _on_paper(text)
    else:
        reference = _by_channel(route, text, folder)
    with engine_in_use(WordListEngine()):
        jobs.run_due_jobs()
    with unit_of_work() as db:
        rights.add(db, reference, f"Os vizinhos {word}.", form_id="a")
    with unit_of_work(read_only=True) as db:
        seen = rights.find_own_view(db, reference).fingerprint
    with unit_of_work() as db:
        rights.correct(db, reference, f"A biblioteca {word}.", form_id="b", seen=seen)
    with engine_in_use(WordListEngine()):
        jobs.run_due_jobs()
    _by_the_desk(reference, word, folder)
    return reference


def _in_a_session(text: str, word: str, folder: Path) -> str:
    given = evidence_sessions.Contribution(
        text=text, language="pt", english=f"I like it {word}", contributor=word, has_agreed=True
    )
    with unit_of_work() as db:
        session_id = evidence_sessions.add(db, FACTS, actor="reviewer:ana").id
        made = evidence_sessions.add_contribution(db, session_id, given, actor="reviewer:ana")
        reference = str(made.reference)
    content = b"%PDF-1.7 " + text.encode()
    files = MediaStore(folder)
    session_files.attach(files, session_id, f"{word}.pdf", content, actor="reviewer:ana", reference=reference)
    return reference


def _on_paper(text: str) -> str:
    table = f"date,language,words,who\n2016-07-14,Portuguese,{text},{canary('paper')}\n"
    batch_id = paper_forms.upload(table.encode(), "forms.csv", actor="reviewer:ana")
    assert paper_forms.confirm(batch_id, actor="reviewer:ana") == 1
    with unit_of_work(read_only=True) as db:
        return str(
            db.scalars(
                select(Submission.reference)
                .join(PaperForm, PaperForm.submission_id == Submission.id)
                .where(PaperForm.batch_id == batch_id)
            ).one()
        )


def _by_channel(route: str, text: str, folder: Path) -> str:
    word = canary(route)
    channel = "whatsapp" if route == "voice" else route
    if channel in ("sms", "whatsapp"):
        with unit_of_work() as db:
            address = find_or_add_address(db, channel=channel, phone=f"+44770090012{ROUTES.index(route)}")
            conversation_id = conversation_with(db, address)
            intake.conversations.find_conversation(db, conversation_id).consented_at = utc_now()
    else:
        conversation_id, ids = make_view(f"First try {word}", channel=channel, consented_at=utc_now())
        with unit_of_work() as db:
            record_replies(db, ids[0], [])
    first = make_message(conversation_id, f"Never sent {word}", provider_message_id=f"{route}-first")
    with unit_of_work() as db:
        record_replies(db, first, [OutboundMessage("view_kept", "Kept.", "en")])
    if route == "voice":
        message_id = _heard(conversation_id, text, folder)
    else:
        message_id = make_message(
            conversation_id, text, provider_message_id=f"{route}-sent", detected_language="pt"
        )
    with unit_of_work() as db:
        record_replies(db, message_id, [OutboundMessage("preview_translated", f"I like {word}", "en")])
    _in_write_ahead_files(route, conversation_id, text, folder)
    with unit_of_work() as db:
        return str(intake.submit(db, conversation_id, [message_id])[0].reference)


def _in_write_ahead_files(route: str, conversation_id: uuid.UUID, text: str, folder: Path) -> None:
    if route in ("sms", "whatsapp", "voice"):
        name = "twilio.write-ahead.jsonl"
        form = [["MessageSid", f"{route}-sent"], ["Body", text]]
        record = {"sealed": seal(json.dumps({"kind": "message", "form": form}))}
    else:
        name = "inbox.write-ahead.jsonl"
        record = {"conversation_id": str(conversation_id), "client_message_id": f"{route}-sent", "text": text}
    file = WriteAheadFile(folder / name)
    file.append(record)
    with file.path.with_suffix(".rejected").open("a") as rejected:
        rejected.write(json.dumps(record) + "\n")


def _heard(conversation_id: uuid.UUID, text: str, folder: Path) -> uuid.UUID:
    voice = make_message(conversation_id, "", provider_message_id="voice-sent")
    name = MediaStore(folder).write(b"OggS" + text.encode())
    with unit_of_work() as db:
        media = MediaFile(id=uuid.uuid4(), message_id=voice, position=0, state=MediaState.STORED)
        media.stored_name = name
        db.add(media)
        heard = record_inbound_message(
            db,
            conversation_id=conversation_id,
            channel=Channel.WHATSAPP,
            provider_message_id=f"transcript/{media.id}",
            original_text=text,
        )
        db.add(
            Transcript(media_file_id=media.id, state=TranscriptState.AGREED, text=text, message_id=heard.id)
        )
        record_replies(
            db, voice, [OutboundMessage("voice_note_heard", text, "pt", arguments={"transcript": text})]
        )
        return heard.id


def _by_the_desk(reference: str, word: str, folder: Path) -> None:
    from submissions.exports import downloads

    with unit_of_work() as db:
        submission = intake.find_by_reference(db, reference)
        submission_id = submission.id
        reply = Reply(submission_id=submission_id, english=f"About {word}", language="pt", text=word)
        if submission.conversation_id is not None:
            sent = intake.conversations.record_outbound_message(
                db, submission.conversation_id, OutboundMessage("reply", f"Sobre {word}", "pt")
            )
            reply.message_id = sent.id
        db.add(reply)
        db.add(AnalystNote(submission_id=submission_id, text=f"Note {word}"))
        db.add(Redaction(submission_id=submission_id, kind="name", reason=f"Names {word}"))
        export = ExportJob(id=uuid.uuid4(), kind="csv", state=ExportState.READY, requested_by="reviewer:ana")
        export.held = downloads._pack({reference})
        db.add(export)
        path = downloads.path_of(export.id)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{reference},{word}\n")


def files_with(word: str, folder: Path) -> list[str]:
    """Byte by byte: SQLite's pages and log, the queue, write-ahead files, exports, media, logs."""
    needle = word.lower().encode()
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and needle in path.read_bytes().lower()
    ]


def dump_of(url: str) -> bytes:
    """All rows of a PostgreSQL database, in lower case; nothing for SQLite, whose file is searched."""
    if not url.startswith("postgresql"):
        return b""
    dump = subprocess.run(["pg_dump", "--dbname", url], capture_output=True, check=True).stdout
    assert b"COPY public.submission" in dump
    return dump.lower()


def pages_with(word: str, url: str) -> list[str]:
    """Tables and indices of a PostgreSQL database in whose files the word stands, byte by byte.

    Nothing for SQLite, whose file is searched. The tests' user may read the server's files.
    """
    if not url.startswith("postgresql"):
        return []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # what is changed in memory is written
        rows = connection.execute(
            "SELECT relname, pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class"
            " WHERE relkind IN ('r', 'i', 't') AND pg_relation_filepath(oid) IS NOT NULL"
        ).fetchall()
    assert len(rows) > 100
    return sorted(name for name, content in rows if word.lower().encode() in (content or b"").lower())


def left_of(word: str, url: str, folder: Path) -> list[str]:
    """Every place in which the word still stands."""
    in_dump = ["dump"] if word.lower().encode() in dump_of(url) else []
    rows = [*tables_with(word), *files_with(word, folder), *in_dump]
    deadline = time.monotonic() + 30
    while not rows and pages_with(word, url) and time.monotonic() < deadline:
        # The server's own upkeep was reading a table just then; the night's run does the same again.
        time.sleep(1)
        forget_on_disk()
    return [*rows, *pages_with(word, url)]


@pytest.mark.slow
def test_an_erased_view_is_found_in_no_store_and_the_others_stay(database, stores, tmp_path):
    references = {route: plant(route, tmp_path) for route in ROUTES}
    database_module.engine().dispose()
    for number, (route, reference) in enumerate(references.items()):
        word = canary(route)
        assert tables_with(word) != []
        if database.startswith("postgresql"):
            assert "ix_view_index_words" in pages_with(word, database)
        assert any("exports" in name for name in files_with(word, tmp_path))
        said = erase(reference)
        assert said.startswith(f"{reference} erased")
        assert "Not everything" not in said
        assert left_of(word, database, tmp_path) == [], route
        for other in ROUTES[number + 1 :]:
            assert tables_with(canary(other)) != [], (route, other)
    assert list((tmp_path / "media").glob("*")) == []
    assert [path.name for path in tmp_path.glob("*.write-ahead.*") if path.stat().st_size] == []
    # Conversations; what the team typed in has none, only a file.
    assert len([one for one in stores.forgotten if one is not None]) == 5


@pytest.mark.slow
def test_a_view_taken_back_keeps_only_that_it_was(database, stores, tmp_path):
    reference = plant("voice", tmp_path)
    with unit_of_work() as db:
        rights.withdraw(db, reference)
    assert erase_withdrawn_words() == 0  # the turn in which it was asked for may be going on
    later = utc_now() + dt.timedelta(minutes=1)
    assert erase_withdrawn_words(later) == 1
    assert erase_withdrawn_words(later) == 0
    forgetting.run_due()
    assert left_of(CANARY, database, tmp_path) == []
    with unit_of_work(read_only=True) as db:
        left = db.scalars(select(Submission)).one()
        assert (left.reference, left.status) == (reference, SubmissionStatus.WITHDRAWN)
        assert left.submitted_at is not None
        assert left.withdrawn_at is not None
        assert left.source_language is None
        assert rights.find_own_view(db, reference).texts == []


def test_an_urgent_view_keeps_its_words_until_the_outcome_is_recorded(database, stores):
    conversation_id, ids = make_view(f"Ajuda {CANARY}", consented_at=utc_now())
    with unit_of_work() as db:
        submission = intake.submit(db, conversation_id, ids)[0]
        submission.is_urgent = True
        record_replies(db, ids[0], [])
        reference, submission_id = str(submission.reference), submission.id
    with unit_of_work() as db:
        rights.withdraw(db, reference)
    later = utc_now() + dt.timedelta(minutes=1)
    assert erase_withdrawn_words(later) == 0
    with unit_of_work() as db:
        db.add(SafeguardingCase(submission_id=submission_id, closed_at=utc_now(), action="Called."))
    assert erase_withdrawn_words(later) == 1
    assert tables_with(CANARY) == []
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(SafeguardingCase.action)).all() == ["Called."]
        assert db.scalars(select(SubmissionPart)).all() == []


def test_while_the_assistant_is_down_the_rest_is_erased_and_it_is_asked_until_it_answers(database, stores):
    conversation_id, ids = make_view(f"Rua {CANARY}", consented_at=utc_now())
    with unit_of_work() as db:
        reference = str(intake.submit(db, conversation_id, ids)[0].reference)
    stores.is_assistant_up = False
    said = erase(reference)
    assert "Not everything is forgotten yet" in said
    assert "assistant: ConnectionError" in said
    assert tables_with(CANARY) == []
    with unit_of_work(read_only=True) as db:
        assert forgetting.find_unfinished(db).notes == 1
    assert forgetting.run_due() == []  # not due yet
    now = utc_now()
    for hours in (1, 3, 10):
        assert forgetting.run_due(now=now + dt.timedelta(hours=hours)) == ["assistant: ConnectionError"]
    stores.is_assistant_up = True
    assert forgetting.run_due(now=now + dt.timedelta(hours=20)) == []
    assert stores.forgotten == [str(conversation_id)]
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Forgetting)).all() == []


def test_retention_forgets_old_conversations_everywhere_and_keeps_the_view(database, stores, tmp_path):
    reference = plant("voice", tmp_path)
    with unit_of_work() as db:
        message = db.scalars(select(Message)).first()
        conversation = intake.conversations.find_conversation(db, message.conversation_id)
        conversation.last_message_at = utc_now() - dt.timedelta(days=4000)
    assert any(
        line.startswith("conversations quiet") and "1 would" in line for line in run_retention(dry_run=True)
    )
    assert list((tmp_path / "media").glob("*")) != []
    run_retention(dry_run=False)
    assert list((tmp_path / "media").glob("*")) == []
    assert len(stores.forgotten) == 1
    with unit_of_work(read_only=True) as db:
        view = rights.find_own_view(db, reference)
        assert CANARY in view.whole
        assert db.get_one(Submission, view.submission_id).conversation_id is None
