"""The desk API: the list, one submission, decisions, conflicts, tokens."""

import datetime as dt

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from submissions import intake
from submissions.database import unit_of_work
from submissions.models import ApiToken, Assignment, AuditEntry, Conversation, Role, Submission, utc_now
from submissions.review import accounts
from tests.factories import make_message
from tests.submissions.desk_site import find, make_app, make_reviewer, make_submission, segment_ids
from tests.submissions.forums import make_forum


def client_with(role: str = Role.REVIEWER) -> TestClient:
    token = accounts.create_api_token("export", role, 1)
    return TestClient(make_app(), headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def api(database) -> TestClient:
    return client_with()


def listed(api: TestClient, query: str = "") -> list[str]:
    answer = api.get(f"/api/submissions?{query}")
    assert answer.status_code == 200, answer.text
    return [row["reference"] for row in answer.json()["submissions"]]


def test_the_list_holds_what_a_row_of_the_desk_shows(api):
    make_submission("Olá.", english=["Hello."], themes={"safeguarding": 0.7})
    [row] = api.get("/api/submissions").json()["submissions"]
    assert row["source_language"] == "pt"
    assert row["original_start"] == "Olá."
    assert row["english_start"] == "Hello."
    assert row["translation_states"] == {"machine": 1}
    assert row["themes"] == [{"key": "safeguarding", "confidence": 0.7, "decision": None}]
    assert (row["status"], row["unread"], row["urgent"], row["version"]) == ("received", True, False, 1)


def test_filters_narrow_the_list(api):
    portuguese = make_submission("Olá.", english=["Hello."], channel="sms", themes={"other": 0.5})
    urgent = make_submission("Bonjour.", english=["Good day."], language="fr", is_urgent=True)
    unknown = make_submission("ስለ", language=None, status="approved", hours_ago=50)
    day = (utc_now() - dt.timedelta(hours=25)).date().isoformat()  # the others are an hour old
    assert listed(api) == [urgent, portuguese, unknown]
    assert listed(api, "language=fr") == [urgent]
    assert listed(api, "language=und") == [unknown]
    assert listed(api, "channel=sms") == [portuguese]
    assert listed(api, "theme=other") == [portuguese]
    assert listed(api, "status=approved") == [unknown]
    assert listed(api, "urgent=true") == [urgent]
    assert listed(api, "urgent=false") == [portuguese, unknown]
    assert listed(api, f"from={day}") == [urgent, portuguese]
    assert listed(api, f"to={day}") == [unknown]
    assert listed(api, "method=oral") == []
    assert listed(api, "q=good+day") == [urgent]
    assert listed(api, f"q={unknown.lower()}") == [unknown]


@pytest.mark.parametrize(
    "query", ["status=draft", "channel=pigeon", "from=yesterday", "limit=0", "cursor=x", "theme=%00"]
)
def test_a_filter_that_cannot_be_is_a_422(api, query):
    assert api.get(f"/api/submissions?{query}").status_code == 422


def test_following_the_cursor_gives_each_submission_once(api):
    expected = [make_submission("Sim.", english=["Yes."], hours_ago=number + 1) for number in range(7)]
    expected.insert(0, make_submission("Já.", english=["Now."], is_urgent=True, hours_ago=30))
    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get(f"/api/submissions?limit=3&cursor={cursor}").json()
        seen += [row["reference"] for row in answer["submissions"]]
        cursor = answer["next_cursor"]
        assert (answer["total"], answer["total_is_exact"]) == (8, True)
    assert seen == expected


def test_a_submission_holds_the_original_exactly_and_its_english_by_sentence(api):
    text = " Não fechem!\nPrecisamos dela.\n"
    reference = make_submission(text, english=["Do not close it!", "We need it."])
    answer = api.get(f"/api/submissions/{reference.lower()}")
    assert answer.headers["etag"] == '"1"'
    [part] = answer.json()["parts"]
    assert part["original"] == text
    assert [(one["original"], one["translation"]["text"]) for one in part["segments"]] == [
        ("Não fechem!", "Do not close it!"),
        ("Precisamos dela.", "We need it."),
    ]
    assert part["segments"][0]["translation"]["status"] == "machine"
    assert part["segments"][0]["translation"]["model"] == "argos pt-en 1.9"


def test_a_program_that_reads_is_audited_and_is_not_the_first_reader(api):
    reference = make_submission("Olá.", english=["Hello."])
    api.get(f"/api/submissions/{reference}")
    assert find(reference).first_read_at is None
    with unit_of_work(read_only=True) as db:
        read = db.scalars(select(AuditEntry).where(AuditEntry.action == "submission.read")).all()
    assert [entry.actor for entry in read] == ["token:export"]


def test_a_patch_corrects_decides_themes_and_approves_all_at_once(api):
    reference = make_submission("Olá vizinhos.", english=["Goodbye."], themes={"safeguarding": 0.4})
    [segment] = segment_ids(reference)
    answer = api.patch(
        f"/api/submissions/{reference}",
        json={
            "version": 1,
            "corrections": [{"segment_id": str(segment), "text": "Hello neighbours.", "reason": "wrong"}],
            "themes": {"community_engagement": "accepted", "safeguarding": "refused"},
            "status": "approved",
        },
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == "approved"
    [sentence] = body["parts"][0]["segments"]
    assert (sentence["translation"]["text"], sentence["translation"]["status"]) == (
        "Hello neighbours.",
        "corrected",
    )
    assert [old["text"] for old in sentence["earlier_translations"]] == ["Goodbye."]
    assert {theme["key"]: theme["decision"] for theme in body["themes"]} == {
        "community_engagement": "accepted",
        "safeguarding": "refused",
    }
    assert answer.headers["etag"] == f'"{body["version"]}"'
    assert body["version"] > 1


def test_all_of_a_patch_happens_or_nothing(api):
    reference = make_submission("Ha xirina.", language="so", themes={"safeguarding": 0.4})
    patch = {"version": 1, "themes": {"safeguarding": "accepted"}, "status": "approved"}
    answer = api.patch(f"/api/submissions/{reference}", json=patch)
    assert answer.status_code == 422
    assert "no English yet" in answer.json()["detail"][0]
    body = api.get(f"/api/submissions/{reference}").json()
    assert (body["version"], body["status"], body["themes"][0]["decision"]) == (1, "received", None)


def test_an_outdated_version_is_a_409_with_the_current_one(api):
    reference = make_submission("Olá.", english=["Hello."])
    url = f"/api/submissions/{reference}"
    first = api.patch(url, json={"status": "in_review"}, headers={"If-Match": '"1"'})
    assert first.status_code == 200
    second = api.patch(url, json={"themes": {"other": "accepted"}}, headers={"If-Match": '"1"'})
    assert second.status_code == 409
    assert second.json()["current_version"] == first.json()["version"]
    third = api.patch(
        url, json={"themes": {"other": "accepted"}}, headers={"If-Match": first.headers["etag"]}
    )
    assert third.status_code == 200


def test_what_the_resident_added_meanwhile_is_a_conflict_too(api):
    reference = make_submission("Olá.", english=["Hello."])
    conversation_id = find(reference).conversation_id
    added = make_message(conversation_id, "E mais uma coisa.")
    with unit_of_work() as db:
        db.get_one(Conversation, conversation_id).consented_at = utc_now()
        intake.add_to(db, conversation_id, reference, [added])
    answer = api.patch(f"/api/submissions/{reference}", json={"version": 1, "status": "approved"})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("patch", "headers", "status"),
    [
        ({"status": "in_review"}, {}, 428),
        ({"status": "in_review"}, {"If-Match": "one"}, 422),
        ({"version": 1, "status": "withdrawn"}, {}, 422),
        ({"version": 1, "themes": {"no_such_theme": "accepted"}}, {}, 422),
        ({"version": 1, "source_language": "tlh"}, {}, 422),
        ({"version": 1, "colour": "red"}, {}, 422),
        ({"version": 99999999999, "status": "in_review"}, {}, 422),
        ({"version": -1, "status": "in_review"}, {}, 422),
    ],
)
def test_a_patch_that_cannot_be_is_refused(api, patch, headers, status):
    reference = make_submission("Olá.", english=["Hello."])
    answer = api.patch(f"/api/submissions/{reference}", json=patch, headers=headers)
    assert answer.status_code == status, answer.text
    assert find(reference).version == 1


def test_a_sentence_of_another_view_cannot_be_corrected(api):
    mine = make_submission("Olá.", english=["Hello."])
    [foreign] = segment_ids(make_submission("Adeus.", english=["Goodbye."]))
    correction = {"segment_id": str(foreign), "text": "x", "reason": "y"}
    answer = api.patch(f"/api/submissions/{mine}", json={"version": 1, "corrections": [correction]})
    assert answer.status_code == 422


def test_unknown_references_are_404(api):
    for reference in ("OW-0000-0000", "nonsense", "%00"):
        assert api.get(f"/api/submissions/{reference}").status_code == 404
        assert api.patch(f"/api/submissions/{reference}", json={"version": 1}).status_code == 404


def test_a_token_that_is_wrong_or_has_ended_opens_nothing(api):
    assert api.get("/api/submissions", headers={"Authorization": "Bearer owt_wrong"}).status_code == 401
    assert api.get("/api/submissions", headers={"Authorization": "Basic YTpi"}).status_code == 401
    assert api.get("/api/submissions").status_code == 200
    with unit_of_work() as db:
        db.execute(update(ApiToken).values(expires_at=utc_now()))
    refused = api.get("/api/submissions")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"


def test_the_description_names_paths_models_and_the_kind_of_token(api):
    description = api.get("/openapi.json").json()
    assert set(description["paths"]) == {"/api/submissions", "/api/submissions/{reference}"}
    parameters = {one["name"] for one in description["paths"]["/api/submissions"]["get"]["parameters"]}
    assert {
        "theme",
        "language",
        "channel",
        "method",
        "status",
        "urgent",
        "from",
        "to",
        "q",
        "forum",
        "assigned",
        "cursor",
    } <= parameters
    assert "409" in description["paths"]["/api/submissions/{reference}"]["patch"]["responses"]
    assert description["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


def test_the_list_is_narrowed_by_forum_and_by_who_has_it(api):
    first, second, third = (make_submission("Sim.", english=["Yes."], hours_ago=n + 1) for n in range(3))
    forum_id, ana = make_forum(), make_reviewer()
    with unit_of_work() as db:
        db.get_one(Submission, find(first).id).forum_id = forum_id
        db.add(Assignment(submission_id=find(second).id, reviewer_id=ana.id))
    assert listed(api, f"forum={forum_id}") == [first]
    assert listed(api, f"assigned={ana.id}") == [second]
    assert listed(api, "assigned=nobody") == [first, third]
    assert listed(api, f"forum={forum_id}&assigned=nobody") == [first]
    assert listed(api, f"forum={forum_id}&assigned={ana.id}") == []
    assert listed(api, f"forum={ana.id}") == []
    rows = {row["reference"]: row for row in api.get("/api/submissions").json()["submissions"]}
    assert rows[first]["forum_id"] == str(forum_id)
    assert rows[second]["assigned_to_id"] == str(ana.id)
    assert (rows[third]["forum_id"], rows[third]["assigned_to_id"]) == (None, None)
    one = api.get(f"/api/submissions/{second}").json()
    assert (one["forum_id"], one["assigned_to_id"]) == (None, str(ana.id))
    for query in ("forum=x", "assigned=me", "assigned="):
        assert api.get(f"/api/submissions?{query}").status_code == 422


ENGAGEMENT, SAFEGUARDING = "community_engagement", "safeguarding"


@pytest.fixture
def coded(database) -> str:
    """A view with one theme accepted and one refused."""
    reference = make_submission("Olá. Adeus.", english=["Hello.", "Goodbye."])
    patch = {"version": 1, "themes": {ENGAGEMENT: "accepted", SAFEGUARDING: "refused"}}
    assert client_with().patch(f"/api/submissions/{reference}", json=patch).status_code == 200
    return reference


def theme_of(body: dict, key: str) -> dict:
    return next(theme for theme in body["themes"] if theme["key"] == key)


def test_sub_codes_and_evidence_are_read_and_set_and_taken_away(coded):
    api, url = client_with(), f"/api/submissions/{coded}"
    first, second = map(str, segment_ids(coded))
    version = api.get(url).json()["version"]
    marks = {
        "sub_codes": {ENGAGEMENT: ["meeting_places"]},
        "evidence": {first: [ENGAGEMENT], second: [ENGAGEMENT]},
    }
    body = api.patch(url, json={"version": version, **marks}).json()
    assert theme_of(body, ENGAGEMENT)["sub_codes"] == ["meeting_places"]
    assert theme_of(body, SAFEGUARDING)["sub_codes"] == []
    assert [one["evidence_for"] for one in body["parts"][0]["segments"]] == [[ENGAGEMENT], [ENGAGEMENT]]
    page = {"version": body["version"], "sub_codes": {ENGAGEMENT: []}, "evidence": {first: []}}
    body = api.patch(url, json=page).json()
    assert theme_of(body, ENGAGEMENT)["sub_codes"] == []
    assert [one["evidence_for"] for one in body["parts"][0]["segments"]] == [[], [ENGAGEMENT]]
    assert api.get(url).json()["version"] == body["version"] > version
    with unit_of_work(read_only=True) as db:
        actions = db.scalars(select(AuditEntry.action).where(AuditEntry.actor == "token:export")).all()
    assert {"sub_codes.set", "evidence.marked", "evidence.unmarked"} <= set(actions)


def test_what_a_machine_proposes_and_what_people_marked_stay_apart(coded):
    reference = make_submission("Olá.", english=["Hello."], themes={ENGAGEMENT: 0.9})
    answer = client_with().patch(
        f"/api/submissions/{reference}", json={"version": 1, "sub_codes": {ENGAGEMENT: ["meeting_places"]}}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"] == ["Accept the theme first: sub-codes and evidence belong to it."]
    both = {
        "version": 1,
        "themes": {ENGAGEMENT: "accepted"},
        "sub_codes": {ENGAGEMENT: ["meeting_places"]},
        "evidence": {str(segment_ids(reference)[0]): [ENGAGEMENT]},
    }
    body = client_with().patch(f"/api/submissions/{reference}", json=both).json()
    assert theme_of(body, ENGAGEMENT) == {
        "key": ENGAGEMENT,
        "confidence": 0.9,
        "decision": "accepted",
        "sub_codes": ["meeting_places"],
    }


def test_sub_codes_and_evidence_that_cannot_be_are_refused_and_change_nothing(coded):
    api, url = client_with(), f"/api/submissions/{coded}"
    version = api.get(url).json()["version"]
    mine = str(segment_ids(coded)[0])
    foreign = str(segment_ids(make_submission("Fim.", english=["End."]))[0])
    refused = [
        ({"sub_codes": {ENGAGEMENT: ["no_such_code"]}}, "from the list"),
        ({"sub_codes": {SAFEGUARDING: ["street_safety"]}}, "Accept the theme first"),
        ({"evidence": {mine: [SAFEGUARDING]}}, "Accept the theme first"),
        ({"evidence": {foreign: [ENGAGEMENT]}}, "not part of this view"),
    ]
    good = {"sub_codes": {ENGAGEMENT: ["meeting_places"]}}
    for patch, words in refused:
        answer = api.patch(url, json={"version": version, **good, **patch})
        assert answer.status_code == 422
        assert words in answer.json()["detail"][0]
    for patch in ({"evidence": {"x": [ENGAGEMENT]}}, {"sub_codes": {ENGAGEMENT: "meeting_places"}}):
        assert api.patch(url, json={"version": version, **patch}).status_code == 422
    body = api.get(url).json()
    assert body["version"] == version
    assert theme_of(body, ENGAGEMENT)["sub_codes"] == []
    outdated = api.patch(url, json={"version": version - 1, **good})
    assert (outdated.status_code, outdated.json()["current_version"]) == (409, version)


def test_an_approved_view_may_be_coded_by_itself_and_its_themes_not_on_the_way(coded):
    api, url = client_with(), f"/api/submissions/{coded}"
    version = api.get(url).json()["version"]
    version = api.patch(url, json={"version": version, "status": "approved"}).json()["version"]
    codes = {"sub_codes": {ENGAGEMENT: ["meeting_places"]}}
    themes = {"themes": {SAFEGUARDING: "accepted"}}
    answer = api.patch(url, json={"version": version, **codes, **themes})
    assert answer.status_code == 422
    assert "It is approved" in answer.json()["detail"][0]
    answer = api.patch(url, json={"version": version, **codes})
    assert (answer.status_code, answer.json()["status"]) == (200, "approved")


@pytest.mark.parametrize("role", list(Role))
def test_who_may_read_and_who_may_set_sub_codes(coded, role):
    with unit_of_work(read_only=True) as db:
        version = db.get_one(Submission, find(coded).id).version
    token = accounts.create_api_token("role", role, 1, languages=["pt"])
    api = TestClient(make_app(), headers={"Authorization": f"Bearer {token}"})
    url = f"/api/submissions/{coded}"
    codes = {"version": version, "sub_codes": {ENGAGEMENT: ["meeting_places"]}}
    reads = role != Role.COMMISSION_MEMBER
    sets = role in (Role.REVIEWER, Role.SAFEGUARDING_LEAD, Role.MANAGER, Role.ADMIN)
    assert api.patch(url, json=codes).status_code == (200 if sets else 403)
    answer = api.get(url)
    assert answer.status_code == (200 if reads else 403)
    if reads:
        expected = ["meeting_places"] if sets else []
        assert theme_of(answer.json(), ENGAGEMENT)["sub_codes"] == expected
