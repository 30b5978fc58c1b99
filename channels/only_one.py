"""The web part runs once for a data folder: its throttles count in its memory, and its write-ahead files have
one writer. A second one would let everybody try twice as often, so it does not start.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from submissions.errors import ConfigurationError

LOCK_FILE = "web.lock"
# A restart may begin before the one that is stopping has let go.
WAIT_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.1


@contextmanager
def only_web_part(data: Path, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Holds the data folder for this process; the system lets go of it when the process ends.

    Raises ConfigurationError when another web part still has it after `wait_seconds`, or when the folder
    cannot be written.
    """
    path = data / LOCK_FILE
    try:
        file = path.open("a")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    with file:
        deadline = time.monotonic() + wait_seconds
        while not _is_taken(file.fileno()):
            if time.monotonic() >= deadline:
                raise ConfigurationError(
                    f"another web part runs with the data folder {data}: there can be one, because it"
                    " counts in its memory how often somebody tries. For another instance set OWNWORDS_DATA"
                )
            time.sleep(LOOK_AGAIN_SECONDS)
        yield


def _is_taken(descriptor: int) -> bool:
    """Whether the lock is this process's now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
