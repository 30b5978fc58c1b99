"""Paper forms from a table: every row is told good or wrong, and all good ones come in once or not at all."""

from __future__ import annotations

import datetime as dt
import io
import threading
import zipfile

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import event, func, select

from channels.benchmarks import paper as bench_paper
from submissions import database as db_module
from submissions import paper_forms, paper_rows, view_indexing
from submissions.addresses import configure_keys
from submissions.conversations import sha256_of
from submissions.database import unit_of_work
from submissions.erasure import erase
from submissions.models import (
    AuditEntry,
    Job,
    Message,
    PaperBatch,
    PaperForm,
    PaperRow,
    Role,
    SegmentTranslation,
    Submission,
    ViewIndex,
    utc_now,
)
from submissions.paper_forms import AlreadyTakenIn
from submissions.settings import StoreSettings
from submissions.table_files import FileNotRead, read_date
from tests.factories import VIEW_SO
from tests.submissions.desk_site import Desk, hidden, make_reviewer, make_submission

ACTOR = "reviewer:ana"
HEAD = "form,date,language,words,english,who\n"
GOOD = HEAD + (
    f'1,14/07/2016,Soomaali,"{VIEW_SO}",,A mother of two\n'
    "2,2016-07-15,portuguese,Não fechem a biblioteca!,Do not close the library!,\n"
    "3,16 July 2016,Klingon,nuqneH,,\n"
)
WRONG = "4,31/02/2016,en,Hello,,\n5,14/07/2016,en,,,\n"


@pytest.fixture(autouse=True)
def keys(tmp_path):
    configure_keys(StoreSettings(data=tmp_path))


def xlsx(*rows: tuple[object, ...], merge: str = "") -> bytes:
    book = Workbook()
    for row in (tuple(paper_forms.COLUMNS), *rows):
        book.active.append(row)
    if merge:
        book.active.merge_cells(merge)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def take_in(text: str | bytes, name: str = "forms.csv") -> int:
    content = text.encode() if isinstance(text, str) else text
    return paper_forms.confirm(paper_forms.upload(content, name, actor=ACTOR), actor=ACTOR)


def count(model: type = Submission) -> int:
    with unit_of_work(read_only=True) as db:
        return db.scalar(select(func.count()).select_from(model)) or 0


def test_good_rows_become_formal_contributions_and_wrong_ones_are_named(database):
    batch_id = paper_forms.upload((GOOD + WRONG).encode(), "forms.csv", actor=ACTOR)
    with unit_of_work(read_only=True) as db:
        rows = paper_forms.check(db, paper_forms.find_batch(db, batch_id))
    assert [(row.line, row.is_good, row.language) for row in rows] == [
        (2, True, "so"),
        (3, True, "pt"),
        (4, True, None),
        (5, False, "en"),
        (6, False, "en"),
    ]
    assert "The date cannot be read" in rows[3].faults[0]
    assert rows[4].faults == ["Their words are missing."]
    assert count() == 0  # nothing before it is confirmed
    assert paper_forms.confirm(batch_id, actor=ACTOR) == 3
    with unit_of_work(read_only=True) as db:
        somali = db.scalars(select(Submission).where(Submission.source_language == "so")).one()
        assert (somali.channel, somali.method, somali.status) == ("desk", "paper", "received")
        assert somali.parts[0].original_text == VIEW_SO
        assert somali.parts[0].original_sha256 == sha256_of(VIEW_SO)
        assert somali.consented_at == dt.datetime(2016, 7, 14, 11, tzinfo=dt.UTC)  # noon in London
        form = paper_forms.form_of(db, somali.id)
        assert form is not None
        assert (form.line, form.form_number, form.contributor) == (2, "1", "A mother of two")
        assert db.scalars(select(SegmentTranslation.text)).all() == ["Do not close the library!"]
        assert len(set(db.scalars(select(Submission.reference)))) == 3
        assert db.scalar(select(func.count()).select_from(Job)) == 6
        entries = db.scalars(select(AuditEntry)).all()
        assert sorted({entry.action for entry in entries}) == ["paper_batch.taken_in", "submission.entered"]
        assert "nuqneH" not in repr([entry.details for entry in entries])
        assert paper_forms.find_batch(db, batch_id).content_sealed is None


def test_the_same_file_the_same_row_and_what_was_erased_come_in_once(database):
    assert take_in(GOOD + WRONG) == 3
    with pytest.raises(AlreadyTakenIn):
        take_in(GOOD + WRONG)
    with unit_of_work(read_only=True) as db:
        erased = db.scalars(select(Submission.reference).where(Submission.source_language == "pt")).one()
    erase(str(erased))
    mended = GOOD + "4,28/02/2016,en,Hello,,\n"
    batch_id = paper_forms.upload(mended.encode(), "mended.csv", actor=ACTOR)
    with unit_of_work(read_only=True) as db:
        rows = paper_forms.check(db, paper_forms.find_batch(db, batch_id))
    assert [row.is_good for row in rows] == [False, False, False, True]
    assert rows[1].known_as == ""  # it was erased, and stays so
    assert str(rows[0].known_as).startswith("OW-")
    assert paper_forms.confirm(batch_id, actor=ACTOR) == 1
    assert count() == 3


def test_two_who_confirm_at_once_take_it_in_once(database):
    batch_id = paper_forms.upload(GOOD.encode(), "forms.csv", actor=ACTOR)
    answers: list[int] = []
    together = threading.Barrier(2)

    def confirm() -> None:
        together.wait()
        answers.append(paper_forms.confirm(batch_id, actor=ACTOR))

    threads = [threading.Thread(target=confirm) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [3, 3]
    assert count() == 3


def test_when_it_is_stopped_in_the_middle_nothing_is_there_and_it_can_be_confirmed_again(database):
    batch_id = paper_forms.upload(GOOD.encode(), "forms.csv", actor=ACTOR)
    written: list[str] = []

    def stop(connection, cursor, statement, *_):
        written.append(statement)
        if statement.startswith("INSERT INTO job"):  # the views are written by then
            raise KeyboardInterrupt

    event.listen(db_module.engine(), "before_cursor_execute", stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            paper_forms.confirm(batch_id, actor=ACTOR)
    finally:
        event.remove(db_module.engine(), "before_cursor_execute", stop)
    assert any(statement.startswith("INSERT INTO submission ") for statement in written)
    assert (count(), count(PaperForm), count(Job), count(ViewIndex)) == (0, 0, 0, 0)
    assert paper_forms.confirm(batch_id, actor=ACTOR) == 3


def test_forms_are_found_by_their_words_as_if_they_had_come_one_by_one(database):
    take_in(GOOD)
    with unit_of_work() as db:
        before = {
            row.submission_id: (row.original, row.english, row.words) for row in db.scalars(select(ViewIndex))
        }
        for submission_id in before:
            view_indexing.index_words(db, submission_id)
        after = {
            row.submission_id: (row.original, row.english, row.words) for row in db.scalars(select(ViewIndex))
        }
    assert len(before) == 3
    assert before == after
    with unit_of_work(read_only=True) as db:
        portuguese = db.scalars(select(Submission.reference).where(Submission.source_language == "pt")).one()
    page = Desk().signed_in(make_reviewer().username).get("/desk?q=close+library").text
    assert page.count(str(portuguese)) > 0


def test_a_form_that_came_in_with_another_file_meanwhile_is_not_taken_in_twice(database, monkeypatch):
    first = paper_forms.upload(GOOD.encode(), "first.csv", actor=ACTOR)
    second = paper_forms.upload((GOOD + "4,28/02/2016,en,Hello,,\n").encode(), "second.csv", actor=ACTOR)
    prepare = paper_rows.prepare

    def prepare_slowly(*given):
        with monkeypatch.context() as patch:  # the other file is confirmed while this one is prepared
            patch.setattr(paper_rows, "prepare", prepare)
            paper_forms.confirm(first, actor=ACTOR)
        return prepare(*given)

    with monkeypatch.context() as patch:
        patch.setattr(paper_rows, "prepare", prepare_slowly)
        assert paper_forms.confirm(second, actor=ACTOR) == 1
    assert count() == 4


def test_a_reference_that_somebody_else_got_meanwhile_is_drawn_anew(sqlite_database, monkeypatch):
    taken = make_submission("Olá.", english=["Hello."])
    batch_id = paper_forms.upload(HEAD.encode() + b"1,14/07/2016,en,Hello,,\n", "one.csv", actor=ACTOR)
    drawn = iter([[taken], ["OW-7K3M-92QF"]])
    monkeypatch.setattr(paper_rows, "unused_references", lambda _db, _number: next(drawn))
    assert paper_forms.confirm(batch_id, actor=ACTOR) == 1
    with unit_of_work(read_only=True) as db:
        assert set(db.scalars(select(Submission.reference))) == {taken, "OW-7K3M-92QF"}


def test_cells_of_a_workbook_are_read_as_people_see_them_and_formulas_never(sqlite_database):
    day = dt.datetime(2016, 7, 14)  # noqa: DTZ001  a workbook knows no zones
    content = xlsx(
        (1, day, "বাংলা", "লাইব্রেরি বন্ধ করবেন না।", None, None),
        (2.0, dt.date(2016, 7, 14), "fa", "=HYPERLINK(1)", None, None),
        (3, 42565, "en", "A number is no date.", None, None),
        (4, "14/7/16", "en", "These are merged.", None, None),
        (5, "14.07.2016", None, "-1 language", None, None),
        merge="C5:D5",
    )
    rows = paper_forms.read(content)
    assert [row.line for row in rows if row.is_good] == [2, 6]
    assert (rows[0].form_number, rows[0].language, rows[0].written_on) == ("1", "bn", day.date())
    assert (rows[4].language, rows[4].text) == (None, "-1 language")
    assert rows[1].faults[0] == "Cell D3 is a formula. Replace it by its value."
    assert "cannot be read" in rows[2].faults[0]
    assert rows[3].faults[0].startswith("Cells are merged here")


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<a/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 61_000_000)
    return buffer.getvalue()


def with_entities() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx())) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(
                name, b'<!DOCTYPE a [<!ENTITY b "c">]>' + data if name == "xl/workbook.xml" else data
            )
    return buffer.getvalue()


def without_end() -> bytes:
    book = Workbook()
    book.active.append(tuple(paper_forms.COLUMNS))
    book.active.cell(row=1_048_576, column=1, value="x")
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (HEAD.encode(), "no rows below"),
        (b"%PDF-1.7 \n%\xe2\xe3", "neither a workbook"),
        (b"<html>words,date,language\n", "neither a workbook"),
        (b"\xd0\xcf\x11\xe0old", "old or a protected workbook"),
        (b"PK\x03\x04broken", "damaged"),
        (bomb(), "too large when it is unpacked"),
        (with_entities(), "no spreadsheet writes"),
        (without_end(), "goes on below line 100,000"),
        (xlsx((1, "14/07/2016", "en", "x"), merge="A1:B1"), "headings in line 1"),
        ("date,language,words\n14/07/2016,pt,Não\n".encode("cp1252"), r"UTF-8 \(line 2\)"),
        (b"form;datum;language;words\n1;2;3;4\n", "Missing: date"),
        (b'date,language,words\n14/07/2016,en,"open\n', "quotation marks"),
        ((HEAD + "1,14/07/2016,en,x,,\n" * 5_001).encode(), "more than 5,000 rows"),
        (b"x" * 10_000_001, "larger than 10 MB"),
    ],
    ids=range(15),
)
def test_what_is_no_table_of_forms_is_refused_in_words(content, words):
    with pytest.raises(FileNotRead, match=words):
        paper_forms.read(content)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_the_encodings_that_spreadsheets_write_are_read(sqlite_database, encoding):
    rows = paper_forms.read(GOOD.replace(",", "\t").replace("\n", "\r\n").encode(encoding))
    assert [row.language for row in rows] == ["so", "pt", None]
    assert rows[0].text == VIEW_SO.replace(",", "\t")


def test_dates_are_read_days_first_and_never_guessed():
    july = dt.date(2016, 7, 14)
    for text in ("2016-07-14", "14/07/2016", "14.7.16", "14 July 2016", "14th Jul. 2016", "١٤/٧/٢٠١٦"):
        assert read_date(text) == july, text
    for text in ("07/14/2016", "July", "14 Ju 2016", "42565", "2016-02-30", ""):
        assert read_date(text) is None, text


def test_two_forms_with_the_same_words_need_their_numbers(sqlite_database):
    same = "14/07/2016,en,Yes\n"
    rows = paper_forms.read(("date,language,words\n" + same * 2).encode())
    assert rows[1].faults[0].startswith("The same as line 2.")
    rows = paper_forms.read(("form,date,language,words\n" + "1," + same + "2," + same).encode())
    assert all(row.is_good for row in rows)


@pytest.mark.slow
def test_five_thousand_forms_come_in_together_and_residents_hardly_wait(sqlite_database):
    measured = bench_paper.measure(5_000)
    assert (count(), count(Job), count(ViewIndex), count(PaperRow)) == (5_000, 10_000, 5_000, 5_000)
    assert measured.forms == 5_000
    # Every message of the residents who wrote meanwhile is kept; the longest wait was 19 s when every form
    # was written by itself. A busy machine may take several times what docs/figures.md says.
    assert measured.messages == count(Message) > 5
    assert measured.longest_wait_seconds < 8


def test_a_file_that_nobody_confirms_is_gone_after_a_day(sqlite_database):
    paper_forms.upload(GOOD.encode(), "forms.csv", actor=ACTOR)
    tomorrow = utc_now() + dt.timedelta(days=1, minutes=1)
    assert paper_forms.forget_unconfirmed(tomorrow, dry_run=True) == 1
    assert paper_forms.forget_unconfirmed(tomorrow) == 1
    assert count(PaperBatch) == 0


def test_the_empty_file_to_fill_in_is_read_back_and_always_the_same_bytes(sqlite_database):
    content = paper_forms.template()
    assert content == paper_forms.template()
    book = load_workbook(io.BytesIO(content))
    book.worksheets[0].append(("1", "14/07/2016", "so", VIEW_SO, "", ""))
    buffer = io.BytesIO()
    book.save(buffer)
    [row] = paper_forms.read(buffer.getvalue())
    assert (row.is_good, row.text) == (True, VIEW_SO)


def test_through_the_pages_checked_then_confirmed_then_told(sqlite_database):
    make_reviewer("ana", Role.REVIEWER)
    desk = Desk().signed_in("ana")
    token = {"csrf_token": hidden(desk.get("/desk/paper-forms").text, "csrf_token")}
    files = {"file": ("<forms>.csv", (GOOD + WRONG).encode(), "text/csv")}
    uploaded = desk.client.post("/desk/paper-forms", data=token, files=files)
    assert uploaded.status_code == 303
    address = uploaded.headers["location"]
    shown = desk.get(address).text
    assert "&lt;forms&gt;.csv" in shown
    assert "Language not known" in shown
    assert "Their words are missing." in shown
    refused = desk.client.post(f"{address}/confirm", data=token)
    assert refused.status_code == 422
    assert "must have agreed" in refused.text
    assert count() == 0
    done = desk.client.post(f"{address}/confirm", data=token | {"have_agreed": "yes"})
    assert done.status_code == 303
    told = desk.get(address).text
    assert "3 forms were taken in" in told
    again = desk.client.post("/desk/paper-forms", data=token, files=files)
    assert again.status_code == 409
    assert "taken in before" in again.text
    damaged = desk.client.post("/desk/paper-forms", data=token, files={"file": ("a.xlsx", b"PK\x03\x04", "")})
    assert damaged.status_code == 422
    assert "damaged" in damaged.text
    empty = desk.get("/desk/paper-forms/template.xlsx")
    assert empty.headers["content-disposition"].startswith("attachment")
    assert desk.get("/desk?method=paper").text.count("OW-") >= 3
    with unit_of_work(read_only=True) as db:
        reference = db.scalars(select(Submission.reference)).first()
    assert "Paper form" in desk.get(f"/desk/submissions/{reference}").text
