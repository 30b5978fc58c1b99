"""What one cell of a table may hold, so that opening the file runs nothing and breaks no column."""

from __future__ import annotations

import re
import unicodedata

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

# OWASP, "CSV Injection". The full-width forms run in some spreadsheets too: NFKC makes them the plain ones.
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NO_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
LARGEST_CELL = 32_767  # characters; Excel's limit
_CUT = " … [cut: the JSON and CSV files have the whole text]"


def defuse(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula.

    Spaces and invisible characters before the sign do not hide it.
    """
    visible = text.lstrip(" \u00a0\u200b\u200c\u200d\u200e\u200f\u2066\u2067\u2068\u2069\ufeff\0")
    starts = text[:1] in _RUNS or unicodedata.normalize("NFKC", visible[:1]).startswith(_RUNS)
    return "'" + text if starts else text


def storable(text: str) -> str:
    """Without the characters that no file of ours can hold (controls, lone surrogates): U+FFFD is there."""
    return _NO_XML.sub("\ufffd", ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))


def csv_cell(text: str) -> str:
    return defuse(storable(text))


def excel_cell(text: str) -> str:
    # Excel counts UTF-16 units; half its limit always fits.
    made = csv_cell(text)
    if len(made.encode("utf-16-le")) // 2 <= LARGEST_CELL:
        return made
    return made[: LARGEST_CELL // 2 - len(_CUT)] + _CUT
