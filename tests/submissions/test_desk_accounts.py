"""Accounts, API tokens and the audit: what an administrator does, and what ends with it."""

import csv
import io
import re
import time

import pytest
from sqlalchemy import select

from submissions import audit
from submissions.database import unit_of_work
from submissions.models import ApiToken, AuditEntry, Reviewer, Role
from submissions.review import managing_accounts, passwords
from submissions.review.errors import AccountError
from submissions.review.managing_accounts import Scope
from submissions.review.sessions import Principal
from tests.submissions.desk_site import PASSWORD, Desk, find, make_reviewer, make_submission

NEW = "/desk/accounts/new"
THEME = "community_engagement"


@pytest.fixture(autouse=True)
def a_fresh_count_of_guesses():
    passwords.forget_all_guesses()


@pytest.fixture
def boss(database) -> Desk:
    make_reviewer("boss", Role.ADMIN, "Bo Admin")
    return Desk().signed_in("boss")


def account(username: str) -> Reviewer:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Reviewer).where(Reviewer.username == username)).one()


def change(boss: Desk, username: str, what: str, **fields: str | list[str]):
    path = f"/desk/accounts/{account(username).id}"
    return boss.post(path, path, do=what, **fields)


def test_somebody_added_signs_in_with_the_password_that_was_shown_once(boss):
    added = boss.post(NEW, NEW, username="Tia", name="Tia Cruz", role="translator", languages=["pt", "so"])
    one_time = re.search(r"<code class=\"desk-key\">([a-z0-9-]{23})</code>", added.text)[1]
    assert one_time not in boss.get("/desk/accounts").text
    tia = account("tia")
    assert (tia.role, sorted(tia.languages), tia.themes) == ("translator", ["pt", "so"], [])
    assert Desk().sign_in("tia", one_time).headers["location"] == "/desk/password"
    again = boss.post(NEW, NEW, username="tia", name="Other", role="viewer")
    assert again.status_code == 422
    assert "with this username already" in again.text
    with unit_of_work(read_only=True) as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "reviewer.added")).all()[-1]
    assert entry.actor == "reviewer:boss"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"username": "a b", "role": "viewer"}, "A username has 2 to 119 letters"),
        ({"username": "tia", "role": "emperor"}, "Choose a role"),
        ({"username": "tia"}, "Choose a role"),
        ({"username": "tia", "role": "translator", "languages": ["xx"]}, "Choose the languages"),
        ({"username": "tia", "role": "commission_member", "themes": ["<b>"]}, "Choose the themes"),
    ],
)
def test_an_account_that_cannot_be_is_refused_with_the_reason_and_what_was_typed(boss, fields, reason):
    refused = boss.post(NEW, NEW, name="Tia <Cruz>", **fields)
    assert refused.status_code == 422
    assert reason in refused.text
    assert "Tia &lt;Cruz&gt;" in refused.text


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("change", {"name": "Vi", "role": "reviewer"}),
        ("disable", {}),
        ("password", {}),
        ("second-factor", {}),
    ],
)
def test_another_role_a_closed_account_and_each_reset_end_the_sessions_at_once(boss, what, fields):
    make_reviewer("vi", Role.VIEWER)
    desk = Desk().signed_in("vi")
    assert desk.get("/desk").status_code == 200
    assert change(boss, "vi", what, **fields).status_code in (200, 303)
    assert desk.get("/desk").status_code == 303


def test_a_name_alone_ends_no_session_and_another_language_does(boss):
    make_reviewer("tia", Role.VIEWER)
    change(boss, "tia", "change", name="Tia", role="translator", languages=["pt"])
    desk = Desk().signed_in("tia")
    change(boss, "tia", "change", name="Tia Cruz", role="translator", languages=["pt"])
    assert "Tia Cruz" in desk.get("/desk").text
    change(boss, "tia", "change", name="Tia Cruz", role="translator", languages=["pl"])
    assert desk.get("/desk").status_code == 303


def test_a_closed_account_opens_again_with_its_password(boss):
    make_reviewer("vi", Role.VIEWER)
    change(boss, "vi", "disable")
    assert Desk().sign_in("vi").status_code == 401
    assert "Closed" in boss.get("/desk/accounts").text
    change(boss, "vi", "enable")
    assert Desk().sign_in("vi").status_code == 303


def test_the_last_administrator_stays_one(boss):
    assert change(boss, "boss", "disable").status_code == 422
    refused = change(boss, "boss", "change", name="Bo", role="viewer")
    assert "This is the last administrator" in refused.text
    make_reviewer("other", Role.ADMIN)
    change(boss, "other", "disable")
    assert change(boss, "boss", "disable").status_code == 422  # the other one's account is closed
    change(boss, "other", "enable")
    assert change(boss, "boss", "disable").status_code == 303


def test_two_administrators_who_remove_each_other_at_once_leave_one(boss, run_together, monkeypatch):
    find_person = managing_accounts.find_person

    def find_slowly(*arguments, **more):
        person = find_person(*arguments, **more)
        time.sleep(0.3)  # long enough for the other to hold a lock of its own, if it could
        return person

    monkeypatch.setattr(managing_accounts, "find_person", find_slowly)
    make_reviewer("other", Role.ADMIN)
    principals = {
        name: Principal(f"reviewer:{name}", name, Role.ADMIN, account(name).id) for name in ("boss", "other")
    }

    def remove(actor: str, target: str) -> str:
        try:
            managing_accounts.disable(principals[actor], account(target).id)
        except AccountError:
            return "refused"
        return "done"

    outcomes = run_together([lambda: remove("boss", "other"), lambda: remove("other", "boss")])
    assert sorted(outcomes) == ["done", "refused"]


@pytest.fixture
def run_together():
    import threading

    def run(calls):
        found = []
        threads = [threading.Thread(target=lambda c=call: found.append(c())) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return found

    return run


def test_somebody_sees_their_own_sessions_and_ends_another_or_all(boss):
    elsewhere, stranger = Desk().signed_in("boss"), None
    make_reviewer("vi", Role.VIEWER)
    stranger = Desk().signed_in("vi")
    html = boss.get("/desk/account").text
    ends = re.findall(r"/desk/account/sessions/([0-9a-f-]{36})/end", html)
    assert len(ends) == 1
    assert "This one" in html
    path = f"/desk/account/sessions/{ends[0]}/end"
    assert stranger.post(path, "/desk/account").status_code == 404
    assert elsewhere.get("/desk").status_code == 200
    assert boss.post(path, "/desk/account").status_code == 303
    assert elsewhere.get("/desk").status_code == 303
    assert boss.post("/desk/account/sign-out-everywhere", "/desk/account").status_code == 303
    assert boss.get("/desk").status_code == 303


def test_a_token_is_shown_once_reads_what_its_role_may_and_ends_when_revoked(boss):
    reference = make_submission("Olá.", english=["Hello."])
    page = "/desk/api-tokens"
    made = boss.post(page, page, name="Statistics", days="30", role="viewer")
    token = re.search(r"(owt_[\w-]{43})", made.text)[1]
    assert token not in boss.get(page).text
    headers = {"Authorization": f"Bearer {token}"}
    assert reference in boss.client.get("/api/submissions", headers=headers).text
    with unit_of_work(read_only=True) as db:
        row = db.scalars(select(ApiToken)).one()
    assert (row.expires_at - row.created_at).days in (29, 30)
    for _ in range(2):  # twice is no trouble
        assert boss.post(f"{page}/{row.id}/revoke", "/desk/account").status_code == 303
    assert boss.client.get("/api/submissions", headers=headers).status_code == 401
    assert "Revoked" in boss.get(page).text


@pytest.mark.parametrize("days", ["0", "367", "", "1e2", "٣٠", "-1", "99999999999"])
def test_a_token_without_a_fair_end_is_refused(boss, days):
    refused = boss.post("/desk/api-tokens", "/desk/api-tokens", name="Statistics", days=days, role="viewer")
    assert refused.status_code == 422
    assert "1 to 366 days" in refused.text


def lines_of(html: str) -> int:
    return html.count('<tr class="govuk-table__row">') - 1


def test_the_audit_is_found_by_person_action_reference_and_day(boss, monkeypatch):
    reference, other = make_submission("Olá.", english=["Hello."]), make_submission("Hi.", language="en")
    make_reviewer("vi", Role.VIEWER, "Vi")
    viewer = Desk().signed_in("vi")
    viewer.get(f"/desk/submissions/{reference}")
    viewer.get(f"/desk/submissions/{other}")
    by_reference = boss.get(f"/desk/audit?reference={reference.lower()}").text
    assert "read it" in by_reference
    assert other not in by_reference
    by_person = boss.get("/desk/audit?person=Vi&action=submission.read").text
    assert lines_of(by_person) == 2  # reading is in the audit too
    assert lines_of(boss.get("/desk/audit?person=boss&action=submission.read").text) == -1
    assert "Nothing like that" in boss.get("/desk/audit?from=2031-01-01").text
    assert "Nothing like that" in boss.get("/desk/audit?reference=OW-0000-0000").text
    assert boss.get("/desk/audit?from=yesterday").status_code == 422
    assert boss.get("/desk/audit?person=%00&action=%00&after=x").status_code == 400


def test_the_audit_goes_on_page_by_page_and_misses_nothing(boss, monkeypatch):
    monkeypatch.setattr("submissions.review.audit_trail.PAGE_SIZE", 4)
    with unit_of_work() as db:
        for number in range(10):
            audit.record(db, f"token:p{number}", "probe.made", "probe", f"{number}")
    path, seen = "/desk/audit?action=probe.made", []
    while path:
        html = boss.get(path).text
        seen += re.findall(r"<bdi>program (p\d)</bdi>", html)
        found = re.search(r'rel="next"[^>]*|href="(/desk/audit\?[^"]*after=[^"]*)"', html)
        links = re.findall(r'href="(/desk/audit\?[^"]*after=[^"]*)"', html)
        path = links[0].replace("&amp;", "&") if found and links else ""
    assert sorted(seen) == sorted(f"p{number}" for number in range(10))


def test_the_audit_as_csv_is_whole_defused_and_itself_in_the_audit(boss):
    reference = make_submission("Olá.", english=["Hello."])
    with unit_of_work() as db:
        audit.record(db, "token:=cmd()", "probe.made", "submission", find(reference).id)
    rows = list(csv.DictReader(io.StringIO(boss.get("/desk/audit.csv").text)))
    assert rows[0]["action"] == "audit.exported"
    [probe] = [row for row in rows if row["action"] == "probe.made"]
    assert probe["reference"] == reference
    assert not probe["who"].startswith("=")
    assert len(list(csv.DictReader(io.StringIO(boss.get("/desk/audit.csv?action=probe.made").text)))) == 1


def test_a_password_that_was_reset_is_good_for_choosing_one(boss):
    make_reviewer("vi", Role.VIEWER)
    html = change(boss, "vi", "password").text
    one_time = re.search(r"<code class=\"desk-key\">([a-z0-9-]{23})</code>", html)[1]
    assert Desk().sign_in("vi", PASSWORD).status_code == 401
    assert Desk().sign_in("vi", one_time).headers["location"] == "/desk/password"


def test_a_scope_keeps_only_what_the_role_has_a_use_for(sqlite_database):
    assert Scope("viewer", [THEME], ["pt"]).checked() == Scope("viewer", [], [])
    assert Scope("translator", [THEME], ["pt", "xx"]).checked() == Scope("translator", [], ["pt"])
    assert Scope("commission_member", [THEME, "x"], []).checked() == Scope("commission_member", [THEME], [])
