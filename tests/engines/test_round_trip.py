"""Several statements in one round trip: what becomes of them, and of the connection, when one fails."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError

from storage.db import Database
from storage.driver import ScopedConnection
from storage.key_state import opening
from storage.round_trip import COMPILED_MAX, _compiled, ask_together, one_round_trip
from storage.tables import service_items
from tests.conftest import House
from vault.errors import Unavailable
from vault.model.scope import VAULT, Scope

pytestmark = pytest.mark.engines

ITEM = select(service_items.c.code).where(service_items.c.code == bindparam("code")).limit(1)
NOBODYS = {"code": "no such item"}
WRITTEN = "SELECT count(*) FROM verification_batches WHERE id = :id"
WRITE = "INSERT INTO verification_batches (id, at) VALUES (:id, now())"
# A process whose key ring lacks what is in use: saying its scope fails (`key_state`).
OLD_RING = Scope(holders=frozenset({b"x" * 32}), ring=(999,))
BATCH = {"id": "00000000-0000-4000-8000-0000000000aa"}


@pytest.fixture
def lone(house: House) -> Iterator[Database]:
    """A pool of one connection: whoever gets none, or a broken one, is seen."""
    url = house.settings.database_url.get_secret_value()
    database = Database(url, pool_size=1, opening=opening(house.wired.workshop.keys))
    yield database
    database.close()


def whose(lone: Database) -> int:
    """The server's process behind the pool's connection."""
    with lone.reading(VAULT) as db:
        pid: int = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
        return pid


def kill(house: House, pid: int) -> None:
    """Ends a backend, and waits until the server has."""
    with psycopg.connect(house.settings.database_url.get_secret_value(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def assert_healthy(lone: Database) -> None:
    """The pool's one connection reads and writes, and nothing of the failed block is there."""
    for _ in range(2):
        with lone.reading(VAULT) as db:
            assert ask_together(db, (ITEM, NOBODYS), (ITEM, NOBODYS)) == ([], [])
        with lone.writing(VAULT) as db:
            assert db.execute(text(WRITTEN), BATCH).scalar_one() == 0
            with one_round_trip(db) as raw:
                raw.execute("SELECT 1")


def test_a_statement_that_fails_in_the_middle_takes_the_others_with_it(lone: Database) -> None:
    before = whose(lone)

    def write() -> None:
        with lone.writing(VAULT) as db, one_round_trip(db) as raw:
            db.execute(text(WRITE), BATCH)
            raw.execute("SELECT 1 / 0")
            raw.execute("SELECT 1")

    with pytest.raises(DBAPIError, match="division by zero"):
        write()
    assert_healthy(lone)
    assert whose(lone) == before


def test_a_question_that_fails_in_the_middle_leaves_the_connection_whole(lone: Database) -> None:
    before = whose(lone)
    broken = select(service_items.c.code).where(text("code = CAST('x' AS integer)::text"))

    def ask() -> None:
        with lone.reading(VAULT) as db:
            ask_together(db, (ITEM, NOBODYS), (broken, {}), (ITEM, NOBODYS))

    with pytest.raises(DBAPIError, match="invalid input syntax"):
        ask()
    assert_healthy(lone)
    assert whose(lone) == before


def test_a_scope_that_cannot_be_said_leaves_the_connection_whole(lone: Database) -> None:
    before = whose(lone)

    def ask(scope: Scope) -> object:
        with lone.reading(scope) as db:
            return db.execute(ITEM, NOBODYS).one_or_none()

    assert ask(VAULT) is None
    with pytest.raises(Unavailable, match="key ring"):
        ask(OLD_RING)
    assert ask(VAULT) is None
    assert_healthy(lone)
    assert whose(lone) == before


def test_what_was_prepared_is_forgotten_every_time(house: House) -> None:
    """Also after the first time, when there was nothing to forget: psycopg does not look at it again then."""
    url = house.settings.database_url.get_secret_value()
    with ScopedConnection.connect(url, autocommit=True) as held:
        for _ in range(3):
            held.forget_prepared()
            assert held.execute("SELECT 1", prepare=True).fetchone() == (1,)
            held.forget_prepared()
            assert held.execute("SELECT 1", prepare=True).fetchone() == (1,)
            held.forget_prepared()


def test_a_backend_that_is_killed_within_the_block_is_told_as_unavailable(
    house: House, lone: Database
) -> None:
    before = whose(lone)

    def write() -> None:
        with lone.writing(VAULT) as db, one_round_trip(db) as raw:
            db.execute(text(WRITE), BATCH)
            kill(house, before)
            raw.execute("SELECT 1")

    with pytest.raises(Unavailable):
        write()
    assert_healthy(lone)
    assert whose(lone) != before


def test_a_backend_that_is_killed_before_its_questions_is_told_as_unavailable(
    house: House, lone: Database
) -> None:
    before = whose(lone)

    def ask() -> None:
        with lone.reading(VAULT) as db:
            kill(house, before)
            ask_together(db, (ITEM, NOBODYS), (ITEM, NOBODYS))

    with pytest.raises(Unavailable):
        ask()
    assert_healthy(lone)
    assert whose(lone) != before


def test_queries_that_are_built_for_each_call_are_not_all_kept(lone: Database) -> None:
    with lone.reading(VAULT) as db:
        for number in range(COMPILED_MAX + 10):
            ask_together(db, (ITEM.offset(number), NOBODYS))
    assert _compiled.cache_info().currsize <= COMPILED_MAX
