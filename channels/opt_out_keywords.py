"""STOP and its kin: known by lookup, before the assistant and without it.

`opt_out_words/<language>.txt` holds whole messages that mean "write to me no more", one a line, and
`opt_in_words.txt` those that take it back. Only a message that is nothing else counts: "stop the buses being
cut" is a view. What lies between, "oh stop texting me love", is ambiguous, and we ask.
"""

from __future__ import annotations

import enum
import re
from functools import lru_cache
from pathlib import Path

from submissions.plain_words import plain_words

WORDS_FOLDER = Path(__file__).resolve().parent / "opt_out_words"
OPT_IN_FILE = WORDS_FOLDER.with_name("opt_in_words.txt")
# The words telephone companies act upon.
# Source: https://www.twilio.com/docs/messaging/tutorials/how-to-use-twilio-opt-out-keywords
CARRIER_WORDS = frozenset({"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"})
CARRIER_OPT_IN_WORDS = frozenset({"start", "unstop"})
LONGEST = 60  # characters; a longer message is not one of these words
LONGEST_AMBIGUOUS = 80
# Words beside a phrase that make it ambiguous rather than a view; more of them, and it is a view.
WORDS_BESIDE = 2
CHARACTERS_BESIDE = 4  # for scripts that write no spaces between words

# What people add out of politeness, anywhere in the message. None of these means anything by itself here.
POLITE = (
    "please",
    "pls",
    "plz",
    "thanks",
    "thank you",
    "ty",
    "thx",
    "kindly",
    "hi",
    "hello",
    "por favor",
    "se faz favor",
    "obrigado",
    "obrigada",
    "gracias",
    "s'il vous plaît",
    "s'il te plaît",
    "svp",
    "stp merci",
    "merci",
    "bonjour",
    "per favore",
    "per piacere",
    "grazie",
    "proszę",
    "dziękuję",
    "te rog",
    "vă rog",
    "mulțumesc",
    "lütfen",
    "teşekkürler",
    "teşekkür ederim",
    "ju lutem",
    "të lutem",
    "faleminderit",
    "пожалуйста",
    "спасибо",
    "будь ласка",
    "дякую",
    "من فضلك",
    "من فضلكم",
    "لو سمحت",
    "لو سمحتم",
    "رجاء",
    "رجاءً",
    "شكرا",
    "شكراً",
    "لطفا",
    "لطفاً",
    "ممنون",
    "متشکرم",
    "خواهش میکنم",
    "براہ کرم",
    "براہ مہربانی",
    "پلیز",
    "شکریہ",
    "تکایە",
    "سوپاس",
    "দয়া করে",
    "প্লিজ",
    "ধন্যবাদ",
    "fadlan",
    "mahadsanid",
    "pakiusap",
    "pakisuyo",
    "salamat",
    "salamat po",
    "po",
    "እባክዎ",
    "እባክዎን",
    "እባክህ",
    "እባክሽ",
    "አመሰግናለሁ",
    "请",
    "請",
    "谢谢",
    "謝謝",
    "麻烦",
)
_WRITES_NO_SPACES = re.compile("[\u3400-\u9fff]")


class StopMeaning(enum.Enum):
    """What a message says about hearing from us."""

    STOP = "stop"
    AMBIGUOUS = "ambiguous"  # may be a wish to stop: ask once, and send nothing else until it is answered
    NOTHING = "nothing"


def normalise_phrase(text: str) -> str:
    """The text without case, accents, punctuation, emoji, Arabic letter forms and words of politeness."""
    plain = plain_words(text)
    without = " ".join(_polite_words().sub(" ", f" {plain} ").split())
    return without or plain


@lru_cache(maxsize=1)
def _polite_words() -> re.Pattern[str]:
    words = sorted({plain_words(word) for word in POLITE}, key=len, reverse=True)
    spaced = "|".join(re.escape(word) for word in words if not _WRITES_NO_SPACES.search(word))
    joined = "|".join(re.escape(word) for word in words if _WRITES_NO_SPACES.search(word))
    return re.compile(rf"(?<= )(?:{spaced})(?= )|{joined}")


@lru_cache(maxsize=1)
def opt_out_phrases() -> frozenset[str]:
    """Every phrase of every language, normalised."""
    phrases = {"stop"}
    for path in WORDS_FOLDER.glob("*.txt"):
        if path.stem.endswith("_not"):  # look-alikes that must not count; the tests read them
            continue
        phrases.update(_lines(path))
    return frozenset(phrases - {""})


@lru_cache(maxsize=1)
def opt_in_phrases() -> frozenset[str]:
    """Every phrase of every language that takes a STOP back, normalised."""
    return CARRIER_OPT_IN_WORDS | frozenset(_lines(OPT_IN_FILE))


def _lines(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {normalise_phrase(line) for line in lines if line.strip() and not line.startswith("#")}


def asks_to_stop(text: str, *, on_phone: bool) -> bool:
    """Whether the whole message asks us to stop writing, in any of our languages.

    On a phone channel the telephone companies' words count as well; on the web "end" may be the answer to a
    question of ours.
    """
    if len(text) > LONGEST:
        return False
    words = normalise_phrase(text)
    return words in opt_out_phrases() or (on_phone and words in CARRIER_WORDS)


def asks_to_start_again(text: str) -> bool:
    """Whether the whole message takes a STOP back; asked only of somebody who had said it."""
    return len(text) <= LONGEST and normalise_phrase(text) in opt_in_phrases()


def stop_meaning(text: str) -> StopMeaning:
    """What a message on the telephone says about hearing from us, by lookup alone."""
    if asks_to_stop(text, on_phone=True):
        return StopMeaning.STOP
    if len(text) <= LONGEST_AMBIGUOUS and _is_ambiguous(normalise_phrase(text)):
        return StopMeaning.AMBIGUOUS
    return StopMeaning.NOTHING


def _is_ambiguous(words: str) -> bool:
    tokens = words.split()
    if len(tokens) == 1 and _is_slip_of_stop(tokens[0]):
        return True
    if _WRITES_NO_SPACES.search(words):
        return any(
            phrase in words and len(words) - len(phrase) <= CHARACTERS_BESIDE
            for phrase in opt_out_phrases()
            if len(phrase) >= CHARACTERS_BESIDE
        )
    spans = {
        " ".join(tokens[start:end])
        for start in range(len(tokens))
        for end in range(start + 2, len(tokens) + 1)
        if len(tokens) - (end - start) <= WORDS_BESIDE
    }
    return not spans.isdisjoint(_clear_phrases())


@lru_cache(maxsize=1)
def _clear_phrases() -> frozenset[str]:
    """The phrases that still say what they say with other words around them: those of three words or more."""
    return frozenset(phrase for phrase in opt_out_phrases() if len(phrase.split()) >= 3)


def _is_slip_of_stop(word: str) -> bool:
    """One wrong key or two swapped ones in "stop", the word most people are told to send."""
    if len(word) not in (4, 5) or word in {"shop", "step", "slop", "stoop", "stops", "strop", "atop"}:
        return False
    swapped = {"tsop", "sotp", "stpo"}
    added = {word[:index] + word[index + 1 :] for index in range(len(word))} if len(word) == 5 else set()
    changed = len(word) == 4 and sum(a != b for a, b in zip(word, "stop", strict=True)) == 1
    return word in swapped or "stop" in added or changed
