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
# Weight of a margin of the spelling model beside a log probability of the meaning model; between 3 and 6
# hardly
# differ on the training files, split by language.
SPELLING_WEIGHT = 5.0
TEMPERATURE = 2.5  # the two opinions are not independent: joined as they are, they would be far too sure


class IntentModel:
    """Two opinions joined: meaning (small networks over e5 vectors) and spelling (a linear machine over
    n-grams).

    The first carries over between languages; the second knows the romanised, misspelt and dialect words
    that e5,
    trained on clean text, places badly.
    """

    def __init__(
        self,
        scaler: StandardScaler,
        meaning: List[MLPClassifier],
        characters: TfidfVectorizer,
        words: TfidfVectorizer,
        spelling: LinearSVC,
    ) -> None:
        self._scaler = scaler
        self._meaning = meaning
        self._characters = characters
        self._words = words
        self._spelling = spelling

    @classmethod
    def train(cls, texts: Sequence[str], vectors: np.ndarray, intents: Sequence[str]) -> IntentModel:
        """From texts, their vectors (n, 384) and their intents, all of one length. About 20 s for 10,000
        texts."""
        scaler = StandardScaler().fit(vectors)
        scaled = scaler.transform(vectors)
        meaning = [
            MLPClassifier((256,), alpha=0.01, max_iter=25, random_state=seed).fit(scaled, intents)
            for seed in range(NETWORKS)
        ]
        normalised = [normalise(text) for text in texts]
        characters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True, min_df=2, lowercase=False
        ).fit(normalised)
        words = TfidfVectorizer(
            token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True, lowercase=False
        ).fit(normalised)
        spelled = hstack([characters.transform(normalised), words.transform(normalised)]).tocsr()
        spelling = LinearSVC(C=1.0, random_state=0).fit(spelled, intents)
        return cls(scaler, meaning, characters, words, spelling)

    def rank(self, text: str, vector: np.ndarray) -> List[Tuple[str, float]]:
        """Each intent with its confidence (0 to 1, together 1), the surest first."""
        scaled = self._scaler.transform(vector.reshape(1, -1))
        meaning = np.mean([np.log(n.predict_proba(scaled)[0] + 1e-9) for n in self._meaning], axis=0)
        joined = (meaning + SPELLING_WEIGHT * self._spelling_margins(text)) / TEMPERATURE
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
        skops.io.dump(vars(self), path)

    @classmethod
    def load(cls, path: Path) -> IntentModel:
        parts = skops.io.load(path, trusted=TRUSTED_TYPES)
        return cls(**{name.lstrip("_"): part for name, part in parts.items()})


# What skops does not know to be harmless by itself and our model holds.
TRUSTED_TYPES = [
    "scipy.sparse._csr.csr_matrix",
    "scipy.sparse._dia.dia_matrix",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.preprocessing._label.LabelBinarizer",
]
