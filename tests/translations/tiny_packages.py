"""Builds tiny real `.argosmodel` packages in a second: a random Transformer and a trained SentencePiece.

What they say is nonsense; that they load, translate and say the same again is what tests need.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from translations.random_model import TINY, package_files, train_tokenizer, write_model, write_package

SENTENCES = [
    "We need more lights in the park because people feel unsafe at night.",
    "Potrzebujemy więcej światła w parku.",
    "Necesitamos más clases de inglés para las madres.",
    "La bibliothèque ne doit pas fermer le samedi.",
    "نحتاج إلى المزيد من الدروس في المدرسة",
    "As crianças precisam de um lugar seguro para brincar depois da escola.",
]


@cache
def _tokenizer() -> tuple[bytes, tuple[str, ...]]:
    model, pieces = train_tokenizer(SENTENCES * 5, 160)
    return model, tuple(pieces)


@cache
def _model_files(seed: int) -> dict[str, bytes]:
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        write_model(folder, _tokenizer()[1], TINY, seed=seed)
        return package_files("xx", "yy", "1.0", b"", folder)


def tiny_files(
    source: str, target: str, version: str = "1.0", *, seed: int = 4, **metadata: object
) -> dict[str, bytes]:
    """The files of a package by their names in the zip."""
    with TemporaryDirectory() as scratch:
        for name, content in _model_files(seed).items():
            if "/model/" in name:
                (Path(scratch) / name.rsplit("/", 1)[1]).write_bytes(content)
        return package_files(source, target, version, _tokenizer()[0], Path(scratch), **metadata)


write_zip = write_package


def tiny_package(
    folder: Path, source: str, target: str, version: str = "1.0", *, seed: int = 4, **metadata: object
) -> Path:
    """A package file in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"translate-{source}_{target}-{version.replace('.', '_')}.argosmodel"
    return write_zip(path, tiny_files(source, target, version, seed=seed, **metadata))


def index_entry(path: Path, *, link: str | None = None, checksum: bool = True) -> dict[str, object]:
    """The line of an index for a package file."""
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("metadata.json"))
        entry = json.loads(archive.read(name))
    entry |= {"links": [link or f"file:{path.name}"]}
    if checksum:
        entry |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}
    return entry


def write_index(folder: Path, entries: list[dict[str, object]]) -> Path:
    path = folder / "index.json"
    path.write_text(json.dumps(entries), "utf-8")
    return path
