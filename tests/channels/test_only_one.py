"""The web part runs once for a data folder, so that what it counts in its memory is all there is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from channels import only_one
from channels.only_one import only_web_part
from submissions.errors import ConfigurationError

HOLDER = """
import sys, time
from pathlib import Path
from channels.only_one import only_web_part
with only_web_part(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_one_is_refused_with_the_folder_and_what_to_do(tmp_path, holder):
    with (
        pytest.raises(ConfigurationError, match="there can be one") as refused,
        only_web_part(tmp_path, wait_seconds=0.3),
    ):
        pytest.fail("both run")
    assert str(tmp_path) in str(refused.value)


def test_one_that_was_killed_stands_in_nobodys_way(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with only_web_part(tmp_path, wait_seconds=0):
        pass


def test_a_restart_waits_for_the_one_that_is_stopping(tmp_path, holder):
    before = time.monotonic()
    subprocess.Popen(["/bin/sh", "-c", f"sleep 0.5; kill {holder.pid}"])
    with only_web_part(tmp_path, wait_seconds=20):
        assert time.monotonic() - before > 0.3


def test_two_folders_do_not_meet(tmp_path, holder):
    other = tmp_path / "other"
    other.mkdir()
    with only_web_part(other, wait_seconds=0):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="missing"), only_web_part(tmp_path / "missing"):
        pytest.fail("nothing is held")


def test_the_command_refuses_to_start_beside_another(tmp_path, sqlite_template, holder):
    (tmp_path / "ownwords.db").write_bytes(Path(sqlite_template).read_bytes())
    environment = {
        **os.environ,
        "OWNWORDS_DATA": str(tmp_path),
        "OWNWORDS_PORT": "28417",
        "OMP_NUM_THREADS": "1",
    }
    command = Path(sys.executable).with_name("ownwords")
    started = time.monotonic()
    done = subprocess.run([command, "web"], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "another web part runs" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert time.monotonic() - started >= only_one.WAIT_SECONDS
