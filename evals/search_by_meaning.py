"""From where on a view counts as about a question: `python -m evals.search_by_meaning`.

Eight English questions against the sealed views in twenty languages: how many views each shows by their
vectors alone, and how many of those have the question's theme. A theme is wider than a question.
"""

from __future__ import annotations

import numpy as np

from evals.themes import read_sealed
from submissions.search import NEAR_FROM, WITHIN_OF_NEAREST
from translations.embeddings import embed

QUESTIONS = {
    "English classes in the evening": "opportunity_empowerment",
    "my qualifications are not recognised here": "opportunity_empowerment",
    "knives and gangs": "safeguarding",
    "drug dealers on the stairs": "safeguarding",
    "insulted because of a headscarf": "identity_faith_values",
    "rubbish is not collected": "other",
    "council letters only in English": "community_engagement",
    "neighbours have nowhere to meet": "community_engagement",
}


def main() -> None:
    views, _ = read_sealed()
    alike = embed(list(QUESTIONS)) @ embed([view["text"] for view in views]).T
    has_theme = np.array([[theme in view["themes"] for view in views] for theme in QUESTIONS.values()])
    print(f"{len(views)} views; NEAR_FROM is {NEAR_FROM}")
    print("| from | views a question shows | of its theme |")
    print("| --- | --- | --- |")
    for threshold in (0.79, 0.80, 0.81, 0.82, 0.83, 0.84):
        shown = alike >= np.maximum(threshold, alike.max(axis=1, keepdims=True) - WITHIN_OF_NEAREST)
        share = (shown & has_theme).sum() / shown.sum()
        print(f"| {threshold:.2f} | {shown.sum(axis=1).mean():.1f} | {share:.0%} |")


if __name__ == "__main__":
    main()
