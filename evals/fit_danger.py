"""Fits what `submissions.danger` knows of danger and writes its arrays: `python -m evals.fit_danger`.

Examples are those of `submissions/danger.yml` and `submissions/danger_views/`, the exemplars of
`commission.yml` (harmless), and what the assistant learns from: its examples of reporting danger against
those of giving a view, of small talk and of asking for a person, in twenty languages. Held-out views are
never among them. The file holds no texts.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from evals.themes import read, read_sealed, read_views
from submissions.commission import get_commission
from submissions.danger import MODEL_FILE
from submissions.theme_finding import embed_kept, vector_folder
from submissions.vector_classifier import fit
from translations import embeddings

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
DANGER_FILE = PROJECT_FOLDER / "submissions/danger.yml"
# Views by language, one a line, as `kind | view`.
VIEWS_FOLDER = PROJECT_FOLDER / "submissions/danger_views"
DANGEROUS_KINDS = frozenset(
    [
        "home",
        "suicide",
        "child",
        "hate",
        "threat",
        "marriage",
        "exploitation",
        "radical",
        "weapon",
        "medical",
        "elder",
    ]
)
HARMLESS_KINDS = frozenset(
    ["saying", "complaint", "policy", "past", "history", "news", "fiction", "helpline", "wish"]
)
HARMLESS_INTENTS = ("submit_view", "out_of_scope", "request_human")
# Shorter ones mean anything.
SHORTEST_DANGEROUS, SHORTEST_HARMLESS = 9, 13


def of_the_assistant(wanted: tuple[str, ...]) -> list[str]:
    """The assistant's examples of these intents, entities' marks taken off."""
    texts = []
    for path in sorted((PROJECT_FOLDER / "bot/data/nlu").glob("*.yml")):
        for entry in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["nlu"]:
            if entry.get("intent") in wanted:
                lines = (line.strip().removeprefix("- ") for line in entry["examples"].splitlines())
                texts += [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line) for line in lines if line]
    return texts


def views_by_kind() -> list[tuple[str, str]]:
    """(kind, view) of all files. Raises ValueError for a line without a known kind."""
    found = []
    for path in sorted(VIEWS_FOLDER.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                kind, _, view = line.partition(" | ")
                if kind not in DANGEROUS_KINDS | HARMLESS_KINDS or not view:
                    raise ValueError(f"{path.name}: {line}")
                found.append((kind, view))
    return found


def main() -> None:
    data = YAML(typ="safe").load(DANGER_FILE.read_text(encoding="utf-8"))
    sealed_views, sealed_dangers = read_sealed()
    held_out = {
        record["text"] for record in [*read_views(), *read("danger.jsonl"), *sealed_views, *sealed_dangers]
    }
    dangerous = [text for texts in data["exemplars"].values() for text in texts]
    dangerous += [text for text in of_the_assistant(("report_danger",)) if len(text) >= SHORTEST_DANGEROUS]
    dangerous += [view for kind, view in views_by_kind() if kind in DANGEROUS_KINDS]
    harmless = [view for kind, view in views_by_kind() if kind in HARMLESS_KINDS]
    harmless += [text for texts in data["benign"].values() for text in texts]
    harmless += [exemplar.text for theme in get_commission().themes for exemplar in theme.all_exemplars()]
    harmless += [text for text in of_the_assistant(HARMLESS_INTENTS) if len(text) >= SHORTEST_HARMLESS]
    dangerous = sorted(set(dangerous) - held_out)
    harmless = sorted(set(harmless) - held_out - set(dangerous))
    vectors = embed_kept([*dangerous, *harmless], embeddings.embed, vector_folder())
    labels = np.array([[True]] * len(dangerous) + [[False]] * len(harmless))
    classifier = fit(
        vectors,
        labels,
        balanced=True,
        facts={
            "vectors": embeddings.MODEL_NAME,
            "dangerous": len(dangerous),
            "harmless": len(harmless),
        },
    )
    classifier.save(MODEL_FILE)
    print(f"{MODEL_FILE.name}: {len(dangerous)} dangerous, {len(harmless)} harmless,", end=" ")
    print(f"{MODEL_FILE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
