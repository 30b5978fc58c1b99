"""How long the nearest of so many views take to find: by the scan in memory that searches use, by sqlite-vec
and by pgvector where they can be had, and whether they answer alike.

The vectors are random in a narrow cone, as those of real texts are; the processor's time is that of this
process and of the PostgreSQL process that answers.
"""

from __future__ import annotations

import datetime as dt
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import insert, select, text

from channels.benchmarks.desk import backend_of_session, processor_ms, scratch_database
from submissions import database, vectors
from submissions.database import unit_of_work
from submissions.models import Submission, ViewIndex, utc_now
from translations import embeddings

QUESTIONS = 10
BETWEEN = dt.timedelta(seconds=17)
WANTED = 200
_BATCH = 2_000
Answer = list[uuid.UUID]


@dataclass(frozen=True)
class Measured:
    name: str
    p50_ms: float | None  # None: it cannot be had here
    processor_ms: float | None
    found: float | None  # share of the views that the scan finds
    note: str = ""


def _vectors(number: int) -> vectors.Vectors:
    random = np.random.default_rng(1)
    cone = random.standard_normal(embeddings.DIMENSIONS, dtype=np.float32)
    spread = random.standard_normal((number, embeddings.DIMENSIONS), dtype=np.float32)
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    made = spread * np.float32(0.5) + cone / np.linalg.norm(cone) * np.float32(0.85)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made, dtype=np.float32)


def _fill(made: vectors.Vectors) -> None:
    with unit_of_work() as db:
        for start in range(0, len(made), _BATCH):
            ids = [uuid.UUID(int=number + 1) for number in range(start, min(start + _BATCH, len(made)))]
            db.execute(
                insert(Submission),
                [{"id": one, "channel": "sms", "status": "received", "version": 1} for one in ids],
            )
            db.execute(
                insert(ViewIndex),
                [
                    {
                        "submission_id": one,
                        "original": "",
                        "english": "",
                        "words": "",
                        "model": embeddings.MODEL_NAME,
                        "vector": made[one.int - 1].astype("<f4").tobytes(),
                        # Each in its time: the scan reads again what has just come.
                        "updated_at": utc_now() - one.int * BETWEEN,
                    }
                    for one in ids
                ],
            )


def bench_vectors(number: int, server: str | None) -> Iterator[Measured]:
    """Measures with so many vectors, on SQLite or on that PostgreSQL server; leaves nothing."""
    with scratch_database(server):
        made = _vectors(number)
        _fill(made)
        questions = [made[place] for place in range(0, number, max(1, number // QUESTIONS))][:QUESTIONS]
        began = time.perf_counter()
        _scan(questions[0])
        loaded = f"first question {time.perf_counter() - began:.1f} s, {made.nbytes // 2**20} MB a process"
        exact = [_scan(question) for question in questions]
        yield _measure("scan in memory", _scan, questions, exact, loaded)
        yield from (_with_pgvector if server else _with_sqlite_vec)(made, questions, exact)


def _scan(question: vectors.Vectors) -> Answer:
    with unit_of_work(read_only=True) as db:
        return [near.submission_id for near in vectors.nearest(db, question, WANTED)]


def _measure(
    name: str,
    ask: Callable[[vectors.Vectors], Answer],
    questions: list[vectors.Vectors],
    exact: list[Answer],
    note: str = "",
) -> Measured:
    backend = backend_of_session()
    ask(questions[0])
    times, found = [], []
    computed = processor_ms(backend)
    for question, wanted in zip(questions, exact, strict=True):
        began = time.perf_counter()
        answer = ask(question)
        times.append((time.perf_counter() - began) * 1000)
        found.append(len(set(answer) & set(wanted)) / len(wanted))
    computed = (processor_ms(backend) - computed) / len(questions)
    return Measured(name, statistics.median(times), computed, statistics.mean(found), note)


def _with_sqlite_vec(
    made: vectors.Vectors, questions: list[vectors.Vectors], exact: list[Answer]
) -> Iterator[Measured]:
    import sqlite_vec

    connection = database.engine().raw_connection()
    driver: Any = connection.driver_connection
    if not hasattr(driver, "enable_load_extension"):
        yield Measured("sqlite-vec", None, None, None, "this Python's sqlite3 loads no extensions")
        return
    driver.enable_load_extension(True)
    sqlite_vec.load(driver)
    driver.execute("CREATE VIRTUAL TABLE near USING vec0(embedding float[384] distance_metric=cosine)")
    rows = ((number + 1, row.tobytes()) for number, row in enumerate(made))
    driver.executemany("INSERT INTO near (rowid, embedding) VALUES (?, ?)", rows)

    def asked(statement: str) -> Callable[[vectors.Vectors], Answer]:
        return lambda question: [
            uuid.UUID(int=row[0]) for row in driver.execute(statement, (question.tobytes(), WANTED))
        ]

    table = "SELECT rowid, distance FROM near WHERE embedding MATCH ? AND k = ?"
    yield _measure("sqlite-vec, its table", asked(table), questions, exact)
    over = "SELECT id FROM view_index ORDER BY vec_distance_cosine(vector, ?) LIMIT ?"
    yield _measure("sqlite-vec, over our rows", asked(over), questions, exact)
    connection.close()


def _with_pgvector(
    made: vectors.Vectors, questions: list[vectors.Vectors], exact: list[Answer]
) -> Iterator[Measured]:
    with unit_of_work(read_only=True) as db:
        if not db.scalar(text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")):
            yield Measured("pgvector", None, None, None, "the server does not have the extension")
            return
    with database.engine().begin() as connection:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
        connection.execute(text("ALTER TABLE view_index ADD COLUMN near vector(384)"))
        update = text("UPDATE view_index SET near = CAST(:near AS vector) WHERE submission_id = :id")
        for start in range(0, len(made), _BATCH):
            batch = enumerate(made[start : start + _BATCH], start=start)
            rows = [{"id": uuid.UUID(int=n + 1), "near": str(row.tolist())} for n, row in batch]
            connection.execute(update, rows)
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE view_index"))

    def ask(question: vectors.Vectors) -> Answer:
        with unit_of_work(read_only=True) as db:
            db.execute(text("SET LOCAL hnsw.ef_search = 400"))
            nearest = text("view_index.near <=> CAST(:question AS vector)")
            ordered = select(ViewIndex.submission_id).order_by(nearest).limit(WANTED)
            return list(db.scalars(ordered, {"question": str(question.tolist())}))

    yield _measure("pgvector, every view", ask, questions, exact)
    began = time.perf_counter()
    with database.engine().begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        connection.execute(text("CREATE INDEX near_index ON view_index USING hnsw (near vector_cosine_ops)"))
    note = f"index made in {time.perf_counter() - began:.0f} s"
    yield _measure("pgvector, HNSW", ask, questions, exact, note)
