"""The page of third-party licences is complete: every locked package, and everything we carry ourselves."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PAGE = (PROJECT / "docs/third-party-licences.md").read_text(encoding="utf-8")


def rows() -> dict[str, str]:
    return {
        package: licence.strip()
        for package, licence in re.findall(r"^\| (\S+) \| \S+ \| (.*) \|$", PAGE, re.MULTILINE)
    }


@pytest.mark.parametrize("lock", ["app", "bot"])
def test_every_locked_package_is_listed_with_its_version_and_licence(lock):
    text = (PROJECT / f"requirements/{lock}.txt").read_text(encoding="utf-8")
    locked = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE)
    missing = [
        f"{name} {version}: run requirements/licences.py"
        for name, version in locked
        if f"| {name} | {version} |" not in PAGE
    ]
    assert missing == []


def test_no_package_is_without_a_licence():
    assert [
        name for name, licence in rows().items() if not licence or licence.startswith("not installed")
    ] == []


def test_every_package_that_forbids_our_licence_would_be_seen():
    """Nothing proprietary or non-commercial, which could not stand beside the AGPL."""
    assert [
        name
        for name, licence in rows().items()
        if re.search(r"propriet|non-?commercial|nvidia", licence, re.I)
    ] == []


def test_what_we_carry_ourselves_names_its_licence():
    static = PROJECT / "submissions/review/static"
    carried = [path.name for path in static.rglob("*") if path.suffix in {".css", ".js"}]
    foreign = {"govuk": "GOV.UK Frontend", "htmx": "htmx"}
    assert any(name.startswith("govuk") for name in carried), "the test looks in the wrong place"
    for prefix, title in foreign.items():
        if any(name.startswith(prefix) for name in carried):
            assert title in PAGE
