"""`ownwords`: every part of the system from a shell. Imports are inside the commands, so each starts fast."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from channels.commands import bench_desk, demo, export, interpreters, languages, speech_bench, themes, twilio
from channels.commands.database import with_database
from channels.commands.errors import explained_errors
from channels.settings import get_settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Own Words: residents' views, in their own words."
)
retention_app = typer.Typer(no_args_is_help=True, help="What is kept, and for how long.")
desk_user_app = typer.Typer(no_args_is_help=True, help="Who may sign in on the desk.")
api_token_app = typer.Typer(no_args_is_help=True, help="Bearer tokens for the desk's API.")
app.add_typer(demo.app, name="demo")
app.add_typer(languages.app, name="languages")
app.command()(export.export)
app.add_typer(interpreters.app, name="interpreters")
app.add_typer(themes.app, name="themes")
app.add_typer(twilio.app, name="twilio")
app.add_typer(retention_app, name="retention")
app.add_typer(desk_user_app, name="desk-user")
bench_app = typer.Typer(no_args_is_help=True, help="Measure; docs/figures.md says what and why.")
bench_app.command("desk")(bench_desk.bench_desk)
bench_app.command("vectors")(bench_desk.bench_vectors)
bench_app.command("paper")(bench_desk.bench_paper)
bench_app.command("speech")(speech_bench.bench_speech)
app.add_typer(bench_app, name="bench")
app.add_typer(api_token_app, name="api-token")

Record = dict[str, Any]
ROLES_HELP = "viewer, commission_member, translator, reviewer, safeguarding_lead, manager or admin."


def read_json_lines(lines: Iterable[str]) -> Iterator[Record]:
    """One dict a line, same count: a line that is no JSON object becomes {"error": ...} in its place."""
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError as error:
            record = {"error": f"line {number} is not JSON: {error}"}
        if not isinstance(record, dict):
            record = {"error": f"line {number} is not a JSON object"}
        elif "error" not in record and not isinstance(record.get("text"), str):
            record = {"error": f'line {number} has no "text"'}
        yield record


def answer_json_lines(answer: Callable[[Iterable[Record]], Iterable[Record]]) -> None:
    """Standard input to standard output, a line at a time, in order, without holding the whole."""
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for record in answer(read_json_lines(sys.stdin)):
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
        sys.stdout.flush()


JsonLines = Annotated[bool, typer.Option("--jsonl", help="JSON Lines on standard input and output.")]


@app.command()
def detect(jsonl: JsonLines = True) -> None:
    """Tell the language of each text: `lang` (BCP 47 or null) and `confidence`."""
    from translations.lines import detect_lines

    answer_json_lines(detect_lines)


@app.command()
def translate(
    jsonl: JsonLines = True, to: Annotated[str, typer.Option(help="Target language.")] = "en"
) -> None:
    """Translate each text, offline: `translation`, `engine`, `quality`, `flags`."""
    from submissions.translation_jobs import open_commission_registry
    from translations.lines import translate_lines

    registry = open_commission_registry(get_settings())
    try:
        answer_json_lines(lambda records: translate_lines(records, registry=registry, to=to))
    finally:
        registry.close()


@app.command()
def tag(jsonl: JsonLines = True) -> None:
    """Propose themes for each text, and whether it tells of danger: `themes`, `danger`."""
    from submissions.theme_finding import tag_lines

    answer_json_lines(tag_lines)


@app.command()
def sms(jsonl: JsonLines = True) -> None:
    """What each text costs as SMS: `encoding`, `units`, `parts`."""
    from channels.sms_text import sms_lines

    answer_json_lines(sms_lines)


@app.command()
def understand(jsonl: JsonLines = True) -> None:
    """What the running assistant takes each text for: `intent`, `confidence`."""
    from channels.rasa_client import RasaClient
    from channels.start import internal_token

    settings = get_settings()
    client = RasaClient(settings.resolved_bot_url, internal_token(settings))
    answer_json_lines(client.understand_lines)


@app.command()
def setup() -> None:
    """Prepare this machine: commission, database, assistant, first reviewer."""
    from channels import start

    with explained_errors():
        start.prepare(get_settings())


@app.command()
def run() -> None:
    """Prepare, then start everything; Ctrl-C stops it."""
    from channels import start

    with explained_errors():
        start.run(get_settings())


@app.command(hidden=True)
def announce() -> None:
    """Wait until everything answers and print the addresses (a part of `run`)."""
    from channels import start

    if not start.announce(get_settings()):
        raise typer.Exit(1)


@app.command()
def web() -> None:
    """The web pages and the gateway alone."""
    import uvicorn

    from channels.app import create_app
    from channels.only_one import only_web_part

    with explained_errors():
        settings = with_database()
        with only_web_part(settings.data):
            uvicorn.run(
                create_app(settings),
                host=settings.host,
                port=settings.port,
                log_level="warning",
                server_header=False,
                # Event streams stay open for ever; do not wait for them when asked to stop.
                timeout_graceful_shutdown=3,
            )


@app.command()
def worker() -> None:
    """The background jobs alone: translation, themes, sweeping, retention."""
    from channels.worker import run_worker

    with explained_errors():
        run_worker(with_database())


@bench_app.command("webhooks")
def bench_webhooks(
    per_second: Annotated[int, typer.Option(help="Messages a second.")] = 100,
    seconds: Annotated[int, typer.Option(help="For how long.")] = 20,
    database_url: Annotated[str, typer.Option(help="An empty database; SQLite if not given.")] = "",
) -> None:
    """How fast webhooks are answered while the assistant is stopped (starts a web process of its own)."""
    from channels.benchmarks import webhooks

    measured = webhooks.bench_webhooks(per_second=per_second, seconds=seconds, database_url=database_url)
    for line in measured.lines():
        typer.echo(line)


@bench_app.command("translate")
def bench_translate(
    sentences: Annotated[int, typer.Option(help="Sentences of 15 words.")] = 64,
    rounds: Annotated[int, typer.Option(help="Times each way is measured; the median counts.")] = 3,
    libretranslate: Annotated[
        str | None, typer.Option(help="Address of a LibreTranslate server that has this model.")
    ] = None,
    write_package: Annotated[
        Path | None, typer.Option(help="Only write the model, for LibreTranslate, to this file.")
    ] = None,
) -> None:
    """Our batches against raw CTranslate2, Argos and LibreTranslate, on a model of official size."""
    from translations import benchmark, libretranslate_bench

    if write_package:
        typer.echo(benchmark.write_package(write_package, sentences))
        return
    try:
        measured = benchmark.bench_translate(
            sentences=sentences, rounds=rounds, libretranslate=libretranslate
        )
    except libretranslate_bench.LibreTranslateError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for line in measured.lines():
        typer.echo(line)


@bench_app.command("chat")
def bench_chat(turns: Annotated[int, typer.Option(help="Turns of each kind.")] = 60) -> None:
    """A turn of the web chat over the same turn of the assistant alone (the system must be running)."""
    from channels.benchmarks import chat
    from channels.start import internal_token

    settings = get_settings()
    measured = chat.bench_chat(
        gateway_url=f"http://127.0.0.1:{settings.port}",
        bot_url=settings.resolved_bot_url,
        token=internal_token(settings),
        turns=turns,
    )
    for line in measured.lines():
        typer.echo(line)


@app.command()
def erase(
    reference: str,
    yes: Annotated[bool, typer.Option("--yes", help="Really erase; there is no way back.")] = False,
) -> None:
    """Erase one submission from every place that holds it."""
    from channels.forgetting import register_stores
    from submissions.addresses import configure_keys
    from submissions.erasure import erase as erase_submission

    if not yes:
        typer.echo(f"This would erase {reference} for good. Say so with --yes.", err=True)
        raise typer.Exit(2)
    with explained_errors():
        settings = with_database()
        configure_keys(settings)
        register_stores(settings)
        typer.echo(erase_submission(reference))


@retention_app.command("run")
def retention_run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Delete what has been kept for as long as commission.yml says."""
    from channels.forgetting import register_stores
    from submissions.addresses import configure_keys
    from submissions.retention import run_retention

    with explained_errors():
        settings = with_database()
        configure_keys(settings)
        register_stores(settings)
        for line in run_retention(dry_run=dry_run):
            typer.echo(line)


@desk_user_app.command("add")
def desk_user_add(
    username: str,
    name: Annotated[str, typer.Option(help="The name colleagues see.")] = "",
    role: Annotated[str, typer.Option(help=ROLES_HELP)] = "reviewer",
    theme: Annotated[list[str] | None, typer.Option(help="Of a commission member; may be repeated.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="Of a translator; may be repeated.")] = None,
    reset_second_factor: Annotated[
        bool, typer.Option("--reset-second-factor", help="Take an authenticator app away that is gone.")
    ] = False,
) -> None:
    """Let somebody sign in on the desk; prints a one-time password."""
    from submissions.review.accounts import add_reviewer
    from submissions.review.managing_accounts import Scope

    with explained_errors():
        with_database()
        scope = Scope(role, theme or [], language or []).checked()
        password = add_reviewer(
            username,
            name or username,
            scope.role,
            themes=scope.themes,
            languages=scope.languages,
            reset_second_factor=reset_second_factor,
        )
    typer.echo(f"{username} may sign in. One-time password: {password}")


@api_token_app.command("add")
def api_token_add(
    name: str,
    role: Annotated[str, typer.Option(help=ROLES_HELP)] = "viewer",
    days: Annotated[int, typer.Option(help="How long it is valid.")] = 90,
    language: Annotated[list[str] | None, typer.Option(help="Of a translator; may be repeated.")] = None,
) -> None:
    """Make a bearer token for the desk's API; it is shown this once."""
    from submissions.review.accounts import create_api_token
    from submissions.review.managing_accounts import Scope

    with explained_errors():
        with_database()
        scope = Scope(role, (), language or []).checked()
        typer.echo(create_api_token(name, scope.role, days, languages=scope.languages))


if __name__ == "__main__":
    app()
