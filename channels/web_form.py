"""The form that needs no scripts, into the same record: a message, a draft, a look at it, a sent submission.

A form is one conversation of the channel `web_form`. Its token travels in the page, so the same form posted
twice is the same view, and no cookie is needed. Each post answers with a redirect.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from channels.draft_texts import read_draft, wait_for_preview
from channels.errors import MessageEmpty, MessageTooLong, NotText, ResidentInputError, WrongToken
from channels.gateway import Gateway
from channels.rendering import language_options, render
from channels.resident_text import MAXIMUM_CHARACTERS, checked_text, read_body
from channels.ui_words import ui_words
from channels.web_answers import TEMPLATES, language_of
from channels.wording import wording
from submissions import offers
from submissions.commission import get_commission
from submissions.conversations import record_inbound_message, record_replies, start_conversation
from submissions.database import unit_of_work
from submissions.intake import make_draft, record_consent, submit
from submissions.models import Channel, Conversation, Submission, SubmissionStatus
from submissions.review.access import declares_access, public_route
from translations.detection import detect

router = APIRouter(prefix="/form", include_in_schema=False)

ENGLISH_WAIT_SECONDS = 6.0  # as long as the chat waits for the English of a draft


@declares_access("form_token")
def form_token(request: Request, token: str) -> str:
    """Lets in whoever has the address with the form's token. Raises WrongToken for one we did not make."""
    gateway: Gateway = request.app.state.gateway
    if not gateway.tokens.is_ours(token):
        raise WrongToken
    return token


Token = Annotated[str, Depends(form_token)]


@router.get("", dependencies=[Depends(public_route)])
def show_form(request: Request) -> Response:
    """An empty form, in the language of `?lang=` or the browser's."""
    gateway: Gateway = request.app.state.gateway
    return form_page(request, page_language(request), gateway.tokens.new())


@router.post("", dependencies=[Depends(public_route)])
async def keep_form(request: Request) -> Response:
    """Keep what was written and show how the team will read it, or the form again with what to mend.

    With `only_language` nothing is kept: the form comes back in another language, with what is in it.
    """
    gateway: Gateway = request.app.state.gateway
    language = page_language(request)
    fields = await read_fields(request)
    token = fields.get("form", "")
    if not gateway.tokens.is_ours(token):
        problems = [("text", wording("ui_form_error_gone", language).text)]
        return form_page(request, language, gateway.tokens.new(), fields, problems)
    if "only_language" in fields:
        return form_page(request, language, token, fields)
    # A browser posts every line break as CR LF; a text area shows and counts one character.
    text = fields.get("text", "").replace("\r\n", "\n")
    problems = find_problems(text, fields.get("consent", ""), language)
    if problems:
        return form_page(request, language, token, fields, problems)
    gateway.limits.count_start(request.client.host if request.client else None)
    await run_in_threadpool(_keep, token, text, fields.get("text_language", ""), language)
    return see_other(f"/form/{token}", language)


@router.get("/{token}")
def show_draft(request: Request, token: Token) -> Response:
    """The look before it goes: one's own words, and the English where it is there."""
    language = page_language(request)
    commission = get_commission()
    draft = _draft_of(token)
    if draft is None:
        return see_other("/form", language)
    if draft.status != SubmissionStatus.DRAFT:
        return see_other(f"/form/{token}/sent", language)
    key = wait_for_preview(draft.id, seconds=ENGLISH_WAIT_SECONDS)
    with unit_of_work(read_only=True) as db:
        texts = read_draft(db, draft.id)
    preview = render(key, {}, [], language, Channel.WEB_FORM, draft=texts, commission=commission)
    return html(request, "form_check.html", language, token=token, preview=preview)


@router.get("/{token}/change")
def change_form(request: Request, token: Token) -> Response:
    """The form again, with what was written in it."""
    draft = _draft_of(token)
    fields = {"text": draft.parts[-1].original_text, "consent": "yes"} if draft and draft.parts else {}
    return form_page(request, page_language(request), token, fields)


@router.post("/{token}")
def send_form(request: Request, token: Token) -> Response:
    """Send the draft; again, and it is still the one submission."""
    language = page_language(request)
    draft = _draft_of(token)
    if draft is None:
        return see_other("/form", language)
    if draft.status == SubmissionStatus.DRAFT and draft.conversation_id is not None:
        # By the ids alone: a draft read before the lock may be older than the post beside this one.
        message_ids = [part.message_id for part in draft.parts if part.message_id]
        with unit_of_work() as db:
            submit(db, draft.conversation_id, message_ids)
    return see_other(f"/form/{token}/sent", language)


@router.get("/{token}/sent")
def show_reference(request: Request, token: Token) -> Response:
    """The reference of what was sent, and none of its text: the page may stay open on a shared computer."""
    language = page_language(request)
    draft = _draft_of(token)
    if draft is None or draft.reference is None:
        return see_other("/form", language)
    return html(request, "form_sent.html", language, reference=draft.reference)


def page_language(request: Request) -> str:
    asked = request.query_params.get("lang", "")
    offered = {option["payload"].partition(":")[2] for option in language_options(get_commission())}
    return asked if asked in offered else language_of(request)


async def read_fields(request: Request) -> dict[str, str]:
    """The first value of each field of a posted form. Raises MessageTooLong, NotText."""
    body = await read_body(request)
    try:
        values = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise NotText from error
    return {name: found[0] for name, found in values.items()}


def find_problems(text: str, consent: str, language: str) -> list[tuple[str, str]]:
    """(field, sentence) for each thing to mend, in the order of the page."""
    problems: list[tuple[str, str]] = []
    try:
        checked_text(text)
    except MessageTooLong:
        over = wording("ui_form_error_too_long", language, count=len(text) - MAXIMUM_CHARACTERS)
        problems.append(("text", over.text))
    except MessageEmpty:
        problems.append(("text", wording("ui_form_error_empty", language).text))
    except ResidentInputError as error:
        problems.append(("text", wording(error.message_key, language).text))
    if consent != "yes":
        problems.append(("consent", wording("ui_form_error_consent", language).text))
    return problems


def _keep(token: str, text: str, text_language: str, page_language: str) -> None:
    """The form's conversation, its message and its draft; each the same when it is posted again."""
    try:
        _keep_once(token, text, text_language, page_language)
    except IntegrityError:  # the same form at the same moment: the other one has made the conversation
        _keep_once(token, text, text_language, page_language)


def _keep_once(token: str, text: str, text_language: str, page_language: str) -> None:
    chosen = text_language if text_language in get_commission().languages else None
    detection = detect(text, chosen)
    with unit_of_work() as db:
        conversation = _conversation(db, token)
        if conversation is None:
            conversation = start_conversation(
                db, channel=Channel.WEB_FORM, token=token, language=page_language, language_source="chosen"
            )
        message = record_inbound_message(
            db,
            conversation_id=conversation.id,
            channel=Channel.WEB_FORM,
            # A changed text is another message; the same one is the same.
            provider_message_id=hashlib.sha256(text.encode()).hexdigest()[:40],
            original_text=text,
        )
        message.detected_language = chosen or detection.language
        message.detected_language_confidence = 1.0 if chosen else detection.confidence
        message.intent = "submit_view"
        offers.note(db, message)
        record_replies(db, message.id, [])  # the page itself is the answer
        record_consent(db, conversation.id, message.id, agreed=True)
        draft = make_draft(db, conversation.id, [message.id])
        for other in _submissions(db, conversation):
            if other.status == SubmissionStatus.DRAFT and other.id != draft.id:
                db.delete(other)  # a form stands at one text


def _conversation(db: Session, token: str) -> Conversation | None:
    digest = hashlib.sha256(token.encode()).digest()
    return db.scalars(select(Conversation).where(Conversation.token_sha256 == digest)).one_or_none()


def _draft_of(token: str) -> Submission | None:
    """What this form stands at: what was sent from it, else the draft last looked at."""
    with unit_of_work(read_only=True) as db:
        conversation = _conversation(db, token)
        if conversation is None:
            return None
        found = _submissions(db, conversation)
        sent = [submission for submission in found if submission.status != SubmissionStatus.DRAFT]
        chosen = (sent or found)[-1] if found else None
        if chosen is not None:
            _ = chosen.parts  # read while the session is open
        return chosen


def _submissions(db: Session, conversation: Conversation) -> list[Submission]:
    of_this = select(Submission).where(Submission.conversation_id == conversation.id)
    return list(db.scalars(of_this.order_by(Submission.created_at)))


def see_other(path: str, language: str) -> Response:
    return RedirectResponse(f"{path}?{urlencode({'lang': language})}", 303, {"Cache-Control": "no-store"})


def form_page(
    request: Request,
    language: str,
    token: str,
    fields: dict[str, str] | None = None,
    problems: list[tuple[str, str]] | None = None,
) -> Response:
    return html(
        request,
        "form.html",
        language,
        status=422 if problems else 200,
        token=token,
        fields=fields or {},
        problems=problems or [],
        limit=MAXIMUM_CHARACTERS,
    )


def html(request: Request, template: str, language: str, status: int = 200, **values: Any) -> Response:
    commission = get_commission()
    page = TEMPLATES.get_template(template).render(
        **{"commission": commission, "ui": ui_words(commission, language), "path": request.url.path, **values}
    )
    return HTMLResponse(page, status, {"Cache-Control": "no-store"})
