"""Stands for Twilio's Messages and Content APIs: stateful, and able to fail in the ways we must survive."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from twilio.request_validator import RequestValidator

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "the-primary-token-of-the-tests"


def signature_of(address: str, parameters: Any = None, token: str = AUTH_TOKEN) -> str:
    return RequestValidator(token).compute_signature(address, parameters or {})


@dataclass
class Failure:
    """An answer instead of the usual one. `accepts` keeps the message all the same; status 0 hangs up."""

    status: int
    code: int | None = None
    accepts: bool = False
    delay_seconds: float = 0.0


@dataclass
class FakeTwilio:
    """`failures` are used up one a send; `messages` and `contents` are what it has taken, oldest first."""

    failures: list[Failure] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    refuses_contents: bool = False
    smart_encoding: bool = False  # answers with other letters than it was given, as a service may

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                path = urlsplit(self.path).path
                fake.requests.append(("POST", path))
                if path.endswith("/Messages.json"):
                    return self.send_message(dict(parse_qsl(body, keep_blank_values=True)))
                if path == "/v1/Content":
                    if fake.refuses_contents:
                        return self.answer(400, {"code": 20001, "message": "no", "status": 400})
                    return self.answer(201, fake.keep_content(json.loads(body)))
                return self.answer(404, {"code": 20404, "message": "not found", "status": 404})

            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                fake.requests.append(("GET", asked.path))
                if not asked.path.endswith("/Messages.json"):
                    return self.answer(404, {"code": 20404, "message": "not found", "status": 404})
                wanted = dict(parse_qsl(asked.query))
                found = [message for message in fake.messages if wanted.get("To") in (None, message["to"])]
                return self.answer(200, {"messages": found[::-1], "next_page_uri": None})

            def send_message(self, form: dict[str, str]) -> None:
                with fake._lock:
                    failure = fake.failures.pop(0) if fake.failures else None
                if failure is None:
                    return self.answer(201, fake.keep(form))
                if failure.accepts:
                    fake.keep(form)
                time.sleep(failure.delay_seconds)
                if failure.status == 0:
                    self.close_connection = True
                    self.connection.close()
                    return None
                return self.answer(
                    failure.status,
                    {
                        "code": failure.code or failure.status,
                        "message": "refused",
                        "more_info": "",
                        "status": failure.status,
                    },
                )

            def answer(self, status: int, body: dict[str, Any]) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Silence."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A caller that was killed; nothing of ours to report."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def keep(self, form: dict[str, str], direction: str = "outbound-api", **values: Any) -> dict[str, Any]:
        body = form.get("Body", "")
        if not body and "ContentVariables" in form:
            body = json.loads(form["ContentVariables"])["1"]
        now = format_datetime(dt.datetime.now(dt.UTC))
        message = {
            "sid": "SM" + secrets.token_hex(16),
            "account_sid": ACCOUNT_SID,
            "to": form["To"],
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "body": body.replace("“", '"') if self.smart_encoding else body,
            "status": "queued",
            "direction": direction,
            "num_segments": "1",
            "num_media": "0",
            "error_code": None,
            "date_created": now,
            "date_updated": now,
            "date_sent": now,
            **values,
        }
        with self._lock:
            self.messages.append(message)
            message["form"] = form
        return {name: value for name, value in message.items() if name != "form"}

    def keep_content(self, content: dict[str, Any]) -> dict[str, Any]:
        made = {"sid": "HX" + secrets.token_hex(16), "account_sid": ACCOUNT_SID, **content}
        with self._lock:
            self.contents.append(made)
        return made

    def bodies(self) -> list[str]:
        return [message["body"] for message in self.messages if message["direction"].startswith("outbound")]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def webhook_form(sid: str, text: str, sender: str = "+447700900123", **values: str) -> dict[str, str]:
    """What Twilio posts for an inbound message."""
    to = "whatsapp:+447700900999" if sender.startswith("whatsapp:") else "+447700900999"
    return {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "To": to,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
        "ApiVersion": "2010-04-01",
        "SmsStatus": "received",
        **values,
    }


def encoded(form: dict[str, str]) -> bytes:
    return urlencode(form).encode()
