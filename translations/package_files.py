"""Opens a package file (a zip) safely, and says in plain English why one is refused."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.version import InvalidVersion, Version

from translations.errors import PackageRefused

# The largest official package is under 400 MB; a bomb is refused before and while it unpacks.
MAX_PACKAGE_BYTES = 2_000_000_000
MAX_UNPACKED_BYTES = 4_000_000_000
MAX_FILES = 5_000
# Argos packages are of format 1.x. A newer major version would mean files we do not know how to read.
NEWEST_ARGOS_FORMAT = 1

_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class PackageMetadata:
    """What an `.argosmodel` says about itself."""

    source_language: str
    target_language: str
    version: str
    argos_version: str


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(package: Path, target: Path, *, name: str, max_unpacked_bytes: int = MAX_UNPACKED_BYTES) -> Path:
    """Unpack an `.argosmodel` into an empty folder and give back the package's own folder inside it.

    Raises PackageRefused for what is no zip, is cut off or damaged, would write outside the folder, holds
    links, or is larger than it says or than we take.
    """
    try:
        with zipfile.ZipFile(package) as archive:
            entries = archive.infolist()
            _check_entries(entries, name, max_unpacked_bytes)
            if sum(entry.file_size for entry in entries) > shutil.disk_usage(target).free * 0.9:
                raise PackageRefused(name, "there is not enough room on the disk to unpack it")
            for entry in entries:
                if not entry.is_dir():
                    _unpack_one(archive, entry, target, name)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise PackageRefused(name, f"the file is damaged or cut off ({type(error).__name__})") from error
    roots = [path for path in target.iterdir() if path.is_dir()]
    if len(roots) != 1 or len(list(target.iterdir())) != 1:
        raise PackageRefused(name, "it must hold exactly one folder")
    return roots[0]


def _check_entries(entries: list[zipfile.ZipInfo], name: str, max_unpacked_bytes: int) -> None:
    if not entries or len(entries) > MAX_FILES:
        raise PackageRefused(name, f"it holds {len(entries)} files; 1 to {MAX_FILES} are taken")
    if sum(entry.file_size for entry in entries) > max_unpacked_bytes:
        raise PackageRefused(name, f"it would unpack to more than {max_unpacked_bytes // 1_000_000} MB")
    seen: set[str] = set()
    for entry in entries:
        path = PurePosixPath(entry.filename)
        unsafe = path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename
        if unsafe or not path.parts or "\x00" in entry.orig_filename:
            raise PackageRefused(name, "a file in it would be written outside its folder")
        mode = entry.external_attr >> 16
        if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
            raise PackageRefused(name, "it holds a link or a device, which no package needs")
        if entry.flag_bits & 0x1:
            raise PackageRefused(name, "it is encrypted")
        if not entry.is_dir():
            key = str(path).casefold()
            if key in seen:
                raise PackageRefused(name, "it holds the same file twice")
            seen.add(key)


def _unpack_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, name: str) -> None:
    path = target.joinpath(*PurePosixPath(entry.filename).parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(entry) as source, path.open("xb") as file:
        while chunk := source.read(1 << 20):
            written += len(chunk)
            if written > entry.file_size:  # a header that lies about the size
                raise PackageRefused(name, "a file in it is larger than it says")
            file.write(chunk)
    if written != entry.file_size:
        raise PackageRefused(name, "the file is damaged or cut off")


def read_metadata(folder: Path, name: str) -> PackageMetadata:
    """The package's metadata, checked. Raises PackageRefused."""
    try:
        metadata: Any = json.loads((folder / "metadata.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise PackageRefused(name, "it has no metadata.json") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise PackageRefused(name, "its metadata.json cannot be read") from error
    if not isinstance(metadata, dict):
        raise PackageRefused(name, "its metadata.json is not an object")
    if metadata.get("type", "translate") != "translate":
        raise PackageRefused(name, "it is not a translation package")
    source, target = str(metadata.get("from_code")), str(metadata.get("to_code"))
    if not _LANGUAGE_CODE.fullmatch(source) or not _LANGUAGE_CODE.fullmatch(target) or source == target:
        raise PackageRefused(name, "it does not say which languages it joins")
    version, argos_version = str(metadata.get("package_version", "")), str(metadata.get("argos_version", ""))
    try:
        Version(version)
        made_for = Version(argos_version or "1.0")
    except InvalidVersion as error:
        raise PackageRefused(name, "its version number cannot be read") from error
    if made_for.major > NEWEST_ARGOS_FORMAT:
        raise PackageRefused(name, f"it is of a newer format (Argos {made_for}) than this program can read")
    for needed in ("model/model.bin", "model/config.json"):
        if not (folder / needed).is_file():
            raise PackageRefused(name, f"it has no {needed}: its format is not known to this program")
    if not any((folder / tokenizer).is_file() for tokenizer in ("sentencepiece.model", "bpe.model")):
        raise PackageRefused(name, "it has no tokenizer")
    return PackageMetadata(source, target, version, argos_version)
