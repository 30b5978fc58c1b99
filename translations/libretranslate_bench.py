"""Measures a LibreTranslate server that has the benchmark's own model: four clients, one text a request.

LibreTranslate is no part of this program and is not installed with it: docs/figures.md says how one was
set up.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CLIENTS = 4
_TIMEOUT_SECONDS = 120


class LibreTranslateError(RuntimeError):
    """The server is not there, or answers with something else than a translation by the benchmark's model."""


def translate(address: str, text: str, *, source: str, target: str) -> str:
    """The server's translation of one text. Raises LibreTranslateError."""
    asked = json.dumps({"q": text, "source": source, "target": target, "format": "text"}).encode()
    request = urllib.request.Request(  # noqa: S310 (the address is the operator's own)
        f"{address.rstrip('/')}/translate", asked, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            answer: Any = json.load(response)
    except urllib.error.HTTPError as error:
        raise LibreTranslateError(f"{address} answered {error.code}") from error
    except (OSError, ValueError) as error:
        raise LibreTranslateError(f"{address} gave no answer that can be read: {error}") from error
    translation = answer.get("translatedText") if isinstance(answer, dict) else None
    if not isinstance(translation, str):
        raise LibreTranslateError(f"{address} answered without `translatedText`")
    return translation


def check_same_model(
    address: str, texts: Sequence[str], expected: Callable[[str], str], *, source: str, target: str
) -> None:
    """Raises LibreTranslateError unless the server's model gives what Argos gives with the benchmark's."""
    for text in texts:
        if _words(translate(address, text, source=source, target=target)) != _words(expected(text)):
            raise LibreTranslateError(
                f"{address} has another model than the benchmark: install the file that "
                "`ownwords bench translate --write-package FILE` writes with the same --sentences"
            )


def _words(text: str) -> list[str]:
    # LibreTranslate gives its answer the capital and the full stop of the original.
    return text.casefold().rstrip(" .").split()


def seconds_for(address: str, texts: Sequence[str], *, source: str, target: str) -> float:
    """How long four clients take for all texts, each asking for its next when it has its answer."""
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda text: translate(address, text, source=source, target=target), texts))
    return time.perf_counter() - started
