"""Transcribes recordings one at a time, each in a child process with limits of time, length and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from translations.errors import TranslationError
from translations.speech.acceptance import (
    Doubt,
    HeardSegment,
    compression_of,
    doubt_about,
    mean_log_probability,
    text_of,
)
from translations.speech.model import MODEL_SHA256
from translations.speech.probing import probe

LONGEST_SECONDS = 180.0
TIME_LIMIT_SECONDS = 240.0  # 180 s take about 40 on one core; the rest is room for a busy machine
MEMORY_MEGABYTES = 3000  # of addresses, not of memory used, which is 0.5 GB at most
_PROJECT = Path(__file__).resolve().parent.parent.parent
_one_at_a_time = threading.Lock()


class TranscriptionFailed(TranslationError):
    """The child process gave no answer; `reason` names why and holds none of the words."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a recording could not be transcribed: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Transcript:
    """What was heard. `text` may be read back only when `doubt` is None; it is nobody's words before that."""

    text: str
    language: str | None  # transcribed in
    heard_language: str | None
    heard_probability: float
    log_probability: float | None
    compression_ratio: float | None
    seconds: float | None  # of the recording
    doubt: Doubt | None
    model_sha256: str = field(default=MODEL_SHA256)

    @property
    def is_accepted(self) -> bool:
        return self.doubt is None


def transcribe(
    path: Path,
    *,
    model: Path,
    conversation_language: str | None,
    longest_seconds: float = LONGEST_SECONDS,
    time_limit_seconds: float = TIME_LIMIT_SECONDS,
    memory_megabytes: int = MEMORY_MEGABYTES,
) -> Transcript:
    """What is said in a recording, and whether it may be read back.

    Waits for its turn. Raises TranscriptionFailed when time or memory ran out, or the child broke.
    """
    probed = probe(path)
    if not probed.is_recording:
        return _nothing(Doubt.NOT_READABLE)
    if probed.seconds is not None and probed.seconds > longest_seconds:
        return _nothing(Doubt.TOO_LONG, probed.seconds)
    asked = {
        "path": str(path),
        "model": str(model),
        "language": conversation_language,
        "seconds": longest_seconds,
        "megabytes": memory_megabytes,
    }
    with _one_at_a_time:
        answer = _ask_child(asked, time_limit_seconds)
    return _judge(answer)


def _ask_child(asked: dict[str, Any], time_limit_seconds: float) -> dict[str, Any]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "translations.speech.child"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=time_limit_seconds,
            cwd=_PROJECT,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TranscriptionFailed("out of time") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise TranscriptionFailed(f"exit {done.returncode} {last.partition(':')[0][:80]}".strip())
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise TranscriptionFailed("no JSON") from error
    return answer


def _judge(answer: dict[str, Any]) -> Transcript:
    segments = [HeardSegment(**segment) for segment in answer.get("segments", [])]
    doubt = Doubt(answer["doubt"]) if answer.get("doubt") else doubt_about(segments, answer["language"])
    text = text_of(segments)
    return Transcript(
        text=text,
        language=answer.get("language"),
        heard_language=answer.get("heard"),
        heard_probability=float(answer.get("probability", 0.0)),
        log_probability=mean_log_probability(segments) if segments else None,
        compression_ratio=compression_of(text) if segments else None,
        seconds=answer.get("seconds"),
        doubt=doubt,
    )


def _nothing(doubt: Doubt, seconds: float | None = None) -> Transcript:
    return Transcript("", None, None, 0.0, None, None, seconds, doubt)
