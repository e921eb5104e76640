"""PostgreSQL connections as two types: one that may only read, one that writes and commits once.

Helpers in `storage/` take a connection and never commit; flows open the transaction around them.
No network call other than SQL happens inside one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString, NewType

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from storage.round_trip import one_round_trip
from vault.errors import Conflict, Unavailable

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
# Statements that PostgreSQL keeps prepared per connection: all of ours fit.
PREPARED_MAX = 200
_REPEATABLE = "BEGIN ISOLATION LEVEL REPEATABLE READ"
# What the trigger on `documents` raises (migration 0009): the seal was stopped while a deposit used it.
SEAL_STOPPED = "CV001"


@dataclass(frozen=True, slots=True)
class FirstQuestion:
    """What every writing transaction asks in the round trip that begins it.

    `lock` is sent before `question` where the transaction is to see one state throughout; `heard` is told the
    only row of the answer, or None, and may refuse.
    """

    lock: LiteralString
    question: LiteralString
    heard: Callable[[tuple[int, ...] | None], None]


class Database:
    """A pool of connections to one PostgreSQL server; `url` is a libpq URL (`postgresql://…`).

    `first`: what makes this process write under the keys that are in use (`storage.key_state`); None for
    processes that write neither envelopes nor indexes.
    """

    def __init__(self, url: str, *, pool_size: int, first: FirstQuestion | None = None) -> None:
        self._first = first
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
            },
        )

    @contextmanager
    def reading(self) -> Iterator[ReadConnection]:
        """A connection for reads: autocommit, each statement sees the newest committed state.

        Raises:
            Unavailable: the server does not answer.
        """
        with _translated(), self._engine.connect() as connection:
            yield ReadConnection(connection.execution_options(isolation_level="AUTOCOMMIT"))

    @contextmanager
    def snapshot(self) -> Iterator[ReadConnection]:
        """One read-only REPEATABLE READ transaction: every statement sees the same state.

        Raises:
            Unavailable: the server does not answer.
        """
        with _translated(), self._engine.connect() as connection:
            steady = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with steady.begin():
                yield ReadConnection(steady)

    @contextmanager
    def writing(self) -> Iterator[WriteConnection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises:
            Unavailable: the server does not answer. When that happens at the commit itself, the
                transaction may have taken place: the caller's retry must be idempotent.
        """
        with _translated(), self._transaction("BEGIN", repeatable=False) as db:
            yield db

    @contextmanager
    def noting(self) -> Iterator[WriteConnection]:
        """One REPEATABLE READ transaction: every statement sees the same state, and what is noted commits.

        For questions whose answer is recorded with them. It may only insert rows that nobody else can be
        inserting: anything else could fail for having been overtaken.

        Raises:
            Unavailable: the server does not answer.
        """
        with _translated(), self._transaction(_REPEATABLE, repeatable=True) as db:
            yield db

    @contextmanager
    def _transaction(self, begin: LiteralString, *, repeatable: bool) -> Iterator[WriteConnection]:
        """Begun by us, in one round trip with the first question: psycopg waits for its own BEGIN's answer.

        For psycopg such a connection is in autocommit mode; it commits and rolls back what we began.
        """
        with self._engine.connect() as pooled:
            connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
            with connection.begin():
                first = self._first
                with one_round_trip(connection) as raw:
                    answer = raw.execute(begin, prepare=False)
                    if first is not None:
                        if repeatable:
                            raw.execute(first.lock)
                        answer = raw.execute(first.question)
                if first is not None:
                    first.heard(answer.fetchone())
                yield WriteConnection(ReadConnection(connection))

    @contextmanager
    def alone(self, lock: int, refusal: str) -> Iterator[None]:
        """Holds an advisory lock of the server while the block runs; it goes when this process dies.

        Raises:
            Conflict: somebody holds it: `refusal`.
            Unavailable: the server does not answer.
        """
        with _translated(), self._engine.connect() as connection:
            free = connection.execution_options(isolation_level="AUTOCOMMIT")
            if not free.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": lock}).scalar_one():
                raise Conflict(refusal)
            try:
                yield
            finally:
                free.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": lock})

    def ping(self) -> None:
        """Raises `Unavailable` unless the server answers."""
        with self.reading() as db:
            db.execute(text("SELECT 1"))

    def close(self) -> None:
        """Closes every pooled connection."""
        self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise Unavailable("Every database connection is in use; try again shortly.") from error
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == RING_LACKS_A_KEY:
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
