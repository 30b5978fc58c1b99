"""The second factor: enrolment, codes that count once, recovery codes, throttling, who must."""

import re
import threading

import pyotp
import pytest
from sqlalchemy import select, update

from submissions.database import unit_of_work
from submissions.models import DeskSession, RecoveryCode, Reviewer, Role
from submissions.review import passwords, second_factor, sessions
from tests.submissions.desk_site import Desk, hidden, make_reviewer

PAGE = "/desk/second-factor"


@pytest.fixture(autouse=True)
def a_fresh_count_of_guesses():
    passwords.forget_all_guesses()


@pytest.fixture
def ana(database) -> Reviewer:
    return make_reviewer()


def code_of(secret: str, steps: int = 0) -> str:
    app = pyotp.TOTP(secret)
    return app.generate_otp(int(second_factor.utc_now().timestamp()) // 30 + steps)


def a_code_can_be_used_again() -> None:
    """As if half a minute had passed."""
    with unit_of_work() as db:
        db.execute(update(Reviewer).values(totp_last_step=None))


def enrol(desk: Desk) -> tuple[str, list[str]]:
    """(secret, recovery codes)"""
    html = desk.get(PAGE).text
    secret = re.search(r'<code class="desk-key">([A-Z2-7 ]+)</code>', html)[1].replace(" ", "")
    answer = desk.post(PAGE, PAGE, do="confirm", code=code_of(secret))
    assert answer.status_code == 200, answer.text
    a_code_can_be_used_again()
    return secret, re.findall(r"<li><code>([a-z0-9-]{19})</code>", answer.text)


def give_code(desk: Desk, code: str, **more: str):
    token = hidden(desk.get("/desk/sign-in/code").text, "form_token")
    return desk.client.post("/desk/sign-in/code", data={"form_token": token, "code": code, **more})


def test_with_an_app_the_password_alone_is_not_enough(ana):
    secret, _ = enrol(Desk().signed_in())
    desk = Desk()
    answer = desk.sign_in(next="/desk/register")
    assert answer.headers["location"] == "/desk/sign-in/code?next=%2Fdesk%2Fregister"
    assert desk.get("/desk").status_code == 303
    assert give_code(desk, "000000").status_code == 401
    assert give_code(desk, code_of(secret, -5)).status_code == 401
    assert desk.get("/desk").status_code == 303
    right = give_code(desk, code_of(secret), next="/desk/register")
    assert right.headers["location"] == "/desk/register"
    assert desk.get("/desk").status_code == 200


def test_a_code_counts_once_also_when_it_comes_twice_at_the_same_moment(ana):
    secret, _ = enrol(Desk().signed_in())
    code = code_of(secret)
    desks = [Desk() for _ in range(2)]
    tokens = []
    for desk in desks:
        desk.sign_in()
        tokens.append(desk.client.cookies["ownwords_desk_step"])
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda t=token: found.append(second_factor.finish_sign_in(t, code)))
        for token in tokens
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(one is None for one in found) == [False, True]
    late = Desk()
    late.sign_in()
    assert give_code(late, code).status_code == 401


def test_a_recovery_code_signs_in_once_and_only_its_hash_is_stored(ana):
    _, codes = enrol(Desk().signed_in())
    assert len(codes) == 10
    with unit_of_work(read_only=True) as db:
        stored = db.scalars(select(RecoveryCode)).all()
        reviewer = db.get_one(Reviewer, ana.id)
    assert not any(code.encode() in row.code_sha256 for code in codes for row in stored)
    assert reviewer.totp_secret.startswith("gAAAA")  # sealed
    for expected in (303, 401):
        desk = Desk()
        desk.sign_in()
        assert give_code(desk, f" {codes[3].upper()} ").status_code == expected
    desk = Desk()
    desk.sign_in()
    assert give_code(desk, codes[0]).status_code == 303
    assert "<strong>8</strong> recovery codes are left" in desk.get(PAGE).text


def test_after_ten_wrong_codes_even_the_right_one_waits(ana):
    secret, _ = enrol(Desk().signed_in())
    desk = Desk()
    desk.sign_in()
    for _ in range(10):
        assert give_code(desk, "123456").status_code == 401
    answer = give_code(desk, code_of(secret))
    assert answer.status_code == 429
    assert "Wait 15 minutes" in answer.text


def test_half_a_sign_in_ends_after_ten_minutes_and_is_no_session(ana):
    secret, _ = enrol(Desk().signed_in())
    desk = Desk()
    desk.sign_in()
    step = desk.client.cookies["ownwords_desk_step"]
    desk.client.cookies.set("ownwords_desk", step, domain="testserver.local", path="/desk")
    assert desk.get("/desk").status_code == 303
    with unit_of_work() as db:
        found = sessions.find_step(db, "code", step)
        found.expires_at -= sessions.STEP_LIMIT
    assert give_code(desk, code_of(secret)).headers["location"] == "/desk/sign-in?late=1"
    assert give_code(Desk(), code_of(secret)).status_code in (303, 403)


def test_a_secret_is_shown_until_it_is_confirmed_and_never_again(ana):
    desk = Desk().signed_in()
    qr = desk.get(f"{PAGE}/qr.svg")
    assert qr.headers["content-type"] == "image/svg+xml"
    assert qr.headers["cache-control"] == "no-store"
    assert desk.post(PAGE, PAGE, do="confirm", code="000000").status_code == 422
    secret, _ = enrol(desk)
    assert desk.get(f"{PAGE}/qr.svg").status_code == 404
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    assert spaced not in desk.get(PAGE).text


def test_adding_an_app_signs_out_elsewhere_and_taking_it_out_needs_a_code(ana):
    here, elsewhere = Desk().signed_in(), Desk().signed_in()
    secret, codes = enrol(here)
    assert elsewhere.get("/desk").status_code == 303
    assert here.post(PAGE, PAGE, do="remove", code="000000").status_code == 422
    renewed = here.post(PAGE, PAGE, do="renew", code=code_of(secret))
    assert renewed.status_code == 200
    assert codes[0] not in renewed.text
    a_code_can_be_used_again()
    assert here.post(PAGE, PAGE, do="remove", code=codes[0]).status_code == 422  # an old recovery code
    assert here.post(PAGE, PAGE, do="remove", code=code_of(secret)).status_code == 303
    assert Desk().sign_in().headers["location"] == "/desk"


@pytest.fixture
def admins_need_an_app(monkeypatch):
    monkeypatch.setenv("OWNWORDS_SECOND_FACTOR_ROLES", "admin, manager")
    sessions.sign_in_settings.cache_clear()
    yield
    sessions.sign_in_settings.cache_clear()


def test_a_role_that_must_have_one_gets_nowhere_without(sqlite_database, admins_need_an_app):
    make_reviewer("boss", Role.ADMIN)
    make_reviewer("vi", Role.VIEWER)
    desk = Desk()
    desk.sign_in("boss")
    for path in ("/desk", "/desk/accounts", "/desk/account"):
        assert desk.get(path).headers["location"] == PAGE
    upload = desk.client.post("/desk/interpreters/returns", files={"file": ("a", b"b")})
    assert upload.headers["location"] == PAGE
    assert "Your role needs an authenticator app" in desk.get(PAGE).text
    enrol(desk)
    assert desk.get("/desk/accounts").status_code == 200
    assert Desk().signed_in("vi").get("/desk").status_code == 200


def test_a_session_says_how_it_was_opened(ana):
    secret, _ = enrol(Desk().signed_in())
    desk = Desk()
    desk.client.headers["user-agent"] = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
    desk.sign_in()
    give_code(desk, code_of(secret))
    with unit_of_work(read_only=True) as db:
        newest = db.scalars(select(DeskSession).order_by(DeskSession.created_at.desc())).first()
    assert (newest.way, newest.browser) == ("code", "Firefox on Windows")
