"""The council's own figures of who lives there by language, to see whose voices are missing."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from submissions.errors import ConfigurationError
from submissions.settings import StoreSettings
from translations.languages import LANGUAGES

COLUMNS = ("language", "people", "source")
# Its figures are invented; beside the demonstration it stands in for the council's own.
EXAMPLE_PATH = Path(__file__).resolve().parents[1] / "census-example.csv"
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Census:
    people: dict[str, int]  # by language code; "other" for all languages without a row of their own
    source: str  # where the figures are from, as the file says

    @property
    def total(self) -> int:
        return sum(self.people.values())


def census_path(settings: StoreSettings | None = None) -> Path:
    """The file of the setting OWNWORDS_CENSUS, else `census.csv` in the data folder."""
    chosen = settings or StoreSettings()
    return chosen.census or chosen.data / "census.csv"


def read_census(path: Path) -> Census | None:
    """The table in the file, None when there is no such file.

    Columns: language (BCP 47 code, or "other"), people (a whole number), source (where it is from).
    Raises ConfigurationError naming the first line that is wrong.
    """
    if not path.exists():
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} cannot be read as UTF-8 text") from error
    if len(text) > _LARGEST:
        raise ConfigurationError(f"{path.name} is too large for a census table")
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ConfigurationError(f"{path.name}, line 1: the columns must be {', '.join(COLUMNS)}")
    people: dict[str, int] = {}
    sources: list[str] = []
    for row in reader:
        place = f"{path.name}, line {reader.line_num}"
        code, number, source = ((row[name] or "").strip() for name in COLUMNS)
        if code != "other" and code not in LANGUAGES:
            raise ConfigurationError(f"{place}: {code!r} is not a language code we know")
        if code in people:
            raise ConfigurationError(f"{place}: {code} is there twice")
        if not (number.isascii() and number.isdecimal()):
            raise ConfigurationError(f"{place}: people must be a whole number")
        if not source:
            raise ConfigurationError(f"{place}: say in the column source where the number is from")
        people[code] = int(number)
        if source not in sources:
            sources.append(source)
    if sum(people.values()) == 0:
        raise ConfigurationError(f"{path.name} counts nobody")
    return Census(people, "; ".join(sources))
