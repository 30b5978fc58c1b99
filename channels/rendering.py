"""What a resident reads for a message key: catalogue words in their language, shaped for their channel.

On the web an answer's options are buttons; on text channels they are numbered lines under the text. A preview
stands as blocks, each with its own language and direction, since it shows two languages at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from channels.commission_words import commission_arguments
from channels.sms_text import count_sms_parts
from channels.wording import FALLBACK_LANGUAGE, Wording, wording
from submissions.commission import Commission, get_commission
from submissions.models import Channel
from translations.languages import LANGUAGES, direction_of

LANGUAGE_PAYLOAD = "language:"
TEXT_CHANNELS = frozenset({Channel.SMS, Channel.WHATSAPP})
MENU_SMS_PARTS = 2  # each part costs; a language that is not in the list can be written all the same
PREVIEW_KEYS = frozenset({"preview_english", "preview_translated", "preview_person", "preview_later"})
# Unicode's first-strong isolate: without it "OW-7K3M-92QF" inside Arabic is shown with its parts reversed.
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_ISOLATED_ARGUMENTS = re.compile(r"reference|contact|number|limit|seconds|count|council|commission|forum")


@dataclass(frozen=True)
class Block:
    """A piece of a message in one language. `role` is message, label, original or translation."""

    text: str
    lang: str | None  # BCP 47; None when the language of the resident's words is not known
    dir: str  # "ltr", "rtl" or "auto"
    role: str = "message"


@dataclass(frozen=True)
class Rendered:
    """A message as the channel shows it.

    `text` is the whole in one piece (on text channels with its numbered options); `blocks` are its parts, as
    dictionaries of text, lang, dir and role; `options` are {title, payload} in the order shown; `language`
    and `dir` are those of the sentence we wrote.
    """

    text: str
    blocks: list[dict[str, Any]]
    options: list[dict[str, Any]]
    language: str
    dir: str


@dataclass(frozen=True)
class DraftTexts:
    """A draft as its author checks it: their words, and the English where there is one."""

    original: str
    language: str | None
    english: str | None = None


def render(
    key: str,
    arguments: dict[str, Any] | None,
    options: Sequence[dict[str, str]],
    language: str | None,
    channel: str,
    *,
    draft: DraftTexts | None = None,
    commission: Commission | None = None,
) -> Rendered:
    """The message for a key, in the language asked for or, where its catalogue lacks the key, in English.

    `options` are {key, payload} as the assistant gives them. `draft` is what a preview key shows. Raises
    UnknownMessageKey and MissingArgument.
    """
    commission = commission or get_commission()
    said = _say(key, language, channel, {**commission_arguments(commission, language), **(arguments or {})})
    # Help lines are a list: each line by itself, in its own direction.
    paragraphs = said.text.split("\n") if key == "danger_help" else [said.text]
    blocks = [Block(text, said.language, direction_of(said.language)) for text in paragraphs]
    if key in PREVIEW_KEYS and draft is not None:
        blocks += _preview_blocks(draft, language, channel, with_english=key == "preview_translated")
    titles: list[dict[str, str]] = []
    if key == "choose_language":
        titles = language_options(commission)
    for option in options:
        title = _say(option["key"], language, channel, {}).text
        titles.append({"title": title, "payload": option["payload"]})
    text = "\n".join(block.text for block in blocks)
    if channel in TEXT_CHANNELS and titles:
        text = _with_numbered(text, titles, shortened=channel == Channel.SMS and key == "choose_language")
    return Rendered(
        text=text,
        blocks=[asdict(block) for block in blocks],
        options=[dict(title) for title in titles],
        language=said.language,
        dir=direction_of(said.language),
    )


def _with_numbered(text: str, titles: list[dict[str, str]], *, shortened: bool) -> str:
    """The text with its options as numbered lines; shortened, with as many as fit two SMS parts.

    What is not shown can still be chosen: a language by its number, its name or by writing in it.
    """
    for number, title in enumerate(titles, 1):
        longer = f"{text}\n{number}. {title['title']}"
        if shortened and count_sms_parts(longer) > MENU_SMS_PARTS:
            break
        text = longer
    return text


def language_options(commission: Commission) -> list[dict[str, str]]:
    """The language menu: autonyms in the order of commission.yml; `lang` and `dir` tell how to show each."""
    return [
        {
            "title": LANGUAGES[code].autonym,
            "payload": LANGUAGE_PAYLOAD + code,
            "lang": code,
            "dir": LANGUAGES[code].direction,
        }
        for code in commission.languages
        if code in LANGUAGES
    ]


def _say(key: str, language: str | None, channel: str, arguments: dict[str, Any]) -> Wording:
    if channel not in TEXT_CHANNELS and direction_of(language or FALLBACK_LANGUAGE) == "rtl":
        arguments = {
            name: f"{_ISOLATE}{value}{_END_ISOLATE}" if _ISOLATED_ARGUMENTS.fullmatch(name) else value
            for name, value in arguments.items()
        }
    return wording(key, language, channel, **arguments)


def _preview_blocks(
    draft: DraftTexts, language: str | None, channel: str, *, with_english: bool
) -> list[Block]:
    def label(key: str) -> Block:
        said = wording(key, language, channel)
        return Block(said.text, said.language, direction_of(said.language), "label")

    # "auto" for the resident's words: the browser looks at the letters, and some write Arabic in Latin ones.
    original = Block(draft.original, draft.language, "auto", "original")
    if not with_english or draft.english is None:
        return [original]
    english = Block(draft.english, "en", "ltr", "translation")
    return [label("label_original"), original, label("label_translation"), english]
