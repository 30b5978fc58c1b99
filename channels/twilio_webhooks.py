"""POST /twilio/sms, /twilio/whatsapp and /twilio/status: check that it is Twilio, keep it, answer 204.

Nothing else happens before the answer: Twilio waits 15 seconds at most, and asks again only when it got no
connection. Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import logging
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import RequestValidator

from channels.errors import MessageTooLong, NotFromTwilio
from channels.resident_text import read_body
from channels.settings import Settings
from channels.twilio_client import twilio_account
from channels.twilio_inbox import TwilioInbox
from submissions.review.access import declares_access

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/twilio", tags=["Twilio"])

MAXIMUM_WEBHOOK_BYTES = 256 * 1024  # ten times the longest message with every parameter Twilio sends
MAXIMUM_PARAMETERS = 400

SignedForm = ImmutableMultiDict[str, str]


@declares_access("twilio_signature")
async def signed_form(request: Request) -> SignedForm:
    """The parameters of a webhook that Twilio signed for this address with the account's primary token.

    The address is the setting OWNWORDS_PUBLIC_URL with the path and query as they came: behind a proxy we see
    another scheme and host, and a header that says so could be anybody's. Raises NotFromTwilio; the answer to
    it is a 403 that says nothing, or a 404 where no account is set.
    """
    settings: Settings = request.app.state.gateway.settings
    account = twilio_account(settings)
    if account is None:
        raise NotFromTwilio("no account")
    try:
        body = await read_body(request, MAXIMUM_WEBHOOK_BYTES)
    except MessageTooLong as error:
        raise NotFromTwilio("too long") from error
    signature = request.headers.get("x-twilio-signature", "")
    form = check_signature(
        RequestValidator(account.auth_token),
        address_of_request(settings, request),
        body,
        request.headers.get("content-type", ""),
        signature,
    )
    if form.get("AccountSid", account.account_sid) != account.account_sid:
        # A subaccount signs with a token of its own, which we do not have.
        raise NotFromTwilio("another account")
    return form


def address_of_request(settings: Settings, request: Request) -> str:
    """The address as Twilio was told it, the query as it came and not as we would write it."""
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope.get("query_string", b"")
    address = settings.resolved_public_url + raw_path.partition(b"?")[0].decode("latin-1")
    return f"{address}?{query.decode('latin-1')}" if query else address


def check_signature(
    validator: RequestValidator, address: str, body: bytes, content_type: str, signature: str
) -> SignedForm:
    """The form's parameters, none for a body of JSON. Raises NotFromTwilio unless it is genuine."""
    if not signature:
        raise NotFromTwilio("no signature")
    try:
        if content_type.partition(";")[0].strip().lower() == "application/json":
            # Without the hash in the signed address nothing would vouch for the body.
            if "bodySHA256=" not in address.partition("?")[2]:
                raise NotFromTwilio("JSON without its hash")
            is_genuine = validator.validate(address, body.decode("utf-8"), signature)
            form = SignedForm([])
        else:
            parameters = parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MAXIMUM_PARAMETERS,
            )
            form = SignedForm(parameters)
            is_genuine = validator.validate(address, form, signature)
    except ValueError as error:  # not UTF-8, not a form, or too many fields: nothing Twilio sends
        raise NotFromTwilio("not readable") from error
    if not is_genuine:
        raise NotFromTwilio("wrong signature")
    return form


Signed = Annotated[SignedForm, Depends(signed_form)]


def _inbox(request: Request) -> TwilioInbox:
    inbox: TwilioInbox = request.app.state.twilio_inbox
    return inbox


@router.post("/sms", status_code=204, response_class=Response)
async def receive_sms(request: Request, form: Signed) -> None:
    """Keep one text message; the inbox worker answers it.

    Twilio may deliver a message twice: the second is known by its MessageSid and changes nothing.
    Source: https://www.twilio.com/docs/messaging/guides/webhook-request
    """
    await run_in_threadpool(_inbox(request).keep_message, list(form.multi_items()))


@router.post("/whatsapp", status_code=204, response_class=Response)
async def receive_whatsapp(request: Request, form: Signed) -> None:
    """Keep one WhatsApp message; as `/twilio/sms`, which takes WhatsApp messages too."""
    await run_in_threadpool(_inbox(request).keep_message, list(form.multi_items()))


@router.post("/status", status_code=204, response_class=Response)
async def receive_status(request: Request, form: Signed) -> None:
    """Keep what became of a message of ours: sent, delivered, read, failed; late and repeated ones too.

    Source: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
    """
    await run_in_threadpool(_inbox(request).keep_receipt, list(form.multi_items()))
