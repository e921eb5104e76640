"""PostgreSQL connections as two types: one that may only read, one that writes and commits once.

Helpers in `storage/` take a connection and never commit; flows open the transaction around them.
No network call other than SQL happens inside one.

Every transaction says first on whose behalf it is (`vault.model.scope`), and row security shows it nothing
else (`storage.tables.row_security`). What was said ends with the transaction; what was said outside one stays
until the next user of the pooled connection says for whom they read, as everybody does.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, NewType, cast

import psycopg
from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from storage.driver import ScopedConnection, ScopedCursor, saying
from storage.exchange import Message, Rows
from storage.round_trip import Statement, message
from vault.errors import Conflict, Unavailable
from vault.model.scope import NOBODY, Scope

ReadConnection = NewType("ReadConnection", Connection)
# Whoever may write may read.
WriteConnection = NewType("WriteConnection", ReadConnection)

# A request that waits longer than this for a connection is better told to come back.
POOL_TIMEOUT_S = 10
# Longer than any statement of ours on a healthy server; a runaway is cut off instead of piling up.
STATEMENT_TIMEOUT_MS = 15_000
# Row locks are held for a few milliseconds; waiting longer means that something is stuck.
LOCK_TIMEOUT_MS = 5_000
# What `key_ring_has` (revision 0010) raises: object_not_in_prerequisite_state.
RING_LACKS_A_KEY = "55000"
OLD_RING = "This process's key ring lacks an index key that is in use: distribute keys.json."
DISTRIBUTION_S = 60
_REPEATABLE: LiteralString = "BEGIN ISOLATION LEVEL REPEATABLE READ"
# What the trigger on `documents` raises (migration 0009): the seal was stopped while a deposit used it.
SEAL_STOPPED = "CV001"


@dataclass(frozen=True, slots=True)
class Opening:
    """What every writing transaction opens with: the row of `query` goes to `heard`, which may refuse it.

    `first`: sent before anything else where the transaction sees one state throughout.
    """

    first: LiteralString
    query: LiteralString
    heard: Callable[[tuple[Any, ...] | None], None]


def extend_scope(db: ReadConnection, scope: Scope) -> None:
    """From here on the transaction sees this: for what a flow has found, and has decided to look at."""
    _driver(db).go_on_for(scope)


class Database:
    """A pool of connections to one PostgreSQL server; `url` is a libpq URL (`postgresql://…`).

    `opening`: what makes this process write under the keys that are in use (`storage.key_state`); None for
    one that writes neither envelopes nor indexes.
    """

    def __init__(self, url: str, *, pool_size: int, opening: Opening | None = None) -> None:
        self._opening = opening
        address = make_url(url.replace("postgresql://", "postgresql+psycopg://", 1))
        # What the URL itself asks of the server (a schema, say) stays.
        options = [address.query.get("options", "")]
        options += [f"-c statement_timeout={STATEMENT_TIMEOUT_MS}", f"-c lock_timeout={LOCK_TIMEOUT_MS}"]
        self._engine = create_engine(
            address,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            pool_pre_ping=False,
            hide_parameters=True,
            connect_args={
                "connect_timeout": POOL_TIMEOUT_S,
                "prepare_threshold": 1,
                "options": " ".join(str(option) for option in options),
                "cursor_factory": ScopedCursor,
            },
        )
        event.listen(self._engine, "do_connect", _connect)

    @contextmanager
    def reading(self, scope: Scope) -> Iterator[ReadConnection]:
        """A connection for reads: autocommit, each statement sees the newest committed state.

        The scope is said with the first of them.

        Raises:
            Unavailable: the server does not answer.
        """
        with _translated(), self._engine.connect() as connection:
            steady = connection.execution_options(isolation_level="AUTOCOMMIT")
            _driver(steady).begin_for(scope)
            yield ReadConnection(steady)

    @contextmanager
    def snapshot(self, scope: Scope) -> Iterator[ReadConnection]:
        """One read-only REPEATABLE READ transaction: every statement sees the same state.

        Raises:
            Unavailable: the server does not answer.
        """
        with self._transaction(f"{_REPEATABLE} READ ONLY", scope) as (connection, _):
            yield ReadConnection(connection)

    @contextmanager
    def writing(self, scope: Scope) -> Iterator[WriteConnection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises:
            Unavailable: the server does not answer. When that happens at the commit itself, the
                transaction may have taken place: the caller's retry must be idempotent.
        """
        with self.writing_after(scope, ()) as (db, _):
            yield db

    @contextmanager
    def writing_after(
        self, scope: Scope, questions: Sequence[Statement]
    ) -> Iterator[tuple[WriteConnection, tuple[Rows, ...]]]:
        """As `writing`, with the answers to questions that go out together with its BEGIN.

        What they ask with must not depend on which keys are active: that is heard with their answers.
        """
        with self._transaction("BEGIN", scope, opening=self._opening, questions=questions) as (db, rows):
            yield WriteConnection(ReadConnection(db)), rows

    @contextmanager
    def noting(self, scope: Scope) -> Iterator[WriteConnection]:
        """One REPEATABLE READ transaction: every statement sees the same state, and what is noted commits.

        For questions whose answer is recorded with them. It may only insert rows that nobody else can be
        inserting: anything else could fail for having been overtaken.

        Raises:
            Unavailable: the server does not answer.
        """
        with self.noting_after(scope, ()) as (db, _):
            yield db

    @contextmanager
    def noting_after(
        self, scope: Scope, questions: Sequence[Statement]
    ) -> Iterator[tuple[WriteConnection, tuple[Rows, ...]]]:
        """As `noting`, with the answers to questions as in `writing_after`."""
        with self._transaction(
            _REPEATABLE, scope, opening=self._opening, repeatable=True, questions=questions
        ) as (db, rows):
            yield WriteConnection(ReadConnection(db)), rows

    @contextmanager
    def _transaction(
        self,
        begin: LiteralString,
        scope: Scope,
        *,
        opening: "Opening | None" = None,
        repeatable: bool = False,
        questions: Sequence[Statement] = (),
    ) -> Iterator[tuple[Connection, tuple[Rows, ...]]]:
        """Begun, its scope said, its opening and the first questions asked in one round trip.

        psycopg would wait for the answer to a BEGIN of its own.
        """
        with _translated(), self._engine.connect() as pooled:
            connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
            driver = _driver(connection)
            driver.end()
            first = [Message(begin)]
            if opening is not None and repeatable:
                first.append(Message(opening.first))
            if scope != NOBODY or not driver.has_said_nothing:
                first.append(saying(scope, for_session=False))
            if opening is not None:
                first.append(Message(opening.query))
            try:
                answers = driver.exchange(*first, *(message(connection.dialect, each) for each in questions))
            except psycopg.OperationalError:
                if driver.closed:
                    connection.invalidate()
                raise
            with connection.begin():
                if opening is not None:
                    opening.heard(next(iter(answers[len(first) - 1]), None))
                yield connection, answers[len(first) :]

    @contextmanager
    def alone(self, lock: int, refusal: str) -> Iterator[None]:
        """Holds an advisory lock of the server while the block runs; it goes when this process dies.

        Raises:
            Conflict: somebody holds it: `refusal`.
            Unavailable: the server does not answer.
        """
        with _translated(), self._engine.connect() as connection:
            free = connection.execution_options(isolation_level="AUTOCOMMIT")
            _driver(free).end()
            if not free.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": lock}).scalar_one():
                raise Conflict(refusal)
            try:
                yield
            finally:
                free.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": lock})

    def ping(self) -> None:
        """Raises `Unavailable` unless the server answers."""
        with self.reading(NOBODY) as db:
            db.execute(text("SELECT 1"))

    def close(self) -> None:
        """Closes every pooled connection."""
        self._engine.dispose()


def _connect(
    _dialect: object, _record: object, args: list[Any], parameters: dict[str, Any]
) -> ScopedConnection:
    return ScopedConnection.connect(*args, **parameters)


def _driver(connection: Connection) -> ScopedConnection:
    return cast("ScopedConnection", connection.connection.driver_connection)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable("Every database connection is in use; try again shortly.") from error
    except (OperationalError, psycopg.OperationalError) as error:
        if getattr(getattr(error, "orig", error), "sqlstate", None) == RING_LACKS_A_KEY:
            raise Unavailable(OLD_RING, retry_after_s=DISTRIBUTION_S) from error
        raise Unavailable("The database does not answer; try again shortly.") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == SEAL_STOPPED:
            raise Unavailable(
                "The seal was stopped while it was being used; nothing was issued. Send the request again.",
                retry_after_s=1,
            ) from error
        if error.connection_invalidated:
            raise Unavailable("The database connection was lost; try again shortly.") from error
        raise
