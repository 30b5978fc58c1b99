"""Transcribes one recording in a process of its own, within limits; started by `transcriber` only.

Standard input: one JSON object {path, model, language, seconds, megabytes}. Standard output: one JSON object.
What goes wrong is its exit and the last line of its errors; no word of the recording is ever printed there.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

SAMPLE_RATE = 16_000
SIMPLIFIED_CHINESE = "以下是普通话的句子。"  # without it the model writes traditional characters


def main() -> None:
    asked = json.load(sys.stdin)
    limit = int(asked["megabytes"]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)  # residents' messages go first
    json.dump(_transcribe(asked), sys.stdout)


def _transcribe(asked: dict[str, Any]) -> dict[str, Any]:
    import av.error

    try:
        audio = _decode(asked["path"], float(asked["seconds"]))
    except (av.error.FFmpegError, IndexError, ValueError) as error:
        return {"doubt": "not_readable", "detail": type(error).__name__}
    if audio is None:
        return {"doubt": "too_long"}
    if len(audio) < SAMPLE_RATE // 10:
        return {"doubt": "no_speech"}
    from faster_whisper import WhisperModel
    from faster_whisper.vad import get_speech_timestamps

    if not get_speech_timestamps(audio):
        return {"doubt": "no_speech"}  # before the model is loaded: silence costs next to nothing
    from translations.speech.acceptance import language_to_use

    model = WhisperModel(
        asked["model"], device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )
    heard, probability, everything = model.detect_language(audio, vad_filter=True)
    language, doubt = language_to_use(heard, probability, asked["language"])
    answer: dict[str, Any] = {
        "heard": heard,
        "probability": float(probability),
        "likely": sorted(([float(p), code] for code, p in everything), reverse=True)[:3],
        "language": language,
        "seconds": len(audio) / SAMPLE_RATE,
    }
    if language is None:
        return {**answer, "doubt": str(doubt)}
    segments, _ = model.transcribe(
        audio,
        language=language,
        task="transcribe",  # never "translate": this model's translations are unusable
        beam_size=5,
        temperature=0.0,  # one try; the default's six take 44 seconds for noise
        condition_on_previous_text=False,
        vad_filter=True,
        initial_prompt=SIMPLIFIED_CHINESE if language == "zh" else None,
    )
    answer["segments"] = [
        {
            "text": segment.text,
            "seconds": segment.end - segment.start,
            "log_probability": segment.avg_logprob,
            "compression_ratio": segment.compression_ratio,
        }
        for segment in segments
    ]
    return answer


def _decode(path: str, longest: float) -> Any:
    """Mono samples at 16 kHz as 32-bit floats, or None as soon as there are more than `longest` seconds.

    A recording of 3 MB can unpack to hours, so its length is not taken on trust.
    """
    import av
    import numpy as np

    pieces = []
    count = 0
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(path, mode="r", metadata_errors="ignore") as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            for out in resampler.resample(frame):
                piece = out.to_ndarray().reshape(-1)
                count += len(piece)
                pieces.append(piece)
            if count > longest * SAMPLE_RATE:
                return None
        pieces.extend(out.to_ndarray().reshape(-1) for out in resampler.resample(None))  # what it still holds
    if not pieces:
        return np.zeros(0, dtype=np.float32)
    return np.concatenate(pieces).astype(np.float32) / 32768.0


if __name__ == "__main__":
    main()
