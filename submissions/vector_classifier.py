"""Tells from a text's vector which of several labels it has, with a calibrated confidence for each.

One support vector machine a label over e5 vectors, whose scores are turned into confidences on folds it
has not seen (Platt). What was fitted is a few arrays, kept in an .npz file without any code, and read
again without scikit-learn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Chosen on the held-out views among C of 1, 3, 10 and gamma of 1, 2: evals/README.md.
COST = 3.0
GAMMA = 1.0
_FOLDS = 5
# With fewer examples of a label there is nothing to calibrate on: the score alone speaks.
_FEWEST_TO_CALIBRATE = 5
_PLAIN_SLOPE, _PLAIN_OFFSET = 2.0, 0.0


class VectorClassifier:
    """Fitted arrays; `confidences` is all there is to do with them."""

    def __init__(
        self,
        centre: Floats,
        support: Floats,
        weights: Floats,
        intercepts: Floats,
        slope: float,
        offset: float,
        facts: Mapping[str, Any],
    ) -> None:
        """`centre` (d), `support` (n, d) of length 1, `weights` (labels, n), `intercepts` (labels)."""
        self.facts = dict(facts)  # such as version and labels
        self._centre, self._support = centre, support
        self._weights, self._intercepts = weights, intercepts
        self._slope, self._offset = slope, offset

    def confidences(self, vectors: Floats) -> NDArray[np.float64]:
        """(n, labels), each from 0 to 1 and by itself: several labels may be likely, or none."""
        if not len(vectors):
            return np.empty((0, len(self._intercepts)))
        scores = self._scores(vectors)
        return np.asarray(1.0 / (1.0 + np.exp(-(self._slope * scores + self._offset))))

    def _scores(self, vectors: Floats) -> NDArray[np.float64]:
        cosines = _centred(vectors, self._centre).astype(np.float64) @ self._support.T.astype(np.float64)
        # Between vectors of length 1 the squared distance is 2 - 2 cos.
        kernel = np.exp(-GAMMA * (2.0 - 2.0 * cosines))
        return np.asarray(kernel @ self._weights.T.astype(np.float64) + self._intercepts)

    def save(self, path: Path) -> None:
        """Half the precision of the vectors, which changes confidences by less than a thousandth."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.new.npz")
        np.savez_compressed(
            scratch,
            centre=self._centre.astype(np.float16),
            support=self._support.astype(np.float16),
            weights=self._weights.astype(np.float32),
            intercepts=self._intercepts.astype(np.float32),
            calibration=np.array([self._slope, self._offset]),
            facts=np.array(json.dumps(self.facts, ensure_ascii=False, sort_keys=True)),
        )
        scratch.replace(path)

    @classmethod
    def load(cls, path: Path) -> VectorClassifier:
        """Raises OSError or ValueError when the file is not one of ours."""
        with np.load(path, allow_pickle=False) as data:
            slope, offset = (float(number) for number in data["calibration"])
            return cls(
                data["centre"].astype(np.float32),
                data["support"].astype(np.float32),
                data["weights"],
                data["intercepts"],
                slope,
                offset,
                json.loads(str(data["facts"])),
            )


def _centred(vectors: Floats, centre: Floats) -> Floats:
    # e5 vectors share one large direction; without it the differences show.
    shifted = vectors - centre
    lengths = np.linalg.norm(shifted, axis=1, keepdims=True)
    return np.asarray(shifted / np.maximum(lengths, 1e-9), dtype=np.float32)


def fit(
    vectors: Floats,
    labels: NDArray[np.bool_],
    *,
    known: NDArray[np.bool_] | None = None,
    balanced: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> VectorClassifier:
    """A classifier of `vectors` (n, d) with `labels` (n, k).

    Where `known` (n, k) is False nobody has said whether the vector has the label, and it does not
    count. Each label needs an example with it and one without. `balanced` makes the rarer side count as
    much as the other.
    """
    from sklearn.svm import SVC

    centre = vectors.mean(axis=0)
    data = _centred(vectors, centre)
    weights = np.zeros((labels.shape[1], len(data)), dtype=np.float32)
    intercepts = np.zeros(labels.shape[1], dtype=np.float32)
    for column in range(labels.shape[1]):
        model = SVC(C=COST, gamma=GAMMA, class_weight="balanced" if balanced else None)
        rows = np.arange(len(data)) if known is None else np.flatnonzero(known[:, column])
        model.fit(data[rows], labels[rows, column])
        weights[column, rows[model.support_]] = model.dual_coef_[0]
        intercepts[column] = model.intercept_[0]
    slope, offset = _calibrate(data, labels, known, balanced)
    used = np.abs(weights).max(axis=0) > 0
    return VectorClassifier(centre, data[used], weights[:, used], intercepts, slope, offset, facts or {})


def _calibrate(
    data: Floats, labels: NDArray[np.bool_], known: NDArray[np.bool_] | None, balanced: bool
) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.svm import SVC

    scores, truths = [], []
    for column in range(labels.shape[1]):
        rows = np.arange(len(data)) if known is None else np.flatnonzero(known[:, column])
        truth = labels[rows, column]
        if min(int(truth.sum()), int((~truth).sum())) < _FEWEST_TO_CALIBRATE:
            continue
        model = SVC(C=COST, gamma=GAMMA, class_weight="balanced" if balanced else None)
        folds = StratifiedKFold(n_splits=_FOLDS, shuffle=True, random_state=0)
        scores.append(cross_val_predict(model, data[rows], truth, cv=folds, method="decision_function"))
        truths.append(truth)
    if not scores:
        return _PLAIN_SLOPE, _PLAIN_OFFSET
    platt = LogisticRegression(C=1e6).fit(np.concatenate(scores)[:, None], np.concatenate(truths))
    return float(platt.coef_[0, 0]), float(platt.intercept_[0])
