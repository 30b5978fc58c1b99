"""`ownwords themes`: let the suggestions of themes learn from what the team decided."""

from __future__ import annotations

from typing import Annotated

import typer

from channels.commands.database import with_database
from channels.commands.errors import explained_errors

app = typer.Typer(no_args_is_help=True, help="Suggestions of themes.")


@app.callback()
def themes() -> None:
    """Suggestions of themes."""


@app.command()
def refit(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be learnt.")] = False,
    suggest_again: Annotated[
        bool, typer.Option("--suggest-again", help="Make new suggestions for all open views.")
    ] = False,
) -> None:
    """Learn from the themes that people accepted and refused, beside the exemplars of commission.yml."""
    from submissions import themes_refit

    with explained_errors():
        with_database()
        done = themes_refit.refit(dry_run=dry_run)
        typer.echo(f"{done.name}: {done.decisions} decisions about {done.views} views")
        if done.agreed_before is not None and done.agreed_after is not None:
            typer.echo(f"Suggestions agreed with the team in {done.agreed_before:.0%} of them before,")
            typer.echo(f"and in {done.agreed_after:.0%} now (the same views: less on new ones).")
        if dry_run:
            typer.echo("Nothing was changed.")
        elif suggest_again:
            typer.echo(f"New suggestions are being made for {themes_refit.suggest_again()} open views.")
