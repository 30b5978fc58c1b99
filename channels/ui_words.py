"""The labels of the chat page and the form, from the same catalogues as the messages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from channels.commission_words import commission_arguments
from channels.rendering import language_options
from channels.wording import (
    FALLBACK_LANGUAGE,
    catalogue_languages,
    load_catalogue,
    placeholders,
    wording,
)
from submissions.commission import Commission
from submissions.models import Channel
from translations.languages import direction_of

SHARED_KEYS = ("choose_language", "too_long", "not_text", "privacy_answer", "temporary_trouble")


def ui_words(commission: Commission, language: str) -> dict[str, Any]:
    """The words of the pages in a language: {language, dir, words: {key: text}, fallback: [key], languages}.

    Keys keep their `ui_` away. Values of commission.yml are filled in; what changes while the page is open
    ({count}, {seconds}, {limit}) is left for the page. `fallback` lists the keys that are in English.
    """
    filled = commission_arguments(commission, language)
    words: dict[str, str] = {}
    fallback: list[str] = []
    for key in ui_keys():
        english = load_catalogue(FALLBACK_LANGUAGE).find(key, Channel.WEB_CHAT) or ""
        open_places = {name: f"{{{name}}}" for name in placeholders(english) - filled.keys()}
        said = wording(key, language, Channel.WEB_CHAT, **filled, **open_places)
        words[key.removeprefix("ui_")] = said.text
        if said.language != language:
            fallback.append(key.removeprefix("ui_"))
    return {
        "language": language,
        "dir": direction_of(language),
        "words": words,
        "fallback": fallback,
        "languages": language_options(commission),
    }


@lru_cache(maxsize=1)
def ui_keys() -> tuple[str, ...]:
    english = load_catalogue(FALLBACK_LANGUAGE).keys
    return tuple(sorted(key for key in english if key.startswith("ui_"))) + SHARED_KEYS


def best_language(accept_language: str, commission: Commission) -> str | None:
    """The first language of an Accept-Language header that we have words in, or None.

    Source: RFC 9110, 12.5.4; the weights are obeyed, a region is dropped ("pt-BR" is "pt").
    """
    wanted: list[tuple[float, int, str]] = []
    for place, item in enumerate(accept_language[:500].split(",")):
        tag, _, parameter = item.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
        except ValueError:
            continue
        code = tag.strip().lower().split("-")[0]
        wanted.append((-weight, place, {"fil": "tl", "iw": "he"}.get(code, code)))
    offered = set(commission.languages) & catalogue_languages()
    return next((code for weight, _, code in sorted(wanted) if code in offered and weight < 0), None)
