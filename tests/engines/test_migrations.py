"""The schema: up, down and up again, the same as the tables, and history that cannot be rewritten."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import connect
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import ProgrammingError

from migrations.run import current, downgrade, head, upgrade
from storage.embedded import EngineAddresses
from storage.tables import metadata
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.requests import example_request

pytestmark = pytest.mark.engines

HISTORY = [
    "status_events",
    "audit_events",
    "log_leaves",
    "material_events",
    "avoided_resubmissions",
    "use_events",
    "changes",
    "consent_events",
    "delegation_events",
    "presentation_events",
    "dispute_events",
    "seal_grants",
    "seal_grant_events",
    "seal_events",
    "national_seals",
]
# The queue's own tables come with its schema; parts of a table are the table's.
ALONGSIDE = ("procrastinate_", "audit_events_p")
OF_THE_LOG = [
    "log_shards",
    "log_checkpoints",
    "log_publications",
    "log_cosignatures",
    "audit_chain",
    "audit_heads",
]


@pytest.fixture
def empty_database(engines: EngineAddresses) -> Iterator[str]:
    """A schema of its own in the vault's database: the role that the vault has makes no databases."""
    name = "migration_test"
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {name}")
    separator = "&" if "?" in engines.owner_database_url else "?"
    yield f"{engines.owner_database_url}{separator}options=-csearch_path%3D{name}"
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def connection(url: str) -> Iterator[Connection]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def test_up_down_and_up_again(empty_database: str) -> None:
    assert upgrade(empty_database) == head()
    assert downgrade(empty_database, "base") == ""
    with connection(empty_database) as db:
        left = db.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'migration_test'"))
        assert set(left.scalars()) == {"alembic_version"}
    assert upgrade(empty_database) == current(empty_database) == head()


def test_a_database_that_passed_0012_early_gets_its_functions_and_goes_back(empty_database: str) -> None:
    upgrade(empty_database)
    downgrade(empty_database, "0017")
    with connect(empty_database, autocommit=True) as db:
        now = "SELECT prosrc FROM pg_proc WHERE oid = 'audit_subjects_of'::regproc"
        source = db.execute(now).fetchone()
        # As 0012 once made it, in little: it asks for everything, and there is no `uuids_of`.
        db.execute("DROP FUNCTION uuids_of(jsonb)")
        db.execute(
            "CREATE OR REPLACE FUNCTION audit_subjects_of(e audit_events) RETURNS SETOF uuid"
            " LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN QUERY SELECT e.certificate_id; END $$"
        )
    upgrade(empty_database)
    with connect(empty_database, autocommit=True) as db:
        assert db.execute(now).fetchone() == source
        assert db.execute("SELECT uuids_of('[]')").fetchone() == ([],)
        db.execute("DROP FUNCTION uuids_of(jsonb)")
    assert downgrade(empty_database, "0011") == "0011"


def test_two_upgrades_at_once_do_not_wait_for_each_other(empty_database: str) -> None:
    """Indexes are built CONCURRENTLY by the one while the other waits for its turn."""
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(upgrade, [empty_database] * 2)) == [head(), head()]


def test_the_migrations_make_the_tables_that_the_code_knows(house: House) -> None:
    with connection(house.settings.migrating_url) as db:
        context = MigrationContext.configure(
            db, opts={"include_name": lambda name, *_: not str(name).startswith(ALONGSIDE)}
        )
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET id = DEFAULT"])
def test_history_cannot_be_rewritten(house: House, table: str, change: str) -> None:
    deposited(house, example_request(house.catalogue))
    url = house.settings.migrating_url
    with connection(url) as db, pytest.raises(ProgrammingError, match="insert-only"):
        db.execute(text(change.format(table)))


@pytest.mark.parametrize("table", [*HISTORY, *OF_THE_LOG])
def test_history_cannot_be_emptied(house: House, table: str) -> None:
    url = house.settings.migrating_url
    with connection(url) as db, pytest.raises(ProgrammingError, match="insert-only"):
        db.execute(text(f"TRUNCATE {table} CASCADE"))
