"""The input channel `own_words`: what docs/architecture.md promises the gateway, and nothing else."""

from __future__ import annotations

import hmac
import logging
from functools import wraps
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.channel.assistant import FaithfulAgent, UnknownChoice
from bot.settings import TOKEN_HEADER

logger = logging.getLogger(__name__)

MAXIMUM_CHARACTERS = 20_000  # the gateway stops at 4,000; this only bounds the work


class BadRequest(Exception):
    """The request is not what the gateway promised."""


class OwnWordsInput(InputChannel):
    """`/webhooks/own_words/...`, each call with the internal token."""

    @classmethod
    def name(cls) -> str:
        return "own_words"

    def __init__(self, internal_token: str) -> None:
        if not internal_token:
            raise ValueError("the channel needs OWNWORDS_INTERNAL_TOKEN")
        self._token = internal_token.encode()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes. Rasa's own `on_new_message` is not used: it gives no answer and swallows failures."""
        routes = Blueprint("own_words_webhook")

        @routes.get("/", name="health")
        @self._guarded
        async def health(request: Request) -> HTTPResponse:
            agent = _agent(request)
            return response.json({"status": "ok" if agent else "starting"}, status=200 if agent else 503)

        @routes.post("/messages", name="messages")
        @self._guarded
        async def messages(request: Request) -> HTTPResponse:
            return response.json(await _ready_agent(request).answer(**_read_message(request.json)))

        @routes.post("/understand", name="understand")
        @self._guarded
        async def understand(request: Request) -> HTTPResponse:
            intent = await _ready_agent(request).understand(_text(request.json, "text"))
            return response.json({"intent": intent["name"], "confidence": intent["confidence"]})

        @routes.delete("/conversations/<conversation_id:str>", name="forget")
        @self._guarded
        async def forget(request: Request, conversation_id: str) -> HTTPResponse:
            return response.json({"deleted_events": await _ready_agent(request).forget(conversation_id)})

        return routes

    def _guarded(
        self, handler: Callable[..., Awaitable[HTTPResponse]]
    ) -> Callable[..., Awaitable[HTTPResponse]]:
        """The handler, behind the token (401) and with failures as plain answers: 422 wrong, 503 try
        again."""

        @wraps(handler)
        async def guarded(request: Request, **arguments: Any) -> HTTPResponse:
            given = request.headers.get(TOKEN_HEADER, "").encode()
            if not hmac.compare_digest(given, self._token):  # constant time
                return response.json({"error": "unauthorised"}, status=401)
            try:
                return await handler(request, **arguments)
            except (BadRequest, UnknownChoice) as error:
                return response.json({"error": f"{type(error).__name__}: {error}"}, status=422)
            except Exception as error:  # noqa: BLE001  the gateway keeps the message and repeats it
                # The chain of names only: a message of an unknown error might quote what it worked on.
                logger.error("turn failed: %s", _names(error))
                return response.json({"error": type(error).__name__}, status=503)

        return guarded


def _names(error: Optional[BaseException]) -> str:
    from bot.channel.assistant import TurnFailed

    names: List[str] = []
    while error is not None:
        names.append(str(error) if isinstance(error, TurnFailed) else type(error).__name__)
        error = error.__cause__ or error.__context__
    return " <- ".join(names)


def _agent(request: Request) -> Optional[FaithfulAgent]:
    agent = getattr(request.app.ctx, "agent", None)
    return agent if agent is not None and agent.is_ready() else None


class NotReady(Exception):
    """The model is still loading."""


def _ready_agent(request: Request) -> FaithfulAgent:
    agent = _agent(request)
    if agent is None:
        raise NotReady
    return agent


def _text(body: Any, field: str, *, maximum: int = MAXIMUM_CHARACTERS) -> str:
    value = body.get(field) if isinstance(body, dict) else None
    if not isinstance(value, str) or len(value) > maximum:
        raise BadRequest(f"{field} must be a text of at most {maximum} characters")
    return value


def _optional_text(body: Any, field: str) -> Optional[str]:
    return None if body.get(field) is None else _text(body, field, maximum=80)


def _identifier(body: Any, field: str) -> str:
    value = _text(body, field, maximum=80)
    if not value:
        raise BadRequest(f"{field} is empty")
    return value


def _read_message(body: Any) -> Dict[str, Any]:
    return {
        "message_id": _identifier(body, "message_id"),
        "conversation_id": _identifier(body, "conversation_id"),
        "text": _text(body, "text"),
        "language": _optional_text(body, "language"),
        "channel": _identifier(body, "channel"),
        "choice": _optional_text(body, "choice") or None,
    }
