"""Our own errors as a command says them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def explained_errors() -> Iterator[None]:
    """Our own errors end a command with their sentence and status 1, not with a traceback."""
    from submissions.errors import SubmissionError
    from translations.errors import TranslationError

    try:
        yield
    except (SubmissionError, TranslationError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
