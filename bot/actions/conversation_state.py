"""What an action may know: the latest message's traits, what was said last, and the slots of a view in
the making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet

SUBMISSION_FORM = "submission_form"

# How sure the classifier must be before a text inside the form is taken for an interruption instead of a
# view.
INTERRUPTION_CONFIDENCE = 0.6
INTERRUPTION_WORDS = 20
# A yes or a no of more words than this must be a sure one.
SHORT_ANSWER_WORDS = 4
LONG_ANSWER_WORDS = 10

INTERRUPTIONS = frozenset(
    {
        "ask_about_commission",
        "ask_privacy",
        "change_language",
        "check_status",
        "goodbye_thanks",
        "greet",
        "request_human",
        "stop",
        "withdraw",
    }
)


@dataclass(frozen=True)
class LatestMessage:
    message_id: str
    intent: str
    confidence: float
    words: int
    is_substantive: bool
    is_choice: bool

    @property
    def is_interruption(self) -> bool:
        """Whether this is about something else than the view. Choices always are what they say."""
        if self.is_choice:
            return True
        return (
            self.intent in INTERRUPTIONS
            and self.confidence >= INTERRUPTION_CONFIDENCE
            and self.words <= INTERRUPTION_WORDS
        )

    @property
    def is_danger(self) -> bool:
        return self.intent == "report_danger"

    def answers(self, intent: str) -> bool:
        """Whether this is the plain yes (`affirm`) or no (`deny`) that was asked for."""
        if self.intent != intent:
            return False
        # Signs alone ("//") are an answer only when the classifier is sure, as with a thumb up.
        if self.is_choice or 0 < self.words <= SHORT_ANSWER_WORDS:
            return True
        return self.words <= LONG_ANSWER_WORDS and self.confidence >= INTERRUPTION_CONFIDENCE


def latest_message(tracker: Tracker) -> LatestMessage:
    """The message being answered, as the channel described it (`bot.channel.assistant`)."""
    message: Dict[str, Any] = tracker.latest_message
    traits = message["metadata"]
    return LatestMessage(
        message_id=traits["message_id"],
        intent=message["intent"]["name"],
        confidence=float(message["intent"]["confidence"]),
        words=int(traits["words"]),
        is_substantive=bool(traits["is_substantive"]),
        is_choice=bool(traits["is_choice"]),
    )


def last_said(tracker: Tracker, leave_out: Sequence[str] = ()) -> Tuple[Optional[str], Dict[str, Any]]:
    """Key and arguments of the last message the resident was sent before this turn; (None, {}) at the
    start."""
    events = list(tracker.events)
    while events and events[-1].get("event") != "user":
        events.pop()
    for event in reversed(events):
        if event.get("event") == "bot":
            said = event["data"]["custom"]
            if said["key"] not in leave_out:
                return said["key"], dict(said["arguments"])
    return None, {}


def times_just_said(tracker: Tracker, key: str) -> int:
    """How many answers in a row, up to the latest message, ended with this one."""
    times = 0
    last: Optional[str] = None
    turns: List[Optional[str]] = []
    for event in tracker.events:
        if event.get("event") == "user":
            turns.append(last)
        elif event.get("event") == "bot":
            last = event["data"]["custom"]["key"]
    for said in reversed(turns):
        if said != key:
            break
        times += 1
    return times


def message_ids(tracker: Tracker) -> List[str]:
    return list(tracker.get_slot("submission_message_ids") or [])


def with_message(ids: List[str], message: LatestMessage) -> List[str]:
    """The ids with this message's at the end; a message is a part once, however often it is handled."""
    return ids if message.message_id in ids else [*ids, message.message_id]


def unplaced_message_ids(tracker: Tracker) -> List[str]:
    """Messages that may be part of a view, not yet asked about."""
    return list(tracker.get_slot("unplaced_message_ids") or [])


def forget_view() -> List[EventType]:
    """Slots for a fresh view. Consent stays: it was given for the conversation."""
    return [
        SlotSet("submission_message_ids", None),
        SlotSet("view_complete", None),
        SlotSet("send_decision", None),
        SlotSet("draft_id", None),
        SlotSet("view_prompt", None),
        SlotSet("is_changing", None),
        SlotSet("adding_to", None),
        SlotSet("unplaced_message_ids", None),
    ]
