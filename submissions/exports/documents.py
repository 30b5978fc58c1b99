"""Parts of a DOCX that briefing and report share: counts, quotes with their language and direction."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from submissions.briefings import Briefing, Quote, QuotedPoint
from submissions.exports.archives import without_times
from submissions.exports.cells import storable
from submissions.review.words import language_name
from translations.languages import LANGUAGES

NO_ENGLISH = "There is no English of this view yet."
NO_SUMMARY = "The team has not signed off a summary of this theme yet."
# (heading, field of the summary, what stands where the team named nothing)
POINTS = (
    ("What is common", "common", "The team has named nothing that is common."),
    ("What is contested", "contested", "The team has named nothing that is contested."),
)


def new_document(title: str) -> Any:
    """An empty document with a title, A4, in English."""
    document = docx.Document()
    document.core_properties.title = storable(title)
    document.core_properties.author = "Own Words"
    document.core_properties.comments = ""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    document.add_heading(storable(title), level=0)
    return document


def finish(document: Any) -> bytes:
    """The file: the same bytes for the same content."""
    buffer = io.BytesIO()
    document.save(buffer)
    return without_times(buffer.getvalue())


def add_words(document: Any, text: str, language: str | None, *, is_original: bool = False) -> None:
    """A resident's words, each line a paragraph, marked with their language and direction for Word."""
    for line in storable(text).split("\n"):
        if not line.strip():
            continue
        paragraph = document.add_paragraph()
        if is_original:
            # Set apart by its place, not by italics, which Arabic, Bengali and others do not have.
            paragraph.paragraph_format.left_indent = Cm(1)
        run = paragraph.add_run(line)
        is_rtl = bool(language and language in LANGUAGES and LANGUAGES[language].direction == "rtl")
        properties = run._r.get_or_add_rPr()
        if is_rtl:
            paragraph._p.get_or_add_pPr().insert_element_before(
                OxmlElement("w:bidi"), "w:adjustRightInd", "w:spacing", "w:ind", "w:jc", "w:rPr"
            )
            # Word takes the font and language of complex scripts for this run.
            properties.append(OxmlElement("w:rtl"))
        if language:
            mark = OxmlElement("w:lang")
            for name in ("w:val", "w:bidi", "w:eastAsia"):
                mark.set(qn(name), language)
            properties.append(mark)


def gone_words(number: int) -> str:
    """What is said beside a point of which some cited views can be shown no more; "" when none."""
    if not number:
        return ""
    return f"{number} more {'view' if number == 1 else 'views'} cited for this may not be shown any more."


def add_point(document: Any, point: QuotedPoint) -> None:
    """The team's words, then each view it rests on, with its side and what its English is worth."""
    document.add_paragraph(storable(point.text), style="List Bullet").paragraph_format.keep_with_next = True
    for side, quotes in point.sides:
        for quote in quotes:
            line = document.add_paragraph()
            line.paragraph_format.left_indent = Cm(0.6)
            line.add_run(f"{side}: ").bold = True
            _add_link(line, quote.reference)
            line.add_run(f"  {language_name(quote.language)}. {quote.label}.").font.size = Pt(9)
            for original, english in quote.excerpts:
                line.paragraph_format.keep_with_next = True
                add_words(document, original, quote.language, is_original=True)
                if not quote.is_english:
                    add_words(document, english or NO_ENGLISH, "en")
    if words := gone_words(point.gone):
        document.add_paragraph(words).paragraph_format.left_indent = Cm(0.6)


def _bookmark_name(reference: str) -> str:
    # Word takes letters, digits and underscores.
    return reference.replace("-", "_")


def _add_link(paragraph: Any, reference: str) -> None:
    """The reference, leading to where the view stands whole."""
    link = OxmlElement("w:hyperlink")
    link.set(qn("w:anchor"), _bookmark_name(reference))
    run = paragraph.add_run(reference)
    run.font.underline = True
    link.append(run._r)  # moves it: a run is part of the link or of the paragraph
    paragraph._p.append(link)


def _add_bookmark(document: Any, paragraph: Any, name: str) -> None:
    number = str(len(document.element.body.findall(f".//{qn('w:bookmarkStart')}")))
    for tag in ("w:bookmarkStart", "w:bookmarkEnd"):
        mark = OxmlElement(tag)
        mark.set(qn("w:id"), number)
        if tag == "w:bookmarkStart":
            mark.set(qn("w:name"), name)
        paragraph._p.append(mark)


def add_quote(document: Any, quote: Quote) -> None:
    """Reference, language and trust of the translation, then the original and the English."""
    heading = document.add_paragraph()
    heading.paragraph_format.keep_with_next = True
    _add_bookmark(document, heading, _bookmark_name(quote.reference))
    heading.add_run(quote.reference).bold = True
    facts = heading.add_run(f"  {language_name(quote.language)}. {quote.label}.")
    facts.font.size = Pt(9)
    for original, english in quote.evidence:
        mark = document.add_paragraph()
        mark.paragraph_format.keep_with_next = True
        mark.add_run("Marked as evidence:").bold = True
        add_words(document, original, quote.language, is_original=True)
        if english and not quote.is_english:
            add_words(document, english, "en")
    if quote.evidence:
        document.add_paragraph("The whole view:").paragraph_format.keep_with_next = True
    add_words(document, quote.original, quote.language, is_original=True)
    if not quote.is_english:
        add_words(document, quote.english or NO_ENGLISH, "en")


def add_counts(document: Any, heading: str, counts: Mapping[str, str]) -> None:
    """A table of two columns; an empty one says so."""
    document.add_heading(heading, level=3)
    if not counts:
        document.add_paragraph("None yet.")
        return
    table = document.add_table(rows=1, cols=2)
    table.style = "Light Grid Accent 1"
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Which", "Views"
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    for what, number in counts.items():
        cells = table.add_row().cells
        cells[0].text, cells[1].text = storable(what), number


def add_briefing(document: Any, briefing: Briefing, *, level: int = 1) -> None:
    """All sections of one theme."""
    document.add_heading(storable(briefing.theme.name), level=level)
    if briefing.theme.lead:
        document.add_paragraph(f"Led by {briefing.theme.lead}.")
    document.add_paragraph(storable(briefing.theme.description))
    document.add_paragraph(
        f"{briefing.total} approved views. Not counted here: {briefing.awaiting_decision} that may belong to "
        "the theme and wait for a reviewer."
    )
    for heading, counts in (
        ("By language", briefing.by_language),
        ("By channel", briefing.by_channel),
        ("By way of contributing", briefing.by_method),
    ):
        add_counts(document, heading, counts)
    _add_summary(document, briefing, level)
    document.add_heading("What recurs", level=level + 1)
    for one in [*briefing.sub_codes, *briefing.alike]:
        document.add_paragraph(
            f"{storable(one.what)}: {one.views} ({', '.join(one.references)})", style="List Bullet"
        )
    if not briefing.sub_codes and not briefing.alike:
        document.add_paragraph("No sub-code has been given, and no views are nearly the same.")
    document.add_heading("Gaps", level=level + 1)
    if briefing.silent_languages:
        document.add_paragraph(f"No approved view yet in {', '.join(briefing.silent_languages)}.")
    else:
        document.add_paragraph("There is an approved view in every language of the menu.")
    for title, lines in (
        ("Sessions held", briefing.sessions),
        ("Contributors the commission means to hear", briefing.invited),
        ("Recommended questions", briefing.theme.recommended_questions),
    ):
        document.add_heading(title, level=level + 1)
        for line in lines:
            document.add_paragraph(storable(line), style="List Bullet")
        if not lines:
            document.add_paragraph("None.")
    document.add_heading("Approved views", level=level + 1)
    for quote in briefing.quotes:
        add_quote(document, quote)
    if not briefing.quotes:
        document.add_paragraph("None yet.")


def _add_summary(document: Any, briefing: Briefing, level: int) -> None:
    summary = briefing.summary
    for heading, name, nothing in POINTS:
        document.add_heading(heading, level=level + 1)
        if summary is None:
            document.add_paragraph(NO_SUMMARY)
            continue
        points = getattr(summary, name)
        for point in points:
            add_point(document, point)
        if not points:
            document.add_paragraph(nothing)
    if summary is not None:
        document.add_paragraph(
            f"Written by the team and signed off by another person on {summary.signed_off_on} "
            f"(version {summary.number})."
        )
