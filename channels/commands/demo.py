"""`ownwords demo`: demonstration data in, and out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from channels.commands.database import with_database
from channels.commands.errors import explained_errors

if TYPE_CHECKING:
    from submissions.conversations import OutboundMessage

PAYLOADS = {"option_agree": "affirm", "option_disagree": "deny", "option_finish": "deny"}

app = typer.Typer(no_args_is_help=True, help="Demonstration data, for looking round.")


@app.command()
def load(
    leave_to_worker: Annotated[
        bool,
        typer.Option("--leave-to-worker", help="Do not translate and propose themes here; a worker runs."),
    ] = False,
    beside_real: Annotated[
        bool, typer.Option("--beside-real", help="Also where residents' views are, which it is counted with.")
    ] = False,
) -> None:
    """Add 300 made-up views in twenty languages, marked as demonstration; again: adds what is missing."""
    from channels.follow_ups import default_wording
    from submissions import jobs, outcomes
    from submissions.demo import coding, forums, loading, results, sessions, stakeholders
    from submissions.follow_ups.texts import use_default_wording

    with explained_errors():
        with_database()
        if not beside_real:
            loading.must_stand_alone()
        loaded = loading.load(say=say_as_a_channel)
        added_sessions = sessions.load()
        added_stakeholders = stakeholders.load()
        has_round = coding.load()
        use_default_wording(default_wording)
        added_forums = forums.load()
        added_summaries, added_outcomes = results.load()
        typer.echo(f"{loaded.added} demonstration views added, {loaded.there_before} were there before.")
        typer.echo(f"{added_sessions} evidence sessions added.")
        typer.echo(f"{added_stakeholders} stakeholders added.")
        if has_round:
            typer.echo("A round of coding by two people added, with sub-codes and evidence.")
        typer.echo(f"{added_forums} open forums added, with follow-ups; nothing is sent.")
        typer.echo(f"{added_summaries} summaries of themes and {added_outcomes} outcomes added.")
        if (loaded.added or added_sessions) and not leave_to_worker:
            typer.echo("Translating them and proposing themes; this takes a minute or two ...")
            typer.echo(f"{jobs.run_due_jobs()} jobs done.")
            outcomes.translate_waiting()
    typer.echo("Their references begin with OW-DEM0. `ownwords demo remove` takes them out again.")


@app.command()
def remove() -> None:
    """Take all demonstration data out again; real views stay."""
    from submissions.demo import coding, forums, loading, results, sessions, stakeholders

    with explained_errors():
        with_database()
        coding.remove()
        gone_summaries, gone_outcomes = results.remove()
        typer.echo(f"{gone_summaries} demonstration summaries and {gone_outcomes} outcomes removed.")
        typer.echo(f"{forums.remove()} demonstration forums removed.")
        typer.echo(f"{stakeholders.remove()} demonstration stakeholders removed.")
        typer.echo(f"{sessions.remove()} demonstration sessions removed.")
        typer.echo(f"{loading.remove()} demonstration views removed.")


def say_as_a_channel(
    key: str, arguments: dict[str, Any], options: Sequence[str], language: str | None, channel: str
) -> OutboundMessage:
    from channels.rendering import render
    from submissions.conversations import OutboundMessage

    shown = [{"key": option, "payload": PAYLOADS[option]} for option in options]
    said = render(key, arguments, shown, language, channel)
    return OutboundMessage(
        message_key=key,
        arguments=arguments,
        text=said.text,
        blocks=said.blocks,
        options=said.options,
        language=said.language,
    )
