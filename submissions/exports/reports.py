"""The briefing of one theme and the report on all of them, as DOCX that an officer goes on writing in."""

from __future__ import annotations

from sqlalchemy.orm import Session

from submissions.briefings import make_briefing
from submissions.commission import get_commission
from submissions.exports.counts import protect
from submissions.exports.documents import add_briefing, add_counts, finish, new_document
from submissions.review.words import CHANNELS, language_name
from submissions.statistics import compute_figures

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HOW_TO_READ = (
    "Each quote has its reference, under which the team finds the whole view, its history and its original. "
    "Beside it stands how its English was made. Numbers from 1 to 4 are not given where they could point at "
    "one person, and sometimes a second number is left out so that they cannot be worked out."
)


def briefing_document(db: Session, theme_key: str) -> bytes:
    """Raises KeyError for a theme that commission.yml does not have."""
    briefing = make_briefing(db, theme_key)
    document = new_document(f"Briefing: {briefing.theme.name}")
    document.add_paragraph(HOW_TO_READ)
    add_briefing(document, briefing)
    return finish(document)


def report_document(db: Session) -> bytes:
    """Counts over everything, then a briefing for each theme."""
    commission = get_commission()
    figures = compute_figures(db)
    document = new_document(f"{commission.title}: what residents said")
    document.add_paragraph(commission.council)
    document.add_paragraph(HOW_TO_READ)
    document.add_heading("All views", level=1)
    document.add_paragraph(
        f"{figures.total} views were sent and not withdrawn. Themes are those of the codeframe "
        f"{commission.version}; a view can have several."
    )
    ways = {way.key: way.name for way in commission.ways_of_contributing}
    tables = (
        ("By language", {language_name(code): number for code, number in figures.languages}, True),
        ("By channel", {CHANNELS.get(key, key): number for key, number in figures.channels}, True),
        (
            "By way of contributing",
            {ways.get(key, key.capitalize()): number for key, number in figures.methods},
            True,
        ),
        ("By theme a person accepted", {theme.name: theme.accepted for theme in figures.themes}, False),
    )
    for heading, counts, has_total in tables:
        add_counts(document, heading, protect(counts, has_total=has_total))
    for theme in commission.themes:
        document.add_page_break()
        add_briefing(document, make_briefing(db, theme.key))
    return finish(document)
