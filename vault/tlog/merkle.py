"""Merkle trees (RFC 6962, 2.1): roots, and proofs as lists of subtrees; their hashes come from elsewhere.

A perfect subtree is named by `Node(level, number)`: it covers the 2^level leaves from number * 2^level on.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from vault.errors import SignatureError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, 2.1)."""
_NODE_PREFIX = b"\x01"
_sha256 = hashlib.sha256
# 2^63 leaves: what an index in any format may be at most; a proof has at most so many hashes.
SIZE_MAX = 2**63 - 1
PROOF_MAX = 63


class Node(NamedTuple):
    """A perfect subtree: the leaves `number << level` to `(number + 1) << level`."""

    level: int
    number: int


Span = tuple[Node, ...]
"""Perfect subtrees side by side, largest first, whose hashes fold into the hash of all their leaves."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children's hashes: 32 bytes."""
    return hashlib.sha256(_NODE_PREFIX + left + right).digest()


def span(start: int, end: int) -> Span:
    """The leaves from `start` up to `end` as perfect subtrees; `start` is where such a range may begin."""
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append(Node(level, start >> level))
        start += 1 << level
    return tuple(found)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over subtrees that stand side by side, largest first; `EMPTY_ROOT` over none."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def inclusion_spans(index: int, size: int) -> tuple[Span, ...]:
    """What PATH(index, D[size]) of RFC 6962, 2.1.1 consists of, the leaf's sibling first.

    Expects 0 <= index < size.
    """
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(span(middle, high))
            high = middle
        else:
            path.append(span(low, middle))
            low = middle
    return tuple(reversed(path))


def consistency_spans(old: int, size: int) -> tuple[Span, ...]:
    """What PROOF(old, D[size]) of RFC 6962, 2.1.2 consists of; empty where nothing is to be proved.

    Expects 0 <= old <= size.
    """
    if old in {0, size}:
        return ()
    low, high, path = 0, size, []
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(span(middle, high))
            high = middle
        else:
            path.append(span(low, middle))
            low = middle
    # The old tree as a whole is what the verifier has already.
    return tuple(reversed(path if low == 0 else [*path, span(low, high)]))


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Proves that the leaf with this hash stands at `index` in the tree of this size and root.

    RFC 9162, 2.1.3.2.

    Raises:
        SignatureError: it does not follow.
    """
    if not 0 <= index < size:
        raise _no_proof("The index lies outside the tree.")
    place, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise _no_proof("The inclusion proof is too long.")
        if place & 1 or place == last:
            computed = node_hash(sibling, computed)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or computed != root:
        raise _no_proof("The inclusion proof does not lead to the root.")


def check_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Proves that the tree of `old` leaves is the beginning of the tree of `size` leaves.

    RFC 9162, 2.1.4.2, and its trivial cases: from the empty tree, and to itself.

    Raises:
        SignatureError: it does not follow.
    """
    if not 0 <= old <= size:
        raise _no_proof("The tree has shrunk.")
    if old in {0, size}:
        _check_trivial(old_root, EMPTY_ROOT if old == 0 else root, proof)
        return
    hashes = list(proof) if old & (old - 1) else [old_root, *proof]
    if not hashes:
        raise _no_proof("The consistency proof is empty.")
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise _no_proof("The consistency proof is too long.")
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or before != old_root or after != root:
        raise _no_proof("The consistency proof does not lead from the old root to the new one.")


def _check_trivial(old_root: bytes, expected: bytes, proof: Sequence[bytes]) -> None:
    if proof or old_root != expected:
        raise _no_proof("Trees of the same size have different roots.")


class GrowingTree:
    """A tree that only grows: its size, and the hashes of the perfect subtrees that it consists of."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if size.bit_count() != len(peaks):
            raise SignatureError("A tree's peaks are not those of its size.", reason="log-tree")
        self.size = size
        self._peaks = list(peaks)

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Hashes of the subtrees of `span(0, size)`, largest first."""
        return tuple(self._peaks)

    @property
    def root(self) -> bytes:
        """The root at this size."""
        return fold(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Adds one leaf by its hash."""
        grown, filled = leaf, self.size
        while filled & 1:
            grown, filled = node_hash(self._peaks.pop(), grown), filled >> 1
        self._peaks.append(grown)
        self.size += 1


def subtree(hashes: Sequence[bytes]) -> bytes:
    """The hash over a power of two of hashes that stand side by side."""
    level = hashes
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [_sha256(_NODE_PREFIX + left + right).digest() for left, right in pairs]
    return level[0]


def _split(width: int) -> int:
    """The largest power of two below `width` (RFC 6962, 2.1: k)."""
    return 1 << ((width - 1).bit_length() - 1)


def _no_proof(sentence: str) -> SignatureError:
    return SignatureError(sentence, reason="log-proof")
