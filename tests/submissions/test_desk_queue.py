"""The list: whom a view is with, forums, saved lists, themes that count, and searching by words."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import pytest
from sqlalchemy import delete, select

from submissions.database import unit_of_work
from submissions.models import (
    Assignment,
    AuditEntry,
    CandidateTheme,
    Forum,
    Reviewer,
    Role,
    SavedView,
    SegmentTranslation,
    Submission,
    ThemeAssignment,
    ViewIndex,
    ViewTheme,
)
from tests.submissions.desk_site import Desk, find, make_reviewer, make_submission


@pytest.fixture
def desk(database: str) -> Desk:
    make_reviewer("ana")
    return Desk().signed_in()


def listed(desk: Desk, query: str) -> list[str]:
    html = desk.get(f"/desk?{query}").text
    return re.findall(r'href="/desk/submissions/(OW-[^"?]+)', html)


def identity_of(username: str) -> uuid.UUID:
    with unit_of_work(read_only=True) as db:
        return db.scalars(select(Reviewer.id).where(Reviewer.username == username)).one()


def test_views_are_given_from_the_list_and_from_their_page_and_found_by_whom_they_are_with(
    desk: Desk,
) -> None:
    make_reviewer("bo")
    bo = str(identity_of("bo"))
    first, second, third = (make_submission("Olá.", english=["Hello."], hours_ago=n) for n in (1, 2, 3))
    assert (
        desk.post("/desk/assignments", "/desk", view=[f"{first}:", f"{second}:"], to="me").status_code == 303
    )
    page = f"/desk/submissions/{third}"
    assert desk.post(f"{page}/assignment", page, had="", to=bo).status_code == 303
    assert listed(desk, "assigned=me") == [first, second]
    assert listed(desk, f"assigned={bo}") == [third]
    assert listed(desk, "assigned=nobody") == []
    assert "With you" in desk.get(f"/desk/submissions/{first}").text
    desk.post("/desk/assignments", "/desk", view=[f"{first}:{identity_of('ana')}"], to="")
    assert listed(desk, "assigned=nobody") == [first]
    with unit_of_work(read_only=True) as db:
        told = db.scalars(select(AuditEntry.action).where(AuditEntry.action.like("submission.%assigned")))
        assert sorted(told) == ["submission.assigned"] * 3 + ["submission.unassigned"]


def test_the_second_of_two_who_take_the_same_view_is_told_and_takes_nothing(desk: Desk) -> None:
    make_reviewer("bo")
    other = Desk().signed_in("bo")
    first, second = (make_submission("Olá.", english=["Hello."], hours_ago=n) for n in (1, 2))
    other.post("/desk/assignments", "/desk", view=[f"{second}:"], to="me")
    answer = desk.post("/desk/assignments", "/desk", view=[f"{first}:", f"{second}:"], to="me")
    assert answer.status_code == 409
    assert f"{second} changed hands meanwhile" in answer.text
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(Assignment.reviewer_id)).all() == [identity_of("bo")]


@pytest.mark.parametrize("to", ["nobody-we-know", str(uuid.UUID(int=7)), "viewer"])
def test_a_view_is_given_only_to_people_who_review(desk: Desk, to: str) -> None:
    make_reviewer("vi", role=Role.VIEWER)
    reference = make_submission("Olá.", english=["Hello."])
    chosen = str(identity_of("vi")) if to == "viewer" else to
    assert desk.post("/desk/assignments", "/desk", view=[f"{reference}:"], to=chosen).status_code == 409
    assert desk.post("/desk/assignments", "/desk", to="me").status_code == 409
    assert listed(desk, "assigned=nobody") == [reference]


def test_a_list_is_saved_opens_first_is_shared_and_deleted_by_its_owner_alone(desk: Desk) -> None:
    arabic = make_submission("لا", language="ar", english=["No."])
    make_submission("Não.", english=["No."])
    saved = desk.post(
        "/desk/saved-views?language=ar&assigned=nobody&from=nonsense", "/desk", name="Arabic", shared="yes",
        default="yes",
    )  # fmt: skip
    assert saved.status_code == 303
    opened = desk.get("/desk")
    assert opened.status_code == 303
    assert opened.headers["location"] == "/desk?language=ar&assigned=nobody"
    assert listed(desk, "language=ar&assigned=nobody") == [arabic]
    make_reviewer("bo")
    other = Desk().signed_in("bo")
    html = other.get("/desk").text
    assert "Arabic" in html
    assert "shared by" in html
    with unit_of_work(read_only=True) as db:
        view_id = db.scalars(select(SavedView.id)).one()
    assert other.post(f"/desk/saved-views/{view_id}/delete", "/desk").status_code == 422
    assert other.post(f"/desk/saved-views/{view_id}/default", "/desk", default="yes").status_code == 422
    everything = "/desk?status=all"
    desk.post("/desk/saved-views?language=pt", everything, name="  arabic ")  # one name, one list
    assert desk.get("/desk").status_code == 200
    desk.post(f"/desk/saved-views/{view_id}/default", everything, default="yes")
    assert desk.get("/desk").headers["location"] == "/desk?language=pt"
    desk.post(f"/desk/saved-views/{view_id}/delete", everything)
    assert "Saved lists (" not in desk.get("/desk").text


@pytest.mark.parametrize("name", ["", "   ", "\0", "x" * 81])
def test_a_list_without_a_name_is_not_saved(desk: Desk, name: str) -> None:
    assert desk.post("/desk/saved-views", "/desk", name=name).status_code == 422
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(SavedView)).all() == []


def test_a_forums_views_are_found_by_it_and_a_filter_that_cannot_be_is_named(desk: Desk) -> None:
    with unit_of_work() as db:
        forum = Forum(
            id=uuid.uuid4(), name="Pimlico", held_on=dt.date(2026, 7, 1), created_by="-", updated_by="-"
        )
        db.add(forum)
    spoken = make_submission("Olá.", english=["Hello."], forum_id=forum.id)
    make_submission("Adeus.", english=["Bye."])
    assert listed(desk, f"forum={forum.id}") == [spoken]
    assert "Pimlico, 2026-07-01" in desk.get("/desk").text
    assert "Choose a forum from the list" in desk.get("/desk?forum=%27x").text
    assert "Choose a person from the list" in desk.get("/desk?assigned=x").text


def test_a_theme_counts_while_it_is_accepted_or_proposed_and_not_refused(desk: Desk) -> None:
    reference = make_submission("Olá.", english=["Hello."], themes={"safeguarding": 0.6})
    submission_id = find(reference).id

    def counts() -> list[str]:
        with unit_of_work(read_only=True) as db:
            return list(
                db.scalars(select(ViewTheme.theme_key).where(ViewTheme.submission_id == submission_id))
            )

    def decide(decision: str | None) -> None:
        with unit_of_work() as db:
            row = db.scalar(select(ThemeAssignment).where(ThemeAssignment.submission_id == submission_id))
            if decision is None:
                db.delete(row)
            elif row is not None:
                row.decision = decision
            else:
                key = {"submission_id": submission_id, "theme_key": "safeguarding", "codeframe_version": "1"}
                db.add(ThemeAssignment(**key, decision=decision))

    seen = [counts()]
    for decision in ("refused", "accepted", "refused", None):
        decide(decision)
        seen.append(counts())
    assert seen == [["safeguarding"], [], ["safeguarding"], [], ["safeguarding"]]
    decide("accepted")
    with unit_of_work() as db:
        db.execute(delete(CandidateTheme))
    assert listed(desk, "theme=safeguarding") == [reference]
    with unit_of_work() as db:
        db.delete(db.get_one(Submission, submission_id))
    assert counts() == []


WORDS = {
    "biblio": True,  # how a word begins
    "BIBLIOTECA": True,
    "libraries": True,  # another form of an English word
    "library close": True,
    "library zebra": False,
    "teca": False,  # how it ends
    "Não": True,
    "nao": True,
    "المكتبة": True,
    "المكتبه": True,
    "图书馆": True,
    "馆": True,
    "馆图": False,
    "😡": True,
    "😀": False,
    "and/or": True,
    "'; DROP TABLE view_index; --": False,
    '"': False,
    "x:* & !": False,
}


def test_words_of_every_script_are_found_alike_on_both_databases(desk: Desk) -> None:
    reference = make_submission(
        "Não fechem a biblioteca 😡, and/or المكتبة. 我们的图书馆关门了",
        english=["Do not close the library.", "Closed."],
    )
    assert {words: reference in listed_by_word(desk, words) for words in WORDS} == WORDS


def listed_by_word(desk: Desk, words: str) -> list[str]:
    html = desk.client.get("/desk", params={"status": "all", "q": words}).text
    return re.findall(r'href="/desk/submissions/(OW-[^"?]+)', html)


def test_frequent_words_are_found_like_rare_ones_page_by_page(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [make_submission(f"Olá biblioteca n{n}.", english=["Hi."], hours_ago=n) for n in range(1, 8)]
    rare = listed(desk, "q=biblioteca&status=all")
    monkeypatch.setattr("submissions.word_search.FEW", 2)
    assert listed(desk, "q=biblioteca&status=all") == rare == sent
    assert listed(desk, "q=n3&status=all") == [sent[2]]
    assert "7 submissions" in desk.get("/desk?q=biblioteca&status=all").text


def test_an_index_row_follows_corrections_redactions_and_withdrawal_in_the_same_transaction(
    desk: Desk,
) -> None:
    reference = make_submission("Ligue 07700 900123 à Ana.", english=["Call Ana on 07700 900123."])
    assert listed(desk, "q=900123") == [reference]
    page = f"/desk/submissions/{reference}"
    with unit_of_work() as db:
        row = db.scalars(select(SegmentTranslation)).one()
        row.text = "Call Ana in Pimlico on 07700 900123."
    assert listed(desk, "q=pimlico") == [reference]
    line = re.search(r'name="line" value="([^"]+)"', desk.get(f"{page}/redactions").text)
    assert line
    answer = desk.post(
        f"{page}/redactions", f"{page}/redactions", line=line[1], original="07700 900123",
        english="07700 900123", kind="phone", reason="a number",
    )  # fmt: skip
    assert answer.status_code == 303
    assert listed(desk, "q=900123") == []
    assert listed(desk, "q=pimlico") == [reference]
    with unit_of_work(read_only=True) as db:
        row = db.scalars(select(ViewIndex)).one()
        assert "900123" not in row.original + row.english + row.words
    with unit_of_work() as db:
        db.get_one(Submission, find(reference).id).status = "withdrawn"
    with unit_of_work(read_only=True) as db:
        assert db.scalars(select(ViewIndex)).all() == []


def test_a_list_that_is_being_read_moves_nothing_when_views_arrive(desk: Desk) -> None:
    sent = [make_submission("Sim.", english=["Yes."], hours_ago=n + 1) for n in range(60)]
    first = desk.get("/desk?status=all").text
    following = re.search(r'href="(/desk\?[^"]*after=[^"]+)"', first)
    assert following
    make_submission("Nova.", english=["New."], hours_ago=0.01)
    rest = desk.get(following[1].replace("&amp;", "&")).text
    assert re.findall(r'href="/desk/submissions/(OW-[^"?]+)', rest) == sent[50:]
