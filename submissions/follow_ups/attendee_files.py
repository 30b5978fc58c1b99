"""Attendees from a CSV file as spreadsheets write them: any separator, with or without a byte order mark.

The first row names the columns: phone, language, consented_on, and if wanted channel. Other columns, such as
a name, are not read.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import unicodedata

from submissions.follow_ups.attendees import AttendeeFacts
from submissions.follow_ups.errors import FileNotRead
from submissions.models import Channel

LARGEST_BYTES = 1_000_000
MOST_ROWS = 2_000
LONGEST_CELL = 200
EXAMPLE = "phone,language,consented_on\n07700 900123,Polish,14/07/2016\n"
_COLUMNS = {
    "phone": {"phone", "number", "telephone", "mobile", "phone number", "mobile number", "telephone number"},
    "language": {"language", "lang"},
    "consented_on": {"consented on", "consent", "consent date", "date of consent", "agreed on", "consented"},
    "channel": {"channel", "by"},
}
_CHANNELS = {
    "": Channel.SMS,
    "sms": Channel.SMS,
    "text": Channel.SMS,
    "text message": Channel.SMS,
    "whatsapp": Channel.WHATSAPP,
}
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]00:00(?::00)?)?|(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")
_SEPARATORS = ",;\t"


def read_file(content: bytes) -> list[tuple[int, AttendeeFacts, list[str]]]:
    """(line of the file, the person, faults of reading) for each row; empty rows are passed over.

    Raises FileNotRead when the file as a whole is not what it should be.
    """
    text = _decode(content)
    first_line = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    separator = max(_SEPARATORS, key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    places: dict[str, int] | None = None
    rows: list[tuple[int, AttendeeFacts, list[str]]] = []
    line = 0
    try:
        for cells in reader:
            # A row with a line break inside quotes ends later than it begins; its first line is named.
            first, line = line + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if places is None:
                places = _places(cells)
                continue
            if len(rows) == MOST_ROWS:
                raise FileNotRead(f"The file has more than {MOST_ROWS:,} rows. Split it.")
            rows.append((first, *_row(cells, places)))
    except csv.Error as error:
        raise FileNotRead(
            f"Line {reader.line_num} cannot be read: check the quotation marks there, and save it again."
        ) from error
    if places is None:
        raise FileNotRead("The file is empty.")
    if not rows:
        raise FileNotRead("The file has no rows below its headings.")
    return rows


def _decode(content: bytes) -> str:
    if not content.strip():
        raise FileNotRead("The file is empty.")
    if len(content) > LARGEST_BYTES:
        raise FileNotRead("The file is larger than 1 MB. Split it.")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise FileNotRead("This is a workbook. Save it as “CSV UTF-8” and choose that file.")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileNotRead(
            f"The file is not in UTF-8 (line {line}). Save it as “CSV UTF-8” and choose it again."
        ) from error
    if "\x00" in text:
        raise FileNotRead("This is not a CSV file.")
    return text


def _places(cells: list[str]) -> dict[str, int]:
    """Where each column stands, by the headings."""
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        heading = " ".join(re.split(r"[\s_]+", cell.strip().casefold()))
        for name, spellings in _COLUMNS.items():
            if heading not in spellings:
                continue
            if name in places:
                raise FileNotRead(f"Two columns are called “{name}”.")
            places[name] = place
    missing = [name for name in ("phone", "language", "consented_on") if name not in places]
    if missing:
        raise FileNotRead(
            f"The first line must name the columns phone, language and consented_on. Missing: "
            f"{', '.join(missing)}."
        )
    return places


def _row(cells: list[str], places: dict[str, int]) -> tuple[AttendeeFacts, list[str]]:
    def cell(name: str) -> str:
        place = places.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    faults: list[str] = []
    if any(len(value) > LONGEST_CELL for value in cells):
        faults.append(f"A cell has more than {LONGEST_CELL} characters.")
    consented_on, fault = read_date(cell("consented_on"))
    if fault:
        faults.append(fault)
    channel = _CHANNELS.get(cell("channel").casefold())
    if channel is None:
        faults.append("The channel is neither SMS nor WhatsApp.")
    # An apostrophe in front is how spreadsheets keep a number as text.
    phone = cell("phone").removeprefix("'").strip()
    return AttendeeFacts(phone, cell("language"), consented_on, channel or Channel.SMS), faults


def read_date(text: str) -> tuple[dt.date | None, str | None]:
    """(the date, None), (None, what is wrong), or (None, None) for an empty text. Days come before months."""
    if not text:
        return None, None
    plain = unicodedata.normalize("NFKC", text)
    match = _DATE.fullmatch(plain)
    if match is None:
        return None, "Write the date of their agreement as 2016-07-14 or 14/07/2016."
    year, month, day = match.group(1, 2, 3) if match[1] else match.group(6, 5, 4)
    try:
        return dt.date(int(year), int(month), int(day)), None
    except ValueError:
        return None, "The date of their agreement does not exist. Days come before months: 14/07/2016."
