"""The assistant behind its contract of a few HTTP calls (docs/architecture.md). No answer is a failure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from channels.errors import BotUnavailable

# A turn takes some 20 ms; a draft waits up to 6 s for its translation inside the turn.
CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 20.0
HEALTH_TIMEOUT_SECONDS = 2.0
_BASE = "/webhooks/own_words/"

Answer = TypeVar("Answer", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Intent(_Part):
    name: str | None = None
    confidence: float = 0.0


class Option(_Part):
    key: str
    payload: str


class Reply(_Part):
    key: str
    arguments: dict[str, Any] = {}
    options: list[Option] = []


class BotAnswer(_Part):
    message_id: uuid.UUID
    intent: Intent = Intent()
    replies: list[Reply]


class RasaClient:
    """Safe to share between threads; keeps its connections open."""

    def __init__(self, base_url: str, internal_token: str, *, connections: int = 16) -> None:
        self.is_failing = False  # whether the last turn got no answer
        self._http = httpx.Client(
            base_url=base_url.rstrip("/") + _BASE,
            headers={"X-Internal-Token": internal_token},
            timeout=httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=False,  # a proxy of the machine's must never see residents' words
        )

    def __enter__(self) -> RasaClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def handle(
        self,
        *,
        message_id: uuid.UUID,
        conversation_id: uuid.UUID,
        text: str,
        language: str | None,
        channel: str,
        choice: str | None = None,
    ) -> BotAnswer:
        """What the assistant says to a message; the same id gives the same answer. Raises BotUnavailable."""
        body = {
            "message_id": str(message_id),
            "conversation_id": str(conversation_id),
            "text": text,
            "language": language,
            "channel": channel,
            "choice": choice,
        }
        try:
            answer = self._post("messages", BotAnswer, body)
            if answer.message_id != message_id:
                raise BotUnavailable("it answered another message")
        except BotUnavailable:
            self.is_failing = True
            raise
        self.is_failing = False
        return answer

    def understand(self, text: str) -> Intent:
        """What the assistant takes a text for, outside any conversation. Raises BotUnavailable."""
        return self._post("understand", _Understood, {"text": text}).as_intent()

    def understand_lines(self, records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """For each record with `text`: {intent, confidence}, same order, same count.

        A record with `error`, and a text the assistant failed on, give {error} beside them.
        """
        for record in records:
            if "error" in record:
                yield {"intent": None, "confidence": 0.0, "error": record["error"]}
                continue
            try:
                intent = self.understand(record["text"])
            except BotUnavailable as error:
                yield {"intent": None, "confidence": 0.0, "error": str(error)}
            else:
                yield {"intent": intent.name, "confidence": intent.confidence}

    def forget(self, conversation_id: uuid.UUID) -> None:
        """Erase what the assistant remembers of a conversation; may be repeated. Raises BotUnavailable."""
        try:
            response = self._http.delete(f"conversations/{conversation_id}")
        except httpx.HTTPError as error:
            raise BotUnavailable(type(error).__name__) from error
        if response.status_code != 404 and not response.is_success:
            raise BotUnavailable(f"HTTP {response.status_code}")

    def is_up(self) -> bool:
        """Whether the assistant answers its own health call."""
        try:
            return self._http.get("", timeout=HEALTH_TIMEOUT_SECONDS).is_success
        except httpx.HTTPError:
            return False

    def _post(self, path: str, shape: type[Answer], body: dict[str, Any]) -> Answer:
        try:
            response = self._http.post(path, json=body)
        except httpx.HTTPError as error:
            raise BotUnavailable(type(error).__name__) from error
        if response.status_code != 200:
            raise BotUnavailable(f"HTTP {response.status_code}")
        try:
            return shape.model_validate_json(response.content)
        except ValidationError as error:
            # Without the input: it may hold the resident's words.
            raise BotUnavailable(f"an answer of another shape ({error.error_count()} faults)") from None


class _Understood(_Part):
    """`intent` as a name beside its confidence, or as an object holding both."""

    intent: Intent | str | None
    confidence: float = 0.0

    def as_intent(self) -> Intent:
        if isinstance(self.intent, Intent):
            return self.intent
        return Intent(name=self.intent, confidence=self.confidence)
