"""PostgreSQL connections as two types: one that may only read, one that writes and commits once.

Helpers in `storage/` take a connection and never commit; flows open the transaction around them.
No network call other than SQL happens inside one.

Every transaction says first on whose behalf it is (`vault.model.scope`), and row security shows it nothing
else (`storage.tables.row_security`). What was said ends with the transaction: the next user of a pooled
connection begins with nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, NewType, cast

import psycopg
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from vault.errors import Unavailable
from vault.model.scope import NOBODY, VAULT, Scope

ReadConnection = NewType("ReadConnection", Connection)
# Whoever may write may read.
WriteConnection = NewType("WriteConnection", ReadConnection)

# A request that waits longer than this for a connection is better told to come back.
POOL_TIMEOUT_S = 10
# Longer than any statement of ours on a healthy server; a runaway is cut off instead of piling up.
STATEMENT_TIMEOUT_MS = 15_000
# Row locks are held for a few milliseconds; waiting longer means that something is stuck.
LOCK_TIMEOUT_MS = 5_000
# Statements that PostgreSQL keeps prepared per connection: all of ours fit.
PREPARED_MAX = 200

SAY_SCOPE = """
    SELECT set_config('certvault.vault', %s, true), set_config('certvault.client', %s, true),
        set_config('certvault.authorities', coalesce(nullif(%s::text[], '{}')::text, ''), true),
        set_config('certvault.holders', coalesce(nullif(%s::bytea[], '{}')::text, ''), true),
        set_config(
            'certvault.holder_ids', coalesce(ids_of_holders(nullif(%s::bytea[], '{}'))::text, ''), true),
        set_config('certvault.shown', coalesce(nullif(%s::bytea[], '{}')::text, ''), true),
        set_config('certvault.named', coalesce(nullif(%s::uuid[], '{}')::text, ''), true)
"""
"""With `said`: tells the policies on whose behalf this transaction is, until it ends. For psycopg."""

_SAY_FOR_NOW = SAY_SCOPE.replace(", true)", ", false)")


def said(scope: Scope) -> tuple[object, ...]:
    """The parameters of `SAY_SCOPE`; what the scope does not have is said to be empty."""
    return (
        "on" if scope.vault else "",
        scope.client_id or "",
        list(scope.authorities),
        list(scope.holders),
        list(scope.holders),
        list(scope.shown),
        list(scope.named),
    )


def extend_scope(db: ReadConnection, scope: Scope) -> None:
    """From here on the transaction sees this: for what a flow has found, and has decided to look at."""
    _driver(db).execute(SAY_SCOPE, said(scope))


class Database:
    """A pool of connections to one PostgreSQL server; `url` is a libpq URL (`postgresql://…`)."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        self._engine = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1),
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            pool_pre_ping=False,
            hide_parameters=True,
            connect_args={
                "connect_timeout": POOL_TIMEOUT_S,
                "prepare_threshold": 1,
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}",
            },
        )

    @contextmanager
    def reading(self, scope: Scope = VAULT) -> Iterator[ReadConnection]:
        """A connection for reads: autocommit, each statement sees the newest committed state.

        What is said holds until the block ends and is then taken back.

        Raises:
            Unavailable: the server does not answer.
        """
        with _translated(), self._engine.connect() as connection:
            steady = connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                _say_for_now(steady, scope, scope)
                yield ReadConnection(steady)
            finally:
                _say_for_now(steady, scope, NOBODY)

    @contextmanager
    def snapshot(self, scope: Scope = VAULT) -> Iterator[ReadConnection]:
        """One read-only REPEATABLE READ transaction: every statement sees the same state.

        Raises:
            Unavailable: the server does not answer.
        """
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", scope) as connection:
            yield ReadConnection(connection)

    @contextmanager
    def writing(self, scope: Scope = VAULT) -> Iterator[WriteConnection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises:
            Unavailable: the server does not answer. When that happens at the commit itself, the
                transaction may have taken place: the caller's retry must be idempotent.
        """
        with self._transaction("BEGIN", scope) as connection:
            yield WriteConnection(ReadConnection(connection))

    @contextmanager
    def noting(self, scope: Scope = VAULT) -> Iterator[WriteConnection]:
        """One REPEATABLE READ transaction: every statement sees the same state, and what is noted commits.

        For questions whose answer is recorded with them. It may only insert rows that nobody else can be
        inserting: anything else could fail for having been overtaken.

        Raises:
            Unavailable: the server does not answer.
        """
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ", scope) as connection:
            yield WriteConnection(ReadConnection(connection))

    @contextmanager
    def _transaction(self, begin: LiteralString, scope: Scope) -> Iterator[Connection]:
        """Begun by us, in one round trip with its scope: psycopg waits for the answer to its own BEGIN."""
        with _translated(), self._engine.connect() as pooled:
            connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
            driver = _driver(connection)
            try:
                with driver.pipeline():
                    driver.execute(begin, prepare=False)
                    if scope != NOBODY:
                        driver.execute(SAY_SCOPE, said(scope))
            except psycopg.OperationalError:
                connection.invalidate()
                raise
            with connection.begin():
                yield connection

    def ping(self) -> None:
        """Raises `Unavailable` unless the server answers."""
        with self.reading(NOBODY) as db:
            db.execute(text("SELECT 1"))

    def close(self) -> None:
        """Closes every pooled connection."""
        self._engine.dispose()


def _say_for_now(connection: Connection, of: Scope, scope: Scope) -> None:
    """Says a scope outside a transaction; a connection that does not take it back is thrown away."""
    if of == NOBODY or connection.invalidated:
        return
    try:
        _driver(connection).execute(_SAY_FOR_NOW, said(scope))
    except psycopg.Error:
        connection.invalidate()
        raise


def _driver(connection: Connection) -> "psycopg.Connection[Any]":
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable("Every database connection is in use; try again shortly.") from error
    except (OperationalError, psycopg.OperationalError) as error:
        raise Unavailable("The database does not answer; try again shortly.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The database connection was lost; try again shortly.") from error
        raise
