"""Several statements in one round trip: what becomes of them, and of the connection, when one fails."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError

from storage.db import Database
from storage.driver import ScopedConnection
from storage.exchange import Message
from storage.key_state import opening
from storage.round_trip import COMPILED_MAX, _compiled, ask_together, commit_with, one_round_trip
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
            assert held.exchange(Message("SELECT 2")) == ([(2,)],)
            held.forget_prepared()
            assert held.exchange(Message("SELECT 2")) == ([(2,)],)
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


@pytest.fixture
def held(house: House) -> Iterator[ScopedConnection]:
    """The tables' owner, who may make tables that go with the connection."""
    with ScopedConnection.connect(house.settings.migrating_url, autocommit=True) as connection:
        yield connection


def test_a_statement_whose_table_was_altered_is_prepared_anew(held: ScopedConnection) -> None:
    question = Message("SELECT a FROM altered")
    held.execute("CREATE TEMP TABLE altered (a integer)")
    assert held.exchange(question) == ([],)
    held.execute("ALTER TABLE altered ALTER a TYPE text")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        held.exchange(question)
    assert held.exchange(question) == ([],)


def test_a_commit_that_fails_is_told_and_nothing_is_there(held: ScopedConnection) -> None:
    held.execute("CREATE TEMP TABLE parents (id integer PRIMARY KEY)")
    held.execute("CREATE TEMP TABLE children (id integer REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
    held.exchange(Message("BEGIN"))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        held.commit_with(Message("INSERT INTO children VALUES (%s)", (1,)))
    assert held.exchange(Message("SELECT count(*) FROM children")) == ([(0,)],)


def test_an_error_at_the_end_of_a_message_is_told(held: ScopedConnection) -> None:
    """Outside a transaction PostgreSQL commits when it has everything: after the last answer."""
    held.execute("CREATE TEMP TABLE parents (id integer PRIMARY KEY)")
    held.execute("CREATE TEMP TABLE children (id integer REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        held.exchange(Message("INSERT INTO children VALUES (1)"))
    assert held.exchange(Message("SELECT count(*) FROM children")) == ([(0,)],)


def test_more_than_any_buffer_goes_both_ways(held: ScopedConnection) -> None:
    much = "x" * 8_000_000
    question = Message("SELECT %s || repeat('y', 8000000) AS both", (much,))
    answers = held.exchange(question, question, question)
    assert [len(rows[0].both) for rows in answers] == [16_000_000] * 3


def test_a_text_with_a_nul_is_refused_and_not_cut(lone: Database) -> None:
    with lone.reading(VAULT) as db, pytest.raises(DBAPIError, match=r"U\+0000"):
        ask_together(db, (ITEM, {"code": "a\x00b"}))
    assert_healthy(lone)


def test_after_the_commit_nothing_more_is_said(lone: Database) -> None:
    with lone.writing(VAULT) as db:
        commit_with(db, (ITEM, NOBODYS))
        with pytest.raises(DBAPIError, match="was committed"):
            ask_together(db, (ITEM, NOBODYS))
        with pytest.raises(DBAPIError, match="was committed"):
            db.execute(text(WRITE), BATCH)
    assert_healthy(lone)


def test_a_question_that_fails_with_the_begin_leaves_the_connection_whole(lone: Database) -> None:
    before = whose(lone)
    broken = select(service_items.c.code).where(text("code = CAST('x' AS integer)::text"))
    with pytest.raises(psycopg.errors.InvalidTextRepresentation), lone.writing_after(VAULT, [(broken, {})]):
        pass
    assert_healthy(lone)
    assert whose(lone) == before
