"""Pages beyond reading and deciding, in a real browser: axe, a telephone's width, and right to left.

One browser and one desk with Arabic on every page; each page is opened once and looked at in both widths.
"""

import pytest
from playwright.sync_api import Page

from submissions import codeframes, outcomes, reply_jobs, stakeholders
from submissions.addresses import configure_keys
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.media import MediaStore
from submissions.models import (
    ExportJob,
    ExportState,
    Reply,
    ReplyState,
    Reviewer,
    Role,
    Transcript,
    TranscriptState,
    utc_now,
)
from submissions.review import accounts, coding_rounds, redacting
from submissions.review.coding_rounds import NewRound
from submissions.review.sessions import Principal
from submissions.settings import StoreSettings
from submissions.stakeholders import Facts
from tests.factories import make_conversation, make_message
from tests.submissions.desk_site import find, make_reviewer, make_sample, make_submission
from tests.submissions.forums import make_forum
from tests.submissions.test_desk_in_a_browser import (  # noqa: F401  fixtures of the desk
    address,
    is_wider_than_the_screen,
    page,
    serious_violations,
    sign_in,
)
from tests.submissions.test_desk_recordings import make_media
from tests.submissions.test_evidence_sessions import add_session, enter
from tests.submissions.test_offer_replies import make_offer

pytestmark = pytest.mark.slow
ARABIC = "أتحدث باسم الجيران في شارع إدجوير، ونريد أن تبقى المكتبة مفتوحة في المساء."
OGG = b"OggS" + bytes(100)


@pytest.fixture
def ana(address, tmp_path, monkeypatch) -> Reviewer:  # noqa: F811
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    configure_keys(StoreSettings(data=tmp_path))
    with unit_of_work(read_only=True) as db:
        return db.query(Reviewer).filter(Reviewer.username == "ana").one()


def look_at(page: Page, paths: list[str]) -> None:  # noqa: F811
    """Every page clean by axe, and no wider than a telephone, with everything that folds unfolded."""
    found = []
    for path in paths:
        page.set_viewport_size({"width": 1280, "height": 900})
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        found += serious_violations(page)
        page.set_viewport_size({"width": 320, "height": 900})
        assert not is_wider_than_the_screen(page), path
    assert found == []


def direction_of(page: Page, words: str) -> str:  # noqa: F811
    """In which direction the page writes these words."""
    here = page.locator(f"main :text('{words}')").last
    return str(here.evaluate("(one) => getComputedStyle(one).direction"))


def make_recordings(store: MediaStore) -> None:
    """One heard in Arabic, one in a view with redacted words, a picture, one that could not be fetched."""
    heard = make_media(
        store, OGG, make_message(make_conversation(language="ar"), ""), detected_type="audio/ogg"
    )
    redacted = make_submission(ARABIC, english=["I speak for the neighbours."], language="ar")
    conversation_id = find(redacted).conversation_id
    covered = make_media(store, OGG, make_message(conversation_id, ""), detected_type="audio/ogg")
    make_media(store, b"\x89PNG\r\n\x1a\n" + bytes(40), make_message(make_conversation(), ""))
    make_media(
        store, OGG, make_message(make_conversation(), ""), state="failed", last_error="404", stored_name=None
    )
    with unit_of_work() as db:
        for media_id in (heard, covered):
            db.add(
                Transcript(
                    media_file_id=media_id,
                    state=TranscriptState.NOT_RIGHT,
                    text=ARABIC,
                    language="ar",
                    doubt="unclear",
                    attempts=1,
                )
            )
    person = Principal("reviewer:ana", "Ana", Role.ADMIN, None)
    with unit_of_work(read_only=True) as db:
        line = redacting.lines_of(redacting.find_submission(db, person, redacted), redacting.Redactions())[0]
    mark = redacting.Mark(line.key, "إدجوير", "", True, "other", "where they live")
    redacting.redact(person, redacted, mark)


def test_recordings_offers_and_answers_are_clean_and_run_right_to_left(ana, page, tmp_path):  # noqa: F811
    make_recordings(MediaStore(tmp_path))
    offer = make_offer(ARABIC, channel="web_chat", language="ar")
    with unit_of_work() as db:
        for state, text in ((ReplyState.TO_CHECK, ARABIC), (ReplyState.NEEDS_PERSON, None)):
            db.add(
                Reply(
                    offer_id=offer,
                    english="Thank you.",
                    language="ar",
                    text=text,
                    back_translation="Thanks." if text else None,
                    state=state,
                    flags=["repeats"] if text else [],
                )
            )
        stakeholders.add(db, Facts(name="مركز المهدي", interest=5, influence=5), actor="reviewer:ana")
    assert reply_jobs.translate_replies_to_offers() == 0
    sign_in(page)
    look_at(
        page,
        [
            "/desk/recordings",
            "/desk/stakeholders",
            "/desk/stakeholders/new",
            f"/desk/stakeholders/new?offer={offer}",
            f"/desk/stakeholders/offers/{offer}/reply",
        ],
    )
    assert direction_of(page, "أتحدث باسم") == "rtl"
    page.goto("/desk/stakeholders")
    assert direction_of(page, "أتحدث باسم") == "rtl"
    page.goto("/desk/recordings")
    assert direction_of(page, "أتحدث باسم") == "rtl"
    assert page.locator("audio").count() == 2
    assert "[redacted]" in page.inner_text("main")
    # Told why nothing was sent, and the words are still there.
    page.goto(f"/desk/stakeholders/offers/{offer}/reply")
    page.evaluate("document.querySelector('#english').removeAttribute('maxlength')")
    page.fill("#english", "x" * 2001)
    with page.expect_navigation():
        page.locator("#english").press("Tab")
        page.keyboard.press("Enter")
    assert page.locator(".govuk-error-summary").is_visible()
    assert page.input_value("#english") == "x" * 2001
    assert serious_violations(page) == []
    assert not is_wider_than_the_screen(page)


def test_exports_audit_accounts_and_the_rest_are_clean_on_a_telephone(ana, page):  # noqa: F811
    make_sample()
    session_id = add_session()
    enter(session_id)
    forum_id = make_forum()
    with unit_of_work() as db:
        exports = [
            ExportJob(kind="csv", state=state, requested_by="reviewer:ana", requested_at=utc_now())
            for state in (ExportState.READY, ExportState.QUEUED, ExportState.FAILED)
        ]
        db.add_all(exports)
        db.flush()
        export_ids = [one.id for one in exports]
    outcome_id = outcomes.save("reviewer:ana", "other", "The library closes early.", "It stays open.")
    outcomes.set_text("reviewer:ana", outcome_id, "ar", "المكتبة تغلق مبكرا.", "تبقى مفتوحة.")
    other = make_reviewer("tia", Role.TRANSLATOR, "تيا حسن")
    accounts.create_api_token("الأرشيف", Role.VIEWER, 30)
    sign_in(page)
    look_at(
        page,
        [
            "/desk/exports",
            *(f"/desk/exports/{one}?still=1" for one in export_ids),
            "/desk/audit",
            f"/desk/audit?from={utc_now().date()}&reference=nothing",
            "/desk/accounts",
            f"/desk/accounts/{other.id}",
            "/desk/accounts/new",
            "/desk/api-tokens",
            "/desk/account",
            "/desk/outcomes",
            "/desk/outcomes/other",
            "/desk/evidence-sessions",
            f"/desk/evidence-sessions/{session_id}/edit",
            "/desk/forums",
            f"/desk/forums/{forum_id}",
            "/desk/overview",
        ],
    )
    page.goto("/desk/outcomes/other")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert direction_of(page, "المكتبة تغلق مبكرا.") == "rtl"


def test_a_view_that_is_coded_blind_says_so_and_leads_back(ana, page):  # noqa: F811
    make_sample()
    ben = make_reviewer("ben", Role.REVIEWER, "Ben")
    boss = Principal("reviewer:ana", "Ana", Role.ADMIN, ana.id)
    themes = codeframes.themes_of(get_commission())
    with unit_of_work() as db:
        codeframes.sign_off(
            db, sha256=codeframes.hash_of(themes), reason="", actor="reviewer:ana", reviewer_id=ana.id
        )
    with unit_of_work() as db:
        made = coding_rounds.start(db, boss, NewRound("الجولة الأولى", 4, 7, str(ana.id), str(ben.id)))
        round_id = made.id
    with unit_of_work(read_only=True) as db:
        reference = coding_rounds.load(db, round_id).items[0].reference
    sign_in(page)
    look_at(page, [f"/desk/submissions/{reference}", f"/desk/codeframe/rounds/{round_id}/code"])
    page.goto(f"/desk/submissions/{reference}")
    assert page.locator("#themes input").count() == 0
    with page.expect_navigation():
        page.get_by_role("link", name="Go on coding").press("Enter")
    assert "View 1 of 4" in page.inner_text("h1")
    with unit_of_work(read_only=True) as db:
        assert coding_rounds.load(db, round_id).done == (0, 0)
