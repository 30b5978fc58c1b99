"""The briefing of one theme and the report on all of them, as DOCX that an officer goes on writing in."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from submissions.briefings import Briefing, make_briefing
from submissions.commission import get_commission
from submissions.exports.counts import WITHHELD, protect, protect_total
from submissions.exports.documents import add_briefing, add_counts, finish, new_document
from submissions.review.words import CHANNELS, language_name
from submissions.statistics import compute_figures

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HOW_TO_READ = (
    "Each quote has its reference, under which the team finds the whole view, its history and its original. "
    "Beside it stands how its English was made. Numbers from 1 to 4 are not given where they could point at "
    "one person, and sometimes another number is left out so that they cannot be worked out."
)


@dataclass(frozen=True)
class Report:
    """All that the report says, small numbers hidden already."""

    title: str
    council: str
    summary: str
    tables: list[tuple[str, dict[str, str]]]
    briefings: list[Briefing]

    @property
    def references(self) -> list[str]:
        """Of every view whose words or reference are in it."""
        return sorted({one for briefing in self.briefings for one in briefing.references})


def make_report(db: Session) -> Report:
    """Counts over everything, then a briefing for each theme."""
    commission = get_commission()
    figures = compute_figures(db)
    ways = {way.key: way.name for way in commission.ways_of_contributing}
    with_total = {
        "By language": {language_name(code): number for code, number in figures.languages},
        "By channel": {CHANNELS.get(key, key): number for key, number in figures.channels},
        "By way of contributing": {
            ways.get(key, key.capitalize()): number for key, number in figures.methods
        },
    }
    themes = {theme.name: theme.accepted for theme in figures.themes}
    # One total stands above all tables, so it must tell nothing in any of them.
    is_total_shown = all(protect_total(counts) != WITHHELD for counts in with_total.values())
    sent = (
        f"{figures.total} views were sent and not withdrawn."
        if is_total_shown
        else "So few views have been sent that their number is not given here."
    )
    return Report(
        title=f"{commission.title}: what residents said",
        council=commission.council,
        summary=f"{sent} Themes are those of the codeframe {commission.version}; a view can have several.",
        tables=[
            *((heading, protect(counts)) for heading, counts in with_total.items()),
            ("By theme a person accepted", protect(themes, has_total=False)),
        ],
        briefings=[make_briefing(db, theme.key) for theme in commission.themes],
    )


def briefing_title(briefing: Briefing) -> str:
    return f"Briefing: {briefing.theme.name}"


def briefing_docx(briefing: Briefing) -> bytes:
    document = new_document(briefing_title(briefing))
    document.add_paragraph(HOW_TO_READ)
    add_briefing(document, briefing)
    return finish(document)


def report_docx(report: Report) -> bytes:
    document = new_document(report.title)
    document.add_paragraph(report.council)
    document.add_paragraph(HOW_TO_READ)
    document.add_heading("All views", level=1)
    document.add_paragraph(report.summary)
    for heading, counts in report.tables:
        add_counts(document, heading, counts)
    for briefing in report.briefings:
        document.add_page_break()
        add_briefing(document, briefing)
    return finish(document)


def briefing_document(db: Session, theme_key: str) -> bytes:
    """As `briefing_docx`. Raises KeyError for a theme that commission.yml does not have."""
    return briefing_docx(make_briefing(db, theme_key))


def report_document(db: Session) -> bytes:
    """As `report_docx`."""
    return report_docx(make_report(db))
