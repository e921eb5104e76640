"""Materials: what was handed in with a case, kept under its digest and found by its holders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, true, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.tables import cases, clients, material_events, material_holders, materials
from vault.model.certificate import TrustLevel
from vault.model.holders import Holder, HolderCode


@dataclass(frozen=True, slots=True)
class NewMaterial:
    """A material about to be committed with its case."""

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
    db: WriteConnection, keys: KeyRing, new: Sequence[NewMaterial], holder_ids: Mapping[HolderCode, UUID]
) -> None:
    """Writes the materials of one case with their holders: two statements."""
    if not new:
        return
    db.execute(insert(materials), [_row(keys, item) for item in new])
    db.execute(
        insert(material_holders),
        [
            {"holder_id": holder_ids[holder.code], "material_id": item.material_id, "position": n}
            for item in new
            for n, holder in enumerate(item.holders)
        ],
    )


def materials_of_holder(db: ReadConnection, keys: KeyRing, holder_id: UUID) -> tuple[ArchivedMaterial, ...]:
    """Every material of a holder, newest first."""
    query = (
        _archived()
        .join(material_holders, material_holders.c.material_id == materials.c.id)
        .where(material_holders.c.holder_id == holder_id)
        .order_by(materials.c.id.desc())
    )
    return tuple(_material(keys, row) for row in db.execute(query))


def find_material(
    db: ReadConnection, keys: KeyRing, material_id: UUID, *, lock: bool = False
) -> ArchivedMaterial | None:
    """One material; `lock` holds its row until the transaction ends."""
    if lock:
        db.execute(select(materials.c.id).where(materials.c.id == material_id).with_for_update())
    row = db.execute(_archived().where(materials.c.id == material_id)).one_or_none()
    return None if row is None else _material(keys, row)


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
    """Makes a material level B, and keeps who compared it with the original."""
    db.execute(
        update(materials)
        .where(materials.c.id == material_id)
        .values(trust=TrustLevel.B, verified_by=verified_by, verified_at=at)
    )
    data_key = keys.new_data_key(f"material_events.data_key:{material_id}")
    db.execute(
        insert(material_events).values(
            material_id=material_id,
            action=VERIFY,
            trust=TrustLevel.B,
            actor=verified_by,
            at=at,
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, {"clerk": clerk, "note": note}, _event_place(material_id)),
        )
    )


def _event_place(material_id: UUID) -> str:
    return f"material_events.sealed:{material_id}"


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
    return (
        select(
            materials,
            cases.c.number.label("case_number"),
            cases.c.committed_at,
            clients.c.name.label("client_name"),
            event.c.data_key.label("event_key"),
            event.c.sealed.label("event_sealed"),
        )
        .join(cases, cases.c.id == materials.c.case_id)
        .join(clients, clients.c.id == cases.c.client_id)
        .outerjoin(event, true())
    )


def _material(keys: KeyRing, row: Row[Any]) -> ArchivedMaterial:
    data_key = keys.data_key(row.data_key, f"materials.data_key:{row.id}")
    verification = None
    if row.event_key is not None:
        event_key = keys.data_key(row.event_key, f"material_events.data_key:{row.id}")
        event = open_json(event_key, row.event_sealed, _event_place(row.id))
        verification = Verification(row.verified_by, event["clerk"], event["note"], row.verified_at)
    return ArchivedMaterial(
        material_id=row.id,
        type_code=row.type_code,
        name=open_json(data_key, row.sealed, f"materials.sealed:{row.id}")["name"],
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


def _row(keys: KeyRing, item: NewMaterial) -> dict[str, object]:
    data_key = keys.new_data_key(f"materials.data_key:{item.material_id}")
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
        "data_key": data_key.wrapped,
        "sealed": seal_json(data_key, {"name": item.name}, f"materials.sealed:{item.material_id}"),
    }
