"""A report of danger: help at once, whatever else is going on, and the team is told."""

from __future__ import annotations

import logging
from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.actions import submissions_client
from bot.actions.conversation_state import latest_message, unplaced_message_ids, with_message
from bot.actions.submissions_client import SubmissionsUnavailable

logger = logging.getLogger(__name__)


async def answer_danger(dispatcher: CollectingDispatcher, tracker: Tracker) -> List[EventType]:
    """Give the help lines and flag the conversation; a flag that could not be set is set with the next
    report or by
    the gateway, which sees the intent: help must never wait for the record."""
    dispatcher.utter_message(response="utter_danger_help")
    waiting = [*(tracker.get_slot("unreported_danger_ids") or [])]
    message_id = latest_message(tracker).message_id
    if message_id not in waiting:
        waiting.append(message_id)
    return await report(tracker.sender_id, waiting)


async def report(conversation_id: str, waiting: List[str]) -> List[EventType]:
    """Report each message; those that could not be reported stay in the slot."""
    failed: List[str] = []
    for message_id in waiting:
        try:
            await submissions_client.report_danger(conversation_id, message_id)
        except SubmissionsUnavailable:
            logger.error("danger report waits for the record: message %s", message_id)
            failed.append(message_id)
    return [SlotSet("unreported_danger_ids", failed or None)]


class ActionReportDanger(Action):
    """Outside a form; the text is kept aside in case they go on to give a view."""

    def name(self) -> str:
        return "action_report_danger"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        events = await answer_danger(dispatcher, tracker)
        message = latest_message(tracker)
        if message.is_substantive:
            events.append(
                SlotSet("unplaced_message_ids", with_message(unplaced_message_ids(tracker), message))
            )
        return events
