"""Long exports: made once, watched, fetched, and gone when their day is over or a view in them has gone."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
import stat
import subprocess
import sys
import threading
import uuid
import zipfile

import pytest
from docx import Document
from sqlalchemy import select, update

from submissions import erasure, intake, jobs, redactions
from submissions.database import unit_of_work
from submissions.errors import ExportNotFound
from submissions.exports import downloads
from submissions.exports.kinds import KINDS, Kind, Tell
from submissions.exports.writers import write_export
from submissions.models import AuditEntry, ExportJob, ExportState, Role, Submission, utc_now
from submissions.review import export_pages
from submissions.review.redacting import Mark, lines_of, redact
from submissions.review.sessions import Principal
from tests.factories import VIEW_AR, make_conversation
from tests.submissions.desk_site import Desk, find, make_reviewer, make_submission

CANARY = "kanarienvogel"


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def views(database, data) -> list[str]:
    return make_views()


@pytest.fixture
def views_on_sqlite(sqlite_database, data) -> list[str]:
    return make_views()


def make_views() -> list[str]:
    made = [make_submission(f"View {number}.", language="en", hours_ago=number + 2) for number in range(4)]
    return [*made, make_submission(f"O {CANARY}.", english=[f"The {CANARY}."], language="pt")]


def make(kind: str = "csv") -> ExportJob:
    export_id = downloads.request(kind, actor="reviewer:ana")
    downloads.run(export_id)
    return downloads.find(export_id)


def content(export: ExportJob) -> bytes:
    _, file = downloads.open_file(export.id, actor="reviewer:ana")
    with file:
        return file.read()


def files(data) -> list[str]:
    folder = data / "exports"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def actions() -> list[str]:
    with unit_of_work(read_only=True) as db:
        entries = db.scalars(
            select(AuditEntry)
            .where(AuditEntry.subject_type == "export")
            .order_by(AuditEntry.occurred_at, AuditEntry.id)
        )
        return [entry.action for entry in entries]


def test_a_finished_file_is_what_the_command_writes_and_only_its_owner_may_read_it(views, data):
    export = make("json")
    expected = io.BytesIO()
    write_export("json", expected)
    assert content(export) == expected.getvalue()
    assert (export.state, export.views, export.size_bytes) == ("ready", 5, len(expected.getvalue()))
    (name,) = files(data)
    assert stat.S_IMODE((data / "exports" / name).stat().st_mode) == 0o600
    assert actions() == ["export.requested", "views.exported"]


def test_asked_for_twice_at_once_is_one_file(views):
    asked: list[uuid.UUID] = []
    threads = [
        threading.Thread(target=lambda: asked.append(downloads.request("csv", actor="reviewer:ana")))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 6
    assert len(set(asked)) == 1
    assert downloads.request("xlsx", actor="reviewer:ana") not in asked
    downloads.run(asked[0])
    assert downloads.request("csv", actor="reviewer:ana") != asked[0], "a finished one is not given again"


@pytest.mark.slow
def test_the_pack_holds_every_file_and_is_the_same_bytes_twice(views_on_sqlite):
    first, second = content(make("pack")), content(make("pack"))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as pack:
        assert pack.testzip() is None
        assert sorted(pack.namelist()) == [
            "export.schema.json",
            "read-me.txt",
            "report.docx",
            "report.pdf",
            "views.csv",
            "views.json",
            "views.xlsx",
        ]
        assert CANARY in pack.read("views.csv").decode("utf-8-sig")
        assert Document(io.BytesIO(pack.read("report.docx"))).paragraphs
        assert pack.read("report.pdf").startswith(b"%PDF-")


def test_after_its_day_the_file_is_gone_and_so_is_its_row(views, data):
    export = make()
    with unit_of_work() as db:
        db.execute(update(ExportJob).values(expires_at=utc_now() - dt.timedelta(seconds=1)))
    with pytest.raises(ExportNotFound):
        downloads.open_file(export.id, actor="reviewer:ana")
    assert downloads.find_all() == []
    jobs.sweep()
    assert files(data) == []
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(ExportJob)).all() == []
    assert actions()[-1] == "export.expired"


def withdraw(reference: str) -> None:
    with unit_of_work() as db:
        assert intake.withdraw(db, make_conversation(), reference) == "withdrawn"


def erase(reference: str) -> None:
    erasure.erase(reference)


def who() -> Principal:
    ana = make_reviewer()
    return Principal("reviewer:ana", "Ana", Role.REVIEWER, ana.id)


def cover(reference: str) -> None:
    submission = find(reference)
    with unit_of_work(read_only=True) as db:
        row = db.get_one(Submission, submission.id)
        (line,) = lines_of(row, redactions.Redactions())
    mark = Mark(line.key, CANARY, CANARY, False, "name", "a name")
    redact(who(), reference, mark)


@pytest.mark.parametrize("change", [withdraw, erase, cover])
def test_a_view_taken_back_erased_or_redacted_is_in_no_file_any_more(views, data, change):
    export, other = make("csv"), make("json")
    assert CANARY.encode() in content(export)
    change(views[-1])
    assert files(data) == []
    for one in (export, other):
        assert downloads.find(one.id).state == ExportState.TAKEN_AWAY
        with pytest.raises(ExportNotFound):
            downloads.open_file(one.id, actor="reviewer:ana")
    original = f"O {CANARY}.".encode()
    assert original not in content(make("csv"))


def test_a_file_without_the_view_stays(views):
    export = make()
    later = make_submission("Later.", language="en")
    withdraw(later)
    assert content(export)


def slow_kind(monkeypatch, at_first_view) -> None:
    """The kind "csv", with something that happens after its first view."""
    known = KINDS["csv"]

    def write(file, tell: Tell) -> None:
        is_first = True

        def seen(reference: str) -> None:
            nonlocal is_first
            tell.seen(reference)
            if is_first:
                is_first = False
                at_first_view()

        known.write(file, Tell(seen, tell.steps))

    monkeypatch.setitem(KINDS, "csv", Kind("slow", "csv", "text/csv", 1, write))


def test_a_view_taken_back_while_the_file_is_made_is_not_in_it(views, monkeypatch):
    slow_kind(monkeypatch, lambda: withdraw(views[-1]) if find(views[-1]).status != "withdrawn" else None)
    export_id = downloads.request("csv", actor="reviewer:ana")
    downloads.run(export_id)
    assert downloads.find(export_id).state == ExportState.QUEUED, "it is made once more"
    downloads.run(export_id)
    export = downloads.find(export_id)
    assert (export.state, export.views) == ("ready", 4)
    assert CANARY.encode() not in content(export)


def test_progress_is_told_while_it_is_made_and_a_deleted_one_is_given_up(views, data, monkeypatch):
    monkeypatch.setattr(downloads, "SIGN_OF_LIFE_SECONDS", 0)
    seen: list[int] = []

    def look() -> None:
        seen.append(export_pages.percent_done(downloads.find(export_id)))
        downloads.delete(export_id, actor="reviewer:ana")

    slow_kind(monkeypatch, look)
    export_id = downloads.request("csv", actor="reviewer:ana")
    downloads.run(export_id)
    assert seen == [20]
    assert files(data) == []
    with pytest.raises(ExportNotFound):
        downloads.find(export_id)


def test_a_failure_is_tried_again_and_then_shown(views, monkeypatch):
    def fail() -> None:
        raise RuntimeError(CANARY)

    slow_kind(monkeypatch, fail)
    export_id = downloads.request("csv", actor="reviewer:ana")
    for _ in range(downloads.MAXIMUM_ATTEMPTS):
        assert downloads.find(export_id).state == ExportState.QUEUED
        downloads.run(export_id)
    export = downloads.find(export_id)
    assert (export.state, export.last_error) == ("failed", "RuntimeError"), "and not what was in it"
    assert downloads.request("csv", actor="reviewer:ana") != export_id


CHILD = """
import os, sys, uuid
from submissions import database
from submissions.exports import downloads
from submissions.exports.kinds import KINDS, Kind, Tell
database.configure(os.environ["OWNWORDS_DATABASE_URL"])
def write(file, tell):
    file.write(b"half a file"); file.flush()
    print("writing", flush=True)
    sys.stdin.read()
KINDS["csv"] = Kind("slow", "csv", "text/csv", 1, write)
downloads.run(uuid.UUID(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_worker_killed_half_way_leaves_nothing_and_the_file_is_made_again(
    views_on_sqlite, data, sqlite_database
):
    export_id = downloads.request("csv", actor="reviewer:ana")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(export_id)],
        env={**os.environ, "OWNWORDS_DATABASE_URL": sqlite_database},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "writing\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    child.stdin.close()
    assert downloads.find(export_id).state == ExportState.RUNNING
    assert len(files(data)) == 1, "half a file"
    jobs.sweep()
    assert downloads.find(export_id).state == ExportState.QUEUED
    downloads.run(export_id)
    export = downloads.find(export_id)
    assert (export.state, export.attempts) == ("ready", 2)
    downloads.sweep()
    assert files(data) == [export_id.hex], "the half file is gone"
    assert content(export).count(b"\r\n") == 6


def test_the_pages_ask_watch_fetch_and_delete(views, data):
    make_reviewer()
    desk = Desk().signed_in()
    assert desk.post("/desk/exports", "/desk/exports", kind="no_such").status_code == 422
    answer = desk.post("/desk/exports", "/desk/exports", kind="xlsx")
    assert answer.status_code == 303
    address = answer.headers["location"]
    waiting = desk.get(address)
    assert waiting.headers["refresh"] == "5"
    assert "refresh" not in desk.get(f"{address}?still=1").headers
    assert desk.get(f"{address}/file").status_code == 404
    downloads.run(uuid.UUID(address.rpartition("/")[2]))
    ready = desk.get(address)
    assert "refresh" not in ready.headers
    assert f"{address}/file" in ready.text
    fetched = desk.get(f"{address}/file")
    assert fetched.content[:2] == b"PK"
    today = fetched.headers["content-disposition"]
    assert today.startswith('attachment; filename="views-20')
    assert today.endswith('.xlsx"')
    assert address in desk.get("/desk/exports").text
    assert desk.post(f"{address}/delete", address).status_code == 303
    assert desk.get(address).status_code == 404
    assert files(data) == []
    assert desk.get("/desk/exports/not-an-id").status_code == 422


def test_only_who_may_export_sees_the_files(views):
    make_reviewer("eve", Role.VIEWER, "Eve")
    viewer = Desk().signed_in("eve")
    assert viewer.get("/desk/exports").status_code == 403
    assert "/desk/exports" not in viewer.get("/desk/briefings").text
    export = make()
    assert viewer.get(f"/desk/exports/{export.id}/file").status_code == 403


def test_arabic_leaves_in_the_arabic_of_the_resident(database, data):
    make_submission(VIEW_AR, language="ar", english=["Do not close the library."])
    assert VIEW_AR in content(make("csv")).decode("utf-8-sig")
