"""What every table shares: the declarative base, UTC times, ids."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

from sqlalchemy import DateTime, MetaData, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time on every database; SQLite alone would give it back without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


_NOT_STORABLE = re.compile("[\x00\ud800-\udfff\ue000]")
_STORED = re.compile("\ue000([0-9a-f]{4})")


class ExactText(TypeDecorator[str]):
    """Text that comes back as it went in, with the characters a text column cannot hold.

    These are U+0000, which PostgreSQL refuses, and lone surrogates, which no UTF-8 has; each is stored as
    U+E000 (a private-use character) and its four hexadecimal digits, U+E000 itself too. All other text, which
    is practically all there is, is stored as it is and can be searched.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return _NOT_STORABLE.sub(lambda match: f"\ue000{ord(match[0]):04x}", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return _STORED.sub(lambda match: chr(int(match[1], 16)), value)


class Base(DeclarativeBase):
    # Named constraints, so that Alembic can change them on SQLite as well.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def new_id() -> uuid.UUID:
    return uuid.uuid4()
