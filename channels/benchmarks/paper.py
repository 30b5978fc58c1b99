"""How long residents wait while a file of paper forms is taken in: SQLite lets one write at a time.

A thread keeps a resident's message every 50 ms, as the gateway does before it answers, and notes how long
each took. Measured is the confirming, not the reading of the uploaded file before it.
"""

from __future__ import annotations

import statistics
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from channels.benchmarks.desk import scratch_database
from submissions import conversations, paper_forms
from submissions.database import unit_of_work
from submissions.models import Channel

PAUSE_SECONDS = 0.05
_WORDS = "Please keep the library open, it is where the neighbours of our street meet each other."


@dataclass(frozen=True)
class PaperFigures:
    forms: int
    seconds: float  # from confirming to the forms being in
    messages: int  # of residents, kept meanwhile and until it was over
    median_wait_seconds: float
    longest_wait_seconds: float


def bench_paper(forms: int, server: str | None) -> PaperFigures:
    """Takes in so many forms, in a database of its own on SQLite or on that PostgreSQL server."""
    with scratch_database(server):
        return measure(forms)


def measure(forms: int) -> PaperFigures:
    """As `bench_paper`, in the configured database, where the forms and messages stay."""
    table = "form,date,language,words,english,who\n" + "".join(
        f"{number},14/07/2016,en,Form {number} says: {_WORDS},,\n" for number in range(forms)
    )
    batch_id = paper_forms.upload(table.encode(), "bench.csv", actor="bench")
    waits: list[float] = []
    with _residents_writing(waits):
        began = time.monotonic()
        taken_in = paper_forms.confirm(batch_id, actor="bench")
        seconds = time.monotonic() - began
    return PaperFigures(taken_in, seconds, len(waits), statistics.median(waits), max(waits))


@contextmanager
def _residents_writing(waits: list[float]) -> Iterator[None]:
    """A resident writes again and again until the block ends; `waits` gets a time for each message."""
    with unit_of_work() as db:
        conversation_id = conversations.start_conversation(db, channel=Channel.SMS).id
    is_over = threading.Event()
    failed: list[Exception] = []

    def write() -> None:
        try:
            while not is_over.is_set():
                began = time.monotonic()
                with unit_of_work() as db:
                    conversations.record_inbound_message(
                        db,
                        conversation_id=conversation_id,
                        channel=Channel.SMS,
                        provider_message_id=uuid.uuid4().hex,
                        original_text=_WORDS,
                    )
                waits.append(time.monotonic() - began)
                is_over.wait(PAUSE_SECONDS)
        except Exception as error:  # noqa: BLE001  raised below, in the thread that measures
            failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    if failed:
        raise failed[0]
