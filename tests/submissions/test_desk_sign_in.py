"""The door of the desk: passwords, sessions, CSRF, throttling."""

import datetime as dt
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from submissions.database import unit_of_work
from submissions.models import ApiToken, DeskSession, Reviewer, Role, utc_now
from submissions.review import accounts, passwords, sessions
from submissions.review.errors import AccountError
from tests.submissions.desk_site import PASSWORD, Desk, hidden, make_app, make_reviewer, make_submission


@pytest.fixture(autouse=True)
def a_fresh_count_of_guesses():
    passwords.forget_all_guesses()


@pytest.fixture
def ana(database) -> Reviewer:
    return make_reviewer()


def stored_sessions() -> list[DeskSession]:
    with unit_of_work(read_only=True) as db:
        return list(db.scalars(select(DeskSession)))


def test_who_is_not_signed_in_is_sent_to_the_door_and_back(ana):
    desk = Desk()
    refused = desk.get("/desk/submissions/OW-7K3M-92QF?language=pt")
    assert refused.status_code == 303
    assert refused.headers["location"].startswith("/desk/sign-in?next=%2Fdesk%2Fsubmissions%2FOW-7K3M-92QF")
    door = desk.get(refused.headers["location"])
    back = hidden(door.text, "next")
    assert back == "/desk/submissions/OW-7K3M-92QF?language=pt"
    assert desk.sign_in(next=back).headers["location"] == back


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/desk/\\evil", "/deskevil", "/desk\r\nX: y", "/chat"],
)
def test_signing_in_never_leads_to_another_site(ana, elsewhere):
    assert Desk().sign_in(next=elsewhere).headers["location"] == "/desk"


def test_the_first_reviewer_signs_in_with_a_one_time_password_and_must_choose_another(database):
    username, one_time = accounts.ensure_first_reviewer() or ("", "")
    desk = Desk()
    assert desk.sign_in(username, one_time).headers["location"] == "/desk/password"
    assert desk.get("/desk").headers["location"] == "/desk/password"
    fields = {"current": one_time, "new": PASSWORD, "repeated": PASSWORD}
    assert desk.post("/desk/password", "/desk/password", **fields).headers["location"] == "/desk"
    assert desk.get("/desk").status_code == 200
    assert Desk().sign_in(username, one_time).status_code == 401
    assert Desk().sign_in(username, PASSWORD).headers["location"] == "/desk"
    assert accounts.ensure_first_reviewer() is None


def test_until_somebody_used_it_each_start_shows_a_new_first_password(database):
    _, first = accounts.ensure_first_reviewer() or ("", "")
    username, second = accounts.ensure_first_reviewer() or ("", "")
    assert first != second
    assert Desk().sign_in(username, first).status_code == 401
    assert Desk().sign_in(username, second).status_code == 303


def test_there_is_no_first_reviewer_once_there_are_others(ana):
    assert accounts.ensure_first_reviewer() is None


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("short", "12 characters or more"),
        ("x" * 300, "200 characters or fewer"),
        ("my name is ana, yes", "must not contain your username"),
        ("Password1234", "too easy to guess"),
        ("aaaaaaaaaaaabb", "too easy to guess"),
        (PASSWORD, "must differ"),
    ],
)
def test_a_poor_password_is_refused_with_the_reason(ana, new, reason):
    desk = Desk().signed_in()
    answer = desk.post("/desk/password", "/desk/password", current=PASSWORD, new=new, repeated=new)
    assert answer.status_code == 422
    assert reason in answer.text


def test_a_password_is_not_changed_without_the_current_one_or_when_mistyped(ana):
    desk = Desk().signed_in()
    new = "green ladder paper moon"
    wrong = desk.post("/desk/password", "/desk/password", current="guess", new=new, repeated=new)
    assert "current password is not right" in wrong.text
    mistyped = desk.post("/desk/password", "/desk/password", current=PASSWORD, new=new, repeated=new + "x")
    assert "are not the same" in mistyped.text
    assert Desk().sign_in().status_code == 303


def test_changing_the_password_signs_out_everywhere_else(ana):
    here, elsewhere = Desk().signed_in(), Desk().signed_in()
    new = "green ladder paper moon"
    here.post("/desk/password", "/desk/password", current=PASSWORD, new=new, repeated=new)
    assert here.get("/desk").status_code == 200
    assert elsewhere.get("/desk").status_code == 303


def test_a_wrong_password_and_an_unknown_username_get_the_same_answer(ana):
    def answer(username: str) -> tuple[int, str]:
        response = Desk().sign_in(username, "not the password")
        text = re.sub(r'value="[^"]*"', "", response.text)
        return response.status_code, text

    assert answer("ana") == answer("nobody") == answer("nobody\0at all")
    assert answer("ana")[0] == 401


def test_an_unknown_username_costs_a_check_of_a_password_too(ana, monkeypatch):
    checked = []
    verify = passwords._hasher.verify
    monkeypatch.setattr(
        passwords,
        "_hasher",
        type("Counting", (), {"verify": lambda self, *a: checked.append(a) or verify(*a)})(),
    )
    passwords._hash_of_nobody.cache_clear()
    monkeypatch.setattr(passwords, "hash_password", lambda password: verify_hash)
    verify_hash = ana.password_hash
    assert accounts.sign_in("nobody", "some password") is None
    assert accounts.sign_in("ana", "some password") is None
    passwords._hash_of_nobody.cache_clear()
    assert len(checked) == 2


def test_after_ten_tries_even_the_right_password_waits_and_others_do_not(ana):
    make_reviewer("bo")
    for _ in range(10):
        assert Desk().sign_in("ana", "wrong").status_code == 401
    throttled = Desk().sign_in("ANA", PASSWORD)
    assert throttled.status_code == 429
    assert "Wait 15 minutes" in throttled.text
    assert Desk().sign_in("bo").status_code == 303


def test_tries_from_one_address_are_counted_over_all_usernames(ana, monkeypatch):
    monkeypatch.setattr(passwords, "GUESSES_PER_ADDRESS", passwords.parse("3 per 15 minutes"))
    answers = [Desk().sign_in(f"user{number}", "wrong").status_code for number in range(4)]
    assert answers == [401, 401, 401, 429]


def test_a_closed_account_cannot_sign_in_and_its_session_ends(ana):
    desk = Desk().signed_in()
    with unit_of_work() as db:
        db.execute(update(Reviewer).values(disabled_at=utc_now()))
    assert desk.get("/desk").status_code == 303
    assert Desk().sign_in().status_code == 401


def test_the_cookie_is_for_the_desk_alone_and_only_a_hash_of_it_is_stored(ana):
    answer = Desk().sign_in()
    [cookie] = [c for c in answer.headers.get_list("set-cookie") if c.startswith("ownwords_desk=")]
    for attribute in ("HttpOnly", "SameSite=lax", "Path=/desk"):
        assert attribute in cookie
    assert "Secure" not in cookie
    token = cookie.split(";")[0].partition("=")[2]
    [stored] = stored_sessions()
    assert stored.token_sha256 == sessions.token_hash(token)


def test_over_https_the_cookies_are_secure(ana):
    app = make_app()
    app.state.public_url = "https://views.example.org"
    answer = Desk(app).sign_in()
    assert all(
        "Secure" in cookie for cookie in answer.headers.get_list("set-cookie") if "Max-Age=0" not in cookie
    )


def test_two_instances_on_one_machine_do_not_share_a_cookie(ana):
    app = make_app()
    names = set()
    for port in (8000, 8001):
        client = TestClient(app, base_url=f"http://testserver:{port}", follow_redirects=False)
        token = hidden(client.get("/desk/sign-in").text, "form_token")
        fields = {"form_token": token, "username": "ana", "password": PASSWORD}
        names |= set(client.post("/desk/sign-in", data=fields).cookies)
    assert len(names) == 2


def test_signing_in_again_gives_a_new_session_and_ends_the_old_one(ana):
    desk = Desk().signed_in()
    [old] = stored_sessions()
    token = "f" * 40
    desk.client.cookies.set("ownwords_desk_form", token, domain="testserver.local", path="/desk")
    fields = {"form_token": token, "username": "ana", "password": PASSWORD}
    assert desk.client.post("/desk/sign-in", data=fields).status_code == 303
    [new] = stored_sessions()
    assert (new.id, new.csrf_token) != (old.id, old.csrf_token)


@pytest.mark.parametrize(
    "age",
    [
        {"last_seen_at": dt.timedelta(hours=2, seconds=1)},
        {"expires_at": dt.timedelta(seconds=1)},
    ],
)
def test_a_session_ends_when_idle_for_two_hours_or_after_twelve(ana, age):
    desk = Desk().signed_in()
    with unit_of_work() as db:
        db.execute(update(DeskSession).values({name: utc_now() - ago for name, ago in age.items()}))
    answer = desk.get("/desk")
    assert answer.status_code == 303
    assert "ended=1" in answer.headers["location"]
    assert "You were signed out" in desk.get(answer.headers["location"]).text


def test_a_session_in_use_stays_and_lasts_twelve_hours_at_most(ana):
    desk = Desk().signed_in()
    with unit_of_work() as db:
        db.execute(update(DeskSession).values(last_seen_at=utc_now() - dt.timedelta(minutes=90)))
    assert desk.get("/desk").status_code == 200
    [session] = stored_sessions()
    assert utc_now() - session.last_seen_at < dt.timedelta(minutes=1)
    assert session.expires_at - session.created_at == dt.timedelta(hours=12)


def test_signing_out_ends_the_session_on_the_server(ana):
    desk = Desk().signed_in()
    cookie = desk.client.cookies["ownwords_desk"]
    assert desk.post("/desk/sign-out", "/desk").status_code == 303
    assert stored_sessions() == []
    desk.client.cookies.set("ownwords_desk", cookie, domain="testserver.local", path="/desk")
    assert desk.get("/desk").status_code == 303


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_form_without_the_sessions_csrf_token_is_refused(ana, token):
    desk = Desk().signed_in()
    reference = make_submission("Olá.", english=["Hello."])
    fields = {"version": "1", "status": "in_review"} | ({} if token is None else {"csrf_token": token})
    answer = desk.client.post(f"/desk/submissions/{reference}/status", data=fields)
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text


def test_another_sessions_csrf_token_is_refused(ana):
    mine, other = Desk().signed_in(), Desk().signed_in()
    token = hidden(other.get("/desk").text, "csrf_token")
    assert mine.client.post("/desk/sign-out", data={"csrf_token": token}).status_code == 403


def test_the_sign_in_form_needs_its_own_token(ana):
    fields = {"username": "ana", "password": PASSWORD}
    assert Desk().client.post("/desk/sign-in", data=fields).status_code == 403
    desk = Desk()
    desk.get("/desk/sign-in")
    assert desk.client.post("/desk/sign-in", data=fields | {"form_token": "x" * 43}).status_code == 403


def test_a_form_of_another_kind_or_too_large_is_refused(ana):
    desk = Desk().signed_in()
    token = hidden(desk.get("/desk").text, "csrf_token")
    assert desk.client.post("/desk/sign-out", json={"csrf_token": token}).status_code == 403
    large = {"csrf_token": token, "filler": "x" * 1_100_000}
    assert desk.client.post("/desk/sign-out", data=large).status_code == 413


@pytest.mark.parametrize(
    ("username", "role"), [("", "reviewer"), ("a b", "reviewer"), ("ana\0", "reviewer"), ("ana", "emperor")]
)
def test_an_account_that_cannot_be_is_refused(database, username, role):
    with pytest.raises(AccountError):
        accounts.add_reviewer(username, "Somebody", role)


def test_adding_a_reviewer_again_makes_a_new_one_time_password(ana):
    desk = Desk().signed_in()
    one_time = accounts.add_reviewer("Ana ", "Ana Reis", Role.VIEWER)
    assert desk.get("/desk").status_code == 303
    assert Desk().sign_in("ana", PASSWORD).status_code == 401
    assert Desk().sign_in("ana", one_time).headers["location"] == "/desk/password"


def test_of_passwords_and_tokens_only_hashes_are_stored(ana):
    token = accounts.create_api_token("export", Role.VIEWER, 30)
    with unit_of_work(read_only=True) as db:
        [stored] = db.scalars(select(ApiToken))
        [reviewer] = db.scalars(select(Reviewer))
    assert stored.token_sha256 == sessions.token_hash(token)
    assert token not in repr(vars(stored))
    assert reviewer.password_hash.startswith("$argon2id$")


def test_a_guess_costs_what_rfc_9106_asks(monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher.from_parameters(passwords.COST))
    assert "$m=65536,t=3," in passwords.hash_password("seven green buses")


@pytest.mark.parametrize(
    "wrong", [{"role": "emperor"}, {"days": 0}, {"days": 1000}, {"name": " "}, {"name": "x" * 121}]
)
def test_an_api_token_that_cannot_be_is_refused(database, wrong):
    with pytest.raises(AccountError):
        accounts.create_api_token(**({"name": "export", "role": "viewer", "days": 30} | wrong))
