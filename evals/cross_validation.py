"""How the classifier does on ways of saying a thing, and on languages, that it was not trained on.

    .venv-bot/bin/python -m evals.cross_validation                   # ways of saying it: 5 parts
    .venv-bot/bin/python -m evals.cross_validation --by language     # each of some language families
    .venv-bot/bin/python -m evals.cross_validation --parts 1         # only so many of them, to save time
    .venv-bot/bin/python -m evals.cross_validation --confidence      # what the thresholds of config.yml cost

It uses the training examples alone, so models and thresholds can be chosen by it and the held-out sets stay
unread. Examples of one intent that mean nearly the same, in whatever language, are left out together: what is
then asked is harder than real messages, and says which of two models is better rather than how good either
is. One network instead of three keeps it short.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import yaml
from sklearn.cluster import MiniBatchKMeans

from bot.components import intent_model
from bot.components.e5_featurizer import default_cache
from bot.components.intent_model import IntentModel
from bot.components.text_normalising import normalise
from bot.settings import BOT_FOLDER

SEVEN = ("en", "pt", "es", "fr", "ar", "bn", "so")
FAMILIES = (("ar", "fa", "ckb", "ur"), ("bn",), ("so",), ("en",), ("es", "pt", "it", "ro"), ("fr",))
EXAMPLES_TOGETHER = 15
PARTS = 5
DESTRUCTIVE = ("stop", "withdraw", "affirm", "deny")  # a wrong guess at these does something


class Examples(NamedTuple):
    texts: np.ndarray
    intents: np.ndarray
    languages: np.ndarray
    vectors: np.ndarray

    def only(self, chosen: np.ndarray) -> Examples:
        return Examples(*(column[chosen] for column in self))


class Guess(NamedTuple):
    language: str
    true: str
    guessed: str
    confidence: float
    margin: float  # over the second best


def read_examples() -> Examples:
    rows = {}
    for path in sorted((BOT_FOLDER / "data" / "nlu").glob("*.yml")):
        for block in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            for line in block["examples"].splitlines():
                rows.setdefault((line.strip().removeprefix("- "), block["intent"]), path.stem)
    cache = default_cache()
    vectors = np.stack(cache.embed_all([text for text, _ in rows]))
    cache.save()
    texts, intents = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
    return Examples(texts, intents, np.array(list(rows.values())), vectors)


def ways_of_saying(examples: Examples) -> np.ndarray:
    """For each example the part, 0 to 4, that it and all that mean nearly the same are left out with."""
    parts = np.zeros(len(examples.texts), dtype=int)
    random = np.random.RandomState(0)
    for intent in np.unique(examples.intents.astype(str)):
        own = np.where(examples.intents == intent)[0]
        clusters = max(PARTS, len(own) // EXAMPLES_TOGETHER)
        nearest = MiniBatchKMeans(clusters, random_state=0, n_init=1).fit_predict(examples.vectors[own])
        parts[own] = random.randint(0, PARTS, clusters)[nearest]
    first: dict = {}
    for i, text in enumerate(examples.texts):  # the same text under two intents, or in two languages
        parts[i] = parts[first.setdefault(normalise(text), i)]
    return parts


def splits(examples: Examples, by: str) -> Iterator[tuple[str, np.ndarray]]:
    if by == "language":
        for family in FAMILIES:
            yield "+".join(family), np.isin(examples.languages, family)
    else:
        parts = ways_of_saying(examples)
        for part in range(PARTS):
            yield f"part {part + 1}", parts == part


def guesses_without(examples: Examples, left_out: np.ndarray) -> list[Guess]:
    known, asked = examples.only(~left_out), examples.only(left_out & np.isin(examples.languages, SEVEN))
    model = IntentModel.train(list(known.texts), known.vectors, list(known.intents))
    found = []
    for text, true, language, vector in zip(*asked, strict=True):
        (guessed, first), (_, second), *_ = model.rank(text, vector)
        found.append(Guess(str(language), true, guessed, first, first - second))
    return found


def share(guesses: list[Guess]) -> str:
    right = sum(guess.guessed == guess.true for guess in guesses)
    return f"{100 * right / max(1, len(guesses)):5.1f} % of {len(guesses)}"


def print_confidence(guesses: list[Guess]) -> None:
    """What asking at each pair of thresholds costs (right ones asked again) and saves (wrong ones)."""
    print("\nthreshold ambiguity   right   asked   wrong   wrongly stop, withdraw, affirm or deny")
    for threshold in (0.0, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        for ambiguity in (0.0, 0.05, 0.1):
            counts: Counter = Counter()
            for guess in guesses:
                if guess.confidence < threshold or guess.margin < ambiguity:
                    counts["asked"] += 1
                elif guess.guessed == guess.true:
                    counts["right"] += 1
                else:
                    counts["wrong"] += 1
                    counts["destructive"] += guess.guessed in DESTRUCTIVE
            numbers = (
                100 * counts[name] / len(guesses) for name in ("right", "asked", "wrong", "destructive")
            )
            print(f"{threshold:9} {ambiguity:9}" + "".join(f" {number:5.1f} %" for number in numbers))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--by", choices=("wording", "language"), default="wording")
    parser.add_argument("--parts", type=int, help="only the first so many parts or families")
    parser.add_argument("--confidence", action="store_true", help="the thresholds' trade-off too")
    arguments = parser.parse_args()

    intent_model.NETWORKS = 1
    examples = read_examples()
    guesses: list[Guess] = []
    for name, left_out in islice(splits(examples, arguments.by), arguments.parts):
        found = guesses_without(examples, left_out)
        print(f"{name:14} {share(found)}", flush=True)
        guesses += found
    print(f"{'all':14} {share(guesses)}\n")
    for language in SEVEN:
        print(f"{language:22} {share([g for g in guesses if g.language == language])}")
    for intent in sorted({guess.true for guess in guesses}):
        print(f"{intent:22} {share([g for g in guesses if g.true == intent])}")
    if arguments.confidence:
        print_confidence(guesses)


if __name__ == "__main__":
    main()
