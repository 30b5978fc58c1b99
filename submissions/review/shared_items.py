"""Places, contact cards and reactions of a conversation, as its page shows them."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions.models import Message, SharedItem


@dataclass(frozen=True)
class Shared:
    kind: str  # a SharedKind
    details: dict[str, Any]
    reacted_to: dt.datetime | None  # when the message of ours was sent that a reaction is about


def of_conversation(db: Session, conversation_id: uuid.UUID) -> dict[uuid.UUID, Shared]:
    """By the message that each came as."""
    items = db.scalars(
        select(SharedItem)
        .join(Message, Message.id == SharedItem.message_id)
        .where(Message.conversation_id == conversation_id)
    ).all()
    ours = [uuid.UUID(item.details["to_message_id"]) for item in items if "to_message_id" in item.details]
    sent = (
        db.execute(select(Message.id, Message.created_at).where(Message.id.in_(ours))).all() if ours else []
    )
    sent_at = {str(message_id): created_at for message_id, created_at in sent}
    return {
        item.message_id: Shared(item.kind, item.details, sent_at.get(item.details.get("to_message_id", "")))
        for item in items
    }
