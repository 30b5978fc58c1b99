"""GET /health: how each part is, for people, load balancers and `ownwords run`."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from sqlalchemy import func, select

from channels.gateway import Gateway
from submissions.database import check, unit_of_work
from submissions.errors import SubmissionError
from submissions.models import Job, JobStatus, utc_now
from submissions.review.access import public_route
from translations.registry import open_registry

router = APIRouter()

HEARTBEAT_FILE = "worker.heartbeat"  # in the data folder; touched by the worker
HEARTBEAT_LATE_SECONDS = 20.0
JOB_LATE = dt.timedelta(minutes=3)
# Without these residents are not answered or lose their words; the others only delay what the team reads.
PARTS_THAT_MATTER = ("database", "bot", "inbox")


@router.get("/health", dependencies=[Depends(public_route)])
def show_health(request: Request) -> JSONResponse:
    """{"status": "up" or "down", "parts": {name: {"status": "up" or "down", ...}}}; 503 when a part that
    matters is down. No part tells more than counts."""
    gateway: Gateway = request.app.state.gateway
    parts = {
        "database": _database(gateway),
        "bot": {"status": _word(gateway.bot.is_up())},
        "inbox": {"status": _word(gateway.worker.is_alive)},
        "worker": _worker(gateway),
        "translations": _translations(gateway),
    }
    is_up = all(parts[name]["status"] == "up" for name in PARTS_THAT_MATTER)
    return JSONResponse(
        {"status": _word(is_up), "parts": parts},
        status_code=200 if is_up else 503,
        headers={"Cache-Control": "no-store"},
    )


def _word(is_up: bool) -> str:
    return "up" if is_up else "down"


def _database(gateway: Gateway) -> dict[str, Any]:
    waiting = gateway.write_ahead.count()
    try:
        check()
    except SubmissionError as error:
        return {"status": "down", "reason": type(error).__name__, "waiting_in_file": waiting}
    return {"status": "up", "waiting_in_file": waiting}


def _worker(gateway: Gateway) -> dict[str, Any]:
    """By its heartbeat in the data folder; `late_jobs` are those nobody has begun in time."""
    heartbeat = gateway.settings.data / HEARTBEAT_FILE
    try:
        with unit_of_work(read_only=True) as db:
            late = select(func.count()).where(
                Job.status == JobStatus.QUEUED, Job.next_attempt_at < utc_now() - JOB_LATE
            )
            late_jobs = db.scalar(late) or 0
    except SubmissionError as error:
        return {"status": "down", "reason": type(error).__name__}
    try:
        beats = time.time() - heartbeat.stat().st_mtime < HEARTBEAT_LATE_SECONDS
    except FileNotFoundError:  # it removes the file when it stops
        beats = False
    return {"status": _word(beats), "late_jobs": late_jobs}


def _translations(gateway: Gateway) -> dict[str, Any]:
    registry = open_registry(gateway.settings.data / "packages")
    try:
        pairs = {(model.source_language, model.target_language) for model in registry.models()}
    finally:
        registry.close()
    return {"status": _word(bool(pairs)), "pairs": len(pairs)}
