"""What a transaction says of itself travels with what it says anyway: libpq's own trace of the messages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection, NotSupportedError
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from storage.db import Database, extend_scope
from storage.key_state import opening
from storage.tables import seal_grants
from tests.conftest import House
from tests.flows.test_reuse import PRESALE, new_company
from tests.trials import now
from vault.lookup import holdings
from vault.model.holders import HolderCode
from vault.model.scope import NOBODY, VAULT, Scope, of_holders
from vault.reuse import check_reuse, read_question

pytestmark = pytest.mark.engines

SOMEBODY = of_holders(b"x" * 32)
# What a server answers at once: each is one round trip.
ASKS = re.compile(r"\tF\t\d+\t(Sync|Query)")


@pytest.fixture
def lone(house: House) -> Iterator[Database]:
    """A pool of one connection, as a process that writes has it; everything here is prepared already."""
    url = house.settings.database_url.get_secret_value()
    database = Database(url, pool_size=1, opening=opening(house.wired.workshop.keys))
    for scope in (VAULT, SOMEBODY, NOBODY) * 2:
        for take in (database.reading, database.snapshot, database.writing, database.noting):
            with take(scope) as db:
                db.execute(text("SELECT 1"))
    yield database
    database.close()


@contextmanager
def traced(database: Database, path: Path) -> Iterator[None]:
    """Writes down what is said in the block."""
    with database._engine.connect() as connection:  # noqa: SLF001 - the one connection that there is
        driver = connection.connection.driver_connection
    assert isinstance(driver, Connection)
    with path.open("wb") as trace:
        driver.pgconn.trace(trace.fileno())
        try:
            yield
        finally:
            driver.pgconn.untrace()


@contextmanager
def round_trips(database: Database, path: Path) -> Iterator[list[int]]:
    """How many there were in the block."""
    found: list[int] = []
    with traced(database, path):
        yield found
    found.append(len(ASKS.findall(path.read_text())))


@pytest.mark.parametrize("scope", [VAULT, SOMEBODY, NOBODY], ids=["vault", "somebody", "nobody"])
def test_a_scope_costs_no_round_trip(lone: Database, tmp_path: Path, scope: Scope) -> None:
    with round_trips(lone, tmp_path / "reading") as asked, lone.reading(scope) as db:
        db.execute(text("SELECT 1"))
        db.execute(text("SELECT 1"))
    assert asked == [2]
    # BEGIN with the scope, and the keys in use where something is written; the statement; COMMIT.
    for take in (lone.snapshot, lone.writing, lone.noting):
        with round_trips(lone, tmp_path / take.__name__) as asked, take(scope) as db:
            db.execute(text("SELECT 1"))
        assert asked == [3]


def test_to_see_more_costs_none_either(lone: Database, tmp_path: Path) -> None:
    with round_trips(lone, tmp_path / "writing") as asked, lone.writing(SOMEBODY) as db:
        extend_scope(db, SOMEBODY)
        db.execute(text("SELECT 1"))
    assert asked == [3]


def test_a_look_waits_for_the_database_twice(house: House, lone: Database, tmp_path: Path) -> None:
    """Its questions go out with BEGIN, its record with COMMIT."""
    workshop, at = replace(house.wired.workshop, database=lone), now()
    company = new_company()
    code = HolderCode(company["code_type"], company["code"])
    holders = [{"code_type": code.code_type, "code": code.value}]
    body = {"service_item": PRESALE, "holders": holders, "case_number": "SL-2026-000119"}
    question = read_question(workshop.shelf.items(at), body, at=at)
    more: dict[str, Any] = {"purpose": "x", "service_item": None, "case_number": None, "at": at}
    for n in range(2):  # the first time everything is prepared, in the same messages
        with round_trips(lone, tmp_path / f"reuse{n}") as asked:
            check_reuse(workshop, house.client, question, at=at)
        assert asked == [2]
        with round_trips(lone, tmp_path / f"holdings{n}") as asked:
            holdings(workshop, house.client, code, **more)
        assert asked == [2]


def test_what_was_said_holds_after_a_statement_that_failed(lone: Database) -> None:
    everything = select(seal_grants.c.id).limit(1)
    with lone.reading(VAULT) as db:
        assert db.execute(everything).all()
    with lone.reading(SOMEBODY) as db:
        with pytest.raises(ProgrammingError):
            db.execute(text("SELECT nothing"))
        assert db.execute(everything).all() == []
    with lone.reading(VAULT) as db:
        with pytest.raises(ProgrammingError):
            db.execute(text("SELECT nothing"))
        assert db.execute(everything).all()
    with lone.reading(NOBODY) as db:
        assert db.execute(everything).all() == []


def test_whoever_does_not_say_anything_after_all_leaves_nothing_to_say(lone: Database) -> None:
    everything = select(seal_grants.c.id).limit(1)
    with lone.reading(VAULT):
        pass
    with lone.writing(NOBODY) as db:
        assert db.execute(everything).all() == []
    with lone.reading(NOBODY) as db:
        assert db.execute(everything).all() == []


def test_no_way_of_reading_goes_before_what_is_to_be_said(lone: Database) -> None:
    with lone.reading(VAULT) as db:
        assert db.execute(select(seal_grants.c.id).limit(1)).all()
    with lone.reading(SOMEBODY) as db:
        driver = db.connection.driver_connection
        assert isinstance(driver, Connection)
        with pytest.raises(NotSupportedError):
            driver.cursor("at the server")
        with pytest.raises(NotSupportedError):
            driver.cursor().stream("SELECT 1")
        with driver.cursor().copy("COPY (SELECT id FROM seal_grants LIMIT 1) TO STDOUT") as copied:
            assert list(copied.rows()) == []
