"""The export: what is in it and what never is, on both databases."""

from __future__ import annotations

import csv
import io
import json
import re
import time

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from typer.testing import CliRunner

from channels.command_line import app as command_line
from submissions.database import unit_of_work
from submissions.exports.cells import csv_cell, defuse
from submissions.exports.counts import protect
from submissions.exports.kinds import SCHEMA_FILE
from submissions.exports.writers import COLUMNS, FORMATS, write_export
from submissions.models import (
    AnalystNote,
    Evidence,
    Redaction,
    RedactionSpan,
    SubCode,
    SubmissionStatus,
    ThemeAssignment,
    TranslationStatus,
)
from submissions.redactions import COVER
from tests.factories import VIEW_AR, VIEW_BN
from tests.submissions.desk_site import find, make_submission, segment_ids

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
FORMULA = '=HYPERLINK("http://evil.example";"a"), segunda, linha\n+1'


def exported(kind: str) -> bytes:
    buffer = io.BytesIO()
    write_export(kind, buffer)
    return buffer.getvalue()


def csv_rows() -> list[dict[str, str]]:
    text = exported("csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def views(database: str) -> dict[str, str]:
    """References by what is particular about each view."""
    made = {
        "arabic": make_submission(
            VIEW_AR,
            english=["Do not close the library."],
            language="ar",
            themes={"safeguarding": 0.9},
            hours_ago=9,
        ),
        "bengali": make_submission(
            VIEW_BN,
            english=["Don't close the library."],
            language="bn",
            status=SubmissionStatus.APPROVED,
            translation_status=TranslationStatus.APPROVED,
            hours_ago=8,
        ),
        "formula": make_submission(FORMULA, "@SUM(A1)", language="en", hours_ago=7),
        "waiting": make_submission("Ha xirina maktabadda.", language="so", hours_ago=6),
        "unknown": make_submission("ስለ ሰፈራችን መናገር እፈልጋለሁ።", language=None, hours_ago=5),
        "draft": make_submission("Rascunho.", english=["Draft."], status=SubmissionStatus.DRAFT),
        "withdrawn": make_submission("Retirado.", english=["Taken."], status=SubmissionStatus.WITHDRAWN),
    }
    with unit_of_work() as db:
        db.add(AnalystNote(submission_id=find(made["arabic"]).id, text="a note of the team"))
        db.add(
            ThemeAssignment(
                submission_id=find(made["arabic"]).id,
                theme_key="community_engagement",
                decision="accepted",
                codeframe_version="2016-1",
            )
        )
        db.add(
            Evidence(
                submission_id=find(made["arabic"]).id,
                segment_id=segment_ids(made["arabic"])[0],
                theme_key="community_engagement",
            )
        )
        db.add(
            SubCode(
                submission_id=find(made["arabic"]).id,
                theme_key="community_engagement",
                code="meeting_places",
                codeframe_version="2016-1",
            )
        )
    return made


SENT = ("arabic", "bengali", "formula", "waiting", "unknown")


def test_the_json_is_what_its_published_schema_says(views):
    document = json.loads(exported("json"))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [view["reference"] for view in document["contributions"]] == [views[name] for name in SENT]
    arabic = document["contributions"][0]
    assert arabic["original"] == VIEW_AR
    assert arabic["messages"][0]["sentences"][0] == {
        "original": VIEW_AR,
        "english": "Do not close the library.",
        "translation": {
            "status": "machine",
            "label": "Machine translation, not checked (argos ar-en 1.9)",
        },
        "evidence_for": ["community_engagement"],
    }
    assert {theme["key"]: theme["decision"] for theme in arabic["themes"]} == {
        "community_engagement": "accepted",
        "safeguarding": "suggested",
    }
    codes = {theme["key"]: theme["sub_codes"] for theme in arabic["themes"]}
    meeting = {"key": "meeting_places", "name": "Places to meet: libraries, centres, parks"}
    assert codes == {"community_engagement": [meeting], "safeguarding": []}


def test_sub_codes_and_evidence_of_accepted_themes_stand_in_the_table(views):
    rows = {row["reference"]: row for row in csv_rows()}
    arabic = rows[views["arabic"]]
    assert arabic["sub_codes"] == "Community Engagement: Places to meet: libraries, centres, parks"
    assert arabic["evidence"] == "Community Engagement: Do not close the library."
    with unit_of_work() as db:
        db.add(
            # A mark whose theme nobody accepted, as a decision made elsewhere could leave it.
            Evidence(
                submission_id=find(views["bengali"]).id,
                segment_id=segment_ids(views["bengali"])[0],
                theme_key="safeguarding",
            )
        )
    assert {row["reference"]: row["evidence"] for row in csv_rows()}[views["bengali"]] == ""


def test_an_empty_record_is_a_valid_export_too(sqlite_database):
    jsonschema.validate(json.loads(exported("json")), SCHEMA)
    assert csv_rows() == []


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_drafts_withdrawn_views_and_notes_are_in_no_file(views, kind):
    if kind == "xlsx":
        book = load_workbook(io.BytesIO(exported(kind)))
        text = "\n".join(
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
        )
    else:
        text = exported(kind).decode()
    for name in SENT:
        assert views[name] in text
    for absent in (views["draft"], views["withdrawn"], "Rascunho", "Retirado", "a note of the team"):
        assert absent not in text


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_the_same_data_gives_the_same_bytes(views, kind):
    first = exported(kind)
    time.sleep(1.1 if kind == "xlsx" else 0)  # Office files hold whole seconds
    assert exported(kind) == first


def test_every_format_tells_the_same_of_each_view(views):
    rows = csv_rows()
    book = load_workbook(io.BytesIO(exported("xlsx")))
    head, *cells = book["Views"].iter_rows(values_only=True)
    assert list(head) == list(COLUMNS)
    assert [[value or "" for value in row] for row in cells] == [
        [row[name] for name in COLUMNS] for row in rows
    ]
    from_json = json.loads(exported("json"))["contributions"]
    assert [view["translation"]["label"] for view in from_json] == [row["translation_status"] for row in rows]
    assert [row["translation_status"] for row in rows] == [
        "Machine translation, not checked",
        "Machine translation, approved by a person",
        "Written in English",
        "Waiting for a translation",
        "Waiting for a translation",
    ]


def test_a_formula_is_defused_and_its_columns_stay_in_place(views):
    row = next(row for row in csv_rows() if row["reference"] == views["formula"])
    assert row["original"] == f"'{FORMULA}\n\n@SUM(A1)"
    assert row["is_redacted"] == "no"
    sheet = load_workbook(io.BytesIO(exported("xlsx")))["Views"]
    filled = [cell for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert {cell.data_type for cell in filled} <= {"s", "inlineStr"}  # "f" would be a formula


def _runs(cell: str) -> bool:
    return bool(re.match(r"[=+\-@\t\r\n＝＋－＠]", cell))


@given(st.text(st.sampled_from("=+-@\t\r\n\"',; ＝＋－＠\0\u200b\ud800ab١অ") | st.characters(), max_size=30))
def test_no_text_makes_a_cell_that_runs_or_breaks_a_column(text):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(
        ["before", csv_cell(text), "after"]
    )
    buffer.seek(0)
    (row,) = csv.reader(buffer)
    assert (row[0], row[2], len(row)) == ("before", "after", 3)
    assert not _runs(row[1])
    row[1].encode()  # can be written
    assert defuse(text) in (text, f"'{text}")


def test_what_was_redacted_leaves_neither_in_the_original_nor_in_the_english(database):
    reference = make_submission(
        "O meu número é 07700 900123. Obrigado.", english=["My number is 07700 900123.", "Thanks."]
    )
    stale = make_submission("Chamo-me Rui Costa. Obrigado.", english=["I am Rui Costa.", "Thanks."])
    with unit_of_work() as db:
        for name, words, kind in ((reference, "07700 900123", "phone"), (stale, "Rui Costa", "name")):
            part = db.merge(find(name)).parts[0]
            redaction = Redaction(submission_id=part.submission_id, kind=kind, reason="personal")
            start = part.original_text.index(words)
            redaction.spans.append(RedactionSpan(part_id=part.id, start=start, end=start + len(words)))
            translation = part.segments[0].translations[-1]
            if name == reference:
                at = translation.text.index(words)
                redaction.spans.append(
                    RedactionSpan(
                        part_id=part.id, translation_id=translation.id, start=at, end=at + len(words)
                    )
                )
            db.add(redaction)
    for kind in ("json", "csv"):
        text = exported(kind).decode("utf-8-sig")
        assert "07700" not in text
        assert "Rui" not in text
    by_reference = {row["reference"]: row for row in csv_rows()}
    assert by_reference[reference]["original"] == f"O meu número é {COVER}. Obrigado."
    assert by_reference[reference]["english"] == f"My number is {COVER}. Thanks."
    assert by_reference[stale]["english"] == f"I am {COVER}. Thanks."


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {"en": 40, "so": 3, "pt": 9, "bn": 0},
            {"en": "40", "so": "fewer than 5", "pt": "not shown", "bn": "0"},
        ),
        ({"en": 40, "so": 3, "am": 2}, {"en": "40", "so": "fewer than 5", "am": "fewer than 5"}),
        ({"en": 40, "so": 1, "am": 1}, {"en": "not shown", "so": "fewer than 5", "am": "fewer than 5"}),
        ({"en": 5}, {"en": "5"}),
    ],
)
def test_small_numbers_are_hidden_and_cannot_be_worked_out_from_the_total(counts, expected):
    assert protect(counts) == expected


def test_the_counts_of_the_workbook_hide_small_numbers(database):
    for number in range(6):
        make_submission(f"View {number}.", language="en")
    make_submission("Nie.", language="pl", english=["No."])
    rows = list(load_workbook(io.BytesIO(exported("xlsx")))["Counts"].iter_rows(values_only=True))
    assert ("all", None, "7") in rows
    assert ("language", "English", "not shown") in rows
    assert ("language", "Polish", "fewer than 5") in rows


def test_more_views_than_a_batch_are_each_exported_once(sqlite_database, monkeypatch):
    monkeypatch.setattr("submissions.exports.contributions.BATCH", 2)
    references = [make_submission(f"View {number}.", language="en", hours_ago=number) for number in range(5)]
    assert [row["reference"] for row in csv_rows()] == references[::-1]


def test_the_command_writes_a_file_for_its_owner_only(sqlite_database, tmp_path, monkeypatch):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    monkeypatch.setenv("OWNWORDS_DATABASE_URL", sqlite_database)
    from channels.settings import get_settings

    get_settings.cache_clear()
    try:
        make_submission(VIEW_AR, english=["Do not close the library."], language="ar")
        path = tmp_path / "views.json"
        result = CliRunner().invoke(command_line, ["export", "--format", "json", "--output", str(path)])
        assert result.exit_code == 0, result.output
        assert json.loads(path.read_bytes())["contributions"][0]["original"] == VIEW_AR
        assert path.stat().st_mode & 0o777 == 0o600
        piped = CliRunner().invoke(command_line, ["export", "--format", "json", "--output", "-"])
        assert piped.stdout_bytes == path.read_bytes()
        wrong = CliRunner().invoke(command_line, ["export", "--format", "xls", "--output", str(path)])
        assert wrong.exit_code == 1
        assert "one of json, csv, xlsx" in wrong.output
        assert list(tmp_path.glob(".*.part")) == []
    finally:
        get_settings.cache_clear()
