"""Another implementation: RFC 6962, 2.1 word for word, by recursion over lists; and tiles by definition."""

import hashlib
from collections.abc import Mapping, Sequence

from vault.tlog.tiles import TILE_WIDTH, Tile


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) <= 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), root(leaves[k:])]
    return [*path(m - k, leaves[k:]), root(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n])."""
    return _subproof(m, leaves, known=True)


def _subproof(m: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if known else [root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], known=known), root(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], known=False), root(leaves[:k])]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


class NaiveTiles:
    """Tiles of a list of leaves, each cut out of the list as C2SP tlog-tiles defines it."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves
        self.reads = 0

    def __call__(self, tiles: Sequence[Tile]) -> Mapping[Tile, bytes]:
        """The bytes of these tiles."""
        self.reads += 1
        return {tile: self.tile(tile) for tile in tiles}

    def tile(self, tile: Tile) -> bytes:
        """MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]) for every i."""
        span = TILE_WIDTH**tile.level
        first = tile.number * TILE_WIDTH
        starts = range(first * span, (first + tile.width) * span, span)
        assert starts.stop <= len(self.leaves)
        return b"".join(root(self.leaves[start : start + span]) for start in starts)
