"""Files that were asked for on the desk, of all views or of a theme: made by a worker, kept for a day."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now

_OPEN = text("state IN ('queued', 'running')")


class ExportState(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    TAKEN_AWAY = "taken_away"  # a view in it was taken back, erased or redacted: the file is gone


class ExportJob(Base):
    """One file. The row is the truth; its words lie in the data folder's `exports`, under its id."""

    __tablename__ = "export_job"
    __table_args__ = (
        # Asked for twice at once is one file.
        Index(
            "uq_export_job_open",
            "kind",
            "theme_key",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_export_job_state", "state", "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    # Of a briefing; "" for what is about all themes.
    theme_key: Mapped[str] = mapped_column(String(60), default="", server_default="")
    state: Mapped[str] = mapped_column(String(12), default=ExportState.QUEUED)
    requested_by: Mapped[str] = mapped_column(String(140))  # an actor, as in the audit
    requested_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
    # Goes up when a view changes that the file may hold: a worker that began before makes it again.
    requests: Mapped[int] = mapped_column(Integer, default=1)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    worker: Mapped[str | None] = mapped_column(String(80))  # "host:process id" while running
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    heard_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # the worker's last sign of life
    steps_done: Mapped[int] = mapped_column(Integer, default=0)  # views written, over all files of a pack
    steps: Mapped[int] = mapped_column(Integer, default=0)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    views: Mapped[int] = mapped_column(Integer, default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    # The references it holds, by which a withdrawal finds it: joined by line breaks and compressed.
    held: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    last_error: Mapped[str | None] = mapped_column(String(300))
