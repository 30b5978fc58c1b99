"""What `ownwords detect` and `ownwords translate` do with JSON Lines: one object out for each in, in order.

An object that cannot be worked on gives `{"error": ...}` in its place; the error never repeats the text.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from translations.detection import detect
from translations.engine import Translation
from translations.errors import TranslationError
from translations.quality import estimate
from translations.registry import Registry

# Lines taken together: enough to fill batches, few enough that a pipe shows progress.
_CHUNK = 64


def read_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The objects of JSON Lines; empty lines count as lines.

    A line that is no object becomes `{"error": ...}`, which the functions below hand on.
    """
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        yield value if isinstance(value, dict) else {"error": "this line is not a JSON object"}


def detect_lines(objects: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """`text`, and `conversation_lang` where known → `lang` (BCP 47 or None) and `confidence`, 0 to 1."""
    for item in objects:
        problem = _problem(item)
        if problem:
            yield {"error": problem}
            continue
        found = detect(item["text"], item.get("conversation_lang"))
        yield {"lang": found.language, "confidence": found.confidence}


def translate_lines(
    objects: Iterable[dict[str, Any]], *, to: str, registry: Registry
) -> Iterator[dict[str, Any]]:
    """`text`, and `lang` where known → `translation`, `engine`, `quality` and `flags`.

    Without `lang` the language is detected. A text already in the target language comes back as it is, with
    engine "none" and the flag `same_language`; one without a model, or whose model failed, gives an error.
    """
    for chunk in _arrived(objects):
        yield from _translate_chunk(chunk, to, registry)


def _arrived(objects: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """What has arrived, up to 64 objects at a time: whoever sends one line and waits is answered at once."""
    arrived: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=4 * _CHUNK)

    def read() -> None:
        try:
            for item in objects:
                arrived.put(("item", item))
        except Exception as error:  # noqa: BLE001 (raised again where the objects are used)
            arrived.put(("error", error))
        else:
            arrived.put(("end", None))

    threading.Thread(target=read, daemon=True, name="reads lines").start()
    kind, value = arrived.get()
    while kind == "item":
        chunk = [value]
        kind, value = arrived.get() if arrived.qsize() else ("", None)
        while kind == "item" and len(chunk) < _CHUNK:
            chunk.append(value)
            kind, value = arrived.get() if arrived.qsize() else ("", None)
        yield chunk
        if not kind:
            kind, value = arrived.get()
    if kind == "error":
        raise value


def _problem(item: Any) -> str | None:
    if not isinstance(item, dict):
        return "this line is not a JSON object"
    if "error" in item and "text" not in item:
        return str(item["error"])
    if not isinstance(item.get("text"), str):
        return "`text` is missing or is not a string"
    for key in ("lang", "conversation_lang"):
        if item.get(key) is not None and not isinstance(item[key], str):
            return f"`{key}` is not a string"
    return None


def _translate_chunk(chunk: list[dict[str, Any]], to: str, registry: Registry) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = [{} for _ in chunk]
    languages: dict[int, str] = {}
    for row, item in enumerate(chunk):
        problem = _problem(item)
        language = None if problem else item.get("lang") or detect(item["text"]).language
        if problem:
            results[row] = {"error": problem}
        elif language is None:
            results[row] = {"error": "the language of this text could not be told; give it as `lang`"}
        elif language.split("-")[0] == to.split("-")[0]:
            same = {"engine": "none", "quality": 1.0, "flags": ["same_language"]}
            results[row] = {"translation": item["text"]} | same
        else:
            languages[row] = language
    for language, group in groupby(
        sorted(languages, key=lambda row: languages[row]), key=lambda row: languages[row]
    ):
        rows = list(group)
        texts = [chunk[row]["text"] for row in rows]
        try:
            outcomes = registry.translate_texts(texts, source_language=language, target_language=to)
        except TranslationError as error:
            outcomes = [error] * len(rows)
        for row, outcome in zip(rows, outcomes, strict=True):
            results[row] = _line(chunk[row]["text"], outcome)
    return results


def _line(text: str, outcome: Translation | TranslationError) -> dict[str, Any]:
    if isinstance(outcome, TranslationError):
        return {"error": str(outcome)}
    quality = estimate(text, outcome.text, outcome.source_language, outcome.target_language)
    return {
        "translation": outcome.text,
        "engine": outcome.model,
        "quality": quality.score,
        "flags": list(quality.flags),
    }
