from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from submissions import jobs
from submissions.database import unit_of_work
from submissions.models import Job, JobKind, JobStatus
from submissions.translation_jobs import engine_in_use
from tests.factories import VIEW_AR, VIEW_PL, VIEW_SO
from tests.submissions.test_translation_memory import run_translations, send, translations
from tests.translations.tiny_packages import tiny_package
from translations import packages
from translations.registry import open_registry

SHARED_PACKAGES = Path(__file__).resolve().parents[3] / "shared" / "argos"


def job_statuses() -> list[str]:
    with unit_of_work(read_only=True) as db:
        return sorted(db.scalars(select(Job.status).where(Job.kind == JobKind.TRANSLATE)))


def test_installing_a_package_translates_what_waited_for_it(database: str, tmp_path: Path) -> None:
    with engine_in_use(open_registry(tmp_path / "packages", bundled=False)):
        polish, somali = send(VIEW_PL, language="pl"), send(VIEW_SO, language="so")
        run_translations()
        jobs.sweep()
        assert job_statuses() == [JobStatus.WAITING, JobStatus.WAITING]
        assert [row.status for row in translations(polish)] == ["waiting_for_package"]
        # Nobody calls us: the package only appears in the folder.
        packages.install(tmp_path / "packages", str(tiny_package(tmp_path, "pl", "en", "1.4")))
        jobs.sweep()
        run_translations()
    (row,) = translations(polish)
    assert row.status in ("machine", "needs_person")  # a random model says nonsense, which the gates may see
    assert (row.engine, row.model, row.source_language) == ("argos", "argos pl-en 1.4", "pl")
    assert [row.status for row in translations(somali)] == ["waiting_for_package"]


def test_a_real_package_translates_what_waited_for_it(sqlite_database: str, tmp_path: Path) -> None:
    if not (SHARED_PACKAGES / "index.json").is_file():
        pytest.skip("../shared/argos is not here: the test with a tiny package covers the same code")
    with engine_in_use(open_registry(tmp_path / "packages", bundled=False)):
        arabic = send(VIEW_AR, language="ar")
        run_translations()
        packages.install(tmp_path / "packages", "ar-en", str(SHARED_PACKAGES))
        jobs.sweep()
        run_translations()
    (row,) = translations(arabic)
    assert row.model == "argos ar-en 1.0"
    assert row.text not in (None, "", VIEW_AR)
