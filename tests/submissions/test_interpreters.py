from __future__ import annotations

import datetime as dt
import io
import uuid

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import func, select, update

from submissions.database import unit_of_work
from submissions.interpreters import files, queue, returns
from submissions.models import (
    AuditEntry,
    Redaction,
    RedactionSpan,
    SegmentTranslation,
    Submission,
    SubmissionStatus,
    utc_now,
)
from submissions.translation_jobs import engine_in_use
from tests.submissions.desk_site import Desk, hidden, make_reviewer
from tests.submissions.engine import WordListEngine
from tests.submissions.test_translation_memory import run_translations, send, translations

FIRST = "Ha xirina maktabadda. Halkaas ayay deriska ku kulmaan."
SECOND = "=2+3 waa khalad."
THIRD = "إغلاق المكتبة خطأ."


@pytest.fixture
def somali(database: str) -> list[uuid.UUID]:
    """Two Somali views, three sentences, that no package can translate; and one in Arabic."""
    with engine_in_use(WordListEngine([])):
        ids = [send(FIRST, language="so"), send(SECOND, language="so"), send(THIRD, language="ar")]
        run_translations()
    with unit_of_work() as db:
        old = utc_now() - dt.timedelta(days=3)
        db.execute(update(Submission).where(Submission.id == ids[0]).values(submitted_at=old))
    return ids


def lines(language: str = "so") -> list[queue.Line]:
    with unit_of_work(read_only=True) as db:
        return queue.lines(db, language)


def filled(kind: str, answers: list[str], language: str = "so") -> bytes:
    """The file as an interpreter would fill it in their own program."""
    content = files.write(kind, lines(language), language)
    buffer = io.BytesIO()
    if kind == "xlsx":
        book = load_workbook(io.BytesIO(content))
        for row, answer in enumerate(answers, start=2):
            book.worksheets[0].cell(row=row, column=4).value = answer or None
        book.save(buffer)
    else:
        document = docx.Document(io.BytesIO(content))
        for row, answer in enumerate(answers, start=1):
            document.tables[0].rows[row].cells[3].text = answer
        document.save(buffer)
    return buffer.getvalue()


def take_in(content: bytes, **more: bool) -> returns.Check:
    with unit_of_work() as db:
        return returns.take_in(db, files.read(content), interpreter="Hodan Ali", actor="reviewer:ana", **more)


def english() -> list[str | None]:
    with unit_of_work(read_only=True) as db:
        return sorted(
            text
            for text in db.scalars(select(SegmentTranslation.text).where(SegmentTranslation.is_current))
            if text
        )


ANSWERS = ["Do not close the library.", "The neighbours meet there.", "=2+3 is wrong."]


def test_the_queue_shows_each_language_with_the_longest_wait_first(somali: list[uuid.UUID]) -> None:
    with unit_of_work(read_only=True) as db:
        found = queue.by_language(db)
    assert [(row.language, row.submissions, row.sentences) for row in found] == [("so", 2, 3), ("ar", 1, 1)]
    assert (utc_now() - found[0].oldest_at).days == 3


@pytest.mark.parametrize("kind", files.KINDS)
def test_what_an_interpreter_returns_stands_beside_the_original_with_their_name(
    somali: list[uuid.UUID], kind: str
) -> None:
    result = take_in(filled(kind, ANSWERS))
    assert (len(result.taken), result.faults, result.empty) == (3, [], [])
    assert english() == sorted(ANSWERS)
    (row, _) = translations(somali[0])
    assert (row.status, row.interpreter, row.model) == ("corrected", "Hodan Ali", None)
    assert lines() == []


def test_the_same_file_twice_changes_nothing(somali: list[uuid.UUID]) -> None:
    content = filled("xlsx", ANSWERS)
    take_in(content)
    with unit_of_work(read_only=True) as db:
        before = db.scalar(select(func.count()).select_from(SegmentTranslation))
    again = take_in(content)
    assert (again.unchanged, again.taken, again.faults) == (3, [], [])
    with unit_of_work(read_only=True) as db:
        assert db.scalar(select(func.count()).select_from(SegmentTranslation)) == before
        actions = db.scalars(select(AuditEntry.action)).all()
    assert actions.count("translation.returned") == 2  # one for each view, once


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("A", "OW-0000-0000", "There is no view with this reference."),
        ("A", "something", "There is no view with this reference."),
        ("B", "9", "The view has no sentence with this number."),
        ("B", "²", "The view has no sentence with this number."),
        ("C", "Something else.", "The original is not the one that was sent out"),
        ("E", "0123456789abcdef", "The original is not the one that was sent out"),
        ("D", "x" * 8001, "A sentence may have 8000 characters."),
    ],
)
def test_one_wrong_row_keeps_the_whole_file_out(
    somali: list[uuid.UUID], column: str, value: str, words: str
) -> None:
    book = load_workbook(io.BytesIO(filled("xlsx", ANSWERS)))
    book.worksheets[0][f"{column}3"].value = value
    buffer = io.BytesIO()
    book.save(buffer)
    result = take_in(buffer.getvalue())
    assert [fault.place for fault in result.faults] == [3]
    assert words in result.faults[0].words
    assert english() == []


def test_rows_without_english_are_named_and_left_only_when_that_is_said(somali: list[uuid.UUID]) -> None:
    content = filled("docx", [ANSWERS[0], "", ANSWERS[2]])
    assert [remark.place for remark in take_in(content).empty] == [3]
    assert english() == []
    assert len(take_in(content, leave_empty=True).taken) == 2
    assert english() == sorted([ANSWERS[0], ANSWERS[2]])
    assert [line.number for line in lines()] == [2]


def test_what_a_person_decided_meanwhile_stays(somali: list[uuid.UUID]) -> None:
    content = filled("xlsx", ANSWERS)
    with unit_of_work() as db:
        row = db.get_one(SegmentTranslation, translations(somali[0])[0].id)
        row.text, row.status = "Mine.", "corrected"
    result = take_in(content)
    assert [remark.place for remark in result.kept] == [2]
    assert "Mine." in english()


def test_nothing_is_written_into_a_withdrawn_view(somali: list[uuid.UUID]) -> None:
    content = filled("xlsx", ANSWERS)
    with unit_of_work() as db:
        db.get_one(Submission, somali[0]).status = SubmissionStatus.WITHDRAWN
    assert [fault.place for fault in take_in(content).faults] == [2, 3]
    assert english() == []


def test_an_original_that_begins_like_a_formula_stays_text(somali: list[uuid.UUID]) -> None:
    book = load_workbook(io.BytesIO(files.write("xlsx", lines(), "so")))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert SECOND in [cell.value for cell in cells]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text", files.write("docx", [], None)[:400]])
def test_a_file_of_another_kind_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(files.FileNotReadable):
        files.read(content)


def test_a_spreadsheet_with_other_columns_is_refused() -> None:
    from openpyxl import Workbook

    book, buffer = Workbook(), io.BytesIO()
    book.save(buffer)
    with pytest.raises(files.FileNotReadable, match="No row has the headings"):
        files.read(buffer.getvalue())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(min_size=1, max_size=60), kind=st.sampled_from(files.KINDS))
def test_any_original_goes_out_and_is_known_again(text: str, kind: str) -> None:
    line = queue.Line("OW-7K3M-92QF", 1, text, queue.check_of(text), uuid.uuid4(), utc_now())
    (row,) = files.read(files.write(kind, [line], "so"))
    assert (row.reference, row.number, row.check) == (line.reference, "1", line.check)
    assert " ".join(row.original.split()) == " ".join(files.writable(text).split())
    assert row.english == ""


def test_the_desk_sends_files_out_and_takes_them_in(somali: list[uuid.UUID]) -> None:
    make_reviewer("ana")
    desk = Desk().signed_in()
    html = desk.get("/desk/interpreters").text
    assert "Somali" in html
    assert FIRST not in html
    response = desk.get("/desk/interpreters/so.xlsx")
    assert response.headers["content-disposition"].startswith('attachment; filename="to-translate-so-')
    assert len(files.read(response.content)) == 3
    assert desk.get("/desk/interpreters/xx.xlsx").status_code == 404

    def post(content: bytes, **fields: str) -> str:
        sent = {"csrf_token": hidden(html, "csrf_token"), "interpreter": "Hodan Ali"} | fields
        answer = desk.client.post(
            "/desk/interpreters/returns", data=sent, files={"file": ("back.xlsx", content)}
        )
        return f"{answer.status_code} {answer.text}"

    assert post(filled("xlsx", ANSWERS), csrf_token="wrong").startswith("403")
    assert "Give the name of the interpreter" in post(filled("xlsx", ANSWERS), interpreter=" ")
    assert "1 row has no English" in post(filled("xlsx", ANSWERS[:2]))
    assert english() == []
    done = post(filled("xlsx", ANSWERS))
    assert done.startswith("200")
    assert "3 sentences by" in done
    assert english() == sorted(ANSWERS)


def test_a_viewer_may_not_send_files_out_or_take_them_in(somali: list[uuid.UUID]) -> None:
    make_reviewer("vera", role="viewer")
    desk = Desk().signed_in("vera")
    assert desk.get("/desk/interpreters").status_code == 200
    assert desk.get("/desk/interpreters/so.xlsx").status_code == 403
    answer = desk.client.post("/desk/interpreters/returns", data={}, files={"file": ("a.xlsx", b"x")})
    assert answer.status_code == 403


def test_what_is_redacted_does_not_leave_with_the_file(somali: list[uuid.UUID]) -> None:
    with unit_of_work() as db:
        [part] = db.get_one(Submission, somali[0]).parts
        start = FIRST.index("maktabadda")
        redaction = Redaction(submission_id=somali[0], kind="name", reason="A name")
        redaction.spans.append(RedactionSpan(part_id=part.id, start=start, end=start + len("maktabadda")))
        db.add(redaction)
    sent_out = lines()
    assert sent_out[0].original == "Ha xirina [redacted]."
    assert sent_out[0].check == queue.check_of("Ha xirina [redacted].")  # no hash of the covered words either
    result = take_in(filled("xlsx", ["Do not close [redacted].", "They meet there.", "=2+3 is wrong."]))
    assert (result.faults, len(result.taken)) == ([], 3)
    assert "Do not close [redacted]." in english()
