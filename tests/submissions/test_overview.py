"""The overview's figures, counted again by hand, and its page."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import threading
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from submissions import charts, statistics
from submissions.census import read_census
from submissions.database import unit_of_work
from submissions.demo import loading
from submissions.errors import ConfigurationError, DatabaseUnavailable
from submissions.models import Submission, SubmissionStatus, ThemeAssignment, utc_now
from submissions.statistics import MOST_COLUMNS, compare_voices, compute_figures, group_days
from tests.submissions.desk_site import Desk, find, make_reviewer, make_sample, make_submission

EXAMPLE = Path(__file__).resolve().parents[2] / "census-example.csv"


def figures():
    with unit_of_work(read_only=True) as db:
        return compute_figures(db)


@pytest.fixture
def sample(database: str) -> list[str]:
    references = make_sample()
    # Neither counts, whatever themes they have.
    themes = {"community_engagement": 0.9, "safeguarding": 0.8}
    taken_back = make_submission(
        "Retirado.", status=SubmissionStatus.WITHDRAWN, english=["Taken."], themes=themes
    )
    make_submission("Rascunho.", status=SubmissionStatus.DRAFT, english=["Draft."], themes=themes)
    read = find(references[1])
    with unit_of_work() as db:
        row = db.merge(read)
        row.first_read_at = row.submitted_at + dt.timedelta(hours=3)
        for reference, decision in (
            (references[1], "accepted"),
            (references[0], "refused"),
            (taken_back, "accepted"),
        ):
            db.add(
                ThemeAssignment(
                    submission_id=find(reference).id,
                    theme_key="community_engagement",
                    decision=decision,
                    codeframe_version="2016-1",
                )
            )
    return references


def test_every_figure_is_what_counting_the_rows_gives(sample):
    with unit_of_work(read_only=True) as db:
        rows = db.scalars(
            select(Submission).where(Submission.status.in_(["received", "in_review", "approved"]))
        ).all()
        candidates = {row.id: {theme.theme_key for theme in row.candidate_themes} for row in rows}
        decided = {row.id: {theme.theme_key for theme in row.theme_assignments} for row in rows}
    found = figures()
    assert found.total == len(rows) == len(sample)
    assert dict(found.languages) == Counter(row.source_language for row in rows)
    assert dict(found.channels) == Counter(row.channel for row in rows)
    assert dict(found.methods) == Counter(row.method for row in rows)
    assert sum(number for _, number in found.over_time) == len(rows)
    by_day = Counter(row.submitted_at.date() for row in rows)
    assert {day: number for day, number in found.over_time if number} == by_day
    themes = {theme.key: (theme.accepted, theme.suggested) for theme in found.themes}
    undecided = Counter(key for row in rows for key in candidates[row.id] - decided[row.id])
    assert {key: suggested for key, (_, suggested) in themes.items() if suggested} == undecided
    assert themes["community_engagement"][0] == 1
    assert found.without_theme == len(rows) - 1
    assert found.reading.unread == len(rows) - 1
    assert found.reading.median == dt.timedelta(hours=3)
    assert {row.language: row.total for row in found.waiting} == {"so": 1, None: 1}


def test_a_view_waits_in_the_column_of_its_age(database):
    for hours in (2, 30, 31, 200):
        make_submission("Ha xirina maktabadda.", language="so", hours_ago=hours)
    (row,) = figures().waiting
    assert (row.language, row.under_a_day, row.under_a_week, row.longer) == ("so", 1, 2, 1)
    assert utc_now() - row.oldest_at >= dt.timedelta(hours=200)


def test_without_views_there_are_figures_too(database):
    found = figures()
    assert (found.total, found.over_time, found.reading.median) == (0, [], None)


@given(st.dictionaries(st.dates(dt.date(2000, 1, 1), dt.date(2004, 12, 31)), st.integers(1, 9), max_size=30))
def test_time_is_grouped_without_a_gap_and_without_losing_a_view(days):
    step, series = group_days(days)
    assert sum(number for _, number in series) == sum(days.values())
    assert len(series) <= MOST_COLUMNS + 2
    starts = [day for day, _ in series]
    assert starts == sorted(set(starts))
    if step == "week":
        assert {(later - day).days for day, later in itertools.pairwise(starts)} <= {7}


@given(st.lists(st.integers(0, 10_000), max_size=70))
def test_columns_stay_inside_the_drawing_and_are_as_high_as_their_number(values):
    made = charts.columns([("", value) for value in values])
    assert len(made) == len(values)
    for column in made:
        assert column.x >= 0
        assert column.x + column.width <= charts.COLUMNS_WIDTH + 0.1
        assert column.y >= 0
        assert column.y + column.height == pytest.approx(charts.COLUMNS_HEIGHT)
        assert (column.height > 0) == (column.value > 0)
    for one in made:
        for other in made:
            assert one.value >= other.value or one.height <= other.height


def test_a_missing_voice_is_a_language_with_under_half_its_share(sqlite_database, tmp_path):
    path = tmp_path / "census.csv"
    path.write_text("language,people,source\nen,50,A count\nso,30,A count\npt,20,A count\n", encoding="utf-8")
    for _ in range(8):
        make_submission("A view.", language="en")
    make_submission("Uma opinião.", language="pt", english=["A view."])
    make_submission("Une opinion.", language="fr", english=["A view."])
    census = read_census(path)
    voices = {voice.language: voice for voice in compare_voices(figures(), census)}
    assert {code: (voice.views, voice.is_missing) for code, voice in voices.items()} == {
        "so": (0, True),
        "pt": (1, False),
        "en": (8, False),
        "other": (1, False),
    }
    assert sum(voice.views_share for voice in voices.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("language,people\nen,1\n", "line 1: the columns must be language, people, source"),
        ("language,people,source\nxx,1,A\n", "line 2: 'xx' is not a language code"),
        ("language,people,source\nen,many,A\n", "line 2: people must be a whole number"),
        ("language,people,source\nen,1,A\nen,2,A\n", "line 3: en is there twice"),
        ("language,people,source\nen,1,\n", "line 2: say in the column source"),
        ("language,people,source\nen\n", "line 2: people must be a whole number"),
        ("language,people,source\nen,0,A\n", "counts nobody"),
    ],
)
def test_a_wrong_census_table_is_told_by_its_line(tmp_path, text, problem):
    path = tmp_path / "census.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        read_census(path)


def test_the_example_says_of_itself_that_it_is_no_census(tmp_path):
    assert "EXAMPLE ONLY" in read_census(EXAMPLE).source
    assert read_census(tmp_path / "none.csv") is None


def test_the_page_shows_each_figure_with_a_chart_and_its_table(sample, monkeypatch):
    monkeypatch.setenv("OWNWORDS_CENSUS", str(EXAMPLE))
    make_reviewer()
    response = Desk().signed_in().get("/desk/overview")
    assert response.status_code == 200
    html = response.text
    assert html.count("<svg") >= 6
    for drawing in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(drawing)
    assert "style=" not in html
    assert "EXAMPLE ONLY" in html
    assert "Under half of its share" in html
    for number, language in ((4, "French"), (1, "Arabic")):
        assert re.search(rf">{language}</a></th>.*?numeric\">{number}</td>", html)
    assert '<a href="/desk/overview" aria-current="page">Overview</a>' in html


def test_a_wrong_or_absent_census_table_leaves_the_page_standing(sqlite_database, tmp_path, monkeypatch):
    make_reviewer()
    desk = Desk().signed_in()
    monkeypatch.setenv("OWNWORDS_CENSUS", str(tmp_path / "absent.csv"))
    assert "No census table is set" in desk.get("/desk/overview").text
    (tmp_path / "wrong.csv").write_text("a,b\n", encoding="utf-8")
    monkeypatch.setenv("OWNWORDS_CENSUS", str(tmp_path / "wrong.csv"))
    assert "The census table cannot be used: wrong.csv, line 1" in desk.get("/desk/overview").text


def test_a_slow_count_is_shown_for_a_minute_unless_somebody_asks_for_a_new_one(sqlite_database, monkeypatch):
    monkeypatch.setattr(statistics, "QUICK_SECONDS", 60)
    make_submission("One.", language="en")
    assert statistics.recent_figures().total == 1
    make_submission("Two.", language="en")
    assert statistics.recent_figures().total == 2, "what is counted at once is not kept"
    monkeypatch.setattr(statistics, "QUICK_SECONDS", 0)
    assert statistics.recent_figures().total == 2
    make_submission("Three.", language="en")
    assert statistics.recent_figures().total == 2
    assert statistics.recent_figures(now=True).total == 3


def test_a_slow_count_is_made_anew_while_the_one_of_before_is_shown(sqlite_database, monkeypatch):
    monkeypatch.setattr(statistics, "QUICK_SECONDS", 0)
    make_submission("One.", language="en")
    make_reviewer()
    desk = Desk().signed_in()
    assert statistics.recent_figures(now=True).total == 1
    make_submission("Two.", language="en")
    monkeypatch.setattr(statistics, "KEPT_FOR", dt.timedelta(0))
    may_count = threading.Event()
    count = statistics.compute_figures

    def count_when_told(db):
        assert may_count.wait(20)
        return count(db)

    monkeypatch.setattr(statistics, "compute_figures", count_when_told)
    shown = desk.get("/desk/overview").text
    assert "<dt>Views</dt><dd>1</dd>" in shown
    assert "They are being counted anew" in shown
    assert statistics.recent_figures().total == 1, "and only one thread counts"
    assert len([one for one in threading.enumerate() if one.name == "overview"]) == 1
    may_count.set()
    for thread in [one for one in threading.enumerate() if one.name == "overview"]:
        thread.join(20)
    monkeypatch.setattr(statistics, "KEPT_FOR", dt.timedelta(minutes=1))
    assert "<dt>Views</dt><dd>2</dd>" in desk.get("/desk/overview").text
    make_submission("Three.", language="en")
    monkeypatch.setattr(statistics, "OLDEST", dt.timedelta(0))
    assert statistics.recent_figures().total == 3, "figures too old to be shown are waited for"


def test_a_count_that_fails_in_the_background_leaves_the_figures_of_before(sqlite_database, monkeypatch):
    monkeypatch.setattr(statistics, "QUICK_SECONDS", 0)
    make_submission("One.", language="en")
    assert statistics.recent_figures(now=True).total == 1
    monkeypatch.setattr(statistics, "KEPT_FOR", dt.timedelta(0))

    def fail(_db):
        raise DatabaseUnavailable("sqlite", "down")

    with monkeypatch.context() as patch:
        patch.setattr(statistics, "compute_figures", fail)
        assert statistics.recent_figures().total == 1
        for thread in [one for one in threading.enumerate() if one.name == "overview"]:
            thread.join(20)
    assert not statistics.is_being_counted()
    assert statistics.recent_figures().total == 1


def test_beside_the_demonstration_an_invented_census_shows_what_the_table_is_for(
    sqlite_database, tmp_path, monkeypatch
):
    monkeypatch.setenv("OWNWORDS_DATA", str(tmp_path))
    make_reviewer()
    desk = Desk().signed_in()
    assert "No census table is set" in desk.get("/desk/overview").text
    loading.load(first=20)
    shown = desk.get("/desk/overview").text
    assert "No census table is set" not in shown
    assert read_census(EXAMPLE).source in shown
    assert "invented" in read_census(EXAMPLE).source.lower()


def test_nobody_sees_it_without_signing_in(sqlite_database):
    assert Desk().get("/desk/overview").status_code in (303, 401)
