"""The page that needs no scripts, into the same record as the chat."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select

from channels import web_form
from submissions import jobs
from submissions.database import unit_of_work
from submissions.models import Message, Submission

VIEW = " A biblioteca fechou.\n\nAs crianças não têm <b>para onde</b> ir."


@pytest.fixture(autouse=True)
def no_long_wait_for_the_english(monkeypatch):
    monkeypatch.setattr(web_form, "ENGLISH_WAIT_SECONDS", 0.2)


def open_form(http: httpx.Client, language: str = "pt") -> str:
    page = http.get(f"/form?lang={language}")
    assert page.status_code == 200
    return re.search(r'name="form" value="([^"]+)"', page.text)[1]


def fill_in(http: httpx.Client, token: str, text: str = VIEW, consent: str = "yes") -> httpx.Response:
    # A browser posts line breaks as CR LF.
    fields = {"form": token, "text": text.replace("\n", "\r\n"), "consent": consent, "text_language": "pt"}
    return http.post("/form?lang=pt", data=fields)


def sent_submissions() -> list[Submission]:
    with unit_of_work(read_only=True) as db:
        found = db.scalars(select(Submission).where(Submission.reference.is_not(None))).all()
        return [submission for submission in found if submission.parts]


def test_a_view_written_on_the_form_is_looked_at_and_sent_and_has_a_reference(gateway, bot):
    http = gateway.http
    token = open_form(http)
    answer = fill_in(http, token)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/form/{token}?lang=pt")
    look = http.get(answer.headers["location"])
    assert "As crianças não têm &lt;b&gt;para onde&lt;/b&gt; ir." in look.text
    assert "<b>" not in look.text
    sent = http.post(f"/form/{token}?lang=pt")
    assert sent.status_code == 303
    page = http.get(sent.headers["location"]).text
    (submission,) = sent_submissions()
    assert submission.reference in page
    assert "crianças" not in page  # the last page may stay open on a shared computer
    assert [part.original_text for part in submission.parts] == [VIEW]
    assert (submission.channel, submission.source_language) == ("web_form", "pt")
    assert submission.consented_at is not None
    assert bot.handled == []


def test_a_form_posted_many_times_at_once_is_one_view(gateway):
    http = gateway.http
    token = open_form(http)
    with ThreadPoolExecutor(10) as threads:
        assert {answer.status_code for answer in threads.map(lambda _: fill_in(http, token), range(10))} == {
            303
        }
        sent = list(threads.map(lambda _: http.post(f"/form/{token}"), range(10)))
    assert {answer.status_code for answer in sent} == {303}
    assert len(sent_submissions()) == 1
    with unit_of_work(read_only=True) as db:
        assert len(db.scalars(select(Message)).all()) == 1


def test_a_changed_text_takes_the_place_of_the_first(sqlite_gateway):
    http = sqlite_gateway.http
    token = open_form(http)
    fill_in(http, token, "A primeira versão.")
    changed = http.get(f"/form/{token}/change?lang=pt")
    assert "A primeira versão.</textarea>" in changed.text
    fill_in(http, token, "A segunda versão.")
    fill_in(http, token, "A primeira versão.")
    http.post(f"/form/{token}")
    (submission,) = sent_submissions()
    assert [part.original_text for part in submission.parts] == ["A primeira versão."]


def test_the_english_stands_under_its_label_when_it_is_made(sqlite_gateway):
    http = sqlite_gateway.http
    token = open_form(http, "en")
    fill_in(http, token, "Não há luz na nossa rua.")
    assert "not ready yet" in http.get(f"/form/{token}?lang=en").text
    jobs.run_due_jobs()
    page = http.get(f"/form/{token}?lang=en").text
    assert "made by a machine" in page
    assert re.search(r'class="words translation" lang="en" dir="ltr">[^<]*street', page)
    assert "Não há luz na nossa rua." in page


@pytest.mark.parametrize(
    ("text", "consent", "fields"),
    [
        ("", "yes", ["text"]),
        ("  \n ", "yes", ["text"]),
        ("x", "", ["consent"]),
        ("", "", ["text", "consent"]),
        ("x" * 4001, "yes", ["text"]),
        ("x\x00", "yes", ["text"]),
    ],
)
def test_what_is_to_be_mended_is_listed_and_nothing_typed_is_lost(sqlite_gateway, text, consent, fields):
    http = sqlite_gateway.http
    answer = fill_in(http, open_form(http), text, consent)
    assert answer.status_code == 422
    assert re.findall(r'<a href="#(\w+)">', answer.text) == fields
    assert 'role="alert"' in answer.text
    if text.strip("\x00 \n"):
        assert text.strip("\x00") in answer.text
    assert sent_submissions() == []


def test_the_longest_text_may_have_line_breaks_which_browsers_post_as_two_characters(sqlite_gateway):
    http = sqlite_gateway.http
    assert fill_in(http, open_form(http), "\n".join(["x" * 39] * 100)).status_code == 303


def test_a_form_we_did_not_make_is_not_taken_and_its_text_is_given_back(sqlite_gateway):
    http = sqlite_gateway.http
    answer = fill_in(http, "made-up.token", "Keep my words")
    assert answer.status_code == 422
    assert "Keep my words</textarea>" in answer.text
    assert http.get("/form/made-up.token").status_code == 403
    assert http.post("/form", content=b"\xff" * 300_000).status_code == 413


def test_the_form_is_in_the_language_asked_for_and_offers_the_others(sqlite_gateway):
    page = sqlite_gateway.http.get("/form?lang=ar").text
    assert '<html lang="ar" dir="rtl">' in page
    assert 'name="only_language" value="bn"' in page
    assert "<script" not in page


def test_a_page_that_is_not_here_says_so_in_the_reader_s_language(sqlite_gateway):
    headers = {"Accept": "text/html", "Accept-Language": "pt"}
    page = sqlite_gateway.http.get("/nothing-here", headers=headers)
    assert (page.status_code, 'lang="pt"' in page.text) == (404, True)
    assert sqlite_gateway.http.get("/nothing-here").json()["error"]["code"] == "not_found"


def test_another_language_keeps_what_is_in_the_form_and_keeps_nothing_in_the_record(sqlite_gateway):
    http = sqlite_gateway.http
    token = open_form(http)
    fields = {"form": token, "text": VIEW, "text_language": "pt", "consent": "yes", "only_language": "ar"}
    page = http.post("/form?lang=ar", data=fields)
    assert page.status_code == 200
    assert '<html lang="ar" dir="rtl">' in page.text
    assert "As crianças não têm &lt;b&gt;para onde&lt;/b&gt; ir.</textarea>" in page.text
    assert f'value="{token}"' in page.text
    assert re.search(r'<option value="pt"[^>]* selected>', page.text)
    assert re.search(r'id="consent"[^>]* checked>', page.text)
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Message)).all() == []
