"""Measures translation throughput in one run: ours end to end, CTranslate2 alone, Argos one by one, and a
LibreTranslate server where there is one.

Everybody has the same official-size model with random weights, the same 64 sentences of 15 words, beam 4,
and outputs of 22 pieces. Rounds alternate, so that whatever else the machine does weighs on all; quote the
ratios.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing.pool import Pool
from pathlib import Path

import ctranslate2

from translations import argos_engine, libretranslate_bench, packages
from translations.random_model import official_size_package
from translations.registry import open_registry

OUTPUT_PIECES = 22
SOURCE, TARGET = "es", "en"
WORDS = 15
_SYLLABLES = (
    "la",
    "es",
    "ca",
    "pa",
    "ra",
    "que",
    "no",
    "ti",
    "me",
    "sol",
    "ver",
    "den",
    "tro",
    "bar",
    "rio",
    "luz",
)


@dataclass(frozen=True)
class TranslationFigures:
    """Sentences a second, and seconds for one message alone."""

    raw_batched: float
    ours: float
    argos_best: float
    argos_as_shipped: float
    raw_alone_seconds: float
    ours_alone_seconds: float
    workers: int
    libretranslate: float | None = None  # None where no server was given

    def lines(self) -> Iterator[str]:
        workers = f"{self.workers} one-thread workers"
        yield f"CTranslate2 alone, batched, {workers}: {self.raw_batched:.1f} sentences/s"
        yield f"ours, end to end: {self.ours:.1f} sentences/s"
        yield f"Argos one text at a time, one thread: {self.argos_best:.1f} sentences/s"
        yield f"Argos one text at a time, as shipped: {self.argos_as_shipped:.1f} sentences/s"
        yield f"ours / CTranslate2 alone: {self.ours / self.raw_batched:.2f} (at least 0.8)"
        yield f"ours / Argos at its best: {self.ours / self.argos_best:.1f} (at least 3.5)"
        yield f"ours / Argos as shipped: {self.ours / self.argos_as_shipped:.1f} (at least 7)"
        if self.libretranslate is not None:
            clients = f"{libretranslate_bench.CLIENTS} clients"
            yield f"LibreTranslate, {clients}: {self.libretranslate:.1f} sentences/s"
            yield f"ours / LibreTranslate: {self.ours / self.libretranslate:.1f} (at least 3.5)"
        yield (
            f"one message alone: {self.ours_alone_seconds * 1000:.0f} ms, CTranslate2 alone "
            f"{self.raw_alone_seconds * 1000:.0f} ms, ratio "
            f"{self.ours_alone_seconds / self.raw_alone_seconds:.2f} (at most 1.2)"
        )


def bench_translate(
    *, sentences: int = 64, rounds: int = 3, workers: int = 2, libretranslate: str | None = None
) -> TranslationFigures:
    """Measure; takes some two minutes on two cores and 600 MB.

    `libretranslate` is the address of a server that has the model `write_package` writes for as many
    sentences.
    """
    texts = make_sentences(sentences)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "models"
        path = write_package(Path(scratch) / "translate-es_en-1_0.argosmodel", sentences)
        (model,) = packages.install(folder, str(path))
        path.unlink()
        return _measure(folder, model.folder, texts, rounds, workers, libretranslate)


def write_package(path: Path, sentences: int) -> Path:
    """The model of the benchmark, the same every time, to install in LibreTranslate as well."""
    return official_size_package(
        path,
        make_sentences(sentences) * 3,
        source=SOURCE,
        target=TARGET,
        output_pieces=OUTPUT_PIECES,
        vocabulary_size=90,
    )


def make_sentences(count: int) -> list[str]:
    """Different sentences of 15 made-up words of Spanish sound; the same every time."""
    source = random.Random(7)  # noqa: S311 (test sentences, not secrets)
    words = ["".join(source.choices(_SYLLABLES, k=source.choice((1, 2, 2, 3)))) for _ in range(300)]
    return [" ".join(source.choices(words, k=WORDS)).capitalize() + "." for _ in range(count)]


def _measure(
    folder: Path, model_folder: Path, texts: list[str], rounds: int, workers: int, libretranslate: str | None
) -> TranslationFigures:
    raw = ctranslate2.Translator(
        str(model_folder / "model"), device="cpu", inter_threads=workers, intra_threads=1
    )
    registry = open_registry(folder, bundled=False, workers=workers)
    encode = argos_engine.tokenizer_of(model_folder)
    tokens = [encode(text) for text in texts]

    def run_raw(some: list[list[str]], batch_tokens: int = 0) -> None:
        found = raw.translate_batch(some, max_batch_size=batch_tokens, **argos_engine.SEARCH)
        _check([len(result.hypotheses[0]) for result in found])

    def run_ours(some: list[str]) -> None:
        for outcome in registry.translate_texts(some, source_language=SOURCE, target_language=TARGET):
            if isinstance(outcome, Exception):
                raise outcome

    run_raw(tokens[:2])
    run_ours(texts[:2])
    few = texts[: max(8, len(texts) // 4)]
    seconds: dict[str, list[float]] = defaultdict(list)
    with _argos_process(1) as best, _argos_process(0) as shipped:
        if libretranslate:
            libretranslate_bench.check_same_model(
                libretranslate,
                texts[:2],
                lambda text: best.apply(_argos_text, (model_folder, text)),
                source=SOURCE,
                target=TARGET,
            )
        for _ in range(rounds):
            seconds["raw"].append(min(_seconds(run_raw, tokens, size) for size in (512, 1024)))
            seconds["ours"].append(_seconds(run_ours, texts))
            seconds["best"].append(best.apply(_argos_seconds, (model_folder, few)))
            seconds["shipped"].append(shipped.apply(_argos_seconds, (model_folder, few)))
            if libretranslate:
                seconds["libretranslate"].append(
                    libretranslate_bench.seconds_for(libretranslate, few, source=SOURCE, target=TARGET)
                )
            for text, tokenized in zip(texts[:8], tokens[:8], strict=True):
                seconds["raw alone"].append(_seconds(run_raw, [tokenized]))
                seconds["ours alone"].append(_seconds(run_ours, [text]))
    registry.close()
    raw.unload_model()
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return TranslationFigures(
        raw_batched=len(texts) / median["raw"],
        ours=len(texts) / median["ours"],
        argos_best=len(few) / median["best"],
        argos_as_shipped=len(few) / median["shipped"],
        raw_alone_seconds=median["raw alone"],
        ours_alone_seconds=median["ours alone"],
        workers=workers,
        libretranslate=len(few) / median["libretranslate"] if libretranslate else None,
    )


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def _check(lengths: list[int]) -> None:
    if set(lengths) != {OUTPUT_PIECES}:
        raise RuntimeError(f"outputs should have {OUTPUT_PIECES} pieces, not {sorted(set(lengths))}")


def _argos_process(intra_threads: int) -> Pool:
    """A process in which Argos itself runs: it reads its settings when it is imported."""
    return multiprocessing.get_context("spawn").Pool(1, _set_threads, (intra_threads,))


def _set_threads(intra_threads: int) -> None:
    os.environ["ARGOS_INTRA_THREADS"] = str(intra_threads)
    if intra_threads == 0:
        os.environ.pop("OMP_NUM_THREADS", None)  # as shipped: all cores
    logging.disable(logging.INFO)


@cache
def _argos(model_folder: Path) -> Callable[[str], str]:
    translate = argos_engine.argos_itself(model_folder)
    translate("ti la.")  # loads
    return translate


def _argos_text(model_folder: Path, text: str) -> str:
    return _argos(model_folder)(text)


def _argos_seconds(model_folder: Path, texts: list[str]) -> float:
    translate = _argos(model_folder)
    return _seconds(lambda: [translate(text) for text in texts])
