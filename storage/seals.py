"""Seals: whose, with which certificate and picture. The key itself never enters the database."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import seals

# What the platform's seal (平台章) is for; an authority's seal, for its own certificates, has no purpose.
USAGE_COPY = "usage-copy"


@dataclass(frozen=True, slots=True)
class SealRow:
    """A seal of an authority, or of the vault's operator.

    `picture`: PDF drawing operators in a box of 1000 by 1000 units. `purpose`: None for an authority's own
    certificates, `USAGE_COPY` for the copies that the platform makes.
    """

    seal_id: str
    authority: str
    authority_name: str
    algorithm: str
    key_name: str
    certificate_pem: str = field(repr=False)
    picture: bytes = field(repr=False)
    not_after: datetime
    created_at: datetime
    stopped_at: datetime | None
    purpose: str | None = None


def insert_seal(db: WriteConnection, seal: SealRow) -> None:
    """Keeps a new seal."""
    db.execute(
        insert(seals).values(
            id=seal.seal_id,
            authority=seal.authority,
            authority_name=seal.authority_name,
            algorithm=seal.algorithm,
            key_name=seal.key_name,
            certificate_pem=seal.certificate_pem,
            picture=seal.picture,
            not_after=seal.not_after,
            created_at=seal.created_at,
            stopped_at=seal.stopped_at,
            purpose=seal.purpose,
        )
    )


def seals_in_use(db: ReadConnection, authorities: frozenset[str], at: datetime) -> dict[str, str]:
    """The id of the newest seal in use of each of these authorities, by authority."""
    query = (
        select(seals.c.authority, seals.c.id)
        .where(
            seals.c.authority.in_(sorted(authorities)),
            seals.c.purpose.is_(None),
            seals.c.stopped_at.is_(None),
            seals.c.not_after > at,
        )
        .order_by(seals.c.created_at, seals.c.id)
    )
    return {row.authority: row.id for row in db.execute(query)}


def platform_seal_in_use(db: ReadConnection, at: datetime) -> str | None:
    """The id of the newest seal in use that the platform puts on usage copies."""
    query = (
        select(seals.c.id)
        .where(seals.c.purpose == USAGE_COPY, seals.c.stopped_at.is_(None), seals.c.not_after > at)
        .order_by(seals.c.created_at.desc(), seals.c.id.desc())
        .limit(1)
    )
    return db.execute(query).scalar_one_or_none()


def find_seal(db: ReadConnection, seal_id: str) -> SealRow | None:
    """A seal by its id."""
    row = db.execute(select(seals).where(seals.c.id == seal_id)).one_or_none()
    return None if row is None else _seal(row)


def all_seals(db: ReadConnection) -> tuple[SealRow, ...]:
    """Every seal, stopped ones too, by authority and age."""
    query = select(seals).order_by(seals.c.authority, seals.c.created_at, seals.c.id)
    return tuple(_seal(row) for row in db.execute(query))


def stop_seal(db: WriteConnection, seal_id: str, at: datetime) -> int:
    """Takes a seal out of use; the number of seals stopped by this call (0 or 1)."""
    statement = update(seals).where(seals.c.id == seal_id, seals.c.stopped_at.is_(None)).values(stopped_at=at)
    return db.execute(statement).rowcount


def _seal(row: Row[tuple[object, ...]]) -> SealRow:
    return SealRow(
        seal_id=row.id,
        authority=row.authority,
        authority_name=row.authority_name,
        algorithm=row.algorithm,
        key_name=row.key_name,
        certificate_pem=row.certificate_pem,
        picture=row.picture,
        not_after=row.not_after,
        created_at=row.created_at,
        stopped_at=row.stopped_at,
        purpose=row.purpose,
    )
