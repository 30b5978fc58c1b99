"""Translates with `.argosmodel` packages: CTranslate2 models and tokenizers, read by Argos's package code.

The one importer of `argostranslate`. Only its package reader is used: its language graph keeps old models
after an upgrade, its cache has no lock, its splitter downloads at first use, and its logger writes every
message at INFO.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ctranslate2

from translations.errors import ModelNotLoaded, TranslationFailed

if TYPE_CHECKING:
    from argostranslate.package import Package

# Argos's own search settings (argostranslate/translate.py), so that a package gives what its makers
# measured ...
BEAM_SIZE = 4
LENGTH_PENALTY = 0.2
MAX_OUTPUT_TOKENS = 256
# ... but batches of the tokens that pay on a CPU, not 32; see docs/decisions/0007-translation-engines.md.
BATCH_TOKENS = 1024
# CTranslate2 cuts longer inputs off without a word.
MAX_INPUT_TOKENS = 1000

SEARCH: dict[str, Any] = {
    "replace_unknowns": True,
    "batch_type": "tokens",
    "beam_size": BEAM_SIZE,
    "length_penalty": LENGTH_PENALTY,
    "max_decoding_length": MAX_OUTPUT_TOKENS,
}

_import_lock = threading.Lock()


def _package_class() -> type[Package]:
    """Argos's package reader, imported so that it logs no words and makes no folders in the home."""
    with _import_lock:
        logging.getLogger("argostranslate").setLevel(logging.WARNING)
        with tempfile.TemporaryDirectory() as scratch, _environment(scratch):
            from argostranslate.package import Package
        # `argostranslate.utils` sets its own logger to INFO when it is imported.
        for name in ("argostranslate", "argostranslate.utils"):
            logging.getLogger(name).setLevel(logging.WARNING)
    return Package


@contextlib.contextmanager
def _environment(folder: str) -> Any:
    """Argos makes its data, configuration and cache folders when it is imported: let them be these."""
    names = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, folder))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def content_files(folder: Path) -> list[Path]:
    """The files that decide what a model says; packages that agree in them share one loaded model."""
    tokenizers = [folder / name for name in ("sentencepiece.model", "bpe.model") if (folder / name).exists()]
    return sorted((folder / "model").rglob("*")) + tokenizers


def content_tag(folder: Path) -> str:
    """What besides its files changes a package's output."""
    metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    languages = f"{metadata['from_code']}-{metadata['to_code']}" if (folder / "bpe.model").exists() else ""
    return f"argos {metadata.get('target_prefix', '')} {languages}"


class ArgosTranslator:
    """A loaded package. Safe to share between threads.

    `workers` sentences or batches are translated at the same time, each on one thread: on short messages more
    threads for one sentence make it slower. Raises ModelNotLoaded when a file is missing or of an unknown
    format.
    """

    def __init__(self, folder: Path, *, name: str, workers: int = 2) -> None:
        self.name = name
        self._workers = workers
        try:
            self._package = _package_class()(folder)
            self._translator = ctranslate2.Translator(
                str(folder / "model"), device="cpu", inter_threads=workers, intra_threads=1
            )
            self._tokenizer = self._package.tokenizer
            self._tokenizer.encode("load now")  # it loads lazily and without a lock
        except (OSError, RuntimeError, ValueError, AttributeError, KeyError) as error:
            raise ModelNotLoaded(name, f"{type(error).__name__}: {error}") from error
        self.memory_bytes = sum(file.stat().st_size for file in content_files(folder)) + 20_000_000

    def translate_sentences(self, sentences: Sequence[str]) -> list[str | TranslationFailed]:
        """As many results as sentences, in their order. CTranslate2 sorts by length and batches by tokens."""
        results: list[str | TranslationFailed] = [TranslationFailed("empty", self.name)] * len(sentences)
        rows: list[int] = []
        tokens: list[list[str]] = []
        for row, sentence in enumerate(sentences):
            try:
                encoded = self._tokenizer.encode(sentence)
            except (RuntimeError, ValueError, TypeError, UnicodeError) as error:
                results[row] = TranslationFailed("crashed", self.name, type(error).__name__)
                continue
            if len(encoded) > MAX_INPUT_TOKENS:
                results[row] = TranslationFailed("too_long", self.name, f"{len(encoded)} tokens")
            elif encoded:
                rows.append(row)
                tokens.append(encoded)
        for row, result in zip(rows, self._translate_tokens(tokens), strict=True):
            results[row] = result
        return results

    def _translate_tokens(self, tokens: list[list[str]]) -> list[str | TranslationFailed]:
        if not tokens:
            return []
        prefix = self._package.target_prefix
        try:
            found = self._translator.translate_batch(
                tokens,
                target_prefix=[[prefix]] * len(tokens) if prefix else None,
                max_batch_size=self._batch_tokens(tokens),
                **SEARCH,
            )
        except (RuntimeError, ValueError) as error:
            # One sentence spoils its batch: find it by halves, so that the others are translated.
            if len(tokens) == 1:
                return [TranslationFailed("crashed", self.name, type(error).__name__)]
            middle = len(tokens) // 2
            return self._translate_tokens(tokens[:middle]) + self._translate_tokens(tokens[middle:])
        return [self._text(result.hypotheses[0], prefix) for result in found]

    def _batch_tokens(self, tokens: list[list[str]]) -> int:
        """Tokens of a batch: few enough that every worker has one, at most the size that pays."""
        longest = max(map(len, tokens)) + 1
        share = -(-longest * len(tokens) // self._workers)
        return min(BATCH_TOKENS, max(longest, share))

    def _text(self, tokens: list[str], prefix: str) -> str | TranslationFailed:
        text = self._tokenizer.decode(tokens)
        if prefix and text.startswith(prefix):
            text = text[len(prefix) :]
        return text.strip() or TranslationFailed("empty", self.name)

    def close(self) -> None:
        self._translator.unload_model()


def tokenizer_of(folder: Path) -> Callable[[str], list[str]]:
    """The function that takes a sentence of this package's source language apart into pieces."""
    return _package_class()(folder).tokenizer.encode


def argos_itself(folder: Path) -> Callable[[str], str]:
    """Argos's own translation of one text at a time, for benchmarks to compare with.

    Its splitter is replaced by one that does not split, since it would be downloaded; its settings are
    those of the environment at the first import in this process.
    """
    package = _package_class()(folder)
    with tempfile.TemporaryDirectory() as scratch, _environment(scratch):
        from argostranslate.translate import Language, PackageTranslation

    class WholeText:
        def split_sentences(self, text: str) -> list[str]:
            return [text]

    languages = Language(package.from_code, ""), Language(package.to_code, "")
    translation = PackageTranslation(*languages, package)
    translation.sentencizer = WholeText()
    return translation.translate
