"""The sequencer: gives leaves their places, in batches, and signs the tree that they make.

1. agree: what is published must be known to the database; otherwise nothing happens (no fork, ever).
2. chain: new audit events come into the audit chain, and its head becomes a leaf.
3. place: batch by batch, each a transaction under an advisory lock: dense indexes in the order of the leaves'
   ids, the tiles that they change, the root, and the signed checkpoint of that size. **The transaction's end
   is the commit point**: the database's key on (shard, size) makes a second checkpoint of a size impossible.
4. publish: what the bucket lacks; a crash before or in the middle of it is completed by the next run.

Any number of workers may do this at once. With the first leaf of a new year (in China) the shard of the old
year is closed: its last leaf says so, and the first leaf of the new shard names its closing checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from signing.log_note import sign_checkpoint
from storage.audit import newest_head
from storage.db import WriteConnection
from storage.history import LeafRow, insert_leaves
from storage.log import (
    ShardRow,
    WaitingLeaf,
    give_indexes,
    hold_sequencer,
    insert_shard,
    newest_shard,
    read_tiles,
    waiting_leaf,
    waiting_leaves,
    write_tiles,
)
from storage.log_heads import CheckpointRow, checkpoint_at, insert_checkpoint, newest_checkpoint
from vault.audit_chain import chain_batch, new_head
from vault.errors import IntegrityError, SignatureError
from vault.log import audit_content, closed_content, opened_content, promised
from vault.model.scope import VAULT
from vault.tlog.checkpoint import Checkpoint
from vault.tlog.merkle import EMPTY_ROOT
from vault.tlog.tiles import ReadTiles, Tile, grown_tiles, root_from_tiles
from vault.transparency.published import check_agreement, origin_of, year_of
from vault.transparency.publishing import publish
from vault.workshop import Workshop

# Leaves of one transaction: it holds the lock for well under a second.
BATCH_LEAVES = 2_048
# Leaves of one run; what is left waits for the next one, so that a backlog is published as it shrinks.
RUN_LEAVES = 32 * BATCH_LEAVES
# An event is beyond the reach of whoever rules the database once a head behind it is published.
HEADS_APART = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What a run came to: leaves that got their places, and the newest shard with its size."""

    leaves: int
    origin: str
    size: int


def sequence(
    workshop: Workshop, *, at: datetime, heads_apart: timedelta = HEADS_APART, rebuild: bool = False
) -> Sequenced:
    """One run of the sequencer, as this module describes it.

    `rebuild`: the bucket was lost: every tile and checkpoint is written anew from the database.

    Raises:
        IntegrityError: the published log and the database disagree, or the tree is damaged.
        Unavailable: an engine does not answer; what was committed by then is published by the next run.
    """
    check_agreement(workshop, at=at, rebuild=rebuild)  # 1
    try:
        _chain(workshop, at, heads_apart)  # 2
        given = 0
        while batch := _batch(workshop, at):  # 3
            given += batch
            if given >= RUN_LEAVES:
                break
    except SignatureError as error:
        raise IntegrityError(f"The log's tree in the database is damaged: {error.detail}") from error
    publish(workshop, at=at, rebuild=rebuild)  # 4
    with workshop.database.reading(VAULT) as db:
        shard = newest_shard(db)
        newest = None if shard is None else newest_checkpoint(db, shard.year)
    if shard is None or newest is None:
        raise IntegrityError("The log has no shard after a run of the sequencer.")
    return Sequenced(given, shard.origin, newest.size)


def _chain(workshop: Workshop, at: datetime, heads_apart: timedelta) -> None:
    with workshop.database.reading(VAULT) as db:
        newest = newest_head(db)
    if newest is not None and at - newest.made_at < heads_apart:
        return
    chained = 1
    while chained:
        with workshop.database.writing(VAULT) as db:
            hold_sequencer(db)
            chained = chain_batch(db, at=at)
    with workshop.database.writing(VAULT) as db:
        hold_sequencer(db)
        head = new_head(db, at=at)
        if head is not None:
            _say(db, workshop, audit_content(head.size, head.root, at), at)


def _batch(workshop: Workshop, at: datetime) -> int:
    """Places the next leaves; how many."""
    with workshop.database.writing(VAULT) as db:
        hold_sequencer(db)
        shard = newest_shard(db) or _open_shard(db, workshop, year_of(at), 0, at)
        leaves = waiting_leaves(db, BATCH_LEAVES)
        if leaves and year_of(at) > shard.year:
            shard = _next_shard(db, workshop, shard, at)
            leaves = waiting_leaves(db, BATCH_LEAVES)
        if leaves:
            _place(db, workshop, shard, leaves, at)
        return len(leaves)


def _open_shard(
    db: WriteConnection, workshop: Workshop, year: int, first_index: int, at: datetime
) -> ShardRow:
    shard = ShardRow(year, origin_of(workshop, year), first_index, at)
    insert_shard(db, shard)
    _sign(db, workshop, shard, 0, EMPTY_ROOT, at)
    return shard


def _next_shard(db: WriteConnection, workshop: Workshop, old: ShardRow, at: datetime) -> ShardRow:
    """Closes a shard with a last leaf of its own, and opens the next one with a leaf that names its end."""
    year = year_of(at)
    last = _say(db, workshop, closed_content(old.origin, origin_of(workshop, year), at), at)
    end = _place(db, workshop, old, [last], at)
    shard = _open_shard(db, workshop, year, old.first_index + end.size, at)
    first = _say(db, workshop, opened_content(shard.origin, end, at), at)
    _place(db, workshop, shard, [first], at)
    return shard


def _place(
    db: WriteConnection, workshop: Workshop, shard: ShardRow, leaves: Sequence[WaitingLeaf], at: datetime
) -> Checkpoint:
    """Puts these leaves at the end of the shard; its new tree head."""
    before = newest_checkpoint(db, shard.year)
    if before is None:
        raise IntegrityError(f"The shard {shard.origin} has no checkpoint.")
    given = give_indexes(db, [leaf.leaf_id for leaf in leaves], shard.first_index + before.size)
    if given != len(leaves):
        raise IntegrityError(f"Expected to place {len(leaves)} leaves, placed {given}.")
    tree = str(shard.year)
    there = partial(read_tiles, db, tree)
    grown = grown_tiles(before.size, [leaf.leaf_hash for leaf in leaves], there)
    write_tiles(db, tree, grown)
    size = before.size + len(leaves)
    return _sign(db, workshop, shard, size, root_from_tiles(size, _with(grown, there)), at)


def _with(grown: dict[Tile, bytes], there: ReadTiles) -> ReadTiles:
    return lambda tiles: {**there([t for t in tiles if t not in grown]), **grown}


def _sign(
    db: WriteConnection, workshop: Workshop, shard: ShardRow, size: int, root: bytes, at: datetime
) -> Checkpoint:
    checkpoint = Checkpoint(shard.origin, size, root)
    if checkpoint_at(db, shard.year, size) is not None:
        raise IntegrityError(f"The shard {shard.origin} has a checkpoint of {size} leaves already.")
    note = sign_checkpoint(workshop.log_key, checkpoint).encode()
    insert_checkpoint(db, CheckpointRow(shard.year, size, root, note, at))
    return checkpoint


def _say(db: WriteConnection, workshop: Workshop, content: bytes, at: datetime) -> WaitingLeaf:
    """Writes a leaf in which the log speaks of itself."""
    leaf = promised(workshop.log_key, content, at + workshop.promise_within)
    insert_leaves(db, [LeafRow(None, leaf.content, leaf.hash, leaf.promise)])
    return waiting_leaf(db, leaf.hash)
