"""Applied certificate types: every version that was ever in force, the newest one current."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import certificate_types


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One version of a certificate type as it was applied."""

    code: str
    version: int
    digest: str
    definition: Mapping[str, Any] = field(repr=False)


def current_types(db: ReadConnection) -> dict[str, TypeRow]:
    """The newest version of every type, by code."""
    query = (
        select(
            certificate_types.c.code,
            certificate_types.c.version,
            certificate_types.c.digest,
            certificate_types.c.definition,
        )
        .ext(distinct_on(certificate_types.c.code))
        .order_by(certificate_types.c.code, certificate_types.c.version.desc())
    )
    return {row.code: TypeRow(*row) for row in db.execute(query)}


def insert_type(db: WriteConnection, row: TypeRow, at: datetime) -> None:
    """Keeps a new version of a type."""
    db.execute(
        insert(certificate_types).values(
            code=row.code,
            version=row.version,
            digest=row.digest,
            definition=dict(row.definition),
            applied_at=at,
        )
    )
