"""Which route asks for what, and what each role may."""

import uuid
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient

from submissions.models import Role
from submissions.review.access import (
    PERMISSIONS_OF,
    Permission,
    access_rule_of,
    access_rules,
    declares_access,
    internal_token,
    may,
    public_route,
    require,
    require_token,
)
from submissions.review.sessions import Principal


@declares_access("conversation_token")
def check_of_another_part() -> uuid.UUID:
    return uuid.uuid4()


def wrapped(token: Annotated[uuid.UUID, Depends(check_of_another_part)]) -> uuid.UUID:
    return token


@pytest.fixture
def app() -> FastAPI:
    router = APIRouter(prefix="/inner")
    router.get("/public", dependencies=[Depends(public_route)])(lambda: "")
    router.get("/session", dependencies=[Depends(require(Permission.READ_SUBMISSIONS))])(lambda: "")
    router.get("/token", dependencies=[Depends(require_token(Permission.READ_SUBMISSIONS))])(lambda: "")
    router.get("/internal", dependencies=[Depends(internal_token)])(lambda: "")
    router.get("/nested", dependencies=[Depends(wrapped)])(lambda: "")
    router.get("/forgotten")(lambda: "")
    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/outer")
    return app


def test_each_route_tells_its_rule_and_one_without_a_rule_is_seen(app):
    assert access_rules(app) == [
        ("GET", "/outer/inner/public", "public"),
        ("GET", "/outer/inner/session", "session:submissions.read"),
        ("GET", "/outer/inner/token", "token:submissions.read"),
        ("GET", "/outer/inner/internal", "internal_token"),
        ("GET", "/outer/inner/nested", "conversation_token"),
        ("GET", "/outer/inner/forgotten", None),
    ]


def test_a_mounted_application_declares_its_rule_on_itself(app):
    files = declares_access("public")(FastAPI(openapi_url=None))
    app.mount("/files", files)
    app.mount("/forgotten", FastAPI(openapi_url=None))
    assert [access_rule_of(route) for route in app.routes[-2:]] == ["public", None]


@pytest.mark.parametrize(("given", "expected"), [("right", 200), ("wrong", 401), ("", 401), (None, 401)])
def test_an_internal_call_needs_the_token(app, given, expected):
    app.state.internal_token = "right"
    headers = {} if given is None else {"X-Internal-Token": given}
    assert TestClient(app).get("/outer/inner/internal", headers=headers).status_code == expected


def test_without_an_internal_token_set_every_internal_call_is_refused(app):
    assert TestClient(app).get("/outer/inner/internal", headers={"X-Internal-Token": ""}).status_code == 401


def principal_with(role: str) -> Principal:
    return Principal(actor="reviewer:a", display_name="A", role=role, reviewer_id=uuid.uuid4())


def test_each_role_of_the_tables_has_a_row_and_the_greater_one_may_all_the_lesser_may():
    assert set(PERMISSIONS_OF) == set(Role)
    viewer, reviewer, admin = (PERMISSIONS_OF[role] for role in (Role.VIEWER, Role.REVIEWER, Role.ADMIN))
    assert viewer < reviewer < admin


def test_a_role_nobody_described_may_nothing():
    assert not any(may(principal_with("commission_member_of_a_later_version"), p) for p in Permission)
    assert may(principal_with(Role.VIEWER), Permission.READ_SUBMISSIONS)
    assert not may(principal_with(Role.VIEWER), Permission.CORRECT_TRANSLATIONS)
