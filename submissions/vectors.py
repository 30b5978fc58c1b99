"""The vectors of all views in memory, and the nearest of them; the database holds the truth.

A process keeps one matrix for each database and reads only what changed since. Every view is looked at, so
there is no index that could miss one: the same question finds the same views on SQLite and on PostgreSQL.
What that takes, and what sqlite-vec and pgvector take, is measured: docs/figures.md, docs/decisions.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions.models import ViewIndex
from submissions.word_search import is_one_of
from translations import embeddings

Vectors = NDArray[np.float32]
# Two writers may commit in another order than their times say, so a little is read again each time.
_OVERLAP = dt.timedelta(seconds=60)


@dataclass(frozen=True)
class Near:
    submission_id: uuid.UUID
    similarity: float  # cosine, -1 to 1; unrelated texts lie near 0.75


class _Store:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._rows: dict[uuid.UUID, int] = {}
        self._ids: list[uuid.UUID] = []
        # With room at its end, so that a view that comes does not copy all the others.
        self._rows_with_room: Vectors = np.empty((0, embeddings.DIMENSIONS), dtype=np.float32)
        self._read_until: dt.datetime | None = None

    def refresh(self, db: Session) -> None:
        statement = select(ViewIndex.submission_id, ViewIndex.vector, ViewIndex.updated_at).where(
            ViewIndex.vector.is_not(None), ViewIndex.model == embeddings.MODEL_NAME
        )
        if self._read_until is not None:
            statement = statement.where(ViewIndex.updated_at >= self._read_until - _OVERLAP)
        for submission_id, content, updated_at in db.execute(statement):
            row = self._rows.setdefault(submission_id, len(self._ids))
            if row == len(self._ids):
                self._ids.append(submission_id)
                self._make_room()
            self._rows_with_room[row] = np.frombuffer(content or b"", dtype="<f4")
            if self._read_until is None or updated_at > self._read_until:
                self._read_until = updated_at

    def _make_room(self) -> None:
        if len(self._ids) > len(self._rows_with_room):
            more = np.empty((max(64, len(self._ids)), embeddings.DIMENSIONS), dtype=np.float32)
            self._rows_with_room = np.concatenate([self._rows_with_room, more])

    @property
    def _matrix(self) -> Vectors:
        return self._rows_with_room[: len(self._ids)]

    def forget(self, gone: set[uuid.UUID]) -> None:
        keep = [row for row, submission_id in enumerate(self._ids) if submission_id not in gone]
        self._ids = [self._ids[row] for row in keep]
        self._rows = {submission_id: row for row, submission_id in enumerate(self._ids)}
        self._rows_with_room = self._rows_with_room[keep]

    def nearest(self, vector: Vectors, limit: int) -> list[Near]:
        if not self._ids or limit <= 0:
            return []
        similarities = self._matrix @ vector.astype(np.float32)
        count = min(limit, len(self._ids))
        best = np.argpartition(-similarities, count - 1)[:count]
        # Equal ones in a fixed order, so that two runs answer alike.
        ordered = sorted(best, key=lambda row: (-float(similarities[row]), self._ids[row]))
        return [Near(self._ids[row], float(similarities[row])) for row in ordered]


_stores: dict[str, _Store] = {}
_lock = threading.Lock()


def nearest(db: Session, vector: Vectors, limit: int) -> list[Near]:
    """The views whose vectors are nearest to this one (384 floats of length 1), nearest first."""
    address = str(db.get_bind().engine.url)
    with _lock:
        store = _stores.setdefault(address, _Store())
    with store.lock:
        store.refresh(db)
        while True:
            near = store.nearest(vector, limit)
            gone = {one.submission_id for one in near} - _present(db, near)
            if not gone:
                return near
            # Erased, or taken back, since they were read: others take their places.
            store.forget(gone)


def _present(db: Session, near: Sequence[Near]) -> set[uuid.UUID]:
    """Those of the views that can still be found."""
    return set(
        db.scalars(
            select(ViewIndex.submission_id).where(
                is_one_of(db, ViewIndex.submission_id, [one.submission_id for one in near]),
                ViewIndex.vector.is_not(None),
                ViewIndex.model == embeddings.MODEL_NAME,
            )
        )
    )


def forget_all() -> None:
    """Empties the memory of this process, as after a database was replaced."""
    with _lock:
        _stores.clear()
