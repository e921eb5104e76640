"""Which of the vault's own keys are in use: one row, on which every writing transaction agrees.

A writer reads the row first and keeps the read's lock to its end, so that a change of the active versions
waits for all who write under the old ones, and everybody after it writes under the new ones. That is why no
row can appear under an old key behind a rotation's back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    LargeBinary,
    SmallInteger,
    and_,
    any_,
    bindparam,
    func,
    literal,
    select,
    text,
    update,
)

from storage.db import FirstQuestion, ReadConnection, WriteConnection
from storage.envelope import KeyRing
from storage.tables import key_state
from vault.errors import Conflict, IntegrityError


@dataclass(frozen=True, slots=True)
class KeyState:
    """Active and oldest versions in use; they differ while a rotation is under way.

    `renewed`: nothing is left from before revision 0010.
    """

    index_version: int
    index_oldest: int
    wrapping_version: int
    wrapping_oldest: int
    renewed: bool

    @property
    def rotating(self) -> bool:
        """Whether rows may still be of older versions."""
        return (self.index_version, self.wrapping_version) != (self.index_oldest, self.wrapping_oldest)


_STATE = select(
    key_state.c.index_version,
    key_state.c.index_oldest,
    key_state.c.wrapping_version,
    key_state.c.wrapping_oldest,
    key_state.c.renewed_at.is_not(None),
)
_ACTIVE: LiteralString = "SELECT index_version, wrapping_version FROM key_state"
# Before anything else in a REPEATABLE READ transaction, which would look at the row as it was before.
_LOCK: LiteralString = "LOCK TABLE key_state IN ACCESS SHARE MODE"


def active_versions(keys: KeyRing) -> FirstQuestion:
    """What makes a process with this ring write under the active versions until a transaction ends.

    The transaction fails where the ring lacks one (`Unavailable`), and where the row is gone.
    """

    def heard(row: tuple[int, ...] | None) -> None:
        if row is None:
            raise IntegrityError("The database does not say which keys are in use: key_state is empty.")
        keys.take_up(row[0], row[1])

    return FirstQuestion(_LOCK, _ACTIVE, heard)


def current_state(db: ReadConnection) -> KeyState:
    """The row as it is now."""
    return KeyState(*db.execute(_STATE).one())


def activate(db: WriteConnection, index_version: int, wrapping_version: int, at: datetime) -> None:
    """Makes other versions the active ones once all who write have ended, and before anybody begins.

    Raises:
        Conflict: a rotation to other versions is not finished.
        Unavailable: somebody writes for longer than a lock is waited for.
    """
    db.execute(text("LOCK TABLE key_state IN ACCESS EXCLUSIVE MODE"))
    if current_state(db).rotating:
        raise Conflict("A rotation is not finished: finish that one first.")
    db.execute(
        update(key_state).values(
            index_version=index_version, wrapping_version=wrapping_version, changed_at=at
        )
    )


def finish(db: WriteConnection, at: datetime) -> None:
    """Nothing is of an older version any more."""
    db.execute(
        update(key_state).values(
            index_oldest=key_state.c.index_version,
            wrapping_oldest=key_state.c.wrapping_version,
            changed_at=at,
            renewed_at=at,
        )
    )


def found_by(column: ColumnElement[bytes], keys: KeyRing, *texts: tuple[str, str]) -> ColumnElement[bool]:
    """Rows whose blind index `column` is that of one of these (purpose, text), under whatever key.

    The statement fails (`Unavailable`) where this process lacks an index key in use: it would miss rows.
    """
    indexes = [index for purpose, plain in texts for index in keys.indexes(purpose, plain)]
    return and_(
        column == any_(literal(indexes, ARRAY(LargeBinary))),
        ring_has(literal(keys.index_versions, ARRAY(SmallInteger))),
    )


def ring_has(versions: BindParameter[Sequence[int]]) -> ColumnElement[bool]:
    """True, or the statement fails because an index key in use is not among these versions."""
    return func.key_ring_has(versions, type_=Boolean)


VERSIONS = bindparam("versions", type_=ARRAY(SmallInteger))
"""For statements that are built once: give them `versions=keys.index_versions`."""
