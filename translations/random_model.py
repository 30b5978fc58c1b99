"""Makes real Argos packages with random weights: they load and run like trained ones and say nothing.

For benchmarks of the official size and for tiny packages in tests; nothing is downloaded.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
from ctranslate2.specs import transformer_spec
from numpy.typing import NDArray


@dataclass(frozen=True)
class ModelSize:
    """Layers of encoder and of decoder each, width, inner width, heads, pieces in the vocabulary."""

    layers: int
    width: int
    inner: int
    heads: int
    vocabulary: int


# OpenNMT's base Transformer, which Argos's official packages are.
OFFICIAL = ModelSize(layers=6, width=512, inner=2048, heads=8, vocabulary=32_000)
TINY = ModelSize(layers=1, width=16, inner=32, heads=2, vocabulary=0)

_SPECIAL = ("<unk>", "<s>", "</s>")


def train_tokenizer(sentences: Sequence[str], vocabulary_size: int) -> tuple[bytes, list[str]]:
    """A SentencePiece model trained on the sentences, and its pieces without the special ones."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        vocab_size=vocabulary_size,
        character_coverage=1.0,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [processor.id_to_piece(number) for number in range(processor.get_piece_size())]
    return model.getvalue(), [piece for piece in pieces if piece not in _SPECIAL]


def write_model(
    folder: Path, pieces: Sequence[str], size: ModelSize, *, seed: int, output_pieces: int | None = None
) -> None:
    """Write a random Transformer in CTranslate2's format, int8, to a folder that does not exist yet.

    With `output_pieces` every output ends after exactly so many pieces: one dimension that no layer writes
    to holds the position's sign, and only the end-of-sentence piece listens to it. Without, outputs end by
    a small bias.
    """
    random = np.random.default_rng(seed)
    filling = [
        f"<filling{number}>" for number in range(max(0, size.vocabulary - len(pieces) - len(_SPECIAL)))
    ]
    vocabulary = [*_SPECIAL, *pieces, *filling]
    spec = transformer_spec.TransformerSpec.from_config((size.layers, size.layers), size.heads)
    scale = 0.15 if size is TINY else size.width**-0.5
    for side in (spec.encoder, spec.decoder):
        _fill_side(side, spec.decoder, vocabulary, size, random, scale)
    projection = spec.decoder.projection
    _linear(projection, len(vocabulary), size.width, random, scale)
    # Pieces that only fill the vocabulary to its size are computed and never chosen, nor are special ones.
    projection.bias[len(_SPECIAL) + len(pieces) :] = -1000
    projection.bias[:2] = -1000
    end = vocabulary.index("</s>")
    projection.bias[end] = 1.0
    if output_pieces is not None:
        _end_after(spec, end, output_pieces)
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True)
    spec.save(str(folder))


def _fill_side(
    side: Any, decoder: Any, vocabulary: list[str], size: ModelSize, random: np.random.Generator, scale: float
) -> None:
    width = size.width
    embeddings = side.embeddings[0] if isinstance(side.embeddings, list) else side.embeddings
    embeddings.weight = random.normal(0, 2 * scale, (len(vocabulary), width)).astype(np.float32)
    side.scale_embeddings = True
    side.position_encodings.encodings = _positions(width)
    _norm(side.layer_norm, width)
    for layer in side.layer:
        _norm(layer.self_attention.layer_norm, width)
        _linear(layer.self_attention.linear[0], 3 * width, width, random, scale)
        _linear(layer.self_attention.linear[1], width, width, random, scale)
        _norm(layer.ffn.layer_norm, width)
        _linear(layer.ffn.linear_0, size.inner, width, random, scale)
        _linear(layer.ffn.linear_1, width, size.inner, random, scale)
        if side is decoder:
            _norm(layer.attention.layer_norm, width)
            _linear(layer.attention.linear[0], width, width, random, scale)
            _linear(layer.attention.linear[1], 2 * width, width, random, scale)
            _linear(layer.attention.linear[2], width, width, random, scale)


def _end_after(spec: Any, end: int, output_pieces: int) -> None:
    """Keep the last dimension for the position: negative before the end, positive from it on."""
    decoder = spec.decoder
    embeddings = decoder.embeddings[0] if isinstance(decoder.embeddings, list) else decoder.embeddings
    embeddings.weight[:, -1] = 0
    for layer in decoder.layer:
        for linear in (layer.self_attention.linear[1], layer.attention.linear[2], layer.ffn.linear_1):
            linear.weight[-1, :] = 0
    encodings = decoder.position_encodings.encodings
    encodings[:, -1] = np.where(np.arange(len(encodings)) < output_pieces, -60.0, 60.0)
    decoder.projection.weight[:, -1] = 0
    decoder.projection.weight[end, :] = 0
    decoder.projection.weight[end, -1] = 20.0
    decoder.projection.bias[end] = 0


def _linear(spec: Any, rows: int, columns: int, random: np.random.Generator, scale: float) -> None:
    spec.weight = random.normal(0, scale, (rows, columns)).astype(np.float32)
    spec.bias = np.zeros(rows, dtype=np.float32)


def _norm(spec: Any, width: int) -> None:
    spec.gamma = np.ones(width, dtype=np.float32)
    spec.beta = np.zeros(width, dtype=np.float32)


def _positions(width: int, length: int = 512) -> NDArray[np.float32]:
    steps = np.arange(length)[:, None] / np.power(10_000, np.arange(width // 2)[None, :] / (width // 2))
    return np.concatenate([np.sin(steps), np.cos(steps)], axis=1).astype(np.float32)


def package_files(
    source: str,
    target: str,
    version: str,
    tokenizer: bytes,
    model: Path,
    **metadata: object,
) -> dict[str, bytes]:
    """The files of an `.argosmodel` by their names in the zip; `metadata` overrides the usual entries."""
    folder = f"translate-{source}_{target}-{version.replace('.', '_')}"
    described = {
        "package_version": version,
        "argos_version": "1.9.0",
        "from_code": source,
        "from_name": source,
        "to_code": target,
        "to_name": target,
        "type": "translate",
        **metadata,
    }
    return {
        f"{folder}/metadata.json": json.dumps(described).encode(),
        f"{folder}/sentencepiece.model": tokenizer,
        **{f"{folder}/model/{path.name}": path.read_bytes() for path in sorted(model.iterdir())},
    }


def write_package(path: Path, files: dict[str, bytes], *, compressed: bool = True) -> Path:
    """A package file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def official_size_package(
    path: Path,
    sentences: Sequence[str],
    *,
    source: str,
    target: str,
    output_pieces: int,
    vocabulary_size: int,
) -> Path:
    """A package of the official size (97 MB) whose tokenizer knows the sentences."""
    tokenizer, pieces = train_tokenizer(sentences, vocabulary_size)
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model"
        write_model(model, pieces, OFFICIAL, seed=1, output_pieces=output_pieces)
        files = package_files(source, target, "1.0", tokenizer, model)
    return write_package(path, files, compressed=False)
