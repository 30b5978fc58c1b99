"""The local account that takes Twilio's place where none is set, so that SMS and WhatsApp can be tried."""

from __future__ import annotations

import json
import os
import secrets

from channels.settings import Settings
from channels.simulator.records import new_sid

ACCOUNT_FILE = "simulator_account.json"
MOUNTED_AT = "/simulator/twilio"
# Numbers that Ofcom keeps free for films and books; nobody has them.
# Source: https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama
SMS_NUMBER, WHATSAPP_NUMBER = "+447700900001", "+447700900002"


def with_simulator(settings: Settings) -> Settings:
    """The settings, with a local account and `simulator` true where the simulator is to run, else false.

    By itself it runs only where neither a Twilio account nor a public address is set: on somebody's own
    machine. The account is made once, in the data folder, readable by its owner only.
    """
    wanted = settings.simulator
    if wanted is None:
        wanted = not settings.twilio_account_sid and not settings.public_url
    if not wanted:
        return settings.model_copy(update={"simulator": False})
    account_sid, auth_token = _local_account(settings)
    return settings.model_copy(
        update={
            "simulator": True,
            "twilio_account_sid": account_sid,
            "twilio_auth_token": auth_token,
            "twilio_messaging_service_sid": "",
            "twilio_sms_number": SMS_NUMBER,
            "twilio_whatsapp_number": WHATSAPP_NUMBER,
            "twilio_api_url": settings.twilio_api_url or local_url(settings) + MOUNTED_AT,
        }
    )


def local_url(settings: Settings) -> str:
    """Where the web pages listen, seen from this machine."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "localhost") else settings.host  # noqa: S104
    return f"http://{host}:{settings.port}"


def _local_account(settings: Settings) -> tuple[str, str]:
    settings.data.mkdir(parents=True, exist_ok=True)
    path = settings.data / ACCOUNT_FILE
    if not path.exists():
        # Written whole, then put in place: the web process and the worker may both be first.
        draft = path.with_name(f"{ACCOUNT_FILE}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"account_sid": new_sid("AC"), "auth_token": secrets.token_hex(16)}, file)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # the other was first, and its account holds
        finally:
            draft.unlink()
    account = json.loads(path.read_text())
    return account["account_sid"], account["auth_token"]
