"""In which languages the machine's theme suggestions are to be trusted less, as measured on held-out views.

`python -m evals.themes --write` writes the measurement to `theme_quality.json`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

QUALITY_FILE = Path(__file__).resolve().parent / "theme_quality.json"
REFERENCE_LANGUAGE = "en"
# Fifteen points of F1 behind English: suggestions are marked.
LARGEST_GAP = 0.15


@lru_cache
def measured() -> dict[str, float]:
    """F1 by language, 0 to 1."""
    return {
        language: float(score)
        for language, score in json.loads(QUALITY_FILE.read_text(encoding="utf-8"))["f1"].items()
    }


def is_low_confidence(language: str | None) -> bool:
    """Whether suggestions for a view in this language are to be marked; a language nobody measured is."""
    scores = measured()
    if language not in scores:
        return True
    return round(scores[REFERENCE_LANGUAGE] - scores[language], 4) > LARGEST_GAP
