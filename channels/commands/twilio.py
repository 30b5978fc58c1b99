"""`ownwords twilio`: the switch for sending, what does not go out, and the comparison with Twilio's list."""

from __future__ import annotations

from typing import Annotated

import typer

from channels.commands.database import with_database
from channels.commands.errors import explained_errors

app = typer.Typer(
    no_args_is_help=True, help="SMS and WhatsApp: the sending switch and the comparison with Twilio."
)
ACTOR = "command line"


@app.command()
def reconcile(days: Annotated[int, typer.Option(min=1, max=30, help="How far back.")] = 2) -> None:
    """Compare our messages with Twilio's list; take in what is missing, report what differs."""
    from channels.errors import SendError
    from channels.reconciliation import reconcile as compare

    with explained_errors():
        settings = with_database()
        try:
            found = compare(settings, days=days)
        except SendError as error:
            typer.echo(f"Twilio could not be asked: {error}", err=True)
            raise typer.Exit(1) from error
    if found is None:
        typer.echo(
            "No Twilio account is set: OWNWORDS_TWILIO_ACCOUNT_SID and OWNWORDS_TWILIO_AUTH_TOKEN.", err=True
        )
        raise typer.Exit(2)
    for line in found.lines():
        typer.echo(line)


@app.command()
def stop(reason: Annotated[str, typer.Option(help="What the team reads.")] = "stopped by hand") -> None:
    """Send nothing from now on; go on receiving."""
    from submissions.outbox import stop_sending

    with explained_errors():
        with_database()
        stop_sending(ACTOR, reason)
    typer.echo("Nothing is sent until `ownwords twilio resume`; what comes in is kept.")


@app.command()
def resume() -> None:
    """Send again, what has waited included."""
    from submissions.outbox import resume_sending

    with explained_errors():
        with_database()
        resume_sending(ACTOR)
    typer.echo("Sending again.")


@app.command()
def status() -> None:
    """What waits, is held or has failed, in counts."""
    from submissions.database import unit_of_work
    from submissions.outbox import find_sending_problems

    with explained_errors():
        with_database()
        with unit_of_work(read_only=True) as db:
            found = find_sending_problems(db)
    if not found:
        typer.echo("Everything goes out.")
        return
    if found.stopped_reason:
        typer.echo(f"sending is stopped: {found.stopped_reason}")
    if found.trouble:
        typer.echo(f"trouble at the carrier: {found.trouble}")
    typer.echo(f"waiting for more than five minutes: {found.waiting}")
    typer.echo(f"held until they write again: {found.held}")
    for reason, count in found.failed:
        typer.echo(f"failed in the last week: {count}: {reason}")
