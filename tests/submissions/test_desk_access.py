"""Role by route: who gets in, on every route of the desk and its API."""

import re
import uuid

import pytest
from fastapi.testclient import TestClient

from submissions.models import Role
from submissions.review import accounts
from submissions.review.access import access_rules
from tests.submissions.desk_site import Desk, hidden, make_app, make_reviewer, make_submission

APP = make_app()
DESK_ROUTES = [
    (method, path, rule or "")
    for methods, path, rule in access_rules(APP)
    if path.startswith(("/desk", "/api"))
    for method in methods.split()
    if method != "HEAD"
]
# What each role may do beyond what its rule's name says by itself; a route that is not here fails the test.
ALLOWED = {
    "public": set(Role),
    "session": set(Role),
    "session:submissions.read": set(Role),
    "session:submissions.review": {Role.REVIEWER, Role.ADMIN},
    "session:translations.correct": {Role.REVIEWER, Role.ADMIN},
    "session:jobs.manage": {Role.ADMIN},
    "session:safeguarding.handle": {Role.REVIEWER, Role.ADMIN},
    "session:safeguarding.name_lead": {Role.ADMIN},
    "token:submissions.read": set(Role),
    "token:submissions.review": {Role.REVIEWER, Role.ADMIN},
}


def test_every_route_declares_a_rule_and_only_the_door_is_public():
    assert len(DESK_ROUTES) >= 15
    assert [path for _, path, rule in DESK_ROUTES if not rule] == []
    assert sorted({path for _, path, rule in DESK_ROUTES if rule == "public"}) == [
        "/desk/sign-in",
        "/desk/static/{name}",
    ]
    assert {rule for _, _, rule in DESK_ROUTES} == set(ALLOWED)


def address(path: str, reference: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: reference if m[1] == "reference" else str(uuid.uuid4()), path)


@pytest.fixture
def reference(sqlite_database) -> str:
    return make_submission("Olá vizinhos.", english=["Hello neighbours."])


def test_without_signing_in_every_route_but_the_public_ones_refuses(reference):
    client = TestClient(APP, follow_redirects=False)
    for method, path, rule in DESK_ROUTES:
        if rule == "public":
            continue
        answer = client.request(method, address(path, reference))
        if path.startswith("/api"):
            assert answer.status_code == 401, path
        else:
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/desk/sign-in"), path


@pytest.mark.parametrize("role", list(Role))
def test_each_role_gets_exactly_where_it_may(reference, role):
    make_reviewer("someone", role)
    desk = Desk(APP).signed_in("someone")
    token = hidden(desk.get("/desk").text, "csrf_token")
    bearer = {"Authorization": f"Bearer {accounts.create_api_token('matrix', role, 1)}"}
    for method, path, rule in DESK_ROUTES:
        if path in ("/desk/sign-in", "/desk/sign-out", "/desk/password"):
            continue  # change the session itself; see test_desk_sign_in
        arguments = {"headers": bearer} if path.startswith("/api") else {}
        if method == "POST":
            arguments["data"] = {"csrf_token": token, "version": "1"}
        if method == "PATCH":
            arguments["json"] = {"version": 1}
        status = desk.client.request(method, address(path, reference), **arguments).status_code
        assert (status != 403) is (role in ALLOWED[rule]), f"{role} {method} {path}: {status}"


def test_a_viewer_sees_no_form_that_would_be_refused(reference):
    make_reviewer("viewer", Role.VIEWER)
    html = Desk(APP).signed_in("viewer").get(f"/desk/submissions/{reference}").text
    assert "Hello neighbours." in html
    for words in ("Save correction", "Approve", "Save themes", "Set language"):
        assert words not in html
