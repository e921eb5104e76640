"""What an import asks of the database about its rows: what is there, and that no row harms another."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, LargeBinary, bindparam, select, text, union_all
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from storage.db import RING_LACKS_A_KEY, SEAL_STOPPED, ReadConnection, WriteConnection
from storage.tables import documents, renditions

# PostgreSQL's own order of a set of rows is not promised; of an array's elements one by one it is.
_LOCK = text("SELECT pg_advisory_xact_lock(k) FROM unnest(:keys) AS k").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)
_BY_IMPORT = text("SELECT set_config('certvault.import', 'on', true)")
_NUMBERED = text("""
    SELECT id, type_code, issuing_authority, number_index FROM certificates
    WHERE number_index = ANY (:indexes) ORDER BY id
""").bindparams(bindparam("indexes", type_=ARRAY(LargeBinary)))


DATABASE_REFUSES = DBAPIError
"""What a statement raises that the database does not take: to be tried again a row at a time."""


@dataclass(frozen=True, slots=True)
class NumberedRow:
    """A certificate under a number: whose, and of what type."""

    certificate_id: UUID
    type_code: str
    issuing_authority: str
    number_index: bytes = field(repr=False)


def hold_locks(db: WriteConnection, locks: Sequence[int]) -> None:
    """Takes these locks until the transaction ends: nobody else imports what they stand for meanwhile.

    In order, so that two imports of the same numbers or files cannot deadlock.
    """
    db.execute(_LOCK, {"keys": sorted(set(locks))})


def numbered(db: ReadConnection, indexes: Sequence[bytes]) -> tuple[NumberedRow, ...]:
    """The certificates under these indexes of numbers, in one statement."""
    rows = db.execute(_NUMBERED, {"indexes": list(indexes)})
    return tuple(NumberedRow(row.id, row.type_code, row.issuing_authority, row.number_index) for row in rows)


def files_held(db: ReadConnection, digests: Collection[str]) -> frozenset[str]:
    """Which of these digests (SHA-256, hex) are those of a certificate's file, as deposited or raised."""
    wanted = [bytes.fromhex(each) for each in digests]
    query = union_all(
        *(select(table.c.sha256).where(table.c.sha256.in_(wanted)) for table in (documents, renditions))
    )
    return frozenset(sha256.hex() for sha256 in db.execute(query).scalars())


def refuses_row(error: DBAPIError) -> bool:
    """Whether it is what a row says that the database does not take, and not the database's own state.

    A lost connection, a timeout, a deadlock, a stopped seal or an old key ring are no fault of any row.
    """
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return False
    return getattr(error.orig, "sqlstate", None) not in {SEAL_STOPPED, RING_LACKS_A_KEY}


@contextmanager
def row_by_itself(db: WriteConnection) -> Iterator[None]:
    """What fails in the block is taken back alone; the transaction goes on."""
    with db.begin_nested():
        yield


def say_import(db: WriteConnection) -> None:
    """Tells the triggers that what this transaction seals waits for its time-stamps on purpose."""
    db.execute(_BY_IMPORT)
