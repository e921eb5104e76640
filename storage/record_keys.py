"""Data keys of certificates, materials and uses: each wrapped by the key of every holder whom they are about.

Any one of the holders' keys opens a record; when the last one is destroyed, nothing does. A record from
before revision 0010 has its data key in its own row, wrapped by the vault's own key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Row, Table, bindparam, select, update
from sqlalchemy.sql.selectable import LateralFromClause

from storage.db import WriteConnection
from storage.envelope import DataKey, KeyRing, unwrap_key, wrap_key
from storage.tables import (
    certificate_holders,
    certificates,
    holders,
    material_holders,
    materials,
    use_holders,
    uses,
)


@dataclass(frozen=True, slots=True)
class RecordKind:
    """Certificates, materials or uses: their table, the one of their holders, and what the latter calls them.

    `order`: in which order the holders are tried. `indexes`: the columns by which a record is found.
    """

    table: Table
    of_holders: Table
    record_id: Column[UUID]
    order: Column[Any]
    indexes: tuple[str, ...] = ()

    def key_place(self, record_id: UUID) -> str:
        """What a data key in the record's own row is bound to."""
        return f"{self.table.name}.data_key:{record_id}"

    def content_place(self, record_id: UUID) -> str:
        """What the record's envelope is bound to."""
        return f"{self.table.name}.sealed:{record_id}"

    def wrap_place(self, record_id: UUID, holder_id: UUID) -> str:
        """What a data key wrapped by a holder's is bound to."""
        return f"{self.of_holders.name}.data_key:{record_id}:{holder_id}"


CERTIFICATES = RecordKind(
    certificates,
    certificate_holders,
    certificate_holders.c.certificate_id,
    certificate_holders.c.position,
    ("number_index", "code_index", "token_index"),
)
MATERIALS = RecordKind(
    materials, material_holders, material_holders.c.material_id, material_holders.c.position
)
USES = RecordKind(uses, use_holders, use_holders.c.use_id, use_holders.c.holder_id, ("request_index",))


@dataclass(frozen=True, slots=True)
class KnownHolder:
    """A holder's row and its data key, in clear for this moment."""

    holder_id: UUID
    key: DataKey = field(repr=False)


def holder_key_place(holder_id: UUID) -> str:
    """What a holder's data key is bound to."""
    return f"holders.data_key:{holder_id}"


def holder_key(keys: KeyRing, holder_id: UUID, wrapped: bytes) -> DataKey:
    """A holder's data key.

    Raises:
        IntegrityError: it does not open.
    """
    return keys.data_key(wrapped, holder_key_place(holder_id))


def wrapped_for(kind: RecordKind, record_id: UUID, holder: KnownHolder, record_key: DataKey) -> bytes:
    """The record's data key as this holder's row in `kind.of_holders` keeps it."""
    return wrap_key(holder.key, record_key, kind.wrap_place(record_id, holder.holder_id))


def way_in(kind: RecordKind, record_id: ColumnElement[UUID] | None = None) -> LateralFromClause:
    """The first holder who is left, to be joined to each record: `opener`, `wrapped`, `opener_key`.

    `record_id`: where the record's id stands in the query, if not in the kind's own table.
    """
    return (
        select(
            kind.of_holders.c.holder_id.label("opener"),
            kind.of_holders.c.data_key.label("wrapped"),
            holders.c.data_key.label("opener_key"),
        )
        .join(holders, holders.c.id == kind.of_holders.c.holder_id)
        .where(
            kind.record_id == (kind.table.c.id if record_id is None else record_id),
            kind.of_holders.c.data_key.is_not(None),
            holders.c.data_key.is_not(None),
        )
        .order_by(kind.order)
        .limit(1)
        .lateral(f"{kind.table.name}_way_in")
    )


def way_in_columns(lateral: LateralFromClause) -> Iterable[ColumnElement[Any]]:
    """The lateral's columns, for a select's list."""
    return (lateral.c.opener, lateral.c.wrapped, lateral.c.opener_key)


HolderKeys: TypeAlias = dict[tuple[UUID, bytes], DataKey]
"""Holders' keys that were opened for one look already: most of its records are of the same holder."""


def record_key(
    kind: RecordKind, keys: KeyRing, row: Row[Any], opened: HolderKeys | None = None
) -> DataKey | None:
    """The data key of a record in a row with `id`, `data_key` and `way_in`; None once all are erased.

    Raises:
        IntegrityError: it does not open.
    """
    return opened_key(kind, keys, row.id, row.data_key, (row.opener, row.wrapped, row.opener_key), opened)


def opened_key(
    kind: RecordKind,
    keys: KeyRing,
    record_id: UUID,
    own: bytes | None,
    way: tuple[UUID | None, bytes | None, bytes | None],
    opened: HolderKeys | None = None,
) -> DataKey | None:
    """As `record_key`, from single values. `own`: the data key in the record's own row."""
    if own is not None:
        return keys.data_key(own, kind.key_place(record_id))
    opener, wrapped, opener_key = way
    if opener is None or wrapped is None or opener_key is None:
        return None
    outer = None if opened is None else opened.get((opener, opener_key))
    if outer is None:
        outer = holder_key(keys, opener, opener_key)
        if opened is not None:
            opened[opener, opener_key] = outer
    return unwrap_key(outer, wrapped, kind.wrap_place(record_id, opener))


def wrap_for_all(
    db: WriteConnection, keys: KeyRing, kind: RecordKind, record_keys: Mapping[UUID, DataKey]
) -> None:
    """Wraps each record's data key by the key of every holder of it who is not erased."""
    of_holders = kind.of_holders
    query = (
        select(of_holders.c.holder_id, kind.record_id.label("record_id"), holders.c.data_key)
        .join(holders, holders.c.id == of_holders.c.holder_id)
        .where(kind.record_id.in_(record_keys), holders.c.data_key.is_not(None))
    )
    wraps = []
    for row in db.execute(query):
        holder = KnownHolder(row.holder_id, holder_key(keys, row.holder_id, row.data_key))
        wrapped = wrapped_for(kind, row.record_id, holder, record_keys[row.record_id])
        wraps.append({"holder": row.holder_id, "record": row.record_id, "wrapped": wrapped})
    if wraps:
        db.execute(
            update(of_holders)
            .where(of_holders.c.holder_id == bindparam("holder"), kind.record_id == bindparam("record"))
            .values(data_key=bindparam("wrapped")),
            wraps,
        )
