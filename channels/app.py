"""The web application: residents' pages and chat, the desk, the internal API, and the inbox worker."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from channels import (
    follow_ups,
    health,
    outcome_messages,
    pages,
    twilio_webhooks,
    web_answers,
    web_chat,
    web_form,
    web_my_submission,
    web_outcomes,
    web_voice_notes,
)
from channels.compression import CompressedFiles
from channels.gateway import Gateway
from channels.settings import Settings, get_settings
from channels.simulator.pages import install_simulator
from channels.start import internal_token
from channels.twilio_inbox import TwilioInbox
from submissions import bot_api
from submissions.addresses import configure_keys
from submissions.commission import get_commission
from submissions.review import desk_api
from submissions.review import pages as desk_pages
from submissions.review.access import public_route

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for these settings; it opens nothing before its lifespan begins.

    The database must have been configured. Starting raises ConfigurationError when the data folder cannot be
    written or commission.yml is wrong.
    """
    chosen = settings or get_settings()
    follow_ups.install()
    outcome_messages.install()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        chosen.data.mkdir(parents=True, exist_ok=True)
        get_commission(chosen.commission)
        app.state.data = chosen.data
        app.state.public_url = chosen.public_url
        app.state.internal_token = internal_token(chosen)
        app.state.gateway = gateway = Gateway(chosen, app.state.internal_token)
        configure_keys(chosen)
        app.state.twilio_inbox = twilio_inbox = TwilioInbox(chosen, gateway.worker.wake)
        gateway.start()
        twilio_inbox.start()
        try:
            yield
        finally:
            if simulated is not None:
                await run_in_threadpool(simulated.stop)
            await run_in_threadpool(twilio_inbox.stop)
            await run_in_threadpool(gateway.stop)

    # No /docs: its page loads scripts from elsewhere. The description itself is at /openapi.json.
    app = FastAPI(title="Own Words", version="0.1.0", lifespan=lifespan, openapi_url=None)
    app.add_middleware(CompressedFiles)
    web_answers.install(app)
    for router in (
        health.router,
        pages.router,
        web_chat.router,
        web_voice_notes.router,
        web_form.router,
        web_my_submission.router,
        web_outcomes.router,
        twilio_webhooks.router,
        desk_pages.router,
        desk_api.router,
        bot_api.router,
    ):
        app.include_router(router)
    simulated = install_simulator(app, chosen) if chosen.simulator else None

    @app.get("/openapi.json", dependencies=[Depends(public_route)], include_in_schema=False)
    def describe_api() -> JSONResponse:
        description: dict[str, Any] = app.openapi()
        return JSONResponse(description)

    return app
