"""How the environments find their Pythons; a copy of the script with pretended programs installs nothing."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def place(tmp_path):
    """A folder with the script, empty lock files, and a `bin` of pretended programs that note their calls."""
    (tmp_path / "requirements").mkdir()
    shutil.copy(PROJECT / "requirements/environments.sh", tmp_path / "requirements")
    for lock in ("app", "dev", "bot", "uv"):
        (tmp_path / f"requirements/{lock}.txt").write_text("six==1.16.0 \\\n    --hash=sha256:00\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "home").mkdir()
    for tool in ("env", "bash", "cat", "cut", "ls", "dirname", "grep", "sha256sum", "rm", "sed"):
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def pretend(place: Path, name: str, script: str) -> None:
    path = place / "bin" / name
    path.write_text(f"#!/usr/bin/env bash\necho {name} \"$@\" >> '{place}/calls'\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def run(place: Path, *parts: str) -> subprocess.CompletedProcess:
    environment = {
        "PATH": str(place / "bin"),
        "HOME": str(place / "home"),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }
    return subprocess.run(
        ["bash", "requirements/environments.sh", *parts],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
    )


def calls(place: Path) -> str:
    path = place / "calls"
    return path.read_text() if path.exists() else ""


def test_without_a_python_3_10_one_clear_sentence_says_what_to_install(place):
    pretend(place, "uv", "exit 1")  # cannot fetch one
    result = run(place, "bot")
    assert result.returncode == 1
    assert result.stderr.strip().count("\n") == 0
    assert "The assistant needs Python 3.10" in result.stderr
    assert "uv python install" in calls(place)


def test_a_python_3_10_that_does_not_run_is_passed_over_for_one_of_pyenv(place):
    pretend(place, "python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    pretend(place, "uv", "exit 3")
    of_pyenv = place / "home/.pyenv/versions/3.10.13/bin"
    of_pyenv.mkdir(parents=True)
    (of_pyenv / "python").write_text("#!/usr/bin/env bash\necho '(3, 10)'\nexit 0\n")
    (of_pyenv / "python").chmod(0o755)
    run(place, "bot")
    assert f"--python {of_pyenv}/python .venv-bot" in calls(place)
    assert "uv python install" not in calls(place)


def test_without_python_3_11_one_clear_sentence_says_what_to_install(place):
    pretend(place, "python3", "exit 1")
    pretend(place, "uv", "exit 1")
    result = run(place, "app")
    assert result.returncode == 1
    assert result.stderr.strip().startswith("Own Words needs Python 3.11 or later")


def test_an_unknown_part_is_refused_with_the_usage(place):
    pretend(place, "uv", "exit 1")
    assert "usage:" in run(place, "everything").stderr
