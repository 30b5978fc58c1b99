"""Which intent a text has: a kernel machine over e5 sentence features joined with one over its characters."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier as RasaIntentClassifier
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.e5_featurizer import E5Featurizer
from bot.components.intent_model import IntentModel


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(GraphComponent, RasaIntentClassifier):
    """Rasa's side of `IntentModel`: reads the messages' dense features, sets intent and ranking."""

    def __init__(
        self, model_storage: ModelStorage, resource: Resource, model: Optional[IntentModel] = None
    ) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> IntentClassifier:
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> IntentClassifier:
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, IntentModel.load(folder / "intents.skops"))

    @classmethod
    def required_components(cls) -> List[Type]:
        return [E5Featurizer]

    @staticmethod
    def required_packages() -> List[str]:
        return ["sklearn", "skops"]

    def train(self, training_data: TrainingData) -> Resource:
        examples = [message for message in training_data.intent_examples if message.get(TEXT)]
        self._model = IntentModel.train(
            texts=[message.get(TEXT) for message in examples],
            vectors=np.stack([sentence_vector(message) for message in examples]),
            intents=[message.get(INTENT) for message in examples],
        )
        with self._model_storage.write_to(self._resource) as folder:
            self._model.save(folder / "intents.skops")
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        if self._model is None:
            raise RuntimeError("the intent classifier was used before it was trained or loaded")
        for message in messages:
            text = message.get(TEXT)
            if not text:
                continue
            ranking = [
                {"name": intent, "confidence": confidence}
                for intent, confidence in self._model.rank(text, sentence_vector(message))
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages


def sentence_vector(message: Message) -> np.ndarray:
    """The message's e5 vector, (384,). Raises ValueError when no featurizer has run."""
    for features in message.features:
        if features.type == FEATURE_TYPE_SENTENCE and features.attribute == TEXT and features.is_dense():
            return np.asarray(features.features).reshape(-1)
    raise ValueError("a message without sentence features: is the e5 featurizer in the pipeline?")
