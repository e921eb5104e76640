"""Those of an audit event's subjects that a holder has: the first few of each event, and how many."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)

from storage.db import ReadConnection
from storage.tables import audit_subjects, certificate_holders, certificates, material_holders, materials
from vault.model.history_entry import Thing
from vault.model.use import SubjectKind

# Of one access so many things are listed; the others are counted.
THINGS_MAX = 20


def own_things(
    db: ReadConnection, holder_id: UUID, event_ids: Sequence[int]
) -> tuple[dict[int, tuple[Thing, ...]], dict[int, int]]:
    """Of each event the holder's own things, certificates before materials: the first few, and how many."""
    rows = db.execute(_THINGS, {"holder_id": holder_id, "events": list(event_ids)})
    found: dict[int, list[Thing]] = {}
    counts: dict[int, int] = {}
    for row in rows:
        thing = Thing(SubjectKind(row.kind), row.id, row.type_code, row.identifier)
        found.setdefault(row.event_id, []).append(thing)
        counts[row.event_id] = row.things
    return {event_id: tuple(things) for event_id, things in found.items()}, counts


def _of_kind(kind: SubjectKind, of: Any, key: ColumnElement[UUID], columns: Sequence[Any]) -> Select[Any]:  # noqa: ANN401 - a table
    """Those of the events' subjects that the holder has, of one kind."""
    return (
        select(audit_subjects.c.event_id, literal(kind.value).label("kind"), *columns)
        .join(of, key == audit_subjects.c.about)
        .where(
            of.c.holder_id == bindparam("holder_id", type_=Uuid),
            audit_subjects.c.event_id == any_(bindparam("events", type_=ARRAY(BigInteger))),
        )
    )


def _things_statement() -> Select[Any]:
    both: Subquery = union_all(
        _of_kind(
            SubjectKind.CERTIFICATE,
            certificate_holders,
            certificate_holders.c.certificate_id,
            [certificates.c.id, certificates.c.type_code, certificates.c.identifier],
        ).join(certificates, certificates.c.id == audit_subjects.c.about),
        _of_kind(
            SubjectKind.MATERIAL,
            material_holders,
            material_holders.c.material_id,
            [materials.c.id, materials.c.type_code, literal(None).label("identifier")],
        ).join(materials, materials.c.id == audit_subjects.c.about),
    ).subquery("both")
    place = func.row_number().over(partition_by=both.c.event_id, order_by=(both.c.kind, both.c.id.desc()))
    counted = select(
        both, place.label("place"), func.count().over(partition_by=both.c.event_id).label("things")
    ).subquery("counted")
    return select(counted).where(counted.c.place <= THINGS_MAX).order_by(counted.c.event_id, counted.c.place)


_THINGS = _things_statement()
