"""Taking back a sent view: asked first, done on a yes to that very question or when it is said again."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from bot.actions import submissions_client
from bot.actions.conversation_state import last_said, latest_message


class ActionAskWithdraw(Action):
    """Finds which view is meant (named in the message, else the conversation's last) and asks.

    Who is asked and says it again ("yes, take it back") has said yes.
    """

    def name(self) -> str:
        return "action_ask_withdraw"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        found = await submissions_client.find_submissions(
            tracker.sender_id, latest_message(tracker).message_id
        )
        said, arguments = last_said(tracker)
        named = [submission["reference"] for submission in found]
        if (
            said == "ask_withdraw"
            and arguments["reference"] in named
            and not latest_message(tracker).is_choice
        ):
            await withdraw(dispatcher, tracker, arguments["reference"])
            return []
        standing = [submission["reference"] for submission in found if submission["status"] != "withdrawn"]
        if standing:
            own = tracker.get_slot("submission_reference")
            dispatcher.utter_message(
                response="utter_ask_withdraw", reference=own if own in standing else standing[-1]
            )
        elif found:
            dispatcher.utter_message(response="utter_withdraw_already", reference=found[-1]["reference"])
        else:
            dispatcher.utter_message(response="utter_withdraw_not_found")
        return []


class ActionWithdraw(Action):
    """Answers the yes or no to `ask_withdraw`; the reference is the one that was asked about."""

    def name(self) -> str:
        return "action_withdraw"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        said, arguments = last_said(tracker)
        if said != "ask_withdraw":
            return []  # another question was asked in between: its answer is not a yes to this one
        reference = arguments["reference"]
        if latest_message(tracker).intent != "affirm":
            dispatcher.utter_message(response="utter_withdraw_kept", reference=reference)
            return []
        await withdraw(dispatcher, tracker, reference)
        return []


async def withdraw(dispatcher: CollectingDispatcher, tracker: Tracker, reference: str) -> None:
    """Withdraws and says so. Raises SubmissionsUnavailable: the turn fails and is tried again."""
    status = await submissions_client.withdraw_submission(tracker.sender_id, reference)
    response = {
        "withdrawn": "utter_withdraw_done",
        "already_withdrawn": "utter_withdraw_already",
        "not_found": "utter_withdraw_not_found",
    }[status]
    dispatcher.utter_message(response=response, reference=reference)
