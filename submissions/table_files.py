"""Tables that people fill in, XLSX or CSV by their content, read cell by cell with what is wrong in each.

A first sheet or file of any origin: formulas are never worked out, and what unpacks too large, goes on
without end or declares entities is refused before it is read.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from submissions.errors import SubmissionError

LARGEST_BYTES = 10_000_000
LARGEST_UNPACKED_BYTES = 60_000_000
MOST_COLUMNS = 30
LAST_LINE = 100_000  # of the sheet: empty lines count too
_SEPARATORS = ",;\t"
_MERGED = re.compile(rb'<mergeCell\s[^>]*?ref="([A-Z0-9:]{3,30})"')
_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]00:00(?::00)?)?|(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{2}|\d{4})"
)
_WRITTEN_DATE = re.compile(r"(\d{1,2})(?:st|nd|rd|th)? ([a-z]{3,9})\.?,? (\d{4})")
_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)


class FileNotRead(SubmissionError):
    """The file as a whole is not what it should be; `reason` says why in a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Line:
    """A line of the file with its number there; `faults` are of reading, such as a formula."""

    number: int
    cells: list[str]
    faults: list[str] = field(default_factory=list)


def read_table(content: bytes, *, most_rows: int) -> list[Line]:
    """The headings and the lines below them; empty ones are passed over. Raises FileNotRead."""
    if not content.strip():
        raise FileNotRead("The file is empty.")
    if len(content) > LARGEST_BYTES:
        raise FileNotRead("The file is larger than 10 MB. Split it.")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileNotRead("This is an old or a protected workbook. Save it as XLSX without a password.")
    found = _xlsx_lines(content) if content.startswith(b"PK\x03\x04") else _csv_lines(content)
    lines: list[Line] = []
    for line in found:
        if not any(cell.strip() for cell in line.cells) and not line.faults:
            continue
        if len(lines) > most_rows:
            raise FileNotRead(f"The file has more than {most_rows:,} rows. Split it.")
        lines.append(line)
    if not lines:
        raise FileNotRead("The file is empty.")
    if len(lines) == 1:
        raise FileNotRead("The file has no rows below its headings.")
    return lines


def places_of(headings: Line, columns: Mapping[str, Set[str]], needed: Set[str]) -> dict[str, int]:
    """Where each column stands, by its heading or another spelling of it. Raises FileNotRead."""
    if headings.faults:
        raise FileNotRead(f"The headings in line {headings.number} cannot be read: {headings.faults[0]}")
    places: dict[str, int] = {}
    for place, cell in enumerate(headings.cells):
        heading = " ".join(re.split(r"[\s_]+", cell.strip().casefold()))
        for name, spellings in columns.items():
            if heading != name and heading not in spellings:
                continue
            if name in places:
                raise FileNotRead(f"Two columns are called “{name}”.")
            places[name] = place
    missing = [name for name in columns if name in needed and name not in places]
    if missing:
        raise FileNotRead(
            f"Line {headings.number} must name the columns. Missing: {', '.join(missing)}. "
            "The empty file to fill in has them all."
        )
    return places


def read_date(text: str) -> dt.date | None:
    """A date as people write it, days before months; None when it is none, or there is no such day."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    if match := _DATE.fullmatch(plain):
        year, month, day = match.group(1, 2, 3) if match[1] else match.group(6, 5, 4)
    elif (match := _WRITTEN_DATE.fullmatch(plain.casefold())) and (found := _month(match[2])):
        day, month, year = match[1], str(found), match[3]
    else:
        return None
    try:
        return dt.date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None


def _month(name: str) -> int | None:
    found = [number for number, month in enumerate(_MONTHS, start=1) if month.startswith(name)]
    return found[0] if len(found) == 1 else None


def _csv_lines(content: bytes) -> Iterator[Line]:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        # Guessing would put wrong letters into somebody's own words.
        line = content.count(b"\n", 0, error.start) + 1
        raise FileNotRead(
            f"The file is neither a workbook (XLSX) nor text in UTF-8 (line {line}). Save it as XLSX or "
            "“CSV UTF-8” and choose it again."
        ) from error
    if "\x00" in text or text.lstrip()[:1] in ("<", "%", "{"):
        raise FileNotRead("This is neither a workbook (XLSX) nor a CSV file.")
    first_line = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    separator = max(_SEPARATORS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 0
    try:
        for cells in reader:
            # A row with a line break inside quotes ends later than it begins; its first line is named.
            first, line = line + 1, reader.line_num
            yield Line(first, [cell.replace("\r\n", "\n") for cell in cells[:MOST_COLUMNS]])
    except csv.Error as error:
        raise FileNotRead(
            f"Line {reader.line_num} cannot be read: check the quotation marks there, and save it again."
        ) from error


def _xlsx_lines(content: bytes) -> Iterator[Line]:
    try:
        _must_be_harmless(content)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
        try:
            if not book.worksheets:
                raise FileNotRead("The workbook has no sheet.")
            sheet = book.worksheets[0]
            merged = _merged_ranges(content, str(getattr(sheet, "_worksheet_path", "")))
            for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), start=1):
                if number > LAST_LINE:
                    raise FileNotRead(f"The sheet goes on below line {LAST_LINE:,}. Delete what is there.")
                yield _xlsx_line(number, row, merged)
        finally:
            book.close()
    except (
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        OSError,
        SyntaxError,
        RuntimeError,
        zipfile.BadZipFile,
        InvalidFileException,
    ) as error:
        raise FileNotRead("The workbook is damaged, or is no XLSX. Save it anew.") from error


def _must_be_harmless(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if "xl/workbook.xml" not in {entry.filename for entry in entries}:
            raise FileNotRead("This is neither a workbook (XLSX) nor a CSV file.")
        if len(entries) > 1_000 or sum(entry.file_size for entry in entries) > LARGEST_UNPACKED_BYTES:
            raise FileNotRead("The workbook is too large when it is unpacked. Split it.")
        for entry in entries:
            if entry.filename.endswith((".xml", ".rels")):
                with archive.open(entry) as file:
                    head = file.read(2_000).replace(b"\x00", b"")  # UTF-16 too
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                    raise FileNotRead("The workbook has something in it that no spreadsheet writes.")


def _merged_ranges(content: bytes, path: str) -> list[tuple[int, int, int, int]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        data = archive.read(path.lstrip("/"))
    ranges = []
    for found in _MERGED.findall(data):
        left, top, right, bottom = range_boundaries(found.decode())
        ranges.append((left or 1, top or 1, right or MOST_COLUMNS, bottom or LAST_LINE))
    return ranges


def _xlsx_line(number: int, row: tuple[Any, ...], merged: list[tuple[int, int, int, int]]) -> Line:
    cells: list[str] = []
    faults: list[str] = []
    for place, cell in enumerate(row, start=1):
        text, fault = _cell_text(cell)
        cells.append(text)
        if fault:
            faults.append(f"Cell {get_column_letter(place)}{number} {fault}")
    if any(top <= number <= bottom and left <= MOST_COLUMNS for left, top, _, bottom in merged):
        faults.append("Cells are merged here. Unmerge them, and fill in each row.")
    return Line(number, cells, faults)


def _cell_text(cell: Any) -> tuple[str, str | None]:
    value = cell.value
    if value is None:
        return "", None
    if cell.data_type == "f":
        return "", "is a formula. Replace it by its value."
    if cell.data_type == "e":
        return "", f"holds an error ({value})."
    if isinstance(value, dt.datetime | dt.date):
        return value.date().isoformat() if isinstance(value, dt.datetime) else value.isoformat(), None
    if isinstance(value, bool):
        return "yes" if value else "no", None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value)), None
    return str(value).replace("\r\n", "\n"), None
