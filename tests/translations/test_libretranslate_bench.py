import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from translations.benchmark import TranslationFigures
from translations.libretranslate_bench import LibreTranslateError, check_same_model, seconds_for, translate

PAIR = {"source": "es", "target": "en"}


class Stand(BaseHTTPRequestHandler):
    """Answers as LibreTranslate's API does: https://docs.libretranslate.com/api/operations/translate/"""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        known = asked["source"] == "es" and asked["target"] == "en" and asked["format"] == "text"
        answer = {"translatedText": asked["q"].upper()} if known else {"error": "not available"}
        if asked["q"] == "broken":
            answer = ["no object"]
        body = json.dumps(answer).encode()
        self.send_response(200 if known else 400)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stand)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def address(server):
    return f"http://127.0.0.1:{server.server_address[1]}/"


def test_each_text_is_asked_for_once_and_timed(server, address):
    server.asked.clear()
    texts = [f"uno {number}" for number in range(9)]
    assert seconds_for(address, texts, **PAIR) > 0
    assert sorted(asked["q"] for asked in server.asked) == texts


def test_a_server_with_another_model_is_not_measured(address):
    check_same_model(address, ["una casa."], lambda text: "Una Casa", **PAIR)
    with pytest.raises(LibreTranslateError, match="--write-package"):
        check_same_model(address, ["una casa"], lambda text: f"{text} otra", **PAIR)


def test_an_answer_that_is_no_translation_is_said(address):
    with pytest.raises(LibreTranslateError, match="answered 400"):
        translate(address, "una casa", source="xx", target="en")
    with pytest.raises(LibreTranslateError, match="translatedText"):
        translate(address, "broken", **PAIR)
    with pytest.raises(LibreTranslateError, match="no answer"):
        translate("http://127.0.0.1:9", "una casa", **PAIR)


def test_the_ratio_is_reported_where_there_was_a_server():
    measured = TranslationFigures(40.0, 38.0, 8.0, 2.0, 0.1, 0.1, 2, libretranslate=4.0)
    assert any("ours / LibreTranslate: 9.5" in line for line in measured.lines())
