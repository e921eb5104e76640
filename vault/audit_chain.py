"""The chain over the audit events: a Merkle tree of salted commitments, grown in batches.

An event's leaf is the hash of its salt (32 random bytes that stay in the database) and its row, but for the
columns that a rotation of keys writes anew. A head,
the tree's root at a size, goes into the transparency log as a leaf: from then on no event before it can be
changed, taken out, put in or moved without its being found, and the head tells nothing to anybody.
"""

import secrets
from datetime import datetime, timedelta
from functools import partial

from storage.audit import (
    HeadRow,
    chain_size,
    high_event_id,
    insert_head,
    insert_links,
    newest_head,
    unchained_events,
)
from storage.db import ReadConnection, WriteConnection
from storage.log import read_tiles, write_tiles
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.tiles import ReadTiles, grown_tiles, root_from_tiles

TREE = "audit"
SALT_BYTES = 32
# Events of one transaction: each a row of two hashes, and the hashing of some hundred bytes.
BATCH_EVENTS = 2_000
# An event's id is given out before its transaction commits: one may appear below others that are chained
# already. No transaction of the vault lives for minutes (a statement is cut off after 15 s); an event that
# appears later than this was not written by the vault, and stays out.
SETTLED_AFTER = timedelta(minutes=15)


def commitment(salt: bytes, content: bytes) -> bytes:
    """The leaf hash of an event."""
    return leaf_hash(salt + content)


def chain_batch(db: WriteConnection, *, at: datetime) -> int:
    """Gives the next events their places; how many. Needs the sequencer's lock.

    Raises:
        SignatureError: the tree's tiles are damaged.
    """
    settled = newest_head(db, before=at - SETTLED_AFTER)
    events = unchained_events(db, 0 if settled is None else settled.high_event_id, BATCH_EVENTS)
    if not events:
        return 0
    size = chain_size(db)
    links = []
    for event in events:
        salt = secrets.token_bytes(SALT_BYTES)
        links.append((event.event_id, salt, commitment(salt, event.content)))
    insert_links(db, size, links)
    write_tiles(db, TREE, grown_tiles(size, [leaf for _, _, leaf in links], tiles_of(db)))
    return len(links)


def new_head(db: WriteConnection, *, at: datetime) -> HeadRow | None:
    """The chain's root at its size now; None where the newest head says it already. Needs the lock.

    Raises:
        SignatureError: the tree's tiles are damaged.
    """
    size, newest = chain_size(db), newest_head(db)
    if size == (0 if newest is None else newest.size):
        return None
    head = HeadRow(size, root_from_tiles(size, tiles_of(db)), high_event_id(db), at)
    insert_head(db, head)
    return head


def tiles_of(db: ReadConnection) -> ReadTiles:
    """Reads the chain's tiles."""
    return partial(read_tiles, db, TREE)
