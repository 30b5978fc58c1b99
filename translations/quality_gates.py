"""The gates of `quality`: each looks at a text and its translation and gives the flags it raises."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from translations.protected import find_protected

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NUMBER = re.compile(r"\d+(?:(?:[.,:٫٬hH]|[\u00a0\u202f ](?=\d{3}(?!\d)))\d+)*")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


def words(text: str) -> list[str]:
    """The words in small letters; a Chinese character is a word."""
    plain = "".join(char for char in text if unicodedata.category(char) not in ("Mn", "Mc", "Cf"))
    found: list[str] = []
    for word in _WORD.findall(plain.lower()):
        found += list(word) if _CJK.search(word) else [word]
    return found


def words_as_written(text: str) -> list[str]:
    """The words with their capitals."""
    return _WORD.findall(text)


def untranslated(source: str, translation: str) -> set[str]:
    """Copied whole, or a run of four or more source words left standing. Names alone do not count."""
    before, after = words(source), words(translation)
    if before == after and len(before) >= 2 and not _looks_like_names(source):
        return {"untranslated"}
    runs = {tuple(before[index : index + 4]) for index in range(len(before) - 3)}
    copied = any(tuple(after[index : index + 4]) in runs for index in range(len(after) - 3))
    if copied and not _copied_run_is_names(source, translation):
        return {"untranslated"}
    ordinary = [word for word in words_as_written(translation) if not word[0].isupper()]
    shared = sum((Counter(before) & Counter(ordinary)).values())
    return {"untranslated"} if len(ordinary) >= 3 and shared >= 0.6 * len(ordinary) else set()


def _looks_like_names(text: str) -> bool:
    found = words_as_written(text)
    return all(word[0].isupper() for word in found) and not text.isupper()


def _copied_run_is_names(source: str, translation: str) -> bool:
    """Whether every run of four copied words stands in capitals, as "Rua Nova da Alegria" does."""
    before = {tuple(words(source)[index : index + 4]) for index in range(len(words(source)) - 3)}
    spelled = words_as_written(translation)
    for index in range(len(spelled) - 3):
        run = spelled[index : index + 4]
        if tuple(word.lower() for word in run) in before and sum(word[0].isupper() for word in run) < 2:
            return False
    return True


def repeated(source: str, translation: str) -> set[str]:
    """A word three times running, a group of words repeated at once, or few different words in a long text.

    Not when the original does so too.
    """
    before, after = re.findall(r"\w+", source.lower()), re.findall(r"\w+", translation.lower())
    return {"repeated"} if _repeats(after) and not _repeats(before) else set()


def _repeats(found: list[str]) -> bool:
    for index in range(len(found) - 2):
        if found[index] == found[index + 1] == found[index + 2]:
            return True
    for size in (2, 3, 4, 5, 6):
        for index in range(len(found) - 2 * size + 1):
            first, second = found[index : index + size], found[index + size : index + 2 * size]
            if first == second and (size >= 3 or found[index + 2 * size : index + 3 * size] == first):
                return True
    return len(found) >= 16 and len(set(found)) < 0.4 * len(found)


# Characters of English for one character of the language; measured on the parallel sentences of evals/.
_ENGLISH_PER_CHARACTER = {"zh": 3.2, "ar": 1.25, "fa": 1.15, "ur": 1.05, "ckb": 1.05, "am": 1.6, "bn": 1.1}


_END_MARKS = frozenset(".!?…؟۔।。！？።፧\"'”’»)")


def length(source: str, translation: str, source_language: str | None, target_language: str) -> set[str]:
    """Half or less, or twice or more, of the length the pair of languages leads one to expect."""
    expected = float(len(source.strip()))
    expected *= _ENGLISH_PER_CHARACTER.get(source_language or "", 1.0)
    expected /= _ENGLISH_PER_CHARACTER.get(target_language, 1.0)
    ratio = len(translation.strip()) / max(expected, 1.0)
    slack = 12 / max(expected, 1.0)  # a few characters more or less say nothing about a short text
    # A translation that stops without a mark where the original has one was probably cut off.
    stops = source.rstrip()[-1:] in _END_MARKS and translation.rstrip()[-1:] not in _END_MARKS
    if ratio + slack < 0.62 or (stops and ratio < 0.75):
        return {"too_short"}
    return {"too_long"} if ratio - slack > 1.75 else set()


_SCRIPT_NAMES = {
    "Latn": ("LATIN",),
    "Arab": ("ARABIC",),
    "Beng": ("BENGALI",),
    "Ethi": ("ETHIOPIC",),
    "Cyrl": ("CYRILLIC",),
    "Hans": ("CJK",),
}


def wrong_script(source: str, translation: str, script: str) -> set[str]:
    """More than one letter in ten of another alphabet than the target's; into Latin, two letters."""
    letters = [char for char in translation if char.isalpha()]
    wanted = _SCRIPT_NAMES[script]
    foreign = [char for char in letters if not unicodedata.name(char, "").startswith(wanted)]
    if script != "Latn":  # names in Latin letters may stand in any language
        foreign = [
            char
            for char in foreign
            if not unicodedata.name(char, "").startswith("LATIN") or char not in source
        ]
    limit = 1 if script == "Latn" else 0.1 * len(letters)
    return {"wrong_script"} if len(foreign) > limit else set()


# Numbers people write as words in the translation, or the model does.
_NUMBER_WORDS = {
    "0": "zero no none nought", "1": "one a an once first single", "2": "two twice second both couple pair",
    "3": "three third", "4": "four fourth", "5": "five fifth", "6": "six sixth", "7": "seven seventh",
    "8": "eight eighth", "9": "nine ninth", "10": "ten tenth", "11": "eleven",
    "12": "twelve noon midnight dozen", "15": "fifteen",
    "20": "twenty", "24": "twenty-four", "30": "thirty half", "100": "hundred",
    "1000": "thousand",
}  # fmt: skip


def numbers_of(text: str) -> Counter[str]:
    """The numbers of a text by their digits, in any script's digits: "1.500,00" and "1,500.00" are equal."""
    found: Counter[str] = Counter()
    for number in _NUMBER.findall(text):
        digits = "".join(str(unicodedata.digit(char)) for char in number if char.isdigit())
        found[digits.lstrip("0") or "0"] += 1
    return found


def numbers_lost(source: str, translation: str) -> set[str]:
    """A number of the original that the translation has not, in digits, joined or as a word; or a new one."""
    before, after = numbers_of(source), numbers_of(translation)
    spoken = set(words(translation))
    everything = "".join(str(unicodedata.digit(char)) for char in translation if char.isdigit())
    for number in before - after:
        said = set(_NUMBER_WORDS.get(number, "").split()) & spoken
        clock = _as_twelve_hours(number)
        if not said and number not in everything and clock not in everything:
            return {"numbers_lost"}
    written = "".join(str(unicodedata.digit(char)) for char in source if char.isdigit())
    new = [number for number in after - before if number not in written]
    if before and any(_is_unexplained(number, before) for number in new):
        return {"numbers_lost"}
    return set()


def _as_twelve_hours(number: str) -> str:
    """ "1830" as "630", "18" as "6": the same hour on another clock; otherwise the number itself."""
    if len(number) in (3, 4) and 13 <= int(number[:-2]) <= 23:
        return f"{int(number[:-2]) - 12}{number[-2:]}"
    return str(int(number) - 12) if len(number) == 2 and 13 <= int(number) <= 23 else number


def _is_unexplained(number: str, before: Counter[str]) -> bool:
    return not any(number in (_as_twelve_hours(other), other) for other in before)


_NEGATIONS = {
    "en": "no not never none nobody nothing nowhere neither nor cannot without nt",
    "pt": "não nao nunca nenhum nenhuma ninguém ninguem nada jamais sem nem",
    "es": "no nunca ningún ningun ninguna ninguno nadie nada jamás jamas sin tampoco ni",
    "fr": "ne n pas jamais aucun aucune personne rien sans ni non plus",
    "it": "non no mai nessun nessuna nessuno niente nulla senza né",
    "ro": "nu n niciodată niciun nicio nimeni nimic fără fara nici",
    "pl": "nie nigdy żaden żadna żadne nikt nic bez ani brak nikogo niczego",
    "tr": "değil degil yok hayır hiç asla hiçbir",
    "sq": "nuk s nuk jo kurrë kurre asnjë asgjë askush pa mos",
    "so": "ma kuma igama lama maya aan waxba cidna weligeed ha aanan",
    "tl": "hindi wala walang huwag di hindî kailanman",
    "ru": "не нет никогда никто ничего нельзя без ни никакой нету негде некуда нигде никуда некому",
    "uk": "не ні немає ніколи ніхто нічого без жоден жодного нема ніде нікуди нікому",
    "ar": "لا ليس ليست لم لن ما غير بدون لسنا لست أبدا مش",
    "fa": "نه نیست نیستند هیچ بدون نمی ندارد نداریم ندارم نکنید نشد",
    "ur": "نہیں نہ مت کبھی بغیر نا",
    "ckb": "نا نییە ناکرێت نەک هیچ بێ نین نییه",
    "bn": "",  # by the pattern below: without their vowel signs these words are like others
    "zh": "不 没 无 别 未 非 莫 勿",
    "am": "አይደለም የለም አይ አታ አል",
}
_NEGATION_WORDS = {
    language: frozenset(word for entry in listed.split() for word in words(entry))
    for language, listed in _NEGATIONS.items()
}
# Languages that negate inside the word: Turkish -me-/-ma-, Persian na-/nemi-, Kurdish na-, Amharic al-…-m.
_NEGATION_INSIDE = {
    "tr": re.compile(
        r"\w+(?:m[ıiuü]yor|m[ae]z(?:\b|[ldsk])|m[ae]d[ıi]|m[ae]m[ıi]ş|m[ae]m[ae]l|mayaca|meyece)"
        r"|\w{2}s[ıiuü]z\b"
    ),
    "fa": re.compile(
        r"\bن(?:می|دار|ی|کن|ش|توان|خواه|بود|با|گفت|رفت|کرد|داد|زد|خورد|دید|گرفت|گذاشت|داشت|رسید)"
    ),
    "ckb": re.compile(r"\bنا\w+|\bنە\w+|\bنی\w*"),
    "am": re.compile(r"\b(?:አል|አይ|አት|አን)\w+ም\b|የለ"),
    # By itself or at the end of a verb (করিনা, হবেনা, করেনি), not in ওড়না (scarf) or হাঁপানি (asthma).
    "bn": re.compile(
        r"(?<![\u0980-\u09ff])(?:না|নেই|নয়|নাই|নি|কখনও না)(?![\u0980-\u09ff])"
        r"|(?:ি|ে|য়)না(?![\u0980-\u09ff])|(?:ে|য়|ই)নি(?![\u0980-\u09ff])"
    ),
    "zh": re.compile(r"[不没無无别未勿]"),
    "en": re.compile(r"n['’]t\b"),
}
# Words that may stand for a negation in the other text ("a lack of" for "não há"), though they are none.
_NEAR_NEGATION = {
    "en": re.compile(
        r"\bun(?!der|til|it|iv|ion"
        r"|less)\w{3,}|\b(?:in|im)possib|less\b|\black|fail|stop|avoid|except|refus|free of|few|hard"
    ),
    "pt": re.compile(r"falt|evit|\bpar[aeo]r?\b|deix|exce|imposs|\bin\w{4,}|pouc|difícil"),
    "es": re.compile(r"falt|evit|dej|carec|exce|imposib|\bin\w{4,}|poc[oa]|difícil"),
    "fr": re.compile(r"manqu|évit|arrêt|sauf|impossib|\bin\w{4,}|peu|difficile"),
    "ar": re.compile(r"نقص|توقف|مستحيل|قل|صعب|انعدام|عدم|يفتقر"),
    "pl": re.compile(r"\bnie\w{3,}|mało|trudno|przesta"),
}
# "Não só", "no more than", "why don't we": negation that asks or adds, common where meaning is not negated.
_FIXED = re.compile(
    r"não só|nao so|no sólo|no solo|no sólo|non seulement|non solo|not only|nie tylko|не только|не тільки|"
    r"pas seulement|why don['’]t|por que não|porque não|por qué no|pourquoi pas|no\.? ?\d|nº ?\d|n° ?\d|"
    r"ne\s\S+\sque\b",
    re.IGNORECASE,
)


def negation_lost(
    source: str, translation: str, source_language: str | None, target_language: str
) -> set[str]:
    """The original negates and the translation never does, or the other way round, in languages we know."""
    before = _negates(source, source_language)
    after = _negates(translation, target_language)
    if before is None or after is None or before == after:
        return set()
    other, language = (translation, target_language) if before else (source, source_language)
    near = _NEAR_NEGATION.get((language or "").split("-")[0])
    return set() if near and near.search(other.lower()) else {"negation_lost"}


def _negates(text: str, language: str | None) -> bool | None:
    code = (language or "").split("-")[0]
    if code not in _NEGATION_WORDS:
        return None
    kept = _FIXED.sub(" ", text)
    if set(words(kept.replace("n't", " nt").replace("n’t", " nt"))) & _NEGATION_WORDS[code]:
        return True
    inside = _NEGATION_INSIDE.get(code)
    return bool(inside and inside.search(unicodedata.normalize("NFC", kept.lower())))


def details_lost(source: str, translation: str) -> set[str]:
    """A web or e-mail address, a reference or a phone number of the original that the translation has not."""
    squeezed = re.sub(r"[\s().-]", "", translation).casefold()
    for span in find_protected(source):
        if span.kind in ("url", "email", "reference", "phone"):
            wanted = re.sub(r"[\s().-]", "", source[span.start : span.end]).casefold()
            if wanted not in squeezed:
                return {"details_lost"}
    return set()
