"""Train the assistant if its files have changed: `python -m bot.train`.

The model is named by the hash of what it was made from, so that a second run finds it and does nothing.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import contextlib
import fcntl
import hashlib
import io
import sys
import time
import warnings
from pathlib import Path
from typing import Iterator, Optional

from bot.settings import BOT_FOLDER, MODELS_FOLDER

MARKER = MODELS_FOLDER / "current"  # holds the name of the model to use
INPUTS = ("config.yml", "domain", "data", "components")


class TrainingFailed(Exception):
    """No model was made; the message says why."""


def training_files() -> Iterator[Path]:
    for name in INPUTS:
        path = BOT_FOLDER / name
        if path.is_file():
            yield path
        else:
            yield from sorted(p for p in path.rglob("*") if p.suffix in {".yml", ".py"})


def training_hash() -> str:
    """A hash of everything a model is made from, 16 hexadecimal characters."""
    digest = hashlib.sha256(version_of_rasa().encode())
    for path in training_files():
        digest.update(f"\n{path.relative_to(BOT_FOLDER).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def version_of_rasa() -> str:
    from importlib.metadata import version

    return version("rasa")


def model_path(name: str) -> Path:
    return MODELS_FOLDER / f"{name}.tar.gz"


def current_model() -> Optional[Path]:
    """The model to use, or None when none was trained."""
    if not MARKER.exists():
        return None
    path = model_path(MARKER.read_text(encoding="ascii").strip())
    return path if path.exists() else None


def train_if_changed() -> Path:
    """The trained model's path. Raises TrainingFailed, in plain words."""
    MODELS_FOLDER.mkdir(parents=True, exist_ok=True)
    with (MODELS_FOLDER / "training.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two who start together train once
        return _train_if_changed()


def _train_if_changed() -> Path:
    name = training_hash()
    path = model_path(name)
    if path.exists():
        _say("The assistant is trained already; none of its files has changed.")
    else:
        _say("Training the assistant: about four minutes the first time, less when only a few files changed.")
        started = time.monotonic()
        _train(name)
        _say(f"The assistant is trained ({time.monotonic() - started:.0f} s).")
    MARKER.write_text(name + "\n", encoding="ascii")
    for old in MODELS_FOLDER.glob("*.tar.gz"):
        if old != path:
            old.unlink()
    return path


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _train(name: str) -> None:
    warnings.filterwarnings("ignore")
    import logging

    logging.disable(logging.WARNING)
    import structlog  # Rasa's second logger, which would write every rule's states

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    import rasa.model_training

    # Under another name first: a training that was interrupted leaves no model that looks whole.
    progress = io.StringIO()  # bars and colours; shown only when something went wrong
    try:
        with contextlib.redirect_stdout(progress), contextlib.redirect_stderr(progress):
            result = rasa.model_training.train(
                domain=str(BOT_FOLDER / "domain"),
                config=str(BOT_FOLDER / "config.yml"),
                training_files=[str(BOT_FOLDER / "data")],
                output=str(MODELS_FOLDER / "unfinished"),
                fixed_model_name=name,
                force_training=True,
            )
    except Exception as error:
        raise TrainingFailed(f"{progress.getvalue()}\nThe assistant could not be trained: {error}") from error
    if result.code != 0 or not result.model:
        raise TrainingFailed(f"{progress.getvalue()}\nThe assistant could not be trained.")
    Path(result.model).replace(model_path(name))


if __name__ == "__main__":
    try:
        train_if_changed()
    except TrainingFailed as error:
        sys.exit(str(error))
