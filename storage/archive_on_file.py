"""The material archive as its rows hold it: what fsck judges, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from storage.cases import content_place, key_place
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.filed_objects import material_objects
from storage.inspection import PAGE_ROWS
from storage.objects import FiledObject
from storage.spans import Span, within
from storage.tables import cases, material_events, materials
from vault.errors import IntegrityError, VaultError


@dataclass(frozen=True, slots=True)
class MaterialOnFile:
    """A material. `filed`: its file, or why its key does not open.

    `trust`: the level that its row says; `verified`: whether its row says by whom it was. `history`: the
    levels that it had, the one that its case handed it in with first; None where the case cannot be read.
    `events`: how many there are.
    """

    material_id: UUID
    filed: FiledObject | IntegrityError
    trust: str
    verified: bool
    history: tuple[str, ...] | None
    events: int


def archived_materials(db: ReadConnection, keys: KeyRing, span: Span) -> Iterator[MaterialOnFile]:
    """Every material of this span, in the order of ids; each case's envelope is opened once a page."""
    while True:
        page = _page(db, span)
        if not page:
            return
        files = material_objects(db, keys, [row.id for row in page])
        handed_in = {row.case_id: _levels_of_case(keys, row) for row in {r.case_id: r for r in page}.values()}
        for row in page:
            events = tuple(row.levels or ())
            levels = handed_in[row.case_id]
            first = None if levels is None or row.position >= len(levels) else levels[row.position]
            yield MaterialOnFile(
                material_id=row.id,
                filed=files[row.id],
                trust=row.trust,
                verified=row.verified_by is not None,
                history=None if first is None else (first, *events),
                events=len(events),
            )
        span = replace(span, after=page[-1].id)


def _page(db: ReadConnection, span: Span) -> list[Row[Any]]:
    levels = (
        select(func.array_agg(aggregate_order_by(material_events.c.trust, material_events.c.id)))
        .where(material_events.c.material_id == materials.c.id)
        .scalar_subquery()
    )
    query = (
        select(
            materials.c.id,
            materials.c.case_id,
            materials.c.position,
            materials.c.trust,
            materials.c.verified_by,
            cases.c.data_key,
            cases.c.sealed,
            levels.label("levels"),
        )
        .join(cases, cases.c.id == materials.c.case_id)
        .order_by(materials.c.id)
        .limit(PAGE_ROWS)
    )
    return list(db.execute(within(query, materials.c.id, span)))


def _levels_of_case(keys: KeyRing, row: Row[Any]) -> list[str] | None:
    """The level of each material as its case handed it in; None where that is damaged, which fsck tells."""
    try:
        if row.sealed is None:  # somebody in it is erased, and what it said
            return None
        data_key = keys.data_key(row.data_key, key_place(row.case_id))
        request = open_json(data_key, row.sealed, content_place(row.case_id))["request"]
        return [material["trust"] for material in request["materials"]]
    except (VaultError, ValueError, LookupError, TypeError):
        return None
