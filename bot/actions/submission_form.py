"""The form: what an answer inside it means, and how each of its questions is asked."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions import submissions_client
from bot.actions.conversation_state import (
    LatestMessage,
    last_said,
    latest_message,
    message_ids,
    unplaced_message_ids,
    with_message,
)
from bot.actions.danger import answer_danger
from bot.actions.submissions_client import SubmissionsUnavailable

OFFERS_TO_START = (
    "fallback_ask",
    "out_of_scope_answer",
    "danger_help",
    "privacy_answer",
    "commission_answer",
)


class ValidateSubmissionForm(Action):
    """Reads a message as the answer to the form's question.

    No events reject the form: the message is about something else, a rule of `data/rules` answers it, and the
    form asks its question again.
    """

    def name(self) -> str:
        return "validate_submission_form"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        message = latest_message(tracker)
        requested = tracker.get_slot("requested_slot")
        if requested is None:
            return start_view(tracker, message)
        if last_said(tracker)[0] == "ask_withdraw" and message.intent in {"affirm", "deny"}:
            return []  # the answer is to the other question
        if requested == "consent":
            events = await read_consent(tracker, message)
        elif requested == "view_complete":
            events = read_part(tracker, message)
        else:
            events = read_decision(tracker, message)
        if message.is_danger and not message.is_choice:
            events = events + await answer_danger(dispatcher, tracker)
        return events


def start_view(tracker: Tracker, message: LatestMessage) -> List[EventType]:
    """The first parts: this message when it says something, or what was waiting to be placed."""
    ids = message_ids(tracker)
    if message.is_choice:
        may_be_placed = last_said(tracker)[0] in (*OFFERS_TO_START, "ask_add_or_new")
        ids = ids + [i for i in unplaced_message_ids(tracker) if may_be_placed and i not in ids]
    elif message.is_substantive and message.intent == "submit_view":
        ids = with_message(ids, message)
    return [
        SlotSet("submission_message_ids", ids),
        SlotSet("unplaced_message_ids", None),
        SlotSet("view_prompt", "view_kept" if ids else "ask_view"),
    ]


async def read_consent(tracker: Tracker, message: LatestMessage) -> List[EventType]:
    """Agreement or refusal, recorded at once; what is written before it is kept as the start of the view."""
    for intent, agreed in (("affirm", True), ("deny", False)):
        if message.answers(intent):
            # A failure fails the turn: without a record of consent there is nothing to go on with.
            await submissions_client.record_consent(tracker.sender_id, message.message_id, agreed=agreed)
            prompt = "view_kept" if message_ids(tracker) else "ask_view"
            events = [SlotSet("consent", agreed), SlotSet("view_prompt", prompt)]
            # A refusal fills the slot too: without this the form would go on to its next question.
            return events if agreed else [*events, SlotSet("requested_slot", None)]
    if message.is_substantive and not message.is_interruption:
        return [SlotSet("submission_message_ids", with_message(message_ids(tracker), message))]
    # Said so that help given here does not also look like a question nobody understood.
    return [SlotSet("consent", None)] if message.is_danger and not message.is_choice else []


def read_part(tracker: Tracker, message: LatestMessage) -> List[EventType]:
    """While collecting, every text is part of the view unless it is plainly something else."""
    ids = message_ids(tracker)
    if message.answers("affirm"):
        return [SlotSet("view_prompt", "ask_more_words")]
    if message.answers("deny"):
        if ids:
            return [SlotSet("view_complete", True), SlotSet("draft_id", None)]
        return [SlotSet("send_decision", "discard"), SlotSet("requested_slot", None)]
    if message.intent == "withdraw" and message.is_interruption and not tracker.get_slot("has_submitted"):
        return offer_changes(ids)  # nothing is sent yet: what they want gone is this
    if message.is_interruption:
        return []
    return [
        SlotSet("submission_message_ids", with_message(ids, message)),
        SlotSet("view_prompt", "view_kept"),
        SlotSet("draft_id", None),
    ]


def offer_changes(ids: List[str]) -> List[EventType]:
    if not ids:
        return [SlotSet("send_decision", "discard"), SlotSet("requested_slot", None)]
    return [SlotSet("view_complete", True), SlotSet("is_changing", True)]


def read_decision(tracker: Tracker, message: LatestMessage) -> List[EventType]:
    """Send, change, or one more part after the preview."""
    ids = message_ids(tracker)
    if message.intent == "choose_add_more":
        return [
            SlotSet("view_complete", None),
            SlotSet("is_changing", None),
            SlotSet("view_prompt", "ask_more_words"),
        ]
    if message.intent == "choose_start_again":
        return [
            SlotSet("submission_message_ids", []),
            SlotSet("view_complete", None),
            SlotSet("is_changing", None),
            SlotSet("draft_id", None),
            SlotSet("view_prompt", "ask_view"),
        ]
    if message.intent == "choose_discard":
        return [SlotSet("send_decision", "discard"), SlotSet("requested_slot", None)]
    if not tracker.get_slot("is_changing"):
        if message.answers("affirm"):
            if tracker.get_slot("draft_id") is None:  # "try again" after the preview could not be made
                return [SlotSet("send_decision", None)]
            return [SlotSet("send_decision", "send")]
        if message.answers("deny"):
            return [SlotSet("is_changing", True)]
        if message.intent == "withdraw" and message.is_interruption and not tracker.get_slot("has_submitted"):
            return offer_changes(ids)
    if message.is_interruption or message.answers("affirm") or message.answers("deny"):
        return []
    if message.is_substantive or message.intent in {"submit_view", "report_danger"}:
        return [
            SlotSet("submission_message_ids", with_message(ids, message)),
            SlotSet("is_changing", None),
            SlotSet("draft_id", None),
        ]
    return []


class ActionAskConsent(Action):
    """Asks for consent; who has just written something of the view is told first that it is kept."""

    def name(self) -> str:
        return "action_ask_submission_form_consent"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        if message_ids(tracker)[-1:] == [latest_message(tracker).message_id]:
            dispatcher.utter_message(response="utter_view_kept_before_consent")
        dispatcher.utter_message(response="utter_ask_consent")
        return []


class ActionAskViewComplete(Action):
    """Asks for the view, or for more of it."""

    def name(self) -> str:
        return "action_ask_submission_form_view_complete"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        prompt = tracker.get_slot("view_prompt") or ("view_kept" if message_ids(tracker) else "ask_view")
        dispatcher.utter_message(response=f"utter_{prompt}")
        return [SlotSet("view_prompt", prompt)]  # asked again as it was asked


class ActionAskSendDecision(Action):
    """Shows how the team will read the view and asks whether to send it."""

    def name(self) -> str:
        return "action_ask_submission_form_send_decision"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        if tracker.get_slot("is_changing"):
            dispatcher.utter_message(response="utter_ask_change")
            return []
        draft_id = tracker.get_slot("draft_id")
        if draft_id is None:
            try:
                draft = await submissions_client.create_draft(tracker.sender_id, message_ids(tracker))
            except SubmissionsUnavailable:
                dispatcher.utter_message(response="utter_submission_not_saved")
                return []
            draft_id = draft["draft_id"]
            dispatcher.utter_message(response=preview_of(draft["translation"]), draft_id=draft_id)
        dispatcher.utter_message(response="utter_ask_send", draft_id=draft_id)
        return [SlotSet("draft_id", draft_id)]


def preview_of(translation: str) -> str:
    """The response that shows a draft in this state. Raises KeyError for a state the contract does not
    know."""
    return {
        "not_needed": "utter_preview_english",
        "ready": "utter_preview_translated",
        "person": "utter_preview_person",
        "later": "utter_preview_later",
    }[translation]
