"""The languages the service speaks, and how to recognise the one somebody asks for by number or by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Language:
    """One language: its BCP 47 code, its name in itself and in English, and how it is written.

    `script` is an ISO 15924 code, `direction` is "ltr" or "rtl" (for HTML's `dir`), `other_names` are further
    spellings people type for it, in any script, romanised ones included.
    """

    code: str
    autonym: str
    english_name: str
    script: str
    direction: str
    other_names: tuple[str, ...] = ()


def _language(code: str, autonym: str, english_name: str, script: str, other_names: str) -> Language:
    direction = "rtl" if script == "Arab" else "ltr"
    return Language(code, autonym, english_name, script, direction, tuple(other_names.split("; ")))


# In the order of the opening menu, unless commission.yml sets another. Autonyms as Unicode CLDR writes
# them, with a capital; Kurdish says which Kurdish, since only Sorani (Central Kurdish) is offered.
LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        _language(
            "en",
            "English",
            "English",
            "Latn",
            "eng; inglês; inglés; anglais; inglese; İngilizce; angielski; engleză; anglisht; "
            "ingiriis; ingles; الإنجليزية; انجليزي; انگلیسی; انگریزی; ইংরেজি; английский; англійська; "
            "英语; 英文; እንግሊዝኛ; ئینگلیزی",
        ),
        _language(
            "pt",
            "Português",
            "Portuguese",
            "Latn",
            "português brasileiro; português do Brasil; brasileiro; brazilian; brazilian portuguese; "
            "portugês; portugues; portuges; portuguese brazil",
        ),
        _language(
            "es",
            "Español",
            "Spanish",
            "Latn",
            "castellano; castilian; espanol; spanish language",
        ),
        _language(
            "fr",
            "Français",
            "French",
            "Latn",
            "francais; french language",
        ),
        _language(
            "ar",
            "العربية",
            "Arabic",
            "Arab",
            "عربي; عربية; عربى; اللغة العربية; arabi; 3arabi; arabic language; al arabiya; arabe; árabe",
        ),
        _language(
            "bn",
            "বাংলা",
            "Bengali",
            "Beng",
            "bangla; bengali; bangali; বাঙলা; বাংলা ভাষা; sylheti; সিলেটি; bangladeshi",
        ),
        _language(
            "so",
            "Soomaali",
            "Somali",
            "Latn",
            "af soomaali; af-soomaali; soomaaliga; afsoomaali; af somali; somaali; somalian",
        ),
        _language(
            "it",
            "Italiano",
            "Italian",
            "Latn",
            "italiana; lingua italiana",
        ),
        _language(
            "fa",
            "فارسی",
            "Persian",
            "Arab",
            "farsi; فارسي; پارسی; دری; dari; parsi; iranian",
        ),
        _language(
            "ckb",
            "کوردیی ناوەندی",
            "Kurdish (Sorani)",
            "Arab",
            "کوردی; سۆرانی; كوردي; كوردی; kurdish; sorani; kurdi; kurdî; central kurdish; kurdish "
            "sorani; soranî; کوردی سۆرانی",
        ),
        _language(
            "sq",
            "Shqip",
            "Albanian",
            "Latn",
            "gjuha shqipe; shqipe; shqiptar",
        ),
        _language(
            "pl",
            "Polski",
            "Polish",
            "Latn",
            "język polski; po polsku",
        ),
        _language(
            "ro",
            "Română",
            "Romanian",
            "Latn",
            "limba română; romaneste; românește; moldovan; rumanian; romana",
        ),
        _language(
            "tr",
            "Türkçe",
            "Turkish",
            "Latn",
            "turkce; turk; türk",
        ),
        _language(
            "ur",
            "اردو",
            "Urdu",
            "Arab",
            "urdu zaban; اُردو; اردو زبان",
        ),
        _language(
            "zh",
            "中文",
            "Chinese",
            "Hans",
            "汉语; 漢語; 普通话; 普通話; 简体中文; 繁體中文; 国语; "
            "mandarin; zhongwen; putonghua; simplified chinese; "
            "chinese simplified; cantonese",
        ),
        _language(
            "ru",
            "Русский",
            "Russian",
            "Cyrl",
            "русский язык; по-русски; russkiy; russki; русскй",
        ),
        _language(
            "uk",
            "Українська",
            "Ukrainian",
            "Cyrl",
            "українська мова; українською; ukrainska; ukrainian language; украинский; ukrayinska",
        ),
        _language(
            "tl",
            "Tagalog",
            "Tagalog",
            "Latn",
            "filipino; pilipino; wikang tagalog; philippine",
        ),
        _language(
            "am",
            "አማርኛ",
            "Amharic",
            "Ethi",
            "amarigna; amarinya; amharegna; ethiopian",
        ),
    )
}

_NUMBER = re.compile(r"\s*[\(\[]?\s*(\d{1,3})\s*[\.\)\]:]?\s*")
# Letters that survive decomposition but are typed without their mark.
_PLAIN_LETTERS = str.maketrans(
    {
        "ı": "i",
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ي": "ی",
        "ى": "ی",
        "ك": "ک",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ة": "ه",
    }
)


def normalise_name(text: str) -> str:
    """The text without case, accents, vowel signs of Arabic, punctuation and doubled spaces: for comparing
    names."""
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN_LETTERS)
    # Mn drops accents; the vowel signs of Bengali (Mc and Mn) carry the word, so marks go from Latin and
    # Arabic only.
    kept = (
        char
        for char in folded
        if not (unicodedata.category(char) == "Mn" and not "\u0900" <= char <= "\u0dff")
    )
    words = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in kept)
    return " ".join(words.split())


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in LANGUAGES.values():
        for name in (language.autonym, language.english_name, *language.other_names):
            names.setdefault(normalise_name(name), language.code)
    return names


def find_by_number(text: str, menu: Sequence[str]) -> Language | None:
    """The language at that place of the menu, counted from 1; "2", "2.", "(2)" and digits of any script are
    read."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    number = int(match.group(1))
    return LANGUAGES[menu[number - 1]] if 1 <= number <= len(menu) else None


def find_by_name(text: str) -> Language | None:
    """The language whose autonym, English name or other spelling is this whole text, whatever its case and
    accents."""
    code = _names().get(normalise_name(text))
    return LANGUAGES[code] if code else None


def find_language(text: str, menu: Sequence[str] = ()) -> Language | None:
    """The language this whole text asks for: a number of the menu, a name in any script, or None.

    A bare code ("pt") is not a name: "so" and "it" are English words.
    """
    return find_by_number(text, menu) or find_by_name(text)


def languages_named_in(text: str) -> list[Language]:
    """Languages named anywhere in the text, in the order of first naming: "puedo hablar en árabe" names
    Arabic."""
    words = normalise_name(text).split()
    names = _names()
    found: dict[str, None] = {}
    position = 0
    while position < len(words):
        for length in (3, 2, 1):
            code = names.get(" ".join(words[position : position + length]))
            if code is not None and position + length <= len(words):
                found.setdefault(code)
                position += length
                break
        else:
            position += 1
    return [LANGUAGES[code] for code in found]


def direction_of(code: str | None) -> str:
    """ "rtl", "ltr", or "auto" for a language we do not know (HTML then looks at the text itself)."""
    language = LANGUAGES.get(code or "")
    return language.direction if language else "auto"
