"""Measures quality estimation on good translations and on eight kinds of fault planted in them, by language.

    python -m evals.quality_calibration [--errors]
    python -m evals.quality_calibration --fluent    # faults that read well, in 13 languages

A fault counts as caught when any flag is raised. A fault is planted only where it is one: a number is changed
only where there is one, a negation dropped only where the original negates.

The fluent faults were written by hand (quality_fluent.jsonl): a word replaced by a plausible other one, a
clause left out, invented, or replaced. They are also planted in texts of several of these views, as long as
residents write.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from translations.quality import estimate
from translations.quality_gates import numbers_of

DATA = Path(__file__).with_suffix(".jsonl")
FLUENT_DATA = Path(__file__).with_name("quality_fluent.jsonl")
FLUENT_FAULTS = ("word_replaced", "clause_dropped", "clause_replaced", "clause_invented")
VIEWS_TOGETHER = (2, 4, 7)
_NEGATION = re.compile(
    r"\b(?:do|does|did|can|could|is|are|was|were|has|have)(?: not|n't|not)\b|\bcannot\b", re.I
)
_NOBODY = re.compile(r"\b(nobody|no one)\b", re.I)


@dataclass(frozen=True)
class Pair:
    language: str
    text: str
    translation: str


def untranslated(pair: Pair, others: list[Pair]) -> str | None:
    return pair.text


def tripled(pair: Pair, others: list[Pair]) -> str | None:
    words = pair.translation.split()
    middle = len(words) // 2
    return " ".join([*words[:middle], words[middle], words[middle], *words[middle:]])


def looped(pair: Pair, others: list[Pair]) -> str | None:
    words = pair.translation.rstrip(".!?").split()
    return " ".join(words + words[-3:] * 6)


def cut_short(pair: Pair, others: list[Pair]) -> str | None:
    words = pair.translation.split()
    return " ".join(words[: len(words) * 2 // 5]) if len(words) >= 8 else None


def wrong_script(pair: Pair, others: list[Pair]) -> str | None:
    words = pair.translation.split()
    words[len(words) // 2] = {"ar": "مدرسة", "zh": "学校", "bn": "স্কুল"}.get(pair.language, "школа")
    return " ".join(words)


def number_changed(pair: Pair, others: list[Pair]) -> str | None:
    if not numbers_of(pair.text) or not re.search(r"\d", pair.translation):
        return None
    return re.sub(r"\d+", lambda match: str(int(match.group()) + 3), pair.translation, count=1)


def negation_dropped(pair: Pair, others: list[Pair]) -> str | None:
    if match := _NEGATION.search(pair.translation):
        verb = re.sub(r" ?not$|n't$", "", match.group()).strip().replace("can", "can")
        verb = "" if verb in ("do", "does", "did") else verb
        dropped = f"{pair.translation[: match.start()]}{verb}{pair.translation[match.end() :]}"
        return re.sub(r"  +", " ", dropped)
    if _NOBODY.search(pair.translation):
        return _NOBODY.sub("everybody", pair.translation, count=1)
    return None


def another_text(pair: Pair, others: list[Pair]) -> str | None:
    near = [other for other in others if other.translation != pair.translation]
    return min(
        random.Random(pair.text).sample(near, 5),
        key=lambda other: abs(len(other.translation) - len(pair.translation)),
    ).translation


FAULTS: dict[str, Callable[[Pair, list[Pair]], str | None]] = {
    "untranslated": untranslated,
    "word tripled": tripled,
    "endless loop": looped,
    "cut short": cut_short,
    "wrong script": wrong_script,
    "number changed": number_changed,
    "negation dropped": negation_dropped,
    "another text": another_text,
}


def read_pairs() -> list[Pair]:
    rows = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    return [Pair(row["lang"], row["text"], row["translation"]) for row in rows]


def measure(pairs: list[Pair]) -> tuple[dict[str, dict[str, list[bool]]], list[str]]:
    """`caught[language][fault]` as booleans, false alarms under the fault "good"; and what went wrong."""
    caught: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    errors = []
    for pair in pairs:
        good = estimate(pair.text, pair.translation, pair.language)
        caught[pair.language]["good"].append(good.needs_person)
        if good.flags:
            errors.append(f"false alarm {good.flags} {good.similarity}: {pair.text} | {pair.translation}")
        for name, plant in FAULTS.items():
            faulty = plant(pair, pairs)
            if faulty is None:
                continue
            found = estimate(pair.text, faulty, pair.language)
            caught[pair.language][name].append(found.needs_person)
            if not found.flags:
                errors.append(f"missed {name} {found.similarity}: {pair.text} | {faulty}")
    return caught, errors


def rates(caught: dict[str, dict[str, list[bool]]]) -> tuple[float, float]:
    """Share of faults caught and of good translations flagged, over all languages."""
    faults = [
        hit for kinds in caught.values() for name, hits in kinds.items() if name != "good" for hit in hits
    ]
    alarms = [hit for kinds in caught.values() for hit in kinds["good"]]
    return sum(faults) / len(faults), sum(alarms) / len(alarms)


def read_fluent() -> list[dict[str, str]]:
    """`lang`, `text`, `translation`, and the faults that could be planted in it, each a whole translation."""
    return [json.loads(line) for line in FLUENT_DATA.read_text("utf-8").splitlines()]


def together(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Longer texts: several views of a language in one, of which one has the fault. The same at each call."""
    choose = random.Random(0)
    joined = []
    for language in sorted({row["lang"] for row in rows}):
        own = [row for row in rows if row["lang"] == language]
        for size in VIEWS_TOGETHER:
            for _ in range(4):
                chosen = choose.sample(own, size)
                longer = {"lang": language, "text": " ".join(row["text"] for row in chosen)}
                for name in ("translation", *FLUENT_FAULTS):
                    able = [row for row in chosen if name in row]
                    faulty = choose.choice(able) if able else None
                    longer[name] = " ".join(row[name if row is faulty else "translation"] for row in chosen)
                joined.append(longer)
    return joined


def measure_fluent(rows: list[dict[str, str]]) -> dict[str, dict[str, list[bool]]]:
    """`flagged[language][fault]` as booleans; good translations under the fault "translation"."""
    flagged: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for name in ("translation", *FLUENT_FAULTS):
            if name in row:
                found = estimate(row["text"], row[name], row["lang"])
                flagged[row["lang"]][name].append(found.needs_person)
    return flagged


def print_fluent() -> None:
    rows = read_fluent()
    for title, tested in (("One view", rows), ("Several views in one text", together(rows))):
        flagged = measure_fluent(tested)
        names = [*FLUENT_FAULTS, "translation"]
        print(f"| {title} | {' | '.join(FLUENT_FAULTS).replace('_', ' ')} | good ones flagged |")
        print("|---" * (len(names) + 1) + "|")
        everything = {name: [hit for kinds in flagged.values() for hit in kinds[name]] for name in names}
        for language, kinds in [*flagged.items(), ("all", everything)]:
            cells = [f"{sum(kinds[name])}/{len(kinds[name])}" for name in names]
            print(f"| {language} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--fluent", action="store_true")
    options = parser.parse_args()
    if options.fluent:
        print_fluent()
        return
    pairs = read_pairs()
    caught, errors = measure(pairs)
    names = [*FAULTS, "good"]
    print(f"| language | {' | '.join(FAULTS)} | all faults | false alarms |")
    print("|---" * (len(FAULTS) + 3) + "|")
    for language, kinds in caught.items():
        cells = [f"{sum(kinds[name])}/{len(kinds[name])}" for name in names[:-1]]
        share, alarms = rates({language: kinds})
        print(f"| {language} | {' | '.join(cells)} | {share:.0%} | {alarms:.0%} of {len(kinds['good'])} |")
    totals = {name: [hit for kinds in caught.values() for hit in kinds[name]] for name in names}
    cells = [f"{sum(totals[name])}/{len(totals[name])}" for name in names[:-1]]
    share, alarms = rates(caught)
    print(f"| all | {' | '.join(cells)} | {share:.0%} | {alarms:.0%} of {len(pairs)} |")
    if options.errors:
        print("\n".join(errors))


if __name__ == "__main__":
    main()
