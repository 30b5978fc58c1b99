"""How sure we are that a text tells of danger: three opinions joined, from its e5 vector and its spelling.

A support vector machine and small networks know what the vector means; letters in runs know the misspelt,
romanised and dialect words that e5, trained on clean text, places badly. Weights were chosen on views of a
writer and of kinds left out of the training (docs/figures.md). What was fitted is a few arrays in an .npz
file without any code or text, read again without scikit-learn.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Scores = NDArray[np.float64]

GAMMA = 1.0
BUCKETS = 1 << 17
LONGEST_RUN = 5
# Each opinion is divided by its spread and weighs this much: meaning by examples, by networks, spelling.
WEIGHTS = (1.0, 0.5, 0.15)


class Examples(NamedTuple):
    """The support vector machine: `centre` (d), `axes` (k, d), `support` (n, k) whole numbers of one byte,
    `weights` (n), `intercept` (1)."""

    centre: Floats
    axes: Floats
    support: NDArray[np.int8]
    weights: Floats
    intercept: Floats

    def scores(self, vectors: Floats) -> Scores:
        """(m); above 0 is danger."""
        reduced = reduce_vectors(vectors, self.centre, self.axes)
        cosines = reduced @ to_length_one(self.support.astype(np.float32)).T
        # Between vectors of length 1 the squared distance is 2 - 2 cos.
        kernel = np.exp(-GAMMA * (2.0 - 2.0 * cosines))
        return np.asarray(kernel.astype(np.float64) @ self.weights + self.intercept[0])


class Networks(NamedTuple):
    """Networks of one hidden layer: `mean` and `scale` (d), `first` (nets, d, hidden), `first_bias` (nets,
    hidden), `second` (nets, hidden), `second_bias` (nets)."""

    mean: Floats
    scale: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats

    def scores(self, vectors: Floats) -> Scores:
        """(m), the mean of the networks' log odds."""
        scaled = (vectors - self.mean) / self.scale
        hidden = np.maximum(np.einsum("md,ndh->nmh", scaled, self.first) + self.first_bias[:, None], 0.0)
        odds = np.einsum("nmh,nh->nm", hidden, self.second) + self.second_bias[:, None]
        # A network alone may be sure beyond all measure; the fit bounds it in the same way.
        return np.asarray(np.clip(odds, -12.0, 12.0).mean(axis=0).astype(np.float64))


class Spelling(NamedTuple):
    """A linear machine over letters in runs: `rarity` and `weights` (BUCKETS), `intercept` (1)."""

    rarity: Floats
    weights: Floats
    intercept: Floats

    def scores(self, texts: Sequence[str]) -> Scores:
        """(m) of texts as `danger.normalise` leaves them."""
        scores = np.empty(len(texts))
        for row, text in enumerate(texts):
            found = buckets(text)
            rarity = self.rarity[found]
            length = max(float(np.linalg.norm(rarity)), 1e-9)
            scores[row] = float(rarity @ self.weights[found]) / length + self.intercept[0]
        return scores


class DangerModel:
    """The three of them; `confidences` is all there is to do with them."""

    def __init__(
        self,
        examples: Examples,
        networks: Networks,
        spelling: Spelling,
        spreads: Scores,
        calibration: tuple[float, float],
        facts: Mapping[str, Any],
    ) -> None:
        """`spreads` (3) of the opinions; `calibration` is slope and offset of the log odds (Platt)."""
        self.facts = dict(facts)
        self._parts = (examples, networks, spelling)
        self._spreads = spreads
        self._calibration = calibration

    def confidences(self, texts: Sequence[str], vectors: Floats) -> Scores:
        """(m), each from 0 to 1; `texts` are normalised, and `vectors` (m, 384) are those of the texts."""
        if len(texts) != len(vectors):
            raise ValueError(f"{len(texts)} texts with {len(vectors)} vectors")
        if not len(vectors):
            return np.empty(0)
        slope, offset = self._calibration
        examples, networks, spelling = self._parts
        opinions = np.stack([examples.scores(vectors), networks.scores(vectors), spelling.scores(texts)])
        joined = join(opinions, self._spreads)
        return np.asarray(1.0 / (1.0 + np.exp(-(slope * joined + offset))))

    def save(self, path: Path) -> None:
        """In half the precision, which changes a confidence by less than a hundredth."""
        arrays: dict[str, Any] = {
            f"{type(part).__name__.lower()}_{name}": value if value.dtype == np.int8 else _half(value)
            for part in self._parts
            for name, value in part._asdict().items()
        }
        arrays["spreads"] = self._spreads
        arrays["calibration"] = np.array(self._calibration)
        arrays["facts"] = np.array(json.dumps(self.facts, ensure_ascii=False, sort_keys=True))
        scratch = path.with_name(f".{path.name}.new.npz")
        np.savez_compressed(scratch, **arrays)
        scratch.replace(path)

    @classmethod
    def load(cls, path: Path) -> DangerModel:
        """Raises OSError, KeyError or ValueError when the file is not one of ours."""
        with np.load(path, allow_pickle=False) as data:

            def part(kind: Any) -> Any:
                stored = (data[f"{kind.__name__.lower()}_{name}"] for name in kind._fields)
                return kind(
                    *(value if value.dtype == np.int8 else value.astype(np.float32) for value in stored)
                )

            slope, offset = (float(number) for number in data["calibration"])
            parts = part(Examples), part(Networks), part(Spelling)
            return cls(*parts, data["spreads"], (slope, offset), json.loads(str(data["facts"])))


def _half(value: NDArray[Any]) -> NDArray[np.float16]:
    return value.astype(np.float16)


def join(opinions: Scores, spreads: Scores) -> Scores:
    """(m) of `opinions` (3, m), each divided by its spread."""
    return np.asarray((np.array(WEIGHTS) / spreads) @ opinions)


def to_length_one(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)


def reduce_vectors(vectors: Floats, centre: Floats, axes: Floats) -> Floats:
    """(m, k) of length 1: what is left of vectors (m, d) along the axes (k, d) that differ most.

    e5 vectors share one large direction; without it the differences show.
    """
    return to_length_one(to_length_one(vectors - centre) @ axes.T)


def buckets(text: str) -> NDArray[np.intp]:
    """The numbers, 0 to BUCKETS - 1 and each once, of a normalised text's words, pairs of neighbouring words,
    and runs of 1 to 5 letters within a word and its borders."""
    words = text.split()
    found = {*words, *(" ".join(pair) for pair in pairwise(words))}
    runs: set[str] = set()
    for word in set(words):
        bordered = f" {word} "
        for size in range(1, LONGEST_RUN + 1):
            runs.update(bordered[start : start + size] for start in range(len(bordered) - size + 1))
    # A run and a word of the same letters are two things.
    keys = [f"w{word}" for word in found] + [f"r{run}" for run in runs]
    return np.unique(np.array([zlib.crc32(key.encode()) % BUCKETS for key in keys], dtype=np.intp))
