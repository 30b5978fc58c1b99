"""Run by Alembic: uses the connection `submissions.database` hands over, or the settings' database."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from submissions import database
from submissions.models import Base
from submissions.models.base import ExactText, UtcDateTime


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen_context.imports.add("from submissions.models.base import UtcDateTime")
        return "UtcDateTime()"
    if kind == "type" and isinstance(item, ExactText):
        return "sa.Text()"  # how it is stored
    return False


def has_model(name: str | None, kind: str, parents: Any) -> bool:
    """False for the full-text index, which is SQL in a migration and no model."""
    return not (name or "").startswith(("view_index_words", "ix_view_index_words"))


def run(connection: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite changes a table by making a new one
        render_item=render_item,
        compare_type=True,
        include_name=has_model,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with database.engine().begin() as own:
        run(own)
