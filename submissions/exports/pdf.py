"""Briefings and the report as PDF: tagged for screen readers (PDF/UA), every script shaped as it should be.

WeasyPrint draws with Debian's Pango and the fonts of this machine, and fetches nothing from anywhere. It
writes only the document's language into the tags, so `_keep_languages` adds each element's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from submissions.briefings import Briefing
from submissions.errors import PdfNotAvailable
from submissions.exports.cells import storable
from submissions.exports.documents import NO_ENGLISH, NO_SUMMARY, POINTS, gone_words
from submissions.exports.reports import HOW_TO_READ, Report, briefing_title
from submissions.review.words import direction, language_name

MEDIA_TYPE = "application/pdf"
_FOLDER = Path(__file__).with_name("templates")


def briefing_pdf(briefing: Briefing) -> bytes:
    """Raises PdfNotAvailable on a machine without Pango."""
    return _draw(title=briefing_title(briefing), briefings=[briefing])


def report_pdf(report: Report) -> bytes:
    """Raises PdfNotAvailable on a machine without Pango."""
    return _draw(title=report.title, council=report.council, report=report, briefings=report.briefings)


def _draw(**values: Any) -> bytes:
    document = _weasyprint().HTML(string=make_html(**values), url_fetcher=_fetch_nothing)
    made: bytes = document.write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)
    return made


def make_html(**values: Any) -> str:
    """What is drawn; everything of anybody's is escaped."""
    return _environment().get_template("report.html").render(**values)


@cache
def _weasyprint() -> Any:
    try:
        import weasyprint  # loads Pango, which takes a moment and may not be there
    except OSError as error:
        raise PdfNotAvailable from error
    _keep_languages()
    return weasyprint


def _keep_languages() -> None:
    """Lets the tag of an element with its own `lang` say so, as ISO 14289-1, 7.2 asks for every change.

    WeasyPrint 70 has no hook for it: its function that makes the tags of a box is wrapped, and calls itself
    by its name in the module, so it is wrapped at every depth. A test reads the languages out of a PDF.
    """
    from pydyf import String
    from weasyprint.pdf import tags

    build = tags._build_box_tree

    def build_with_language(box: Any, *rest: Any) -> Iterator[Any]:
        language = box.element.get("lang") if box.element is not None else None
        # The whole document's language stands in its catalogue; these two only pass their children on.
        if box.element_tag in ("html", "body"):
            language = None
        for made in build(box, *rest):
            if language:
                made["Lang"] = String(language)
            yield made

    tags._build_box_tree = build_with_language


def _fetch_nothing(url: str, **_options: Any) -> Any:
    raise ValueError("a report loads nothing")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        # Our own file, which holds nothing of anybody's.
        css=Markup((_FOLDER / "report.css").read_text(encoding="utf-8")),  # noqa: S704
        how_to_read=HOW_TO_READ,
        no_english=NO_ENGLISH,
        no_summary=NO_SUMMARY,
        points=POINTS,
    )
    environment.filters.update(
        storable=storable, language_name=language_name, direction=direction, gone_words=gone_words
    )
    return environment
