"""Briefings and the report: whom they quote, that every figure can be counted again, what they hide."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import re
import time
import uuid
import zlib
from collections import Counter

import docx
import pytest
from docx.oxml.ns import qn
from sqlalchemy import select
from sqlalchemy.orm import Session

from submissions import intake
from submissions.briefings import make_briefing
from submissions.commission import get_commission
from submissions.database import unit_of_work
from submissions.errors import PdfNotAvailable
from submissions.exports import downloads, pdf
from submissions.exports.reports import briefing_document, report_document
from submissions.models import (
    AuditEntry,
    EvidenceContribution,
    EvidenceSession,
    Reviewer,
    Role,
    SubCode,
    Submission,
    SubmissionStatus,
    ThemeAssignment,
    TranslationStatus,
    ViewIndex,
)
from submissions.references import find_references
from tests.factories import VIEW_AR, VIEW_BN, VIEW_EN, make_conversation
from tests.submissions.desk_site import Desk, find, hidden, make_reviewer, make_submission

THEME = "community_engagement"


def accept(reference: str, theme: str = THEME, decision: str = "accepted") -> None:
    with unit_of_work() as db:
        db.add(
            ThemeAssignment(
                submission_id=find(reference).id,
                theme_key=theme,
                decision=decision,
                codeframe_version="2016-1",
            )
        )


def put_in_group(db: Session, submission_id: uuid.UUID, group: uuid.UUID) -> None:
    row = db.scalars(select(ViewIndex).where(ViewIndex.submission_id == submission_id)).one_or_none()
    if row is None:
        db.add(row := ViewIndex(submission_id=submission_id))
    row.group_id = group


@pytest.fixture
def quoted(database: str) -> dict[str, str]:
    return make_quoted()


@pytest.fixture
def quoted_on_sqlite(sqlite_database: str) -> dict[str, str]:
    return make_quoted()


def make_quoted() -> dict[str, str]:
    approved = {"status": SubmissionStatus.APPROVED}
    made = {
        "ar": make_submission(VIEW_AR, language="ar", english=["Do not close the library."], **approved),
        "bn": make_submission(
            VIEW_BN,
            language="bn",
            english=["Don't close it."],
            translation_status=TranslationStatus.APPROVED,
            **approved,
        ),
        **{f"en{n}": make_submission(f"{VIEW_EN} {n}", language="en", **approved) for n in range(5)},
        "not_approved": make_submission("Nie.", language="pl", english=["No."]),
        "refused": make_submission("Sim.", language="pt", english=["Yes."], themes={THEME: 0.9}, **approved),
        "suggested": make_submission("Oui.", language="fr", english=["Yes."], themes={THEME: 0.9}),
        "withdrawn": make_submission(
            "Sì.", language="it", english=["Yes."], status=SubmissionStatus.WITHDRAWN
        ),
    }
    for name, reference in made.items():
        if name not in ("refused", "suggested"):
            accept(reference)
    accept(made["refused"], decision="refused")
    with unit_of_work() as db:
        group = find(made["en0"]).id
        for name in ("en0", "en1"):
            put_in_group(db, find(made[name]).id, group)
        db.add(
            SubCode(
                submission_id=find(made["ar"]).id,
                theme_key=THEME,
                code="libraries",
                codeframe_version="2016-1",
            )
        )
    return made


QUOTED = ("ar", "bn", "en0", "en1", "en2", "en3", "en4")


def briefing():
    with unit_of_work(read_only=True) as db:
        return make_briefing(db, THEME)


def document(theme: str | None = THEME) -> bytes:
    with unit_of_work(read_only=True) as db:
        return briefing_document(db, theme) if theme else report_document(db)


def words_of(content: bytes) -> str:
    opened = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in opened.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in opened.paragraphs] + cells)


def test_a_briefing_quotes_what_people_approved_for_the_theme_and_nothing_else(quoted):
    found = briefing()
    assert {quote.reference for quote in found.quotes} == {quoted[name] for name in QUOTED}
    assert found.awaiting_decision == 2  # accepted but not approved yet, and only suggested
    arabic = next(quote for quote in found.quotes if quote.language == "ar")
    assert (arabic.original, arabic.english, arabic.label) == (
        VIEW_AR,
        "Do not close the library.",
        "Machine translation, not checked",
    )


def test_every_figure_of_the_briefing_can_be_counted_again_from_the_rows(quoted):
    found = briefing()
    with unit_of_work(read_only=True) as db:
        rows = db.scalars(
            select(Submission)
            .join(ThemeAssignment, ThemeAssignment.submission_id == Submission.id)
            .where(
                Submission.status == "approved",
                ThemeAssignment.theme_key == THEME,
                ThemeAssignment.decision == "accepted",
            )
        ).all()
    assert found.total == len(rows) == 7
    # Two hidden numbers whose sum is two tell themselves, so the third is left out as well.
    assert found.by_language == {
        "English": "not shown",
        "Arabic": "fewer than 5",
        "Bengali": "fewer than 5",
    }
    assert found.by_channel == {"Web chat": str(len(rows))}
    assert [(one.what, one.views, one.references) for one in found.sub_codes] == [
        ("libraries", "1", [quoted["ar"]])
    ]
    (group,) = found.alike
    assert (group.views, set(group.references)) == ("2", {quoted["en0"], quoted["en1"]})
    assert "Portuguese" in found.silent_languages
    assert "Arabic" not in found.silent_languages


def test_each_quote_of_the_documents_leads_to_its_view_and_says_what_its_english_is_worth(quoted):
    for content in (document(), document(None)):
        text = words_of(content)
        assert set(find_references(text)) == {quoted[name] for name in QUOTED}
        assert VIEW_AR in text
        assert VIEW_BN in text
        assert re.search(rf"{quoted['ar']}  Arabic. Machine translation, not checked\.", text)
        assert re.search(rf"{quoted['bn']}  Bengali. Machine translation, approved by a person\.", text)


def test_right_to_left_originals_are_marked_for_word(quoted):
    paragraphs = docx.Document(io.BytesIO(document())).paragraphs
    (arabic,) = [paragraph for paragraph in paragraphs if paragraph.text == VIEW_AR]
    assert arabic._p.pPr.find(qn("w:bidi")) is not None
    properties = arabic.runs[0]._r.rPr
    assert properties.find(qn("w:rtl")) is not None
    assert properties.find(qn("w:lang")).get(qn("w:bidi")) == "ar"
    (bengali,) = [paragraph for paragraph in paragraphs if paragraph.text == VIEW_BN]
    assert bengali._p.pPr.find(qn("w:bidi")) is None


def test_the_same_data_gives_the_same_document(quoted):
    first = document(), document(None)
    time.sleep(1.1)
    assert (document(), document(None)) == first


def test_the_report_counts_everything_and_hides_small_numbers(quoted):
    text = words_of(document(None))
    # Five hidden numbers and a withheld one: ten would tell each of them.
    assert "So few views have been sent" in text
    tables = docx.Document(io.BytesIO(document(None))).tables
    languages = {row.cells[0].text: row.cells[1].text for row in tables[0].rows[1:]}
    assert set(languages) == {"English", "Arabic", "Bengali", "Polish", "Portuguese", "French"}
    assert not set(languages.values()) & {"1", "2", "3", "4"}


def test_a_briefing_lists_the_sessions_that_gave_a_quote_or_that_its_lead_held(quoted):
    lead = get_commission().theme(THEME).lead
    with unit_of_work() as db:
        for day, place, who in ((1, "Abbey Centre", ""), (2, "Hall", lead), (3, "Elsewhere", "Somebody")):
            held = EvidenceSession(
                method="one_to_one",
                held_on=dt.date(2016, 6, day),
                place=place,
                contributors=["Neighbours' Forum"],
                lead=who,
                notes="notes of the team",
                created_by="reviewer:ana",
                updated_by="reviewer:ana",
            )
            db.add(held)
            db.flush()
            if day == 1:
                gave = EvidenceContribution(submission_id=find(quoted["ar"]).id, session_id=held.id)
                gave.entered_by = "reviewer:ana"
                db.add(gave)
    found = briefing().sessions
    assert [line.split("; ")[0] for line in found] == ["2 June 2016", "1 June 2016"]
    assert found[1].endswith("Abbey Centre; Neighbours' Forum")
    text = words_of(document())
    assert found[0] in text
    assert "notes of the team" not in text


def test_without_an_approved_view_there_is_a_document_too(sqlite_database):
    assert "None yet." in words_of(document())


def test_the_pages_show_each_quote_in_its_own_direction_and_downloads_are_in_the_audit(quoted):
    make_reviewer()
    desk = Desk().signed_in()
    assert f'href="/desk/briefings/{THEME}"' in desk.get("/desk/briefings").text
    html = desk.get(f"/desk/briefings/{THEME}").text
    assert f'lang="ar" dir="rtl">{VIEW_AR}<' in html
    assert f'lang="bn" dir="ltr">{VIEW_BN}<' in html
    assert quoted["not_approved"] not in html
    assert "style=" not in html
    for path in (f"/desk/briefings/{THEME}/briefing.docx", "/desk/briefings/report.docx"):
        response = desk.get(path)
        assert response.status_code == 200
        assert "attachment" in response.headers["content-disposition"]
        assert quoted["ar"] in words_of(response.content)
    assert desk.get("/desk/briefings/no_such_theme").status_code == 404
    with unit_of_work(read_only=True) as db:
        entries = db.scalars(select(AuditEntry).where(AuditEntry.action == "document.downloaded")).all()
    assert sorted(entry.subject_id for entry in entries) == [f"briefing-{THEME}.docx", "report.docx"]


def streams_of(made: bytes) -> list[bytes]:
    """What is compressed in a PDF, as far as it can be read."""
    found = []
    for match in re.finditer(rb"stream\r?\n", made):
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompressobj().decompress(made[match.end() :]))
    return found


def test_the_pdf_says_what_the_briefing_says(quoted_on_sqlite):
    html = pdf.make_html(briefings=[briefing()])
    assert set(find_references(html)) == {quoted_on_sqlite[name] for name in QUOTED}
    assert f'lang="ar" dir="rtl">{VIEW_AR}</p>' in html
    assert re.search(rf"{quoted_on_sqlite['bn']}.*Machine translation, approved by a person", html)


@pytest.mark.slow
def test_the_pdf_is_tagged_shaped_with_the_right_fonts_and_the_same_twice(quoted_on_sqlite):
    made = pdf.briefing_pdf(briefing())
    assert pdf.briefing_pdf(briefing()) == made
    whole = made + b"".join(streams_of(made))
    assert b"/StructTreeRoot" in whole
    assert b"pdfuaid" in whole
    assert b"/Lang (en)" in whole
    # Every quote says its own language, so that a reader speaks it as such; the English beside it too.
    tags = re.findall(rb"<<[^<>]*/StructElem[^<>]*>>", whole)
    said = Counter(match[1] for tag in tags if (match := re.search(rb"/Lang \(([a-z-]+)\)", tag)))
    assert said[b"ar"] >= 1
    assert said[b"bn"] >= 1
    assert said[b"en"] >= 2
    assert all(b"/S /P" in tag for tag in tags if b"/Lang (ar)" in tag)
    fonts = set(re.findall(rb"/FontName ?/[A-Z]+\+([A-Za-z-]+)", whole))
    # Fonts of their own: with another one the letters would be boxes, or not joined.
    assert any(b"Arabic" in font for font in fonts)
    assert any(b"Bengali" in font for font in fonts)


def test_a_pdf_is_made_by_the_worker_and_fetched_by_who_may_read_the_theme(
    quoted_on_sqlite, tmp_path, monkeypatch
):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    shown_while_drawn: list[str] = []

    def draw(found):
        shown_while_drawn.append(eve.get(address).text)
        return f"%PDF- {found.theme.key}".encode()

    monkeypatch.setattr(pdf, "briefing_pdf", draw)
    make_reviewer("eve", Role.COMMISSION_MEMBER, "Eve")
    make_reviewer("pat", Role.COMMISSION_MEMBER, "Pat")
    with unit_of_work() as db:
        for username, theme in (("eve", THEME), ("pat", "safeguarding")):
            db.scalars(select(Reviewer).where(Reviewer.username == username)).one().themes = [theme]
    eve = Desk().signed_in("eve")
    asked = eve.post(f"/desk/briefings/{THEME}/pdf", f"/desk/briefings/{THEME}")
    address = asked.headers["location"]
    assert address.startswith("/desk/briefings/files/")
    assert eve.post(f"/desk/briefings/{THEME}/pdf", f"/desk/briefings/{THEME}").headers["location"] == address
    waiting = eve.get(address)
    assert "Waiting" in waiting.text
    assert waiting.headers["refresh"] == "5"
    export_id = uuid.UUID(address.rpartition("/")[2])
    downloads.run(export_id)
    export = downloads.find(export_id)
    assert (export.state, export.views, export.steps_done) == ("ready", 7, 7)
    assert "Its pages are being drawn" in shown_while_drawn[0]
    assert "<strong>0%" not in shown_while_drawn[0]
    fetched = eve.get(f"{address}/file")
    assert fetched.content == f"%PDF- {THEME}".encode()
    assert re.search(rf"briefing-{THEME}-[0-9-]+\.pdf", fetched.headers["content-disposition"])
    assert f'href="{address}"' in eve.get(f"/desk/briefings/{THEME}").text
    # Somebody else's theme, and what only who reads everything may have.
    pat = Desk().signed_in("pat")
    token = hidden(pat.get("/desk/briefings").text, "csrf_token")
    for path in (address, f"{address}/file"):
        assert pat.get(path).status_code == 404
    assert pat.client.post(f"{address}/delete", data={"csrf_token": token}).status_code == 404
    assert pat.client.post(f"/desk/briefings/{THEME}/pdf", data={"csrf_token": token}).status_code == 404
    assert pat.client.post("/desk/briefings/report/pdf", data={"csrf_token": token}).status_code == 403
    report_id = downloads.request("report-pdf", actor="reviewer:ana")
    assert eve.get(f"/desk/briefings/files/{report_id}").status_code == 404
    with unit_of_work(read_only=True) as db:
        entries = db.scalars(select(AuditEntry).where(AuditEntry.subject_id == str(export_id))).all()
    assert [
        (one.action, one.details["theme"]) for one in sorted(entries, key=lambda one: one.occurred_at)
    ] == [
        ("export.requested", THEME),
        ("document.downloaded", THEME),
    ]
    # What is taken back is in no file any more, this one neither.
    with unit_of_work() as db:
        intake.withdraw(db, make_conversation(), quoted_on_sqlite["ar"])
    assert "taken back" in eve.get(address).text
    assert eve.get(f"{address}/file").status_code == 404
    assert eve.post(f"{address}/delete", address).status_code == 303
    assert eve.get(address).status_code == 404


def test_two_themes_are_drawn_at_once_and_a_theme_that_is_none_is_refused(database):
    first = downloads.request("briefing-pdf", actor="reviewer:ana", theme_key=THEME)
    second = downloads.request("briefing-pdf", actor="reviewer:ana", theme_key="safeguarding")
    assert first != second
    for kind, theme in (("briefing-pdf", ""), ("briefing-pdf", "no_such"), ("csv", THEME)):
        with pytest.raises(ValueError, match="briefing of a theme"):
            downloads.request(kind, actor="reviewer:ana", theme_key=theme)


def test_without_pango_the_file_says_what_to_install_and_is_not_tried_again(
    sqlite_database, tmp_path, monkeypatch
):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))

    def not_there():
        raise PdfNotAvailable

    monkeypatch.setattr(pdf, "_weasyprint", not_there)
    make_reviewer()
    desk = Desk().signed_in()
    address = desk.post(f"/desk/briefings/{THEME}/pdf", f"/desk/briefings/{THEME}").headers["location"]
    downloads.run(uuid.UUID(address.rpartition("/")[2]))
    shown = desk.get(address).text
    assert "Failed" in shown
    assert "libpango-1.0-0" in shown
