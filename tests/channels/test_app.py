"""The application as a whole: who may use each route, and what every page carries."""

import gzip
import re

import pytest

from channels.app import create_app
from channels.pages import STATIC_FOLDER
from channels.settings import Settings
from submissions.review.access import access_rules


def test_every_route_declares_who_may_use_it():
    rules = access_rules(create_app(Settings()))
    assert len(rules) > 20
    assert [(methods, path) for methods, path, rule in rules if rule is None] == []


def test_the_assistant_s_routes_ask_for_the_internal_token(sqlite_gateway):
    internal = [path for _, path, rule in access_rules(sqlite_gateway.app) if path.startswith("/internal")]
    assert internal
    for path in internal:
        assert sqlite_gateway.http.post(path, json={}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/form", "/widget.js", "/static/widget.css", "/chat/words/ar", "/health"]
)
def test_nothing_is_loaded_from_elsewhere_or_runs_inline(sqlite_gateway, path):
    response = sqlite_gateway.http.get(path)
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    if response.headers["content-type"].startswith("text/html"):
        for address in re.findall(r'(?:src|href|action)="([^"]*)"', response.text):
            assert address.startswith(("/", "#")), address
            assert not address.startswith("//")
        assert not re.search(r"<script(?![^>]*src=)| on\w+=|<style| style=", response.text)


def test_the_widget_is_small(sqlite_gateway):
    with sqlite_gateway.http.stream("GET", "/widget.js") as answer:
        assert len(b"".join(answer.iter_raw())) < 11_000
    assert not re.search(
        r"innerHTML|insertAdjacentHTML|document\.write|eval\(", (STATIC_FOLDER / "widget.js").read_text()
    )


def test_files_go_compressed_and_pages_do_not(sqlite_gateway):
    """What is the same for everybody, and nothing that holds a secret."""
    http = sqlite_gateway.http
    for address in ("/static/widget.css", "/desk/static/govuk-frontend.min.css"):
        plain = http.get(address, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        with http.stream("GET", address) as compressed:
            raw = b"".join(compressed.iter_raw())
        assert compressed.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in compressed.headers["vary"]
        assert len(raw) < len(plain.content) / 2
        assert gzip.decompress(raw) == plain.content
    for address in ("/", "/form", "/desk/sign-in", "/chat/words/ar"):
        assert "content-encoding" not in http.get(address).headers, address


def test_a_static_file_is_only_what_lies_in_the_folder(sqlite_gateway):
    for name in ("..%2fapp.py", "%2e%2e/app.py", "app.py", "nothing.css", "widget.js%00.css"):
        assert sqlite_gateway.http.get(f"/static/{name}").status_code == 404
    first = sqlite_gateway.http.get("/static/page.css")
    again = sqlite_gateway.http.get("/static/page.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_words_of_the_page_come_in_each_language_with_what_is_missing_named(sqlite_gateway):
    words = sqlite_gateway.http.get("/chat/words/ar").json()
    assert (words["language"], words["dir"]) == ("ar", "rtl")
    assert "{seconds}" in words["words"]["too_fast"]
    assert words["words"]["send"] != "Send"
    browser = sqlite_gateway.http.get("/chat/words/auto", headers={"Accept-Language": "es-MX"}).json()
    assert browser["language"] == "es"
    assert sqlite_gateway.http.get("/chat/words/..%2f..%2fetc").status_code == 404


def test_the_api_describes_itself(sqlite_gateway):
    description = sqlite_gateway.http.get("/openapi.json").json()
    assert "/chat/conversations/{conversation_id}/messages" in description["paths"]
    assert not [path for path in description["paths"] if path.startswith("/desk")]
