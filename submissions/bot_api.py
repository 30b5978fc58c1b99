"""The internal API for the assistant: message ids in, small answers out; examples in `tests/contracts`.

The token is `app.state.internal_token`; without one every call is refused.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from submissions import intake
from submissions.database import unit_of_work
from submissions.errors import (
    ConsentMissing,
    ConversationNotFound,
    DatabaseUnavailable,
    MessageNotFound,
    SubmissionClosed,
    SubmissionError,
    SubmissionNotFound,
)
from submissions.models import Job, JobKind, JobStatus, Submission
from submissions.reference_guard import get_guard
from submissions.review.access import internal_token
from submissions.translation_jobs import draft_translation_state

# A resident is waiting; after this the translation goes on without them.
DRAFT_WAIT_SECONDS = 6.0
DRAFT_POLLING_SECONDS = 0.1

STATUS_OF_ERROR: dict[type[SubmissionError], int] = {
    ConversationNotFound: 404,
    MessageNotFound: 404,
    SubmissionNotFound: 404,
    SubmissionClosed: 422,
    ConsentMissing: 422,
    DatabaseUnavailable: 503,
}


class BotRoute(APIRoute):
    """Turns the record's errors into answers; the pages of the same application word them for people."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_explain(request: Request) -> Response:
            try:
                return await handle(request)
            except SubmissionError as error:
                status = STATUS_OF_ERROR.get(type(error))
                if status is None:
                    raise
                return JSONResponse({"detail": type(error).__name__}, status_code=status)

        return handle_or_explain


router = APIRouter(
    prefix="/internal/bot",
    dependencies=[Depends(internal_token)],
    include_in_schema=False,
    route_class=BotRoute,
)


class InConversation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    conversation_id: uuid.UUID


class AboutMessage(InConversation):
    message_id: uuid.UUID


class Consent(AboutMessage):
    agreed: bool


class FromMessages(InConversation):
    message_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=200)]


class Addition(FromMessages):
    reference: Annotated[str, Field(max_length=60)]


class Withdrawal(InConversation):
    reference: Annotated[str, Field(max_length=60)]


@router.post("/consents")
def record_consent(body: Consent) -> dict[str, Any]:
    with unit_of_work() as db:
        intake.record_consent(db, body.conversation_id, body.message_id, body.agreed)
    return {}


@router.post("/drafts")
async def make_draft(body: FromMessages) -> dict[str, Any]:
    """Waits up to 6 s for the translation, so that the resident can be shown it at once."""

    def make() -> uuid.UUID:
        with unit_of_work() as db:
            return intake.make_draft(db, body.conversation_id, body.message_ids).id

    draft_id = await run_in_threadpool(make)
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + DRAFT_WAIT_SECONDS
    while True:
        state = await run_in_threadpool(_translation_state, draft_id)
        if state is not None:
            return {"draft_id": str(draft_id), "translation": state}
        if loop.time() >= give_up_at:
            return {"draft_id": str(draft_id), "translation": "later"}
        await asyncio.sleep(DRAFT_POLLING_SECONDS)


def _translation_state(draft_id: uuid.UUID) -> str | None:
    with unit_of_work(read_only=True) as db:
        submission = db.get(Submission, draft_id)
        if submission is None:  # erased meanwhile
            return "later"
        state = draft_translation_state(db, submission)
        if state is None:
            status = db.scalar(
                select(Job.status).where(Job.submission_id == draft_id, Job.kind == JobKind.TRANSLATE)
            )
            if status == JobStatus.FAILED:
                return "person"
        return state


@router.post("/submissions")
def submit(body: FromMessages) -> dict[str, Any]:
    with unit_of_work() as db:
        submission, created = intake.submit(db, body.conversation_id, body.message_ids)
    return {"reference": submission.reference, "created": created}


@router.post("/additions")
def add_to(body: Addition) -> dict[str, Any]:
    with unit_of_work() as db:
        submission = intake.add_to(db, body.conversation_id, body.reference, body.message_ids)
    return {"reference": submission.reference}


@router.post("/status")
def status_of(body: AboutMessage) -> dict[str, Any]:
    asker, guard = str(body.conversation_id), get_guard()
    may_ask = not guard.seconds_to_wait(asker)
    with unit_of_work(read_only=True) as db:
        states = intake.status_of(db, body.conversation_id, body.message_id, of_others=may_ask)
        is_wrong = not states and intake.names_references(db, body.conversation_id, body.message_id)
    if is_wrong:
        guard.count_wrong(asker)
    return {"submissions": [{"reference": one.reference, "status": one.status} for one in states]}


@router.post("/withdrawals")
def withdraw(body: Withdrawal) -> dict[str, Any]:
    asker, guard = str(body.conversation_id), get_guard()
    may_ask = not guard.seconds_to_wait(asker)
    with unit_of_work() as db:
        status = intake.withdraw(db, body.conversation_id, body.reference, of_others=may_ask)
    if status == "not_found":
        guard.count_wrong(asker)
    return {"status": status}


@router.post("/danger-reports")
def report_danger(body: AboutMessage) -> dict[str, Any]:
    with unit_of_work() as db:
        intake.flag_danger(db, body.conversation_id, body.message_id)
    return {}


@router.post("/human-requests")
def request_human(body: AboutMessage) -> dict[str, Any]:
    with unit_of_work() as db:
        intake.request_human(db, body.conversation_id, body.message_id)
    return {}
