"""Rows of the transparency log: shards, tiles, and the leaves in their order (`log_heads` has its heads)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import (
    log_leaves,
    log_shards,
    log_tiles,
)
from vault.tlog.merkle import HASH_BYTES
from vault.tlog.tiles import Tile

# Whoever gives out indexes, makes checkpoints or chains audit events holds this lock until its commit.
_SEQUENCER_LOCK = 0x746C6F67  # "tlog"


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One year of the log. `first_index`: the number of its first leaf among the leaves of all shards."""

    year: int
    origin: str
    first_index: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingLeaf:
    """A leaf without an index."""

    leaf_id: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class PlacedLeaf:
    """A leaf with its content; `log_index` counts over all shards, None where it has none yet."""

    leaf_id: int
    leaf: bytes = field(repr=False)
    leaf_hash: bytes
    log_index: int | None


@dataclass(frozen=True, slots=True)
class LoggedLeaf:
    """A leaf with its index in its shard, and a published checkpoint that has it, with its cosignatures."""

    leaf: bytes = field(repr=False)
    index: int
    year: int
    origin: str
    size: int
    note: bytes = field(repr=False)
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotPublished:
    """The leaf is there, and no published checkpoint has it yet."""


def hold_sequencer(db: WriteConnection) -> None:
    """Waits until nobody else sequences, and keeps it so until this transaction ends."""
    db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SEQUENCER_LOCK})


def shards(db: ReadConnection) -> tuple[ShardRow, ...]:
    """Every shard, oldest first."""
    query = select(log_shards).order_by(log_shards.c.year)
    return tuple(ShardRow(row.year, row.origin, row.first_index, row.opened_at) for row in db.execute(query))


def newest_shard(db: ReadConnection) -> ShardRow | None:
    """The shard that takes leaves; None before the first."""
    row = db.execute(select(log_shards).order_by(log_shards.c.year.desc()).limit(1)).one_or_none()
    return None if row is None else ShardRow(row.year, row.origin, row.first_index, row.opened_at)


def insert_shard(db: WriteConnection, shard: ShardRow) -> None:
    """Opens a shard."""
    db.execute(
        insert(log_shards).values(
            year=shard.year,
            origin=shard.origin,
            first_index=shard.first_index,
            opened_at=shard.opened_at,
        )
    )


def waiting_leaves(db: ReadConnection, rows: int) -> tuple[WaitingLeaf, ...]:
    """Leaves without an index in the order of their ids: a certificate's issue comes before what follows."""
    query = (
        select(log_leaves.c.id, log_leaves.c.leaf_hash)
        .where(log_leaves.c.log_index.is_(None))
        .order_by(log_leaves.c.id)
        .limit(rows)
    )
    return tuple(WaitingLeaf(row.id, row.leaf_hash) for row in db.execute(query))


def waiting_leaf(db: ReadConnection, leaf_hash: bytes) -> WaitingLeaf:
    """The leaf with this hash, which was written a moment ago."""
    query = select(log_leaves.c.id).where(log_leaves.c.leaf_hash == leaf_hash)
    return WaitingLeaf(db.execute(query).scalar_one(), leaf_hash)


def waiting_count(db: ReadConnection, at_most: int) -> int:
    """How many leaves have no index; counted no further than `at_most`."""
    some = select(log_leaves.c.id).where(log_leaves.c.log_index.is_(None)).limit(at_most).subquery()
    return int(db.execute(select(func.count()).select_from(some)).scalar_one())


def oldest_promise(db: ReadConnection, from_index: int | None) -> str | None:
    """The promise for the first leaf without an index, or for the leaf at `from_index`; None without one."""
    query = select(log_leaves.c.promise).order_by(log_leaves.c.id).limit(1)
    if from_index is None:
        query = query.where(log_leaves.c.log_index.is_(None))
    else:
        query = query.where(log_leaves.c.log_index == from_index)
    found: str | None = db.execute(query).scalar_one_or_none()
    return found


_GIVE = text(
    "UPDATE log_leaves SET log_index = given.log_index FROM"
    " unnest(CAST(:ids AS bigint[]), CAST(:indexes AS bigint[])) AS given(id, log_index)"
    " WHERE log_leaves.id = given.id AND log_leaves.log_index IS NULL"
)


def give_indexes(db: WriteConnection, leaf_ids: Sequence[int], first: int) -> int:
    """Numbers these leaves from `first` on; how many had none and have one now."""
    indexes = list(range(first, first + len(leaf_ids)))
    return db.execute(_GIVE, {"ids": list(leaf_ids), "indexes": indexes}).rowcount


def leaves_between(db: ReadConnection, first: int, end: int) -> tuple[PlacedLeaf, ...]:
    """The leaves with these indexes (over all shards), in order."""
    query = (
        select(log_leaves)
        .where(log_leaves.c.log_index >= first, log_leaves.c.log_index < end)
        .order_by(log_leaves.c.log_index)
    )
    return tuple(_placed(row) for row in db.execute(query))


def own_leaves(db: ReadConnection, after: int, rows: int) -> tuple[PlacedLeaf, ...]:
    """The next leaves in which the log speaks of itself, in the order of their ids."""
    query = (
        select(log_leaves)
        .where(log_leaves.c.certificate_id.is_(None), log_leaves.c.id > after)
        .order_by(log_leaves.c.id)
        .limit(rows)
    )
    return tuple(_placed(row) for row in db.execute(query))


_LOGGED = """
    SELECT l.leaf, l.log_index - s.first_index AS place, s.year, s.origin, c.size, c.note,
           ARRAY(SELECT g.line FROM log_cosignatures g WHERE g.year = c.year AND g.size = c.size
                 ORDER BY g.witness) AS lines
    FROM log_leaves l
    LEFT JOIN LATERAL (SELECT * FROM log_shards WHERE first_index <= l.log_index
                       ORDER BY first_index DESC LIMIT 1) s ON true
    LEFT JOIN log_checkpoints c ON c.year = s.year AND c.size = COALESCE(
        (SELECT max(size) FROM log_cosignatures WHERE year = s.year AND size > l.log_index - s.first_index),
        (SELECT max(size) FROM log_publications WHERE year = s.year AND size > l.log_index - s.first_index))
"""
_ISSUE_LOGGED = text(_LOGGED + "WHERE l.certificate_id = :certificate ORDER BY l.id LIMIT 1")
_LEAF_LOGGED = text(_LOGGED + "WHERE l.leaf_hash = :hash AND l.certificate_id = :certificate")
_OWN_LOGGED = text(_LOGGED + "WHERE l.leaf_hash = :hash AND l.certificate_id IS NULL")


def logged_leaf(
    db: ReadConnection, certificate_id: UUID | None, leaf_hash: bytes | None
) -> LoggedLeaf | NotPublished | None:
    """A certificate's leaf (of its issue, or with this hash), or the log's own leaf with this hash.

    In one statement, with the checkpoint that a proof of it leads to: the newest one that a witness has
    signed and that has the leaf, or else the newest published one that has it.
    """
    if leaf_hash is None:
        found = db.execute(_ISSUE_LOGGED, {"certificate": certificate_id})
    elif certificate_id is None:
        found = db.execute(_OWN_LOGGED, {"hash": leaf_hash})
    else:
        found = db.execute(_LEAF_LOGGED, {"hash": leaf_hash, "certificate": certificate_id})
    row = found.one_or_none()
    if row is None:
        return None
    if row.size is None:
        return NotPublished()
    return LoggedLeaf(row.leaf, row.place, row.year, row.origin, row.size, row.note, tuple(row.lines))


def leaf_with(db: ReadConnection, leaf_hash: bytes) -> PlacedLeaf | None:
    """The leaf with this hash, whatever it is about."""
    row = db.execute(select(log_leaves).where(log_leaves.c.leaf_hash == leaf_hash)).one_or_none()
    return None if row is None else _placed(row)


def leaf_numbers(db: ReadConnection) -> tuple[int, int]:
    """How many leaves have an index, and the highest index, -1 where none has one."""
    query = select(
        func.count(log_leaves.c.log_index), func.coalesce(func.max(log_leaves.c.log_index), -1)
    ).where(log_leaves.c.log_index.is_not(None))
    row = db.execute(query).one()
    return int(row[0]), int(row[1])


_READ_TILES = text(
    "SELECT t.level, t.number, t.hashes FROM"
    " unnest(CAST(:levels AS smallint[]), CAST(:numbers AS bigint[])) AS wanted(level, number)"
    " JOIN log_tiles t ON t.tree = :tree AND t.level = wanted.level AND t.number = wanted.number"
)


def read_tiles(db: ReadConnection, tree: str, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
    """Those of these tiles that are there, each cut to its width, in one query."""
    if not tiles:
        return {}
    wanted = {"tree": tree, "levels": [t.level for t in tiles], "numbers": [t.number for t in tiles]}
    rows = {(row[0], row[1]): row[2] for row in db.execute(_READ_TILES, wanted)}
    return {
        tile: rows[tile.level, tile.number][: tile.width * HASH_BYTES]
        for tile in tiles
        if (tile.level, tile.number) in rows
    }


_WRITE_TILE = insert(log_tiles).values(
    tree=bindparam("of_tree"),
    level=bindparam("of_level"),
    number=bindparam("of_number"),
    hashes=bindparam("new_hashes"),
)
_WRITE_TILE = _WRITE_TILE.on_conflict_do_update(
    index_elements=["tree", "level", "number"], set_={"hashes": _WRITE_TILE.excluded.hashes}
)


def write_tiles(db: WriteConnection, tree: str, tiles: Mapping[Tile, bytes]) -> None:
    """Keeps tiles as they are now; a narrower one at the same place is replaced."""
    rows = [
        {"of_tree": tree, "of_level": tile.level, "of_number": tile.number, "new_hashes": content}
        for tile, content in tiles.items()
    ]
    if rows:
        db.execute(_WRITE_TILE, rows)


def _placed(row: Row[tuple[object, ...]]) -> PlacedLeaf:
    return PlacedLeaf(row.id, row.leaf, row.leaf_hash, row.log_index)
