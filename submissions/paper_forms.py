"""Paper forms typed into a table: the file is checked row by row and shown, then taken in when confirmed.

All good rows become submissions in one unit of work, so nothing is ever half taken in. Everything is
prepared before it begins (`paper_rows`), since residents' messages wait while it lasts. The same file is
known by its hash and the same form by its row's, so a mended file adds only what was not there, and nothing
that was erased or taken back since.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from openpyxl import Workbook
from openpyxl.styles import Font
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from submissions import audit, paper_rows
from submissions.addresses import hash_of, seal_bytes, unseal_bytes
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.evidence_sessions import LOCAL_TIME, PLACE_LIMIT, TEXT_LIMIT
from submissions.exports.archives import without_times
from submissions.follow_ups.attendees import language_code
from submissions.models import PaperBatch, PaperForm, PaperRow, Submission, utc_now
from submissions.paper_rows import METHOD
from submissions.table_files import FileNotRead, Line, places_of, read_date, read_table

MOST_ROWS = 5_000
_TOGETHER = 500  # keys in one question to the database
NUMBER_LIMIT = 40
KEPT_UNCONFIRMED = dt.timedelta(days=1)
COLUMNS = {
    "form": {"form number", "number", "no", "no.", "form no", "id"},
    "date": {"written on", "day", "date written"},
    "language": {"lang", "language written"},
    "words": {"text", "view", "contribution", "original", "answer", "own words"},
    "english": {"in english", "translation", "english translation"},
    "who": {"contributor", "from", "organisation", "written by"},
}
NEEDED = {"date", "language", "words"}
_HELP = (
    (
        "form",
        "The number you wrote on the paper, if any. Two forms with the same words need different numbers.",
    ),
    ("date", "When it was written: 2016-07-14, 14/07/2016 or 14 July 2016."),
    (
        "language",
        "Its name in English or in itself, or its code: Somali, Soomaali or so. Not known: leave empty.",
    ),
    ("words", "Their own words in their own language, exactly as written. Needed."),
    ("english", "Only if a person has translated it. Else the machine translates where it can, marked so."),
    ("who", "An organisation, or words such as “a mother of two”. A name only if they want it known."),
)


class AlreadyTakenIn(Exception):
    """The very same file has been confirmed before."""

    def __init__(self, batch: PaperBatch) -> None:
        super().__init__(f"batch {batch.id} was confirmed")
        self.batch = batch


@dataclass(frozen=True)
class Row:
    """One form as it was read. With `faults` it is not taken in; with `known_as` it has been before."""

    line: int
    form_number: str = ""
    written_on: dt.date | None = None
    language: str | None = None
    typed_language: str = ""
    text: str = ""
    english: str = ""
    contributor: str = ""
    faults: list[str] = field(default_factory=list)
    known_as: str | None = None

    @property
    def is_good(self) -> bool:
        return not self.faults and self.known_as is None

    @property
    def key(self) -> bytes:
        """The same for the same form; tells nothing about it without the installation's secret."""
        date = self.written_on.isoformat() if self.written_on else ""
        known_by = [self.form_number, date, self.language or self.typed_language, self.text]
        return hash_of(METHOD, json.dumps(known_by, ensure_ascii=True))


def read(content: bytes) -> list[Row]:
    """Each row with what is wrong in it. Raises FileNotRead."""
    headings, *lines = read_table(content, most_rows=MOST_ROWS)
    places = places_of(headings, COLUMNS, NEEDED)
    today = utc_now().astimezone(LOCAL_TIME).date()
    rows: list[Row] = []
    first_at: dict[bytes, int] = {}
    for line in lines:
        row = _row(line, places, today)
        if row.text.strip() and (twin := first_at.setdefault(row.key, row.line)) != row.line:
            row.faults.append(
                f"The same as line {twin}. If they are two forms, give each a number in the column “form”."
            )
        rows.append(row)
    return rows


def _row(line: Line, places: dict[str, int], today: dt.date) -> Row:
    def cell(name: str) -> str:
        place = places.get(name)
        return line.cells[place] if place is not None and place < len(line.cells) else ""

    faults = list(line.faults)
    written_on = read_date(cell("date"))
    if not cell("date").strip():
        faults.append("The date is missing.")
    elif written_on is None:
        faults.append(
            "The date cannot be read. Write it as 2016-07-14 or 14/07/2016, the day before the month."
        )
    elif written_on > today:
        faults.append("The date is in the future.")
    if not cell("words").strip():
        faults.append("Their words are missing.")
    if max(len(cell("words")), len(cell("english"))) > TEXT_LIMIT:
        faults.append(f"At most {TEXT_LIMIT:,} characters. Split it into two forms.")
    if len(cell("form").strip()) > NUMBER_LIMIT or len(cell("who").strip()) > PLACE_LIMIT:
        faults.append(f"A form's number has at most {NUMBER_LIMIT} characters, who wrote it {PLACE_LIMIT}.")
    return Row(
        line=line.number,
        form_number=cell("form").strip(),
        written_on=written_on,
        language=language_code(cell("language")),
        typed_language=cell("language").strip()[:NUMBER_LIMIT],
        text=cell("words"),
        english=cell("english").strip(),
        contributor=cell("who").strip(),
        faults=faults,
    )


def upload(content: bytes, file_name: str, *, actor: str) -> uuid.UUID:
    """Keeps the file for a day, waiting to be confirmed. Raises FileNotRead, AlreadyTakenIn."""
    if not any(row.is_good or row.faults for row in read(content)):
        raise FileNotRead("The file has no forms.")
    digest = hashlib.sha256(content).digest()
    forget_unconfirmed()
    with unit_of_work() as db:
        batch = db.scalars(
            select(PaperBatch).where(PaperBatch.file_sha256 == digest).with_for_update()
        ).one_or_none()
        if batch is not None and batch.confirmed_at is not None:
            db.expunge(batch)  # to be shown after this unit of work was rolled back
            raise AlreadyTakenIn(batch)
        if batch is None:
            batch = PaperBatch(id=uuid.uuid4(), file_sha256=digest, forms=0)
            db.add(batch)
        batch.file_name = file_name[:200] or "a file without a name"
        batch.uploaded_by, batch.uploaded_at = actor, utc_now()
        batch.content_sealed = seal_bytes(content)
        return batch.id


def find_batch(db: Session, batch_id: uuid.UUID, *, lock: bool = False) -> PaperBatch:
    """Raises SubmissionNotFound, which the desk answers with 404: an unconfirmed one goes after a day."""
    batch = db.get(PaperBatch, batch_id, with_for_update=lock or None)
    if batch is None:
        raise SubmissionNotFound(str(batch_id))
    return batch


def check(db: Session, batch: PaperBatch) -> list[Row]:
    """The rows of a batch that waits, those that were taken in with another file marked. Else empty."""
    if batch.content_sealed is None:
        return []
    rows = read(unseal_bytes(batch.content_sealed))
    keys = [row.key for row in rows]
    known = _known(db, keys)
    return [
        Row(**{**row.__dict__, "known_as": known[key]}) if key in known else row
        for row, key in zip(rows, keys, strict=True)
    ]


def _known(db: Session, keys: Sequence[bytes]) -> dict[bytes, str]:
    """Those of the rows that were taken in, each with its reference, "" where it was erased since."""
    known: dict[bytes, str] = {}
    for start in range(0, len(keys), _TOGETHER):
        some = keys[start : start + _TOGETHER]
        found = db.execute(
            select(PaperRow.key, Submission.reference)
            .outerjoin(
                PaperForm, (PaperForm.batch_id == PaperRow.batch_id) & (PaperForm.line == PaperRow.line)
            )
            .outerjoin(Submission, Submission.id == PaperForm.submission_id)
            .where(PaperRow.key.in_(some))
        )
        # Without a reference it was erased, or taken back and its words erased.
        known.update((key, reference or "") for key, reference in found)
    return known


def confirm(batch_id: uuid.UUID, *, actor: str, reviewer_id: uuid.UUID | None = None) -> int:
    """Takes in every good row, all or nothing; how many. Pressed twice, or by two at once, it happens once.

    Raises SubmissionNotFound.
    """
    with unit_of_work(read_only=True) as db:
        batch = find_batch(db, batch_id)
        if batch.confirmed_at is not None:
            return batch.forms
        good = [row for row in check(db, batch) if row.is_good]
        references = paper_rows.unused_references(db, len(good))
    now = utc_now()
    prepared = [
        paper_rows.prepare(row, reference, batch_id, now, actor, reviewer_id)
        for row, reference in zip(good, references, strict=True)
    ]
    with unit_of_work() as db:
        batch = find_batch(db, batch_id, lock=True)
        if batch.confirmed_at is not None:
            return batch.forms
        # The same form may have come in with another file while these were prepared.
        known = _known(db, [one.key for one in prepared])
        new = [one for one in prepared if one.key not in known]
        paper_rows.insert(db, new)
        batch.forms = len(new)
        batch.content_sealed = None
        batch.confirmed_by, batch.confirmed_at = actor, now
        audit.record(db, actor, "paper_batch.taken_in", "paper_batch", batch.id, forms=len(new))
        return len(new)


def discard(batch_id: uuid.UUID) -> None:
    """Forgets a file that was not confirmed. Raises SubmissionNotFound."""
    with unit_of_work() as db:
        batch = find_batch(db, batch_id, lock=True)
        if batch.confirmed_at is None:
            db.delete(batch)


def forget_unconfirmed(now: dt.datetime | None = None, *, dry_run: bool = False) -> int:
    """Deletes the files that nobody confirmed within a day; how many. Part of retention too."""
    old = (
        PaperBatch.confirmed_at.is_(None),
        PaperBatch.uploaded_at < (now or utc_now()) - KEPT_UNCONFIRMED,
    )
    with unit_of_work(read_only=dry_run) as db:
        ids = db.scalars(select(PaperBatch.id).where(*old)).all()
        if not dry_run:
            db.execute(delete(PaperBatch).where(PaperBatch.id.in_(ids)))
    return len(ids)


def list_batches(db: Session, limit: int = 50) -> Sequence[PaperBatch]:
    """The latest first, those that wait too."""
    return db.scalars(select(PaperBatch).order_by(PaperBatch.uploaded_at.desc()).limit(limit)).all()


def references_of(db: Session, batch_id: uuid.UUID, limit: int = 100) -> Sequence[tuple[int, str, str]]:
    """(line, form number, reference) of what is still in the record, in the file's order."""
    rows = db.execute(
        select(PaperForm.line, PaperForm.form_number, Submission.reference)
        .join(Submission, Submission.id == PaperForm.submission_id)
        .where(PaperForm.batch_id == batch_id)
        .order_by(PaperForm.line)
        .limit(limit)
    )
    return [(line, number, str(reference)) for line, number, reference in rows]


def form_of(db: Session, submission_id: uuid.UUID) -> PaperForm | None:
    return db.get(PaperForm, submission_id)


def template() -> bytes:
    """An empty workbook to fill in, with what each column wants on a second sheet."""
    book = Workbook()
    sheet, explained = book.worksheets[0], book.create_sheet("How to fill it in")
    sheet.title = "Forms"
    for place, (name, width) in enumerate(zip(COLUMNS, (10, 14, 16, 80, 60, 30), strict=True), start=1):
        sheet.cell(row=1, column=place, value=name).font = Font(bold=True)
        column = sheet.column_dimensions["ABCDEF"[place - 1]]
        column.width = width
        column.number_format = "@"  # typed text stays text: no formula, no date turned round
    sheet.freeze_panes = "A2"
    for name, words in _HELP:
        explained.append((name, words))
    explained.column_dimensions["B"].width = 110
    buffer = io.BytesIO()
    book.save(buffer)
    return without_times(buffer.getvalue())
