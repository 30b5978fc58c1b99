"""Paper forms, typed into a table and taken in together."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import Date, ForeignKey, Integer, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class PaperBatch(Base):
    """One file. Between upload and confirmation its content waits here, encrypted; afterwards it is gone."""

    __tablename__ = "paper_batch"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    file_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    file_name: Mapped[str] = mapped_column(String(200))
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    forms: Mapped[int] = mapped_column(Integer, default=0)  # how many became submissions
    uploaded_by: Mapped[str] = mapped_column(String(140))
    uploaded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
    confirmed_by: Mapped[str | None] = mapped_column(String(140))
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class PaperForm(Base):
    """Where a submission stands in the file it came in, and who wrote it."""

    __tablename__ = "paper_form"
    __table_args__ = (UniqueConstraint("batch_id", "line", name="uq_paper_form_line"),)

    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), primary_key=True
    )
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("paper_batch.id", ondelete="CASCADE"))
    line: Mapped[int] = mapped_column(Integer)
    form_number: Mapped[str] = mapped_column(String(40), default="")
    written_on: Mapped[dt.date] = mapped_column(Date)
    contributor: Mapped[str] = mapped_column(String(200), default="")


class PaperRow(Base):
    """That a row was taken in, which outlives the form: a mended file must not bring back what was erased."""

    __tablename__ = "paper_row"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)  # keyed hash of the row
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("paper_batch.id", ondelete="CASCADE"), index=True)
    line: Mapped[int] = mapped_column(Integer)
