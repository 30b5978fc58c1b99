from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.fit_danger import fit_parts, opinions_of, spell
from submissions.danger import MODEL_FILE, MODEL_NAME, normalise
from submissions.danger_model import BUCKETS, DangerModel, buckets

LARGEST_FILE_BYTES = 3_000_000
# As in evals.fit_danger: the networks stop early on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def small_model() -> tuple[DangerModel, list[str], np.ndarray]:
    """Fitted to 400 random vectors around two centres, and one word in the texts of each."""
    random = np.random.default_rng(0)
    labels = np.arange(400) % 2 == 0
    centres = random.normal(size=(2, 384))
    vectors = (centres[labels.astype(int)] + random.normal(size=(400, 384))).astype(np.float32)
    texts = [f"perigo {number}" if danger else f"parque {number}" for number, danger in enumerate(labels)]
    parts = fit_parts(vectors, spell(texts), labels)
    spreads = opinions_of(parts, vectors, texts).std(axis=1)
    return DangerModel(*parts, spreads, (1.0, 0.0), {"name": "small"}), texts, vectors


def test_it_tells_what_it_was_fitted_to_apart_and_is_the_same_when_read_again(tmp_path: Path) -> None:
    model, texts, vectors = small_model()
    confidences = model.confidences(texts, vectors)
    assert confidences[::2].min() > 0.5 > confidences[1::2].max()
    model.save(tmp_path / "model.npz")
    again = DangerModel.load(tmp_path / "model.npz")
    assert again.facts == {"name": "small"}
    assert again.confidences(texts, vectors) == pytest.approx(confidences, abs=0.01)


def test_no_text_has_no_confidence_and_each_vector_needs_its_text() -> None:
    model, texts, vectors = small_model()
    assert len(model.confidences([], vectors[:0])) == 0
    with pytest.raises(ValueError, match="2 texts with 3 vectors"):
        model.confidences(texts[:2], vectors[:3])


@pytest.mark.parametrize("text", ["", "\ud83d\ude42", "a" * 10_000, "مرحبا ቢላ 刀 नमस्ते"])
def test_odd_spellings_have_a_score(text: str) -> None:
    model, _, vectors = small_model()
    found = buckets(normalise(text))
    assert ((found >= 0) & (found < BUCKETS)).all()
    assert np.isfinite(model.confidences([normalise(text)], vectors[:1])).all()


def test_what_ships_is_of_the_named_model_small_and_without_code() -> None:
    assert MODEL_FILE.stat().st_size < LARGEST_FILE_BYTES
    assert DangerModel.load(MODEL_FILE).facts["name"] == MODEL_NAME
    with np.load(MODEL_FILE, allow_pickle=False) as data:
        assert all(data[name].dtype != object for name in data.files)
