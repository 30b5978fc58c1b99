"""What `commission.yml` puts into the wording: names, dates and help lines, written for one language."""

from __future__ import annotations

import datetime as dt

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton

from channels.errors import UnknownMessageKey
from channels.wording import FALLBACK_LANGUAGE, wording
from submissions.commission import Commission, HelpLine

EMERGENCY_TOPIC = "emergency"
PUBLIC_SERVICE_TOPICS = frozenset({EMERGENCY_TOPIC, "crime"})


def commission_arguments(commission: Commission, language: str | None) -> dict[str, str]:
    """What any wording may name: council, commission, contact, help_lines, number (for emergencies),
    evidence_period and report_date."""
    report = max(commission.programme, key=lambda item: item.ends or item.starts)
    # Gathering takes a span of time; launches, meetings and papers are single months.
    evidence = [item for item in commission.programme if item.ends] or [report]
    first = min(item.starts for item in evidence)
    last = max(item.ends or item.starts for item in evidence)
    period = [month_in_words(month, language) for month in dict.fromkeys((first, last))]
    return {
        "council": commission.council,
        "commission": commission.title,
        "contact": commission.contact.email,
        "evidence_period": " - ".join(period),
        "report_date": month_in_words(report.ends or report.starts, language),
        "help_lines": "\n".join(help_line_in_words(line, language) for line in commission.help_lines),
        "number": emergency_number(commission),
    }


def month_in_words(month: str, language: str | None) -> str:
    """ "2016-06" as "June 2016" in that language, standing alone (not inflected as inside a date)."""
    try:
        locale = Locale.parse(language or FALLBACK_LANGUAGE)
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse(FALLBACK_LANGUAGE)
    return str(format_skeleton("yMMMM", dt.date.fromisoformat(f"{month}-01"), locale=locale))


def help_line_in_words(line: HelpLine, language: str | None) -> str:
    """One line: what it is for, its name, and how to reach it.

    The purpose is in the language where the catalogues know this help line, else as commission.yml says it.
    """
    is_emergency = EMERGENCY_TOPIC in line.topics
    ways = " / ".join(way for way in (line.number, line.website) if way)
    try:
        purpose = wording("help_emergency" if is_emergency else f"help_{line.key}", language).text
    except UnknownMessageKey:
        purpose = f"{line.name}. {line.when.rstrip('.')}"
    else:
        # The police are named by what they are for; an organisation has a name of its own.
        if not PUBLIC_SERVICE_TOPICS & set(line.topics):
            return f"{purpose}: {line.name} {ways}"
    return f"{purpose}: {ways}"


def emergency_number(commission: Commission) -> str:
    """The number to call in danger; the first help line's where none is for emergencies."""
    emergency = [line for line in commission.help_lines if EMERGENCY_TOPIC in line.topics and line.number]
    first = (emergency or [line for line in commission.help_lines if line.number] or commission.help_lines)[0]
    return first.number or first.website or ""
