"""The documentation knows every setting, command, make target and route."""

import re
import subprocess
from pathlib import Path

import pytest
import typer.main

from channels.app import create_app
from channels.command_line import app as command_line
from channels.settings import Settings
from submissions.review.access import access_rules

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)


def commands(group, prefix="ownwords") -> list[str]:
    """Full names of all commands that are not hidden."""
    found = []
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            found += commands(command, f"{prefix} {name}")
        elif not command.hidden:
            found.append(f"{prefix} {name}")
    return found


def environment_names() -> set[str]:
    """Settings by their names in the environment, those of the assistant (read in bot/) included."""
    ours = {f"OWNWORDS_{name.upper()}" for name in Settings.model_fields}
    bots = {
        name
        for path in (PROJECT / "bot").rglob("*")
        if path.suffix in {".py", ".yml"} and "tests" not in path.parts
        for name in re.findall(r"OWNWORDS_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8"))
    }
    return ours | bots


@pytest.mark.parametrize("name", sorted(environment_names()))
def test_every_setting_is_explained(name):
    assert f"`{name}`" in TEXT


@pytest.mark.parametrize("name", commands(typer.main.get_command(command_line)))
def test_every_command_is_documented(name):
    assert name in TEXT


def make_targets() -> set[str]:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)) - {"help"}


@pytest.mark.parametrize("target", sorted(make_targets()))
def test_every_make_target_is_documented(target):
    assert f"make {target}" in TEXT


def routes() -> list[str]:
    return sorted({path for _, path, _ in access_rules(create_app(Settings()))})


def test_every_route_declares_who_may_use_it():
    rules = access_rules(create_app(Settings()))
    assert len(rules) > 40, "the test does not see the routes"
    assert [f"{method} {path}" for method, path, rule in rules if rule is None] == []


@pytest.mark.parametrize("path", routes())
def test_every_route_is_documented(path):
    assert f"`{path}`" in TEXT or re.search(rf"`[A-Z, ]+ {re.escape(path)}`", TEXT)


def tracked_files() -> list[str]:
    return subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout.splitlines()


def test_no_file_names_a_package_index_or_a_path_of_a_machine():
    # Written in pieces, so that this file does not name them either.
    pieces = (("py", "pi"), ("python", "hosted"), ("npm", "js"), ("deb", ".debian"))
    hosts = "|".join("".join(pair) for pair in pieces)
    forbidden = re.compile(rf"({hosts})\.(org|com)|/(root|home|work|farm)/[A-Za-z._-]+/")
    found = []
    for name in tracked_files():
        path = PROJECT / name
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [f"{name}: {match.group(0)}" for match in forbidden.finditer(text)]
    assert found == []


def test_links_between_documents_lead_somewhere():
    broken = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            if not (document.parent / target).exists():
                broken.append(f"{document.relative_to(PROJECT)} -> {target}")
    assert broken == []
