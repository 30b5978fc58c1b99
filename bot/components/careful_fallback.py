"""Asks rather than guesses, and asks sooner where a wrong guess would do something."""

from __future__ import annotations

from typing import Any, Dict

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY
from rasa.shared.nlu.training_data.message import Message


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class CarefulFallback(FallbackClassifier):
    """Rasa's fallback with a higher threshold for the intents that send, refuse, withdraw or end something.

    A question too many costs the resident a line; a "yes" or a "stop" that nobody said costs more.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        return {**FallbackClassifier.get_default_config(), "careful_threshold": 0.5, "careful_intents": []}

    def _should_fallback(self, message: Message) -> bool:
        if super()._should_fallback(message):
            return True
        guess = message.data[INTENT]
        return (
            guess.get(INTENT_NAME_KEY) in self.component_config["careful_intents"]
            and guess.get(PREDICTED_CONFIDENCE_KEY) < self.component_config["careful_threshold"]
        )
