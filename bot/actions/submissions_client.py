"""The record's internal API (`submissions.bot_api`); the one module of the assistant that knows its address.

Every call may be repeated and carries message ids, never words. `tests/contracts/*.json` holds an
example of each.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any, Dict, List, Optional

import httpx

from bot.settings import TOKEN_HEADER, Settings, load_settings

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 15.0  # a draft may wait 6 s for its translation

_client: Optional[httpx.AsyncClient] = None


class SubmissionsUnavailable(Exception):
    """The record did not answer, or not with success; nothing is lost and the call may be repeated."""


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return load_settings()


def _http() -> httpx.AsyncClient:
    """One client with its connections, made inside the running loop."""
    global _client
    if _client is None or _client.is_closed:
        _client = httpx.AsyncClient(
            base_url=f"{_settings().gateway_url}/internal/bot/",
            headers={TOKEN_HEADER: _settings().internal_token},
            timeout=httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            trust_env=False,  # a proxy of the environment must not see an internal call
        )
    return _client


async def _post(call: str, body: Dict[str, Any]) -> Dict[str, Any]:
    try:
        answer = await _http().post(call, json=body)
        answer.raise_for_status()
        content = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else "no answer"
        logger.warning("record: %s failed (%s, %s)", call, type(error).__name__, status)
        raise SubmissionsUnavailable(call) from error
    if not isinstance(content, dict):
        raise SubmissionsUnavailable(call)
    return content


async def record_consent(conversation_id: str, message_id: str, *, agreed: bool) -> None:
    await _post("consents", {"conversation_id": conversation_id, "message_id": message_id, "agreed": agreed})


async def create_draft(conversation_id: str, message_ids: List[str]) -> Dict[str, str]:
    """`{"draft_id", "translation"}`; translation is not_needed, ready, person or later."""
    return await _post("drafts", {"conversation_id": conversation_id, "message_ids": message_ids})


async def create_submission(conversation_id: str, message_ids: List[str]) -> str:
    """The submission's reference; the same message ids give the same submission."""
    answer = await _post("submissions", {"conversation_id": conversation_id, "message_ids": message_ids})
    return str(answer["reference"])


async def add_to_submission(conversation_id: str, reference: str, message_ids: List[str]) -> str:
    body = {"conversation_id": conversation_id, "reference": reference, "message_ids": message_ids}
    return str((await _post("additions", body))["reference"])


async def find_submissions(conversation_id: str, message_id: str) -> List[Dict[str, str]]:
    """`[{"reference", "status"}]`: those the message names, else those of the conversation."""
    answer = await _post("status", {"conversation_id": conversation_id, "message_id": message_id})
    return list(answer["submissions"])


async def withdraw_submission(conversation_id: str, reference: str) -> str:
    """`withdrawn`, `already_withdrawn` or `not_found`."""
    answer = await _post("withdrawals", {"conversation_id": conversation_id, "reference": reference})
    return str(answer["status"])


async def report_danger(conversation_id: str, message_id: str) -> None:
    await _post("danger-reports", {"conversation_id": conversation_id, "message_id": message_id})


async def request_human(conversation_id: str, message_id: str) -> None:
    await _post("human-requests", {"conversation_id": conversation_id, "message_id": message_id})
