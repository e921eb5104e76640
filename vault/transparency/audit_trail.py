"""The audit trail held against its chain, the chain against its heads, the heads against the published log.

1. every link: its event is there, and is what was chained; the link is what the chain's tree has.
2. every head: the chain has its root at its size; the log has it as a leaf, in the tree that is published.
3. every head in the log is one that the chain has: the chain's end was not cut off.
4. times: an event came into the chain soon after the time that it claims.
5. every event is in the chain, but for those of the last minutes.

Links to events of a part that was taken out of the table are held against the tree and the heads only. That
is one finding for each such part: the rows cannot be told from deleted ones while they are not here.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from storage.audit import (
    EVENT_ID_MIN,
    ChainLink,
    HeadRow,
    chain_size,
    heads,
    link_page,
    newest_head,
    unchained_events,
)
from storage.audit_parts import ids_in_no_part
from storage.db import ReadConnection
from storage.inspection import PAGE_ROWS
from storage.log import ShardRow, leaf_numbers, leaf_with, own_leaves, read_tiles, shards
from storage.log_heads import newest_checkpoint
from vault.audit_chain import SETTLED_AFTER, TREE, commitment, tiles_of
from vault.errors import IntegrityError, SignatureError
from vault.log import AUDIT_HEAD, audit_content
from vault.model.scope import VAULT
from vault.tlog.merkle import HASH_BYTES, GrowingTree
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.tiles import TILE_WIDTH, Tile, prove_inclusion, root_from_tiles, tile_holding
from vault.transparency.deriving import Found
from vault.transparency.published import LIVE_SHARDS, check_agreement, published
from vault.workshop import Workshop


def audit_contradictions(workshop: Workshop, *, at: datetime) -> Iterator[Found]:
    """Whatever does not follow: what it is about, and a sentence.

    Raises:
        Unavailable: an engine does not answer.
    """
    try:
        check_agreement(workshop, at=at)
    except IntegrityError as error:
        yield "log", error.detail
    yield from _published_tree(workshop)
    yield from _links(workshop)  # 1, 4 and the roots of 2
    yield from _heads_in_log(workshop)  # 2, 3
    yield from _outside(workshop, at)  # 5


def _published_tree(workshop: Workshop) -> Iterator[Found]:
    """The tree that the heads' leaves are looked up in is the one that everybody can see."""
    with workshop.database.reading(VAULT) as db:
        known = shards(db)
        count, highest = leaf_numbers(db)
        newest = newest_checkpoint(db, known[-1].year) if known else None
    end = 0 if newest is None else known[-1].first_index + newest.size
    if not count == highest + 1 == end:
        yield (
            "log",
            f"Leaves are missing: {count} have an index up to {highest}, and the checkpoints cover {end}.",
        )
    for shard in known[-LIVE_SHARDS:]:
        try:
            public = published(workshop, shard)
            if public is not None and public.size:
                with workshop.database.reading(VAULT) as db:
                    root = root_from_tiles(public.size, partial(read_tiles, db, str(shard.year)))
                if root != public.signed.checkpoint.root:
                    yield shard.origin, "The tree in the database is not the published one."
        except (IntegrityError, SignatureError) as error:
            yield shard.origin, error.detail


class _Heads:
    """The heads in their order, each compared when the growing chain reaches its size."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._before: HeadRow | None = None
        self._page = self._next(0)

    def _next(self, after: int) -> list[HeadRow]:
        with self._workshop.database.reading(VAULT) as db:
            return list(heads(db, after, PAGE_ROWS))

    def against(self, tree: GrowingTree) -> Iterator[Found]:
        """What does not follow of the head of this size, if there is one."""
        if not self._page or self._page[0].size != tree.size:
            return
        self._before = self._page.pop(0)
        self._page = self._page or self._next(self._before.size)
        if self._before.root != tree.root:
            yield f"audit head {tree.size}", "The chain's links do not have its root: links were changed."

    def dated_back(self, link: ChainLink) -> bool:
        """Whether the link's event claims a time long before the head that it came after."""
        if self._before is None or link.event is None:
            return False
        return link.event.at < self._before.made_at - SETTLED_AFTER

    def left(self, size: int) -> Iterator[Found]:
        """Heads that the chain never reached."""
        for head in self._page:
            yield (
                f"audit head {head.size}",
                f"The chain has {size} links only: its end was cut off after {head.made_at}.",
            )


def _links(workshop: Workshop) -> Iterator[Found]:
    tree, known, unseen = GrowingTree(), _Heads(workshop), Counter[range]()
    with workshop.database.reading(VAULT) as db:
        size = chain_size(db)
    while tree.size < size:
        with workshop.database.reading(VAULT) as db:
            page = link_page(db, tree.size, TILE_WIDTH)
            out = ids_in_no_part(db) if any(link.event is None for link in page) else ()
            there = _tile(db, tree.size, size)
        for n, link in enumerate(page):
            if link.position != tree.size:
                yield f"audit link {tree.size}", "The link is gone from the chain."
                return
            gap = next((ids for ids in out if link.event is None and link.event_id in ids), None)
            if gap is not None:
                unseen[gap] += 1
            yield from _link(link, there[n * HASH_BYTES : (n + 1) * HASH_BYTES], is_out=gap is not None)
            if known.dated_back(link):
                yield (
                    f"audit event {link.event_id}",
                    "It claims a time long before it came into the chain: put in later and dated back.",
                )
            tree.append(link.leaf_hash)
            yield from known.against(tree)
    yield from known.left(size)
    for ids, count in unseen.items():
        detail = (
            f"Their part is not in the table: {count} links were not held against their events. If it was"
            " archived, put it back to verify them."
        )
        yield f"audit events {ids.start} to {ids.stop - 1}", detail


def _tile(db: ReadConnection, start: int, size: int) -> bytes:
    tile = tile_holding(0, start, size)
    return read_tiles(db, TREE, [tile]).get(tile, b"")


def _link(link: ChainLink, in_tree: bytes, *, is_out: bool) -> Iterator[Found]:
    about = f"audit event {link.event_id}"
    if link.leaf_hash != in_tree:
        yield about, f"Its link {link.position} is not what the chain's tree has: the link was changed."
    if is_out:
        return
    if link.event is None:
        yield about, f"It was deleted: its place {link.position} in the chain is empty."
    elif commitment(link.salt, link.event.content) != link.leaf_hash:
        yield about, f"It was changed, or swapped with another, after it came to place {link.position}."


def _heads_in_log(workshop: Workshop) -> Iterator[Found]:
    after = 0
    with workshop.database.reading(VAULT) as db:
        known = shards(db)
        size = chain_size(db)
    while True:
        with workshop.database.reading(VAULT) as db:
            page = heads(db, after, PAGE_ROWS)
            for head in page:
                yield from _head_in_log(db, known, head)
        if not page:
            break
        after = page[-1].size
    yield from _cut_off(workshop, size)


def _head_in_log(db: ReadConnection, known: tuple[ShardRow, ...], head: HeadRow) -> Iterator[Found]:
    about = f"audit head {head.size}"
    digest = leaf_hash(audit_content(head.size, head.root, head.made_at))
    leaf = leaf_with(db, digest)
    if leaf is None:
        yield about, "The log has no leaf that says this: the head was changed."
        return
    if leaf.log_index is None:
        return  # the sequencer has it before it
    shard = max((s for s in known if s.first_index <= leaf.log_index), key=lambda s: s.first_index)
    index = leaf.log_index - shard.first_index
    tile = Tile(0, index // TILE_WIDTH)
    row = read_tiles(db, str(shard.year), [tile]).get(tile, b"")
    place = (index % TILE_WIDTH) * HASH_BYTES
    if row[place : place + HASH_BYTES] != digest:
        yield about, f"The log has another leaf at {index}, where this head was."


def _cut_off(workshop: Workshop, size: int) -> Iterator[Found]:
    """Heads that the log knows and the chain does not."""
    after = 0
    while True:
        with workshop.database.reading(VAULT) as db:
            page = own_leaves(db, after, PAGE_ROWS)
            for leaf in page:
                said = _said_head(leaf.leaf)
                if said is None:
                    continue
                known = [head for head in heads(db, said - 1, 1) if head.size == said]
                if said > size or not known:
                    yield (
                        f"audit head {said}",
                        f"The log has it; the chain has {size} links and no such head: its end was cut off.",
                    )
        if not page:
            return
        after = page[-1].leaf_id


def _said_head(content: bytes) -> int | None:
    """The size that the leaf of an audit head names; None of another leaf."""
    try:
        said = json.loads(content)
        return int(said["size"]) if said["event"] == AUDIT_HEAD else None
    except (ValueError, LookupError, TypeError):
        return None


def _outside(workshop: Workshop, at: datetime) -> Iterator[Found]:
    with workshop.database.reading(VAULT) as db:
        settled = newest_head(db, before=at - SETTLED_AFTER)
    if settled is None:
        return
    after = EVENT_ID_MIN
    while True:
        with workshop.database.reading(VAULT) as db:
            page = unchained_events(db, after, PAGE_ROWS)
        for event in page:
            if event.event_id <= settled.high_event_id or event.at < settled.made_at - SETTLED_AFTER:
                yield (
                    f"audit event {event.event_id}",
                    "It is not in the chain, and should be by its number or time: it was put in later.",
                )
        if not page:
            return
        after = page[-1].event_id


def prove_event(db: ReadConnection, position: int, head: HeadRow) -> tuple[bytes, ...]:
    """The proof that the link at this position is under a head.

    Raises:
        IntegrityError: the chain's tree is damaged.
    """
    try:
        return prove_inclusion(position, head.size, tiles_of(db))
    except SignatureError as error:
        raise IntegrityError(f"The audit chain's tree is damaged: {error.detail}") from error
