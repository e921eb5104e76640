"""Holders: found by the blind index of their code, shown from their envelope."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Row, Select, any_, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from storage.array_text import array, octets
from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing, open_json, seal_json
from storage.key_state import VERSIONS, found_by, ring_has
from storage.record_keys import KnownHolder, holder_key, holder_key_place
from storage.round_trip import ask_together
from storage.tables import certificate_holders, holders
from vault.errors import Unavailable
from vault.model.holders import Holder, HolderCode
from vault.model.ids import uuid7
from vault.model.scope import Scope

# Built once: every deposit asks it.
_FOUND = (
    select(holders.c.id, holders.c.code_index, holders.c.data_key)
    .where(holders.c.code_index == any_(bindparam("indexes", type_=ARRAY(LargeBinary))), ring_has(VERSIONS))
    .order_by(holders.c.id)
    .with_for_update(read=True, key_share=True)
)
_MADE = (
    insert(holders)
    .values(
        {
            name: bindparam(name)
            for name in ("id", "code_type", "code_index", "index_version", "data_key", "sealed")
        }
    )
    .on_conflict_do_nothing(index_elements=["code_index"])
    .returning(holders.c.code_index)
)
KNOWN = select(holders.c.id, holders.c.data_key).where(
    holders.c.code_index == any_(bindparam("indexes", type_=ARRAY(LargeBinary))), ring_has(VERSIONS)
)
"""With `indexes` of codes and `versions`: their holders; of one code for `one_known`."""
# Somebody may be made or erased between two statements, hardly twice.
ROUNDS_MAX = 3


def index_text(code: HolderCode) -> tuple[str, str]:
    """Purpose and text of the index under which a holder's code is found."""
    filed_under, value = code.identity
    return f"holder:{filed_under}", value


def holder_index(keys: KeyRing, code: HolderCode) -> bytes:
    """The blind index of a holder's code, to be written. To find rows, use `holder_indexes`."""
    return keys.index(*index_text(code))


def holder_indexes(keys: KeyRing, code: HolderCode) -> tuple[bytes, ...]:
    """The blind indexes under which rows with a holder's code may stand."""
    return keys.indexes(*index_text(code))


def about(scope: Scope, keys: KeyRing, *codes: HolderCode) -> Scope:
    """The same on whose behalf, about these holders too.

    Under every index key in use: where this process has not got one, the transaction is refused.
    """
    keys.look_again()
    ring = tuple(keys.index_versions)
    indexes = {index for code in codes for index in holder_indexes(keys, code)}
    return replace(scope, holders=scope.holders | indexes, ring=ring)


def find_holder(db: ReadConnection, keys: KeyRing, code: HolderCode) -> UUID | None:
    """The holder with this code, if the vault knows one."""
    query = select(holders.c.id).where(found_by(holders.c.code_index, keys, index_text(code)))
    return db.execute(query).scalar_one_or_none()


def holder_ids_of(db: ReadConnection, certificate_id: UUID) -> frozenset[UUID]:
    """Who holds a certificate, without those who are erased."""
    query = (
        select(certificate_holders.c.holder_id)
        .join(holders, holders.c.id == certificate_holders.c.holder_id)
        .where(certificate_holders.c.certificate_id == certificate_id, holders.c.data_key.is_not(None))
    )
    return frozenset(db.execute(query).scalars())


def code_of(row: Row[Any], key: DataKey) -> HolderCode:
    """The code in a row with a holder's `code_type`, `holder_id` and `holder_sealed`."""
    content = open_json(key, row.holder_sealed, content_place(row.holder_id))
    return HolderCode.parse(row.code_type, content["code"])


def known_holder(db: ReadConnection, keys: KeyRing, code: HolderCode) -> KnownHolder | None:
    """The holder with this code and their data key, if the vault knows one."""
    values = {"indexes": list(holder_indexes(keys, code)), "versions": keys.index_versions}
    return one_known(keys, db.execute(KNOWN, values).one_or_none())


def known_ids(db: ReadConnection, keys: KeyRing, indexes: Collection[bytes]) -> frozenset[UUID]:
    """Whom of these holders the vault knows; `indexes`: of their codes, under every index key."""
    values = {"indexes": list(indexes), "versions": keys.index_versions}
    return frozenset(row.id for row in db.execute(KNOWN, values))


def one_known(keys: KeyRing, row: Row[Any, Any] | None) -> KnownHolder | None:
    """The holder in a row of `KNOWN`.

    Raises:
        IntegrityError: their data key does not open.
    """
    return None if row is None else KnownHolder(row.id, holder_key(keys, row.id, row.data_key))


def lock_known(db: WriteConnection, keys: KeyRing, code: HolderCode) -> KnownHolder | None:
    """The holder with this code, held until the transaction ends: nobody else changes what they grant.

    Deposits do not wait for it. Whoever grants, revokes or ends a grant takes it first, as an erasure does.
    """
    query = select(holders.c.id, holders.c.data_key).where(
        found_by(holders.c.code_index, keys, index_text(code))
    )
    row = db.execute(query.with_for_update(key_share=True)).one_or_none()
    return None if row is None else KnownHolder(row.id, holder_key(keys, row.id, row.data_key))


def holder_code(db: ReadConnection, keys: KeyRing, holder_id: UUID) -> HolderCode | None:
    """A holder's code; None once they are erased."""
    query: Select[Any] = select(
        holders.c.id.label("holder_id"),
        holders.c.code_type,
        holders.c.data_key,
        holders.c.sealed.label("holder_sealed"),
    ).where(holders.c.id == holder_id, holders.c.data_key.is_not(None))
    row = db.execute(query).one_or_none()
    return None if row is None else code_of(row, holder_key(keys, holder_id, row.data_key))


def ensure_holders(
    db: WriteConnection, keys: KeyRing, wanted: Iterable[Holder], at: datetime
) -> dict[HolderCode, KnownHolder]:
    """All these holders with their keys, new rows made for those unknown: three statements for any number.

    1. find: under every index key, since a rotation may not have come to a holder yet. Who is found cannot
       be erased before this transaction ends.
    2. make those who are unknown, under the active index key. Who writes under an older one has ended by now
       (`storage.key_state`), so nobody can be made twice under two keys; under one, the unique index says so.
       In index order, so that two deposits with the same holders cannot deadlock.
    3. find again those whom another deposit made meanwhile.

    Raises:
        Unavailable: somebody is being made or erased at this moment.
    """
    named = list(wanted)
    everybody = {holder.code.identity: holder for holder in named}
    found: dict[tuple[str, str], KnownHolder] = {}
    for _ in range(ROUNDS_MAX):
        missing = {identity: holder for identity, holder in everybody.items() if identity not in found}
        found |= _found(db, keys, missing)  # 1, 3
        missing = {identity: holder for identity, holder in missing.items() if identity not in found}
        found |= _made(db, keys, missing, at) if missing else {}  # 2
        if len(found) == len(everybody):
            return {holder.code: found[holder.code.identity] for holder in named}
    raise Unavailable("A holder of this case is being changed at this moment.", retry_after_s=1)


def _found(
    db: WriteConnection, keys: KeyRing, wanted: Mapping[tuple[str, str], Holder]
) -> dict[tuple[str, str], KnownHolder]:
    texts = {identity: index_text(holder.code) for identity, holder in wanted.items()}
    under = {index: identity for identity, text in texts.items() for index in keys.indexes(*text)}
    asked = {"indexes": octets(under), "versions": array(map(str, keys.index_versions))}
    (found,) = ask_together(db, (_FOUND, asked))
    return {
        under[row.code_index]: KnownHolder(row.id, holder_key(keys, row.id, row.data_key)) for row in found
    }


def _made(
    db: WriteConnection, keys: KeyRing, unknown: Mapping[tuple[str, str], Holder], at: datetime
) -> dict[tuple[str, str], KnownHolder]:
    by_index = {holder_index(keys, holder.code): identity for identity, holder in unknown.items()}
    made = {index: _new(keys, at) for index in sorted(by_index)}
    rows = [_row(keys, index, made[index], unknown[by_index[index]]) for index in made]
    inserted = ask_together(db, *((_MADE, row) for row in rows))
    return {by_index[row.code_index]: made[row.code_index] for answer in inserted for row in answer}


def _new(keys: KeyRing, at: datetime) -> KnownHolder:
    holder_id = uuid7(at)
    return KnownHolder(holder_id, keys.new_data_key(holder_key_place(holder_id)))


def _row(keys: KeyRing, index: bytes, made: KnownHolder, holder: Holder) -> dict[str, object]:
    content = {"code": holder.code.value, "name": holder.name}
    return {
        "id": made.holder_id,
        "code_type": holder.code.code_type,
        "code_index": index,
        "index_version": keys.index_version,
        "data_key": made.key.wrapped,
        "sealed": seal_json(made.key, content, content_place(made.holder_id)),
    }


def content_place(holder_id: UUID) -> str:
    """What a holder's envelope is bound to."""
    return f"holders.sealed:{holder_id}"


def holder_json(holders_of: Sequence[Holder]) -> list[dict[str, str]]:
    """Holders as the envelopes and the public contract write them."""
    return [{"code_type": h.code.code_type, "code": h.code.value, "name": h.name} for h in holders_of]


def holders_from_json(values: Iterable[dict[str, str]]) -> tuple[Holder, ...]:
    """The reverse of `holder_json`."""
    return tuple(Holder(HolderCode.parse(v["code_type"], v["code"]), v["name"]) for v in values)
