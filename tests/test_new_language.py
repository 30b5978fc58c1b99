"""What the twenty-first language takes: `docs/languages.md` lists it, and these tests find what is absent.

The list is not made by hand: what every one of the twenty languages has, a new one needs.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML

from channels.opt_out_keywords import OPT_IN_FILE
from submissions.commission import load_commission
from translations import function_words, quality_gates
from translations.languages import LANGUAGES

PROJECT = Path(__file__).resolve().parent.parent
# Measured apart, and not by everybody: a new language may do without.
NOT_NEEDED = re.compile(r"^evals/\w+_(sealed|heldout)/|^docs/")


@lru_cache
def files_by_pattern() -> dict[str, set[str]]:
    """Which languages have a file of that name, "{language}" standing for the code."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    found: dict[str, set[str]] = {}
    for path in filter(None, listed):
        for code in LANGUAGES:
            pattern = re.sub(rf"(^|[/_.-]){code}(?=[/_.-]|$)", r"\1{language}", path)
            if pattern != path and not NOT_NEEDED.match(path):
                found.setdefault(pattern, set()).add(code)
    return found


def needed_files() -> set[str]:
    """The patterns of which most languages have a file."""
    return {pattern for pattern, codes in files_by_pattern().items() if len(codes) > len(LANGUAGES) / 2}


@lru_cache
def entries() -> dict[str, set[str]]:
    """The languages that each shared file knows, by its path."""
    danger = YAML(typ="safe").load((PROJECT / "submissions/danger.yml").read_text(encoding="utf-8"))
    quality = json.loads((PROJECT / "submissions/theme_quality.json").read_text(encoding="utf-8"))
    commission = load_commission(PROJECT / "commission.yml")
    with_exemplars = {exemplar.language for exemplar in commission.themes[0].all_exemplars()}
    words = (
        function_words.LATIN_WORDS,
        function_words.ARABIC_SCRIPT_WORDS,
        function_words.CYRILLIC_WORDS,
    )
    scripts = [language.script for language in LANGUAGES.values()]
    known_by_script = {code for code, one in LANGUAGES.items() if scripts.count(one.script) == 1}
    return {
        "translations/languages.py": set(LANGUAGES),
        "translations/function_words.py": known_by_script
        | {code for of_script in words for code in of_script},
        "translations/quality_gates.py": set(quality_gates._NEGATIONS),
        "commission.yml": set(commission.languages) & with_exemplars,
        "channels/opt_in_words.txt": set(
            re.findall(r"(?m)^# ([a-z]{2,3})$", OPT_IN_FILE.read_text(encoding="utf-8"))
        ),
        "submissions/danger.yml": set(danger["exemplars"]) & set(danger["benign"]),
        "submissions/theme_quality.json": set(quality["f1"]),
    }


def absent(code: str, folder: Path = PROJECT) -> set[str]:
    """The files that a language lacks, or that do not name it."""
    own = {pattern for pattern in needed_files() if not (folder / pattern.format(language=code)).is_file()}
    return own | {path for path, codes in entries().items() if code not in codes}


def test_no_language_lacks_a_file() -> None:
    assert {code: absent(code) for code in LANGUAGES if absent(code)} == {}


def test_a_twenty_first_language_is_told_which_files_it_takes_and_the_documents_list_them() -> None:
    missing = absent("eo")
    assert missing == needed_files() | set(entries())
    documented = (PROJECT / "docs" / "languages.md").read_text(encoding="utf-8")
    assert [path for path in sorted(missing) if f"`{path}`" not in documented] == []


def test_once_its_own_files_are_there_only_the_shared_ones_are_named(tmp_path: Path) -> None:
    for pattern in needed_files():
        path = tmp_path / pattern.format(language="eo")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert absent("eo", tmp_path) == set(entries())
