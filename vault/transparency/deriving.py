"""The log derived anew from its leaves, and held against everything that claims to be it.

1. shards: each begins where the one before it ended. 2. leaves: the indexes are dense; each leaf's hash is in
its place in the tree. 3. tiles: those of the database are what the leaves make, those of the bucket and the
entries are the same bytes. 4. checkpoints: every root is the tree's root at that size, every note is what
this log's key signs for it; the published one is known. 5. leaves of the log's own say what is so.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise

from signing.log_note import sign_checkpoint
from storage.audit import heads
from storage.db import ReadConnection
from storage.inspection import PAGE_ROWS
from storage.log import PlacedLeaf, ShardRow, leaf_numbers, leaves_between, own_leaves, read_tiles, shards
from storage.log_heads import CheckpointRow, checkpoint_page, newest_checkpoint, newest_publication
from vault.errors import IntegrityError
from vault.log import audit_content, closed_content, opened_content
from vault.model.scope import NOBODY
from vault.tlog.checkpoint import Checkpoint
from vault.tlog.entries import bundle
from vault.tlog.merkle import HASH_BYTES, GrowingTree, subtree
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, split_hashes, tile_holding
from vault.transparency.published import published
from vault.workshop import Workshop

Found = tuple[str, str]
"""What it is about, and a sentence."""


def contradictions(workshop: Workshop) -> Iterator[Found]:
    """Whatever does not follow.

    Raises:
        Unavailable: an engine does not answer.
    """
    # At one moment: the worker gives out indexes meanwhile.
    with workshop.database.snapshot(NOBODY) as db:
        known = shards(db)
        count, highest = leaf_numbers(db)
        newest = {shard.year: newest_checkpoint(db, shard.year) for shard in known}
    if count != highest + 1:
        yield "log", f"Its indexes are not dense: {count} leaves, and the highest index is {highest}."
    end = 0
    for shard in known:
        if shard.first_index != end:  # 1
            yield shard.origin, f"It begins at leaf {shard.first_index}, the shard before it ends at {end}."
        yield from _shard(workshop, shard)
        last = newest[shard.year]
        end = shard.first_index + (0 if last is None else last.size)
    if known and end != highest + 1:
        yield "log", f"The checkpoints cover {end} leaves, {highest + 1} have an index."
    yield from _own(workshop)  # 5


def _shard(workshop: Workshop, shard: ShardRow) -> Iterator[Found]:
    # The log goes on meanwhile, so in this order: what is noted as published is in the bucket by now, and
    # what the bucket has is in the database by the time that this asks for it.
    with workshop.database.reading(NOBODY) as db:
        seen = newest_publication(db, shard.year)
    try:
        public = published(workshop, shard)
    except IntegrityError as error:
        yield shard.origin, error.detail
        public = None
    else:
        if public is None and seen is not None:
            yield shard.origin, "Its published checkpoint is gone from the bucket."
    with workshop.database.reading(NOBODY) as db:
        newest = newest_checkpoint(db, shard.year)
    if newest is None:
        yield shard.origin, "It has no checkpoint."
        return
    tree = GrowingTree()
    checkpoints = _Checkpoints(workshop, shard)
    yield from checkpoints.against(tree)
    for start in range(0, newest.size, TILE_WIDTH):
        tile = tile_holding(0, start, newest.size)
        with workshop.database.reading(NOBODY) as db:
            first = shard.first_index + start
            leaves = leaves_between(db, first, first + tile.width)
        yield from _row(workshop, shard, tile, leaves, 0 if public is None else public.size)  # 2, 3
        for leaf in leaves:
            tree.append(leaf_hash(leaf.leaf))
            yield from checkpoints.against(tree)  # 4
    if public is not None and checkpoints.roots.get(public.size) != public.signed.checkpoint.root:
        yield shard.origin, f"Its published checkpoint of {public.size} leaves is not one that it has."
    yield from _upper(workshop, shard, newest.size, 0 if public is None else public.size)


def _row(
    workshop: Workshop, shard: ShardRow, tile: Tile, leaves: tuple[PlacedLeaf, ...], public_size: int
) -> Iterator[Found]:
    """A tile of level 0 and its entries."""
    content = b"".join(leaf_hash(leaf.leaf) for leaf in leaves)
    about = f"{shard.year}/{tile.path}"
    if len(leaves) != tile.width:
        yield about, f"Expected {tile.width} leaves, got {len(leaves)}."
        return
    with workshop.database.reading(NOBODY) as db:
        if read_tiles(db, str(shard.year), [tile]).get(tile) != content:
            yield about, "The tile in the database does not follow from the leaves."
    width = min(tile.width, public_size - tile.number * TILE_WIDTH)
    if width > 0:
        public = tile._replace(width=width)
        entries = bundle([leaf.leaf for leaf in leaves[:width]])
        if not _is_published(workshop, shard, public, _tile_path, content[: HASH_BYTES * width]):
            yield about, "The published tile does not follow from the leaves."
        if not _is_published(workshop, shard, public, _entries_path, entries):
            yield about, "The published entries are not the leaves."


def _upper(workshop: Workshop, shard: ShardRow, size: int, public_size: int) -> Iterator[Found]:
    """Tiles of the levels above, each from the tiles below it."""
    level = 1
    while row := size >> (TILE_HEIGHT * level):
        for number in range(-(-row // TILE_WIDTH)):
            tile = tile_holding(level, number * TILE_WIDTH, size)
            about = f"{shard.year}/{tile.path}"
            with workshop.database.reading(NOBODY) as db:
                content = _above(db, shard, tile)
                if read_tiles(db, str(shard.year), [tile]).get(tile) != content:
                    yield about, "The tile in the database does not follow from those below it."
            width = min(tile.width, (public_size >> (TILE_HEIGHT * level)) - number * TILE_WIDTH)
            if width > 0:
                public = tile._replace(width=width)
                if not _is_published(workshop, shard, public, _tile_path, content[: HASH_BYTES * width]):
                    yield about, "The published tile does not follow from those below it."
        level += 1


def _is_published(
    workshop: Workshop, shard: ShardRow, tile: Tile, path: Callable[[Tile], str], content: bytes
) -> bool:
    """Whether the bucket has this of a tile.

    Where a partial tile is gone, since the log has grown after its checkpoint was read, the full one has it.
    """
    found = workshop.log_store.read(f"{shard.year}/{path(tile)}")
    if found is None and tile.width < TILE_WIDTH and _is_full_by_now(workshop, shard, tile):
        full = workshop.log_store.read(f"{shard.year}/{path(tile._replace(width=TILE_WIDTH))}")
        found = None if full is None else full[: len(content)]
    return found == content


def _is_full_by_now(workshop: Workshop, shard: ShardRow, tile: Tile) -> bool:
    try:
        public = published(workshop, shard)
    except IntegrityError:
        return False
    return public is not None and public.size >> (TILE_HEIGHT * tile.level) >= (tile.number + 1) * TILE_WIDTH


def _tile_path(tile: Tile) -> str:
    return tile.path


def _entries_path(tile: Tile) -> str:
    return tile.entries_path


def _above(db: ReadConnection, shard: ShardRow, tile: Tile) -> bytes:
    below = [Tile(tile.level - 1, tile.number * TILE_WIDTH + n) for n in range(tile.width)]
    rows = read_tiles(db, str(shard.year), below)
    found = b""
    for each in below:
        hashes = split_hashes(rows.get(each, b""))
        if len(hashes) == TILE_WIDTH:
            found += subtree(hashes)
    return found


class _Checkpoints:
    """The checkpoints of a shard, each compared when the growing tree reaches its size."""

    def __init__(self, workshop: Workshop, shard: ShardRow) -> None:
        self._workshop = workshop
        self._shard = shard
        self._page = partial(_next_page, workshop, shard)
        self._rows = list(self._page(-1))
        self.roots: dict[int, bytes] = {}

    def against(self, tree: GrowingTree) -> Iterator[Found]:
        """What does not follow of the checkpoint of this size, if there is one."""
        if not self._rows or self._rows[0].size != tree.size:
            return
        row = self._rows.pop(0)
        self._rows = self._rows or list(self._page(row.size))
        self.roots[row.size] = row.root
        about = f"{self._shard.origin} at {row.size}"
        if row.root != tree.root:
            yield about, "The checkpoint's root is not that of the leaves."
        expected = sign_checkpoint(
            self._workshop.log_key, Checkpoint(self._shard.origin, row.size, row.root)
        ).encode()
        if row.note != expected:
            yield about, "The checkpoint's note is not what the log's key signs."


def _next_page(workshop: Workshop, shard: ShardRow, after: int) -> tuple[CheckpointRow, ...]:
    with workshop.database.reading(NOBODY) as db:
        return checkpoint_page(db, shard.year, after, PAGE_ROWS)


def _own(workshop: Workshop) -> Iterator[Found]:
    after = 0
    while True:
        with workshop.database.reading(NOBODY) as db:
            page = own_leaves(db, after, PAGE_ROWS)
            said = {_expected_head(db, leaf.leaf) for leaf in page}
            said |= set(_expected_turns(db, shards(db), page))  # whose turns are among these leaves by now
        if not page:
            return
        for leaf in page:
            if leaf_hash(leaf.leaf) != leaf.leaf_hash:
                yield f"log leaf {leaf.leaf_id}", "Its hash is not that of its content."
            if leaf.leaf not in said:
                yield f"log leaf {leaf.leaf_id}", "What the log says of itself in it is not so."
        after = page[-1].leaf_id


def _expected_head(db: ReadConnection, content: bytes) -> bytes:
    """What a leaf of an audit head must say, if that is what this one is."""
    try:
        size = int(json.loads(content)["size"])
    except (ValueError, LookupError, TypeError):
        return b""
    found = [head for head in heads(db, size - 1, 1) if head.size == size]
    return audit_content(found[0].size, found[0].root, found[0].made_at) if found else b""


def _expected_turns(
    db: ReadConnection, known: tuple[ShardRow, ...], page: tuple[PlacedLeaf, ...]
) -> Iterator[bytes]:
    """What the leaves at the turns of the years must say; their times are taken from themselves."""
    times = {_time(leaf.leaf) for leaf in page}
    for old, new in pairwise(known):
        end = newest_checkpoint(db, old.year)
        if end is None:
            continue
        last = Checkpoint(old.origin, end.size, end.root)
        for at in times - {None}:
            if at is not None:
                yield closed_content(old.origin, new.origin, at)
                yield opened_content(new.origin, last, at)


def _time(content: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(content)["at"])
    except (ValueError, LookupError, TypeError):
        return None
