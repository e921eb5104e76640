"""PostgreSQL connections as two types: one that may only read, one that writes and commits once.

Helpers in `storage/` take a connection and never commit; flows open the transaction around them.
No network call other than SQL happens inside one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NewType, Protocol

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

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
# What the trigger on `documents` raises (migration 0009): the seal was stopped while a deposit used it.
SEAL_STOPPED = "CV001"


class OnWrite(Protocol):
    """What is called first in every writing transaction."""

    def __call__(self, db: WriteConnection, *, repeatable: bool) -> None:
        """`repeatable`: the transaction sees one state throughout, from its first query on."""


def _nothing(db: WriteConnection, *, repeatable: bool) -> None:
    """For processes that write neither envelopes nor indexes."""


class Database:
    """A pool of connections to one PostgreSQL server; `url` is a libpq URL (`postgresql://…`).

    `on_write`: what makes this process write under the keys that are in use (`storage.key_state`).
    """

    def __init__(self, url: str, *, pool_size: int, on_write: OnWrite = _nothing) -> None:
        self._on_write = on_write
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
        with _translated(), self._engine.begin() as connection:
            db = WriteConnection(ReadConnection(connection))
            self._on_write(db, repeatable=False)
            yield db

    @contextmanager
    def noting(self) -> Iterator[WriteConnection]:
        """One REPEATABLE READ transaction: every statement sees the same state, and what is noted commits.

        For questions whose answer is recorded with them. It may only insert rows that nobody else can be
        inserting: anything else could fail for having been overtaken.

        Raises:
            Unavailable: the server does not answer.
        """
        with _translated(), self._engine.connect() as connection:
            steady = connection.execution_options(isolation_level="REPEATABLE READ")
            with steady.begin():
                db = WriteConnection(ReadConnection(steady))
                self._on_write(db, repeatable=True)
                yield db

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
