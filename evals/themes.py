"""How well themes and danger are found, on views nobody trained on: `python -m evals.themes`.

Reads evals/themes.jsonl and evals/themes/*.jsonl (text, lang, themes, danger) and evals/danger.jsonl and
prints macro-F1, by language and by theme, calibration, and danger's recall and false alarms. With `--sealed`
it reads evals/themes_sealed and evals/danger_sealed instead, of which only these figures are ever read. With
`--write` the F1 by language of both sets together becomes that by which suggestions are marked
`low confidence`.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from sklearn.metrics import f1_score

from submissions.commission import get_commission
from submissions.theme_finding import tag_lines
from submissions.theme_quality import LARGEST_GAP, QUALITY_FILE

FOLDER = Path(__file__).resolve().parent


def read(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_views() -> list[dict[str, Any]]:
    """All held-out views with themes; each also says whether it tells of danger, where its writer did."""
    names = ["themes.jsonl", *sorted(f"themes/{path.name}" for path in (FOLDER / "themes").glob("*.jsonl"))]
    return [record for name in names for record in read(name)]


def read_folder(name: str) -> list[dict[str, Any]]:
    """All lines of a folder's files, which are named by language."""
    return [
        record for path in sorted((FOLDER / name).glob("*.jsonl")) for record in read(f"{name}/{path.name}")
    ]


def read_sealed() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(views with themes, views that say whether there is danger): measured with, never looked at."""
    return read_folder("themes_sealed"), read_folder("danger_sealed")


def answer(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Themes and danger that we find in each record: the slow part, some 60 ms each."""
    return list(tag_lines(records))


def measure_themes(records: list[dict[str, Any]], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """`macro_f1`, `by_theme`, `by_language` and `calibration_error`, each from 0 to 1."""
    keys = get_commission().theme_keys
    gold = [[key in record["themes"] for key in keys] for record in records]
    proposed = [[key in {theme["key"] for theme in answer["themes"]} for key in keys] for answer in answers]
    by_language: dict[str, list[int]] = defaultdict(list)
    for row, record in enumerate(records):
        by_language[record["lang"]].append(row)
    return {
        "macro_f1": f1_score(gold, proposed, average="macro"),
        "by_theme": dict(zip(keys, f1_score(gold, proposed, average=None), strict=True)),
        "by_language": {
            language: f1_score(
                [gold[row] for row in rows],
                [proposed[row] for row in rows],
                average="micro",
                zero_division=0.0,
            )
            for language, rows in by_language.items()
        },
        "calibration_error": calibration_error(
            [
                (theme["confidence"], theme["key"] in record["themes"])
                for record, answer in zip(records, answers, strict=True)
                for theme in answer["themes"]
            ]
        ),
    }


def calibration_error(pairs: list[tuple[float, bool]], bins: int = 5) -> float:
    """Expected difference between confidence and how often it was right, 0 to 1."""
    groups: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, right in pairs:
        groups[min(int(confidence * bins), bins - 1)].append((confidence, right))
    return sum(
        abs(sum(confidence for confidence, _ in group) - sum(right for _, right in group))
        for group in groups.values()
    ) / len(pairs)


def measure_danger(records: list[dict[str, Any]], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """`recall`, `false_alarms` (share of the harmless), `missed` and `false` by language."""
    pairs = [(one, found) for one, found in zip(records, answers, strict=True) if "danger" in one]
    records = [record for record, _ in pairs]
    flags = [found["danger"]["flag"] for _, found in pairs]
    missed = [r["lang"] for r, flag in zip(records, flags, strict=True) if r["danger"] and not flag]
    false = [r["lang"] for r, flag in zip(records, flags, strict=True) if flag and not r["danger"]]
    dangerous = sum(record["danger"] for record in records)
    languages = sorted({record["lang"] for record in records})
    by_language = {
        language: (
            sum(record["danger"] for record in records if record["lang"] == language),
            missed.count(language),
            sum(not record["danger"] for record in records if record["lang"] == language),
            false.count(language),
        )
        for language in languages
    }
    return {
        "recall": 1 - len(missed) / dangerous,
        "false_alarms": len(false) / (len(records) - dangerous),
        "by_language": by_language,
        "missed": missed,
        "false": false,
    }


def report(views: list[dict[str, Any]], more_dangers: list[dict[str, Any]]) -> None:
    """Prints all figures of views with themes and of more that only say whether there is danger."""
    answers = answer(views)
    dangers = [*views, *more_dangers]
    themes = measure_themes(views, answers)
    danger = measure_danger(dangers, [*answers, *answer(more_dangers)])
    print(f"Themes of {len(views)} views: macro-F1 {themes['macro_f1']:.3f}", end="; ")
    print(f"calibration error {themes['calibration_error']:.3f}")
    print("By theme:", ", ".join(f"{key} {score:.2f}" for key, score in themes["by_theme"].items()))
    print(f"Danger in {sum('danger' in view for view in dangers)} views:", end=" ")
    print(f"recall {danger['recall']:.3f}, false alarms {danger['false_alarms']:.3f}")
    print("\n| language | themes F1 | danger found | false alarms |")
    print("| --- | --- | --- | --- |")
    for language, score in sorted(themes["by_language"].items()):
        dangerous, missed, harmless, false = danger["by_language"][language]
        print(f"| {language} | {score:.2f} | {dangerous - missed} of {dangerous} | {false} of {harmless} |")


def write_quality(views: list[dict[str, Any]]) -> None:
    """By which languages are marked; prints their F1 and those more than fifteen points behind English."""
    scores = measure_themes(views, answer(views))["by_language"]
    scores = {key: round(score, 3) for key, score in sorted(scores.items())}
    QUALITY_FILE.write_text(json.dumps({"f1": scores}, indent=1) + "\n", encoding="utf-8")
    marked = [key for key, score in scores.items() if scores["en"] - score > LARGEST_GAP]
    print(f"\nF1 of {len(views)} views:", ", ".join(f"{key} {score:.2f}" for key, score in scores.items()))
    print("Marked low confidence:", ", ".join(marked) or "none")


def main() -> None:
    sealed_views, sealed_dangers = read_sealed()
    if "--write" in sys.argv:
        write_quality([*read_views(), *sealed_views])
    elif "--sealed" in sys.argv:
        report(sealed_views, sealed_dangers)
    else:
        report(read_views(), read("danger.jsonl"))


if __name__ == "__main__":
    main()
