"""The audit events in parts: divided with writers at work, made ahead of need, and as closed as one table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from migrations.run import downgrade, upgrade
from storage.embedded import EngineAddresses
from storage.tables import metadata
from tests.conftest import House
from vault.audit_parts import make_room, room_ahead
from vault.errors import IntegrityError

pytestmark = pytest.mark.engines

SCHEMA = "parts_test"
PART_IDS = 100_000_000
_WRITE = (
    "INSERT INTO audit_events (at, actor, action, details)"
    " VALUES (now(), 'nobody', 'view', jsonb_build_object('holder', gen_random_uuid()))"
)
_PARTS = "SELECT relid::regclass::text FROM pg_partition_tree('audit_events') WHERE isleaf ORDER BY relid"


@pytest.fixture
def schema(engines: EngineAddresses) -> Iterator[str]:
    """A schema of its own, as a database's address."""
    with psycopg.connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {SCHEMA}".encode())
    separator = "&" if "?" in engines.owner_database_url else "?"
    yield f"{engines.owner_database_url}{separator}options=-csearch_path%3D{SCHEMA}"
    with psycopg.connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())


@contextmanager
def writers(url: str, many: int = 2) -> Iterator[list[int]]:
    """Looks that go on meanwhile, by statements that were prepared before; at the end how many each wrote."""
    ended, begun = Event(), [Event() for _ in range(many)]

    def write(first: Event) -> int:
        written = 0
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as db:
            while not ended.is_set():
                db.execute(_WRITE)
                written += 1
                first.set()
        return written

    counts: list[int] = []
    with ThreadPoolExecutor(many) as pool:
        under_way = [pool.submit(write, first) for first in begun]
        try:
            assert all(first.wait(30) for first in begun)
            yield counts
        finally:
            ended.set()
        counts += [each.result() for each in under_way]


def test_it_is_divided_and_put_together_again_while_others_write(schema: str) -> None:
    upgrade(schema, "0024")
    with psycopg.connect(schema, autocommit=True) as db:
        with writers(schema) as counts:
            upgrade(schema)
        assert len(db.execute(_PARTS).fetchall()) == 3
        _all_there(db, sum(counts))
        db.execute(
            "INSERT INTO audit_events (id, at, actor, action, details) OVERRIDING SYSTEM VALUE"
            " VALUES (%s, now(), 'nobody', 'view', jsonb_build_object('holder', %s::text))",
            [PART_IDS + 5, str(uuid4())],
        )
        with writers(schema) as more:
            downgrade(schema, "0024")
        _all_there(db, sum(counts) + 1 + sum(more))
        kind = db.execute("SELECT relkind FROM pg_class WHERE oid = 'audit_events'::regclass").fetchone()
        assert kind == ("r",)
    assert upgrade(schema)


def _all_there(db: psycopg.Connection[tuple[object, ...]], written: int) -> None:
    """No event was lost or numbered twice, and the trigger filed each under whom it is about."""
    ids = db.execute("SELECT count(*), count(DISTINCT id) FROM audit_events").fetchone()
    assert ids == (written, written)
    assert db.execute("SELECT count(*) FROM audit_subjects").fetchone() == (written,)


@pytest.mark.parametrize("statement", ["UPDATE {} SET action = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_part_can_be_rewritten_by_its_own_name(house: House, statement: str) -> None:
    with psycopg.connect(house.settings.migrating_url, autocommit=True) as db:
        parts = [part for (part,) in db.execute(_PARTS)]
        assert len(parts) > 2
        for part in parts:
            with pytest.raises(InsufficientPrivilege, match="insert-only"):
                db.execute(statement.format(part).encode())


def test_only_the_key_of_an_events_envelope_changes_in_any_part(house: House) -> None:
    """Rows' triggers came to parts with their table."""
    with psycopg.connect(house.settings.migrating_url) as db:
        for part in [part for (part,) in db.execute(_PARTS)]:
            triggers = db.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass ORDER BY 1", [part]
            ).fetchall()
            assert [name for (name,) in triggers] == [
                "audit_events_insert_only",
                "audit_events_rewrap_only",
                "audit_events_subjects",
            ]


def test_the_service_reaches_parts_by_their_table_only(house: House) -> None:
    with psycopg.connect(house.settings.database_url.get_secret_value(), autocommit=True) as db:
        for part in [part for (part,) in db.execute(_PARTS)]:
            for statement in ("SELECT FROM {}", "INSERT INTO {} (actor) VALUES ('x')", "DROP TABLE {}"):
                with pytest.raises(InsufficientPrivilege):
                    db.execute(statement.format(part).encode())


def test_parts_are_made_ahead_while_others_read_and_write(schema: str) -> None:
    """As if 3 * 10⁸ events had been written."""
    upgrade(schema)
    with psycopg.connect(schema, autocommit=True) as owner, psycopg.connect(schema) as other:
        other.execute("SELECT count(*) FROM audit_events")
        other.execute(_WRITE)  # holds its locks: making parts may not wait for them
        owner.execute(f"SELECT setval('audit_events_id_seq', {3 * PART_IDS + 7})".encode())
        assert owner.execute("SELECT make_audit_parts(2)").fetchone() == (3,)
        assert owner.execute("SELECT make_audit_parts(2)").fetchone() == (0,)
        other.commit()
        owner.execute(_WRITE)
        where = "SELECT tableoid::regclass::text FROM audit_events WHERE id > %s"
        assert owner.execute(where, [3 * PART_IDS]).fetchall() == [("audit_events_p3",)]
        for statement in ("UPDATE {} SET actor = 'x'", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(InsufficientPrivilege, match="insert-only"):
                owner.execute(statement.format("audit_events_p3").encode())
        with pytest.raises(InsufficientPrivilege, match="insert-only"):
            owner.execute("UPDATE audit_events SET data_key = NULL")


def test_the_service_makes_parts_and_finds_them(house: House) -> None:
    assert make_room(house.wired.workshop) == 0
    assert room_ahead(house.wired.workshop) == 2


def test_the_doctor_warns_where_no_part_lies_ahead(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.audit_parts.AHEAD_LEAST", 3)
    with pytest.raises(IntegrityError, match="ahead of the newest"):
        room_ahead(house.wired.workshop)


def test_tables_have_the_parameters_that_the_code_declares(house: House) -> None:
    declared = {
        name: {f"{key}={value}" for key, value in (table.dialect_options["postgresql"]["with"] or {}).items()}
        for name, table in metadata.tables.items()
        if name != "audit_events"
    }
    with psycopg.connect(house.settings.migrating_url) as db:
        there = db.execute("SELECT relname, coalesce(reloptions, '{}') FROM pg_class WHERE relkind = 'r'")
        found = {name: set(options) for name, options in there}
        parts = [part for (part,) in db.execute(_PARTS)]
    assert {name: found[name] for name in declared} == declared
    assert all(found[part] == declared["audit_subjects"] != set() for part in parts)
