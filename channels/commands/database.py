"""The database as a command needs it."""

from __future__ import annotations

from channels.settings import Settings, get_settings


def with_database() -> Settings:
    """The settings (with the simulator's account where it takes Twilio's place); the database is migrated."""
    from channels.simulator.local import with_simulator
    from submissions import database

    settings = with_simulator(get_settings())
    settings.data.mkdir(parents=True, exist_ok=True)
    database.configure(settings.resolved_database_url)
    database.migrate()
    return settings
