"""`ownwords bench desk`."""

from __future__ import annotations

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
        typer.echo(f"{views:,} views, {'PostgreSQL' if postgresql else 'SQLite'}: p50 and p95 in ms")
        for line in desk.bench_desk(views, postgresql or None):
            typer.echo(f"  {line.name:26} {line.p50_ms:9.1f} {line.p95_ms:9.1f}")
