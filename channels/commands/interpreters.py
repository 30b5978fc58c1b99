"""`ownwords interpreters`: what waits for a person's translation, files for it, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from channels.commands.database import with_database
from channels.commands.errors import explained_errors

app = typer.Typer(no_args_is_help=True, help="Work for interpreters.")


@app.command("list")
def list_() -> None:
    """How many sentences wait in each language, and since when."""
    from submissions.database import unit_of_work
    from submissions.interpreters import queue

    with explained_errors():
        with_database()
        with unit_of_work(read_only=True) as db:
            for row in queue.by_language(db):
                amount = f"{row.sentences} sentences, {row.submissions} views"
                typer.echo(f"{row.language or 'und':<5} {amount}, since {row.oldest_at:%Y-%m-%d}")


@app.command()
def export(
    language: str,
    output: Annotated[Path, typer.Option(help="A file that ends in .xlsx or .docx.")],
) -> None:
    """Write the sentences of one language that wait, with an empty column for their English."""
    from submissions.database import unit_of_work
    from submissions.interpreters import files, queue

    with explained_errors():
        with_database()
        with unit_of_work(read_only=True) as db:
            lines = queue.lines(db, None if language == "und" else language)
        output.write_bytes(files.write(output.suffix.removeprefix("."), lines, language))
    typer.echo(f"{len(lines)} sentences")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    interpreter: Annotated[str, typer.Option(help="Name of the interpreter.")],
    leave_empty: Annotated[
        bool, typer.Option("--leave-empty", help="Leave rows without English as they are.")
    ] = False,
) -> None:
    """Take in what an interpreter returned: all of it, or nothing when a row is wrong."""
    from submissions.database import unit_of_work
    from submissions.interpreters import files, returns

    with explained_errors():
        with_database()
        rows = files.read(file.read_bytes())
        with unit_of_work() as db:
            result = returns.take_in(
                db, rows, interpreter=interpreter, actor="system", leave_empty=leave_empty
            )
    for remark in [*result.faults, *result.empty, *result.kept]:
        typer.echo(f"row {remark.place} {remark.reference}: {remark.words}", err=True)
    if result.faults or (result.empty and not leave_empty):
        typer.echo("Nothing was taken in.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{len(result.taken)} sentences taken in, {result.unchanged} had been before")
