"""Models of Firefox Translations, from a mirror in the form in which Mozilla publishes them.

`registry.json` names for each pair ("esen") its files, with size and SHA-256 of what they hold; the files lie
beside it as `models/<type>/<pair>/<name>.gz`, or unpacked, or all in one folder.
Source: https://github.com/mozilla/firefox-translations-models (registry.json).
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from translations.bergamot_engine import FirefoxTranslator
from translations.errors import ModelNotLoaded, PackageNotFound, PackageRefused, PackageSourceUnavailable
from translations.package_sources import fetch_limited, is_address, shown

REGISTRY_NAME = "registry.json"
MAX_REGISTRY_BYTES = 10_000_000
MAX_FILE_BYTES = 500_000_000
# A quality model is published with some pairs; nothing of ours reads it.
PARTS = ("model", "lex", "vocab", "srcvocab", "trgvocab")
_NAME = re.compile(r"(model|lex|vocab|srcvocab|trgvocab)\.[A-Za-z0-9.]+\.(bin|spm)")


@dataclass(frozen=True)
class FirefoxFile:
    name: str
    size: int  # bytes, unpacked
    sha256: str  # of the unpacked file
    model_type: str  # "prod", "base", "tiny": a folder of the mirror


@dataclass(frozen=True)
class FirefoxPackage:
    """One pair of a registry. It has no version of its own: its model's checksum tells two apart."""

    source_language: str
    target_language: str
    files: tuple[FirefoxFile, ...]

    @property
    def pair(self) -> str:
        return f"{self.source_language}-{self.target_language}"

    @property
    def version(self) -> str:
        return next(file.sha256 for file in self.files if file.name.startswith("model."))[:12]

    @property
    def name(self) -> str:
        return f"bergamot {self.pair} {self.version}"


def is_registry(source: str) -> bool:
    """Whether a source is such a mirror: a registry.json, by path or address, or a folder that holds one."""
    if source.endswith(REGISTRY_NAME):
        return True
    return not is_address(source) and (Path(source) / REGISTRY_NAME).is_file()


def list_firefox(source: str) -> list[FirefoxPackage]:
    """The pairs of a registry. Raises PackageSourceUnavailable, and PackageRefused when it is no registry."""
    content = _read(_beside(source, REGISTRY_NAME), MAX_REGISTRY_BYTES, shown(source))
    try:
        return [_package(pair, files) for pair, files in json.loads(content).items()]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PackageRefused(shown(source), "this is not a registry of Firefox models") from error


def wanted(what: str, source: str) -> list[FirefoxPackage]:
    """The packages of a pair ("es-en") or of a language ("es": into English, and back where there is one)."""
    match = re.fullmatch(r"([a-z]{2})(?:[-_]([a-z]{2}))?", what)
    pair = match and f"{match[1]}-{match[2] or 'en'}"
    offered = {package.pair: package for package in list_firefox(source)}
    if match is None or pair not in offered:
        raise PackageNotFound(what, shown(source))
    back = None if match[2] else offered.get(f"en-{match[1]}")
    return [offered[pair], *([back] if back else [])]


def fetch(package: FirefoxPackage, source: str, folder: Path) -> None:
    """Put the package's files into a folder, each compared with the registry, and try the model.

    Raises PackageSourceUnavailable when a file cannot be had, PackageRefused when it is not what the registry
    says, or does not translate.
    """
    for file in package.files:
        content = _content(package, file, source)
        if len(content) != file.size:
            raise PackageRefused(
                package.name, f"{file.name} has {len(content)} bytes where the registry says {file.size}"
            )
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise PackageRefused(package.name, f"the checksum of {file.name} is not the one in the registry")
        (folder / file.name).write_bytes(content)
    try_out(folder, package.name)


def try_out(folder: Path, name: str) -> None:
    """Let the model translate one word. Raises PackageRefused when it cannot."""
    try:
        translator = FirefoxTranslator(folder, name=name)
    except ModelNotLoaded as error:
        raise PackageRefused(name, f"its model cannot be loaded by this program ({error.detail})") from error
    (answer,) = translator.translate_sentences(["1"])
    translator.close()
    if isinstance(answer, Exception):
        raise PackageRefused(name, "its model does not translate")


def _package(pair: str, files: dict[str, dict[str, Any]]) -> FirefoxPackage:
    if not re.fullmatch("[a-z]{4}", pair):
        raise ValueError("not a pair of languages")
    found = []
    for part, entry in files.items():
        if part not in PARTS:
            continue
        size, model_type = int(entry["size"]), str(entry["modelType"])
        if not _NAME.fullmatch(entry["name"]) or not re.fullmatch(r"[a-z][a-z-]*", model_type):
            raise ValueError("a name that would leave the folder")
        if size > MAX_FILE_BYTES:
            raise ValueError("a file that is too large")
        found.append(FirefoxFile(entry["name"], size, str(entry["expectedSha256Hash"]).lower(), model_type))
    if not any(file.name.startswith("model.") for file in found):
        raise ValueError("a pair without a model")
    return FirefoxPackage(pair[:2], pair[2:], tuple(found))


def _content(package: FirefoxPackage, file: FirefoxFile, source: str) -> bytes:
    pair = package.source_language + package.target_language
    places = [f"models/{file.model_type}/{pair}/{file.name}", f"{pair}/{file.name}", file.name]
    problem = PackageSourceUnavailable(package.name, f"{file.name} is not there")
    for place in places:
        for suffix in (".gz", ""):
            try:
                content = _read(_beside(source, place + suffix), file.size + 1_000_000, package.name)
            except PackageSourceUnavailable as error:
                problem = error
                continue
            return _unpacked(content, file, package.name) if suffix else content
    raise problem


def _unpacked(content: bytes, file: FirefoxFile, name: str) -> bytes:
    """At most one byte more than the registry says, so that a small file cannot fill the memory."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        return unpacker.decompress(content, file.size + 1)
    except zlib.error as error:
        raise PackageRefused(name, f"{file.name}.gz is damaged") from error


def _beside(source: str, place: str) -> str:
    folder = source.removesuffix(REGISTRY_NAME)
    return folder.rstrip("/") + "/" + place if folder else place


def _read(place: str, limit: int, name: str) -> bytes:
    try:
        if is_address(place):
            return fetch_limited(place, limit)
        path = Path(place)
        if path.stat().st_size > limit:
            raise PackageRefused(name, f"{path.name} is too large")
        return path.read_bytes()
    except (httpx.HTTPError, OSError) as error:
        raise PackageSourceUnavailable(name, f"{type(error).__name__}") from error
