"""`ownwords bench speech`: the real-time factor of transcription on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from channels.commands.errors import explained_errors
from channels.settings import get_settings


def bench_speech(
    recording: Annotated[Path, typer.Argument(exists=True, help="A recording of about 20 seconds.")],
    language: Annotated[str, typer.Option(help="The conversation's language.")] = "en",
    runs: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """Transcribe a recording several times, and compare the time with its length."""
    from channels.benchmarks.speech import bench_speech as measure
    from translations.speech.model import installed_model

    model = installed_model(get_settings().data)
    if model is None:
        typer.echo("The speech model is not installed: ownwords languages install --speech", err=True)
        raise typer.Exit(1)
    with explained_errors():
        for line in measure(recording, model, language=language, runs=runs).lines():
            typer.echo(line)
