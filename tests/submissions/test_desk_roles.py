"""What a role sees of the views: a translator their languages, a commission member their theme's approved
material, and of urgent views with a named lead whoever may act on them."""

import datetime as dt
import io
import zipfile

import pytest
from sqlalchemy import update

from submissions import rights
from submissions.database import unit_of_work
from submissions.erasure import erase_withdrawn_words
from submissions.models import (
    ApiToken,
    Message,
    Reviewer,
    Role,
    SafeguardingLead,
    SubmissionStatus,
    ThemeAssignment,
    utc_now,
)
from submissions.review import accounts, passwords, safeguarding
from submissions.review.access import PERMISSIONS_OF, Permission
from tests.submissions.desk_site import Desk, find, make_reviewer, make_submission, segment_ids

THEME, OTHER_THEME = "community_engagement", "safeguarding"


@pytest.fixture(autouse=True)
def a_fresh_count_of_guesses():
    passwords.forget_all_guesses()


def make_person(username: str, role: str, **scope: list[str]) -> Desk:
    reviewer = make_reviewer(username, role, username.title())
    with unit_of_work() as db:
        row = db.get_one(Reviewer, reviewer.id)
        row.themes, row.languages = scope.get("themes", []), scope.get("languages", [])
    return Desk().signed_in(username)


def make_approved(text: str, theme: str) -> str:
    reference = make_submission(text, english=[f"English of {theme}."], status=SubmissionStatus.APPROVED)
    with unit_of_work() as db:
        db.add(
            ThemeAssignment(
                submission_id=find(reference).id,
                theme_key=theme,
                decision="accepted",
                codeframe_version="2016-03",
            )
        )
    return reference


def test_a_translator_reads_and_corrects_their_languages_and_finds_nothing_of_others(database):
    mine = make_submission("Olá vizinhos.", english=["Hello neighbours."], language="pt")
    other = make_submission("Dzień dobry.", english=["Good day."], language="pl")
    unknown = make_submission("???", language=None)
    desk = make_person("tia", Role.TRANSLATOR, languages=["pt", "so"])
    listed = desk.get("/desk?status=all").text
    assert mine in listed
    assert other not in listed
    assert unknown not in listed
    assert other not in desk.get("/desk?status=all&q=Dzie%C5%84").text
    assert desk.get(f"/desk/submissions/{mine}").status_code == 200
    for reference in (other, unknown):
        assert desk.get(f"/desk/submissions/{reference}").status_code == 404

    def correct(reference: str) -> int:
        path = f"/desk/submissions/{reference}/sentences/{segment_ids(reference)[0]}"
        fields = {"text": "Hello, neighbours.", "reason": "Warmer"}
        return desk.post(path, f"/desk/submissions/{mine}", **fields).status_code

    assert correct(other) == 404
    assert correct(mine) == 303


def test_a_translator_gets_and_returns_the_interpreters_files_of_their_languages_only(database):
    make_submission("Ha xirina maktabadda.", language="so")
    polish = make_submission("Nie zamykajcie biblioteki.", language="pl")
    desk = make_person("tia", Role.TRANSLATOR, languages=["so"])
    page = desk.get("/desk/interpreters").text
    assert "Somali" in page
    assert "Polish" not in page
    assert desk.get("/desk/interpreters/so.xlsx").status_code == 200
    assert desk.get("/desk/interpreters/pl.xlsx").status_code == 404
    assert desk.get("/desk/interpreters/und.xlsx").status_code == 404
    make_reviewer("ana")
    file = Desk().signed_in("ana").get("/desk/interpreters/pl.xlsx").content
    fields = {"csrf_token": _csrf(desk), "interpreter": "Hodan Ali", "leave_empty": "yes"}
    answer = desk.client.post("/desk/interpreters/returns", data=fields, files={"file": ("pl.xlsx", file)})
    assert answer.status_code == 422
    assert "There is no view with this reference" in answer.text
    assert find(polish).version == 1


def _csrf(desk: Desk) -> str:
    return desk.get("/desk/password").text.split('name="csrf_token" value="')[1].split('"')[0]


def test_a_commission_member_reads_the_approved_material_of_their_theme_and_nothing_else(database):
    mine, other = make_approved("Biblioteca sim.", THEME), make_approved("Rua escura.", OTHER_THEME)
    desk = make_person("cora", Role.COMMISSION_MEMBER, themes=[THEME])
    assert desk.get("/desk").headers["location"] == "/desk/briefings"
    listed = desk.get("/desk/briefings").text
    assert f"/desk/briefings/{THEME}" in listed
    assert OTHER_THEME not in listed
    assert 'href="/desk/overview"' not in listed
    briefing = desk.get(f"/desk/briefings/{THEME}").text
    assert "Biblioteca sim." in briefing
    assert f"/desk/submissions/{mine}" not in briefing  # no link that would be refused
    assert "Rua escura." not in briefing
    for kind in ("", "/briefing.docx"):
        assert desk.get(f"/desk/briefings/{OTHER_THEME}{kind}").status_code == 404
    document = desk.get(f"/desk/briefings/{THEME}/briefing.docx")
    words = zipfile.ZipFile(io.BytesIO(document.content)).read("word/document.xml").decode()
    assert "Biblioteca sim." in words
    assert desk.get(f"/desk/submissions/{other}").status_code == 403


def test_a_role_whose_part_is_not_named_sees_nothing(database):
    reference = make_submission("Olá vizinhos.", english=["Hello neighbours."])
    assert reference not in make_person("tia", Role.TRANSLATOR).get("/desk?status=all").text
    assert THEME not in make_person("cora", Role.COMMISSION_MEMBER).get("/desk/briefings").text
    token = accounts.create_api_token("program", Role.TRANSLATOR, 1)
    answer = Desk().client.get("/api/submissions", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["submissions"] == []
    with unit_of_work() as db:
        db.query(ApiToken).one().languages = ["pt"]
    answer = Desk().client.get("/api/submissions", headers={"Authorization": f"Bearer {token}"})
    assert [one["reference"] for one in answer.json()["submissions"]] == [reference]


@pytest.fixture
def urgent(database) -> str:
    return make_submission("أنا خائف الآن", language="ar", english=["I am afraid now."], is_urgent=True)


def name_lead(username: str = "lea") -> Reviewer:
    lead = make_reviewer(username, Role.REVIEWER, "Lea Dunn")
    with unit_of_work() as db:
        db.add(SafeguardingLead(reviewer_id=lead.id, named_by="reviewer:boss"))
    return lead


def test_with_a_lead_others_may_read_an_urgent_view_and_not_change_it(urgent):
    name_lead()
    reviewer = make_person("rob", Role.REVIEWER)
    page = f"/desk/submissions/{urgent}"
    assert "I am afraid now." in reviewer.get(page).text
    assert reviewer.post(f"{page}/status", page, status="in_review").status_code == 403
    assert reviewer.post(f"{page}/reply", page, english="Call 999.").status_code == 403
    assert reviewer.get("/desk/safeguarding").status_code == 403
    assert reviewer.get(f"/desk/safeguarding/views/{urgent}").status_code == 403
    token = accounts.create_api_token("program", Role.REVIEWER, 1)
    change = {"version": 1, "status": "in_review"}
    headers = {"Authorization": f"Bearer {token}"}
    answer = reviewer.client.patch(f"/api/submissions/{urgent}", json=change, headers=headers)
    assert answer.status_code == 403
    assert find(urgent).status == SubmissionStatus.RECEIVED
    lead = Desk().signed_in("lea")
    assert lead.get("/desk/safeguarding").status_code == 200
    assert lead.post(f"{page}/status", page, status="in_review").status_code == 303


@pytest.mark.parametrize("role", [Role.SAFEGUARDING_LEAD, Role.MANAGER, Role.ADMIN])
def test_whoever_stands_in_for_the_lead_acts_as_well(urgent, role):
    name_lead()
    deputy = make_person("dee", role)
    page = f"/desk/submissions/{urgent}"
    assert deputy.get("/desk/safeguarding").status_code == 200
    assert deputy.post(f"{page}/status", page, status="in_review").status_code == 303


def test_a_viewer_sees_an_urgent_view_only_without_a_lead_or_with_an_outcome(urgent):
    viewer = make_person("vi", Role.VIEWER)
    page = f"/desk/submissions/{urgent}"
    assert viewer.get(page).status_code == 200
    name_lead()
    assert viewer.get(page).status_code == 404
    assert urgent not in viewer.get("/desk?status=all").text
    assert urgent not in viewer.get("/desk/register").text
    lead = Desk().signed_in("lea")
    case = f"/desk/safeguarding/views/{urgent}"
    fields = {"case_version": "0", "told_resident": "", "action": "Rang the school.", "outcome": "referred"}
    assert lead.post(case, case, **fields).status_code == 303
    assert viewer.get(page).status_code == 200


def test_a_translator_puts_an_urgent_view_into_english_for_the_lead(urgent):
    name_lead()
    desk = make_person("tia", Role.TRANSLATOR, languages=["ar"])
    page = f"/desk/submissions/{urgent}"
    fields = {"text": "I am frightened.", "reason": "Closer"}
    assert desk.post(f"{page}/sentences/{segment_ids(urgent)[0]}", page, **fields).status_code == 303


def test_only_roles_that_may_act_on_a_danger_can_be_named_as_lead(database):
    may_act = {role for role, given in PERMISSIONS_OF.items() if Permission.HANDLE_SAFEGUARDING in given}
    assert set(safeguarding.CAN_LEAD) == may_act
    boss, viewer = make_person("boss", Role.ADMIN), make_reviewer("vi", Role.VIEWER)
    answer = boss.post("/desk/safeguarding/lead", "/desk/safeguarding", lead=str(viewer.id))
    assert answer.status_code == 422
    assert "Choose a reviewer" in answer.text


def test_what_was_taken_back_is_on_no_page_and_danger_stays_with_the_lead(database):
    """Somebody else may have taken it back: its words stay with the lead until the outcome."""
    urgent = make_submission(
        "Tenho medo do vizinho.",
        english=["I fear my neighbour."],
        themes={"safeguarding": 0.7},
        is_urgent=True,
    )
    usual = make_submission("A rua é bonita.", english=["The street is nice."], themes={"other": 0.7})
    viewer, reviewer = make_person("vi", Role.VIEWER), make_person("rob", Role.REVIEWER)
    name_lead()
    lead = Desk().signed_in("lea")
    for reference in (urgent, usual):
        with unit_of_work() as db:
            rights.withdraw(db, reference)
            db.execute(update(Message).values(handled_at=utc_now()))
    token = accounts.create_api_token("program", Role.ADMIN, 1)
    headers = {"Authorization": f"Bearer {token}"}
    for desk in (viewer, reviewer, lead):
        shown = [
            desk.get(path).text
            for path in ("/desk?status=withdrawn", "/desk?status=all", f"/desk/submissions/{urgent}")
        ]
        shown += [desk.get(f"/desk/submissions/{usual}{path}").text for path in ("", "/reply", "/redactions")]
        shown += [desk.get(f"/desk/submissions/{urgent}{path}").text for path in ("/reply", "/redactions")]
        for words in ("I fear", "Tenho medo", "street is nice", "rua é bonita"):
            assert [page for page in shown if words in page] == [], words
    for reference in (urgent, usual):
        body = lead.client.get(f"/api/submissions/{reference}", headers=headers).json()
        assert (body["status"], body["parts"]) == ("withdrawn", [])
    listed = lead.client.get("/api/submissions?status=withdrawn", headers=headers).json()["submissions"]
    assert [(row["original_start"], row["english_start"], row["themes"]) for row in listed] == [
        ("", None, [])
    ] * 2
    # The lead still finds it, reads it, and closes it; then it is a view like others that were taken back.
    assert urgent in lead.get("/desk/safeguarding").text
    case = f"/desk/safeguarding/views/{urgent}"
    assert "I fear my neighbour." in lead.get(case).text
    assert "on the safeguarding page alone" in lead.get(f"/desk/submissions/{urgent}").text
    assert erase_withdrawn_words(utc_now() + dt.timedelta(minutes=1)) == 1
    fields = {"case_version": "0", "told_resident": "", "action": "Rang them.", "outcome": "advice_given"}
    assert lead.post(case, case, **fields).status_code == 303
    assert erase_withdrawn_words(utc_now() + dt.timedelta(minutes=1)) == 1
    assert "I fear" not in lead.get(case).text
