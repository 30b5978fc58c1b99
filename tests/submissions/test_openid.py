"""Signing in with the council's own accounts, against a real provider on this machine."""

import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.models import AuditEntry, Reviewer, Role
from submissions.review import openid, passwords, sessions
from submissions.settings import StoreSettings
from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider
from tests.submissions.desk_site import Desk, make_reviewer

DOOR = "/desk/sign-in/provider"


@pytest.fixture(scope="module")
def one_provider():
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(one_provider, monkeypatch, sqlite_database) -> Provider:
    one_provider.person = {"sub": "person-1", "preferred_username": "Ana.Reis", "name": "Ana Reis"}
    one_provider.spoil = lambda claims: claims
    one_provider.signing_key = None
    one_provider.requests.clear()
    monkeypatch.setenv("OWNWORDS_OIDC_ISSUER", one_provider.issuer)
    monkeypatch.setenv("OWNWORDS_OIDC_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("OWNWORDS_OIDC_CLIENT_SECRET", CLIENT_SECRET)
    passwords.forget_all_guesses()
    openid.forget_provider()
    sessions.sign_in_settings.cache_clear()
    yield one_provider
    sessions.sign_in_settings.cache_clear()
    openid.forget_provider()


@pytest.fixture
def mapped(provider, monkeypatch) -> Provider:
    """The claim `groups` decides on the role."""
    monkeypatch.setenv("OWNWORDS_OIDC_ROLE_CLAIM", "groups")
    monkeypatch.setenv("OWNWORDS_OIDC_ROLES", '{"desk": "reviewer", "chiefs": "manager"}')
    sessions.sign_in_settings.cache_clear()
    provider.person["groups"] = ["staff", "desk"]
    return provider


def begin(desk: Desk, next_page: str = "") -> str:
    """The address on the desk that the provider sends the browser back to."""
    away = desk.get(f"{DOOR}?next={next_page}")
    assert away.status_code == 303, away.text
    back = httpx.get(away.headers["location"], follow_redirects=False)
    assert back.status_code == 302, back.text
    return back.headers["location"].replace("http://testserver", "")


def come(desk: Desk, next_page: str = "") -> httpx.Response:
    return desk.get(begin(desk, next_page))


def people() -> list[Reviewer]:
    with unit_of_work(read_only=True) as db:
        return list(db.scalars(select(Reviewer).order_by(Reviewer.created_at)))


def test_somebody_new_with_a_role_in_the_claim_is_let_in_and_goes_where_they_wanted(mapped):
    desk = Desk()
    assert f'href="{DOOR}' in desk.get("/desk/sign-in").text
    answer = come(desk, "/desk/register")
    assert answer.headers["location"] == "/desk/register"
    assert desk.get("/desk/register").status_code == 200
    [ana] = people()
    assert (ana.username, ana.display_name, ana.role) == ("ana.reis", "Ana Reis", Role.REVIEWER)
    assert (ana.oidc_issuer, ana.oidc_subject) == (mapped.issuer, "person-1")
    [request] = mapped.requests
    assert len(request["code_verifier"]) >= 43
    assert desk.get("/desk/account").text.count("This one") == 1


def test_the_request_carries_pkce_a_state_and_a_nonce_that_are_new_each_time(provider):
    queries = [parse_qs(urlsplit(Desk().get(DOOR).headers["location"]).query) for _ in range(2)]
    for query in queries:
        assert query["code_challenge_method"] == ["S256"]
        assert query["response_type"] == ["code"]
        assert query["redirect_uri"] == ["http://testserver/desk/sign-in/provider/return"]
    for name in ("state", "nonce", "code_challenge"):
        assert queries[0][name] != queries[1][name]


def test_a_person_is_known_by_the_subject_and_never_taken_for_a_local_account(mapped):
    make_reviewer("ana.reis", Role.ADMIN, "The local Ana")
    mapped.person |= {"email": "ana.reis@council.example", "email_verified": False}
    desk = Desk()
    assert come(desk).status_code == 303
    assert "Administrator" not in desk.get("/desk/account").text
    local, provided = people()
    assert local.oidc_subject is None
    assert provided.username.startswith("ana.reis-")
    mapped.person["preferred_username"] = "somebody.else"
    come(Desk())
    assert len(people()) == 2


def test_local_accounts_go_on_signing_in(provider):
    make_reviewer()
    assert Desk().sign_in().headers["location"] == "/desk"
    assert come(Desk()).status_code == 403
    [_, provided] = people()
    assert Desk().sign_in(provided.username, "").status_code == 401


def test_without_a_claim_an_administrator_opens_the_account_and_chooses_the_role(provider):
    refused = come(Desk())
    assert refused.status_code == 403
    assert "An administrator of the desk must open your account first" in refused.text
    assert come(Desk()).status_code == 403
    [asked] = people()
    make_reviewer("boss", Role.ADMIN)
    boss = Desk().signed_in("boss")
    assert "Asks to be let in" in boss.get("/desk/accounts").text
    page = f"/desk/accounts/{asked.id}"
    boss.post(page, page, do="change", name="Ana Reis", role="manager")
    boss.post(page, page, do="enable")
    desk = Desk()
    assert come(desk).status_code == 303
    assert desk.get("/desk/audit").status_code == 200


def test_the_claim_gives_another_role_or_none_at_the_next_sign_in_and_ends_older_sessions(mapped):
    first = Desk()
    come(first)
    mapped.person["groups"] = ["chiefs", "desk"]
    second = Desk()
    come(second)
    assert second.get("/desk/audit").status_code == 200
    assert first.get("/desk").status_code == 303
    mapped.person["groups"] = ["staff"]
    assert "no role here" in come(Desk()).text
    assert second.get("/desk").status_code == 303
    with unit_of_work(read_only=True) as db:
        actions = set(db.scalars(select(AuditEntry.action)))
    assert {"reviewer.added", "reviewer.signed_in", "reviewer.role_from_provider"} <= actions


@pytest.mark.parametrize("groups", [None, [], "staff", ["admin"], {"desk": 1}, [7], "desk "])
def test_no_mapped_value_lets_nobody_in_and_makes_no_account(mapped, groups):
    mapped.person["groups"] = groups
    assert come(Desk()).status_code == 403
    assert people() == []


def other(**changes):
    return lambda claims: {key: value for key, value in (claims | changes).items() if value is not None}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(other(nonce="another"), id="nonce of another sign-in"),
        pytest.param(other(nonce=None), id="no nonce"),
        pytest.param(other(iss="https://evil.example"), id="another issuer"),
        pytest.param(other(iss=None), id="no issuer"),
        pytest.param(other(aud="another-client"), id="for another client"),
        pytest.param(other(aud=["own-words", "another"]), id="for two, presented by nobody known"),
        pytest.param(other(aud=["own-words", "x"], azp="x"), id="presented by another"),
        pytest.param(other(exp=int(time.time()) - 3600), id="expired"),
        pytest.param(other(exp=None), id="without an end"),
        pytest.param(other(sub=None), id="nobody"),
        pytest.param(other(sub=""), id="an empty subject"),
        pytest.param(other(sub="x" * 300), id="a subject too long"),
        pytest.param(other(sub=7), id="a subject that is no text"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(mapped, spoil):
    mapped.spoil = spoil
    desk = Desk()
    assert come(desk).status_code == 403
    assert desk.get("/desk").status_code == 303
    assert people() == []


def test_a_token_signed_with_a_key_that_is_not_the_providers_is_refused(mapped):
    mapped.signing_key = RSAKey.generate_key(2048, {"kid": "one"})
    assert come(Desk()).status_code == 403
    mapped.signing_key = RSAKey.generate_key(2048, {"kid": "another"})
    assert come(Desk()).status_code == 403


def test_the_provider_may_change_its_key(mapped):
    old = mapped.key
    try:
        assert come(Desk()).status_code == 303
        mapped.key = RSAKey.generate_key(2048, {"kid": "two"})
        assert come(Desk()).status_code == 303
    finally:
        mapped.key = old


def test_an_answer_counts_once_in_the_browser_that_began_with_the_state_it_was_given(mapped):
    desk = Desk()
    back = begin(desk)
    assert Desk().get(back).status_code == 403  # another browser: somebody else's code
    wrong = desk.get(back.replace("state=", "state=x"))
    assert wrong.status_code == 403
    assert desk.get(back).status_code == 403  # the wrong answer has used it up
    again = begin(desk)
    step = desk.client.cookies["ownwords_desk_step"]
    assert desk.get(again).status_code == 303
    desk.client.cookies.set("ownwords_desk_step", step, domain="testserver.local", path="/desk/sign-in")
    assert desk.get(again).status_code == 403


@pytest.mark.parametrize(
    "query", ["", "?error=access_denied", "?code=x", "?state=%00&code=x", "?state=é&code=é"]
)
def test_an_answer_that_is_none_is_refused(mapped, query):
    desk = Desk()
    begin(desk)
    assert desk.get(f"{DOOR}/return{query}").status_code == 403


def test_an_answer_from_another_provider_is_refused(mapped):
    desk = Desk()
    assert desk.get(begin(desk) + "&iss=https%3A%2F%2Fevil.example").status_code == 403


def test_without_a_provider_there_is_no_such_way_in(sqlite_database):
    sessions.sign_in_settings.cache_clear()
    assert Desk().get(DOOR).status_code == 404
    assert DOOR not in Desk().get("/desk/sign-in").text


def test_a_provider_that_does_not_answer_is_said_to_be_so(provider, monkeypatch):
    monkeypatch.setenv("OWNWORDS_OIDC_ISSUER", "http://127.0.0.1:9")
    sessions.sign_in_settings.cache_clear()
    answer = Desk().get(DOOR)
    assert answer.status_code == 503
    assert "does not answer" in answer.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_issuer": "https://id.example"},
        {"oidc_issuer": "http://id.example", "oidc_client_id": "a", "oidc_client_secret": "b"},
        {"oidc_role_claim": "groups"},
        {"oidc_roles": {"desk": "emperor"}},
        {"second_factor_roles": "admin,emperor"},
    ],
)
def test_a_setting_that_cannot_be_stops_the_start(wrong):
    with pytest.raises(ValidationError):
        StoreSettings(**wrong)
