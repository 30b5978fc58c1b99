"""How often the intents are right, by language and by intent, with a confusion table.

    .venv-bot/bin/python evals/run.py                            # with the bot's trained model
    .venv-bot/bin/python evals/run.py --languages en,pt,ar
    .venv/bin/python evals/run.py --predictions answers.jsonl    # as `ownwords understand` wrote them

Gold is evals/intents/*.jsonl, lines {"text", "intent", "lang"} and perhaps "kind", such as "typos",
"romanised" or "code-switching"; predictions are lines {"intent",
"confidence"}, one
for each gold line, in the order of the files by name.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
GOLD_FOLDER = PROJECT_FOLDER / "evals" / "intents"


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def predict(texts: list[str], model: Path | None) -> list[dict[str, Any]]:
    """The bot's own answers, by the same pipeline that runs in a conversation, fallback included."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # e5's threads spin
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(PROJECT_FOLDER))
    import asyncio

    from rasa.core.channels.channel import UserMessage
    from rasa.core.lock_store import InMemoryLockStore
    from rasa.core.nlg import TemplatedNaturalLanguageGenerator
    from rasa.core.tracker_store import InMemoryTrackerStore
    from rasa.shared.core.domain import Domain

    from bot.channel.assistant import FaithfulProcessor, make_harmless
    from bot.run import configure_logging
    from bot.train import current_model

    configure_logging()  # Rasa would print each message, and a sealed set's are not to be read
    path = model or current_model()
    if path is None:
        sys.exit("There is no trained assistant yet: run `make train` first.")
    processor = FaithfulProcessor(
        path, InMemoryTrackerStore(Domain.empty()), InMemoryLockStore(), TemplatedNaturalLanguageGenerator({})
    )

    async def run() -> list[dict[str, Any]]:
        parsed = [await processor.parse_message(UserMessage(make_harmless(text))) for text in texts]
        return [{"intent": p["intent"]["name"], "confidence": p["intent"]["confidence"],
                 "first": p["intent_ranking"][:3]} for p in parsed]  # fmt: skip

    return asyncio.run(run())


def percent(right: int, all_: int) -> str:
    return f"{100 * right / all_:5.1f} %" if all_ else "    -"


def print_report(gold: list[dict[str, Any]], predicted: list[dict[str, Any]], *, show_errors: bool) -> None:
    """Print the tables: by language (worst first), by intent, what was taken for what, and how sure it
    was."""
    by_language: dict[str, Counter[bool]] = defaultdict(Counter)
    by_intent: dict[str, Counter[bool]] = defaultdict(Counter)
    by_kind: dict[str, Counter[bool]] = defaultdict(Counter)
    confusions: Counter[tuple[str, str]] = Counter()
    asked: Counter[str] = Counter()
    for line, answer in zip(gold, predicted, strict=True):
        is_right = answer["intent"] == line["intent"]
        by_language[line["lang"]][is_right] += 1
        by_intent[line["intent"]][is_right] += 1
        by_kind[line.get("kind", "")][is_right] += 1
        asked[line["lang"]] += answer["intent"] == "nlu_fallback"
        if not is_right:
            confusions[line["intent"], answer["intent"]] += 1
            if show_errors:
                print(
                    f"{line['lang']}  {line['intent']} -> {answer['intent']} "
                    f"{answer['confidence']:.2f}  {line['text']}"
                )

    print(f"\n{'language':10} {'right':>8} {'of':>6} {'asked instead':>14}")
    share = {lang: c[True] / c.total() for lang, c in by_language.items()}
    for lang in sorted(share, key=lambda name: share[name]):
        count = by_language[lang]
        print(f"{lang:10} {percent(count[True], count.total()):>8} {count.total():6} {asked[lang]:14}")
    right = sum(c[True] for c in by_language.values())
    print(f"{'all':10} {percent(right, len(gold)):>8} {len(gold):6} {asked.total():14}")

    print(f"\n{'intent':22} {'right':>8} {'of':>6}")
    for intent, count in sorted(by_intent.items()):
        print(f"{intent:22} {percent(count[True], count.total()):>8} {count.total():6}")

    if set(by_kind) != {""}:
        print(f"\n{'kind':22} {'right':>8} {'of':>6}")
        for kind, count in sorted(by_kind.items()):
            print(f"{kind or 'plain':22} {percent(count[True], count.total()):>8} {count.total():6}")

    print("\ntaken for (at least twice)")
    for (true, taken), times in confusions.most_common():
        if times > 1:
            print(f"{times:4}  {true} -> {taken}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gold", type=Path, nargs="*", default=sorted(GOLD_FOLDER.glob("*.jsonl")))
    parser.add_argument("--predictions", type=Path, help="JSON Lines instead of the bot's own model")
    parser.add_argument("--model", type=Path, help="another trained model than the current one")
    parser.add_argument("--languages", default="", help="only these, separated by commas")
    parser.add_argument("--errors", action="store_true", help="list each text that was not understood")
    parser.add_argument("--save", type=Path, help="write the predictions as JSON Lines")
    arguments = parser.parse_args()

    gold = [line for path in arguments.gold for line in read_lines(path)]
    wanted = {code for code in arguments.languages.split(",") if code}
    if arguments.predictions:
        predicted = read_lines(arguments.predictions)
        if len(predicted) != len(gold):
            sys.exit(f"{len(predicted)} predictions for {len(gold)} texts")
    chosen = [i for i, line in enumerate(gold) if not wanted or line["lang"] in wanted]
    if not chosen:
        sys.exit("no text in these languages")
    gold = [gold[i] for i in chosen]
    if arguments.predictions:
        predicted = [predicted[i] for i in chosen]
    else:
        predicted = predict([line["text"] for line in gold], arguments.model)
    if arguments.save:
        arguments.save.write_text(
            "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in predicted)
        )
    print_report(gold, predicted, show_errors=arguments.errors)


if __name__ == "__main__":
    main()
