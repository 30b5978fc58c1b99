"""The vectors of all views in memory, and the nearest of them; the database holds the truth.

A process keeps one matrix for each database and reads only what changed since. A scan of 100,000 views
takes some 30 ms (docs/figures.md), so there is no index that could miss one: the same question finds the
same views on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from submissions.models import ViewIndex
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
        self._matrix: Vectors = np.empty((0, embeddings.DIMENSIONS), dtype=np.float32)
        self._read_until: dt.datetime | None = None

    def refresh(self, db: Session) -> None:
        statement = select(ViewIndex.submission_id, ViewIndex.vector, ViewIndex.updated_at).where(
            ViewIndex.vector.is_not(None), ViewIndex.model == embeddings.MODEL_NAME
        )
        if self._read_until is not None:
            statement = statement.where(ViewIndex.updated_at >= self._read_until - _OVERLAP)
        new: list[Vectors] = []
        for submission_id, content, updated_at in db.execute(statement).all():
            vector = np.frombuffer(content or b"", dtype="<f4")
            if (row := self._rows.get(submission_id)) is not None:
                if row < len(self._matrix):
                    self._matrix[row] = vector
                else:
                    new[row - len(self._matrix)] = vector
            else:
                self._rows[submission_id] = len(self._ids)
                self._ids.append(submission_id)
                new.append(vector)
            if self._read_until is None or updated_at > self._read_until:
                self._read_until = updated_at
        if new:
            self._matrix = np.concatenate([self._matrix, np.array(new, dtype=np.float32)])
        self._forget_erased(db)

    def _forget_erased(self, db: Session) -> None:
        has_vector = (ViewIndex.vector.is_not(None), ViewIndex.model == embeddings.MODEL_NAME)
        if db.scalar(select(func.count()).select_from(ViewIndex).where(*has_vector)) == len(self._ids):
            return
        present = set(db.scalars(select(ViewIndex.submission_id).where(*has_vector)))
        keep = [row for row, submission_id in enumerate(self._ids) if submission_id in present]
        self._ids = [self._ids[row] for row in keep]
        self._rows = {submission_id: row for row, submission_id in enumerate(self._ids)}
        self._matrix = self._matrix[keep]

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
        return store.nearest(vector, limit)


def forget_all() -> None:
    """Empties the memory of this process, as after a database was replaced."""
    with _lock:
        _stores.clear()
