"""The desk's menu leads everybody to what they may open, and to nothing else."""

import uuid

import pytest

from submissions.models import Role
from submissions.review.menu import menu_of
from submissions.review.sessions import Principal
from tests.submissions.desk_site import Desk, make_reviewer


def principal_with(role: str) -> Principal:
    return Principal("reviewer:ana", "Ana", role, uuid.uuid4())


@pytest.mark.parametrize("role", list(Role))
def test_every_page_of_the_menu_opens_for_whoever_sees_it(sqlite_database, role):
    make_reviewer(role=role)
    desk = Desk().signed_in()
    kinds = menu_of(principal_with(role), "/desk").kinds
    assert kinds
    seen = {page.address for kind in kinds for page in menu_of(principal_with(role), kind.address).pages}
    answers = {address: desk.get(address).status_code for address in seen}
    assert set(answers.values()) == {200}, answers


def test_a_page_below_another_keeps_its_kind_and_its_place():
    menu = menu_of(principal_with(Role.ADMIN), "/desk/follow-ups/1")
    assert [kind.title for kind in menu.kinds if kind.is_current] == ["Gathering"]
    assert [page.title for page in menu.pages if page.is_current] == ["Forums"]
    submission = menu_of(principal_with(Role.ADMIN), "/desk/submissions/OW-7K3M-92QF")
    assert [page.title for page in submission.pages if page.is_current] == ["Submissions"]


def test_ones_own_account_belongs_to_no_kind():
    assert menu_of(principal_with(Role.ADMIN), "/desk/account").pages == []
