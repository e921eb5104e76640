"""Several statements in one round trip, by PostgreSQL's pipelining.

Between two processes that share a core an answer that is waited for costs more than most statements do.
SQLAlchemy waits for every answer, and takes longer for a statement than the server; so reads that do not
need each other's go to the driver from here, and statements without an answer are sent in a block, the
transaction's last ones together with its COMMIT.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, TypeAlias, cast

import psycopg
from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Table, TextClause, Update, bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.selectable import CompoundSelect

from storage.driver import ScopedConnection
from storage.exchange import Message, Rows

# Texts that are kept: those of all our queries for each of a process's pools, and room; a query that is built
# for each call costs time then, but no memory.
COMPILED_MAX = 200

Query: TypeAlias = Select[Any] | CompoundSelect[Any] | Insert | Update | Delete | TextClause
Statement: TypeAlias = tuple[Query, Mapping[str, Any]]
"""A statement and its parameters. It must be built once, since its text is kept and stays prepared; arrays
are given as `storage.array_text` writes them."""


@contextmanager
def one_round_trip(connection: Connection) -> Iterator["psycopg.Connection[Any]"]:
    """What is executed in the block is sent at once; its answers are there when the block ends.

    Through SQLAlchemy only what answers nothing that anybody reads may be executed: an INSERT without
    RETURNING (`inline()`), a DELETE whose count does not matter.
    Where one statement fails, PostgreSQL skips the others.

    Raises:
        DBAPIError: one of them failed; which one the driver's own exception says.
    """
    raw = cast("ScopedConnection", connection.connection.driver_connection)
    try:
        with raw.pipeline():
            yield raw
    except psycopg.Error as error:
        if not raw.closed:
            raw.forget_prepared()
        raise _told(connection, error) from error


def _told(connection: Connection, error: psycopg.Error) -> BaseException:
    """The driver's exception as SQLAlchemy would have told it."""
    lost = _raw(connection).closed
    if lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=bool(lost)
    )


@contextmanager
def sent_with_commit(connection: Connection) -> Iterator[Callable[[], None]]:
    """What `tell` and `insert_rows` are given in the block is sent in one message with the COMMIT at its end.

    Yields what sends everything so far at once, for whoever must see it written. After the block nothing can
    be said in the transaction.

    Raises:
        DBAPIError: as `commit_with`.
    """
    raw = _raw(connection)

    def send() -> None:
        told, gathered[:] = list(gathered), []
        try:
            raw.exchange(*told)
        except psycopg.Error as error:
            raise _told(connection, error) from error

    with raw.gathering() as gathered:
        yield send
    try:
        raw.commit_with(*gathered)
    except psycopg.Error as error:
        raise _told(connection, error) from error


@contextmanager
def told_together(connection: Connection) -> Iterator[None]:
    """What `tell` and `insert_rows` are given in the block is sent in one message at its end.

    Raises:
        DBAPIError: one of them failed.
    """
    raw = _raw(connection)
    with raw.gathering() as gathered:
        yield
    try:
        raw.tell(*gathered)
    except psycopg.Error as error:
        raise _told(connection, error) from error


def tell(connection: Connection, *statements: Statement) -> None:
    """Sends statements whose answers nobody reads: at once, or with what the block around them sends.

    Raises:
        DBAPIError: one of them failed.
    """
    raw, messages = _raw(connection), [message(connection.dialect, each) for each in statements]
    try:
        raw.tell(*messages)
    except psycopg.Error as error:
        raise _told(connection, error) from error


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, only_new: bool = False
) -> None:
    """Inserts rows that name the same columns; JSON as text. `only_new`: what is there already is no error.

    Raises:
        DBAPIError: as `tell`.
    """
    if rows:
        statement = _insertion(table, tuple(rows[0]), only_new)
        tell(connection, *((statement, row) for row in rows))


@cache
def _insertion(table: Table, columns: tuple[str, ...], only_new: bool) -> Insert:  # noqa: FBT001 - part of the key
    statement = insert(table).inline().values({name: bindparam(name) for name in columns})
    return statement.on_conflict_do_nothing() if only_new else statement


def commit_with(connection: Connection, *statements: Statement) -> None:
    """Sends the transaction's last statements, which answer nothing, together with its COMMIT.

    Raises:
        DBAPIError: one of them or the COMMIT failed. Where the connection was lost, it may have taken place.
    """
    try:
        _raw(connection).commit_with(*(message(connection.dialect, each) for each in statements))
    except psycopg.Error as error:
        raise _told(connection, error) from error


def ask_together(connection: Connection, *questions: Statement) -> tuple[Rows, ...]:
    """The rows of each query with its parameters; none may need another's answer.

    Raises:
        DBAPIError: one of them failed.
    """
    try:
        return _raw(connection).exchange(*(message(connection.dialect, each) for each in questions))
    except psycopg.Error as error:
        raise _told(connection, error) from error


def message(dialect: Dialect, statement: Statement) -> Message:
    """What is sent for a statement."""
    text, own = _compiled(dialect, statement[0])
    return Message(text, {**own, **statement[1]})


def _raw(connection: Connection) -> ScopedConnection:
    return cast("ScopedConnection", connection.connection.driver_connection)


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(dialect: Dialect, statement: Query) -> tuple[str, Mapping[str, Any]]:
    """Its text, and the parameters that it has a value for itself."""
    compiled = statement.compile(dialect=dialect)
    return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}
