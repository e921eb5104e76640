"""From the database to the log's bucket: what is missing, tiles first, the checkpoint last.

Tiles and entries never change, so writing one twice is no harm, whoever does it. The checkpoint is replaced
only where it is still the one that was read before: of two workers the slower one finds that out, and a
checkpoint never gives way to a smaller one.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice

from storage.db import ReadConnection
from storage.log import ShardRow, leaves_between, read_tiles, shards
from storage.log_heads import (
    CheckpointRow,
    checkpoint_at,
    cosignatures_on,
    newest_checkpoint,
    note_publication,
)
from vault.errors import IntegrityError, Unavailable
from vault.model.scope import VAULT
from vault.tlog.entries import bundle
from vault.tlog.merkle import HASH_BYTES
from vault.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, tiles_between
from vault.transparency.published import LIVE_SHARDS, Published, checkpoint_path, published
from vault.workshop import Workshop

# A store answers several requests at once; more than this gains nothing on two cores.
WRITERS = 8
# Tiles that are in memory at once, with their entries: 32 * 256 leaves of half a kilobyte.
PAGE_TILES = 32
# Tries to replace a checkpoint that others replace, too: each of theirs is as good as ours.
TRIES_MAX = 5


def publish(workshop: Workshop, *, at: datetime, rebuild: bool = False) -> None:
    """Writes what the bucket lacks of each live shard, the older one first.

    1. tiles and entries, up to the database's newest checkpoint; 2. that checkpoint with the cosignatures it
    has; 3. a note in the database that everybody may see it; 4. partial tiles that are full now go.

    Raises:
        IntegrityError: the bucket holds other bytes than the database's tree.
        Unavailable: an engine does not answer, or the store did not keep what it acknowledged.
    """
    with workshop.database.reading(VAULT) as db:
        known = shards(db)
    for shard in known if rebuild else known[-LIVE_SHARDS:]:
        _publish_shard(workshop, shard, at, rebuild=rebuild)


def put_cosignatures(workshop: Workshop, shard: ShardRow, size: int) -> None:
    """Brings a checkpoint's new cosignatures into the bucket, where it is still the published one.

    Raises:
        IntegrityError: what is published there is no checkpoint of this log.
        Unavailable: an engine does not answer.
    """
    found = published(workshop, shard)
    if found is None or found.size != size:
        return
    with workshop.database.reading(VAULT) as db:
        row = checkpoint_at(db, shard.year, size)
        content = found.file.content if row is None else cosigned_note(db, row)
    if content != found.file.content:
        workshop.log_store.replace_checkpoint(checkpoint_path(shard.year), content, found.file)


def cosigned_note(db: ReadConnection, checkpoint: CheckpointRow) -> bytes:
    """A checkpoint's note with the cosignatures that it has."""
    lines = cosignatures_on(db, checkpoint.year, checkpoint.size)
    return checkpoint.note + "".join(lines).encode()


def _publish_shard(workshop: Workshop, shard: ShardRow, at: datetime, *, rebuild: bool) -> None:
    for _ in range(TRIES_MAX):
        found = published(workshop, shard)
        with workshop.database.reading(VAULT) as db:
            target = newest_checkpoint(db, shard.year)
            content = b"" if target is None else cosigned_note(db, target)
        if target is None:
            raise IntegrityError(f"The shard {shard.origin} has no checkpoint.")
        there = 0 if found is None or rebuild else found.size
        if found is None or found.size < target.size or rebuild:
            _write_tiles(workshop, shard, there, target.size)  # 1
        if _replaced(workshop, shard, found, target, content):  # 2
            with workshop.database.writing(VAULT) as db:
                note_publication(db, shard.year, target.size, at)  # 3
            if found is not None:
                _tidy(workshop, shard, found.size, target.size)  # 4
            return
    raise Unavailable("Others keep replacing the log's checkpoint; try again shortly.")


def _replaced(
    workshop: Workshop, shard: ShardRow, found: Published | None, target: CheckpointRow, content: bytes
) -> bool:
    if found is not None and found.size > target.size:
        raise IntegrityError(
            f"The published checkpoint of {shard.origin} has {found.size} leaves, the database {target.size}."
        )
    if found is not None and found.file.content == content:
        return True
    before = None if found is None else found.file
    return workshop.log_store.replace_checkpoint(checkpoint_path(shard.year), content, before)


def _write_tiles(workshop: Workshop, shard: ShardRow, old: int, size: int) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        tiles = tiles_between(old, size)
        while page := list(islice(tiles, PAGE_TILES)):
            writes = [partial(workshop.log_store.put_once, *file) for file in _files(workshop, shard, page)]
            for done in [pool.submit(write) for write in writes]:
                done.result()


def _files(workshop: Workshop, shard: ShardRow, page: Sequence[Tile]) -> Iterator[tuple[str, bytes]]:
    """Addresses and contents of these tiles, and of the entries of those of level 0."""
    with workshop.database.reading(VAULT) as db:
        rows = read_tiles(db, str(shard.year), page)
        for tile in page:
            content = rows.get(tile, b"")
            if len(content) != tile.width * HASH_BYTES:
                raise IntegrityError(f"{tile.path} of {shard.origin} is damaged in the database.")
            yield f"{shard.year}/{tile.path}", content
            if tile.level == 0:
                yield f"{shard.year}/{tile.entries_path}", entries_of(db, shard, tile)


def entries_of(db: ReadConnection, shard: ShardRow, tile: Tile) -> bytes:
    """The entry bundle of a tile of level 0, out of the leaves.

    Raises:
        IntegrityError: leaves are missing.
    """
    first = shard.first_index + tile.number * TILE_WIDTH
    leaves = leaves_between(db, first, first + tile.width)
    if len(leaves) != tile.width:
        raise IntegrityError(f"Leaves of {tile.entries_path} of {shard.origin} are missing.")
    return bundle([leaf.leaf for leaf in leaves])


def _tidy(workshop: Workshop, shard: ShardRow, old: int, size: int) -> None:
    """Takes away what was published of tiles that were partial at the old size and are full now."""
    level = 0
    while size >> (TILE_HEIGHT * level):
        before, row = old >> (TILE_HEIGHT * level), size >> (TILE_HEIGHT * level)
        full = Tile(level, before // TILE_WIDTH)
        if before % TILE_WIDTH and row >= (full.number + 1) * TILE_WIDTH:
            paths = [full.path, full.entries_path] if level == 0 else [full.path]
            for path in paths:
                for partial_path in workshop.log_store.below(f"{shard.year}/{path}.p/"):
                    workshop.log_store.remove(partial_path)
        level += 1
