"""The desk's menu leads everybody to what they may open, and to nothing else."""

import re
import uuid
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import select

from submissions import paper_forms, stakeholders
from submissions.addresses import configure_keys
from submissions.database import unit_of_work
from submissions.models import Channel, Reviewer, Role, SafeguardingLead, Submission
from submissions.review.menu import menu_of
from submissions.review.sessions import Principal
from submissions.settings import StoreSettings
from submissions.stakeholders import Facts
from tests.submissions.desk_site import Desk, make_reviewer, make_sample, make_submission
from tests.submissions.forums import make_forum
from tests.submissions.test_evidence_sessions import add_session, enter
from tests.submissions.test_paper_forms import GOOD
from tests.submissions.test_stakeholders import offered


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


LINK = re.compile(r'<a\b[^>]*\bhref="(/desk[^"#]*)')
# What a link to a file answers is what its page answers, and a document takes long to make.
FILES = (".docx", ".pdf", ".xlsx", "/file", ".svg")


def links_of(html: str) -> set[str]:
    return {unescape(address) for address in LINK.findall(html)}


def fill(store: Path) -> str:
    """Something on every page: views (one of them urgent, one from a session, one from a form), a recording,
    an offer, a forum, an outcome, a round, what waits and what failed; the reference of one view."""
    configure_keys(StoreSettings(data=store))
    references = make_sample()
    session_id = add_session()
    enter(session_id)
    with unit_of_work() as db:
        facts = Facts(name="Al-Mahdi Centre", kind="organisation", interest=3, influence=3)
        known = stakeholders.add(db, facts, actor="reviewer:ana")
        stakeholders.link_session(db, known.id, session_id, actor="reviewer:ana")
    batch_id = paper_forms.upload(GOOD.encode(), "forms.csv", actor="reviewer:ana")
    paper_forms.confirm(batch_id, actor="reviewer:ana", reviewer_id=None)
    offered()
    make_forum()
    return references[1]


@pytest.mark.slow
@pytest.mark.parametrize("has_lead", [False, True])
@pytest.mark.parametrize("role", list(Role))
def test_no_link_that_somebody_sees_is_refused(sqlite_database, tmp_path, role, has_lead):
    """The menu, its pages and every link on them, and the links of some views."""
    reference = fill(tmp_path)
    someone, lead = make_reviewer(role=role), make_reviewer("lea", Role.REVIEWER, "Lea")
    with unit_of_work() as db:
        row = db.get_one(Reviewer, someone.id)
        row.themes, row.languages = ["community_engagement"], ["pt", "ar", "so"]
        if has_lead:
            db.add(SafeguardingLead(reviewer_id=lead.id, named_by="reviewer:boss"))
    desk = Desk().signed_in()
    seen: dict[str, int] = {}

    def follow(address: str) -> str:
        answer = desk.get(address)
        seen[address] = answer.status_code
        return answer.text if answer.status_code == 200 else ""

    first = links_of(follow("/desk?status=all")) | links_of(follow("/desk/account"))
    second: set[str] = set()
    for address in sorted(first):
        second |= links_of(follow(address))
    one_of_each = {re.sub(r"OW-[0-9A-Z-]{9}|[0-9a-f]{8}-[0-9a-f-]{27}", "*", one): one for one in second}
    for address in sorted(one_of_each.values()):
        if address not in seen and not address.split("?")[0].endswith(FILES):
            follow(address)
    assert len(seen) > 5
    with unit_of_work(read_only=True) as db:
        entered = db.scalars(select(Submission.reference).where(Submission.channel == Channel.DESK)).all()
    if role != Role.COMMISSION_MEMBER:
        for one in {reference, *entered}:
            for address in sorted(links_of(follow(f"/desk/submissions/{one}"))):
                follow(address)
    refused = {address: status for address, status in seen.items() if status in (403, 422) or status >= 500}
    assert refused == {}
    assert not (role == Role.REVIEWER and has_lead) or "/desk/safeguarding" not in seen


def test_a_reviewer_who_leaves_urgent_views_to_the_lead_sees_how_many_there_are(sqlite_database):
    make_submission("Tenho medo.", english=["I am afraid."], is_urgent=True)
    make_reviewer()
    assert 'href="/desk/safeguarding"' in Desk().signed_in().get("/desk").text
    lead = make_reviewer("lea", Role.REVIEWER, "Lea")
    with unit_of_work() as db:
        db.add(SafeguardingLead(reviewer_id=lead.id, named_by="reviewer:boss"))
    page = Desk().signed_in().get("/desk").text
    assert "1 urgent without an outcome" in page
    assert 'href="/desk/safeguarding"' not in page
    assert 'href="/desk/safeguarding"' in Desk().signed_in("lea").get("/desk").text
