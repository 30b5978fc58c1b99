"""Settings of the assistant, from the same OWNWORDS_ environment as the rest, and the secret shared with
it."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping
from urllib.parse import urlsplit

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
BOT_FOLDER = PROJECT_FOLDER / "bot"
MODELS_FOLDER = BOT_FOLDER / "models"
TOKEN_HEADER = "X-Internal-Token"


class SettingsError(Exception):
    """A setting is wrong; it stops the start, by name."""


@dataclass(frozen=True)
class Settings:
    data: Path  # folder of the tracker's database and of the internal token
    host: str  # address the assistant and its actions listen on; never a public one
    bot_port: int
    actions_port: int
    gateway_url: str  # where /internal/bot answers
    actions_url: str
    database_url: str  # SQLAlchemy 1.4 address of the conversations' states
    redis_url: str  # "" keeps locks in memory, right for one assistant
    internal_token: str


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings, with the same defaults as `channels.settings`. Raises SettingsError, naming the
    setting."""
    port_text = environment.get("OWNWORDS_PORT") or "8000"
    if not port_text.isdigit() or not 1 <= int(port_text) <= 45_535:
        raise SettingsError(f"OWNWORDS_PORT must be a number from 1 to 45535, not {port_text!r}")
    port = int(port_text)
    data = Path(environment.get("OWNWORDS_DATA") or PROJECT_FOLDER / "var").resolve()
    data.mkdir(parents=True, exist_ok=True)
    return Settings(
        data=data,
        host=environment.get("OWNWORDS_BOT_HOST") or "127.0.0.1",
        bot_port=port + 10_000,
        actions_port=port + 20_000,
        gateway_url=(environment.get("OWNWORDS_GATEWAY_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        actions_url=(environment.get("OWNWORDS_ACTIONS_URL") or f"http://127.0.0.1:{port + 20_000}").rstrip(
            "/"
        ),
        database_url=environment.get("OWNWORDS_BOT_DATABASE_URL") or f"sqlite:///{data}/conversations.db",
        redis_url=environment.get("OWNWORDS_BOT_REDIS_URL") or "",
        internal_token=environment.get("OWNWORDS_INTERNAL_TOKEN")
        or read_or_make_token(data / "internal_token"),
    )


def read_or_make_token(path: Path) -> str:
    """The secret in this file, made first if there is none.

    Whoever starts first makes it: the file appears whole or not at all, so two starting together agree.
    """
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".internal_token-")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        try:
            os.link(temporary, path)  # unlike a rename, never replaces another program's
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
    token = path.read_text(encoding="ascii").strip()
    if not token:
        raise SettingsError(f"the file of OWNWORDS_INTERNAL_TOKEN, {path.name} in the data folder, is empty")
    return token


def endpoint_variables(settings: Settings) -> dict[str, str]:
    """What `endpoints.yml` refers to as ${...}."""
    redis = urlsplit(settings.redis_url or "redis://127.0.0.1:6379/1")
    return {
        "OWNWORDS_ACTIONS_URL": settings.actions_url,
        "OWNWORDS_INTERNAL_TOKEN": settings.internal_token,
        "OWNWORDS_BOT_DATABASE_URL": settings.database_url,
        "OWNWORDS_BOT_LOCKS": "redis" if settings.redis_url else "in_memory",
        "OWNWORDS_BOT_REDIS_HOST": redis.hostname or "127.0.0.1",
        "OWNWORDS_BOT_REDIS_PORT": str(redis.port or 6379),
        "OWNWORDS_BOT_REDIS_DB": redis.path.strip("/") or "1",
    }
