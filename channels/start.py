"""Prepares a fresh machine and starts everything under one supervisor.

`prepare` is safe to repeat and does again only what changed. The parts run under supervisord (restarted when
they die, all stopped on Ctrl-C); `announce` is one of them: it waits until everything answers and
says where it is.
"""

from __future__ import annotations

import os
import secrets
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from channels.settings import Settings
from channels.simulator.local import with_simulator
from submissions.errors import ConfigurationError
from submissions.settings import PROJECT_FOLDER

BOT_PYTHON = PROJECT_FOLDER / ".venv-bot/bin/python"
FIRST_SIGN_IN = "first_sign_in"  # file in the data folder; removed once it has been shown
START_LIMIT_SECONDS = 180


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def internal_token(settings: Settings) -> str:
    """The secret between gateway and assistant: the setting, else made once in the data folder (mode 600)."""
    if settings.internal_token:
        return settings.internal_token
    path = settings.data / "internal_token"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        token = secrets.token_urlsafe(32)
        file.write(token)
    return token


def prepare(settings: Settings) -> None:
    """Everything that must stand before the parts can start, each step said in plain words.

    Raises ConfigurationError, naming what is wrong, when `commission.yml`, a setting or the assistant's
    training is at fault.
    """
    from submissions import commission, database, themes
    from submissions.review import accounts

    settings.data.mkdir(parents=True, exist_ok=True)
    say("Reading commission.yml")
    loaded = commission.load_commission(settings.commission)
    say(f"  {loaded.title}: {len(loaded.themes)} themes, {len(loaded.languages)} languages")
    say("Bringing the database up to date")
    database.configure(settings.resolved_database_url)
    database.migrate()
    say("Learning how residents may speak of the themes")
    themes.prepare()
    train_assistant()
    internal_token(settings)
    first = accounts.ensure_first_reviewer()
    if first is not None:
        username, password = first
        path = settings.data / FIRST_SIGN_IN
        path.touch(mode=0o600)
        path.write_text(f"{username}\n{password}\n")


def train_assistant() -> None:
    """Train the assistant if its files changed since the last time; about four minutes on two cores."""
    if not BOT_PYTHON.exists():
        raise ConfigurationError("the assistant's environment is missing: run 'make setup'")
    say("Looking whether the assistant has to learn anything new")
    result = subprocess.run([BOT_PYTHON, "-m", "bot.train"], cwd=PROJECT_FOLDER, env=child_environment())
    if result.returncode != 0:
        raise ConfigurationError("the assistant could not be trained; the reason is printed above")


def child_environment(settings: Settings | None = None) -> dict[str, str]:
    """Our environment for a part: one OpenMP thread (spinning ones cost five times as much), no telemetry."""
    environment = dict(os.environ)
    environment.setdefault("OMP_NUM_THREADS", "1")
    environment["RASA_TELEMETRY_ENABLED"] = "false"
    environment["PYTHONUNBUFFERED"] = "1"
    # The assistant's libraries speak to their own developers; a newcomer should read our words only.
    environment.setdefault("PYTHONWARNINGS", "ignore")
    environment.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    if settings is not None:
        environment["OWNWORDS_PORT"] = str(settings.port)
        environment["OWNWORDS_DATA"] = str(settings.data.resolve())
        environment["OWNWORDS_INTERNAL_TOKEN"] = internal_token(settings)
    return environment


def check_ports_are_free(settings: Settings) -> None:
    """Raises ConfigurationError, naming the port, when one of ours is taken."""
    for port in (settings.port, settings.bot_port, settings.actions_port):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                raise ConfigurationError(
                    f"port {port} is taken by another program: stop it, or set OWNWORDS_PORT to another port"
                ) from error


def supervisor_configuration(settings: Settings) -> str:
    """The text of supervisord's configuration for these settings. Source: http://supervisord.org/configuration.html"""
    logs = settings.data.resolve() / "logs"
    ownwords = shlex.quote(str(Path(sys.executable).with_name("ownwords")))
    bot = shlex.quote(str(BOT_PYTHON))
    # Per cent signs are supervisord's own expansions.
    parts = {
        "bot": (f"{bot} -m bot.run bot", 10),
        "actions": (f"{bot} -m bot.run actions", 10),
        "web": (f"{ownwords} web", 10),
        "worker": (f"{ownwords} worker", 30),
    }
    text = (
        "[supervisord]\nnodaemon = true\nsilent = true\n"
        f"logfile = {logs}/supervisor.log\npidfile = {settings.data.resolve()}/supervisor.pid\n"
        f"directory = {PROJECT_FOLDER}\n" + ("user = root\n" if os.geteuid() == 0 else "")
    )
    for name, (command, stop_seconds) in parts.items():
        text += (
            f"\n[program:{name}]\ncommand = {command}\nautorestart = true\nstartsecs = 2\nstartretries = 10\n"
            f"stopasgroup = true\nkillasgroup = true\nstopwaitsecs = {stop_seconds}\n"
            f"redirect_stderr = true\nstdout_logfile = {logs}/{name}.log\n"
            "stdout_logfile_maxbytes = 5MB\nstdout_logfile_backups = 2\n"
        )
    text += (
        f"\n[program:announce]\ncommand = {ownwords} announce\nautorestart = false\nstartsecs = 0\n"
        "stdout_logfile = /dev/fd/1\nstdout_logfile_maxbytes = 0\nredirect_stderr = true\n"
    )
    return text.replace("%", "%%")


def run(settings: Settings) -> None:
    """Prepare, then become supervisord: Ctrl-C reaches it, and it stops all parts."""
    prepare(settings)
    check_ports_are_free(settings)
    (settings.data / "logs").mkdir(exist_ok=True)
    configuration = settings.data / "supervisor.conf"
    configuration.write_text(supervisor_configuration(settings))
    say("Starting; the assistant takes about 20 seconds (logs are in " + str(settings.data / "logs") + ")")
    supervisord = str(Path(sys.executable).with_name("supervisord"))
    os.chdir(PROJECT_FOLDER)
    os.execve(supervisord, [supervisord, "-c", str(configuration.resolve())], child_environment(settings))


def announce(settings: Settings) -> bool:
    """Wait for the whole to answer, then print the addresses and, once, the first reviewer's password."""
    address = f"http://{settings.host}:{settings.port}"
    started = time.monotonic()
    waiting_for = "the web pages"
    while time.monotonic() - started < START_LIMIT_SECONDS:
        try:
            response = httpx.get(f"{address}/health", timeout=5)
        except httpx.HTTPError:
            time.sleep(0.3)
            continue
        if response.status_code == 200:
            break
        parts = response.json().get("parts", {})
        waiting_for = (
            ", ".join(name for name, part in parts.items() if part.get("status") != "up") or waiting_for
        )
        time.sleep(0.5)
    else:
        say(f"Not everything started: still waiting for {waiting_for}. See {settings.data / 'logs'}")
        return False
    say(f"\nOwn Words is ready, {time.monotonic() - started:.0f} s after the start.\n")
    say(f"  Residents write here   {address}/")
    say(f"  The team reads here    {address}/desk")
    if with_simulator(settings).simulator:
        say(f"  Try SMS and WhatsApp   {address}/simulator")
    first = settings.data / FIRST_SIGN_IN
    if first.exists():
        username, password = first.read_text().split("\n")[:2]
        say(f"\n  First sign-in on the desk: {username}   one-time password: {password}")
        say("  (shown this once; you will choose your own)")
        first.unlink()
    say("\nCtrl-C stops everything.")
    return True
