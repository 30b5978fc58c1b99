"""Rasa's agent and processor, made to fail loudly and to know a message they have answered before.

Rasa logs an action's exception and goes on as if nothing had been said, wraps the tracker store so that
a failed
save goes to memory, and stops silently after too many predictions. Here each of these is an error, the
turn is not
saved, and the gateway tries the same message again. Source: rasa 3.6.21, core/processor.py,
core/tracker_store.py.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Dict, List, Optional

import rasa.core.actions.action
from jsonschema import Draft202012Validator
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, OutputChannel, UserMessage
from rasa.core.lock_store import InMemoryLockStore, LockStore
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.exceptions import ActionLimitReached
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecutionRejected, BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot.channel.text_traits import describe_text

logger = logging.getLogger(__name__)

TURN_TIMEOUT_SECONDS = (
    45.0  # under the lock's life of 60 s, over the 6 s a draft may wait for its translation
)
LOCK_POLL_SECONDS = 0.05  # Rasa's own is a second, long for someone who sends three short messages
HARMLESS_START = "\u2060"  # word joiner: Rasa reads a text that starts with "/" as a command


# Rasa's own check of an action's answer first checks the schema itself, at 30 ms a call: most of a turn.
_ACTION_ANSWER = Draft202012Validator(rasa.core.actions.action.RemoteAction.action_response_format_spec())


def _check_action_answer(action: rasa.core.actions.action.RemoteAction, answer: Any) -> bool:
    """True for an answer in Rasa's format. Raises jsonschema's ValidationError, as Rasa's own does."""
    _ACTION_ANSWER.validate(answer)
    return True


# Forms make their remote actions themselves, so the method is replaced where all of them find it.
rasa.core.actions.action.RemoteAction._validate_action_result = _check_action_answer


class TurnFailed(Exception):
    """A turn could not be finished; nothing of it was saved, so that it may be repeated."""


class UnknownChoice(Exception):
    """A choice that is no intent of the domain."""


class FaithfulProcessor(MessageProcessor):
    """A message processor whose failed actions fail the turn."""

    async def _run_action(
        self,
        action: rasa.core.actions.action.Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        """As Rasa's, without its `except Exception: events = []`."""
        try:
            # On a copy: a rejected form must leave no trace of the prediction's events.
            temporary_tracker = tracker.copy()
            temporary_tracker.update_with_events(prediction.events, self.domain)
            events = await action.run(output_channel, nlg, temporary_tracker, self.domain)
        except rasa.core.actions.action.ActionExecutionRejection:
            tracker.update(
                ActionExecutionRejected(action.name(), prediction.policy_name, prediction.max_confidence)
            )
            return self.should_predict_another_action(action.name())
        except Exception as error:
            raise TurnFailed(f"action {action.name()} failed: {type(error).__name__}") from error
        self._log_action_on_tracker(tracker, action, events, prediction)
        return self.should_predict_another_action(action.name())

    async def take_turn(self, message: UserMessage, tracker: DialogueStateTracker) -> None:
        """As `handle_message`, on a tracker read already: to rebuild it twice more is slow."""
        await self._update_tracker_session(tracker, message.output_channel, message.metadata)
        await self._handle_message_with_tracker(message, tracker)
        await self.run_action_extract_slots(message.output_channel, tracker)
        await self._run_prediction_loop(message.output_channel, tracker)
        await self.save_tracker(tracker)

    def predict_next_with_tracker_if_should(self, tracker: DialogueStateTracker) -> Any:
        try:
            return super().predict_next_with_tracker_if_should(tracker)
        except ActionLimitReached as error:
            raise TurnFailed("more actions in a turn than a conversation needs") from error


class FaithfulAgent(Agent):
    """An agent with the processor above and a tracker store that does not fall back to memory."""

    def load_model(self, model_path: str | Path, fingerprint: Optional[str] = None) -> None:
        self.processor = FaithfulProcessor(
            model_path=model_path,
            tracker_store=self.tracker_store,
            lock_store=self.lock_store,
            action_endpoint=self.action_endpoint,
            generator=self.nlg,
        )
        self.domain = self.processor.domain
        self._set_fingerprint(fingerprint)
        self.tracker_store.domain = self.domain
        self.nlg.responses = self.domain.responses

    @staticmethod
    def _create_tracker_store(store: Optional[TrackerStore], domain: Domain) -> TrackerStore:
        if store is None:
            raise ValueError("the assistant needs a tracker store that survives a restart")
        return store

    @staticmethod
    def _create_lock_store(store: Optional[LockStore]) -> LockStore:
        return store or InMemoryLockStore()

    async def understand(self, text: str) -> Dict[str, Any]:
        """`{"name", "confidence"}` of a text's intent; it never runs as a command."""
        parsed = await self.processor.parse_message(UserMessage(make_harmless(text)))
        return {"name": parsed["intent"]["name"], "confidence": float(parsed["intent"]["confidence"])}

    async def answer(
        self,
        *,
        message_id: str,
        conversation_id: str,
        text: str,
        language: Optional[str],
        channel: str,
        choice: Optional[str],
    ) -> Dict[str, Any]:
        """The answer to a message: `{"message_id", "intent", "replies"}`.

        The same message id gives the same answer again and changes nothing, also after a restart: the
        answer is read
        from the tracker, which is saved in one commit at the end of the turn. Raises UnknownChoice;
        TurnFailed,
        LockError or the database's own error when the turn could not be finished and may be repeated.
        """
        if choice is not None and choice not in self.domain.intents:
            raise UnknownChoice(choice)
        async with self.lock_store.lock(conversation_id, wait_time_in_seconds=LOCK_POLL_SECONDS):
            tracker = await self.processor.get_tracker(conversation_id)
            known = find_answer(tracker, message_id)
            if known is not None:
                return known
            intent = await self.understand(text) if choice is None else {"name": choice, "confidence": 1.0}
            traits = describe_text(text)
            message = UserMessage(
                text="",  # the words stay with the record: not in the tracker, not in a call to an action
                output_channel=CollectingOutputChannel(),
                sender_id=conversation_id,
                input_channel=channel,
                message_id=message_id,
                parse_data={"text": "", "intent": intent, "entities": []},
                metadata={
                    "message_id": message_id,
                    "language": language,
                    "channel": channel,
                    "is_choice": choice is not None,
                    "words": traits.words,
                    "is_substantive": choice is None and traits.is_substantive,
                },
            )
            try:
                await asyncio.wait_for(self.processor.take_turn(message, tracker), TURN_TIMEOUT_SECONDS)
            except TimeoutError as error:
                raise TurnFailed(f"the turn took longer than {TURN_TIMEOUT_SECONDS:.0f} s") from error
            answer = find_answer(tracker, message_id)
            if answer is None:
                raise TurnFailed("the turn left no trace of its message")
            return answer

    async def forget(self, conversation_id: str) -> int:
        """Delete all that is known of a conversation; how many events that were."""
        store = self.tracker_store
        if not isinstance(store, SQLTrackerStore):
            raise TypeError(f"cannot forget a conversation in a {type(store).__name__}")
        async with self.lock_store.lock(conversation_id, wait_time_in_seconds=LOCK_POLL_SECONDS):
            with store.session_scope() as session:
                deleted = session.query(store.SQLEvent).filter_by(sender_id=conversation_id).delete()
                session.commit()
        return int(deleted)


def make_harmless(text: str) -> str:
    """The text so that Rasa reads it as a text: not as a command, and not as nothing at all."""
    stripped = text.strip()
    return HARMLESS_START + stripped if not stripped or stripped.startswith("/") else stripped


def find_answer(tracker: DialogueStateTracker, message_id: str) -> Optional[Dict[str, Any]]:
    """The answer this conversation gave to a message, from its events; None when the message is new."""
    answer: Optional[Dict[str, Any]] = None
    replies: List[Dict[str, Any]] = []
    for event in tracker.events:
        if isinstance(event, UserUttered):
            if answer is not None:
                break
            if event.metadata.get("message_id") == message_id:
                answer = {"message_id": message_id, "intent": dict(event.intent), "replies": replies}
        elif isinstance(event, BotUttered) and answer is not None:
            replies.append(event.data["custom"])
    return answer


def open_agent(
    model_path: Path,
    *,
    tracker_store: TrackerStore,
    lock_store: LockStore,
    nlg: EndpointConfig,
    action_endpoint: EndpointConfig,
) -> FaithfulAgent:
    agent = FaithfulAgent(
        domain=Domain.empty(),
        generator=nlg,
        tracker_store=tracker_store,
        lock_store=lock_store,
        action_endpoint=action_endpoint,
    )
    agent.load_model(model_path)
    return agent
