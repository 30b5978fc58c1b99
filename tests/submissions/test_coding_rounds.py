"""Coding by two people: the draw, each blind to the other, agreement, settling; and what comes between."""

import re
import threading
import uuid
from collections import Counter

import pytest
from sqlalchemy import select

from submissions import codeframes
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.models import (
    ApiToken,
    CandidateTheme,
    Coding,
    CodingItem,
    CodingRound,
    Reviewer,
    Role,
    Submission,
    SubmissionStatus,
    ThemeAssignment,
    ThemeDecision,
    utc_now,
)
from submissions.review import accounts, coding_rounds, decisions
from submissions.review.coding import CodingChanges
from submissions.review.decisions import Changes
from submissions.review.errors import DecisionRefused
from submissions.review.sessions import Principal
from submissions.sampling import draw
from tests.submissions.desk_site import Desk, hidden, make_reviewer, make_submission, segment_ids

ENGAGEMENT, SAFEGUARDING, OTHER = "community_engagement", "safeguarding", "other"


def test_the_draw_can_be_repeated_and_gives_each_language_its_share():
    population = {
        "pt": [uuid.UUID(int=n) for n in range(60)],
        "ar": [uuid.UUID(int=n) for n in range(100, 130)],
        "so": [uuid.UUID(int=200)],
    }
    drawn = draw(population, 10, 2016)
    assert drawn == draw({code: ids[::-1] for code, ids in reversed(population.items())}, 10, 2016)
    assert drawn != draw(population, 10, 2017)
    languages = Counter(next(code for code, ids in population.items() if one in ids) for one in drawn)
    assert languages == {"pt": 6, "ar": 3, "so": 1}
    assert len(draw(population, 500, 1)) == 91
    assert len(draw(population, 2, 1)) == 2
    assert draw({}, 5, 1) == []


class Room:
    """A manager and two coders with a round of `number` views: Portuguese, and the last in Arabic."""

    def __init__(self, number: int) -> None:
        self.references = [make_submission(f"Olá {n}.", english=[f"Hello {n}."]) for n in range(number - 1)]
        self.references.append(make_submission("مرحبا.", english=["Hello."], language="ar"))
        self.people = {
            name: make_reviewer(name, role, name.title())
            for name, role in (
                ("maria", Role.MANAGER),
                ("ana", Role.REVIEWER),
                ("ben", Role.REVIEWER),
                ("eve", Role.REVIEWER),
            )
        }
        with unit_of_work() as db:
            themes = codeframes.themes_of(get_commission())
            codeframes.sign_off(
                db, sha256=codeframes.hash_of(themes), reason="", actor="reviewer:maria", reviewer_id=None
            )
        self.desks = {name: Desk().signed_in(name) for name in self.people}
        page = self.desks["maria"].get("/desk/codeframe/rounds").text
        self.fields = {
            "csrf_token": hidden(page, "csrf_token"),
            "name": "Pilot",
            "size": str(number),
            "seed": "2016",
            "first": str(self.people["ana"].id),
            "second": str(self.people["ben"].id),
        }
        answer = self.desks["maria"].client.post("/desk/codeframe/rounds", data=self.fields)
        assert answer.status_code == 303, answer.text
        self.here = answer.headers["location"]
        self.id = uuid.UUID(self.here.rsplit("/", 1)[1])

    def load(self) -> coding_rounds.Round:
        with unit_of_work(read_only=True) as db:
            return coding_rounds.load(db, self.id)

    def principal(self, name: str) -> Principal:
        return Principal(f"reviewer:{name}", name, Role.REVIEWER, self.people[name].id)

    def code(self, name: str, item: coding_rounds.Item, *themes: str, seen: str = "") -> None:
        with unit_of_work() as db:
            coding_rounds.save_coding(db, self.principal(name), self.id, item.id, themes, seen=seen)

    def post(self, name: str, path: str, **fields):
        token = hidden(self.desks[name].get(self.here).text, "csrf_token")
        return self.desks[name].client.post(self.here + path, data={"csrf_token": token, **fields})


@pytest.fixture
def room(database) -> Room:
    return Room(6)


def test_a_round_from_the_draw_to_the_decisions(room):
    items = room.load().items
    assert sorted(item.reference for item in items) == sorted(room.references)
    ana = room.desks["ana"]
    page = ana.get(f"{room.here}/code").text
    first = {"csrf_token": hidden(page, "csrf_token"), "seen": ""}
    url = f"{room.here}/code/{items[0].id}"
    assert "at least one theme" in ana.client.post(url, data=first).text
    assert "from the list" in ana.client.post(url, data={**first, "theme": "bogus"}).text
    assert ana.client.post(url, data={**first, "theme": ENGAGEMENT}).status_code == 303
    assert "another window" in ana.client.post(url, data={**first, "theme": SAFEGUARDING}).text
    for item in items[1:]:
        room.code("ana", item, ENGAGEMENT if item.position % 2 else SAFEGUARDING)
    # Blind: nothing of the first coder is on any page while the second is at work.
    for name, path in (("ben", "/code"), ("ben", ""), ("maria", "")):
        html = room.desks[name].get(room.here + path).text
        assert "Kappa" not in html
        assert "first coder said" not in html
        assert "checked" not in html
    assert room.desks["eve"].get(f"{room.here}/code").status_code == 403
    assert room.post("eve", f"/code/{items[0].id}", theme=ENGAGEMENT).status_code in (403, 422)
    assert room.post("ben", f"/settle/{items[0].id}", theme=ENGAGEMENT, reason="x").status_code == 422
    for item in items:
        given = [ENGAGEMENT if item.position % 2 else SAFEGUARDING]
        room.code("ben", item, *([OTHER] if item.position == 1 else given))
    with pytest.raises(DecisionRefused):
        room.code("ben", items[0], ENGAGEMENT, seen=str(room.load().items[0].second.id))
    finished = room.load()
    results = coding_rounds.results(finished)
    assert results.same_views == 5
    kappas = {name: found.words for name, found in results.by_theme}
    assert kappas["Community Engagement"] == "0.67"
    assert kappas["Safeguarding"] == "1.00"
    assert kappas["Identity, Faith and Values"] == "one answer only"
    assert {code: found.words for code, found in results.by_language}["ar"] == "too few"
    html = ana.get(room.here).text
    assert "The same themes in 5 of 6 views" in html
    assert "nan" not in html.lower().replace("ana", "")
    # Settling: by the coders or a manager, with a reason, once, and written as decisions.
    differing = finished.differing[0]
    with unit_of_work() as db:
        db.add(
            CandidateTheme(
                submission_id=differing.submission_id,
                theme_key=SAFEGUARDING,
                confidence=0.8,
                model="m",
                codeframe_version="2016-1",
            )
        )
    settle = f"/settle/{differing.id}"
    version = hidden(ana.get(room.here + settle).text, "version")
    chosen = {"theme": ENGAGEMENT, "version": version}
    assert room.post("eve", settle, **chosen, reason="mine").status_code == 422
    assert "reason" in room.post("ana", settle, **chosen, reason=" ").text
    assert room.post("ana", settle, **chosen, reason="It asks for a place to meet.").status_code == 303
    twice = room.post("ben", settle, **chosen, reason="No.")
    assert twice.status_code == 409
    assert room.post("maria", "/agreed").status_code == 303
    assert room.load().unsettled == []
    with unit_of_work(read_only=True) as db:
        decided = db.execute(
            select(ThemeAssignment.theme_key, ThemeAssignment.decision).where(
                ThemeAssignment.submission_id == differing.submission_id
            )
        ).all()
        assert sorted(map(tuple, decided)) == [(ENGAGEMENT, "accepted"), (SAFEGUARDING, "refused")]
        assert len(db.scalars(select(CandidateTheme)).all()) == 1  # the proposal stays as it was made
        assert len(db.scalars(select(ThemeAssignment)).all()) == 7
    assert "settled its themes" in ana.get(f"/desk/submissions/{differing.reference}").text


def test_what_nobody_can_read_in_english_is_not_drawn(room):
    make_submission("Olá.", english=[None])
    make_submission("Tak.", language="pl", english=["Yes."], is_urgent=True)
    english = make_submission("Yes.", language="en")
    maria = room.desks["maria"].client
    answer = maria.post("/desk/codeframe/rounds", data={**room.fields, "size": "50"})
    with unit_of_work(read_only=True) as db:
        made = coding_rounds.load(db, uuid.UUID(answer.headers["location"].rsplit("/", 1)[1]))
    assert {item.reference for item in made.items} == {*room.references, english}


def test_what_a_round_refuses(room):
    maria = room.desks["maria"].client

    def start(**changes: str) -> str:
        answer = maria.post("/desk/codeframe/rounds", data={**room.fields, **changes})
        assert answer.status_code == 422
        return answer.text

    assert "must be two people" in start(second=room.fields["first"])
    assert "two coders from the list" in start(second=str(uuid.uuid4()))
    for seed in ("-1", "x", "9" * 12, ""):
        assert "whole number" in start(seed=seed)
    for size in ("1", "301", "x", ""):
        assert "Choose between" in start(size=size)
    assert "Name the round" in start(name=" ")
    assert room.desks["ana"].client.post("/desk/codeframe/rounds", data=room.fields).status_code == 403
    assert room.desks["ana"].get(f"/desk/codeframe/rounds/{uuid.uuid4()}").status_code == 404


def test_a_view_taken_back_in_the_middle_is_left_out_and_the_round_goes_on(room):
    items = room.load().items
    for item in items:
        room.code("ana", item, ENGAGEMENT)
    for item in items[1:]:
        room.code("ben", item, ENGAGEMENT)
    assert not room.load().is_finished
    with unit_of_work() as db:
        db.get(Submission, items[0].submission_id).status = SubmissionStatus.WITHDRAWN
    with pytest.raises(DecisionRefused, match="1 reason"):
        room.code("ben", items[0], ENGAGEMENT)
    assert room.load().is_finished
    assert len(room.load().counted) == 5
    assert "1 taken back meanwhile" in room.desks["ana"].get(room.here).text
    with unit_of_work() as db:  # its words are erased: the row goes with the submission's other rows
        db.delete(db.get(Submission, items[0].submission_id))
    assert len(room.load().items) == 5
    assert room.desks["ana"].get(room.here).status_code == 200


def test_a_coder_whose_account_is_closed_is_replaced_and_the_new_one_codes_everything_anew(room):
    items = room.load().items
    room.code("ana", items[0], ENGAGEMENT)
    room.code("ben", items[0], SAFEGUARDING)
    eve = str(room.people["eve"].id)
    assert "can still code" in room.post("maria", "/coders", side="second", to=eve).text
    with unit_of_work() as db:
        db.get(Reviewer, room.people["ben"].id).disabled_at = utc_now()
    assert "Account closed" in room.desks["maria"].get(room.here).text
    same = room.post("maria", "/coders", side="second", to=str(room.people["ana"].id))
    assert "must be two people" in same.text
    closed = room.post("maria", "/coders", side="second", to=str(room.people["ben"].id))
    assert "Choose a person" in closed.text
    assert room.post("maria", "/coders", side="second", to=eve).status_code == 303
    assert room.load().done == (1, 0)
    room.code("eve", items[0], ENGAGEMENT)
    with pytest.raises(DecisionRefused):
        room.code("ben", items[1], ENGAGEMENT)


def test_one_coder_in_two_windows_at_once_leaves_one_coding(room):
    item = room.load().items[0]
    barrier, refused = threading.Barrier(2), []

    def save(theme: str) -> None:
        barrier.wait()
        try:
            room.code("ana", item, theme)
        except DecisionRefused as error:
            refused.append(error.problems)

    threads = [threading.Thread(target=save, args=(theme,)) for theme in (ENGAGEMENT, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with unit_of_work(read_only=True) as db:
        assert len(db.scalars(select(Coding)).all()) == 1
    assert refused == [["You have coded this view in another window. Look at it again."]]


def test_two_who_settle_at_once_write_one_decision(room):
    for item in room.load().items:
        room.code("ana", item, ENGAGEMENT)
        room.code("ben", item, SAFEGUARDING)
    item = room.load().items[0]
    version = hidden(room.desks["ana"].get(f"{room.here}/settle/{item.id}").text, "version")
    tokens = {name: hidden(room.desks[name].get(room.here + f"/settle/{item.id}").text, "csrf_token") for name in ("ana", "ben")}  # fmt: skip  # noqa: E501
    barrier, statuses = threading.Barrier(2), []

    def settle(name: str, theme: str) -> None:
        barrier.wait()
        fields = {
            "csrf_token": tokens[name],
            "version": version,
            "theme": theme,
            "reason": f"{name} thinks so",
        }
        statuses.append(
            room.desks[name].client.post(f"{room.here}/settle/{item.id}", data=fields).status_code
        )

    threads = [
        threading.Thread(target=settle, args=pair) for pair in (("ana", ENGAGEMENT), ("ben", SAFEGUARDING))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 409]
    with unit_of_work(read_only=True) as db:
        row = db.get(CodingItem, item.id)
        accepted = db.scalars(select(ThemeAssignment.theme_key)).all()
    assert row.resolved_themes == list(accepted)


def decide_on(reference: str, key: str, decision: str = "accepted") -> None:
    """Somebody else decides, before or during the round."""
    boss = Principal("reviewer:boss", "Boss", Role.MANAGER, None)
    with unit_of_work(read_only=True) as db:
        submission = db.scalars(select(Submission).where(Submission.reference == reference)).one()
    themes = {key: ThemeDecision(decision)}
    decisions.apply_changes(boss, reference, submission.version, Changes(themes=themes))
    if decision == "accepted":
        with unit_of_work(read_only=True) as db:
            version = db.get_one(Submission, submission.id).version
        codes = CodingChanges(
            sub_codes={key: ["meeting_places"]}, evidence={segment_ids(reference)[0]: [key]}
        )
        decisions.apply_changes(boss, reference, version, Changes(coding=codes))


def give_a_theme_to_all(room: Room) -> None:
    for reference in room.references:
        decide_on(reference, ENGAGEMENT)
        with unit_of_work() as db:
            submission = db.scalars(select(Submission).where(Submission.reference == reference)).one()
            db.add(
                CandidateTheme(
                    submission_id=submission.id,
                    theme_key=SAFEGUARDING,
                    confidence=0.61,
                    model="m",
                    codeframe_version="2016-1",
                )
            )


TELLING = ("61%", "accepted a theme", "chose sub-codes", "Evidence for", 'name="theme.', 'name="code.')


def test_a_coder_sees_no_themes_of_the_rounds_views_until_all_of_theirs_are_coded(room):
    give_a_theme_to_all(room)
    outside = make_submission("Outra.", english=["Another."], themes={SAFEGUARDING: 0.61})
    reference, items = room.references[0], room.load().items
    view, api = f"/desk/submissions/{reference}", f"/api/submissions/{reference}"
    token = _token_of(room.people["ana"])

    def shown_to(name: str) -> list[str]:
        html = room.desks[name].get(view).text
        return [words for words in TELLING if words in html]

    assert shown_to("eve") == shown_to("maria") == list(TELLING)
    for number, item in enumerate(items):
        assert shown_to("ana") == [], number
        html = room.desks["ana"].get(view).text
        assert f'href="{room.here}/code"' in html
        assert "Approve" in html  # all else goes on
        room.code("ana", item, ENGAGEMENT)
        if number == 0:
            _nothing_elsewhere(room, "ana", outside)
            body = room.desks["ana"].client.get(api, headers=token).json()
            assert body["themes"] == []
            assert [one["evidence_for"] for one in body["parts"][0]["segments"]] == [[]]
            rows = room.desks["ana"].client.get("/api/submissions", headers=token).json()["submissions"]
            assert {row["reference"] for row in rows if row["themes"]} == {outside}
    assert shown_to("ana") == list(TELLING)
    assert shown_to("ben") == []
    # What they know now must not reach their codings.
    with pytest.raises(DecisionRefused) as refused:
        room.code("ana", items[0], SAFEGUARDING, seen=str(room.load().items[0].first.id))
    assert refused.value.problems == ["You have coded everything, so your codings are fixed now."]
    assert room.desks["ana"].get(f"{room.here}/code?item={items[0].id}").status_code == 303
    assert room.desks["ana"].client.get(api, headers=token).json()["themes"] != []


def _token_of(reviewer: Reviewer) -> dict[str, str]:
    token = accounts.create_api_token("script", Role.REVIEWER, 1)
    with unit_of_work() as db:
        db.scalars(select(ApiToken)).one().reviewer_id = reviewer.id
    return {"Authorization": f"Bearer {token}"}


def _nothing_elsewhere(room: Room, name: str, outside: str) -> None:
    """The list, its filters and the register tell no theme of the round's views either."""
    desk = room.desks[name]
    row = re.compile(r'<li class="desk-row.*?</li>\s*(?=<li class="desk-row|</ol>)', re.DOTALL)
    rows = row.findall(desk.get("/desk?status=all").text)
    assert len(rows) == len(room.references) + 1
    assert [one for one in rows if "desk-theme" in one and outside not in one] == []
    for query in (f"theme={ENGAGEMENT}", f"theme={SAFEGUARDING}", f"code={ENGAGEMENT}.meeting_places"):
        listed = desk.get(f"/desk?status=all&{query}").text
        assert [one for one in room.references if one in listed] == [], query
        assert (outside in listed) is (query == f"theme={SAFEGUARDING}")
    assert "Taken into account under" not in desk.get("/desk/register").text
    assert "Taken into account under" in room.desks["eve"].get("/desk/register").text


def test_a_coder_gives_no_themes_past_the_round_and_goes_on_with_all_else(room):
    reference = room.references[0]
    url = f"/desk/submissions/{reference}"
    desk = room.desks["ana"]
    answer = desk.post(f"{url}/themes", url, **{f"theme.{ENGAGEMENT}": "accepted"})
    assert answer.status_code == 422
    assert "You code this view in a round" in answer.text
    decide_on(reference, ENGAGEMENT)
    segment = segment_ids(reference)[0]
    for path, fields in (
        ("sub-codes", {f"of.{ENGAGEMENT}": "yes", f"code.{ENGAGEMENT}.meeting_places": "yes"}),
        (f"evidence/{segment}", {f"evidence.{ENGAGEMENT}": "yes"}),
    ):
        assert desk.post(f"{url}/{path}", url, **fields).status_code == 422
    token = _token_of(room.people["ana"])
    with unit_of_work(read_only=True) as db:
        version = db.scalars(select(Submission.version).where(Submission.reference == reference)).one()
    patch = {"version": version, "themes": {SAFEGUARDING: "accepted"}}
    assert desk.client.patch(f"/api/submissions/{reference}", json=patch, headers=token).status_code == 422
    corrected = {"text": "Hello there.", "reason": "warmer"}
    assert desk.post(f"{url}/sentences/{segment}", url, **corrected).status_code == 303
    outside = make_submission("Outra.", english=["Another."])
    url = f"/desk/submissions/{outside}"
    assert desk.post(f"{url}/themes", url, **{f"theme.{ENGAGEMENT}": "accepted"}).status_code == 303


def test_two_at_once_are_told_of_each_other_without_the_theme(room):
    url = f"/desk/submissions/{room.references[0]}"
    page = room.desks["ana"].get(url).text
    decide_on(room.references[0], ENGAGEMENT)
    fields = {name: hidden(page, name) for name in ("csrf_token", "version", "fingerprint")}
    answer = room.desks["ana"].client.post(f"{url}/status", data={**fields, "status": "in_review"})
    assert answer.status_code == 409
    assert [words for words in TELLING if words in answer.text] == []


def test_nothing_is_hidden_for_a_round_that_cannot_be_gone_on_with(room):
    give_a_theme_to_all(room)
    with unit_of_work() as db:
        db.get_one(CodingRound, room.id).codeframe_version = "2015-1"
    html = room.desks["ana"].get(f"/desk/submissions/{room.references[0]}").text
    assert [words for words in TELLING if words in html] == list(TELLING)
