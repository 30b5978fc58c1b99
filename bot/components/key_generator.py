"""Answers are message keys with arguments; `channels.rendering` words them in the resident's language."""

from __future__ import annotations

from typing import Any, Dict, Optional

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

RESPONSE_PREFIX = "utter_"
# What the action server sends beside a response's arguments.
_NOT_ARGUMENTS = {"text", "buttons", "elements", "custom", "template", "image", "attachment", "quick_replies"}


class UnknownResponse(Exception):
    """An action named a response that no domain file has."""


class KeyGenerator(TemplatedNaturalLanguageGenerator):
    """Hands on a response's name, its arguments and its options; the English in the domain is for the
    reader."""

    def __init__(self, endpoint_config: EndpointConfig, domain: Domain) -> None:
        super().__init__(domain.responses)  # the agent sets them again once the model is loaded

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> Optional[Dict[str, Any]]:
        """`{"custom": {"key", "arguments", "options": [{"key", "payload"}]}}`. Raises UnknownResponse."""
        if utter_action not in self.responses:
            raise UnknownResponse(utter_action)
        buttons = self.responses[utter_action][0].get("buttons", [])
        return {
            "custom": {
                "key": utter_action[len(RESPONSE_PREFIX) :],
                "arguments": {
                    name: value
                    for name, value in kwargs.items()
                    if name not in _NOT_ARGUMENTS and value is not None
                },
                "options": [{"key": button["title"], "payload": button["payload"]} for button in buttons],
            }
        }
