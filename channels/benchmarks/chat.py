"""A turn of the web chat against the same turn of the assistant alone, on the running system, in one run.

Both ask "isto é anónimo?" in a Portuguese conversation that is at the question of consent: the assistant
classifies it, answers it and asks its question again. The two kinds of turn alternate, so that whatever else
the machine does weighs on both.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

QUESTION = "isto é anónimo?"
TURN_LIMIT_SECONDS = 30
# Below the limits on messages of one conversation and on new conversations of one address.
TURNS_PER_CONVERSATION = 10


@dataclass(frozen=True)
class ChatTurns:
    """Seconds of each turn, in the order they were measured."""

    through_gateway: list[float]
    assistant_alone: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.through_gateway) / statistics.median(self.assistant_alone)

    def lines(self) -> Iterator[str]:
        for name, seconds in (("gateway", self.through_gateway), ("assistant", self.assistant_alone)):
            ordered = sorted(seconds)
            yield (
                f"{name:<10} {len(ordered)} turns, median {statistics.median(ordered) * 1000:.1f} ms, "
                f"p95 {ordered[int(0.95 * (len(ordered) - 1))] * 1000:.1f} ms"
            )
        yield f"ratio      {self.ratio:.2f}"


class GatewayConversation:
    """A web conversation whose event stream is read by a thread, as a browser reads it."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self.client = client
        created = client.post(f"{url}/chat/conversations").raise_for_status().json()
        self.messages_url = f"{url}/chat/conversations/{created['conversation_id']}/messages"
        self.events_url = f"{url}/chat/conversations/{created['conversation_id']}/events"
        self.headers = {"Authorization": f"Bearer {created['token']}"}
        self.arrived = threading.Condition()
        self.answers = 0
        self.is_open = True
        self.reader = threading.Thread(target=self._read_events, daemon=True)
        self.reader.start()

    def _read_events(self) -> None:
        with httpx.stream("GET", self.events_url, headers=self.headers, timeout=TURN_LIMIT_SECONDS) as stream:
            stream.raise_for_status()
            for line in stream.iter_lines():
                if not self.is_open:
                    return
                if (
                    line.startswith("data:")
                    and '"out"' in line
                    and json.loads(line[5:])["direction"] == "out"
                ):
                    with self.arrived:
                        self.answers += 1
                        self.arrived.notify_all()

    def say(self, text: str, *, answers: int) -> float:
        """Post a message and wait until so many answers to it have arrived; the seconds until the first."""
        with self.arrived:
            before = self.answers
        started = time.perf_counter()
        body = {"client_message_id": str(uuid.uuid4()), "text": text}
        self.client.post(self.messages_url, json=body, headers=self.headers).raise_for_status()
        with self.arrived:
            if not self.arrived.wait_for(lambda: self.answers > before, TURN_LIMIT_SECONDS):
                raise TimeoutError("no answer arrived")
            first = time.perf_counter() - started
            self.arrived.wait_for(lambda: self.answers >= before + answers, TURN_LIMIT_SECONDS)
        return first

    def wait_for_answers(self, count: int) -> None:
        with self.arrived:
            if not self.arrived.wait_for(lambda: self.answers >= count, TURN_LIMIT_SECONDS):
                raise TimeoutError("the conversation did not begin")

    def close(self) -> None:
        self.is_open = False


class AssistantConversation:
    """The same conversation held with the assistant's own channel."""

    def __init__(self, client: httpx.Client, url: str, token: str) -> None:
        self.client = client
        self.url = f"{url}/webhooks/own_words/messages"
        self.headers = {"X-Internal-Token": token}
        self.conversation_id = str(uuid.uuid4())
        self.say("Português", choice="language_chosen")

    def say(self, text: str, choice: str | None = None) -> float:
        started = time.perf_counter()
        body = {
            "message_id": str(uuid.uuid4()),
            "conversation_id": self.conversation_id,
            "text": text,
            "language": "pt",
            "channel": "web_chat",
            "choice": choice,
        }
        response = self.client.post(self.url, json=body, headers=self.headers).raise_for_status()
        seconds = time.perf_counter() - started
        if not response.json()["replies"]:
            raise RuntimeError("the assistant said nothing")
        return seconds


def bench_chat(*, gateway_url: str, bot_url: str, token: str, turns: int = 60) -> ChatTurns:
    """Measure on the running system. Raises httpx.HTTPError when a part does not answer."""
    through_gateway: list[float] = []
    alone: list[float] = []
    with httpx.Client(timeout=TURN_LIMIT_SECONDS) as client:
        while len(alone) < turns:
            gateway = GatewayConversation(client, gateway_url)
            assistant = AssistantConversation(client, bot_url, token)
            gateway.wait_for_answers(1)  # the language menu
            gateway.say("Português", answers=2)
            gateway.say(QUESTION, answers=2)  # the first of a conversation warms both
            assistant.say(QUESTION)
            for _ in range(min(TURNS_PER_CONVERSATION, turns - len(alone))):
                alone.append(assistant.say(QUESTION))
                through_gateway.append(gateway.say(QUESTION, answers=2))
            gateway.close()
    return ChatTurns(through_gateway, alone)
