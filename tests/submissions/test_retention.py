from __future__ import annotations

import datetime as dt
import sqlite3
import uuid
from pathlib import Path

import pytest
from sqlalchemy import String, cast, func, select, text

from submissions import conversations, intake, jobs
from submissions import database as db_module
from submissions.commission import get_commission
from submissions.conversations import OutboundMessage
from submissions.database import unit_of_work
from submissions.erasure import erase
from submissions.errors import SubmissionNotFound
from submissions.models import (
    AuditEntry,
    Base,
    CandidateTheme,
    Conversation,
    Job,
    Message,
    PartEmbedding,
    Segment,
    SegmentTranslation,
    Submission,
    utc_now,
)
from submissions.retention import run_retention
from submissions.translation_jobs import engine_in_use
from tests.factories import make_message, make_view
from tests.submissions.engine import WordListEngine

CANARY = "canário-7f3a"


def canary_view(*more: str) -> tuple[uuid.UUID, list[uuid.UUID], str]:
    """A view with a word to look for, sent, translated and themed, with its preview in the chat."""
    conversation_id, ids = make_view(f"Gosto desta rua {CANARY}.", *more, consented_at=utc_now())
    with unit_of_work() as db:
        intake.make_draft(db, conversation_id, ids)
    with engine_in_use(WordListEngine()):
        jobs.run_due_jobs()
    with unit_of_work() as db:
        conversations.record_replies(
            db, ids[-1], [OutboundMessage("preview_translated", f"I like this street {CANARY}.", "pt")]
        )
    with unit_of_work() as db:
        reference = str(intake.submit(db, conversation_id, ids)[0].reference)
    with engine_in_use(WordListEngine()):
        jobs.run_due_jobs()
    return conversation_id, ids, reference


def count(model: type[Base]) -> int:
    with unit_of_work(read_only=True) as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def tables_with(words: str) -> list[str]:
    """The tables in whose rows the words stand, in any column that can hold text."""
    found = []
    with unit_of_work(read_only=True) as db:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type.python_type if hasattr(column.type, "python_type") else str, type):
                    hit = (
                        select(func.count()).select_from(table).where(cast(column, String).like(f"%{words}%"))
                    )
                    if column.type.__class__.__name__ in (
                        "ExactText",
                        "Text",
                        "JSON",
                        "String",
                    ) and db.scalar(hit):
                        found.append(f"{table.name}.{column.name}")
    return found


def age(model: type[Base], column: str, days: float) -> None:
    with unit_of_work() as db:
        for row in db.scalars(select(model)):
            setattr(row, column, utc_now() - dt.timedelta(days=days))


def test_erasing_reaches_every_row_that_holds_the_view(database: str) -> None:
    _, _, reference = canary_view()
    before = tables_with(CANARY)
    assert {"message.original_text", "message.text", "submission_part.original_text"} <= set(before)
    assert "segment_translation.text" in before
    assert count(PartEmbedding) == 1
    assert erase(reference.lower()) == (
        f"{reference} erased: 1 submissions (1 parts), 2 messages, 1 conversations."
    )
    assert tables_with(CANARY) == []
    for model in (
        Submission,
        Segment,
        SegmentTranslation,
        Job,
        PartEmbedding,
        CandidateTheme,
        Message,
        Conversation,
    ):
        assert count(model) == 0, model
    with unit_of_work(read_only=True) as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "submission.erased")).one()
        assert entry.details == {"parts": 1, "messages": 2}


def test_nothing_of_the_view_is_left_in_the_files(sqlite_database: str) -> None:
    _, _, reference = canary_view()
    path = Path(sqlite_database.removeprefix("sqlite:///"))
    needle = CANARY.encode()
    assert any(needle in file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    erase(reference)
    left = [file.name for file in path.parent.iterdir() if file.is_file() and needle in file.read_bytes()]
    assert left == []
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_another_view_was_made_from_stays_for_it(database: str) -> None:
    conversation_id, ids, reference = canary_view()
    more = make_message(conversation_id, "Outra rua.", detected_language="pt")
    with unit_of_work() as db:
        second = str(intake.submit(db, conversation_id, [ids[0], more])[0].reference)
    erase(reference)
    assert count(Submission) == 1
    with unit_of_work(read_only=True) as db:
        (left,) = db.scalars(select(Submission)).all()
        assert left.reference == second
        assert [part.message_id for part in left.parts] == [ids[0], more]
    erase(second)
    assert tables_with(CANARY) == []


def test_other_residents_views_stay(database: str) -> None:
    _, _, reference = canary_view()
    conversation_id, ids = make_view("Os vizinhos se encontram.", consented_at=utc_now())
    with unit_of_work() as db:
        intake.submit(db, conversation_id, ids)
    erase(reference)
    assert (count(Submission), count(Conversation), count(Message)) == (1, 1, 1)


@pytest.mark.parametrize("reference", ["OW-0000-0000", "nonsense", "", "OW-7K3M-92QF"])
def test_an_unknown_reference_erases_nothing_and_says_so(database: str, reference: str) -> None:
    canary_view()
    with pytest.raises(SubmissionNotFound):
        erase(reference)
    assert count(Submission) == 1


def test_a_dry_run_counts_and_changes_nothing(database: str) -> None:
    canary_view()
    age(Conversation, "last_message_at", 4000)
    lines = run_retention(dry_run=True)
    assert "conversations quiet for 365 days: 1 would go" in lines
    assert count(Conversation) == 1


def test_retention_keeps_to_the_days_of_the_commission(database: str) -> None:
    days = get_commission().retention
    conversation_id, _, reference = canary_view()
    draft_conversation, draft_ids = make_view("Rascunho.")
    with unit_of_work() as db:
        draft_id = intake.make_draft(db, draft_conversation, draft_ids).id

    def set_age(model: type[Base], row_id: uuid.UUID, column: str, age_in_days: float) -> None:
        with unit_of_work() as db:
            setattr(db.get_one(model, row_id), column, utc_now() - dt.timedelta(days=age_in_days))

    set_age(Submission, draft_id, "created_at", days.unsent_views_days - 0.1)
    set_age(Conversation, conversation_id, "last_message_at", days.conversations_days - 0.1)
    run_retention(dry_run=False)
    assert (count(Submission), count(Conversation)) == (2, 2)

    set_age(Submission, draft_id, "created_at", days.unsent_views_days + 0.1)
    run_retention(dry_run=False)
    assert (count(Submission), count(Conversation)) == (1, 1)

    set_age(Conversation, conversation_id, "last_message_at", days.conversations_days + 0.1)
    run_retention(dry_run=False)
    assert (count(Conversation), count(Message)) == (0, 0)
    with unit_of_work(read_only=True) as db:  # the view stays, with its own copy of the words
        submission = db.scalars(select(Submission)).one()
        assert submission.conversation_id is None
        assert [part.message_id for part in submission.parts] == [None]
        assert CANARY in submission.parts[0].original_text
    assert erase(reference).startswith(f"{reference} erased")
    assert tables_with(CANARY) == []


def test_a_view_taken_back_goes_after_its_days(database: str) -> None:
    conversation_id, _, reference = canary_view()
    with unit_of_work() as db:
        intake.withdraw(db, conversation_id, reference)
    days = get_commission().retention.withdrawn_views_days
    now = utc_now()
    run_retention(dry_run=False, now=now + dt.timedelta(days=days - 0.1))
    assert count(Submission) == 1
    lines = run_retention(dry_run=False, now=now + dt.timedelta(days=days + 0.1))
    assert f"views taken back {days} days ago or earlier: 1 deleted" in lines
    assert tables_with(CANARY) == []


def test_the_queue_holds_no_words(database: str) -> None:
    canary_view()
    queue = jobs.get_queue()
    stored = b"".join(queue.huey.storage.enqueued_items())
    assert stored != b""
    assert CANARY.encode() not in stored
    with db_module.engine().connect() as connection:
        connection.execute(text("SELECT 1"))
    queue.huey.storage.close()
