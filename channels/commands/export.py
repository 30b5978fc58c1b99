"""`ownwords export`: every sent view as a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from channels.commands.database import with_database
from channels.commands.errors import explained_errors


def export(
    format_: Annotated[str, typer.Option("--format", help="json, csv or xlsx.")] = "json",
    output: Annotated[str, typer.Option(help="The file to write; - is standard output.")] = "-",
) -> None:
    """Every sent view with its original, its English and themes; drafts and withdrawn views are left out."""
    from submissions.exports.writers import write_export

    def tell(number: int) -> None:
        typer.echo(f"{number} views", err=True)

    with explained_errors():
        with_database()
        if output == "-":
            write_export(format_, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        path = Path(output)
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            # Residents' words: for the owner's eyes only, and whole or not there at all.
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                number = write_export(format_, file, tell)
            partial.replace(path)
        except OSError as error:
            raise ValueError(f"{path.name} cannot be written: {error.strerror}") from error
        finally:
            partial.unlink(missing_ok=True)
    typer.echo(f"{number} views written to {path.name}.", err=True)
