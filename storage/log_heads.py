"""Rows of the log's tree heads: checkpoints, what is published of them, and witnesses' cosignatures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Table, func, select, text
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import log_checkpoints, log_cosignatures, log_publications


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A signed tree head of a shard. `note`: as it was signed, without cosignatures."""

    year: int
    size: int
    root: bytes
    note: bytes = field(repr=False)
    made_at: datetime


@dataclass(frozen=True, slots=True)
class CosignatureRow:
    """A witness's signature line on a checkpoint."""

    year: int
    size: int
    witness: str
    line: str
    signed_at: datetime


def newest_checkpoint(db: ReadConnection, year: int) -> CheckpointRow | None:
    """The tree head of a shard as the database has it, published or not."""
    query = (
        select(log_checkpoints)
        .where(log_checkpoints.c.year == year)
        .order_by(log_checkpoints.c.size.desc())
        .limit(1)
    )
    return _checkpoint(db.execute(query).one_or_none())


def checkpoint_at(db: ReadConnection, year: int, size: int) -> CheckpointRow | None:
    """The tree head of this very size."""
    query = select(log_checkpoints).where(log_checkpoints.c.year == year, log_checkpoints.c.size == size)
    return _checkpoint(db.execute(query).one_or_none())


def checkpoint_page(db: ReadConnection, year: int, after: int, rows: int) -> tuple[CheckpointRow, ...]:
    """The next `rows` tree heads of a shard above this size."""
    query = (
        select(log_checkpoints)
        .where(log_checkpoints.c.year == year, log_checkpoints.c.size > after)
        .order_by(log_checkpoints.c.size)
        .limit(rows)
    )
    return tuple(found for row in db.execute(query) if (found := _checkpoint(row)) is not None)


def insert_checkpoint(db: WriteConnection, checkpoint: CheckpointRow) -> None:
    """Keeps a tree head. Another one of the same size is refused by the key."""
    db.execute(
        insert(log_checkpoints).values(
            year=checkpoint.year,
            size=checkpoint.size,
            root=checkpoint.root,
            note=checkpoint.note,
            made_at=checkpoint.made_at,
        )
    )


def note_publication(db: WriteConnection, year: int, size: int, at: datetime) -> None:
    """Notes that everybody may see this tree head; once is enough."""
    statement = insert(log_publications).values(year=year, size=size, at=at)
    db.execute(statement.on_conflict_do_nothing())


def newest_publication(db: ReadConnection, year: int) -> CheckpointRow | None:
    """The largest tree head of a shard that is known to be published."""
    query = (
        select(log_checkpoints)
        .join(log_publications, _same_size(log_publications))
        .where(log_publications.c.year == year)
        .order_by(log_publications.c.size.desc())
        .limit(1)
    )
    return _checkpoint(db.execute(query).one_or_none())


def insert_cosignature(db: WriteConnection, cosignature: CosignatureRow, received_at: datetime) -> bool:
    """Keeps a witness's first signature on a tree head; False where there is one already."""
    statement = (
        insert(log_cosignatures)
        .values(
            year=cosignature.year,
            size=cosignature.size,
            witness=cosignature.witness,
            line=cosignature.line,
            signed_at=cosignature.signed_at,
            received_at=received_at,
        )
        .on_conflict_do_nothing()
        .returning(log_cosignatures.c.witness)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def cosignatures_on(db: ReadConnection, year: int, size: int) -> tuple[str, ...]:
    """The signature lines on a tree head, in the order of the witnesses' names."""
    query = (
        select(log_cosignatures.c.line)
        .where(log_cosignatures.c.year == year, log_cosignatures.c.size == size)
        .order_by(log_cosignatures.c.witness)
    )
    return tuple(db.execute(query).scalars())


def largest_cosigned_by(db: ReadConnection, year: int, witness: str) -> int:
    """The size of the largest tree head that this witness has signed; 0 before the first."""
    query = select(func.coalesce(func.max(log_cosignatures.c.size), 0)).where(
        log_cosignatures.c.year == year, log_cosignatures.c.witness == witness
    )
    return int(db.execute(query).scalar_one())


_NEWEST_COSIGNATURES = text(
    "SELECT w.name, c.size, c.signed_at FROM unnest(CAST(:names AS text[])) AS w (name),"
    " LATERAL (SELECT size, signed_at FROM log_cosignatures WHERE year = :year AND witness = w.name"
    " ORDER BY size DESC LIMIT 1) AS c"
)


def newest_cosignatures(
    db: ReadConnection, year: int, witnesses: Sequence[str]
) -> dict[str, tuple[int, datetime]]:
    """The largest tree head of a shard that each of these witnesses signed, and when: one statement."""
    found = db.execute(_NEWEST_COSIGNATURES, {"year": year, "names": list(witnesses)})
    return {row.name: (row.size, row.signed_at) for row in found}


_PUBLISHED_ABOVE = text(
    "SELECT s.size, p.at FROM unnest(CAST(:sizes AS bigint[])) AS s (size), LATERAL (SELECT at FROM"
    " log_publications WHERE year = :year AND size > s.size ORDER BY size LIMIT 1) AS p"
)


def published_above(db: ReadConnection, year: int, sizes: Sequence[int]) -> dict[int, datetime]:
    """For each of these sizes when the next larger tree head of the shard was published: one statement."""
    found = db.execute(_PUBLISHED_ABOVE, {"year": year, "sizes": sorted(set(sizes))})
    return {row.size: row.at for row in found}


def _same_size(table: Table) -> ColumnElement[bool]:
    return (log_checkpoints.c.year == table.c.year) & (log_checkpoints.c.size == table.c.size)


def _checkpoint(row: Row[tuple[object, ...]] | None) -> CheckpointRow | None:
    return None if row is None else CheckpointRow(row.year, row.size, row.root, row.note, row.made_at)
