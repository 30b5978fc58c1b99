"""The register of readings, and the analysts' notes."""

import csv
import io

import pytest

from submissions.models import Role, SubmissionStatus
from submissions.review import accounts, register
from tests.submissions.desk_site import Desk, make_reviewer, make_submission


@pytest.fixture
def desk(database) -> Desk:
    make_reviewer()
    return Desk().signed_in()


def exported(desk: Desk) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(desk.get("/desk/register.csv").text)))


def test_the_register_tells_who_read_each_view_in_which_language_and_what_followed(desk):
    read = make_submission("Olá.", english=["Hello."], themes={"safeguarding": 0.8}, hours_ago=2)
    unread = make_submission("ሰላም", language="am", hours_ago=1)
    page = f"/desk/submissions/{read}"
    desk.get(page)
    desk.get(page)
    make_reviewer("ben", name="Ben Ode")
    Desk(desk.client.app).signed_in("ben").get(page)
    desk.post(f"{page}/themes", page, **{"theme.safeguarding": "accepted"})
    desk.post(f"{page}/status", page, status="approved")
    [first, second] = exported(desk)
    assert (first["reference"], first["read_by"], first["what_followed"]) == (unread, "", "")
    assert second["reference"] == read
    assert second["read_by"] == "ana; ben"
    assert second["read_in"] == "Portuguese; English"
    assert second["what_followed"].startswith("Taken into account under Safeguarding")
    assert second["what_followed"].endswith("Approved for briefings and the report")
    html = desk.get("/desk/register").text
    assert "<strong>1 of 2</strong> not read yet (50%)" in html
    assert read not in desk.get("/desk/register?unread=yes").text
    assert "50% of all views not read yet" in desk.get("/desk").text


def test_a_program_that_reads_is_no_reader(desk):
    reference = make_submission("Olá.", english=["Hello."])
    token = accounts.create_api_token("export", Role.VIEWER, 1)
    desk.client.get(f"/api/submissions/{reference}", headers={"Authorization": f"Bearer {token}"})
    assert [row["read_by"] for row in exported(desk)] == [""]


def test_every_view_is_in_the_register_once_page_by_page(desk, monkeypatch):
    monkeypatch.setattr(register, "PAGE_SIZE", 2)
    references = {make_submission("Olá.", english=["Hello."]) for _ in range(4)}
    references.add(make_submission("Adeus.", english=["Bye."], status=SubmissionStatus.WITHDRAWN))
    assert {row["reference"] for row in exported(desk)} == references
    seen: list[str] = []
    address = "/desk/register"
    for _ in range(3):
        html = desk.get(address).text
        seen += [one for one in references if one in html]
        if 'rel="next"' in html:
            address = html.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert sorted(seen) == sorted(references)


def test_one_unread_among_many_never_rounds_to_none():
    assert register.Share(10_000, 1, False).percent_unread == 1
    assert register.Share(10_000, 0, False).percent_unread == 0
    assert register.Share(0, 0, False).percent_unread is None


def test_notes_stay_with_the_team_and_only_their_writer_removes_them(desk):
    reference = make_submission("Olá.", english=["Hello."])
    page = f"/desk/submissions/{reference}/notes"
    assert desk.post(page, page, text=" ").status_code == 422
    assert desk.post(page, page, text="Compare <b>this</b> with the ward's survey.").status_code == 303
    assert "Compare &lt;b&gt;this" in desk.get(page).text
    assert "Notes (1)" in desk.get(f"/desk/submissions/{reference}").text
    token = accounts.create_api_token("reader", Role.VIEWER, 1)
    answer = desk.client.get(f"/api/submissions/{reference}", headers={"Authorization": f"Bearer {token}"})
    assert "survey" not in answer.text
    assert all("survey" not in str(row) for row in exported(desk))
    remove = desk.get(page).text.split('action="')[-1].split('"')[0]
    make_reviewer("ben", name="Ben Ode")
    other = Desk(desk.client.app).signed_in("ben")
    assert other.post(remove, page).status_code == 422
    assert desk.post(remove, page).status_code == 303
    assert "survey" not in desk.get(page).text
