"""Candidate themes of a view, from its e5 vectors; a person decides later. Pure: no database.

The themes are known by the exemplars in `commission.yml`, and by decisions of the team once somebody refitted
(`themes_refit`). Each theme has a classifier of its own, so a view may have several themes; the same
sentence under two themes in the file teaches that it has both. It is small enough to be refitted in a
moment whenever the file changes.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from submissions.commission import OTHER_THEME, Commission, get_commission
from submissions.settings import StoreSettings
from submissions.vector_classifier import VectorClassifier, fit
from translations import embeddings
from translations.segmentation import split_texts

logger = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]

METHOD = "svm-1"
# The name stored with each candidate: vectors and method together.
MODEL_NAME = f"{METHOD} over {embeddings.MODEL_NAME}"
# A theme is proposed from this confidence on: chosen on held-out views, evals/README.md.
PROPOSED_FROM = 0.45
# A passage of a long view counts a little less than the view as a whole.
PASSAGE_WEIGHT = 0.85
# Measured: single sentences mislead (danger found at 5 % false alarms fell from 87 % to 43 %), since most
# mean little alone. Only a view longer than this is read in passages as well.
LONG_VIEW_CHARACTERS = 500
PASSAGE_CHARACTERS = 300
MAXIMUM_PASSAGES = 16


@dataclass(frozen=True)
class Candidate:
    key: str
    confidence: float  # 0 to 1


class ThemeFinder:
    """Fitted to one codeframe."""

    def __init__(self, classifier: VectorClassifier, keys: Sequence[str], name: str = MODEL_NAME) -> None:
        """A classifier whose labels are all themes in the order of `keys`; `name` is kept with candidates."""
        self.classifier = classifier
        self.keys = list(keys)
        self.name = name

    @classmethod
    def fitted(cls, vectors: Vectors, labels: Sequence[Collection[str]], keys: Sequence[str]) -> ThemeFinder:
        """`vectors` (n, 384) of the exemplars, the themes of each, and all themes in their order."""
        targets = np.array([[key in themes for key in keys] for themes in labels])
        return cls(fit(vectors, targets), keys)

    def confidences(self, vectors: Vectors) -> NDArray[np.float64]:
        """(n, number of themes), each from 0 to 1 by itself, in the order of `keys`."""
        return self.classifier.confidences(vectors)

    def find(self, whole: Vectors, passages: Vectors | None = None) -> list[Candidate]:
        """Candidates for one view, the likeliest first; never empty.

        `whole` (1, 384) is the view's vector, `passages` (m, 384) those of a long view's passages: a theme
        that one passage is about counts too. A passage never makes a view `other`: a greeting stands in
        many.
        """
        confidence = self.confidences(whole)[0]
        if passages is not None and len(passages) > 1:
            by_passage = PASSAGE_WEIGHT * self.confidences(passages).max(axis=0)
            if OTHER_THEME in self.keys:
                by_passage[self.keys.index(OTHER_THEME)] = 0.0
            confidence = np.maximum(confidence, by_passage)
        order = np.argsort(-confidence)
        found = [
            Candidate(self.keys[index], round(float(confidence[index]), 3))
            for index in order
            if confidence[index] >= PROPOSED_FROM
        ]
        found = found or [Candidate(self.keys[order[0]], round(float(confidence[order[0]]), 3))]
        about_something = [candidate for candidate in found if candidate.key != OTHER_THEME]
        # "Something else" beside a theme says nothing, unless it is the likelier of the two.
        return about_something if about_something and found[0].key != OTHER_THEME else found


def fit_to_commission(
    commission: Commission, embed: Embed = embeddings.embed, cache: Path | None = None
) -> ThemeFinder:
    """A finder for the commission's themes; the exemplars' vectors are kept in the folder `cache`."""
    labels = exemplar_themes(commission)
    vectors = embed_kept(list(labels), embed, cache)
    return ThemeFinder.fitted(vectors, list(labels.values()), commission.theme_keys)


def exemplar_themes(commission: Commission) -> dict[str, set[str]]:
    """Each exemplar's themes: one that stands under several has them all."""
    themes: dict[str, set[str]] = {}
    for theme in commission.themes:
        for exemplar in theme.all_exemplars():
            themes.setdefault(exemplar.text, set()).add(theme.key)
    return themes


def embed_kept(texts: Sequence[str], embed: Embed, folder: Path | None) -> Vectors:
    """The texts' vectors (n, 384), from a file of that folder when exactly these were embedded before."""
    if folder is None:
        return embed(texts)
    content = "\0".join([embeddings.MODEL_NAME, *texts]).encode()
    path = folder / f"vectors-{hashlib.sha256(content).hexdigest()[:32]}.npy"
    if path.exists():
        vectors: Vectors = np.load(path, allow_pickle=False)
        if vectors.shape == (len(texts), embeddings.DIMENSIONS):
            return vectors
    vectors = embed(texts)
    folder.mkdir(parents=True, exist_ok=True)
    # Under its own name first: another process may be reading or writing at the same time.
    own = path.with_name(f"{path.stem}-{threading.get_ident()}-{id(vectors)}.npy")
    np.save(own, vectors, allow_pickle=False)
    own.replace(path)
    return vectors


_lock = threading.Lock()
_fitted: tuple[Commission, int, ThemeFinder] | None = None


def get_finder() -> ThemeFinder:
    """The finder of the settings' commission, fitted once and again when the file has changed.

    Once somebody has refitted it to the team's decisions, that one, for as long as the themes stay the same.
    """
    global _fitted
    commission = get_commission()
    with _lock:
        refitted = _refitted_at()
        if _fitted is None or _fitted[0] is not commission or _fitted[1] != refitted:
            finder = _load_refitted(commission) if refitted else None
            finder = finder or fit_to_commission(commission, cache=vector_folder())
            _fitted = (commission, refitted, finder)
        return _fitted[2]


def refitted_file() -> Path:
    """Where `themes_refit` keeps what it fitted."""
    return StoreSettings().data / "themes" / "model.npz"


def _refitted_at() -> int:
    path = refitted_file()
    return path.stat().st_mtime_ns if path.exists() else 0


def _load_refitted(commission: Commission) -> ThemeFinder | None:
    classifier = VectorClassifier.load(refitted_file())
    facts = classifier.facts
    if facts.get("keys") != commission.theme_keys or facts.get("vectors") != embeddings.MODEL_NAME:
        logger.warning("the refitted themes are those of another codeframe: fitted to the exemplars again")
        return None
    return ThemeFinder(classifier, commission.theme_keys, str(facts["name"]))


def vector_folder() -> Path:
    """Where vectors of exemplars are kept."""
    return StoreSettings().data / "vectors"


def passages_of(text: str, language: str | None = None) -> list[str]:
    """A long view's passages: whole sentences, some 300 characters each, at most 16; none of a short view."""
    if len(text) <= LONG_VIEW_CHARACTERS:
        return []
    passages = [""]
    for sentence in split_texts(text, language):
        if len(passages[-1]) >= PASSAGE_CHARACTERS:
            passages.append("")
        passages[-1] += sentence
    return [passage for passage in passages if any(character.isalpha() for character in passage)][
        :MAXIMUM_PASSAGES
    ]


def tag_lines(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """For each record with `text` (and `lang` where known): `themes` [{key, confidence}] and `danger` {flag,
    confidence}, in the same order; `error` for a record without text."""
    from submissions.danger import get_danger_detector

    finder, detector = get_finder(), get_danger_detector()
    for record in records:
        text = record.get("text")
        if not isinstance(text, str):
            yield {"themes": [], "danger": {"flag": False, "confidence": 0.0}, "error": "no text"}
            continue
        whole = embeddings.embed([text])
        texts = passages_of(text, record.get("lang"))
        passages = embeddings.embed(texts)
        danger = detector.judge([text, *texts], np.concatenate([whole, passages]))
        yield {
            "themes": [
                {"key": candidate.key, "confidence": candidate.confidence}
                for candidate in finder.find(whole, passages)
            ],
            "danger": {"flag": danger.flag, "confidence": danger.confidence},
        }
