"""Materials: what was handed in with a case, kept under its digest and found by its holders."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Row, Select, any_, bindparam, select, true, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import BY_A_ROW, DataKey, KeyRing, open_json, seal_json, unwrap_key, version_of
from storage.record_keys import MATERIALS, KnownHolder, record_key, way_in, way_in_columns, wrapped_for
from storage.round_trip import insert_rows
from storage.tables import cases, clients, holders, material_events, material_holders, materials
from vault.errors import IntegrityError
from vault.model.certificate import TrustLevel
from vault.model.holders import Holder, HolderCode


@dataclass(frozen=True, slots=True)
class NewMaterial:
    """A material about to be committed with its case; `key` has sealed its file already."""

    material_id: UUID
    case_id: UUID
    position: int
    type_code: str
    name: str = field(repr=False)
    sha256: str
    size_bytes: int
    content_type: str
    trust: TrustLevel
    issued_on: date | None
    valid_to: date | None
    holders: tuple[Holder, ...] = field(repr=False)
    key: DataKey = field(repr=False)
    object_name: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Who compared a material with its original: the system, its clerk, what they noted, and when."""

    client_id: str
    clerk: str = field(repr=False)
    note: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class ArchivedMaterial:
    """A material of the archive with its source: the case and the system that handed it in."""

    material_id: UUID
    type_code: str
    name: str = field(repr=False)
    sha256: str
    size_bytes: int
    content_type: str
    trust: TrustLevel
    issued_on: date | None
    valid_to: date | None
    client_name: str
    case_number: str
    handed_in_at: datetime
    verification: Verification | None


VERIFY = "verify"


def insert_materials(
    db: WriteConnection, new: Sequence[NewMaterial], holders: Mapping[HolderCode, KnownHolder]
) -> None:
    """Writes the materials of one case with their holders: two statements."""
    if not new:
        return
    insert_rows(db, materials, [_row(item) for item in new])
    insert_rows(
        db,
        material_holders,
        [
            {
                "holder_id": holders[holder.code].holder_id,
                "material_id": item.material_id,
                "position": n,
                "data_key": wrapped_for(MATERIALS, item.material_id, holders[holder.code], item.key),
            }
            for item in new
            for n, holder in enumerate(item.holders)
        ],
    )


@cache
def materials_of_code() -> Select[Any]:
    """Every material of the holders with these `indexes` of a code, newest first; for `readable`."""
    return (
        _archived()
        .join(material_holders, material_holders.c.material_id == materials.c.id)
        .join(holders, holders.c.id == material_holders.c.holder_id)
        .where(holders.c.code_index == any_(bindparam("indexes", type_=ARRAY(LargeBinary))))
        .order_by(materials.c.id.desc())
    )


def readable(keys: KeyRing, rows: Iterable[Row[Any]]) -> tuple[ArchivedMaterial, ...]:
    """The materials in rows of these queries; none of those whose holders are all erased.

    Raises:
        IntegrityError: an envelope does not open.
    """
    found = (_material(keys, row) for row in rows)
    return tuple(material for material in found if material is not None)


def find_material(
    db: ReadConnection, keys: KeyRing, material_id: UUID, *, lock: bool = False
) -> ArchivedMaterial | None:
    """One material whose holders are not all erased; `lock` holds its row until the transaction ends."""
    if lock:
        db.execute(select(materials.c.id).where(materials.c.id == material_id).with_for_update())
    row = db.execute(_archived().where(materials.c.id == material_id)).one_or_none()
    return None if row is None else _material(keys, row)


def material_of_case(db: ReadConnection, client_id: str, number: str) -> UUID | None:
    """The first material that a client's case brought in; None where it brought none, or is not committed."""
    query = (
        select(materials.c.id)
        .join(cases, cases.c.id == materials.c.case_id)
        .where(cases.c.client_id == client_id, cases.c.number == number)
        .order_by(materials.c.position)
        .limit(1)
    )
    return db.execute(query).scalar_one_or_none()


def verify_material(
    db: WriteConnection,
    keys: KeyRing,
    material_id: UUID,
    *,
    verified_by: str,
    clerk: str,
    note: str,
    at: datetime,
) -> None:
    """Makes a material level B, and keeps who compared it with the original. Its row is the caller's."""
    row = db.execute(_archived().where(materials.c.id == material_id)).one()
    data_key = record_key(MATERIALS, keys, row)
    if data_key is None:
        raise IntegrityError("A material that was found a moment ago has lost its data key.")
    db.execute(
        update(materials)
        .where(materials.c.id == material_id)
        .values(trust=TrustLevel.B, verified_by=verified_by, verified_at=at)
    )
    db.execute(
        insert(material_events).values(
            material_id=material_id,
            action=VERIFY,
            trust=TrustLevel.B,
            actor=verified_by,
            at=at,
            sealed=seal_json(data_key, {"clerk": clerk, "note": note}, event_place(material_id)),
        )
    )


def event_place(material_id: UUID) -> str:
    """What an event's envelope is bound to."""
    return f"material_events.sealed:{material_id}"


def event_key_place(material_id: UUID) -> str:
    """What the data key of an event from before revision 0010 is bound to."""
    return f"material_events.data_key:{material_id}"


def event_key(keys: KeyRing, material_key: DataKey, own: bytes | None, material_id: UUID) -> DataKey:
    """What opens an event: its material's key; one from before revision 0010 has a data key of its own.

    Raises:
        IntegrityError: that does not open.
    """
    if own is None:
        return material_key
    place = event_key_place(material_id)
    if version_of(own) == BY_A_ROW:
        return unwrap_key(material_key, own, place)
    return keys.data_key(own, place)


@cache  # as the records of certificates
def _archived() -> Select[Any]:
    """One row a material, with its source case and its newest event beside it: no N+1."""
    event = (
        select(material_events.c.data_key, material_events.c.sealed)
        .where(material_events.c.material_id == materials.c.id)
        .order_by(material_events.c.id.desc())
        .limit(1)
        .lateral("newest_event")
    )
    opener = way_in(MATERIALS)
    return (
        select(
            materials,
            *way_in_columns(opener),
            cases.c.number.label("case_number"),
            cases.c.committed_at,
            clients.c.name.label("client_name"),
            event.c.data_key.label("event_key"),
            event.c.sealed.label("event_sealed"),
        )
        .join(cases, cases.c.id == materials.c.case_id)
        .join(clients, clients.c.id == cases.c.client_id)
        .outerjoin(event, true())
        .outerjoin(opener, true())
    )


def _material(keys: KeyRing, row: Row[Any]) -> ArchivedMaterial | None:
    data_key = record_key(MATERIALS, keys, row)
    if data_key is None:
        return None
    verification = None
    if row.event_sealed is not None:
        key = event_key(keys, data_key, row.event_key, row.id)
        event = open_json(key, row.event_sealed, event_place(row.id))
        verification = Verification(row.verified_by, event["clerk"], event["note"], row.verified_at)
    return ArchivedMaterial(
        material_id=row.id,
        type_code=row.type_code,
        name=open_json(data_key, row.sealed, MATERIALS.content_place(row.id))["name"],
        sha256=row.sha256.hex(),
        size_bytes=row.size_bytes,
        content_type=row.content_type,
        trust=TrustLevel(row.trust),
        issued_on=row.issued_on,
        valid_to=row.valid_to,
        client_name=row.client_name,
        case_number=row.case_number,
        handed_in_at=row.committed_at,
        verification=verification,
    )


def _row(item: NewMaterial) -> dict[str, object]:
    return {
        "id": item.material_id,
        "case_id": item.case_id,
        "position": item.position,
        "type_code": item.type_code,
        "sha256": bytes.fromhex(item.sha256),
        "size_bytes": item.size_bytes,
        "content_type": item.content_type,
        "trust": item.trust,
        "issued_on": item.issued_on,
        "valid_to": item.valid_to,
        "sealed": seal_json(item.key, {"name": item.name}, MATERIALS.content_place(item.material_id)),
        "object_name": item.object_name,
    }
