"""The audit: who did what to what. Ids, counts and names of fields only, never texts."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from submissions.models import AuditEntry

RESIDENT = "resident"
SYSTEM = "system"


def record(
    db: Session, actor: str, action: str, subject_type: str, subject_id: uuid.UUID | str, **details: Any
) -> None:
    """Adds an entry to the caller's unit of work, so that it is kept with what it tells of."""
    db.add(
        AuditEntry(
            actor=actor,
            action=action,
            subject_type=subject_type,
            subject_id=str(subject_id),
            details=details,
        )
    )
