"""Following a log: every entry read, the tree computed anew, and held against what was seen before.

For each shard, the oldest first:
1. checkpoint: signed by the log's key, for this origin; witnesses' cosignatures, where their keys are known.
2. against the memory: the tree must not be smaller, nor another one of the same size.
3. entries: all of them, or all since the last look; each makes a leaf of the tree that is continued from what
   was remembered. So the old tree is the beginning of the new one by construction.
4. tiles: those that the log serves must have the hashes of the entries, and the same root.
5. root: the computed one must be the signed one.
6. times: a leaf that claims to be older than the log may have left it waiting was dated back.
7. turns: a shard's first leaf names the end of the shard before it, which ends with a leaf that says so.

The list of shards that the log gives is only a hint: what it leaves out and was seen before is a finding.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from signing.log_note import SignedCheckpoint, open_checkpoint
from vault.errors import InputError, SignatureError
from vault.log import LOG_PATH, SHARD_CLOSED, SHARD_OPENED
from vault.log_auditor.memory import Memory, Seen
from vault.tlog.entries import split_bundle
from vault.tlog.merkle import HASH_BYTES, GrowingTree
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.note import VerifierKey
from vault.tlog.tiles import TILE_WIDTH, ReadTiles, Tile, root_from_tiles, tile_holding

# The vault promises to include a leaf within a day (RFC 9162, 1.1: maximum merge delay); what claims to be
# older than that when it comes was not there when it says.
MERGE_DELAY_MAX = timedelta(hours=24)
SHARDS_MAX = 200

Fetch = Callable[[str], bytes | None]
"""Gives what an address (a path of the public URL) has; None where nothing is. Raises `Unavailable`."""
Hear = Callable[[str, int, bytes], None]
"""Hears every entry that is read: origin, index, bytes."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A shard that was read. `read`: its tiles, for proofs. `new`: entries that were read this time."""

    origin: str
    signed: SignedCheckpoint
    new: int
    read: ReadTiles = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What following came to. `findings`: contradictions, each a sentence.

    `memory`: to keep where there are none.
    """

    shards: tuple[Followed, ...]
    findings: tuple[str, ...]
    memory: Memory


class _Contradiction(Exception):
    """The log contradicts itself, or what was seen: reading this shard any further tells nothing."""


def follow(
    fetch: Fetch,
    key: VerifierKey,
    memory: Memory,
    *,
    at: datetime,
    whole: bool = False,
    witnesses: Sequence[VerifierKey] = (),
    hear: Hear = lambda _origin, _index, _entry: None,
) -> Report:
    """Reads the log as this module describes it; `whole`: from its first entry, whatever was seen before.

    `key`: the verifier key of any shard; those of the others are the same key under their own names.

    Raises:
        InputError: the key's name is no shard's, or the list of shards is none.
        Unavailable: the log does not answer.
    """
    base, _, _ = key.name.rpartition("/")
    findings: list[str] = []
    followed: list[Followed] = []
    read: list[_Shard] = []
    kept: dict[str, Seen] = dict(memory.shards)
    years = _years(fetch, base)
    shown = {f"{base}/{year}" for year in years}
    findings += [
        f"{origin}: the log does not show this shard any more; it was seen before."
        for origin in sorted(memory.shards.keys() - shown)
    ]
    for year in years:
        origin = f"{base}/{year}"
        shard = _Shard(fetch, VerifierKey(origin, key.kind, key.public), year, memory.shards.get(origin))
        try:
            found, seen = shard.walk(at, witnesses, hear, whole=whole)
        except (_Contradiction, SignatureError, InputError) as error:
            findings.append(f"{origin}: {error}")
            continue
        findings += shard.findings
        if followed:
            findings += _turn(followed[-1], read[-1], shard, origin)
        followed.append(found)
        read.append(shard)
        kept[origin] = seen
    return Report(tuple(followed), tuple(findings), Memory(kept))


class _Shard:
    """One shard while it is read."""

    def __init__(self, fetch: Fetch, key: VerifierKey, year: int, seen: Seen | None) -> None:
        self._fetch = fetch
        self._key = key
        self._path = f"{LOG_PATH}/{year}"
        self._year = year
        self._seen = seen
        self.findings: list[str] = []
        self.first: Mapping[str, Any] | None = None
        self.last: Mapping[str, Any] | None = None

    def walk(
        self, at: datetime, witnesses: Sequence[VerifierKey], hear: Hear, *, whole: bool
    ) -> tuple[Followed, Seen]:
        """Steps 1 to 6."""
        signed = open_checkpoint(self._get("checkpoint"), self._key, witnesses=witnesses)  # 1
        size, root, seen = signed.checkpoint.size, signed.checkpoint.root, self._seen
        if seen is not None:  # 2
            self._compare(signed, seen)
        tree = GrowingTree() if whole or seen is None else GrowingTree(seen.size, seen.peaks)
        start = tree.size
        newest = None if whole or seen is None else seen.newest_at
        for index, entry in self._entries(start, size):  # 3
            if seen is not None and tree.size == seen.size and tree.root != seen.root:
                raise _Contradiction(
                    f"its first {seen.size} entries are not those of {seen.at}. {self._both(signed)}"
                )
            tree.append(leaf_hash(entry))
            newest = self._judge(index, entry, newest, seen)  # 6
            hear(self._key.name, index, entry)
        if tree.root != root:  # 5
            raise _Contradiction(f"its entries do not have the root that it signed for {size} leaves.")
        if size and root_from_tiles(size, self._tiles) != root:
            raise _Contradiction("its tiles do not have the root that it signed.")
        found = Followed(self._key.name, signed, size - start, self._tiles)
        return found, Seen(size, root, tree.peaks, signed.note.encode().decode(), at, newest)

    def _compare(self, signed: SignedCheckpoint, seen: Seen) -> None:
        size, root = signed.checkpoint.size, signed.checkpoint.root
        if size < seen.size:
            raise _Contradiction(
                f"it shows {size} leaves and had {seen.size} at {seen.at}. {self._both(signed)}"
            )
        if size == seen.size and root != seen.root:
            raise _Contradiction(f"it shows two different trees of {size} leaves. {self._both(signed)}")

    def _both(self, signed: SignedCheckpoint) -> str:
        """The evidence: two notes that the log's key has signed and that cannot both be."""
        before = "" if self._seen is None else self._seen.note
        return f"Evidence, seen before:\n{before}\nnow:\n{signed.note.encode().decode()}"

    def _entries(self, start: int, size: int) -> Iterator[tuple[int, bytes]]:
        for first in range(start - start % TILE_WIDTH, size, TILE_WIDTH):
            tile = tile_holding(0, first, size)
            entries = split_bundle(self._get(tile.entries_path), tile.width)
            hashes = self._tiles([tile])[tile]
            if hashes != b"".join(leaf_hash(entry) for entry in entries):  # 4
                raise _Contradiction(f"{tile.path} does not have the hashes of its entries.")
            yield from ((n, entry) for n, entry in enumerate(entries, start=first) if n >= start)

    def _judge(self, index: int, entry: bytes, newest: datetime | None, seen: Seen | None) -> datetime | None:
        """What an entry says of its time; the latest time so far."""
        try:
            leaf = json.loads(entry)
            said = datetime.fromisoformat(leaf["at"])
            event = leaf["event"]
        except (ValueError, LookupError, TypeError):
            self.findings.append(f"{self._key.name}: entry {index} is not a leaf of this log.")
            return newest
        self.first = leaf if index == 0 else self.first
        self.last = leaf
        not_before = [time - MERGE_DELAY_MAX for time in (newest,) if time is not None]
        if seen is not None and index >= seen.size:
            not_before.append(seen.at - MERGE_DELAY_MAX)
        if any(said < time for time in not_before):
            self.findings.append(
                f"{self._key.name}: entry {index} ({event}) says it is of {leaf['at']}, and came more than "
                f"{MERGE_DELAY_MAX.total_seconds() / 3600:.0f} hours later: dated back."
            )
        return said if newest is None else max(newest, said)

    def _tiles(self, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        found = {tile: self._get(tile.path) for tile in tiles}
        for tile, content in found.items():
            if len(content) != tile.width * HASH_BYTES:
                raise _Contradiction(f"{tile.path} does not hold {tile.width} hashes.")
        return found

    def _get(self, path: str) -> bytes:
        content = self._fetch(f"{self._path}/{path}")
        if content is None:
            raise _Contradiction(f"it does not serve {path}, which its checkpoint needs.")
        return content


def _turn(before: Followed, ended: _Shard, shard: _Shard, origin: str) -> Iterator[str]:
    """Step 7, as far as the shards were read this time."""
    end = before.signed.checkpoint
    named = {"origin": end.origin, "size": end.size, "root": end.root.hex()}
    if shard.first is not None and (
        shard.first.get("event") != SHARD_OPENED or shard.first.get("previous") != named
    ):
        yield f"{origin}: its first entry does not name the end of {before.origin}."
    if ended.last is not None and ended.last.get("event") != SHARD_CLOSED:
        yield f"{before.origin}: a shard follows it, and its last entry does not close it."


def _years(fetch: Fetch, base: str) -> list[int]:
    content = fetch(f"{LOG_PATH}/shards")
    if content is None:
        raise InputError("There is no log at this address.")
    try:
        listed = [(int(each["year"]), str(each["origin"])) for each in json.loads(content)["shards"]]
    except (ValueError, LookupError, TypeError) as error:
        raise InputError("The list of the log's shards cannot be read.") from error
    years = sorted(year for year, origin in listed if origin == f"{base}/{year}")
    if len(years) != len(listed) or len(years) > SHARDS_MAX:
        raise InputError(f"The log lists shards that are not of {base}: is this the key of another log?")
    return years
