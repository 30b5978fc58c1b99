from __future__ import annotations

from pathlib import Path

import pytest

from tests.translations.tiny_packages import tiny_package
from translations import packages
from translations.registry import Registry, open_registry

# Five small real packages, shared beside the project where it is developed; never copied into it.
SHARED_PACKAGES = Path(__file__).resolve().parents[3] / "shared" / "argos"


@pytest.fixture
def models_folder(tmp_path: Path) -> Path:
    """A folder with a tiny Polish-English package installed."""
    folder = tmp_path / "models"
    packages.install(folder, str(tiny_package(tmp_path / "packages", "pl", "en")))
    return folder


@pytest.fixture
def registry(models_folder: Path) -> Registry:
    return open_registry(models_folder)


@pytest.fixture(scope="session")
def shared_packages() -> Path:
    if not (SHARED_PACKAGES / "index.json").is_file():
        pytest.skip("../shared/argos is not here: the tests with tiny packages cover the same code")
    return SHARED_PACKAGES


@pytest.fixture(scope="session")
def shared_registry(shared_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """The five small real packages, installed from their mirror."""
    folder = tmp_path_factory.mktemp("shared-models")
    for pair in ("es-en", "fr-en", "ar-en", "pl-en", "pt-en"):
        packages.install(folder, pair, str(shared_packages))
    return open_registry(folder)
