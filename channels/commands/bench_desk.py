"""`ownwords bench desk`, `bench vectors` and `bench paper`: what a large record costs."""

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


def bench_vectors(
    views: Annotated[int, typer.Option(help="How many vectors.")] = 100_000,
    postgresql: Annotated[
        str, typer.Option(help="Address of a PostgreSQL server; empty measures SQLite.")
    ] = "",
) -> None:
    """Searching by meaning: our scan, sqlite-vec and pgvector, in a database made for it."""
    from channels.benchmarks import vectors

    with explained_errors():
        typer.echo(f"{views:,} vectors: p50 and processor in ms, share of the scan's answers found")
        for line in vectors.bench_vectors(views, postgresql or None):
            if line.p50_ms is None:
                typer.echo(f"  {line.name:26} {line.note}")
                continue
            typer.echo(
                f"  {line.name:26} {line.p50_ms:9.1f} {line.processor_ms:9.1f} {line.found:7.3f}  {line.note}"
            )


def bench_paper(
    forms: Annotated[int, typer.Option(help="How many paper forms.")] = 5_000,
    postgresql: Annotated[
        str, typer.Option(help="Address of a PostgreSQL server; empty measures SQLite.")
    ] = "",
) -> None:
    """How long residents' messages wait while so many paper forms are taken in."""
    from channels.benchmarks import paper

    with explained_errors():
        load = os.getloadavg()[0]
        measured = paper.bench_paper(forms, postgresql or None)
        typer.echo(
            f"{measured.forms:,} forms in {measured.seconds:.1f} s; {measured.messages} messages meanwhile "
            f"waited {measured.median_wait_seconds * 1000:.0f} ms (median), "
            f"{measured.longest_wait_seconds * 1000:.0f} ms at most; load {load:.1f}"
        )
