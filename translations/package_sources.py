"""Where packages come from: the index of Argos Translate, a mirror of it, or a file at hand.

An index is a JSON list as Argos publishes it; a mirror's may add `sha256` and `size`, and its links may be
`file:` names beside the index. Nothing here is called while messages are translated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpx
from packaging.version import InvalidVersion, Version

from translations.errors import PackageNotFound, PackageRefused, PackageSourceUnavailable
from translations.package_files import MAX_PACKAGE_BYTES, sha256_of

MAX_INDEX_BYTES = 10_000_000
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@dataclass(frozen=True)
class AvailablePackage:
    """One line of an index. `links` are http(s) addresses or paths, tried in order."""

    source_language: str
    target_language: str
    version: str
    links: tuple[str, ...]
    sha256: str | None = None  # None where the index has none, as Argos's own has not
    size: int | None = None  # bytes
    engine: str = "argos"

    @property
    def pair(self) -> str:
        return f"{self.source_language}-{self.target_language}"

    @property
    def name(self) -> str:
        return f"{self.engine} {self.pair} {self.version}"


def list_available(source: str) -> list[AvailablePackage]:
    """The packages of an index: an http(s) address of the JSON file or its folder, or a path to either.

    Raises PackageSourceUnavailable when it cannot be read and PackageRefused when it is no index.
    """
    text, base = _read_index(source)
    try:
        entries = json.loads(text)
        if not isinstance(entries, list):
            raise TypeError("not a list")
        packages = [
            _available(entry, base) for entry in entries if entry.get("type", "translate") == "translate"
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PackageRefused(shown(source), "this is not an index of language packages") from error
    return [package for package in packages if package is not None]


def find_available(source: str, pair: str) -> AvailablePackage:
    """The newest package of that pair ("es-en"). Raises PackageNotFound."""
    packages = [package for package in list_available(source) if package.pair == pair]
    if not packages:
        raise PackageNotFound(pair, shown(source))
    return max(packages, key=lambda package: Version(package.version))


@contextmanager
def fetched(package: AvailablePackage, folder: Path) -> Iterator[Path]:
    """The package's file, its size and checksum compared with the index; a download is deleted afterwards.

    Raises PackageSourceUnavailable when no link works, PackageRefused when what came is not what the index
    names.
    """
    problems = []
    for link in package.links:
        path = folder / "download.argosmodel"
        is_local = not is_address(link)
        try:
            if is_local:
                path = Path(link)
                if not path.is_file():
                    raise FileNotFoundError("the file is not there")
            else:
                _download(link, path, package)
            _check(package, path)
            yield path
            return
        except (httpx.HTTPError, OSError) as error:
            problems.append(f"{type(error).__name__}: {error}")
        finally:
            if not is_local:
                path.unlink(missing_ok=True)
    raise PackageSourceUnavailable(package.name, "; ".join(problems) or "the index has no link we follow")


def shown(source: str) -> str:
    """The source without its folders or password, for messages and records."""
    if is_address(source):
        return urlsplit(source).hostname or source
    return Path(source).name


def is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _read_index(source: str) -> tuple[str, str]:
    """The index's text, and the address or path its links are relative to."""
    if is_address(source):
        address = source if source.endswith(".json") else source.rstrip("/") + "/index.json"
        try:
            content = fetch_limited(address, MAX_INDEX_BYTES)
        except httpx.HTTPError as error:
            raise PackageSourceUnavailable(shown(source), f"{type(error).__name__}: {error}") from error
        return content.decode("utf-8", "replace"), address
    path = Path(source)
    path = path / "index.json" if path.is_dir() else path
    try:
        return path.read_text("utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise PackageSourceUnavailable(shown(source), type(error).__name__) from error


def _available(entry: dict[str, Any], base: str) -> AvailablePackage | None:
    try:
        Version(str(entry["package_version"]))
    except InvalidVersion:
        return None
    links = [_resolve(str(link), base) for link in entry.get("links", [])]
    sha256, size = entry.get("sha256"), entry.get("size")
    return AvailablePackage(
        source_language=str(entry["from_code"]),
        target_language=str(entry["to_code"]),
        version=str(entry["package_version"]),
        links=tuple(link for link in links if link is not None),
        sha256=str(sha256).lower() if sha256 else None,
        size=int(size) if size is not None else None,
    )


def _resolve(link: str, base: str) -> str | None:
    """Where a link leads, or None for a kind we do not follow (ipfs:, or a file: outside the mirror)."""
    if is_address(link):
        return link
    if not link.startswith("file:"):
        return None
    name = unquote(link.removeprefix("file:"))
    if not name or name.startswith(("/", "\\")) or ".." in Path(name).parts:
        return None  # an index must not make us read other files of this machine
    return urljoin(base, name) if is_address(base) else str(Path(base).parent / name)


def _download(link: str, path: Path, package: AvailablePackage) -> None:
    limit = min(package.size or MAX_PACKAGE_BYTES, MAX_PACKAGE_BYTES)
    with httpx.stream("GET", link, timeout=_TIMEOUT, follow_redirects=True) as response:
        response.raise_for_status()
        received = 0
        with path.open("wb") as file:
            for chunk in response.iter_bytes(1 << 20):
                received += len(chunk)
                if received > limit:
                    raise PackageRefused(package.name, "what the link gives is larger than it should be")
                file.write(chunk)


def fetch_limited(address: str, limit: int) -> bytes:
    """What an address gives. Raises httpx.HTTPError, and PackageRefused beyond `limit` bytes."""
    with httpx.stream("GET", address, timeout=_TIMEOUT, follow_redirects=True) as response:
        response.raise_for_status()
        return _read_limited(response, limit)


def _read_limited(response: httpx.Response, limit: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes(1 << 16):
        content += chunk
        if len(content) > limit:
            raise PackageRefused("what was fetched", "it is larger than it should be")
    return bytes(content)


def _check(package: AvailablePackage, path: Path) -> None:
    size = path.stat().st_size
    if package.size is not None and size != package.size:
        raise PackageRefused(package.name, f"it has {size} bytes where the index says {package.size}")
    if package.sha256 is not None and sha256_of(path) != package.sha256:
        raise PackageRefused(package.name, "its checksum is not the one in the index")
