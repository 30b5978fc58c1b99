"""One row for each sent view, by which it is found: its words, its meaning, and its like."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import Float, ForeignKey, Index, Integer, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, ExactText, UtcDateTime, utc_now


class ViewIndex(Base):
    """Made from the view's parts and its current English whenever either changes, in the same transaction.

    What is redacted is covered here too, so nobody finds a view by it. On SQLite the FTS5 table
    `view_index_words` follows `words` by triggers; on PostgreSQL it is a generated column with an index.
    """

    __tablename__ = "view_index"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), unique=True
    )
    original: Mapped[str] = mapped_column(ExactText, default="")
    english: Mapped[str] = mapped_column(ExactText, default="")  # empty while there is none
    words: Mapped[str] = mapped_column(Text, default="")  # of both, as `search_words.words_of` cuts them
    model: Mapped[str | None] = mapped_column(String(120))
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)  # of the original; 384 little-endian float32
    vector_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # of the text it was made from
    # Of the English of a view in another language, by which it is compared across languages.
    english_vector: Mapped[bytes | None] = mapped_column(LargeBinary)
    english_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # of the English it was made from
    # Views that say nearly the same, in whatever language, share a group; None: no other does.
    group_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    group_similarity: Mapped[float | None] = mapped_column(Float)  # cosine with the nearest of the group
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)


class ViewTheme(Base):
    """A theme that counts for a view: accepted, or proposed and not refused. Kept by the database's triggers.

    It stands in the order of the desk's list, so that a page of one theme is found at once.
    """

    __tablename__ = "view_theme"
    __table_args__ = (Index("ix_view_theme_order", "theme_key", "submitted_at", "submission_id"),)

    theme_key: Mapped[str] = mapped_column(String(60), primary_key=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    submitted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
