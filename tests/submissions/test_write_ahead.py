from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from submissions import conversations
from submissions import database as db_module
from submissions.database import unit_of_work
from submissions.errors import DatabaseUnavailable, WriteAheadFileNotWritable
from submissions.settings import PROJECT_FOLDER
from submissions.write_ahead import WriteAheadFile
from tests.factories import VIEW_AR, VIEW_BN, VIEW_PT, make_conversation


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.wal"


def keeping(kept: list[Any]) -> Any:
    return lambda record: kept.append(record["n"])


def test_records_come_back_in_order_and_once(path: Path) -> None:
    file = WriteAheadFile(path)
    for number in range(5):
        file.append({"n": number, "text": VIEW_AR + "\n\r\u2028\x00"})
    kept: list[int] = []
    assert file.replay(keeping(kept)) == 5
    assert file.replay(keeping(kept)) == 0
    assert kept == [0, 1, 2, 3, 4]
    assert path.read_bytes() == b""


@pytest.mark.parametrize("text", [VIEW_PT, VIEW_BN, "\x00\n\r\u2028", "\ud83d", ""])
def test_words_are_kept_exactly(path: Path, text: str) -> None:
    WriteAheadFile(path).append({"text": text})
    found: list[str] = []
    WriteAheadFile(path).replay(lambda record: found.append(record["text"]))
    assert found == [text]


def test_while_the_database_is_down_records_stay_and_the_kept_ones_go(path: Path) -> None:
    file = WriteAheadFile(path)
    for number in range(4):
        file.append({"n": number})
    kept: list[int] = []

    def keep(record: dict[str, Any]) -> None:
        if record["n"] == 2 and len(kept) == 2:
            raise DatabaseUnavailable("sqlite:///x", "down again")
        kept.append(record["n"])

    assert file.replay(keep) == 2
    assert file.count() == 2
    file.append({"n": 4})
    kept.append(-1)  # the database is back
    assert file.replay(keep) == 3
    assert kept == [0, 1, -1, 2, 3, 4]


@pytest.mark.parametrize("cut", range(1, 11))
def test_a_last_line_torn_by_a_crash_does_not_touch_the_others(path: Path, cut: int) -> None:
    file = WriteAheadFile(path)
    file.append({"n": 1})
    file.append({"n": 2222})
    with path.open("r+b") as raw:
        raw.truncate(path.stat().st_size - cut)
    after_crash = WriteAheadFile(path)
    after_crash.append({"n": 3})
    kept: list[int] = []
    after_crash.replay(keeping(kept))
    whole = cut == 1  # only the line's end was lost
    assert kept == ([1, 2222, 3] if whole else [1, 3])
    assert path.with_suffix(".rejected").exists() == (not whole)


def test_a_record_nobody_can_keep_is_set_aside_and_holds_up_nothing(path: Path) -> None:
    file = WriteAheadFile(path)
    for number in (1, "bad", 3):
        file.append({"n": number})

    def keep(record: dict[str, Any]) -> None:
        kept.append(record["n"] + 0)

    kept: list[int] = []
    assert file.replay(keep) == 2
    assert kept == [1, 3]
    assert json.loads(path.with_suffix(".rejected").read_text()) == {"n": "bad"}
    assert file.count() == 0


def test_threads_append_whole_lines(path: Path) -> None:
    file = WriteAheadFile(path)
    threads = [
        threading.Thread(target=lambda number=number: [file.append({"n": number}) for _ in range(5)])
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept: list[int] = []
    assert file.replay(keeping(kept)) == 100
    assert sorted(kept) == sorted(list(range(20)) * 5)


def test_a_process_killed_while_it_appends_loses_nothing_it_had_confirmed(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from submissions.write_ahead import WriteAheadFile\n"
        "file = WriteAheadFile(Path(sys.argv[1])); number = 0\n"
        "while True:\n"
        "    file.append({'n': number}); print(number, flush=True); number += 1\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT_FOLDER) as process:
        assert process.stdout is not None
        confirmed = [int(process.stdout.readline()) for _ in range(50)]
        process.kill()
        confirmed += [int(line) for line in process.stdout.read().split()]
    kept: list[int] = []
    WriteAheadFile(path).replay(keeping(kept))
    assert kept[: len(confirmed)] == confirmed
    assert len(kept) <= len(confirmed) + 1


def test_a_place_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    with pytest.raises(WriteAheadFileNotWritable, match=r"inbox\.wal cannot be written"):
        WriteAheadFile(in_the_way / "inbox.wal")
    (tmp_path / "inbox.wal").mkdir()
    with pytest.raises(WriteAheadFileNotWritable):
        WriteAheadFile(tmp_path / "inbox.wal")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(WriteAheadFileNotWritable):
        WriteAheadFile(tmp_path / "closed" / "inbox.wal")


def test_messages_that_came_while_the_database_was_down_are_kept_exactly_once(
    database: str, path: Path
) -> None:
    conversation_id = make_conversation()
    file = WriteAheadFile(path)

    def keep(record: dict[str, Any]) -> None:
        with unit_of_work() as db:
            conversations.record_inbound_message(
                db,
                conversation_id=uuid.UUID(record["conversation_id"]),
                channel="web_chat",
                provider_message_id=record["id"],
                original_text=record["text"],
            )

    record = {"conversation_id": str(conversation_id), "id": "1", "text": VIEW_AR}
    db_module.configure("postgresql://nobody@127.0.0.1:20397/nothing")
    with pytest.raises(DatabaseUnavailable):
        keep(record)
    file.append(record)
    file.append(record)  # the sender tried again
    assert file.replay(keep) == 0
    db_module.configure(database)
    before = path.read_bytes()
    assert file.replay(keep) == 2
    path.write_bytes(before)  # as if the process had died before it emptied the file
    assert WriteAheadFile(path).replay(keep) == 2
    with unit_of_work(read_only=True) as db:
        assert [m.original_text for m in conversations.messages_after(db, conversation_id)] == [VIEW_AR]
