"""Several statements in one round trip, by PostgreSQL's pipelining.

Between two processes that share a core an answer that is waited for costs more than most statements do.
SQLAlchemy waits for every answer; so reads that do not need each other's go to the driver from here, and
statements without an answer are sent in a block.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeAlias, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Compiled, Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.selectable import CompoundSelect

from storage.driver import ScopedConnection

# Texts that are kept: those of all our queries for each of a process's pools, and room; a query that is built
# for each call costs time then, but no memory.
COMPILED_MAX = 100

Query: TypeAlias = Select[Any] | CompoundSelect[Any]
Rows: TypeAlias = Sequence[Any]
"""Named tuples: they show their columns as attributes, as SQLAlchemy's rows do."""


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
        lost = raw.closed
        if lost:
            connection.invalidate(error)
        else:
            raw.forget_prepared()
        raise DBAPIError.instance(  # as SQLAlchemy would have
            None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=lost
        ) from error


def ask_together(connection: Connection, *questions: tuple[Query, Mapping[str, Any]]) -> tuple[Rows, ...]:
    """The rows of each query with its parameters; none may need another's answer.

    A query must be built once, since its text is kept; its types must be ones that psycopg gives by itself.

    Raises:
        DBAPIError: one of them failed.
    """
    with one_round_trip(connection) as raw:
        cursors = []
        for query, values in questions:
            compiled = _compiled(connection.dialect, query)
            cursor = raw.cursor(row_factory=namedtuple_row)
            cursors.append(cursor.execute(str(compiled), compiled.construct_params(dict(values))))
    return tuple(cursor.fetchall() for cursor in cursors)


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(dialect: Dialect, query: Query) -> Compiled:
    return query.compile(dialect=dialect)
