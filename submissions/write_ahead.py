"""The write-ahead file: where messages are kept while the database is down, until it is back.

One JSON object a line, synced to disk before `append` returns. Replaying is exactly once because keeping a
message is idempotent: a line that was replayed, but not yet removed when the process died, changes nothing.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from submissions.errors import DatabaseUnavailable, WriteAheadFileNotWritable

logger = logging.getLogger(__name__)


class WriteAheadFile:
    """A file of records of this process and others; a lock beside it keeps them from each other's lines."""

    def __init__(self, path: Path) -> None:
        """Raises WriteAheadFileNotWritable when it cannot be written and synced, so that the start stops."""
        self.path = path
        self._rejected_path = path.with_suffix(".rejected")
        self._lock_path = path.with_suffix(".lock")
        self._thread_lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked(), path.open("ab") as file:
                os.fsync(file.fileno())
            _sync_folder(path.parent)
        except OSError as error:
            raise WriteAheadFileNotWritable(path, error.strerror or str(error)) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._thread_lock, self._lock_path.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield  # closing the file gives the lock back

    def append(self, record: dict[str, Any]) -> None:
        """Keeps a record of JSON values; it is on disk when this returns. Raises OSError when it is not."""
        line = json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
        with self._locked(), self.path.open("a+b") as file:
            # After a line that a crash tore, ours would be torn too.
            if file.seek(0, os.SEEK_END) > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def count(self) -> int:
        """How many whole records wait."""
        with self._locked():
            return len(self._read()[0])

    def replay(self, keep: Callable[[dict[str, Any]], None]) -> int:
        """Hands each record, oldest first, to `keep`, and removes those it kept. How many were kept.

        `keep` must be idempotent and durable when it returns. When it raises DatabaseUnavailable the rest
        stays for later. A record it refuses for another reason, and a torn line, is moved to the `.rejected`
        file beside this one and reported; none is dropped.
        """
        with self._locked():
            records, torn = self._read()
            kept = 0
            rejected = list(torn)
            remaining: list[bytes] = []
            for index, (line, record) in enumerate(records):
                try:
                    keep(record)
                except DatabaseUnavailable:
                    remaining = [line for line, _ in records[index:]]
                    break
                except Exception as error:  # noqa: BLE001  one bad record must not hold up the others
                    logger.error("write-ahead record refused: %s", type(error).__name__)
                    rejected.append(line)
                else:
                    kept += 1
            if rejected:
                self._set_aside(rejected)
            if kept or rejected:
                self._replace_by(remaining)
        if kept or rejected:
            logger.info(
                "write-ahead file: %d kept, %d set aside, %d remain", kept, len(rejected), len(remaining)
            )
        return kept

    def remove(self, is_gone: Callable[[dict[str, Any]], bool]) -> int:
        """Takes the records of which this holds out of the file, and out of what was set aside; how many.

        A torn line cannot be read, so it stays until `remove_set_aside`.
        """

        def stays(line: bytes) -> bool:
            try:
                record = json.loads(line)
                return not (isinstance(record, dict) and is_gone(record))
            except Exception:  # noqa: BLE001  torn, or of another shape: nothing that can be told apart
                return True

        removed = 0
        with self._locked():
            for path in (self.path, self._rejected_path):
                lines = [line for line in path.read_bytes().split(b"\n") if line] if path.exists() else []
                kept = [line for line in lines if stays(line)]
                if len(kept) < len(lines):
                    self._replace_by(kept, path)
                    removed += len(lines) - len(kept)
        return removed

    def remove_set_aside(self, *, older_than: float, dry_run: bool = False) -> bool:
        """Deletes the `.rejected` file when nothing was added to it for so many seconds."""
        with self._locked():
            path = self._rejected_path
            if not path.exists() or time.time() - path.stat().st_mtime < older_than:
                return False
            if not dry_run:
                path.unlink()
            return True

    def _read(self) -> tuple[list[tuple[bytes, dict[str, Any]]], list[bytes]]:
        """The whole records with their lines, and the lines that are not whole."""
        records: list[tuple[bytes, dict[str, Any]]] = []
        torn: list[bytes] = []
        content = self.path.read_bytes() if self.path.exists() else b""
        for line in content.split(b"\n"):
            if not line:
                continue
            try:
                record = json.loads(line)
            except ValueError:  # also UnicodeDecodeError
                torn.append(line)
                continue
            if isinstance(record, dict):
                records.append((line, record))
            else:
                torn.append(line)
        return records, torn

    def _set_aside(self, lines: list[bytes]) -> None:
        with self._rejected_path.open("ab") as file:
            file.writelines(line + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())

    def _replace_by(self, lines: list[bytes], path: Path | None = None) -> None:
        old = path or self.path
        new = old.with_suffix(old.suffix + ".new")
        with new.open("wb") as file:
            file.writelines(line + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        new.replace(old)
        _sync_folder(old.parent)


def _sync_folder(folder: Path) -> None:
    """Makes a new name in the folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
