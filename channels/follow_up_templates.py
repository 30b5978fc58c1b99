"""Follow-ups' wordings at the carrier: brought there, put before WhatsApp, looked up until it has decided.

Each step is kept before the next. A crash between making a wording at the carrier and keeping its id leaves
one there that nobody uses; WhatsApp is asked about none whose id is not kept, and looked up before that.
"""

from __future__ import annotations

import logging
from typing import Any

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from channels.errors import PermanentSendError, SendError
from channels.settings import Settings
from channels.twilio_client import as_send_error, make_client, twilio_account
from submissions.database import unit_of_work
from submissions.follow_ups import templates
from submissions.models import FollowUpTemplate, TemplateStatus

logger = logging.getLogger(__name__)

# A survey about an event somebody came to is a service message; WhatsApp may move it to another category.
CATEGORY = "UTILITY"
# Our language -> WhatsApp's, where they differ.
# Source: https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/supported-languages
WHATSAPP_LANGUAGES = {"en": "en_GB", "pt": "pt_PT", "tl": "fil", "zh": "zh_CN"}


def work_on_templates(settings: Settings, client: Client | None = None) -> int:
    """Takes in what the settings name, and does the next step of each wording; how many were looked at.

    Runs every minute. Without an account it does nothing, and what was asked waits.
    """
    account = twilio_account(settings)
    if account is None:
        return 0
    client = client or make_client(account)
    _adopt(settings, client)
    with unit_of_work(read_only=True) as db:
        due = templates.due(db)
    for template in due:
        try:
            _step(client, template)
        except SendError as error:
            logger.warning("follow-up wording %s was not looked up: %s", template.id, error)
            is_refused = isinstance(error, PermanentSendError)
            status = TemplateStatus.REJECTED if is_refused else template.status
            with unit_of_work() as db:
                templates.note_status(db, template.id, status, str(error))
    return len(due)


def _step(client: Client, template: FollowUpTemplate) -> None:
    content_sid = template.content_sid
    if content_sid is None:
        made = _asked(client.content.v1.contents.create, _content_request(template))
        with unit_of_work() as db:
            content_sid = templates.note_made(db, template.id, str(made.sid))
        if content_sid is None:
            return
    found = _approval(client, content_sid)
    if found is None:
        with unit_of_work() as db:
            templates.note_gone(db, content_sid)
        return
    status, reason = found
    if status == TemplateStatus.UNSUBMITTED:
        answer = _asked(
            client.content.v1.contents(content_sid).approval_create.create,
            ApprovalCreateList.ContentApprovalRequest({"name": _name(template), "category": CATEGORY}),
        )
        status, reason = str(answer.status or TemplateStatus.RECEIVED).lower(), answer.rejection_reason
    with unit_of_work() as db:
        templates.note_status(db, template.id, status, reason)
    logger.info("follow-up wording %s: %s", template.id, status)


def _approval(client: Client, content_sid: str) -> tuple[str, str | None] | None:
    """What WhatsApp says of a wording; None when the carrier has it no more. Raises SendError."""
    try:
        found = client.content.v1.contents(content_sid).approval_fetch().fetch().whatsapp or {}
    except Exception as error:
        if isinstance(error, TwilioRestException) and error.status == 404:
            return None
        raise as_send_error(error) from error
    return str(found.get("status") or TemplateStatus.UNSUBMITTED).lower(), found.get("rejection_reason")


def _asked(call: Any, *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except Exception as error:
        raise as_send_error(error) from error


def _name(template: FollowUpTemplate) -> str:
    """Small letters, digits and underscores; never one that was used before, which WhatsApp would refuse."""
    return f"own_words_follow_up_{template.language}_{template.body_sha256.hex()[:16]}"


def _content_request(template: FollowUpTemplate) -> ContentList.ContentCreateRequest:
    return ContentList.ContentCreateRequest(
        {
            "friendly_name": _name(template),
            "language": WHATSAPP_LANGUAGES.get(template.language, template.language),
            "variables": template.samples,
            "types": {"twilio/text": {"body": template.body}},
        }
    )


def _adopt(settings: Settings, client: Client) -> None:
    """Takes in wordings that were approved by hand: OWNWORDS_WHATSAPP_FOLLOW_UP_TEMPLATES."""
    wanted = settings.whatsapp_follow_up_templates
    if not wanted:
        return
    with unit_of_work(read_only=True) as db:
        known = templates.known_sids(db)
    for language, content_sid in wanted.items():
        if content_sid in known:
            continue
        try:
            found = _asked(client.content.v1.contents(content_sid).fetch)
        except SendError as error:
            logger.warning("the follow-up wording set for %s was not found: %s", language, error)
            continue
        bodies = [str(parts["body"]) for parts in (found.types or {}).values() if parts and parts.get("body")]
        if not bodies:
            logger.warning("the follow-up wording set for %s has no text", language)
            continue
        with unit_of_work() as db:
            templates.adopt(
                db,
                language=language,
                body=bodies[0],
                content_sid=content_sid,
                samples={str(name): str(value) for name, value in (found.variables or {}).items()},
            )
