"""References residents keep, such as OW-7K3M-92QF: short, unguessable, and safe to read out and to mistype.

Seven random characters and a check character of Crockford's base 32 (no I, L, O, U). The check is a weighted
sum in the field of 32 elements; its weights differ at every place, so each single wrong character and each
swap of two characters is noticed. Source of the alphabet: https://www.crockford.com/base32.html
"""

from __future__ import annotations

import re
import secrets
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_RANDOM_CHARACTERS = 7
# x^5 + x^2 + 1, which makes every non-zero element a power of x.
_FIELD_POLYNOMIAL = 0b100101
_SEPARATORS = r"[\s\-‐‑‒–—―−_.·:/]"
_LETTERS = "0-9A-Za-z"
_IN_TEXT = re.compile(
    rf"(?<![{_LETTERS}])(?P<prefix>[Oo0][Ww]{_SEPARATORS}{{0,3}})?"
    rf"(?P<body>[{_LETTERS}](?:{_SEPARATORS}{{0,3}}[{_LETTERS}]){{7}})(?![{_LETTERS}])"
)


def _times_x(element: int) -> int:
    element <<= 1
    return element ^ _FIELD_POLYNOMIAL if element & 0b100000 else element


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = _times_x(left)
        right >>= 1
    return product


def _weights(count: int) -> list[int]:
    weights = [1]
    while len(weights) < count:
        weights.append(_times_x(weights[-1]))
    return weights


_WEIGHTS = _weights(_RANDOM_CHARACTERS + 1)[::-1]  # x^7 ... x, 1: all different


def _weighted_sum(characters: str) -> int:
    total = 0
    for weight, character in zip(_WEIGHTS, characters, strict=False):
        total ^= _times(weight, _VALUE[character])
    return total


# The sum every reference has; so chosen that the example in our documents, OW-7K3M-92QF, is a right one.
_TARGET = _weighted_sum("7K3M92QF")


def _with_check(random_part: str) -> str:
    return random_part + ALPHABET[_weighted_sum(random_part) ^ _TARGET]


def _written(body: str) -> str:
    return f"OW-{body[:4]}-{body[4:]}"


def new_reference() -> str:
    """A new reference out of 32^7, some 34 thousand million; the caller sees to it that it is not taken."""
    return _written(_with_check("".join(secrets.choice(ALPHABET) for _ in range(_RANDOM_CHARACTERS))))


def demonstration_reference(number: int) -> str:
    """The reference of a demonstration view, always the same for a number from 0 to 32,767.

    It begins with OW-DEM0, so that everybody who sees it knows; its check character is right.
    """
    if not 0 <= number < 32**3:
        raise ValueError("a demonstration view has a number from 0 to 32767")
    spread = number * 7919 % 32**3  # odd, so that each number has a place of its own
    last = "".join(ALPHABET[spread >> shift & 31] for shift in (10, 5, 0))
    return _written(_with_check(f"DEM0{last}"))


def _plain(text: str) -> str:
    """With full-width letters and the digits of every script as ASCII; as long as `text` in most cases."""
    return "".join(
        str(unicodedata.digit(character)) if character.isdecimal() else character
        for character in unicodedata.normalize("NFKC", text)
    )


def _check(body: str) -> str | None:
    cleaned = re.sub(_SEPARATORS, "", body).upper().translate(_LOOKALIKES)
    if len(cleaned) != _RANDOM_CHARACTERS + 1 or any(character not in _VALUE for character in cleaned):
        return None
    return _written(cleaned) if _weighted_sum(cleaned) == _TARGET else None


def normalise_reference(text: str) -> str | None:
    """The reference somebody meant: lower case, O for 0, I or L for 1, blanks, without dashes or "OW".

    None when it is not one, or when a character is wrong or two are swapped.
    """
    stripped = _plain(text).strip()
    match = _IN_TEXT.fullmatch(stripped)
    return _check(match["body"]) if match else None


def find_references(text: str) -> list[str]:
    """The references a text names, in their order, each once.

    Without "OW" in front, eight characters count only if they have both a letter and a digit and stand
    together or in two groups of four, so that ordinary words and numbers are not taken for one.
    """
    plain = _plain(text)
    found: list[str] = []
    position = 0
    while match := _IN_TEXT.search(plain, position):
        reference = _check(match["body"])
        if reference and not match["prefix"] and not _looks_deliberate(match["body"]):
            reference = None
        if reference:
            found.append(reference)
            position = match.end()
        else:
            position = match.start() + 1
    return list(dict.fromkeys(found))


def _looks_deliberate(body: str) -> bool:
    together = re.fullmatch(rf"[{_LETTERS}]{{4}}{_SEPARATORS}?[{_LETTERS}]{{4}}", body)
    return bool(together) and any(c.isdigit() for c in body) and any(c.isalpha() for c in body)
