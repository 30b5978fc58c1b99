"""The front page: how many views came, from whom, what waits, and whose voices are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from submissions import charts
from submissions.census import EXAMPLE_PATH, Census, census_path, read_census
from submissions.commission import get_commission
from submissions.demo.loading import is_loaded as is_demonstration_loaded
from submissions.errors import ConfigurationError
from submissions.review.access import Permission, require
from submissions.review.queue import UNKNOWN_LANGUAGE
from submissions.review.sessions import Principal
from submissions.review.web import DeskRoute, page
from submissions.review.words import CHANNELS, language_name
from submissions.statistics import Figures, compare_voices, is_being_counted, recent_figures

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Reader = Annotated[Principal, Depends(require(Permission.READ_RECORD))]


@router.get("/overview")
def show_overview(request: Request, principal: Reader) -> Response:
    census: Census | None = None
    census_problem = ""
    try:
        census = read_census(census_path())
        if census is None and is_demonstration_loaded():
            census = read_census(EXAMPLE_PATH)  # its source says that it is invented
    except ConfigurationError as error:
        census_problem = str(error)
    figures = recent_figures(now="now" in request.query_params)
    return page(
        request,
        "overview.html",
        principal,
        figures=figures,
        is_being_counted=is_being_counted(),
        columns=charts.columns([(f"{day.day} {day:%b %Y}", number) for day, number in figures.over_time]),
        columns_size=(charts.COLUMNS_WIDTH, charts.COLUMNS_HEIGHT),
        bar_length=charts.bar_length,
        census=census,
        census_problem=census_problem,
        voices=compare_voices(figures, census) if census else [],
        tables=_tables(figures),
    )


@dataclass(frozen=True)
class Table:
    """Numbers with a bar each; a row is (label, views, address of the list that shows them)."""

    id: str
    caption: str
    what: str
    rows: list[tuple[str, int, str]]


def _tables(figures: Figures) -> list[Table]:
    methods = {way.key: way.name for way in get_commission().ways_of_contributing}
    themes = [(theme, _list_of(theme=theme.key)) for theme in figures.themes]
    return [
        Table(
            "by-theme",
            "Themes a person accepted",
            "Theme",
            [(theme.name, theme.accepted, address) for theme, address in themes],
        ),
        Table(
            "by-suggestion",
            "Themes only suggested by a machine",
            "Theme",
            [(theme.name, theme.suggested, address) for theme, address in themes],
        ),
        Table(
            "by-language",
            "Languages",
            "Language",
            [
                (language_name(code), number, _list_of(language=code or UNKNOWN_LANGUAGE))
                for code, number in figures.languages
            ],
        ),
        Table(
            "by-channel",
            "Channels",
            "Channel",
            [(CHANNELS.get(key, key), number, _list_of(channel=key)) for key, number in figures.channels],
        ),
        Table(
            "by-method",
            "Ways of contributing",
            "Way",
            [
                (methods.get(key, key.capitalize()), number, _list_of(method=key))
                for key, number in figures.methods
            ],
        ),
    ]


def _list_of(**filters: str) -> str:
    return f"/desk?{urlencode(filters)}"
