"""Holders: found by the blind index of their code, shown from their envelope."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, seal_json
from storage.tables import certificate_holders, holders
from vault.model.holders import Holder, HolderCode
from vault.model.ids import uuid7


def holder_index(keys: KeyRing, code: HolderCode) -> bytes:
    """The blind index under which a holder's code is found."""
    filed_under, value = code.identity
    return keys.index(f"holder:{filed_under}", value)


def find_holder(db: ReadConnection, keys: KeyRing, code: HolderCode) -> UUID | None:
    """The holder with this code, if the vault knows one."""
    query = select(holders.c.id).where(holders.c.code_index == holder_index(keys, code))
    return db.execute(query).scalar_one_or_none()


def holder_ids_of(db: ReadConnection, certificate_id: UUID) -> frozenset[UUID]:
    """Who holds a certificate."""
    query = select(certificate_holders.c.holder_id).where(
        certificate_holders.c.certificate_id == certificate_id
    )
    return frozenset(db.execute(query).scalars())


def ensure_holders(
    db: WriteConnection, keys: KeyRing, wanted: Iterable[Holder], at: datetime
) -> dict[HolderCode, UUID]:
    """Ids of all these holders, new rows made for those unknown: two statements for any number.

    Rows are inserted in index order, so that two deposits with the same holders cannot deadlock.
    """
    everybody = list(wanted)
    by_index = {holder_index(keys, holder.code): holder for holder in everybody}
    rows = [_row(keys, index, by_index[index], at) for index in sorted(by_index)]
    db.execute(insert(holders).on_conflict_do_nothing(index_elements=["code_index"]), rows)
    found = db.execute(
        select(holders.c.id, holders.c.code_index).where(holders.c.code_index.in_(list(by_index)))
    )
    ids = {index: holder_id for holder_id, index in found}
    return {holder.code: ids[holder_index(keys, holder.code)] for holder in everybody}


def _row(keys: KeyRing, index: bytes, holder: Holder, at: datetime) -> dict[str, object]:
    holder_id = uuid7(at)
    data_key = keys.new_data_key(f"holders.data_key:{holder_id}")
    content = {"code": holder.code.value, "name": holder.name}
    return {
        "id": holder_id,
        "code_type": holder.code.code_type,
        "code_index": index,
        "index_version": keys.index_version,
        "data_key": data_key.wrapped,
        "sealed": seal_json(data_key, content, f"holders.sealed:{holder_id}"),
    }


def holder_json(holders_of: Sequence[Holder]) -> list[dict[str, str]]:
    """Holders as the envelopes and the public contract write them."""
    return [{"code_type": h.code.code_type, "code": h.code.value, "name": h.name} for h in holders_of]


def holders_from_json(values: Iterable[dict[str, str]]) -> tuple[Holder, ...]:
    """The reverse of `holder_json`."""
    return tuple(Holder(HolderCode.parse(v["code_type"], v["code"]), v["name"]) for v in values)
