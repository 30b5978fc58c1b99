"""Whether a text tells of danger: a floor of phrases that always count, and a model (`danger_model`).

Tuned to miss little: a false alarm costs a reviewer a minute. It only makes a view urgent, and the
assistant has its own ear (`report_danger`) for answering at once.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from submissions.danger_model import DangerModel
from submissions.theme_finding import Vectors
from translations import embeddings

_FOLDER = Path(__file__).resolve().parent
PHRASES_FOLDER = _FOLDER / "danger_phrases"
# Fitted by `python -m evals.fit_danger` on `danger.yml`, `danger_views` and on what the assistant learns
# from; it holds no text.
MODEL_FILE = _FOLDER / "danger_model.npz"
MODEL_NAME = f"danger-5 over {embeddings.MODEL_NAME}"
# Chosen for 5 % false alarms on the development set, before the sealed one was looked at: docs/figures.md.
FLAGGED_FROM = 0.5
# What a phrase of the floor is worth: as good as certain, and told apart from the model's own figures.
PHRASE_CONFIDENCE = 0.99
# Scripts written without spaces between words.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
# Arabic letters that are written one for another, and Persian and Urdu ones beside them.
_SAME_LETTERS = str.maketrans("أإآٱىيیةكکۀۂ", "اااايييهككهه") | {0x0640: None}


@dataclass(frozen=True)
class Danger:
    flag: bool
    confidence: float  # 0 to 1


def normalise(text: str) -> str:
    """Letters and digits alone, without case, accents and vowel marks, one space between words.

    Curly and straight apostrophes vanish alike: "don’t" and "don't" are "dont". Vowel signs that are part
    of a letter's sound in Bengali or Amharic stay.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = []
    for character in decomposed.translate(_SAME_LETTERS):
        kind = unicodedata.category(character)
        if kind == "Mn" and ord(character) < 0x0900:  # accents and Arabic vowel marks
            continue
        if kind[0] in "LN" or kind in ("Mn", "Mc"):
            kept.append(character)
        elif character not in "'’‘ʼ`´" and kind != "Cf":
            kept.append(" ")
    return " ".join("".join(kept).split())


class DangerDetector:
    """Phrases that always count, beside a model of spelling and vectors."""

    def __init__(self, phrases: Iterable[str], model: DangerModel) -> None:
        """`phrases` as people write them."""
        self._phrases = sorted({normalise(phrase) for phrase in phrases} - {""})
        self._model = model

    def has_phrase(self, text: str) -> bool:
        """Whether the text contains a phrase of the floor, as whole words where words have spaces."""
        plain = f" {normalise(text)} "
        return any(
            (phrase in plain) if _UNSPACED.search(phrase) else (f" {phrase} " in plain)
            for phrase in self._phrases
        )

    def judge(self, texts: Sequence[str], vectors: Vectors) -> Danger:
        """For one view: the texts of it, its parts and its passages, and their vectors (n, 384) in the same
        order; the worst counts."""
        normalised = [normalise(text) for text in texts]
        confidence = float(self._model.confidences(normalised, vectors).max()) if len(texts) else 0.0
        if any(self.has_phrase(text) for text in texts):
            confidence = max(confidence, PHRASE_CONFIDENCE)
        return Danger(confidence >= FLAGGED_FROM, round(confidence, 3))


def read_phrases(folder: Path = PHRASES_FOLDER) -> dict[str, list[str]]:
    """The phrases of each language; lines that begin with # explain."""
    return {
        path.stem: [
            line.strip()
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip() and not line.startswith("#")
        ]
        for path in sorted(folder.glob("*.txt"))
    }


def load_detector() -> DangerDetector:
    """The phrases and the classifier that ship with the program."""
    phrases = [phrase for of_language in read_phrases().values() for phrase in of_language]
    return DangerDetector(phrases, DangerModel.load(MODEL_FILE))


_lock = threading.Lock()
_detector: DangerDetector | None = None


def get_danger_detector() -> DangerDetector:
    """The detector, loaded once in a process."""
    global _detector
    with _lock:
        if _detector is None:
            _detector = load_detector()
        return _detector
