"""Role by route: who gets in, on every route of the application.

The table is written by hand. A new route needs a row, and the test says which row is missing.
"""

import re
import uuid

import pytest
from fastapi.testclient import TestClient

from channels.app import create_app
from channels.settings import Settings
from submissions.models import Role
from submissions.review import accounts
from submissions.review.access import access_rules
from tests.submissions.desk_site import Desk, hidden, make_app, make_reviewer, make_submission

# One letter for each role that gets in: V viewer, C commission member, T translator, R reviewer,
# L safeguarding lead, M manager, A admin. "all": whoever is signed in. "public": anybody.
LETTERS = {
    "V": Role.VIEWER,
    "C": Role.COMMISSION_MEMBER,
    "T": Role.TRANSLATOR,
    "R": Role.REVIEWER,
    "L": Role.SAFEGUARDING_LEAD,
    "M": Role.MANAGER,
    "A": Role.ADMIN,
}
ALLOWED = """
GET   /desk/sign-in                                                public
POST  /desk/sign-in                                                public
GET   /desk/sign-in/code                                           public
POST  /desk/sign-in/code                                           public
GET   /desk/sign-in/provider                                       public
GET   /desk/sign-in/provider/return                                public
GET   /desk/static/{name}                                          public
POST  /desk/sign-out                                               all
GET   /desk/password                                               all
POST  /desk/password                                               all
GET   /desk/second-factor                                          all
POST  /desk/second-factor                                          all
GET   /desk/second-factor/qr.svg                                   all
GET   /desk/account                                                all
POST  /desk/account/sessions/{session_id}/end                      all
POST  /desk/account/sign-out-everywhere                            all
GET   /desk/accounts                                               ------A
GET   /desk/accounts/new                                           ------A
POST  /desk/accounts/new                                           ------A
GET   /desk/accounts/{reviewer_id}                                 ------A
POST  /desk/accounts/{reviewer_id}                                 ------A
GET   /desk/api-tokens                                             ------A
POST  /desk/api-tokens                                             ------A
POST  /desk/api-tokens/{token_id}/revoke                           ------A
GET   /desk/audit                                                  -----MA
GET   /desk/audit.csv                                              -----MA
GET   /desk                                                        all
GET   /desk/submissions/{reference}                                V-TRLMA
POST  /desk/submissions/{reference}/sentences/{segment_id}         --TRLMA
POST  /desk/submissions/{reference}/themes                         ---RLMA
POST  /desk/submissions/{reference}/language                       ---RLMA
POST  /desk/submissions/{reference}/status                         ---RLMA
GET   /desk/submissions/{reference}/reply                          ---RLMA
POST  /desk/submissions/{reference}/reply                          ---RLMA
POST  /desk/submissions/{reference}/reply/{reply_id}/text          ---RLMA
POST  /desk/submissions/{reference}/reply/{reply_id}/send          ---RLMA
POST  /desk/submissions/{reference}/reply/{reply_id}/discard       ---RLMA
GET   /desk/submissions/{reference}/redactions                     ---RLMA
POST  /desk/submissions/{reference}/redactions                     ---RLMA
POST  /desk/submissions/{reference}/redactions/{redaction_id}/take-back ---RLMA
GET   /desk/submissions/{reference}/notes                          ---RLMA
POST  /desk/submissions/{reference}/notes                          ---RLMA
POST  /desk/submissions/{reference}/notes/{note_id}/remove         ---RLMA
POST  /desk/submissions/{reference}/sub-codes                      ---RLMA
POST  /desk/submissions/{reference}/evidence/{segment_id}          ---RLMA
GET   /desk/codeframe                                              ---RLMA
POST  /desk/codeframe/sign-off                                     -----MA
GET   /desk/codeframe/recoding                                     ---RLMA
POST  /desk/codeframe/recoding/{item_id}                           ---RLMA
GET   /desk/codeframe/rounds                                       ---RLMA
POST  /desk/codeframe/rounds                                       -----MA
GET   /desk/codeframe/rounds/{round_id}                            ---RLMA
POST  /desk/codeframe/rounds/{round_id}/coders                     -----MA
GET   /desk/codeframe/rounds/{round_id}/code                       ---RLMA
POST  /desk/codeframe/rounds/{round_id}/code/{item_id}             ---RLMA
POST  /desk/codeframe/rounds/{round_id}/agreed                     ---RLMA
GET   /desk/codeframe/rounds/{round_id}/settle/{item_id}           ---RLMA
POST  /desk/codeframe/rounds/{round_id}/settle/{item_id}           ---RLMA
POST  /desk/submissions/{reference}/assignment                     ---RLMA
POST  /desk/assignments                                            ---RLMA
POST  /desk/saved-views                                            V-TRLMA
POST  /desk/saved-views/{view_id}/default                          V-TRLMA
POST  /desk/saved-views/{view_id}/delete                           V-TRLMA
GET   /desk/canned-replies                                         ---RLMA
POST  /desk/canned-replies                                         ---RLMA
POST  /desk/canned-replies/{canned_id}/texts                       ---RLMA
POST  /desk/canned-replies/{canned_id}/remove                      ---RLMA
GET   /desk/interpreters                                           V-TRLMA
GET   /desk/interpreters/{language}.{kind}                         --TRLMA
POST  /desk/interpreters/returns                                   --TRLMA
GET   /desk/safeguarding                                           ---RLMA
POST  /desk/safeguarding/lead                                      -----MA
GET   /desk/safeguarding/views/{reference}                         ---RLMA
POST  /desk/safeguarding/views/{reference}                         ---RLMA
GET   /desk/safeguarding/conversations/{conversation_id}           ---RLMA
POST  /desk/safeguarding/conversations/{conversation_id}           ---RLMA
GET   /desk/outcomes                                               ---RLMA
POST  /desk/outcomes/announcement                                  -----MA
GET   /desk/outcomes/{theme_key}                                   ---RLMA
POST  /desk/outcomes/{theme_key}                                   ---RLMA
POST  /desk/outcomes/{theme_key}/{outcome_id}/text                 ---RLMA
POST  /desk/outcomes/{theme_key}/{outcome_id}/proposal             ---RLMA
POST  /desk/outcomes/{theme_key}/{outcome_id}/publication          -----MA
POST  /desk/outcomes/{theme_key}/{outcome_id}/retirement           -----MA
POST  /desk/outcomes/{theme_key}/{outcome_id}/deletion             -----MA
GET   /desk/paper-forms                                            ---RLMA
POST  /desk/paper-forms                                            ---RLMA
GET   /desk/paper-forms/template.xlsx                              ---RLMA
GET   /desk/paper-forms/{batch_id}                                 ---RLMA
POST  /desk/paper-forms/{batch_id}/confirm                         ---RLMA
POST  /desk/paper-forms/{batch_id}/discard                         ---RLMA
GET   /desk/evidence-sessions                                      V--RLMA
POST  /desk/evidence-sessions/{session_id}/files                   ---RLMA
GET   /desk/evidence-sessions/{session_id}/files/{file_id}         V--RLMA
POST  /desk/evidence-sessions/{session_id}/files/{file_id}/remove  ---RLMA
GET   /desk/evidence-sessions/{session_id}/contributions/{reference} ---RLMA
POST  /desk/evidence-sessions/{session_id}/contributions/{reference} ---RLMA
POST  /desk/evidence-sessions/{session_id}/contributions/{reference}/withdraw ---RLMA
POST  /desk/evidence-sessions/{session_id}/remove                  ---RLMA
GET   /desk/stakeholders                                           ---RLMA
GET   /desk/stakeholders/list.csv                                  ---RLMA
POST  /desk/stakeholders/import                                    ---RLMA
GET   /desk/stakeholders/new                                       ---RLMA
POST  /desk/stakeholders/new                                       ---RLMA
POST  /desk/stakeholders/offers/{message_id}                       ---RLMA
GET   /desk/stakeholders/offers/{message_id}/reply                 ---RLMA
POST  /desk/stakeholders/offers/{message_id}/reply                 ---RLMA
POST  /desk/stakeholders/offers/{message_id}/reply/{reply_id}/text ---RLMA
POST  /desk/stakeholders/offers/{message_id}/reply/{reply_id}/send ---RLMA
POST  /desk/stakeholders/offers/{message_id}/reply/{reply_id}/discard ---RLMA
GET   /desk/stakeholders/{stakeholder_id}                          ---RLMA
GET   /desk/stakeholders/{stakeholder_id}/edit                     ---RLMA
POST  /desk/stakeholders/{stakeholder_id}/edit                     ---RLMA
POST  /desk/stakeholders/{stakeholder_id}/remove                   ---RLMA
POST  /desk/stakeholders/{stakeholder_id}/contacts                 ---RLMA
POST  /desk/stakeholders/{stakeholder_id}/links                    ---RLMA
POST  /desk/stakeholders/{stakeholder_id}/links/{other_id}/remove  ---RLMA
GET   /desk/evidence-sessions/new                                  ---RLMA
POST  /desk/evidence-sessions/new                                  ---RLMA
GET   /desk/evidence-sessions/{session_id}                         V--RLMA
GET   /desk/evidence-sessions/{session_id}/edit                    ---RLMA
POST  /desk/evidence-sessions/{session_id}/edit                    ---RLMA
POST  /desk/evidence-sessions/{session_id}/contributions           ---RLMA
GET   /desk/forums                                                 ---RLMA
GET   /desk/forums/new                                             ---RLMA
POST  /desk/forums/new                                             ---RLMA
GET   /desk/forums/contacts                                        ---RLMA
POST  /desk/forums/contacts                                        ---RLMA
GET   /desk/forums/{forum_id}                                      ---RLMA
GET   /desk/forums/{forum_id}/edit                                 ---RLMA
POST  /desk/forums/{forum_id}/edit                                 ---RLMA
POST  /desk/forums/{forum_id}/attendees                            ---RLMA
POST  /desk/forums/{forum_id}/attendees/import                     ---RLMA
POST  /desk/forums/{forum_id}/attendees/{attendee_id}/remove       ---RLMA
POST  /desk/forums/{forum_id}/follow-ups                           ---RLMA
GET   /desk/follow-ups/{follow_up_id}                              ---RLMA
POST  /desk/follow-ups/{follow_up_id}/texts                        ---RLMA
POST  /desk/follow-ups/{follow_up_id}/proof-readings               ---RLMA
POST  /desk/follow-ups/{follow_up_id}/templates                    ---RLMA
POST  /desk/follow-ups/{follow_up_id}/budget                       ---RLMA
POST  /desk/follow-ups/{follow_up_id}/prepare                      ---RLMA
POST  /desk/follow-ups/{follow_up_id}/approve                      -----MA
POST  /desk/follow-ups/{follow_up_id}/pause                        ---RLMA
POST  /desk/follow-ups/{follow_up_id}/resume                       -----MA
POST  /desk/follow-ups/{follow_up_id}/call-off                     ---RLMA
GET   /desk/register                                               V--RLMA
GET   /desk/register.csv                                           ---RLMA
GET   /desk/overview                                               V--RLMA
GET   /desk/recordings                                             V--RLMA
GET   /desk/recordings/{media_id}/file                             V--RLMA
POST  /desk/recordings/{media_id}/listened                         ---RLMA
GET   /desk/briefings                                              VC-RLMA
GET   /desk/briefings/report.docx                                  V--RLMA
GET   /desk/briefings/{theme_key}                                  VC-RLMA
GET   /desk/briefings/{theme_key}/briefing.docx                    VC-RLMA
POST  /desk/briefings/report/pdf                                   V--RLMA
POST  /desk/briefings/{theme_key}/pdf                              VC-RLMA
GET   /desk/briefings/files/{export_id}                            VC-RLMA
GET   /desk/briefings/files/{export_id}/file                       VC-RLMA
POST  /desk/briefings/files/{export_id}/delete                     VC-RLMA
GET   /desk/briefings/{theme_key}/summary                          ---RLMA
POST  /desk/briefings/{theme_key}/summary                          ---RLMA
GET   /desk/briefings/{theme_key}/summary/point                    ---RLMA
POST  /desk/briefings/{theme_key}/summary/point                    ---RLMA
POST  /desk/briefings/{theme_key}/summary/points/{point_id}/remove ---RLMA
POST  /desk/briefings/{theme_key}/summary/proposal                 ---RLMA
POST  /desk/briefings/{theme_key}/summary/sign-off                 -----MA
POST  /desk/briefings/{theme_key}/summary/retirement               -----MA
GET   /desk/exports                                                ---RLMA
POST  /desk/exports                                                ---RLMA
GET   /desk/exports/{export_id}                                    ---RLMA
GET   /desk/exports/{export_id}/file                               ---RLMA
POST  /desk/exports/{export_id}/delete                             ---RLMA
GET   /desk/problems                                               V--RLMA
POST  /desk/problems/jobs/{job_id}/retry                           -----MA
GET   /api/submissions                                             V-TRLMA
GET   /api/submissions/{reference}                                 V-TRLMA
PATCH /api/submissions/{reference}                                 ---RLMA
"""
# These change the session itself or who one is; test_desk_sign_in tests them.
OF_THE_SESSION = ("/desk/sign-in", "/desk/sign-out", "/desk/password", "/desk/account/sign-out")


def read_table(text: str) -> dict[tuple[str, str], str]:
    rows = [line.split() for line in text.strip().splitlines()]
    assert all(len(row) == 3 for row in rows), "a row is: method, path, who"
    return {(method, path): who for method, path, who in rows}


TABLE = read_table(ALLOWED)
APP = make_app()


def routes_of(app) -> list[tuple[str, str, str]]:
    return [
        (method, path, rule or "")
        for methods, path, rule in access_rules(app)
        for method in methods.split()
        if method != "HEAD"
    ]


def is_desk(path: str) -> bool:
    return path.startswith(("/desk", "/api/"))


DESK_ROUTES = [route for route in routes_of(APP) if is_desk(route[1])]


def gets_in(role: Role, who: str) -> bool:
    return who in ("all", "public") or role in {LETTERS[letter] for letter in who if letter != "-"}


def test_the_table_has_a_row_for_each_route_of_the_desk_and_no_other():
    served = {(method, path) for method, path, _ in routes_of(create_app(Settings())) if is_desk(path)}
    assert served - set(TABLE) == set(), "these routes need a row"
    assert set(TABLE) - served == set(), "these rows have no route"


def test_only_the_door_of_the_desk_is_public_and_every_route_declares_a_rule():
    rules = {(method, path): rule for method, path, rule in routes_of(create_app(Settings()))}
    assert {key for key, rule in rules.items() if not rule} == set()
    public = {key for key, rule in rules.items() if is_desk(key[1]) and rule == "public"}
    assert public == {key for key, who in TABLE.items() if who == "public"}
    # A desk session's cookie goes to /desk alone, so no other address may ask for a role.
    elsewhere = {rule for (_, path), rule in rules.items() if not is_desk(path)}
    assert [rule for rule in elsewhere if rule.startswith(("session", "token:"))] == []


def address(path: str, reference: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: reference if m[1] == "reference" else str(uuid.uuid4()), path)


@pytest.fixture
def reference(sqlite_database) -> str:
    return make_submission("Olá vizinhos.", english=["Hello neighbours."])


def test_without_signing_in_every_route_but_the_public_ones_refuses(reference):
    client = TestClient(APP, follow_redirects=False)
    for method, path, _ in DESK_ROUTES:
        if TABLE.get((method, path)) == "public":
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
    token = hidden(desk.get("/desk/password").text, "csrf_token")
    bearer = {"Authorization": f"Bearer {accounts.create_api_token('matrix', role, 1)}"}
    wrong = []
    for method, path, _ in DESK_ROUTES:
        if path.startswith(OF_THE_SESSION) or (method, path) not in TABLE:
            continue
        arguments = {"headers": bearer} if path.startswith("/api") else {}
        if method == "POST":
            arguments["data"] = {"csrf_token": token, "version": "1"}
        if method == "PATCH":
            arguments["json"] = {"version": 1}
        status = desk.client.request(method, address(path, reference), **arguments).status_code
        assert status < 500, f"{role} {method} {path}: {status}"
        if (status != 403) is not gets_in(role, TABLE[method, path]):
            wrong.append(f"{role} {method} {path}: {status}")
    assert wrong == []


def test_a_viewer_sees_no_form_that_would_be_refused(reference):
    make_reviewer("viewer", Role.VIEWER)
    html = Desk(APP).signed_in("viewer").get(f"/desk/submissions/{reference}").text
    assert "Hello neighbours." in html
    for words in ("Save correction", "Approve", "Save themes", "Set language"):
        assert words not in html
