"""What is common and what is contested: written by one person, signed off by another, resting on views."""

from __future__ import annotations

import io
import re
import threading
import uuid

import docx
import pytest
from docx.oxml.ns import qn
from sqlalchemy import func, select

from submissions import erasure, intake, summaries, summary_suggestions
from submissions.briefings import make_briefing
from submissions.database import unit_of_work
from submissions.errors import SubmissionNotFound
from submissions.exports import pdf
from submissions.exports.reports import briefing_docx
from submissions.models import (
    AuditEntry,
    Coding,
    CodingItem,
    CodingRound,
    PointCitation,
    Role,
    SubCode,
    SubmissionStatus,
    SummaryState,
    ThemeSummary,
)
from submissions.summaries import GivenPoint, SummaryRefused
from tests.factories import VIEW_AR, VIEW_BN, make_conversation
from tests.submissions.desk_site import Desk, find, make_reviewer, make_submission
from tests.submissions.exports.test_briefings import accept, put_in_group

THEME = "community_engagement"
WRITER, OTHER, SIGNER = "reviewer:ana", "reviewer:ben", "reviewer:mia"
TEXT = "Libraries are where neighbours meet <b>&</b>."


@pytest.fixture
def views(database) -> dict[str, str]:
    return make_views()


@pytest.fixture
def views_on_sqlite(sqlite_database) -> dict[str, str]:
    return make_views()


def make_views() -> dict[str, str]:
    """Three approved views of the theme, one not approved, one of another theme."""
    approved = {"status": SubmissionStatus.APPROVED}
    made = {
        "ar": make_submission(VIEW_AR, language="ar", english=["Do not close the library."], **approved),
        "bn": make_submission(VIEW_BN, language="bn", english=["Don't close it."], **approved),
        "en": make_submission("Libraries are a waste of money.", language="en", **approved),
        "not_approved": make_submission("Nie.", language="pl", english=["No."]),
        "elsewhere": make_submission("Sim.", language="pt", english=["Yes."], **approved),
    }
    for name, reference in made.items():
        accept(reference, "safeguarding" if name == "elsewhere" else THEME)
    return made


def open_version() -> int | None:
    with unit_of_work(read_only=True) as db:
        rows = summaries.versions_of(db, THEME)
    return next((row.version for row in rows if row.state in summaries.OPEN), None)


def write(
    cited: dict[str, str], kind: str = "common", text: str = TEXT, actor: str = WRITER, **more
) -> uuid.UUID:
    given = GivenPoint(kind, text, cited)
    return summaries.save_point(actor, THEME, given, **{"version": open_version(), **more})


def sign_off(actor: str = SIGNER, proposed_by: str = WRITER) -> None:
    summaries.propose(proposed_by, THEME, version=open_version() or 0)
    summaries.sign_off(actor, THEME, version=open_version() or 0)


def signed():
    with unit_of_work(read_only=True) as db:
        return summaries.signed_off(db, THEME)


def briefing():
    with unit_of_work(read_only=True) as db:
        return make_briefing(db, THEME)


def states() -> list[str]:
    with unit_of_work(read_only=True) as db:
        return [row.state for row in reversed(summaries.versions_of(db, THEME))]


def test_nothing_stands_in_the_briefing_before_somebody_else_has_signed_it_off(views):
    write({views["ar"]: "for", views["bn"]: "for"})
    assert signed() is None
    summaries.propose(WRITER, THEME, version=open_version())
    assert signed() is None
    with pytest.raises(SummaryRefused, match="Somebody else"):
        summaries.sign_off(WRITER, THEME, version=open_version())
    summaries.sign_off(SIGNER, THEME, version=open_version())
    found = signed()
    assert [(one.text, sorted(one.speaking_for)) for one in found.points] == [
        (TEXT, sorted([views["ar"], views["bn"]]))
    ]
    assert states() == [SummaryState.SIGNED_OFF]


def test_nobody_who_wrote_in_it_signs_it_off_also_when_another_proposed_it(views):
    write({views["ar"]: "for"})
    write({views["bn"]: "for"}, actor=OTHER)
    summaries.propose(SIGNER, THEME, version=open_version())
    for actor in (WRITER, OTHER, SIGNER):
        with pytest.raises(SummaryRefused, match="Somebody else"):
            summaries.sign_off(actor, THEME, version=open_version())
    summaries.sign_off("reviewer:zoe", THEME, version=open_version())


def test_what_was_changed_after_it_was_proposed_or_read_is_not_signed_off(views):
    point_id = write({views["ar"]: "for"})
    summaries.propose(WRITER, THEME, version=open_version())
    seen = open_version()
    write({views["ar"]: "for"}, text="Something else.", actor=OTHER, point_id=point_id)
    with pytest.raises(SummaryRefused, match="meanwhile"):
        summaries.sign_off(SIGNER, THEME, version=seen)
    with pytest.raises(SummaryRefused, match="meanwhile"):
        summaries.sign_off(SIGNER, THEME, version=open_version())  # it is a draft again


@pytest.mark.parametrize(
    ("cited", "kind", "words"),
    [
        ({}, "common", "says so"),
        ({"ar": "against"}, "common", "says so"),
        ({"ar": "for", "bn": "for"}, "contested", "one view for it and one against it"),
        ({"en": "against"}, "contested", "one view for it and one against it"),
    ],
)
def test_a_point_without_the_views_it_needs_is_kept_but_not_proposed(views_on_sqlite, cited, kind, words):
    write({views_on_sqlite[name]: side for name, side in cited.items()}, kind)
    with pytest.raises(SummaryRefused, match=words):
        summaries.propose(WRITER, THEME, version=open_version())


def test_only_approved_views_of_the_theme_are_cited(views_on_sqlite):
    for name in ("not_approved", "elsewhere"):
        with pytest.raises(SummaryRefused, match=views_on_sqlite[name]):
            write({views_on_sqlite[name]: "for"})
    with pytest.raises(SummaryRefused, match="OW-0000-0000"):
        write({"OW-0000-0000": "for"})
    assert open_version() is None, "nothing is begun by what was refused"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (GivenPoint("common", " \0\r\n ", {}), "in your own words"),
        (GivenPoint("common", "x" * 1_001, {}), "1,000 characters"),
        (GivenPoint("rumour", "x", {}), "common or contested"),
        (GivenPoint("common", "x", {f"OW-{n:04}-0000": "for" for n in range(41)}), "at most 40 views"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(sqlite_database, given, words):
    with pytest.raises(SummaryRefused, match=words):
        summaries.save_point(WRITER, THEME, given)
    with pytest.raises(SubmissionNotFound):
        summaries.save_point(WRITER, "no_such_theme", given)


def test_a_side_that_is_none_is_refused(views_on_sqlite):
    with pytest.raises(SummaryRefused, match="for the point or against it"):
        write({views_on_sqlite["ar"]: "beside"})


def test_a_signed_version_never_changes_and_a_newer_one_replaces_it(views):
    write({views["ar"]: "for"})
    sign_off()
    summaries.begin(WRITER, THEME)
    summaries.begin(OTHER, THEME)  # it is open already
    assert states() == [SummaryState.SIGNED_OFF, SummaryState.DRAFT]
    with unit_of_work(read_only=True) as db:
        draft = summaries.versions_of(db, THEME)[0]
        (copied,) = summaries.points_of(db, draft)
    write({views["bn"]: "for"}, text="Another wording.", point_id=copied.id)
    assert [point.text for point in signed().points] == [TEXT], "until the new one is signed off"
    sign_off()
    assert [point.text for point in signed().points] == ["Another wording."]
    assert states() == [SummaryState.REPLACED, SummaryState.SIGNED_OFF]
    summaries.retire(SIGNER, THEME)
    assert signed() is None


def test_two_who_write_at_once_are_told(views):
    write({views["ar"]: "for"})
    seen = open_version()
    write({views["bn"]: "for"}, actor=OTHER, version=seen)
    with pytest.raises(SummaryRefused, match="meanwhile"):
        write({views["en"]: "for"}, version=seen)
    with pytest.raises(SummaryRefused, match="meanwhile"):
        write({views["en"]: "for"}, version=None)  # who saw no open version at all


def test_of_two_who_begin_in_the_same_moment_one_is_told_and_one_draft_is_there(views):
    together = threading.Barrier(2)
    outcomes: list[str] = []

    def begin(actor: str, reference: str) -> None:
        together.wait()
        try:
            write({reference: "for"}, actor=actor, version=None)
            outcomes.append("kept")
        except SummaryRefused as refused:
            outcomes.append(refused.problems[0])

    threads = [
        threading.Thread(target=begin, args=given) for given in ((WRITER, views["ar"]), (OTHER, views["bn"]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Somebody changed the summary meanwhile. Look at it again.", "kept"]
    assert states() == [SummaryState.DRAFT]


@pytest.mark.parametrize("way", ["withdrawn", "erased", "opened again"])
def test_a_point_that_lost_the_views_it_rests_on_is_left_out_and_the_desk_is_told(views, way):
    write({views["ar"]: "for", views["en"]: "against"}, "contested")
    write({views["ar"]: "for", views["bn"]: "for"})
    sign_off()
    submission_id = find(views["ar"]).id
    if way == "withdrawn":
        with unit_of_work() as db:
            intake.withdraw(db, make_conversation(), views["ar"])
    elif way == "erased":
        erasure.erase(views["ar"])
    else:
        with unit_of_work() as db:
            db.merge(find(views["ar"])).status = SubmissionStatus.IN_REVIEW
    (left,) = signed().points
    assert (left.speaking_for, left.gone) == ([views["bn"]], 1)
    summary = briefing().summary
    assert summary.contested == []
    assert summary.common[0].gone == 1
    if way == "erased":
        with unit_of_work(read_only=True) as db:
            rows = db.scalars(select(PointCitation).where(PointCitation.submission_id == submission_id)).all()
        assert rows == []
    make_reviewer()
    shown = Desk().signed_in().get(f"/desk/briefings/{THEME}/summary").text
    assert "Left out of the briefing" in shown
    assert views["ar"] not in shown


def test_in_each_document_a_point_stands_with_its_views_resolved(views_on_sqlite):
    views = views_on_sqlite
    write({views["ar"]: "for", views["en"]: "against"}, "contested")
    write({views["bn"]: "for"}, text="The library matters.")
    sign_off()
    found = briefing()
    (contested,) = found.summary.contested
    assert [(side, [quote.reference for quote in quotes]) for side, quotes in contested.sides] == [
        ("For it", [views["ar"]]),
        ("Against it", [views["en"]]),
    ]
    html = pdf.make_html(briefings=[found])
    assert "Libraries are where neighbours meet &lt;b&gt;&amp;&lt;/b&gt;." in html
    assert f'href="#{THEME}-{views["ar"]}"' in html
    assert f'id="{THEME}-{views["ar"]}"' in html
    before_quotes = html[: html.index("Approved views")]
    assert f'lang="ar" dir="rtl">{VIEW_AR}</p>' in before_quotes
    assert "Machine translation, not checked" in before_quotes
    assert "The team has named nothing" not in html
    opened = docx.Document(io.BytesIO(briefing_docx(found)))
    texts = [paragraph.text for paragraph in opened.paragraphs]
    assert TEXT in texts
    (line,) = [text for text in texts if text.startswith("Against it:")]
    assert line == f"Against it: {views['en']}  English. Written in English."
    links = {link.get(qn("w:anchor")) for link in opened.element.iter(qn("w:hyperlink"))}
    marks = {mark.get(qn("w:name")) for mark in opened.element.iter(qn("w:bookmarkStart"))}
    assert links == {reference.replace("-", "_") for reference in (views["ar"], views["en"], views["bn"])}
    assert links <= marks
    words = set(re.findall(r"\w+", " ".join(texts)))
    assert not {"ana", "mia"} & words, "staff are not named in what leaves the desk"


def test_without_a_summary_each_document_says_so(views_on_sqlite):
    found = briefing()
    assert "has not signed off a summary" in pdf.make_html(briefings=[found])
    texts = [paragraph.text for paragraph in docx.Document(io.BytesIO(briefing_docx(found))).paragraphs]
    assert texts.count("The team has not signed off a summary of this theme yet.") == 2


def give_sub_code(reference: str, code: str = "libraries") -> None:
    with unit_of_work() as db:
        db.add(
            SubCode(submission_id=find(reference).id, theme_key=THEME, code=code, codeframe_version="2016-1")
        )


def suggestions():
    with unit_of_work(read_only=True) as db:
        return summary_suggestions.suggest(db, make_briefing(db, THEME))


def test_what_is_perhaps_common_is_suggested_by_sub_codes_and_like_views_the_largest_first(views):
    for name in ("ar", "bn", "en"):
        give_sub_code(views[name])
    give_sub_code(views["ar"], "alone")
    with unit_of_work() as db:
        for name in ("ar", "bn", "not_approved"):
            put_in_group(db, find(views[name]).id, find(views["ar"]).id)
    found = suggestions()
    first = min(views["ar"], views["bn"])
    assert [(one.key, one.kind, len(one.references)) for one in found] == [
        ("sub_code:libraries", "common", 3),
        (f"group:{first}", "common", 2),
    ]


def test_what_is_perhaps_contested_is_where_people_decided_differently(views):
    also = make_submission("Same.", language="en", status=SubmissionStatus.APPROVED)
    accept(also, decision="refused")
    give_sub_code(views["ar"])
    give_sub_code(views["bn"])
    with unit_of_work() as db:
        for reference in (views["ar"], also):
            put_in_group(db, find(reference).id, find(views["ar"]).id)
        coded = CodingRound(name="One", codeframe_version="2016-1", seed=1, created_by=WRITER)
        db.add(coded)
        db.flush()
        item = CodingItem(id=uuid.uuid4(), round_id=coded.id, submission_id=find(views["bn"]).id, position=1)
        db.add(item)
        db.flush()
        for is_first, themes in ((True, [THEME]), (False, ["other"])):
            db.add(Coding(item_id=item.id, is_first_coder=is_first, themes=themes))
    contested = [one for one in suggestions() if one.kind == "contested"]
    assert [(one.key, one.references) for one in contested] == [
        (f"decided:{views['ar']}", [views["ar"]]),
        ("coders:libraries", sorted([views["ar"], views["bn"]])),
    ]
    assert "accepted this theme for 1 and refused it for 1" in contested[0].why
    assert "for 1 of 2 views" in contested[1].why


def test_like_views_with_different_sub_codes_are_perhaps_contested_and_with_the_same_are_not(database):
    views = make_views()
    with unit_of_work() as db:
        for name in ("ar", "bn", "en"):
            put_in_group(db, find(views[name]).id, find(views["ar"]).id)
    give_sub_code(views["ar"])
    give_sub_code(views["bn"])
    assert [one for one in suggestions() if one.kind == "contested"] == []
    give_sub_code(views["en"], "costs")
    (found,) = [one for one in suggestions() if one.kind == "contested"]
    assert found.key == f"sorted:{min(views[name] for name in ('ar', 'bn', 'en'))}"
    assert found.why.endswith("different sub-codes: costs, libraries.")


def test_through_the_pages_from_a_suggestion_to_the_signed_briefing(views_on_sqlite):
    views = views_on_sqlite
    for name in ("ar", "bn"):
        give_sub_code(views[name])
    make_reviewer("ana")
    make_reviewer("mia", Role.MANAGER, "Mia")
    ana, mia = Desk().signed_in("ana"), Desk().signed_in("mia")
    here = f"/desk/briefings/{THEME}/summary"
    shown = ana.get(here).text
    assert "Nothing written yet" in shown
    assert "sub_code%3Alibraries" in shown
    form = f"{here}/point?kind=common&from=sub_code:libraries"
    page = ana.get(form).text
    assert "Suggestion, computed" in page
    assert f'name="side-{views["ar"]}"' in page
    assert views["en"] not in page, "the suggestion's views only, until words are looked for"
    assert f'lang="ar" dir="rtl">{VIEW_AR}<' in page
    typed = {"kind": "contested", "text": TEXT, f"side-{views['ar']}": "for", "from": "sub_code:libraries"}
    found = ana.post(f"{here}/point", form, **typed, words="waste MONEY", do="find").text
    assert "Libraries are a waste of money." in found
    assert "&lt;b&gt;" in found, "what was typed is still there"
    assert 'value="for" checked' in found
    with unit_of_work(read_only=True) as db:
        assert db.scalar(select(func.count()).select_from(ThemeSummary)) == 0
    refused = ana.post(
        f"{here}/point", form, **typed, more_against=f"x {views['elsewhere'].lower()}", do="keep"
    )
    assert refused.status_code == 422
    assert "Not an approved view of this theme" in refused.text
    kept = ana.post(f"{here}/point", form, **typed, more_against=views["en"].lower(), do="keep")
    assert kept.status_code == 303, kept.text
    shown = ana.get(here).text
    assert "Libraries are where neighbours meet &lt;b&gt;" in shown
    assert ana.post(f"{here}/proposal", here).status_code == 303
    assert "Sign it off" not in ana.get(here).text
    assert "Sign it off" in mia.get(here).text
    assert mia.post(f"{here}/sign-off", here).status_code == 303
    briefing_page = ana.get(f"/desk/briefings/{THEME}").text
    assert "Against it" in briefing_page
    assert "signed off by another person on" in briefing_page
    assert "Signed off" in ana.get("/desk/briefings").text
    with unit_of_work(read_only=True) as db:
        entries = db.scalars(select(AuditEntry).where(AuditEntry.subject_type == "summary")).all()
    assert sorted(entry.action for entry in entries) == [
        "summary.begun",
        "summary.proposed",
        "summary.signed_off",
        "summary.written",
    ]
    assert "neighbours" not in repr([entry.details for entry in entries]), "ids and counts, never texts"
    point = ana.post(here, here)  # a new version
    assert point.status_code == 303
    with unit_of_work(read_only=True) as db:
        (copied,) = summaries.points_of(db, summaries.versions_of(db, THEME)[0])
    changed = ana.get(f"{here}/point?point={copied.id}").text
    assert 'value="against" checked' in changed
    assert ana.get(f"{here}/point?point={uuid.uuid4()}").status_code == 404
    assert ana.post(f"{here}/points/{copied.id}/remove", here).status_code == 303
    assert ana.post(f"{here}/proposal", here).status_code == 422, "a summary without a point"
    assert mia.post(f"{here}/retirement", here).status_code == 303
    assert "has not signed off a summary" in ana.get(f"/desk/briefings/{THEME}").text
