"""What PostgreSQL still holds in its files of rows that were deleted, and how it is taken out.

A deleted row stays in its page until the page is written anew, and a word stays a key of the GIN index after
the last row with it is gone. A table is not written anew while somebody uses it, and keeps what a transaction
that began before the deletion can still see: then the next run does it. Sources:
https://www.postgresql.org/docs/15/sql-vacuum.html, https://www.postgresql.org/docs/15/gin-implementation.html
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from submissions.models import (
    Address,
    Base,
    Conversation,
    EvidenceSession,
    Message,
    Outcome,
    PaperBatch,
    Stakeholder,
    Submission,
)

logger = logging.getLogger(__name__)

# What can be deleted for good; what hangs on one of these goes with it.
_DELETED_BY_HAND = (
    Address,
    Conversation,
    EvidenceSession,
    Message,
    Outcome,
    PaperBatch,
    Stakeholder,
    Submission,
)
# Up to here a table is written anew at once: nobody can use it for the second that this takes.
SMALL_BYTES = 64 * 1024 * 1024
# Nor for longer than this may anybody wait behind us for one that is in use.
LOCK_TIMEOUT = "500ms"
WORD_INDEX = "ix_view_index_words"


def tables_with_words() -> list[str]:
    """The tables whose rows go when somebody's words are erased, those of future models too."""
    found = {model.__tablename__ for model in _DELETED_BY_HAND}
    for table in Base.metadata.sorted_tables:  # a table stands after those it refers to
        if any(key.ondelete == "CASCADE" and key.column.table.name in found for key in table.foreign_keys):
            found.add(table.name)
    return sorted(found)


def compact(bind: Engine) -> list[str]:
    """Writes small tables anew, with their indices; in large ones frees what can be freed in use.

    Gives the names of those that were not written anew, being large or in use; they are tried again the next
    time, at the latest in the night. Changes no row.
    """
    with bind.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        try:
            return [name for name in tables_with_words() if not _write_anew(connection, name)]
        finally:
            connection.execute(text("RESET lock_timeout"))


def _write_anew(connection: Connection, name: str) -> bool:
    # Its indices not counted: their sizes follow the table's.
    size = connection.scalar(text("SELECT pg_table_size(CAST(:name AS regclass))"), {"name": name}) or 0
    if size <= SMALL_BYTES and _run(connection, f'VACUUM (FULL) "{name}"', name):
        return True
    _run(connection, f'VACUUM "{name}"', name)
    return False


def compact_word_index(bind: Engine) -> None:
    """Makes the index of words anew beside the old one, while searches go on; for the night."""
    with bind.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # What is left of one that was broken off costs time at each change and is never used.
        connection.execute(text(f'DROP INDEX IF EXISTS "{WORD_INDEX}_ccnew"'))
        _run(connection, f'REINDEX INDEX CONCURRENTLY "{WORD_INDEX}"', WORD_INDEX)


def _run(connection: Connection, statement: str, name: str) -> bool:
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        # In use, or no longer there; the rows are deleted either way.
        logger.warning("%s not written anew now: %s", name, type(error.orig).__name__)
        return False
    return True
