"""The worker process: background jobs (translation, themes), sweeping, retention, sending, fetching files.

It alone loads translation models. Its heartbeat, a file in the data folder, is what /health goes by.
"""

from __future__ import annotations

import logging
import threading

from huey import crontab

from channels import follow_ups, outcome_messages
from channels.errors import SendError
from channels.forgetting import register_stores
from channels.health import HEARTBEAT_FILE
from channels.media import MediaWorker
from channels.outbox_worker import OutboxWorker
from channels.reconciliation import reconcile
from channels.settings import Settings
from channels.voice_notes import VoiceNoteWorker
from submissions import jobs, themes
from submissions.addresses import configure_keys
from submissions.commission import get_commission
from submissions.translation_jobs import get_engine

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0


def run_worker(settings: Settings) -> None:
    """Work until told to stop (SIGTERM or Ctrl-C); the job at hand is finished first.

    The database must have been configured. Raises ConfigurationError when commission.yml is wrong.
    """
    get_commission(settings.commission)
    stopping = threading.Event()
    get_engine()
    configure_keys(settings)
    register_stores(settings)
    follow_ups.install()
    outcome_messages.install()
    outbox = OutboxWorker(settings)
    outbox.start()
    media = MediaWorker(settings)
    media.start()
    voice_notes = VoiceNoteWorker(settings)
    voice_notes.start()
    # `ownwords setup` has embedded the exemplars; what is left takes a second. Were it not ready, the first
    # job that looks for themes would keep translations that residents wait for behind it.
    themes.prepare()
    add_nightly_reconciliation(settings)
    follow_ups.add_minute_job(settings)
    outcome_messages.add_minute_job()
    jobs.sweep()
    threading.Thread(target=_beat, args=(settings, stopping), name="heartbeat", daemon=True).start()
    try:
        jobs.make_consumer(workers=2).run()  # Huey handles the signals: SIGINT and SIGTERM end it
    finally:
        outbox.stop()
        media.stop()
        voice_notes.stop()
        stopping.set()


def add_nightly_reconciliation(settings: Settings) -> None:
    """Compares our messages with Twilio's list each night, when residents and reviewers are asleep."""

    def reconcile_tonight() -> None:
        try:
            reconcile(settings)
        except SendError as error:
            logger.error("reconciliation: Twilio could not be asked: %s", error)

    jobs.get_queue().huey.periodic_task(crontab(hour="4", minute="23"), name="reconcile")(reconcile_tonight)


def _beat(settings: Settings, stopping: threading.Event) -> None:
    path = settings.data / HEARTBEAT_FILE
    while True:
        path.touch()
        if stopping.wait(HEARTBEAT_SECONDS):
            path.unlink(missing_ok=True)
            return
