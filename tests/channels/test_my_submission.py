"""One's own view by its reference: seen, added to, corrected, taken back, by whoever holds it alone."""

import re
import uuid

import httpx
import pytest
from sqlalchemy import select

from channels import web_my_submission
from submissions import intake, reference_guard, rights
from submissions.database import unit_of_work
from submissions.models import EarlierText, Submission, SubmissionStatus, utc_now
from tests.factories import make_view

PATH = "/my-submission"
VIEW = "Não fechem a <b>biblioteca</b>."


@pytest.fixture(autouse=True)
def guard(monkeypatch):
    fresh = reference_guard.ReferenceGuard()
    monkeypatch.setattr(web_my_submission, "get_guard", lambda: fresh)
    return fresh


def sent_view(text: str = VIEW, **values) -> str:
    conversation_id, ids = make_view(text, consented_at=utc_now())
    with unit_of_work() as db:
        submission = intake.submit(db, conversation_id, ids)[0]
        for name, value in values.items():
            setattr(submission, name, value)
        return str(submission.reference)


def browser(gateway) -> httpx.Client:
    return httpx.Client(base_url=gateway.url, timeout=60, follow_redirects=True)


def open_view(http: httpx.Client, reference: str, **headers: str) -> httpx.Response:
    return http.post(f"{PATH}?lang=pt", data={"reference": reference}, headers=headers)


def hidden(page: httpx.Response) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


def submission() -> Submission:
    with unit_of_work(read_only=True) as db:
        found = db.scalars(select(Submission)).one()
        _ = found.parts
        return found


def test_whoever_has_the_reference_sees_the_view_and_no_trace_of_it_goes_anywhere(gateway):
    reference = sent_view()
    with browser(gateway) as http:
        page = open_view(http, reference.lower().replace("-", " "))
        assert page.status_code == 200
        assert "Não fechem a &lt;b&gt;biblioteca&lt;/b&gt;." in page.text
        for answer in [*page.history, page]:
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "noindex" in answer.headers["x-robots-tag"]
            assert reference not in str(answer.url)
        cookie = page.history[0].headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/my-submission" in cookie
        assert reference not in cookie
        closed = http.post(f"{PATH}/leave")
        assert "biblioteca" not in closed.text
        assert "biblioteca" not in http.get(PATH).text


@pytest.mark.parametrize("wrong", ["OW-7K3M-92QF", "OW-7K3M-92QG", "", "x" * 5000, "'; --", "\u0000"])
def test_wrong_and_unknown_references_get_the_same_answer(gateway, wrong):
    sent_view()
    with browser(gateway) as http:
        unknown, other = open_view(http, "OW-0000-0000"), open_view(http, wrong)
        assert (unknown.status_code, unknown.text) == (other.status_code, other.text)
        assert unknown.status_code == 422
        assert "set-cookie" not in other.headers


def test_wrong_references_are_throttled_and_right_ones_wait_too(gateway, guard, monkeypatch):
    reference = sent_view()
    monkeypatch.setattr(web_my_submission, "_asker", lambda request: request.headers["x-from"])
    with browser(gateway) as http:
        for _ in range(reference_guard.WRONG_BY_ONE):
            assert open_view(http, "OW-0000-0000", **{"x-from": "2001:db8::1"}).status_code == 422
        # The same household, another address of it; right or wrong makes no difference.
        for tried in (reference, "OW-0000-0000"):
            answer = open_view(http, tried, **{"x-from": "2001:db8::2"})
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) > 0
        assert open_view(http, reference, **{"x-from": "192.0.2.7"}).status_code == 200
        for number in range(reference_guard.WRONG_BY_ALL):
            guard.count_wrong(f"host-{number}")
        assert open_view(http, reference, **{"x-from": "198.51.100.1"}).status_code == 429


def test_an_addition_posted_twice_is_added_once(gateway):
    reference = sent_view()
    with browser(gateway) as http:
        fields = {**hidden(open_view(http, reference)), "text": " E a escola!\r\nTambém. "}
        for _ in range(2):
            assert http.post(f"{PATH}/add?lang=pt", data=fields).status_code == 200
        parts = submission().parts
        assert [part.original_text for part in parts] == [VIEW, " E a escola!\nTambém. "]
        empty = http.post(f"{PATH}/add?lang=pt", data={**fields, "text": " "})
        assert empty.status_code == 422
        assert 'id="add-wrong"' in empty.text


def test_a_correction_keeps_the_earlier_words_and_goes_back_to_review(gateway):
    reference = sent_view(status=SubmissionStatus.APPROVED)
    with browser(gateway) as http:
        fields = {**hidden(open_view(http, reference)), "text": "Fechem a biblioteca."}
        for _ in range(2):
            page = http.post(f"{PATH}/correct?lang=pt", data=fields)
            assert page.status_code == 200
        assert "Fechem a biblioteca." in page.text
    corrected = submission()
    assert [part.original_text for part in corrected.parts] == ["Fechem a biblioteca."]
    assert corrected.status == SubmissionStatus.IN_REVIEW
    with unit_of_work(read_only=True) as db:
        assert [row.original_text for row in db.scalars(select(EarlierText))] == [VIEW]


def test_a_correction_of_what_has_changed_since_changes_nothing_and_keeps_the_text(gateway):
    reference = sent_view()
    with browser(gateway) as http:
        fields = hidden(open_view(http, reference))
        with unit_of_work() as db:
            rights.add(db, reference, "Mais uma coisa.", form_id=uuid.uuid4().hex)
        answer = http.post(f"{PATH}/correct?lang=pt", data={**fields, "text": "Outro texto."})
    assert answer.status_code == 422
    assert "Outro texto." in answer.text
    assert [part.original_text for part in submission().parts] == [VIEW, "Mais uma coisa."]


def test_what_was_taken_back_is_shown_no_more_and_changed_no_more(gateway):
    reference = sent_view()
    with browser(gateway) as http:
        fields = hidden(open_view(http, reference))
        page = http.post(f"{PATH}/withdraw?lang=pt", data=fields)
        assert "biblioteca" not in page.text
        assert submission().status == SubmissionStatus.WITHDRAWN
        late = http.post(f"{PATH}/add?lang=pt", data={**fields, "text": "Tarde."})
        assert late.status_code == 200
    assert len(submission().parts) == 1


@pytest.mark.parametrize(
    ("key", "headers"),
    [("", {}), ("0" * 32, {}), (None, {"sec-fetch-site": "cross-site"})],
)
def test_another_site_cannot_take_a_view_back(gateway, key, headers):
    reference = sent_view()
    with browser(gateway) as http:
        fields = hidden(open_view(http, reference))
        if key is not None:
            fields["key"] = key
        http.post(f"{PATH}/withdraw", data=fields, headers=headers)
        forged = open_view(http, reference, **{"sec-fetch-site": "cross-site"})
        assert "set-cookie" not in forged.headers
    assert submission().status == SubmissionStatus.RECEIVED


@pytest.mark.parametrize("cookie", ["", "x", "gAAAAABl"])
def test_a_cookie_that_is_not_ours_opens_nothing(sqlite_gateway, cookie):
    answer = sqlite_gateway.http.get(PATH, headers={"cookie": f"{web_my_submission.COOKIE}={cookie}"})
    assert answer.status_code == 200
    assert 'id="reference"' in answer.text
