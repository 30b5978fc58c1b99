"""Which rows are demonstration data, so that they are marked wherever they are shown and removed whole."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from submissions.models.base import Base, UtcDateTime, new_id, utc_now


class DemonstrationView(Base):
    """A view that `ownwords demo load` made. `key` is its name in `submissions/demo/views.jsonl`."""

    __tablename__ = "demonstration_view"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE"), unique=True
    )
    loaded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=utc_now)
