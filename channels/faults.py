"""How an unexpected error is named in a log: by its kind and place, never by its words."""

from __future__ import annotations

import traceback
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def fault(error: BaseException) -> str:
    """Such as "IntegrityError at submissions/media.py:118": the last line of ours it came through.

    What an error says may hold a resident's words or number: a database's names the values of the statement.
    """
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(PROJECT) and "site-packages" not in frame.filename
    ]
    if not ours:
        return type(error).__name__
    place = Path(ours[-1].filename).relative_to(PROJECT)
    return f"{type(error).__name__} at {place}:{ours[-1].lineno}"
