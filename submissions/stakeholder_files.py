"""The list of stakeholders as a CSV file, out and in again: all rows, or none."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import audit, stakeholders
from submissions.exports.cells import csv_cell
from submissions.models import Stakeholder
from submissions.stakeholders import Facts
from submissions.table_files import Line, places_of, read_table

MOST_ROWS = 2_000
COLUMNS = {
    "name": {"organisation", "stakeholder"},
    "kind": {"type"},
    "speaks for": {"role", "community"},
    "interest": set[str](),
    "influence": {"power"},
    "manager": {"relationship manager", "lead"},
    "team": {"department"},
    "contact": {"email", "e-mail", "phone"},
    "notes": {"note"},
}
NEEDED = {"name", "interest", "influence"}


class RowsNotAccepted(Exception):
    """Rows are wrong, so none was taken in: (line, what is wrong)."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        super().__init__(f"{len(faults)} rows are wrong")
        self.faults = faults


@dataclass(frozen=True)
class Imported:
    added: int
    there_before: list[str]  # names that are known already; they stay as they are


def write(db: Session, *, actor: str) -> bytes:
    """All of them, in UTF-8 with a byte order mark, no cell of which a spreadsheet would run."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([*COLUMNS, "last asked"])
    asked = stakeholders.last_asked(db)
    rows = stakeholders.list_all(db)
    for row in rows:
        facts = asdict(stakeholders.facts_of(row))
        cells = [csv_cell(str(facts[name.replace(" ", "_")])) for name in COLUMNS]
        day = asked.get(row.id)
        writer.writerow([*cells, day.isoformat() if day else ""])
    audit.record(db, actor, "stakeholders.exported", "stakeholder", "*", count=len(rows))
    return buffer.getvalue().encode("utf-8-sig")


def take_in(db: Session, content: bytes, *, actor: str) -> Imported:
    """Raises FileNotRead, RowsNotAccepted."""
    headings, *lines = read_table(content, most_rows=MOST_ROWS)
    places = places_of(headings, COLUMNS, NEEDED)
    known = set(db.scalars(select(Stakeholder.name_key)))
    faults: list[tuple[int, str]] = []
    wanted: list[Facts] = []
    there_before: list[str] = []
    first_at: dict[str, int] = {}
    for line in lines:
        facts = _facts(line, places)
        problems = [*line.faults, *stakeholders.check(facts).values()]
        key = stakeholders.name_key(facts.name)
        twin = first_at.setdefault(key, line.number)
        if twin != line.number:
            problems.append(f"The same name as in line {twin}.")
        if problems:
            faults.append((line.number, " ".join(problems)))
        elif key in known:
            there_before.append(facts.name)
        else:
            wanted.append(facts)
    if faults:
        raise RowsNotAccepted(faults)
    for facts in wanted:
        stakeholders.add(db, facts, actor=actor)
    audit.record(db, actor, "stakeholders.imported", "stakeholder", "*", count=len(wanted))
    return Imported(len(wanted), there_before)


def _facts(line: Line, places: dict[str, int]) -> Facts:
    def cell(name: str) -> str:
        place = places.get(name)
        text = line.cells[place].strip() if place is not None and place < len(line.cells) else ""
        # As our own file defuses what a spreadsheet would run.
        return text[1:] if text[:1] == "'" and csv_cell(text[1:]) == text else text

    def level(name: str) -> int:
        return int(cell(name)) if cell(name) in {"1", "2", "3", "4", "5"} else 0

    facts = Facts(
        name=" ".join(cell("name").split()),
        speaks_for=cell("speaks for"),
        interest=level("interest"),
        influence=level("influence"),
        manager=cell("manager"),
        team=cell("team"),
        contact=cell("contact"),
        notes=cell("notes"),
    )
    return replace(facts, kind=cell("kind").casefold()) if cell("kind") else facts
