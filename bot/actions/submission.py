"""What follows the form (sent, discarded, refused), and a view that comes after a sent one."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions import submissions_client
from bot.actions.conversation_state import (
    SUBMISSION_FORM,
    forget_view,
    last_said,
    latest_message,
    message_ids,
    times_just_said,
    unplaced_message_ids,
    with_message,
)
from bot.actions.submissions_client import SubmissionsUnavailable
from bot.actions.withdraw import ActionWithdraw

WORDS_OF_AN_ACKNOWLEDGEMENT = 2
TIMES_ASKED_BEFORE_WORDS_ARE_DROPPED = 2


class ActionSubmitSubmission(Action):
    """Runs when the form is over: sends the view, or says that it was not sent."""

    def name(self) -> str:
        return "action_submit_submission"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        if tracker.get_slot("consent") is False:
            dispatcher.utter_message(response="utter_consent_refused")
            return [*forget_view(), SlotSet("consent", None), SlotSet("consent_was_refused", True)]
        if tracker.get_slot("send_decision") != "send":
            dispatcher.utter_message(response="utter_view_discarded")
            return forget_view()
        adding_to = tracker.get_slot("adding_to")
        ids = message_ids(tracker)  # same ids, same submission: safe to repeat
        try:
            if adding_to:
                reference = await submissions_client.add_to_submission(tracker.sender_id, adding_to, ids)
            else:
                reference = await submissions_client.create_submission(tracker.sender_id, ids)
        except SubmissionsUnavailable:
            dispatcher.utter_message(response="utter_submission_not_saved")
            # The slots stay and the form's last question stays open, so nobody has to write it all again.
            return [
                ActiveLoop(SUBMISSION_FORM),
                SlotSet("send_decision", None),
                SlotSet("requested_slot", "send_decision"),
                FollowupAction("action_listen"),
            ]
        dispatcher.utter_message(
            response="utter_addition_saved" if adding_to else "utter_submission_saved", reference=reference
        )
        return [*forget_view(), SlotSet("submission_reference", reference), SlotSet("has_submitted", True)]


class ActionBeginView(Action):
    """A view outside the form: the form begins, or, after a sent view, the question where this one
    belongs."""

    def name(self) -> str:
        return "action_begin_view"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        message = latest_message(tracker)
        if not tracker.get_slot("has_submitted"):
            return [FollowupAction(SUBMISSION_FORM)]
        waiting = unplaced_message_ids(tracker)
        if message.is_substantive:
            waiting = with_message(waiting, message)
        dispatcher.utter_message(
            response="utter_ask_add_or_new", reference=tracker.get_slot("submission_reference")
        )
        return [SlotSet("unplaced_message_ids", waiting)]


class ActionAddToSubmission(Action):
    """Adds what they wrote to the view already sent, or asks for the words first."""

    def name(self) -> str:
        return "action_add_to_submission"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        reference = tracker.get_slot("submission_reference")
        if not reference:
            return [FollowupAction(SUBMISSION_FORM)]
        waiting = unplaced_message_ids(tracker)
        if not waiting:
            return [SlotSet("adding_to", reference), FollowupAction(SUBMISSION_FORM)]
        try:
            await submissions_client.add_to_submission(tracker.sender_id, reference, waiting)
        except SubmissionsUnavailable:
            dispatcher.utter_message(response="utter_submission_not_saved")
            return []  # what waits still waits; "try again" comes back here
        dispatcher.utter_message(response="utter_addition_saved", reference=reference)
        return [SlotSet("unplaced_message_ids", None)]


class ActionNewView(Action):
    """Another view of its own, begun with what they wrote."""

    def name(self) -> str:
        return "action_new_view"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        return [FollowupAction(SUBMISSION_FORM)]


class ActionAnswerAffirm(Action):
    """A yes outside the form, read by the question before it."""

    def name(self) -> str:
        return "action_answer_affirm"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        said, arguments = last_said(tracker)
        if said == "ask_withdraw":
            return await ActionWithdraw().run(dispatcher, tracker, domain)
        if said == "submission_not_saved" and unplaced_message_ids(tracker):
            return await ActionAddToSubmission().run(dispatcher, tracker, domain)
        if said == "ask_add_or_new":
            dispatcher.utter_message(response="utter_ask_add_or_new", **arguments)
            return []
        if not tracker.get_slot("has_submitted"):
            return [FollowupAction(SUBMISSION_FORM)]
        if latest_message(tracker).words <= WORDS_OF_AN_ACKNOWLEDGEMENT:  # "ok"
            dispatcher.utter_message(response="utter_goodbye")
        else:  # "I want to add something" is a yes to what they can do now
            dispatcher.utter_message(
                response="utter_ask_add_or_new", reference=tracker.get_slot("submission_reference")
            )
        return []


class ActionAnswerDeny(Action):
    """A no outside the form, read by the question before it."""

    def name(self) -> str:
        return "action_answer_deny"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        said, arguments = last_said(tracker)
        if said == "ask_withdraw":
            dispatcher.utter_message(response="utter_withdraw_kept", **arguments)
            return []
        if said == "ask_add_or_new":
            # "That's it" is a no to the classifier: words are dropped only when no is said twice.
            waits = unplaced_message_ids(tracker)
            if waits and times_just_said(tracker, "ask_add_or_new") < TIMES_ASKED_BEFORE_WORDS_ARE_DROPPED:
                dispatcher.utter_message(response="utter_ask_add_or_new", **arguments)
                return []
            dispatcher.utter_message(response="utter_view_discarded" if waits else "utter_goodbye")
            return [SlotSet("unplaced_message_ids", None)]
        dispatcher.utter_message(response="utter_goodbye")
        return []
