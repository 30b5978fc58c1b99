"""`ownwords bench desk`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from channels.commands.errors import explained_errors


def bench_desk(
    views: Annotated[int, typer.Option(help="How many submissions.")] = 100_000,
    postgresql: Annotated[
        str, typer.Option(help="Address of a PostgreSQL server; empty measures SQLite.")
    ] = "",
) -> None:
    """The desk's list, filters, search and "next" with so many submissions, in a database made for it."""
    from channels.benchmarks import desk

    with explained_errors():
        where = "PostgreSQL" if postgresql else "SQLite"
        typer.echo(
            f"{views:,} views, {where}: p50, p95, least, processor in ms; load {os.getloadavg()[0]:.1f}"
        )
        for line in desk.bench_desk(views, postgresql or None):
            times = (line.p50_ms, line.p95_ms, line.least_ms, line.processor_ms)
            typer.echo(f"  {line.name:26}" + "".join(f"{one:10.1f}" for one in times))
