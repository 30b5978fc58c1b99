"""The classifier itself, apart from Rasa: texts and vectors in, intents with confidences out."""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np
import skops.io
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from bot.components.text_normalising import normalise

NETWORKS = 3  # their mean is steadier than any one of them
NEIGHBOURS = 25
SHARPNESS = 10.0  # how much more a near example counts than a far one
SMALLEST_SHARE = 0.005  # of an intent without any neighbour: 25 neighbours cannot exclude it
# Weights beside a log probability of the networks: a margin of the spelling model, and the logarithm of the
# neighbours' share. Chosen with whole languages, whole ways of saying a thing, and another writer's messages
# left out of the training (evals/cross_validation.py, docs/figures.md).
SPELLING_WEIGHT = 3.0
NEIGHBOUR_WEIGHT = 1.0
# The opinions are not independent: joined as they are, they would be far too sure. At this temperature a
# confidence is about the share that is right, among another writer's messages.
TEMPERATURE = 2.1


class Neighbours:
    """The training examples themselves: what the nearest of them in meaning were about.

    They are kept as whole numbers of one byte, a quarter of the size; cosines differ by less than 0.005.
    """

    def __init__(
        self, mean: np.ndarray, examples: np.ndarray, intents: np.ndarray, names: np.ndarray
    ) -> None:
        self.stored = {"mean": mean, "examples": examples, "intents": intents, "names": names}
        self._mean = mean
        self._units = _to_length_one(examples.astype(np.float32))
        self._intents = intents
        self._intents_count = len(names)

    @classmethod
    def of(cls, vectors: np.ndarray, intents: Sequence[str]) -> Neighbours:
        names, numbers = np.unique(np.asarray(intents, dtype=str), return_inverse=True)
        mean = vectors.mean(axis=0).astype(np.float32)  # e5's vectors all point much the same way
        units = _to_length_one(vectors - mean)
        scaled = np.round(127 * units / np.abs(units).max(axis=1, keepdims=True))
        return cls(mean, scaled.astype(np.int8), numbers.astype(np.int16), names)

    def log_shares(self, vector: np.ndarray) -> np.ndarray:
        """For each intent, in the order of their names, the logarithm of its share among the nearest."""
        cosines = self._units @ _to_length_one((vector - self._mean).reshape(1, -1))[0]
        nearest = np.argpartition(-cosines, min(NEIGHBOURS, len(cosines)) - 1)[:NEIGHBOURS]
        weights = np.exp(SHARPNESS * cosines[nearest])
        votes = np.bincount(self._intents[nearest], weights=weights, minlength=self._intents_count)
        return np.log(votes / votes.sum() + SMALLEST_SHARE)


def _to_length_one(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)


class IntentModel:
    """Three opinions joined: meaning (small networks over e5 vectors), the nearest examples, and spelling (a
    linear machine over n-grams).

    The networks know the intents' borders; the neighbours carry best over to a language or a way of saying
    it without examples; spelling knows the romanised, misspelt and dialect words that e5, trained on clean
    text, places badly.
    """

    def __init__(
        self,
        scaler: StandardScaler,
        meaning: List[MLPClassifier],
        neighbours: Neighbours,
        characters: TfidfVectorizer,
        words: TfidfVectorizer,
        spelling: LinearSVC,
    ) -> None:
        self._scaler = scaler
        self._meaning = meaning
        self._neighbours = neighbours
        self._characters = characters
        self._words = words
        self._spelling = spelling

    @classmethod
    def train(cls, texts: Sequence[str], vectors: np.ndarray, intents: Sequence[str]) -> IntentModel:
        """From texts, their vectors (n, 384) and their intents, all of one length. About 25 s for 18,000
        texts."""
        scaler = StandardScaler().fit(vectors)
        scaled = scaler.transform(vectors)
        meaning = [
            MLPClassifier((256,), alpha=1.0, max_iter=25, random_state=seed).fit(scaled, intents)
            for seed in range(NETWORKS)
        ]
        for network in meaning:
            del network._optimizer  # twice the size of what it trained, and of no use afterwards
        normalised = [normalise(text) for text in texts]
        characters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True, min_df=2, lowercase=False
        ).fit(normalised)
        words = TfidfVectorizer(
            token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True, lowercase=False
        ).fit(normalised)
        spelled = hstack([characters.transform(normalised), words.transform(normalised)]).tocsr()
        spelling = LinearSVC(C=1.0, random_state=0).fit(spelled, intents)
        spelling.coef_ = spelling.coef_.astype(np.float32)
        return cls(scaler, meaning, Neighbours.of(vectors, intents), characters, words, spelling)

    def rank(self, text: str, vector: np.ndarray) -> List[Tuple[str, float]]:
        """Each intent with its confidence (0 to 1, together 1), the surest first."""
        scaled = self._scaler.transform(vector.reshape(1, -1))
        meaning = np.mean([np.log(n.predict_proba(scaled)[0] + 1e-9) for n in self._meaning], axis=0)
        neighbours = self._neighbours.log_shares(vector)
        spelling = self._spelling_margins(text)
        joined = (meaning + NEIGHBOUR_WEIGHT * neighbours + SPELLING_WEIGHT * spelling) / TEMPERATURE
        confidences = np.exp(joined - joined.max())
        confidences /= confidences.sum()
        order = np.argsort(-confidences)
        return [(str(self._spelling.classes_[i]), float(confidences[i])) for i in order]

    def _spelling_margins(self, text: str) -> np.ndarray:
        normalised = [normalise(text)]
        features: csr_matrix = hstack(
            [self._characters.transform(normalised), self._words.transform(normalised)]
        ).tocsr()
        return self._spelling.decision_function(features)[0]

    def save(self, path: Path) -> None:
        """As skops, which unlike a pickle runs nothing when it is read."""
        parts = {name.lstrip("_"): part for name, part in vars(self).items()}
        skops.io.dump({**parts, "neighbours": self._neighbours.stored}, path)

    @classmethod
    def load(cls, path: Path) -> IntentModel:
        parts = skops.io.load(path, trusted=TRUSTED_TYPES)
        return cls(**{**parts, "neighbours": Neighbours(**parts["neighbours"])})


# What skops does not know to be harmless by itself and our model holds.
TRUSTED_TYPES = [
    "scipy.sparse._csr.csr_matrix",
    "scipy.sparse._dia.dia_matrix",
    "sklearn.preprocessing._label.LabelBinarizer",
]
