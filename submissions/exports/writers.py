"""The export as CSV, XLSX or JSON, written to an open binary file as it is read.

JSON follows export.schema.json. The same data gives the same bytes: no file holds when it was made.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from sqlalchemy.orm import Session

from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.exports.archives import without_times
from submissions.exports.cells import csv_cell, excel_cell, storable
from submissions.exports.contributions import Contribution, read_contributions
from submissions.exports.counts import protect
from submissions.review.words import language_name
from translations.languages import direction_of

SCHEMA_VERSION = "1"
COLUMNS = (
    "reference",
    "status",
    "submitted_at",
    "first_read_at",
    "channel",
    "method",
    "language",
    "language_name",
    "original",
    "english",
    "translation_status",
    "themes_accepted",
    "themes_suggested",
    "sub_codes",
    "evidence",
    "is_urgent",
    "is_redacted",
    "forum",
)
_WIDTHS = (14, 11, 21, 21, 10, 12, 9, 16, 70, 70, 34, 40, 40, 40, 60, 9, 11, 24)
_RIGHT_TO_LEFT_COLUMN = COLUMNS.index("original")

Progress = Callable[[int], None]
Seen = Callable[[str], None]  # told the reference of each view that was written


def write_export(kind: str, output: BinaryIO, progress: Progress | None = None) -> int:
    """Writes every sent view and says how many; `progress` is told the number so far now and then.

    Raises ValueError for a kind that is not one of FORMATS.
    """
    number = 0

    def seen(_reference: str) -> None:
        nonlocal number
        number += 1
        if progress is not None and number % 100 == 0:
            progress(number)

    if kind not in FORMATS:
        raise ValueError(f"an export is one of {', '.join(FORMATS)}")
    with unit_of_work(read_only=True) as db:
        write_views(db, kind, output, seen)
    return number


def write_views(db: Session, kind: str, output: BinaryIO, seen: Seen) -> None:
    """As `write_export`, in the caller's unit of work."""
    FORMATS[kind](db, output, _Counted(seen))


class _Counted:
    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def __call__(self, contributions: Iterable[Contribution]) -> Iterable[Contribution]:
        for contribution in contributions:
            yield contribution
            self.seen(contribution.reference)


def table_row(contribution: Contribution) -> dict[str, str]:
    """One view as a row of a table, each value as text; cells are not defused yet."""

    def themes(*, accepted: bool) -> str:
        return "; ".join(sorted(theme.name for theme in contribution.themes if theme.is_accepted == accepted))

    accepted = sorted((theme for theme in contribution.themes if theme.is_accepted), key=lambda one: one.name)
    sub_codes = [f"{theme.name}: {code.name}" for theme in accepted for code in theme.sub_codes]
    evidence = [
        f"{theme.name}: {sentence.english or sentence.original}"
        for theme in accepted
        for sentence in contribution.evidence_for(theme.key)
    ]
    first_read = contribution.first_read_at
    return {
        "reference": contribution.reference,
        "status": contribution.status,
        "submitted_at": contribution.submitted_at.isoformat(timespec="seconds"),
        "first_read_at": first_read.isoformat(timespec="seconds") if first_read else "",
        "channel": contribution.channel,
        "method": contribution.method,
        "language": contribution.language or "und",
        "language_name": language_name(contribution.language),
        "original": contribution.original,
        "english": contribution.english or "",
        "translation_status": contribution.translation_words,
        "themes_accepted": themes(accepted=True),
        "themes_suggested": themes(accepted=False),
        "sub_codes": "; ".join(sub_codes),
        "evidence": "\n".join(evidence),
        "is_urgent": "yes" if contribution.is_urgent else "no",
        "is_redacted": "yes" if any(message.is_redacted for message in contribution.messages) else "no",
        "forum": contribution.forum or "",
    }


def _write_csv(db: Session, output: BinaryIO, counted: _Counted) -> None:
    # With a byte order mark, by which Excel knows that it is UTF-8.
    text = io.TextIOWrapper(output, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for contribution in counted(read_contributions(db)):
        row = table_row(contribution)
        writer.writerow([csv_cell(row[name]) for name in COLUMNS])
    text.detach()


def _write_xlsx(db: Session, output: BinaryIO, counted: _Counted) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Views")
    sheet.freeze_panes = "B2"
    for index, width in enumerate(_WIDTHS):
        sheet.column_dimensions[chr(ord("A") + index)].width = width
    sheet.append([_cell(sheet, name, is_bold=True) for name in COLUMNS])
    tallies: dict[str, Counter[str]] = {
        name: Counter() for name in ("language", "channel", "method", "theme")
    }
    total = 0
    for contribution in counted(read_contributions(db)):
        total += 1
        row = table_row(contribution)
        is_rtl = direction_of(contribution.language or "en") == "rtl"
        sheet.append(
            [
                _cell(sheet, row[name], is_rtl=is_rtl and index == _RIGHT_TO_LEFT_COLUMN)
                for index, name in enumerate(COLUMNS)
            ]
        )
        tallies["language"][row["language_name"]] += 1
        tallies["channel"][row["channel"]] += 1
        tallies["method"][row["method"]] += 1
        tallies["theme"].update(theme.name for theme in contribution.themes if theme.is_accepted)
    summary = book.create_sheet("Counts")
    summary.column_dimensions["A"].width, summary.column_dimensions["B"].width = 14, 44
    summary.append([_cell(summary, name, is_bold=True) for name in ("what", "value", "views")])
    summary.append([_cell(summary, value) for value in ("all", "", str(total))])
    for what, tally in tallies.items():
        # Views have several themes or none, so these do not add up to the total.
        protected = protect(tally, has_total=what != "theme")
        for value in sorted(protected, key=lambda one: (-tally[one], one)):
            summary.append([_cell(summary, text) for text in (what, value, protected[value])])
    buffer = io.BytesIO()
    book.save(buffer)
    output.write(without_times(buffer.getvalue()))


def _cell(sheet: Any, text: str, *, is_rtl: bool = False, is_bold: bool = False) -> Any:
    cell = WriteOnlyCell(sheet, value=excel_cell(text))
    cell.data_type = "s"  # text, whatever it begins with
    cell.number_format = "@"
    cell.alignment = Alignment(wrap_text=True, vertical="top", readingOrder=2 if is_rtl else 0)
    if is_bold:
        cell.font = Font(bold=True)
    return cell


def json_record(contribution: Contribution) -> dict[str, Any]:
    """One view as export.schema.json describes it."""
    first_read = contribution.first_read_at
    return {
        "reference": contribution.reference,
        "status": contribution.status,
        "submitted_at": contribution.submitted_at.isoformat(),
        "first_read_at": first_read.isoformat() if first_read else None,
        "channel": contribution.channel,
        "method": contribution.method,
        "language": contribution.language,
        "is_urgent": contribution.is_urgent,
        "forum": contribution.forum,
        "original": storable(contribution.original),
        "english": None if contribution.english is None else storable(contribution.english),
        "translation": {"status": contribution.translation_status, "label": contribution.translation_words},
        "messages": [
            {
                "added_at": message.added_at.isoformat(),
                "original": storable(message.original),
                "is_redacted": message.is_redacted,
                "sentences": [
                    {
                        "original": storable(sentence.original),
                        "english": None if sentence.english is None else storable(sentence.english),
                        "translation": {
                            "status": sentence.translation_status,
                            "label": sentence.translation_label,
                        },
                        "evidence_for": sentence.evidence_for,
                    }
                    for sentence in message.sentences
                ],
            }
            for message in contribution.messages
        ],
        "themes": [
            {
                "key": theme.key,
                "name": theme.name,
                "decision": "accepted" if theme.is_accepted else "suggested",
                "confidence": theme.confidence,
                "sub_codes": [{"key": code.key, "name": storable(code.name)} for code in theme.sub_codes],
            }
            for theme in contribution.themes
        ],
    }


def _write_json(db: Session, output: BinaryIO, counted: _Counted) -> None:
    commission = get_commission()
    head = {
        "schema_version": SCHEMA_VERSION,
        "council": commission.council,
        "commission": commission.title,
        "codeframe_version": commission.version,
    }
    output.write(json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}").encode())
    output.write(b',\n "contributions": [')
    for number, contribution in enumerate(counted(read_contributions(db))):
        line = json.dumps(json_record(contribution), ensure_ascii=False)
        output.write((",\n  " if number else "\n  ").encode() + line.encode())
    output.write(b"\n ]\n}\n")


FORMATS: dict[str, Callable[[Session, BinaryIO, _Counted], None]] = {
    "json": _write_json,
    "csv": _write_csv,
    "xlsx": _write_xlsx,
}
