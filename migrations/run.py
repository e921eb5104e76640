"""Bringing the schema up (or, in tests, down)."""

from collections.abc import Callable
from pathlib import Path
from time import sleep

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from migrations.protection import protect, protect_rows

# A migration that waits longer for a lock blocks everybody behind it: better to give up and try again.
LOCK_TIMEOUT_MS = 3_000
# Two processes that upgrade at once: one works, the other waits for it and finds nothing to do.
UPGRADE_LOCK = 0x63657274  # "cert"
TURN_POLL_S = 0.1


def upgrade(database_url: str, revision: str = "head", *, service_url: str | None = None) -> str:
    """Runs the versions up to `revision`; the revision that the database has afterwards.

    `database_url`: as the owner of the tables. `service_url`: as the role that serves, which gets its rights;
    without it, or where it is the owner, nobody does.
    """
    service = None if service_url is None else role_of(service_url)

    def act(connection: Connection, config: Config) -> None:
        command.upgrade(config, revision)
        connection.commit()
        there = _revision(connection)
        connection.commit()
        if there == head():  # what is declared is about the newest tables
            protect_rows(connection)
        owner = connection.execute(text("SELECT current_user")).scalar_one()
        connection.commit()
        if service not in {None, owner}:
            protect(connection, str(service))

    return _run(database_url, act)


def role_of(database_url: str) -> str:
    """The role as which this address comes in."""
    engine = create_engine(_driver(database_url))
    try:
        with engine.connect() as connection:
            return str(connection.execute(text("SELECT current_user")).scalar_one())
    finally:
        engine.dispose()


def downgrade(database_url: str, revision: str) -> str:
    """Runs the versions back down to `revision`."""
    return _run(database_url, lambda _, config: command.downgrade(config, revision))


def head() -> str:
    """The newest revision that this release knows."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def current(database_url: str) -> str:
    """The revision that the database has; empty before the first one."""
    engine = create_engine(_driver(database_url))
    try:
        with engine.connect() as connection:
            return _revision(connection)
    finally:
        engine.dispose()


def _run(database_url: str, action: Callable[[Connection, Config], None]) -> str:
    engine = create_engine(_driver(database_url))
    try:
        with engine.connect() as connection:
            _wait_for_turn(connection)
            connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}"))
            connection.commit()
            config = _config()
            config.attributes["connection"] = connection
            action(connection, config)
            connection.commit()
            return _revision(connection)
    finally:
        engine.dispose()


def _wait_for_turn(connection: Connection) -> None:
    """Asks again and again instead of waiting inside a statement.

    A statement that waits holds a snapshot, and CREATE INDEX CONCURRENTLY of the process that works waits
    for every older snapshot: the two would wait for each other.
    """
    while not connection.execute(
        text("SELECT pg_try_advisory_lock(:key)"), {"key": UPGRADE_LOCK}
    ).scalar_one():
        connection.commit()
        sleep(TURN_POLL_S)
    connection.commit()


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def _driver(database_url: str) -> str:
    return database_url.replace("postgresql://", "postgresql+psycopg://", 1)
