"""Gathers what several threads want translated by one model into batches, without making a lone message wait.

A thread that finds the model free translates at once whatever is waiting, its own sentences included;
threads that come meanwhile wait together and go as the next batch. Nothing is delayed to make batches
larger: load does that.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from translations.engine import SentenceTranslator
from translations.errors import TranslationFailed

# A gathered batch may grow to this many sentences; one caller's own list is never cut.
MOST_SENTENCES = 512


class _Task:
    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        self.results: list[str | TranslationFailed] | None = None
        self.error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        return self.results is not None or self.error is not None


class GatheringTranslator:
    """A SentenceTranslator around another one that is faster in batches. Safe under many threads."""

    def __init__(self, translator: SentenceTranslator, *, workers: int) -> None:
        self._translator = translator
        self._workers = workers
        self._changed = threading.Condition()
        self._waiting: list[_Task] = []
        self._running = 0
        self.memory_bytes = translator.memory_bytes

    def translate_sentences(self, sentences: Sequence[str]) -> list[str | TranslationFailed]:
        """As many results as sentences, in their order. Identical sentences of several callers count once."""
        task = _Task(list(sentences))
        with self._changed:
            self._waiting.append(task)
            while not task.is_done and (self._running >= self._workers or task not in self._waiting):
                self._changed.wait()
            batch = [] if task.is_done else self._take()
            self._running += bool(batch)
        if batch:
            try:
                self._translate(batch)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()
        if task.error is not None:
            raise task.error
        assert task.results is not None  # noqa: S101 (one of the two is set by whoever took the task)
        return task.results

    def _take(self) -> list[_Task]:
        """The tasks of the next batch, the longest waiting first. Call with the lock."""
        batch: list[_Task] = []
        count = 0
        while self._waiting and (not batch or count + len(self._waiting[0].sentences) <= MOST_SENTENCES):
            batch.append(self._waiting.pop(0))
            count += len(batch[-1].sentences)
        return batch

    def _translate(self, batch: list[_Task]) -> None:
        try:
            wanted = list(dict.fromkeys(sentence for task in batch for sentence in task.sentences))
            found = dict(zip(wanted, self._translator.translate_sentences(wanted), strict=True))
            for task in batch:
                task.results = [found[sentence] for sentence in task.sentences]
        except BaseException as error:
            for task in batch:
                task.error = error
            if not isinstance(error, Exception):
                raise

    def close(self) -> None:
        self._translator.close()
