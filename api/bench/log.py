"""The transparency log: how fast leaves are placed and published, and what a proof costs at 10^7."""

import os
import secrets
import sys
from contextlib import closing
from datetime import UTC, datetime
from time import perf_counter
from uuid import UUID

import psycopg

from api.bench.figures import Budget, Counted, Result, Run, interleaved
from api.bench.references import pgbench
from api.bench.stage import Stage
from api.settings import Settings
from api.wiring import wire
from signing.log_note import sign_checkpoint
from vault.errors import IntegrityError
from vault.tlog.checkpoint import Checkpoint
from vault.tlog.merkle import HASH_BYTES, GrowingTree, subtree
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.tiles import TILE_WIDTH, Tile, root_from_tiles, split_hashes, tile_holding
from vault.transparency.sequencing import RUN_LEAVES, sequence
from vault.transparency.serving import proof

# Issue 5: at least 2,000 leaves a second on two cores, and a proof in under 5 ms at 10^7 leaves.
SEQUENCE_BUDGET = Budget(Counted.RATE, 2_000.0)
PROOF_BUDGET = Budget(Counted.P99, at_most=5.0)
# As long as a leaf of an issue is; nearly two tiles' worth more than a run takes would wait for the next.
LEAF_BYTES = 480
BACKLOG_LEAVES = 20_480
TREE_LEAVES = 10_000_000
ASKED_LEAVES = 1_000
# Years of no real shard: the tree, and an empty one after it, so that no sequencer looks at the tree.
TREE_YEAR, GUARD_YEAR = 1990, 1991
TREE_FIRST, GUARD_FIRST = 10**12, 10**13
COPY_TILES = 2_000


def measure_log_sequence(on: Stage, seconds: float) -> Result:
    """Leaves that wait in the database, until the published checkpoint has them all.

    The stage's own worker may take a part of them, as it would.
    """
    settings = on.vault.settings

    def stretch(seconds: float) -> Run:
        done, elapsed = 0, 0.0
        durations: list[float] = []
        while elapsed < seconds:
            add_leaves(settings, BACKLOG_LEAVES)
            run = on.cores[0].submit(sequence_backlog, settings).result()
            done, elapsed = done + run.count, elapsed + run.elapsed_s
            durations += run.durations_s
        return Run(done, elapsed, tuple(durations))

    run, reference = interleaved(stretch, lambda s: on.cores[0].submit(hash_leaves, s).result(), seconds)
    return Result(
        "log_sequence",
        f"leaves given their places and published, from backlogs of {BACKLOG_LEAVES:,} (durations: of one)",
        run,
        "the same leaves hashed into a tree in memory, one core",
        reference,
        SEQUENCE_BUDGET,
    )


def measure_log_proof(on: Stage, seconds: float) -> Result:
    """Proofs for leaves anywhere in a shard of ten million, its tiles made of random hashes; without HTTP."""
    settings, certificate_id = on.vault.settings, UUID(str(on.seeded[0]["certificate_id"]))
    hashes = fill_tree(settings, certificate_id)
    with pgbench(settings.migrating_url, 1) as point_reads:
        run, reference = interleaved(
            lambda s: on.cores[0].submit(prove, settings, certificate_id, hashes, s).result(),
            point_reads,
            seconds,
        )
    return Result(
        "log_proof_10m",
        f"tlog-proof files, one after the other, from a shard of {TREE_LEAVES:,} leaves; database, no HTTP",
        run,
        "pgbench -S -M prepared on the same PostgreSQL, 1 client",
        reference,
        PROOF_BUDGET,
    )


def prove(settings: Settings, certificate_id: UUID, hashes: list[bytes], seconds: float) -> Run:
    """Proves one of these leaves after the other for so long.

    Raises:
        IntegrityError: a proof leads elsewhere.
    """
    workshop = wire(settings).workshop
    _, first = proof(workshop, certificate_id, hashes[0])
    if f"\n{TREE_LEAVES}\n".encode() not in first:
        raise IntegrityError("A proof does not lead to the large tree.")
    durations: list[float] = []
    began = perf_counter()
    while (now := perf_counter()) - began < seconds:
        proof(workshop, certificate_id, hashes[len(durations) % len(hashes)])
        durations.append(perf_counter() - now)
    elapsed = perf_counter() - began
    workshop.database.close()
    return Run(len(durations), elapsed, tuple(durations))


# Making a tree of ten million takes most of a minute: only where it is asked for by name.
ONLY_BY_NAME = frozenset({"log_proof_10m"})
MEASUREMENTS = {"log_sequence": measure_log_sequence, "log_proof_10m": measure_log_proof}


def add_leaves(settings: Settings, count: int) -> None:
    """Leaves of no certificate that wait for the sequencer."""
    with (
        closing(psycopg.connect(settings.migrating_url)) as db,
        db.transaction(),
        db.cursor() as cursor,
        cursor.copy("COPY log_leaves (leaf, leaf_hash, promise) FROM STDIN") as copy,
    ):
        for _ in range(count):
            leaf = os.urandom(LEAF_BYTES)
            copy.write_row((leaf, leaf_hash(leaf), "{}"))


def sequence_backlog(settings: Settings) -> Run:
    """Runs the sequencer until nothing waits."""
    workshop = wire(settings).workshop
    began = perf_counter()
    while sequence(workshop, at=datetime.now(UTC)).leaves >= RUN_LEAVES:
        pass
    elapsed = perf_counter() - began
    workshop.database.close()
    return Run(BACKLOG_LEAVES, elapsed, (elapsed,))


def hash_leaves(seconds: float) -> Run:
    """The least that sequencing can cost: the tree's hashes."""
    tree, leaf, began = GrowingTree(), os.urandom(LEAF_BYTES), perf_counter()
    while perf_counter() - began < seconds:
        for _ in range(TILE_WIDTH):
            tree.append(leaf_hash(leaf))
    elapsed = perf_counter() - began
    return Run(tree.size, elapsed, (elapsed / tree.size,))


def fill_tree(settings: Settings, certificate_id: UUID) -> list[bytes]:
    """A published shard of `TREE_LEAVES`; the hashes of those leaves of it that are rows, too."""
    workshop = wire(settings).workshop
    origin = f"bench.example/{TREE_YEAR}"
    with closing(psycopg.connect(settings.migrating_url)) as db:
        known = db.execute(
            "SELECT leaf_hash FROM log_leaves WHERE log_index BETWEEN %s AND %s",
            [TREE_FIRST, GUARD_FIRST],
        ).fetchall()
        if known:
            return [row[0] for row in known]
        leaves = {
            index: f"bench {index}".encode()
            for index in (secrets.randbelow(TREE_LEAVES) for _ in range(ASKED_LEAVES))
        }
        upper = _copy_tiles(db, leaves)
        root = root_from_tiles(TREE_LEAVES, lambda tiles: {tile: upper[tile] for tile in tiles})
        note = sign_checkpoint(workshop.log_key, Checkpoint(origin, TREE_LEAVES, root)).encode()
        with db.transaction():
            db.execute(
                "INSERT INTO log_shards VALUES (%s, %s, %s, now()), (%s, %s, %s, now())",
                [TREE_YEAR, origin, TREE_FIRST, GUARD_YEAR, f"{origin}-after", GUARD_FIRST],
            )
            empty = GrowingTree().root
            after = sign_checkpoint(workshop.log_key, Checkpoint(f"{origin}-after", 0, empty)).encode()
            db.execute(
                "INSERT INTO log_checkpoints VALUES (%s, %s, %s, %s, now()), (%s, 0, %s, %s, now())",
                [TREE_YEAR, TREE_LEAVES, root, note, GUARD_YEAR, empty, after],
            )
            db.execute("INSERT INTO log_publications VALUES (%s, %s, now())", [TREE_YEAR, TREE_LEAVES])
            db.cursor().executemany(
                "INSERT INTO log_leaves (certificate_id, leaf, leaf_hash, promise, log_index)"
                " VALUES (%s, %s, %s, '{}', %s)",
                [(certificate_id, leaf, leaf_hash(leaf), TREE_FIRST + n) for n, leaf in leaves.items()],
            )
        db.execute("ANALYZE log_tiles")
        db.commit()
    workshop.database.close()
    return [leaf_hash(leaf) for leaf in leaves.values()]


def _copy_tiles(db: psycopg.Connection, leaves: dict[int, bytes]) -> dict[Tile, bytes]:
    """Writes every tile, those of level 0 random but for these leaves; the last one of each level."""
    last: dict[Tile, bytes] = {}
    level, width = 0, TREE_LEAVES
    below: list[bytes] = []
    while width:
        above: list[bytes] = []
        with (
            db.transaction(),
            db.cursor() as cursor,
            cursor.copy("COPY log_tiles (tree, level, number, hashes) FROM STDIN") as copy,
        ):
            for number in range(-(-width // TILE_WIDTH)):
                tile = tile_holding(level, number * TILE_WIDTH, TREE_LEAVES)
                row = below[number * TILE_WIDTH : number * TILE_WIDTH + tile.width]
                if level == 0:
                    row = split_hashes(os.urandom(tile.width * HASH_BYTES))
                    _put_leaves(row, tile, leaves)
                content = b"".join(row)
                copy.write_row((str(TREE_YEAR), level, number, content))
                if tile.width == TILE_WIDTH:
                    above.append(subtree(row))
                else:
                    last[tile] = content
                if number % COPY_TILES == 0:
                    print(f"certvault: {tile.path}", file=sys.stderr)  # noqa: T201 - progress
        below, width, level = above, width // TILE_WIDTH, level + 1
    return last


def _put_leaves(row: list[bytes], tile: Tile, leaves: dict[int, bytes]) -> None:
    first = tile.number * TILE_WIDTH
    for place in range(tile.width):
        if (leaf := leaves.get(first + place)) is not None:
            row[place] = leaf_hash(leaf)
