"""How long a recording of 20 seconds takes to transcribe, as a share of its length."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path

from translations.speech.transcriber import transcribe


@dataclass(frozen=True)
class SpeechFigures:
    seconds: float  # of the recording
    wall_factors: list[float]  # sorted; the real-time factor of each run, model loading included
    processor_factor: float  # processor time over the recording's length, the mean

    def lines(self) -> list[str]:
        middle = self.wall_factors[len(self.wall_factors) // 2]
        return [
            f"recording: {self.seconds:.1f} s, {len(self.wall_factors)} runs, each with its own process",
            f"real-time factor: median {middle:.2f}, best {self.wall_factors[0]:.2f}",
            f"processor seconds per second of recording: {self.processor_factor:.2f}",
        ]


def bench_speech(recording: Path, model: Path, *, language: str | None, runs: int) -> SpeechFigures:
    """Transcribes the recording `runs` times. Raises TranscriptionFailed, ValueError if nothing is heard."""
    factors = []
    seconds = 0.0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(runs):
        started = time.perf_counter()
        heard = transcribe(recording, model=model, conversation_language=language)
        if heard.seconds is None:
            raise ValueError(f"nothing was heard: {heard.doubt}")
        seconds = heard.seconds
        factors.append((time.perf_counter() - started) / seconds)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return SpeechFigures(seconds, sorted(factors), spent / runs / seconds)
