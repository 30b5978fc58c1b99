"""The files that can be asked for: what each is called, how it is made, and the pack that holds them all."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.orm import Session

from submissions.briefings import make_briefing
from submissions.commission import get_commission
from submissions.database import is_postgresql, unit_of_work
from submissions.exports import pdf, reports
from submissions.exports.archives import FIXED_TIME
from submissions.exports.writers import write_views

BRIEFING = "briefing-pdf"  # of one theme
REPORT_PDF = "report-pdf"
SCHEMA_FILE = Path(__file__).with_name("export.schema.json")
READ_ME = """\
{commission}: the report pack

report.docx, report.pdf        counts and approved views, theme by theme; small numbers are hidden
views.xlsx, views.csv          every view that was sent and not withdrawn, and what its English is worth
views.json                     the same, as export.schema.json describes it

The report may be published once the team has read it. The views are for the team: do not publish them.
A quote's reference finds the whole view on the desk, and its row in these files.
"""


@dataclass(frozen=True)
class Tell:
    """How a writer says what it has done."""

    seen: Callable[[str], None]  # the reference of a view that is in the file now: one step
    steps: Callable[[int], None]  # so many steps more


@dataclass(frozen=True)
class Kind:
    words: str
    ending: str  # of the file's name
    media_type: str
    rounds: int  # steps for each view
    write: Callable[[BinaryIO, Tell], None]


@contextmanager
def _one_moment() -> Iterator[Session]:
    """A unit of work that sees the record as it was when it began, however long it reads."""
    with unit_of_work(read_only=True) as db:
        if is_postgresql(db):
            db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield db


def _views(ending: str) -> Callable[[BinaryIO, Tell], None]:
    def write(file: BinaryIO, tell: Tell) -> None:
        with _one_moment() as db:
            write_views(db, ending, file, tell.seen)

    return write


def _report(make: Callable[[reports.Report], bytes]) -> Callable[[BinaryIO, Tell], None]:
    def write(file: BinaryIO, tell: Tell) -> None:
        with _one_moment() as db:
            report = reports.make_report(db)
        for reference in report.references:
            tell.seen(reference)
        file.write(make(report))

    return write


def _briefing(theme_key: str) -> Callable[[BinaryIO, Tell], None]:
    def write(file: BinaryIO, tell: Tell) -> None:
        with _one_moment() as db:
            briefing = make_briefing(db, theme_key)
        for reference in sorted(briefing.references):
            tell.seen(reference)
        file.write(pdf.briefing_pdf(briefing))

    return write


def _write_pack(file: BinaryIO, tell: Tell) -> None:
    with _one_moment() as db, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "read-me.txt", READ_ME.format(commission=get_commission().title).encode())
        _add(archive, "export.schema.json", SCHEMA_FILE.read_bytes())
        report = reports.make_report(db)
        _add(archive, "report.docx", reports.report_docx(report))
        _add(archive, "report.pdf", pdf.report_pdf(report))
        for ending in ("csv", "json", "xlsx"):
            # Through a file without a name: all views may be more than fits the memory.
            with tempfile.TemporaryFile() as views:
                write_views(db, ending, views, tell.seen)
                views.seek(0)
                with archive.open(_entry(f"views.{ending}"), "w", force_zip64=True) as entry:
                    while piece := views.read(1 << 20):
                        entry.write(piece)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_entry(name), content)


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, FIXED_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


KINDS: dict[str, Kind] = {
    "pack": Kind(
        "Report pack (ZIP: the report as DOCX and PDF, all views as XLSX, CSV and JSON)",
        "zip",
        "application/zip",
        3,
        _write_pack,
    ),
    "report-docx": Kind("Report (DOCX)", "docx", reports.MEDIA_TYPE, 1, _report(reports.report_docx)),
    REPORT_PDF: Kind("Report (PDF)", "pdf", pdf.MEDIA_TYPE, 1, _report(pdf.report_pdf)),
    "xlsx": Kind(
        "All views (XLSX)",
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        1,
        _views("xlsx"),
    ),
    "csv": Kind("All views (CSV)", "csv", "text/csv; charset=utf-8", 1, _views("csv")),
    "json": Kind("All views (JSON)", "json", "application/json", 1, _views("json")),
}


def find_kind(kind: str, theme_key: str = "") -> Kind | None:
    """What the file is and how it is made; None for what this version of the program does not know."""
    if kind != BRIEFING:
        return None if theme_key else KINDS.get(kind)
    names = {theme.key: theme.name for theme in get_commission().themes}
    if theme_key not in names:
        return None
    return Kind(f"Briefing (PDF): {names[theme_key]}", "pdf", pdf.MEDIA_TYPE, 1, _briefing(theme_key))


def file_name(kind: str, theme_key: str, day: str) -> str:
    """What the browser is told to call it: letters, digits, hyphens and underscores only."""
    if kind == BRIEFING:
        return f"briefing-{theme_key}-{day}.pdf"
    name = {"pack": "report-pack", "report-docx": "report", REPORT_PDF: "report"}.get(kind, "views")
    return f"{name}-{day}.{KINDS[kind].ending}"
