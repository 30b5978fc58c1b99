"""Fits what `submissions.danger` knows of danger and writes its arrays: `python -m evals.fit_danger`.

Examples are those of `submissions/danger.yml` and `submissions/danger_views/`, the exemplars of
`commission.yml` (harmless), and what the assistant learns from: its examples of reporting danger against
those of giving a view, of small talk and of asking for a person, in twenty languages. Held-out views are
never among them. The file holds no texts.

Prints how well each part tells views apart that it was not fitted to: a fold leaves out whole cells of kind
and language.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from evals.themes import read, read_sealed, read_views
from submissions.commission import get_commission
from submissions.danger import FLAGGED_FROM, MODEL_FILE, MODEL_NAME, normalise
from submissions.danger_model import (
    BUCKETS,
    GAMMA,
    DangerModel,
    Examples,
    Floats,
    Networks,
    Scores,
    Spelling,
    buckets,
    join,
    reduce_vectors,
    to_length_one,
)
from submissions.theme_finding import embed_kept, vector_folder
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
        "control",
        "stalking",
        "honour",
        "arson",
        "plot",
        "assault",
        "homeless",
    ]
)
HARMLESS_KINDS = frozenset(
    [
        "saying",
        "complaint",
        "policy",
        "past",
        "history",
        "news",
        "fiction",
        "helpline",
        "wish",
        "crime",
        "fear",
        "praise",
        "sport",
        "animals",
        "grief",
        "negated",
        "information",
        "training",
        "quote",
        "hardship",
        "ordinary",
    ]
)
HARMLESS_INTENTS = ("submit_view", "out_of_scope", "request_human")
# Shorter ones mean anything.
SHORTEST_DANGEROUS, SHORTEST_HARMLESS = 9, 13
# Chosen, like the weights in `danger_model`, on views of a writer and of kinds left out: docs/figures.md.
AXES = 192
COST = 10.0
NETWORKS, HIDDEN, ALPHA, ROUNDS = 3, 64, 1.0, 25
FOLDS = 5

Labels = NDArray[np.bool_]


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
    return [(cell.split()[0], view) for cell, view in views_by_cell()]


def views_by_cell() -> list[tuple[str, str]]:
    """("kind language", view) of all files. Raises ValueError for a line without a known kind."""
    found = []
    for path in sorted(VIEWS_FOLDER.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                kind, _, view = line.partition(" | ")
                if kind not in DANGEROUS_KINDS | HARMLESS_KINDS or not view:
                    raise ValueError(f"{path.name}: {line}")
                found.append((f"{kind} {path.stem}", view))
    return found


def examples() -> tuple[list[str], Labels, list[str]]:
    """Texts, whether each is dangerous, and its cell: kind and language of a view, "" of all others."""
    data = YAML(typ="safe").load(DANGER_FILE.read_text(encoding="utf-8"))
    sealed_views, sealed_dangers = read_sealed()
    held_out = {
        record["text"] for record in [*read_views(), *read("danger.jsonl"), *sealed_views, *sealed_dangers]
    }
    dangerous = {text: "" for texts in data["exemplars"].values() for text in texts}
    dangerous |= {
        text: "" for text in of_the_assistant(("report_danger",)) if len(text) >= SHORTEST_DANGEROUS
    }
    dangerous |= {view: cell for cell, view in views_by_cell() if cell.split()[0] in DANGEROUS_KINDS}
    harmless = {text: "" for texts in data["benign"].values() for text in texts}
    harmless |= {exemplar.text: "" for theme in get_commission().themes for exemplar in theme.all_exemplars()}
    harmless |= {text: "" for text in of_the_assistant(HARMLESS_INTENTS) if len(text) >= SHORTEST_HARMLESS}
    harmless |= {view: cell for cell, view in views_by_cell() if cell.split()[0] in HARMLESS_KINDS}
    rows = sorted((text, True, cell) for text, cell in dangerous.items() if text not in held_out)
    rows += sorted(
        (text, False, cell)
        for text, cell in harmless.items()
        if text not in held_out and text not in dangerous
    )
    texts, labels, cells = zip(*rows, strict=True)
    return list(texts), np.array(labels), list(cells)


def fit_parts(vectors: Floats, spelled: csr_matrix, labels: Labels) -> tuple[Examples, Networks, Spelling]:
    """The three opinions, from vectors (n, 384), `spelled` (n, BUCKETS) of ones, and labels (n)."""
    return fit_examples(vectors, labels), fit_networks(vectors, labels), fit_spelling(spelled, labels)


def fit_examples(vectors: Floats, labels: Labels) -> Examples:
    centre = vectors.mean(axis=0)
    axes = PCA(AXES, random_state=0).fit(to_length_one(vectors - centre)).components_.astype(np.float32)
    reduced = reduce_vectors(vectors, centre, axes)
    machine = SVC(C=COST, gamma=GAMMA, class_weight="balanced").fit(reduced, labels)
    support = reduced[machine.support_]
    whole = np.round(127 * support / np.abs(support).max(axis=1, keepdims=True)).astype(np.int8)
    weights = machine.dual_coef_[0].astype(np.float32)
    return Examples(centre, axes, whole, weights, machine.intercept_.astype(np.float32))


def fit_networks(vectors: Floats, labels: Labels) -> Networks:
    scaler = StandardScaler().fit(vectors)
    scaled = scaler.transform(vectors)
    trained = [
        MLPClassifier((HIDDEN,), alpha=ALPHA, max_iter=ROUNDS, random_state=seed).fit(scaled, labels)
        for seed in range(NETWORKS)
    ]
    first, second = (np.stack([net.coefs_[layer] for net in trained]) for layer in (0, 1))
    biases = [np.stack([net.intercepts_[layer] for net in trained]) for layer in (0, 1)]
    arrays = (scaler.mean_, scaler.scale_, first, biases[0], second[:, :, 0], biases[1][:, 0])
    return Networks(*(np.asarray(array, dtype=np.float32) for array in arrays))


def fit_spelling(spelled: csr_matrix, labels: Labels) -> Spelling:
    seen = np.asarray(spelled.sum(axis=0)).ravel()
    rarity = (1.0 + np.log((1.0 + len(labels)) / (1.0 + seen))).astype(np.float32)
    weighted = spelled.multiply(rarity).tocsr()
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    weighted = weighted.multiply(1.0 / np.maximum(lengths, 1e-9)[:, None]).tocsr()
    machine = LinearSVC(C=1.0, class_weight="balanced", random_state=0).fit(weighted, labels)
    return Spelling(rarity, machine.coef_[0].astype(np.float32), machine.intercept_.astype(np.float32))


def spell(normalised: Sequence[str]) -> csr_matrix:
    """(n, BUCKETS): one where a text has something of that bucket."""
    found = [buckets(text) for text in normalised]
    ends = np.cumsum([0, *(len(one) for one in found)])
    ones = np.ones(ends[-1], dtype=np.float32)
    return csr_matrix((ones, np.concatenate(found), ends), shape=(len(found), BUCKETS))


def opinions_of(
    parts: tuple[Examples, Networks, Spelling], vectors: Floats, normalised: Sequence[str]
) -> Scores:
    """(3, n)."""
    by_examples, networks, spelling = parts
    return np.stack([by_examples.scores(vectors), networks.scores(vectors), spelling.scores(normalised)])


def folds_of(cells: Sequence[str]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows to fit to and rows to ask, five times; the views of one cell are in the same fold."""
    groups = [cell or f"alone {row}" for row, cell in enumerate(cells)]
    return list(GroupKFold(FOLDS).split(cells, groups=groups))


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)  # ROUNDS stops the networks early on purpose
    texts, labels, cells = examples()
    normalised = [normalise(text) for text in texts]
    vectors = embed_kept(texts, embeddings.embed, vector_folder())
    spelled = spell(normalised)
    opinions = np.empty((3, len(texts)))
    for known, asked in folds_of(cells):
        parts = fit_parts(vectors[known], spelled[known], labels[known])
        opinions[:, asked] = opinions_of(parts, vectors[asked], [normalised[row] for row in asked])
    are_views = np.array([bool(cell) for cell in cells])
    spreads = opinions[:, are_views].std(axis=1)
    joined = join(opinions, spreads)
    platt = LogisticRegression(C=1e6).fit(joined[are_views, None], labels[are_views])
    for name, score in zip(("examples", "networks", "spelling", "joined"), [*opinions, joined], strict=True):
        area = roc_auc_score(labels[are_views], score[are_views])
        print(f"{name}: area under the curve {area:.3f}")
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    flagged = 1.0 / (1.0 + np.exp(-(slope * joined + offset))) >= FLAGGED_FROM
    print(f"left-out views in danger found: {flagged[are_views & labels].mean():.3f},", end=" ")
    print(f"harmless ones flagged: {flagged[are_views & ~labels].mean():.3f}")
    model = DangerModel(
        *fit_parts(vectors, spelled, labels),
        spreads,
        (slope, offset),
        {
            "name": MODEL_NAME,
            "vectors": embeddings.MODEL_NAME,
            "dangerous": int(labels.sum()),
            "harmless": int((~labels).sum()),
        },
    )
    model.save(MODEL_FILE)
    print(f"{MODEL_FILE.name}: {labels.sum()} dangerous, {(~labels).sum()} harmless,", end=" ")
    print(f"{MODEL_FILE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
