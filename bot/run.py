"""Start a part of the assistant: `python -m bot.run bot` or `python -m bot.run actions`.

Both listen on an internal address only, keep words out of their logs, and stop on SIGTERM.
"""

from __future__ import annotations

import os

# Before anything that reads them is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # e5's threads spin: more of them make it slower
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import logging
import sys
import time
from typing import Any

from bot.settings import BOT_FOLDER, TOKEN_HEADER, Settings, SettingsError, endpoint_variables, load_settings

logger = logging.getLogger("bot")
BACKLOG = 100


def configure_logging() -> None:
    """Warnings of the libraries, information of our own: Rasa writes texts at DEBUG and calls at INFO."""
    logging.captureWarnings(True)  # the libraries' notes to their own developers
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
        force=True,
    )
    logger.setLevel(logging.INFO)
    for name in (
        "rasa",
        "rasa_sdk",
        "sanic",
        "sanic.root",
        "sanic.access",
        "httpx",
        "httpcore",
        "apscheduler",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    import structlog  # Rasa's second logger writes whole messages, and to stdout unless told

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def leave_out_what_is_not_used() -> None:
    """TensorFlow looks for JAX when it starts and takes 1.4 s and 50 MB for it; nothing here uses it."""
    sys.modules.setdefault("jax", None)  # type: ignore[arg-type]


def serve_bot(settings: Settings) -> None:
    """The assistant, on `OWNWORDS_PORT` + 10000. Answers 503 until the model is loaded."""
    from bot.train import current_model

    model = current_model()
    if model is None:
        sys.exit("There is no trained assistant yet: run `make train` first.")
    os.environ.update(endpoint_variables(settings))
    leave_out_what_is_not_used()
    started = time.monotonic()

    from rasa.core.lock_store import LockStore
    from rasa.core.run import configure_app
    from rasa.core.tracker_store import create_tracker_store
    from rasa.core.utils import AvailableEndpoints
    from rasa.shared.core.domain import Domain

    from bot.channel.assistant import open_agent
    from bot.channel.own_words import OwnWordsInput

    configure_logging()  # again: Rasa's imports set levels of their own
    app = configure_app([OwnWordsInput(settings.internal_token)], enable_api=False)
    endpoints = AvailableEndpoints.read_endpoints(str(BOT_FOLDER / "endpoints.yml"))

    async def load(app: Any, loop: Any) -> None:
        app.ctx.agent = open_agent(
            model,
            tracker_store=create_tracker_store(endpoints.tracker_store, Domain.empty()),
            lock_store=LockStore.create(endpoints.lock_store),
            nlg=endpoints.nlg,
            action_endpoint=endpoints.action,
        )
        await app.ctx.agent.understand("hello")  # the first sentence is the slow one
        logger.info("the assistant is ready after %.1f s", time.monotonic() - started)

    app.register_listener(load, "before_server_start")
    app.run(
        host=settings.host, port=settings.bot_port, workers=1, access_log=False, backlog=BACKLOG, motd=False
    )


def serve_actions(settings: Settings) -> None:
    """The assistant's actions, on `OWNWORDS_PORT` + 20000, for the assistant only."""
    import hmac

    import rasa_sdk.endpoint
    from sanic import response

    configure_logging()
    app = rasa_sdk.endpoint.create_app("bot.actions", cors_origins=[])

    @app.on_request
    async def check_token(request: Any) -> Any:
        given = request.headers.get(TOKEN_HEADER, "").encode()
        if request.path != "/health" and not hmac.compare_digest(given, settings.internal_token.encode()):
            return response.json({"error": "unauthorised"}, status=401)
        return None

    logger.info("the actions are ready")
    app.run(
        host=settings.host,
        port=settings.actions_port,
        workers=1,
        access_log=False,
        backlog=BACKLOG,
        motd=False,
    )


def main() -> None:
    parts = {"bot": serve_bot, "actions": serve_actions}
    if len(sys.argv) != 2 or sys.argv[1] not in parts:
        sys.exit("Which part? `python -m bot.run bot` or `python -m bot.run actions`.")
    configure_logging()
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    parts[sys.argv[1]](settings)


if __name__ == "__main__":
    main()
