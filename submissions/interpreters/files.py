"""The interpreter's file, XLSX or DOCX: written with an empty English column, read when it comes back.

Both have the same five columns. The last, "Check", says which exact sentence a row belongs to.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import docx
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils.exceptions import InvalidFileException

from submissions.errors import SubmissionError
from submissions.interpreters.queue import Line
from translations.languages import LANGUAGES

HEADINGS = ("Reference", "Sentence", "Original", "English", "Check")
KINDS = ("xlsx", "docx")
MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
LARGEST_FILE_BYTES = 10_000_000
LARGEST_UNPACKED_BYTES = 100_000_000
_WIDTHS = (16, 10, 70, 70, 20)
# What XML cannot hold, beside what `ILLEGAL_CHARACTERS_RE` knows.
_NO_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


class FileNotReadable(SubmissionError):
    """The file is none of ours: says in a sentence why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Row:
    """A row of a file as it came back; `place` is its row in the file, from 1."""

    place: int
    reference: str
    number: str
    original: str
    english: str
    check: str


def writable(text: str) -> str:
    """The text without the few characters that an Office file cannot hold."""
    return _NO_XML.sub("\ufffd", ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))


def write(kind: str, lines: Sequence[Line], language: str | None) -> bytes:
    """A file of that kind with a row for each line."""
    if kind == "xlsx":
        return _write_xlsx(lines, language)
    if kind == "docx":
        return _write_docx(lines, language)
    raise ValueError(f"an interpreter's file is one of {', '.join(KINDS)}")


def _write_xlsx(lines: Sequence[Line], language: str | None) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None  # noqa: S101  a new workbook has one
    sheet.title = "To translate"
    sheet.append(HEADINGS)
    is_rtl = language in LANGUAGES and LANGUAGES[language or ""].direction == "rtl"
    for index, width in enumerate(_WIDTHS):
        sheet.column_dimensions["ABCDE"[index]].width = width
        sheet.cell(row=1, column=index + 1).font = Font(bold=True)
    for place, line in enumerate(lines, start=2):
        values = (line.reference, str(line.number), writable(line.original), "", line.check)
        for column, value in enumerate(values, start=1):
            cell = sheet.cell(row=place, column=column)
            cell.value = value or None
            if value:
                cell.data_type = "s"  # text, whatever it begins with: never a formula
            reading = 2 if is_rtl and column == 3 else 1 if column == 4 else 0
            cell.alignment = Alignment(wrap_text=True, vertical="top", readingOrder=reading)
            cell.number_format = "@"
    sheet.freeze_panes = "A2"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _write_docx(lines: Sequence[Line], language: str | None) -> bytes:
    document = docx.Document()
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    name = LANGUAGES[language].english_name if language in LANGUAGES else "Language not known"
    document.add_heading(f"To translate into English: {name}", level=1)
    document.add_paragraph(
        "Please write the English of each sentence in the fourth column and change nothing else. "
        "Write what is said, also where it is rude or unclear."
    )
    table = document.add_table(rows=1, cols=len(HEADINGS))
    table.style = "Table Grid"
    table.autofit = False
    for cell, heading in zip(table.rows[0].cells, HEADINGS, strict=True):
        cell.paragraphs[0].add_run(heading).bold = True
    is_rtl = language in LANGUAGES and LANGUAGES[language or ""].direction == "rtl"
    for line in lines:
        cells = table.add_row().cells
        values = (line.reference, str(line.number), writable(line.original), "", line.check)
        for cell, value in zip(cells, values, strict=True):
            cell.text = value
        for paragraph in cells[2].paragraphs if is_rtl else ():
            paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
        for run in cells[4].paragraphs[0].runs:
            run.font.size = Pt(7)
    for row in table.rows:
        for cell, width in zip(row.cells, (3.0, 1.8, 8.5, 8.5, 2.6), strict=True):
            cell.width = Cm(width)
    heading = table.rows[0]._tr.get_or_add_trPr()
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    heading.append(repeated)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def read(content: bytes) -> list[Row]:
    """The rows of a file that came back, XLSX or DOCX by its content. Raises FileNotReadable."""
    if len(content) > LARGEST_FILE_BYTES:
        raise FileNotReadable("The file is larger than 10 MB.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_UNPACKED_BYTES:
                raise FileNotReadable("The file is too large when it is unpacked.")
    except zipfile.BadZipFile as error:
        raise FileNotReadable("This is neither a spreadsheet (XLSX) nor a document (DOCX).") from error
    try:
        if "xl/workbook.xml" in names:
            return _rows(_read_xlsx(content))
        if "word/document.xml" in names:
            return _rows(_read_docx(content))
    except (KeyError, ValueError, OSError, SyntaxError, InvalidFileException) as error:
        raise FileNotReadable("The file is damaged.") from error
    raise FileNotReadable("This is neither a spreadsheet (XLSX) nor a document (DOCX).")


def _read_xlsx(content: bytes) -> list[list[str]]:
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    try:
        sheet = book.worksheets[0]
        return [
            ["" if value is None else str(value) for value in row]
            for row in sheet.iter_rows(values_only=True)
        ]
    finally:
        book.close()


def _read_docx(content: bytes) -> list[list[str]]:
    tables = docx.Document(io.BytesIO(content)).tables
    return [[cell.text for cell in row.cells] for table in tables for row in table.rows]


def _rows(cells: Iterable[Sequence[str]]) -> list[Row]:
    columns: dict[str, int] | None = None
    rows = []
    for place, values in enumerate(cells, start=1):
        plain = [value.strip() for value in values]
        if columns is None:
            if set(HEADINGS) <= set(plain):
                columns = {heading: plain.index(heading) for heading in HEADINGS}
            continue
        found = {heading: plain[index] if index < len(plain) else "" for heading, index in columns.items()}
        if any(found.values()) and tuple(found.values()) != HEADINGS:
            rows.append(
                Row(
                    place,
                    found["Reference"],
                    found["Sentence"].removesuffix(".0"),
                    found["Original"],
                    found["English"],
                    found["Check"],
                )
            )
    if columns is None:
        raise FileNotReadable(f"No row has the headings {', '.join(HEADINGS)}.")
    return rows
