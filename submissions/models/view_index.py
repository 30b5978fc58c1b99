"""One row for each sent view, by which it is found: its words, its meaning, and its like."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import Float, ForeignKey, Integer, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, ExactText, UtcDateTime, utc_now


class ViewIndex(Base):
    """Made from the view's parts and its current English, and made again whenever either changes.

    On SQLite the FTS5 table `view_index_words` follows this one by triggers; on PostgreSQL there is a
    full-text index on it.
    """

    __tablename__ = "view_index"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), unique=True
    )
    original: Mapped[str] = mapped_column(ExactText, default="")
    english: Mapped[str] = mapped_column(ExactText, default="")  # empty while there is none
    model: Mapped[str | None] = mapped_column(String(120))
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)  # of the original; 384 little-endian float32
    vector_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # of the text it was made from
    # Views that say nearly the same, in whatever language, share a group; None: no other does.
    group_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    group_similarity: Mapped[float | None] = mapped_column(Float)  # cosine with the nearest of the group
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
