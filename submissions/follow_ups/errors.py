"""What can go wrong with forums and follow-ups, in words the team reads."""

from __future__ import annotations

import datetime as dt

from submissions.errors import SubmissionError


class NotAccepted(SubmissionError):
    """What was typed cannot be kept; `problems` says why, by the name of the field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


class ChangedMeanwhile(SubmissionError):
    """Somebody else saved it after this person opened it."""

    def __init__(self, saved_by: str, saved_at: dt.datetime, version: int) -> None:
        super().__init__(f"saved by {saved_by}, now version {version}")
        self.saved_by = saved_by
        self.saved_at = saved_at
        self.version = version


class NotNow(SubmissionError):
    """The follow-up is not in a state for this, or not for this person; `reason` is a plain sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NumberNotUsable(SubmissionError):
    """No text message can be sent there; `reason` never repeats the number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FileNotRead(SubmissionError):
    """The file as a whole cannot be read; `reason` is what the team is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RowsNotAccepted(SubmissionError):
    """Some rows are wrong, so none was taken. `faults` are (line of the file, what is wrong)."""

    def __init__(self, faults: list[tuple[int, str]], rows: int) -> None:
        super().__init__(f"{len(faults)} faults in {rows} rows")
        self.faults = faults
        self.rows = rows
