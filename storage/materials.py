"""Materials: what was handed in with a case, kept under its digest and found by its holders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from storage.db import WriteConnection
from storage.envelope import KeyRing, seal_json
from storage.tables import material_holders, materials
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
    valid_to: date | None
    holders: tuple[Holder, ...] = field(repr=False)


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
        "valid_to": item.valid_to,
        "data_key": data_key.wrapped,
        "sealed": seal_json(data_key, {"name": item.name}, f"materials.sealed:{item.material_id}"),
    }
