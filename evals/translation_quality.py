"""Measures Portuguese to English on 40 civic sentences with references: chrF and BLEU by sacrebleu.

    python -m evals.translation_quality [--models FOLDER] [--show]

Run it with `--show` to read each translation beside its reference. `bundled` is what a fresh install has;
with `--models` the installed packages are measured as well, for each engine alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import sacrebleu

from translations.engine import Translation
from translations.registry import Registry, open_registry

DATA = Path(__file__).parent / "translation" / "pt_en_civic.jsonl"


def read_rows() -> list[dict[str, str]]:
    """`text`, `lang`, `variety` and `reference` of each sentence."""
    return [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]


def translate(registry: Registry, rows: list[dict[str, str]]) -> list[str]:
    """The translations, an empty text where there is none, so that failures cost what they should."""
    outcomes = registry.translate_texts(
        [row["text"] for row in rows], source_language="pt", target_language="en"
    )
    return [outcome.text if isinstance(outcome, Translation) else "" for outcome in outcomes]


def scores(translations: list[str], rows: list[dict[str, str]]) -> tuple[float, float]:
    """Corpus chrF and BLEU, 0 to 100."""
    references = [[row["reference"] for row in rows]]
    return (
        sacrebleu.corpus_chrf(translations, references).score,
        sacrebleu.corpus_bleu(translations, references).score,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, help="folder of installed packages to measure as well")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    rows = read_rows()
    with TemporaryDirectory() as empty:
        registries = {"bundled": open_registry(Path(empty))}
        if options.models:
            registries["packages"] = open_registry(options.models, bundled=False)
        print("| models | sentences | chrF | BLEU |\n|---|---|---|---|")
        for name, registry in registries.items():
            found = translate(registry, rows)
            chrf, bleu = scores(found, rows)
            print(f"| {name} | {len(rows)} | {chrf:.1f} | {bleu:.1f} |")
            if options.show:
                for row, text in zip(rows, found, strict=True):
                    one = sacrebleu.sentence_chrf(text, [row["reference"]]).score
                    print(f"{one:5.1f}  {row['text']}\n       {text}\n       {row['reference']}")


if __name__ == "__main__":
    main()
