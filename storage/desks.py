"""Clerks' sheets of today's cases: one sealed row each, opened and written whole."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.tables import desks


def find_desk(db: ReadConnection, keys: KeyRing, person_id: UUID, at: datetime) -> Mapping[str, Any] | None:
    """What lies on this clerk's desk; None where nothing does, or its day is over."""
    row = db.execute(select(desks).where(desks.c.id == person_id, desks.c.ends_at > at)).one_or_none()
    if row is None:
        return None
    data_key = keys.data_key(row.data_key, key_place(person_id))
    content: Mapping[str, Any] = open_json(data_key, row.sealed, content_place(person_id))
    return content


def lock_desk(
    db: WriteConnection,
    keys: KeyRing,
    person_id: UUID,
    empty: Mapping[str, Any],
    at: datetime,
    ends_at: datetime,
) -> Mapping[str, Any]:
    """As `find_desk`, held until the transaction ends: two windows of one clerk write one after the other.

    Where nothing lies there, or of another day, `empty` does from now on.
    """
    data_key = keys.new_data_key(key_place(person_id))
    fresh = {
        "data_key": data_key.wrapped,
        "sealed": seal_json(data_key, empty, content_place(person_id)),
        "ends_at": ends_at,
    }
    made = insert(desks).values(id=person_id, **fresh)
    db.execute(made.on_conflict_do_update(index_elements=["id"], set_=fresh, where=desks.c.ends_at <= at))
    row = db.execute(select(desks).where(desks.c.id == person_id).with_for_update()).one()
    content: Mapping[str, Any] = open_json(
        keys.data_key(row.data_key, key_place(person_id)), row.sealed, content_place(person_id)
    )
    return content


def keep_desk(db: WriteConnection, keys: KeyRing, person_id: UUID, content: Mapping[str, Any]) -> None:
    """Writes what lies on a desk that the caller holds, under a data key of its own."""
    data_key = keys.new_data_key(key_place(person_id))
    sealed = seal_json(data_key, content, content_place(person_id))
    statement = update(desks).where(desks.c.id == person_id)
    db.execute(statement.values(data_key=data_key.wrapped, sealed=sealed))


def forget_desks(db: WriteConnection, at: datetime) -> int:
    """Deletes the desks whose day is over; how many."""
    return db.execute(delete(desks).where(desks.c.ends_at <= at)).rowcount


def key_place(person_id: UUID) -> str:
    """What a desk's data key is bound to."""
    return f"desks.data_key:{person_id}"


def content_place(person_id: UUID) -> str:
    """What a desk's envelope is bound to."""
    return f"desks.sealed:{person_id}"
