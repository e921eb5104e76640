"""Applied types, service items and materials: every version ever in force, the newest one current."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import certificate_types, material_types, service_items


@dataclass(frozen=True, slots=True)
class DefinitionRow:
    """One version of a certificate type, a service item or a material as it was applied."""

    code: str
    version: int
    digest: str
    definition: Mapping[str, Any] = field(repr=False)


# A few hundred rows, without the definitions in them; a version once applied stays as it is.
_STATE = select(
    *(
        select(column).select_from(table).scalar_subquery().label(f"{table.name}_{name}")
        for table in (certificate_types, service_items, material_types)
        for name, column in (("count", func.count()), ("newest", func.max(table.c.applied_at)))
    )
)


def catalogue_state(db: ReadConnection) -> tuple[object, ...]:
    """What is another one as soon as anything was applied."""
    return tuple(db.execute(_STATE).one())


def current_types(db: ReadConnection) -> dict[str, DefinitionRow]:
    """The newest version of every type, by code."""
    return _current(db, certificate_types)


def current_items(db: ReadConnection) -> dict[str, DefinitionRow]:
    """The newest version of every service item, by code."""
    return _current(db, service_items)


def current_materials(db: ReadConnection) -> dict[str, DefinitionRow]:
    """The newest version of every material, by code."""
    return _current(db, material_types)


def every_type(db: ReadConnection) -> tuple[DefinitionRow, ...]:
    """Every version of every type that was ever in force."""
    table = certificate_types
    query = select(table.c.code, table.c.version, table.c.digest, table.c.definition)
    return tuple(DefinitionRow(*row) for row in db.execute(query))


def insert_type(db: WriteConnection, row: DefinitionRow, at: datetime) -> None:
    """Keeps a new version of a type."""
    _insert(db, certificate_types, row, at)


def insert_item(db: WriteConnection, row: DefinitionRow, at: datetime) -> None:
    """Keeps a new version of a service item."""
    _insert(db, service_items, row, at)


def insert_material(db: WriteConnection, row: DefinitionRow, at: datetime) -> None:
    """Keeps a new version of a material."""
    _insert(db, material_types, row, at)


def _current(db: ReadConnection, table: Table) -> dict[str, DefinitionRow]:
    query = (
        select(table.c.code, table.c.version, table.c.digest, table.c.definition)
        .ext(distinct_on(table.c.code))
        .order_by(table.c.code, table.c.version.desc())
    )
    return {row.code: DefinitionRow(*row) for row in db.execute(query)}


def _insert(db: WriteConnection, table: Table, row: DefinitionRow, at: datetime) -> None:
    db.execute(
        insert(table).values(
            code=row.code,
            version=row.version,
            digest=row.digest,
            definition=dict(row.definition),
            applied_at=at,
        )
    )
