"""/simulator: two handsets in the browser, and the calls its page makes."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field, StringConstraints

from channels.errors import NotText
from channels.resident_text import read_body
from channels.settings import Settings
from channels.simulator.account import StandInAccount
from channels.simulator.errors import REFUSALS
from channels.simulator.local import MOUNTED_AT, local_url
from channels.simulator.records import WHATSAPP, StandInMessage, now_utc
from channels.simulator.stand_in import create_stand_in
from channels.sms_text import measure_sms
from channels.twilio_client import KNOWN_CODES
from channels.web_answers import TEMPLATES
from submissions.review.access import public_route

router = APIRouter(prefix="/simulator", dependencies=[Depends(public_route)], include_in_schema=False)

MAXIMUM_VOICE_NOTE = 16 * 1024 * 1024  # as WhatsApp has it
SHOWN_MESSAGES = 200
SAMPLE_PLACE = {
    "Latitude": "51.5347",
    "Longitude": "-0.2047",
    "Label": "Queen's Park",
    "Address": "Kingswood Avenue, London NW6",
}
# A name that is nobody's, and one of the numbers that Ofcom keeps for films.
SAMPLE_CARD = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Example;Sam;;;\r\nFN:Sam Example\r\n"
    b"TEL;TYPE=CELL:+447700900457\r\nEND:VCARD\r\n"
)
SHOWN_WEBHOOKS = 12
MEDIA_TYPE = re.compile(r"[a-z]+/[a-zA-Z0-9.+-]{1,60}")

# Only numbers nobody has: a real one would be somebody's.
Handset = Annotated[str, StringConstraints(pattern=r"^\+447700900[0-9]{3}$")]
Channel = Literal["sms", "whatsapp"]


class Typed(BaseModel):
    """What a resident sends from a handset: words, or a button or row that was offered."""

    channel: Channel
    number: Handset
    text: str = Field(max_length=4096)
    choice: str | None = Field(default=None, max_length=200)
    choice_kind: Literal["buttons", "list"] | None = None


class SharedByHand(BaseModel):
    """What a resident sends from the WhatsApp handset that is neither typed nor recorded."""

    number: Handset
    kind: Literal["place", "contact", "reaction"]
    emoji: str = Field(default="", max_length=40)
    to: str = Field(default="", pattern=r"^([A-Z]{2}[0-9a-f]{32})?$")  # the message of ours it is put on


class SwitchesSet(BaseModel):
    """As `records.Switches`; a count of -1 is "until switched off"."""

    refuse_with: int | None = None
    refuse_count: int = Field(default=0, ge=-1, le=1000)
    fail_with: int | None = None
    fail_count: int = Field(default=0, ge=-1, le=1000)
    hang_count: int = Field(default=0, ge=-1, le=1000)
    approval: Literal["approved", "pending", "rejected", "paused"] = "approved"
    delay_seconds: float = Field(default=0.0, ge=0, le=60)
    duplicates: bool = False
    reorder: bool = False


def install_simulator(app: FastAPI, settings: Settings) -> StandInAccount:
    """Adds the page and the stand-in to the application; stop the account when the application stops."""
    account = StandInAccount(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        sms_number=settings.twilio_sms_number,
        whatsapp_number=settings.twilio_whatsapp_number,
        public_url=settings.resolved_public_url,
        local_url=local_url(settings),
        api_url=settings.twilio_api_url,
    )
    app.state.simulator = account
    app.include_router(router)
    app.mount(MOUNTED_AT, create_stand_in(account))
    return account


def simulator_of(request: Request) -> StandInAccount:
    account: StandInAccount = request.app.state.simulator
    return account


Account = Annotated[StandInAccount, Depends(simulator_of)]


@router.get("")
def page() -> HTMLResponse:
    html = TEMPLATES.get_template("simulator.html").render(
        refusals=[(code, REFUSALS[code][0], _words(code)) for code in (20429, 20003, 20503, 21610, 63018)],
        failures=[(code, _words(code)) for code in (30003, 30007, 63014, 63016, 63018)],
    )
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def _words(code: int) -> str:
    if code in KNOWN_CODES:
        return KNOWN_CODES[code][1]
    return REFUSALS[code][1] if code in REFUSALS else "unknown"


@router.get("/state")
def state(account: Account, number: Annotated[Handset, Query()]) -> JSONResponse:
    """Everything a handset's owner and a developer see; the page asks for it again and again."""
    mine = (number, WHATSAPP + number)
    with account.lock:
        messages = [
            _as_shown(message)
            for message in account.messages.values()
            if message.to in mine or message.from_ in mine
        ]
        body = {
            "messages": messages[-SHOWN_MESSAGES:],
            "switches": {name: getattr(account.switches, name) for name in SwitchesSet.model_fields},
            "webhooks": [
                {
                    "path": one.path,
                    "status": one.status,
                    "about": one.parameters.get("MessageStatus") or one.parameters.get("SmsStatus"),
                }
                for one in account.courier.delivered[-SHOWN_WEBHOOKS:]
            ],
            "stopped": number in account.stopped,
        }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _as_shown(message: StandInMessage) -> dict[str, Any]:
    size = measure_sms(message.body)
    return {
        "sid": message.sid,
        "channel": "whatsapp" if message.is_whatsapp else "sms",
        "from_resident": message.direction == "inbound",
        "text": message.body,
        "encoding": str(size.encoding),
        "units": size.units,
        "parts": size.parts,
        "characters": len(message.body),
        "states": message.history,
        "error_code": message.error_code,
        "error": _words(message.error_code) if message.error_code else None,
        "options": message.options,
        "option_kind": message.option_kind,
        "shared": message.shared_kind,
        "reacts_to": message.reacts_to,
        "is_answered_soon": message.typing_until is not None and message.typing_until > now_utc(),
        "media": [{"type": media.content_type, "bytes": len(media.content)} for media in message.media],
    }


@router.post("/messages", status_code=202)
def send(account: Account, typed: Typed) -> JSONResponse:
    """Sends as a resident: keeps the message and posts the signed webhook."""
    extra: dict[str, str] = {}
    if typed.choice is not None:
        if typed.choice_kind == "list":
            extra = {"ListId": typed.choice, "ListTitle": typed.text, "MessageType": "interactive"}
        else:
            extra = {"ButtonPayload": typed.choice, "ButtonText": typed.text, "MessageType": "button"}
    sender = WHATSAPP + typed.number if typed.channel == "whatsapp" else typed.number
    message = account.receive(from_=sender, body=typed.text, extra=extra)
    return JSONResponse({"sid": message.sid}, 202)


@router.post("/media", status_code=202)
async def send_media(request: Request, account: Account, number: Annotated[Handset, Query()]) -> JSONResponse:
    """Sends the body as a voice note or picture from the WhatsApp handset; its type is in Content-Type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if not MEDIA_TYPE.fullmatch(kind):
        raise NotText
    content = await read_body(request, MAXIMUM_VOICE_NOTE)
    message = account.receive(from_=WHATSAPP + number, media=[(kind, content)])
    return JSONResponse({"sid": message.sid}, 202)


@router.post("/shared", status_code=202)
def share(account: Account, shared: SharedByHand) -> JSONResponse:
    """Sends a place, a contact card or a reaction from the WhatsApp handset, as Twilio tells of them."""
    media: list[tuple[str, bytes]] = []
    if shared.kind == "place":
        extra = {"MessageType": "location", **SAMPLE_PLACE}
    elif shared.kind == "contact":
        extra, media = {"MessageType": "contacts"}, [("text/vcard", SAMPLE_CARD)]
    else:
        extra = {"MessageType": "reaction", "OriginalRepliedMessageSid": shared.to}
    message = account.receive(
        from_=WHATSAPP + shared.number,
        body=shared.emoji if shared.kind == "reaction" else "",
        media=media,
        extra=extra,
    )
    message.shared_kind, message.reacts_to = shared.kind, shared.to or None
    return JSONResponse({"sid": message.sid}, 202)


@router.post("/switches", status_code=204)
def switch(account: Account, wanted: SwitchesSet) -> Response:
    """Sets what goes wrong from now on."""
    with account.lock:
        for name, value in wanted.model_dump().items():
            setattr(account.switches, name, value)
    return Response(status_code=204)
