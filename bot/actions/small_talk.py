"""Greeting, going on after a change of language, a person, stopping, and not being sure."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions import submissions_client
from bot.actions.conversation_state import (
    SUBMISSION_FORM,
    last_said,
    latest_message,
    unplaced_message_ids,
    with_message,
)


def welcome(dispatcher: CollectingDispatcher, tracker: Tracker) -> List[EventType]:
    """Who this is; then the form, or, after a sent view, what can be done with it."""
    dispatcher.utter_message(response="utter_welcome")
    if not tracker.get_slot("has_submitted"):
        return [FollowupAction(SUBMISSION_FORM)]
    dispatcher.utter_message(
        response="utter_ask_add_or_new", reference=tracker.get_slot("submission_reference")
    )
    return []


class ActionWelcome(Action):
    def name(self) -> str:
        return "action_welcome"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        return welcome(dispatcher, tracker)


class ActionResume(Action):
    """After a language was chosen: a welcome at the start, else what was said last, now in that language."""

    def name(self) -> str:
        return "action_resume"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        said, arguments = last_said(tracker, leave_out=("choose_language",))
        if said is None:
            return welcome(dispatcher, tracker)
        dispatcher.utter_message(response=f"utter_{said}", **arguments)
        return []


class ActionInvite(Action):
    """After an answer to somebody who has not begun: the invitation to. Nobody is asked twice who said no."""

    def name(self) -> str:
        return "action_invite"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        has_begun = tracker.get_slot("consent") is not None or tracker.get_slot("has_submitted")
        if has_begun or tracker.get_slot("consent_was_refused"):
            return []
        return [FollowupAction(SUBMISSION_FORM)]


class ActionRequestHuman(Action):
    def name(self) -> str:
        return "action_request_human"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        await submissions_client.request_human(tracker.sender_id, latest_message(tracker).message_id)
        dispatcher.utter_message(response="utter_human_contact")
        return []


class ActionStop(Action):
    """Stops asking. What was written stays in the slots, should they come back."""

    def name(self) -> str:
        return "action_stop"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        dispatcher.utter_message(response="utter_stopped")
        return [ActiveLoop(None), SlotSet("requested_slot", None)]


class ActionFallback(Action):
    """Not sure, or not our business: say so and offer ways on. A long text is kept aside: it may be a
    view."""

    def name(self) -> str:
        return "action_fallback"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        message = latest_message(tracker)
        said, arguments = last_said(tracker)
        if said in {"ask_withdraw", "ask_add_or_new"} and not message.is_substantive:
            dispatcher.utter_message(response=f"utter_{said}", **arguments)
            return []
        out_of_scope = message.intent == "out_of_scope"
        dispatcher.utter_message(
            response="utter_out_of_scope_answer" if out_of_scope else "utter_fallback_ask"
        )
        if not message.is_substantive:
            return []
        return [SlotSet("unplaced_message_ids", with_message(unplaced_message_ids(tracker), message))]


class ActionAskAgain(Action):
    """Where no rule says anything: inside the form its question is asked again, outside we ask what they
    mean."""

    def name(self) -> str:
        return "action_ask_again"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        if tracker.active_loop.get("name") == SUBMISSION_FORM:
            return [FollowupAction(SUBMISSION_FORM)]
        dispatcher.utter_message(response="utter_fallback_ask")
        return [FollowupAction("action_listen")]  # no rule follows this action: it would be predicted again
