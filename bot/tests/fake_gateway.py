"""A small stand-in for `/internal/bot`, held to `tests/contracts/*.json` on every call."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, List, Tuple

from bot.settings import TOKEN_HEADER

CONTRACTS_FOLDER = Path(__file__).resolve().parents[2] / "tests" / "contracts"


def load_contracts() -> Dict[str, Dict[str, Any]]:
    """Each contract of the internal API by its path."""
    contracts = [json.loads(path.read_text()) for path in sorted(CONTRACTS_FOLDER.glob("*.json"))]
    return {c["path"]: c for c in contracts if c["path"].startswith("/internal/bot/")}


def has_shape_of(value: Any, example: Any) -> bool:
    """Whether two JSON values have the same fields and types, all the way down."""
    if isinstance(example, dict):
        return (
            isinstance(value, dict)
            and value.keys() == example.keys()
            and all(has_shape_of(value[k], example[k]) for k in example)
        )
    if isinstance(example, list):
        return isinstance(value, list) and all(has_shape_of(item, example[0]) for item in value)
    return type(value) is type(example)


class FakeGateway:
    """Keeps submissions in memory. `calls` lists (name, body); `broken` names the calls that answer 503."""

    def __init__(self, port: int, token: str) -> None:
        self.calls: List[Tuple[str, Dict[str, Any]]] = []
        self.broken: set[str] = set()
        self.translation = "ready"
        self.mistakes: List[str] = []
        self._references: Dict[Tuple[str, Tuple[str, ...]], str] = {}
        self._withdrawn: set[str] = set()
        self._of_conversation: Dict[str, List[str]] = defaultdict(list)
        self._lock = threading.Lock()
        self._contracts = load_contracts()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers.get(TOKEN_HEADER) != token:
                    self._answer(401, {"error": "unauthorised"})
                    return
                self._answer(*gateway.handle(self.path, body))

            def _answer(self, status: int, content: Dict[str, Any]) -> None:
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def called(self, name: str) -> List[Dict[str, Any]]:
        return [body for called, body in self.calls if called == name]

    def handle(self, path: str, body: Dict[str, Any]) -> Tuple[int, Dict[str, Any]]:
        """The answer to a call; a request or an answer unlike its contract is written down as a mistake."""
        with self._lock:
            contract = self._contracts.get(path)
            if contract is None or not has_shape_of(body, contract["request"]):
                self.mistakes.append(f"{path}: {sorted(body)}")
                return 422, {"error": "not as the contract"}
            name = path.rsplit("/", 1)[1]
            self.calls.append((name, body))
            if name in self.broken:
                return 503, {"error": "broken"}
            answer = getattr(self, f"_{name.replace('-', '_')}")(body)
            if not has_shape_of(answer, contract["answer"]):
                self.mistakes.append(f"answer of {path}: {answer}")
            return 200, answer

    def _consents(self, body: Dict[str, Any]) -> Dict[str, Any]:
        return {}

    def _danger_reports(self, body: Dict[str, Any]) -> Dict[str, Any]:
        return {}

    def _human_requests(self, body: Dict[str, Any]) -> Dict[str, Any]:
        return {}

    def _drafts(self, body: Dict[str, Any]) -> Dict[str, Any]:
        return {"draft_id": f"draft-of-{len(body['message_ids'])}", "translation": self.translation}

    def _submissions(self, body: Dict[str, Any]) -> Dict[str, Any]:
        key = (body["conversation_id"], tuple(body["message_ids"]))
        created = key not in self._references
        if created:
            self._references[key] = f"OW-0000-{len(self._references):04d}"
            self._of_conversation[body["conversation_id"]].append(self._references[key])
        return {"reference": self._references[key], "created": created}

    def _additions(self, body: Dict[str, Any]) -> Dict[str, Any]:
        return {"reference": body["reference"]}

    def _status(self, body: Dict[str, Any]) -> Dict[str, Any]:
        return {
            "submissions": [
                {"reference": r, "status": "withdrawn" if r in self._withdrawn else "being_translated"}
                for r in self._of_conversation[body["conversation_id"]]
            ]
        }

    def _withdrawals(self, body: Dict[str, Any]) -> Dict[str, Any]:
        reference = body["reference"]
        if reference not in self._of_conversation[body["conversation_id"]]:
            return {"status": "not_found"}
        already = reference in self._withdrawn
        self._withdrawn.add(reference)
        return {"status": "already_withdrawn" if already else "withdrawn"}
