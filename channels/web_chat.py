"""The web chat's API: begin a conversation, send, follow what comes. docs/web-chat.md describes it."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from sqlalchemy import exists, select
from sse_starlette import EventSourceResponse, ServerSentEvent

from channels.errors import NotSignedIn, WrongToken
from channels.gateway import Gateway, owned_conversation
from channels.language_menu import language_hint
from channels.rendering import render
from channels.resident_text import (
    MAXIMUM_CHARACTERS,
    MAXIMUM_CHOICE,
    MAXIMUM_CLIENT_MESSAGE_ID,
    checked_identifier,
    checked_text,
    read_json_object,
)
from submissions.commission import get_commission
from submissions.conversations import (
    OutboundMessage,
    find_conversation,
    messages_after,
    record_outbound_message,
    start_conversation,
)
from submissions.database import unit_of_work
from submissions.errors import ConversationNotFound, DatabaseUnavailable
from submissions.models import Channel, Direction, Message
from submissions.review.access import declares_access, public_route
from translations.languages import direction_of

router = APIRouter(prefix="/chat", tags=["web chat"])

HEARTBEAT_SECONDS = 15
MESSAGES_PER_ANSWER = 500


class ConversationStarted(BaseModel):
    conversation_id: uuid.UUID
    token: str
    maximum_characters: int = MAXIMUM_CHARACTERS


class MessageAccepted(BaseModel):
    client_message_id: str
    message_id: uuid.UUID | None
    position: int | None


class ChatMessage(BaseModel):
    id: uuid.UUID
    position: int
    direction: str
    text: str
    blocks: list[dict[str, Any]]
    options: list[dict[str, Any]]
    lang: str | None
    dir: str
    created_at: dt.datetime
    key: str | None = None
    client_message_id: str | None = None


class ChatMessages(BaseModel):
    conversation_id: uuid.UUID
    language: str | None
    typing: bool
    messages: list[ChatMessage]


class PostedMessage(BaseModel):
    """For the description at /openapi.json; the body is read by `resident_text`, whose errors say more."""

    client_message_id: str
    text: str
    choice: str | None = None


@dataclass(frozen=True)
class ChatAccess:
    conversation_id: uuid.UUID
    token: str
    gateway: Gateway


def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


@declares_access("conversation_token")
def conversation_token(request: Request, conversation_id: str) -> ChatAccess:
    """Lets in whoever holds the conversation's bearer token.

    Raises NotSignedIn (401) without a token, WrongToken (403) with another one, ConversationNotFound (404).
    While the database is down a token with our signature may post, since nothing else can be asked.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn
    try:
        wanted = uuid.UUID(conversation_id)
    except ValueError as error:
        raise ConversationNotFound(uuid.UUID(int=0)) from error
    gateway = gateway_of(request)
    token = token.strip()
    try:
        request.state.language = owned_conversation(wanted, token).language
    except DatabaseUnavailable:
        if request.method != "POST":
            raise
        if not gateway.tokens.is_ours(token):
            raise WrongToken from None
    return ChatAccess(wanted, token, gateway)


Access = Annotated[ChatAccess, Depends(conversation_token)]


def _body_of(model: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


@router.post("/conversations", status_code=201, dependencies=[Depends(public_route)])
async def begin_conversation(request: Request) -> ConversationStarted:
    """Begin a conversation; its token is shown this once.

    The first message, the language menu, is in it already. An optional `language` in the body, else the
    Accept-Language header, says in which language the menu speaks.
    """
    gateway = gateway_of(request)
    body = await read_json_object(request)
    gateway.limits.count_start(request.client.host if request.client else None)
    asked = body.get("language")
    hint = language_hint(
        asked if isinstance(asked, str) else None,
        request.headers.get("accept-language", ""),
        get_commission(),
    )
    token = gateway.tokens.new()
    return ConversationStarted(conversation_id=await run_in_threadpool(_begin, token, hint), token=token)


def _begin(token: str, hint: str | None) -> uuid.UUID:
    menu = render("choose_language", {}, [], hint, Channel.WEB_CHAT)
    with unit_of_work() as db:
        conversation = start_conversation(db, channel=Channel.WEB_CHAT, token=token)
        first = OutboundMessage(
            message_key="choose_language",
            text=menu.text,
            language=menu.language,
            blocks=menu.blocks,
            options=menu.options,
        )
        record_outbound_message(db, conversation.id, first)
        return conversation.id


@router.post(
    "/conversations/{conversation_id}/messages", status_code=202, openapi_extra=_body_of(PostedMessage)
)
async def post_message(request: Request, access: Access) -> MessageAccepted:
    """Send a message. The same `client_message_id` again is the same message: nothing happens twice.

    `choice` is the payload of the option that was picked, beside its title as `text`. The ids in the answer
    are null while the message waits for the database.
    """
    body = await read_json_object(request)
    client_message_id = checked_identifier(
        body, "client_message_id", MAXIMUM_CLIENT_MESSAGE_ID, required=True
    )
    assert client_message_id is not None  # noqa: S101  required
    choice = checked_identifier(body, "choice", MAXIMUM_CHOICE, required=False)
    text = checked_text(body.get("text"))
    address = request.client.host if request.client else None
    access.gateway.limits.count_message(access.conversation_id, client_message_id, address)
    kept = await run_in_threadpool(
        access.gateway.keep_message,
        access.conversation_id,
        access.token,
        client_message_id=client_message_id,
        text=text,
        choice=choice,
    )
    return MessageAccepted(
        client_message_id=client_message_id, message_id=kept.message_id, position=kept.position
    )


@router.get("/conversations/{conversation_id}/messages")
def read_messages(access: Access, after: Annotated[int, Query(ge=0)] = 0) -> ChatMessages:
    """The conversation, oldest first; with `after`, what came after that position. At most 500 at once."""
    return read_chat(access.conversation_id, after)


@router.get("/conversations/{conversation_id}/events", response_class=EventSourceResponse)
async def follow_events(
    request: Request, access: Access, after: Annotated[int | None, Query(ge=0)] = None
) -> EventSourceResponse:
    """Server-sent events: `message` (its id is the position), `typing` {active}, `language` {language, dir}.

    Goes on after the Last-Event-ID header or `after`, so nothing is missed over a broken connection.
    """
    last = request.headers.get("last-event-id", "")
    start = int(last) if last.isdecimal() and len(last) < 10 else (after or 0)
    return EventSourceResponse(
        _events(access, start),
        ping=HEARTBEAT_SECONDS,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(access: ChatAccess, position: int) -> AsyncIterator[ServerSentEvent]:
    hub = access.gateway.hub
    is_typing = False
    language: str | None = None
    with hub.watch(access.conversation_id) as changed:
        while not hub.is_stopping:
            changed.clear()
            try:
                chat = await run_in_threadpool(read_chat, access.conversation_id, position)
            except ConversationNotFound:
                return  # erased; the page asks again and learns it from the answer
            except DatabaseUnavailable:
                await asyncio.sleep(1)
                continue
            if chat.language != language and chat.language is not None:
                language = chat.language  # before the messages, so that the page turns round first
                told = {"language": language, "dir": direction_of(language)}
                yield ServerSentEvent(json.dumps(told), event="language")
            for message in chat.messages:
                position = message.position
                yield ServerSentEvent(message.model_dump_json(), event="message", id=str(position))
            if chat.typing != is_typing:
                is_typing = chat.typing
                yield ServerSentEvent(json.dumps({"active": is_typing}), event="typing")
            if len(chat.messages) < MESSAGES_PER_ANSWER:
                await changed.wait()


def read_chat(conversation_id: uuid.UUID, after: int) -> ChatMessages:
    """What came after a position, and where the conversation stands. Raises ConversationNotFound."""
    with unit_of_work(read_only=True) as db:
        conversation = find_conversation(db, conversation_id)
        # After a failed try the resident has been told to wait; the dots would promise an answer at once.
        is_being_answered = exists().where(
            Message.conversation_id == conversation_id,
            Message.direction == Direction.INBOUND,
            Message.handled_at.is_(None),
            Message.attempts == 0,
        )
        return ChatMessages(
            conversation_id=conversation_id,
            language=conversation.language,
            typing=bool(db.scalar(select(is_being_answered))),
            messages=[
                chat_message(message)
                for message in messages_after(db, conversation_id, after, limit=MESSAGES_PER_ANSWER)
            ],
        )


def chat_message(message: Message) -> ChatMessage:
    """A message as its author's page shows it."""
    is_inbound = message.direction == Direction.INBOUND
    sent_as = (message.provider_message_id or "").partition("/")[2] if is_inbound else ""
    language = message.detected_language if is_inbound else message.language
    return ChatMessage(
        id=message.id,
        position=message.position,
        direction=message.direction,
        text=(message.original_text if is_inbound else message.text) or "",
        blocks=message.blocks or [],
        options=message.options or [],
        lang=language,
        # Of a resident's own words the letters tell the direction better than a guess at their language.
        dir="auto" if is_inbound else direction_of(language),
        created_at=message.created_at,
        key=message.message_key,
        client_message_id=sent_as or None,
    )
