"""Stands for the assistant: the same HTTP contract (docs/architecture.md), with answers known beforehand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Message = dict[str, Any]
BASE = "/webhooks/own_words/"


def reply(key: str, *options: tuple[str, str], **arguments: Any) -> dict[str, Any]:
    return {
        "key": key,
        "arguments": arguments,
        "options": [{"key": option, "payload": payload} for option, payload in options],
    }


def ordinary_replies(message: Message) -> list[dict[str, Any]]:
    """A small part of what the assistant says: greeting, consent, and keeping what is written."""
    if message["choice"] == "language_chosen":
        return [
            reply("welcome"),
            reply(
                "ask_consent",
                ("option_agree", "affirm"),
                ("option_disagree", "deny"),
                ("option_privacy", "ask_privacy"),
            ),
        ]
    if message["choice"] == "affirm":
        return [reply("ask_view")]
    if message["choice"] == "ask_privacy":
        return [reply("privacy_answer")]
    if "language please" in message["text"]:
        return [reply("choose_language")]
    return [reply("view_kept", ("option_finish", "deny"))]


class FakeBot:
    """Runs on a port of its own; `down` makes it fail as a bot that is starting does."""

    def __init__(self, token: str, port: int = 0) -> None:
        self.token = token
        self.replies: Callable[[Message], list[dict[str, Any]]] = ordinary_replies
        self.handled: list[Message] = []  # every call, repeated ones too
        self.down = False
        self.delay_seconds = 0.0
        self._answers: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        bot = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # one packet for headers and body

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers.get("X-Internal-Token") != bot.token:
                    return self.answer(401, {})
                if bot.down:
                    return self.answer(503, {"error": "starting"})
                if self.path == BASE + "messages":
                    return self.answer(200, bot.handle(body))
                if self.path == BASE + "understand":
                    return self.answer(200, {"intent": "submit_view", "confidence": 0.9})
                return self.answer(404, {})

            def do_DELETE(self) -> None:
                self.answer(204 if self.path.startswith(BASE + "conversations/") else 404, None)

            def do_GET(self) -> None:
                self.answer(503 if bot.down else 200, {"status": "ok"})

            def answer(self, status: int, body: dict[str, Any] | None) -> None:
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Silence."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def handle(self, message: Message) -> dict[str, Any]:
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        with self._lock:
            self.handled.append(message)
            known = self._answers.get(message["message_id"])
            if known is None:
                known = {
                    "message_id": message["message_id"],
                    "intent": {"name": message["choice"] or "submit_view", "confidence": 0.93},
                    "replies": self.replies(message),
                }
                self._answers[message["message_id"]] = known
            return known

    def texts(self) -> list[str]:
        return [message["text"] for message in self.handled]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
