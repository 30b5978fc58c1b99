"""The real model, joined once from the two packages of requirements/dev.in, and recordings made here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from translations.speech.model import install_from_packages

AUDIO = Path(__file__).resolve().parents[4] / "shared" / "audio"
SAMPLE_RATE = 48_000


@pytest.fixture(scope="session")
def speech_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_from_packages(tmp_path_factory.mktemp("speech"))


@pytest.fixture
def voice_note(tmp_path: Path) -> Callable[[np.ndarray], Path]:
    """Makes a voice note (OGG, Opus) of samples between -1 and 1 at 48 kHz."""

    def make(samples: np.ndarray) -> Path:
        path = tmp_path / f"made-{len(samples)}.ogg"
        write_ogg(path, samples)
        return path

    return make


def write_ogg(path: Path, samples: np.ndarray, repeat: int = 1) -> None:
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", bit_rate=8_000)
        whole = (samples * 32767).astype(np.int16).reshape(1, -1)
        for number in range(repeat):
            frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = number * whole.shape[1]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def recording(name: str) -> Path:
    path = AUDIO / name
    if not path.is_file():
        pytest.skip("the recordings are not beside the project")
    return path
