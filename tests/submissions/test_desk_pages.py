"""The desk's pages, through HTTP, on both databases: what they show and what they let a reviewer do."""

import itertools
import re

import pytest
from sqlalchemy import select

from submissions.database import unit_of_work
from submissions.models import (
    AuditEntry,
    Job,
    JobStatus,
    SegmentTranslation,
    SubmissionStatus,
    ThemeAssignment,
    TranslationStatus,
)
from submissions.review import queue
from tests.submissions.desk_site import (
    Desk,
    find,
    hidden,
    make_reviewer,
    make_sample,
    make_submission,
    segment_ids,
)

TWO_SENTENCES = "Não fechem a biblioteca! Precisamos dela."
IN_ENGLISH = ["Do not close the library!", "We need her."]


@pytest.fixture
def desk(database) -> Desk:
    make_reviewer()
    return Desk().signed_in()


def page_of(reference: str) -> str:
    return f"/desk/submissions/{reference}"


def translations(reference: str) -> list[SegmentTranslation]:
    with unit_of_work(read_only=True) as db:
        rows = select(SegmentTranslation).where(SegmentTranslation.segment_id.in_(segment_ids(reference)))
        return list(db.scalars(rows.order_by(SegmentTranslation.created_at)))


def audited(reference: str) -> list[str]:
    with unit_of_work(read_only=True) as db:
        entries = select(AuditEntry.action).where(AuditEntry.subject_id == str(find(reference).id))
        return list(db.scalars(entries.order_by(AuditEntry.occurred_at)))


def test_an_empty_list_says_so(desk):
    assert "Nothing to do here" in desk.get("/desk").text
    assert "Nothing matches these filters" in desk.get("/desk?language=pt").text


def test_every_submission_is_listed_and_can_be_read(desk):
    references = make_sample()
    listed = desk.get("/desk?status=all").text
    for reference in references:
        assert reference in listed
        assert desk.get(page_of(reference)).status_code == 200


def test_a_row_shows_the_original_in_its_language_and_direction_beside_the_english(desk):
    make_submission("لا تغلقوا المكتبة", language="ar", english=["Do not close the library"])
    html = desk.get("/desk").text
    assert '<span lang="ar" dir="rtl" class="desk-words">لا تغلقوا المكتبة</span>' in html
    assert '<bdi class="desk-words">Do not close the library</bdi>' in html
    assert "Machine translation" in html


def test_what_looks_like_a_script_is_shown_as_text_everywhere(desk):
    evil = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
    reference = make_submission(f"{evil} Fim.", english=[evil, "End."], language="pt")
    [first, *_] = segment_ids(reference)
    desk.post(f"{page_of(reference)}/sentences/{first}", page_of(reference), text=evil, reason=evil)
    pages = [desk.get("/desk?q=" + "%3Cscript%3E").text, desk.get(page_of(reference)).text]
    conflict = desk.post(f"{page_of(reference)}/sentences/{first}", page_of(reference), version=1, text=evil)
    assert conflict.status_code == 409
    for html in [*pages, conflict.text]:
        assert "&lt;script&gt;" in html
        assert "<script>" not in html
        assert "<img" not in html


def test_no_page_has_a_script_or_style_of_its_own_or_loads_from_elsewhere(desk):
    reference = make_sample()[0]
    paths = ["/desk", "/desk/problems", "/desk/password", page_of(reference), page_of("OW-0000-0000")]
    for path in paths:
        response = desk.get(path)
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"
        assert re.findall(r"<script(?![^>]*\ssrc=)", response.text) == []
        assert re.findall(r"\s(?:style|on\w+)=", response.text) == []
        assert re.findall(r'(?:src|href|action)="(?!/desk|#)[^"]*"', response.text) == []


def test_static_files_are_ours_and_name_no_other_host(desk):
    html = desk.get("/desk").text
    for address in re.findall(r'(?:src|href)="(/desk/static/[^"]+)"', html):
        response = desk.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert "url(http" not in desk.get("/desk/static/govuk-frontend.min.css").text
    assert "GDS Transport" not in desk.get("/desk/static/govuk-frontend.min.css").text
    assert desk.get("/desk/static/VENDORED.md").status_code == 404
    assert desk.get("/desk/static/..%2Fpages.py").status_code == 404


def test_a_correction_keeps_the_old_translation_and_says_who_and_why(desk):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH)
    second = segment_ids(reference)[1]
    answer = desk.post(
        f"{page_of(reference)}/sentences/{second}",
        page_of(reference),
        text="We need it.",
        reason="wrong pronoun",
    )
    assert answer.status_code == 303
    kept = [row for row in translations(reference) if row.segment_id == second]
    assert [(row.text, row.status, row.is_current) for row in kept] == [
        ("We need her.", TranslationStatus.MACHINE, False),
        ("We need it.", TranslationStatus.CORRECTED, True),
    ]
    assert (kept[1].reason, kept[1].model) == ("wrong pronoun", None)
    html = desk.get(page_of(reference)).text
    assert "We need it." in html
    assert "We need her." in html
    assert "wrong pronoun" in html
    assert "Ana Reis" in html
    assert find(reference).status == SubmissionStatus.IN_REVIEW


@pytest.mark.parametrize("fields", [{"text": "", "reason": "typo"}, {"text": "We need it.", "reason": " "}])
def test_a_correction_without_text_or_reason_changes_nothing_and_keeps_what_was_typed(desk, fields):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH)
    [first, _] = segment_ids(reference)
    answer = desk.post(f"{page_of(reference)}/sentences/{first}", page_of(reference), **fields)
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert (fields["text"] or fields["reason"]) in answer.text
    assert find(reference).version == 1
    assert {row.status for row in translations(reference)} == {TranslationStatus.MACHINE}


def test_approving_approves_each_sentence_and_keeps_what_made_it(desk):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH)
    assert desk.post(f"{page_of(reference)}/status", page_of(reference), status="approved").status_code == 303
    assert find(reference).status == SubmissionStatus.APPROVED
    current = [row for row in translations(reference) if row.is_current]
    assert {(row.status, row.model) for row in current} == {(TranslationStatus.APPROVED, "argos pt-en 1.9")}
    assert "submission.approved" in audited(reference)


def test_what_has_no_english_cannot_be_approved_until_somebody_writes_it(desk):
    reference = make_submission("Ha xirina maktabadda.", language="so")
    refused = desk.post(f"{page_of(reference)}/status", page_of(reference), status="approved")
    assert refused.status_code == 422
    assert "1 sentence has no English yet" in refused.text
    [only] = segment_ids(reference)
    desk.post(
        f"{page_of(reference)}/sentences/{only}",
        page_of(reference),
        text="Keep the library.",
        reason="by hand",
    )
    assert desk.post(f"{page_of(reference)}/status", page_of(reference), status="approved").status_code == 303


def test_a_doubtful_sentence_must_be_confirmed_before_the_view_is_approved(desk):
    reference = make_submission(
        "Vivo aqui há 15 anos.",
        english=["I live here."],
        flags=["numbers_lost"],
        translation_status="needs_person",
    )
    assert "A number in the original is missing or different" in desk.get(page_of(reference)).text
    refused = desk.post(f"{page_of(reference)}/status", page_of(reference), status="approved")
    assert "Correct or confirm each" in refused.text
    [only] = segment_ids(reference)
    desk.post(f"{page_of(reference)}/sentences/{only}", page_of(reference), decision="confirm")
    assert desk.post(f"{page_of(reference)}/status", page_of(reference), status="approved").status_code == 303


def test_an_approved_view_is_opened_again_before_it_is_changed(desk):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH)
    desk.post(f"{page_of(reference)}/status", page_of(reference), status="approved")
    [first, _] = segment_ids(reference)
    refused = desk.post(
        f"{page_of(reference)}/sentences/{first}", page_of(reference), text="Close it!", reason="x"
    )
    assert "Open it again" in refused.text
    desk.post(f"{page_of(reference)}/status", page_of(reference), status="in_review")
    assert find(reference).status == SubmissionStatus.IN_REVIEW
    assert "submission.reopened" in audited(reference)


def test_a_withdrawn_view_cannot_be_changed(desk):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH, status=SubmissionStatus.WITHDRAWN)
    assert "must not be used" in desk.get(page_of(reference)).text
    refused = desk.post(f"{page_of(reference)}/status", page_of(reference), status="approved")
    assert refused.status_code == 422
    assert find(reference).status == SubmissionStatus.WITHDRAWN


def test_themes_are_accepted_refused_added_and_taken_back(desk):
    reference = make_submission(
        TWO_SENTENCES, english=IN_ENGLISH, themes={"safeguarding": 0.3, "community_engagement": 0.8}
    )
    choices = {
        "theme.community_engagement": "accepted",
        "theme.safeguarding": "refused",
        "theme.opportunity_empowerment": "accepted",
        "theme.other": "",
    }
    assert desk.post(f"{page_of(reference)}/themes", page_of(reference), **choices).status_code == 303
    desk.post(f"{page_of(reference)}/themes", page_of(reference), **{"theme.community_engagement": ""})
    with unit_of_work(read_only=True) as db:
        decided = db.execute(select(ThemeAssignment.theme_key, ThemeAssignment.decision)).all()
    assert {tuple(row) for row in decided} == {
        ("safeguarding", "refused"),
        ("opportunity_empowerment", "accepted"),
    }
    assert audited(reference).count("theme.accepted") == 2
    assert "theme.cleared" in audited(reference)
    assert reference in desk.get("/desk?theme=opportunity_empowerment").text
    assert reference not in desk.get("/desk?theme=safeguarding").text


def test_setting_the_language_asks_for_a_translation_and_drops_the_machines_wrong_one(desk):
    reference = make_submission("Olá vizinhos.", english=["Hello neighbours."], language=None)
    assert "We could not tell" in desk.get(page_of(reference)).text
    assert desk.post(f"{page_of(reference)}/language", page_of(reference), language="pt").status_code == 303
    assert (find(reference).source_language, find(reference).source_language_confidence) == ("pt", None)
    assert [row.is_current for row in translations(reference)] == [False]
    with unit_of_work(read_only=True) as db:
        [job] = db.scalars(select(Job).where(Job.submission_id == find(reference).id))
    assert job.status == JobStatus.QUEUED
    unknown = desk.post(f"{page_of(reference)}/language", page_of(reference), language="tlh")
    assert unknown.status_code == 422


def test_of_two_reviewers_the_second_is_told_and_loses_nothing(desk):
    make_reviewer("bo", name="Bo Lind")
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH)
    [first, second] = segment_ids(reference)
    bo = Desk().signed_in("bo")
    stale = desk.get(page_of(reference)).text
    bo.post(
        f"{page_of(reference)}/sentences/{second}", page_of(reference), text="We need it.", reason="pronoun"
    )
    mine = {"text": "Don’t close it!", "reason": "shorter"}
    fields = {name: hidden(stale, name) for name in ("csrf_token", "version")}
    conflict = desk.client.post(f"{page_of(reference)}/sentences/{first}", data=fields | mine)
    assert conflict.status_code == 409
    assert "Don’t close it!" in conflict.text
    assert "shorter" in conflict.text
    assert "bo</bdi> corrected the English of a sentence" in conflict.text
    assert [row.text for row in translations(reference) if row.is_current] == [IN_ENGLISH[0], "We need it."]
    # Sent again from the page that told of it, it is saved, and the other's correction stays.
    again = {name: hidden(conflict.text, name) for name in ("csrf_token", "version")}
    desk.client.post(f"{page_of(reference)}/sentences/{first}", data=again | mine)
    current = {row.segment_id: row.text for row in translations(reference) if row.is_current}
    assert current == {first: "Don’t close it!", second: "We need it."}


def test_nobody_approves_english_that_arrived_after_they_read(desk):
    reference = make_submission("Olá vizinhos.", english=["Hello neighbours."])
    read = desk.get(page_of(reference)).text
    with unit_of_work() as db:  # as the translation job does, which leaves the version alone
        [old] = db.scalars(select(SegmentTranslation))
        old.is_current = False
        db.flush()
        db.add(
            SegmentTranslation(
                segment_id=old.segment_id, text="Goodbye.", status="machine", source_language="pt", flags=[]
            )
        )
    fields = {name: hidden(read, name) for name in ("csrf_token", "version", "fingerprint")}
    answer = desk.client.post(f"{page_of(reference)}/status", data=fields | {"status": "approved"})
    assert answer.status_code == 409
    assert find(reference).status == SubmissionStatus.RECEIVED
    # The page that tells of it has no fingerprint, so it cannot be approved without being read again.
    assert "Save mine all the same" not in answer.text


def test_a_form_without_a_version_changes_nothing(desk):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH)
    token = hidden(desk.get(page_of(reference)).text, "csrf_token")
    answer = desk.client.post(
        f"{page_of(reference)}/status", data={"csrf_token": token, "status": "approved"}
    )
    assert answer.status_code == 409
    assert find(reference).status == SubmissionStatus.RECEIVED


def test_the_first_reading_is_kept_and_each_reading_is_audited(desk):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH)
    assert find(reference).first_read_at is None
    assert "Unread" in desk.get("/desk").text
    desk.get(page_of(reference))
    first = find(reference).first_read_at
    desk.get(page_of(reference))
    assert first is not None
    assert find(reference).first_read_at == first
    assert audited(reference).count("submission.read") == 2
    assert find(reference).version == 1


def test_next_and_previous_go_through_the_list_as_it_is_filtered(desk):
    urgent = make_submission("Socorro.", english=["Help."], is_urgent=True, hours_ago=1)
    waits_longer = make_submission("Ajuda.", english=["Help."], is_urgent=True, hours_ago=5)
    newest = make_submission("Um.", english=["One."], hours_ago=2)
    make_submission("Deux.", english=["Two."], language="fr", hours_ago=3)
    oldest = make_submission("Três.", english=["Three."], hours_ago=4)
    order = [waits_longer, urgent, newest, oldest]
    listed = re.findall(r'href="/desk/submissions/(OW-[^"?]+)\?', desk.get("/desk?language=pt").text)
    assert listed == order
    for here, after in itertools.pairwise(order):
        html = desk.get(f"{page_of(here)}?language=pt").text
        assert f'href="{page_of(after)}?language=pt" rel="next" accesskey="n"' in html
        assert (
            f'href="{page_of(here)}?language=pt" rel="prev"' in desk.get(f"{page_of(after)}?language=pt").text
        )
    # An urgent one that is approved leads on to the urgent one after it.
    desk.post(f"{page_of(waits_longer)}/status", page_of(waits_longer), status="approved")
    assert f'href="{page_of(urgent)}" rel="next"' in desk.get(page_of(waits_longer)).text


def test_paging_shows_each_submission_once_forwards_and_backwards(desk, monkeypatch):
    monkeypatch.setattr(queue.find_page, "__kwdefaults__", {"after": None, "before": None, "limit": 3})
    expected = [make_submission("Sim.", english=["Yes."], hours_ago=number) for number in range(1, 9)]
    expected.insert(0, make_submission("Já.", english=["Now."], is_urgent=True, hours_ago=20))
    path, seen, pages = "/desk", [], []
    while path:
        html = desk.get(path).text.replace("&amp;", "&")
        pages.append(re.findall(r'href="/desk/submissions/(OW-[^"?]+)"', html))
        seen += pages[-1]
        following = re.search(r'href="(/desk\?after=[^"]+)"', html)
        path = following[1] if following else ""
    assert seen == expected
    before = re.search(r'href="(/desk\?before=[^"]+)"', html)
    html = desk.get(before[1]).text
    assert re.findall(r'href="/desk/submissions/(OW-[^"?]+)"', html) == pages[-2]


FILTERS = {
    "q=biblioteca": True,
    "q=BIBLIOTECA": True,
    "q=library": True,
    "q=100%25": False,
    "q=_": False,
    "language=pt": True,
    "language=und": False,
    "channel=sms": True,
    "channel=whatsapp": False,
    "theme=community_engagement": True,
    "theme=safeguarding": False,
    "method=online": True,
    "urgent=yes": False,
    "waiting=yes": False,
    "status=received": True,
    "status=approved": False,
    "status=all": True,
    "from=2100-01-01": False,
    "to=2100-01-01": True,
    "to=2001-01-01": False,
}


def test_each_filter_keeps_what_fits_and_drops_what_does_not(desk):
    reference = make_submission(
        TWO_SENTENCES, english=IN_ENGLISH, themes={"community_engagement": 0.9}, channel="sms"
    )
    found = {query: reference in desk.get(f"/desk?{query}").text for query in FILTERS}
    assert found == FILTERS


def test_a_search_finds_a_reference_however_it_is_typed_and_words_of_any_script(desk):
    reference = make_submission("Łódź jest głośna. Жили-были.", english=["Loud.", "Once."], language="pl")
    for words in (reference.lower(), reference.replace("-", " "), "łódź", "жили", "ŁÓDŹ"):
        assert reference in desk.get("/desk?status=all&q=" + words).text, words


def test_a_filter_that_cannot_be_is_named_and_left_out(desk):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH)
    html = desk.get("/desk?from=yesterday&language=klingon&q=%00").text
    assert "must be a date" in html
    assert "Choose a language from the list" in html
    assert reference in desk.get("/desk?from=yesterday").text


def test_an_unknown_reference_and_a_broken_cursor_are_pages_too(desk):
    assert desk.get(page_of("OW-0000-0000")).status_code == 404
    assert desk.get(page_of("%00")).status_code == 404
    assert desk.get("/desk?after=nonsense").status_code == 400


def test_drafts_are_nowhere(desk):
    reference = make_submission(TWO_SENTENCES, english=IN_ENGLISH, status=SubmissionStatus.DRAFT)
    assert reference not in desk.get("/desk?status=all").text
    assert desk.get(page_of(reference)).status_code == 404


def test_what_is_stuck_is_shown_and_the_conversation_tells_what_was_part_of_the_view(desk):
    references = make_sample()
    html = desk.get("/desk").text
    assert "1 failed job" in html
    assert re.search(r"1 in Somali</a> waits for a translation, the oldest for 3 days", html)
    assert "model.bin is damaged" in desk.get("/desk/problems").text
    shown = desk.get(page_of(references[0])).text
    assert shown.count("Part of the view") == 2
    assert "Reports danger" in shown
    assert "إذا كنت في خطر الآن، اتصل بالرقم 999." in shown
    assert "Police, not urgent: 101" in shown
