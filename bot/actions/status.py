"""Where a view stands."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from bot.actions import submissions_client
from bot.actions.conversation_state import last_said, latest_message

STATUSES = frozenset({"received", "being_translated", "in_review", "approved", "withdrawn"})


class ActionCheckStatus(Action):
    """One message a submission; when none is known, the reference is asked for once."""

    def name(self) -> str:
        return "action_check_status"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        found = await submissions_client.find_submissions(
            tracker.sender_id, latest_message(tracker).message_id
        )
        for submission in found:
            if submission["status"] not in STATUSES:
                raise ValueError(f"the record knows a status the contract does not: {submission['status']}")
            dispatcher.utter_message(
                response=f"utter_status_{submission['status']}", reference=submission["reference"]
            )
        if not found:
            asked = last_said(tracker)[0] == "status_ask_reference"
            dispatcher.utter_message(
                response="utter_status_not_found" if asked else "utter_status_ask_reference"
            )
        return []
