"""Tiles (C2SP tlog-tiles): a tree cut into rows of 256 hashes, their addresses, and proofs out of them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from vault.errors import InputError, SignatureError
from vault.tlog.merkle import (
    HASH_BYTES,
    Node,
    Span,
    consistency_spans,
    fold,
    inclusion_spans,
    span,
    subtree,
)

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
LEVEL_MAX = 63
# Seven groups of three digits hold any index below 2^63.
_GROUPS_MAX = 7
_GROUP = 1000
_ADDRESS = re.compile(
    rf"(?P<high>(?:x[0-9]{{3}}/){{0,{_GROUPS_MAX - 1}}})(?P<low>[0-9]{{3}})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
_LEVELLED = re.compile(r"(?P<level>0|[1-9][0-9]?)/(?P<rest>.+)")


class Tile(NamedTuple):
    """`width` hashes of row `level` (each over 256^level leaves), from `number` * 256 on."""

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Its address below the log's prefix."""
        return f"tile/{self.level}/{_address(self.number, self.width)}"

    @property
    def entries_path(self) -> str:
        """The address of the entries that a tile of level 0 has the hashes of."""
        return f"tile/entries/{_address(self.number, self.width)}"


ReadTiles = Callable[[Sequence[Tile]], Mapping[Tile, bytes]]
"""Gives the bytes of each of these tiles; raises where it lacks one."""


def parse_tile(text: str) -> Tile:
    """The tile whose address is `tile/` and this text: `<L>/<N>[.p/<W>]`.

    Raises:
        InputError: the text is no such address.
    """
    found = _LEVELLED.fullmatch(text)
    if found is None or int(found["level"]) > LEVEL_MAX:
        raise _no_address()
    return parse_entries(found["rest"])._replace(level=int(found["level"]))


def parse_entries(text: str) -> Tile:
    """The tile of level 0 whose entries have the address `tile/entries/` and this text: `<N>[.p/<W>]`.

    Raises:
        InputError: the text is no such address.
    """
    found = _ADDRESS.fullmatch(text) if text.isascii() else None
    if found is None:
        raise _no_address()
    groups = [*found["high"].replace("x", "").split("/")[:-1], found["low"]]
    index = int("".join(groups))
    width = TILE_WIDTH if found["width"] is None else int(found["width"])
    if width > TILE_WIDTH or (found["width"] is not None and width == TILE_WIDTH):
        raise _no_address()
    tile = Tile(0, index, width)
    if tile.entries_path != f"tile/entries/{text}":  # groups of zeros in front
        raise _no_address()
    return tile


def tile_holding(level: int, index: int, size: int) -> Tile:
    """The tile with hash `index` of row `level`, as wide as it is in a tree of this size."""
    row = size >> (TILE_HEIGHT * level)
    number = index // TILE_WIDTH
    return Tile(level, number, min(TILE_WIDTH, row - number * TILE_WIDTH))


def tiles_between(old: int, size: int) -> Iterator[Tile]:
    """Every tile that the tree of `size` leaves has and that of `old` leaves has not, in order of levels."""
    for level in range(LEVEL_MAX + 1):
        shift = TILE_HEIGHT * level
        before, row = old >> shift, size >> shift
        if row == 0:
            return
        if row > before:
            for index in range(before // TILE_WIDTH, -(-row // TILE_WIDTH)):
                yield tile_holding(level, index * TILE_WIDTH, size)


def root_from_tiles(size: int, read: ReadTiles) -> bytes:
    """The root of the first `size` leaves, out of the tiles of a tree of just as many.

    Raises:
        SignatureError: a tile has another width than its address says.
    """
    return _folded([span(0, size)], size, read)[0]


def prove_inclusion(index: int, size: int, read: ReadTiles) -> tuple[bytes, ...]:
    """The proof of RFC 6962, 2.1.1, out of tiles that are read in one go.

    Raises:
        InputError: there is no such leaf in a tree of this size.
        SignatureError: a tile has another width than its address says.
    """
    if not 0 <= index < size:
        raise InputError(f"Expected an index below {size}, got {index}.")
    return _folded(inclusion_spans(index, size), size, read)


def prove_consistency(old: int, size: int, read: ReadTiles) -> tuple[bytes, ...]:
    """The proof of RFC 6962, 2.1.2, out of tiles that are read in one go.

    Raises:
        InputError: the old size is larger.
        SignatureError: a tile has another width than its address says.
    """
    if not 0 <= old <= size:
        raise InputError(f"Expected an old size of at most {size}, got {old}.")
    return _folded(consistency_spans(old, size), size, read)


def grown_tiles(size: int, leaves: Sequence[bytes], read: ReadTiles) -> dict[Tile, bytes]:
    """Every tile that changes when these leaf hashes come to a tree of `size` leaves, as it is afterwards.

    Reads what is there of the last tile of each level, in one go.

    Raises:
        SignatureError: such a tile has another width than it must have.
    """
    rows = [size >> (TILE_HEIGHT * level) for level in range(LEVEL_MAX + 1)]
    begun = [Tile(n, row // TILE_WIDTH, row % TILE_WIDTH) for n, row in enumerate(rows) if row % TILE_WIDTH]
    known = _checked(begun, read)
    grown: dict[Tile, bytes] = {}
    new = list(leaves)
    for level, row in enumerate(rows):
        if not new:
            break
        first, filled = divmod(row, TILE_WIDTH)
        hashes = split_hashes(known.get(Tile(level, first, filled), b"")) + new
        new = []
        for at in range(0, len(hashes), TILE_WIDTH):
            tile_hashes = hashes[at : at + TILE_WIDTH]
            tile = Tile(level, first + at // TILE_WIDTH, len(tile_hashes))
            grown[tile] = b"".join(tile_hashes)
            if tile.width == TILE_WIDTH:
                new.append(subtree(tile_hashes))
    return grown


def split_hashes(content: bytes) -> list[bytes]:
    """A tile's bytes as its hashes."""
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def _folded(spans: Iterable[Span], size: int, read: ReadTiles) -> tuple[bytes, ...]:
    planned = list(spans)
    wanted = sorted({_tile_of(node, size) for each in planned for node in each})
    rows = _checked(wanted, read)
    return tuple(fold([_node(node, rows[_tile_of(node, size)]) for node in each]) for each in planned)


def _checked(wanted: Sequence[Tile], read: ReadTiles) -> Mapping[Tile, bytes]:
    rows = read(wanted) if wanted else {}
    for tile in wanted:
        if len(rows.get(tile, b"")) != tile.width * HASH_BYTES:
            raise SignatureError(f"{tile.path} does not hold {tile.width} hashes.", reason="log-tile")
    return rows


def _tile_of(node: Node, size: int) -> Tile:
    level, height = divmod(node.level, TILE_HEIGHT)
    return tile_holding(level, node.number << height, size)


def _node(node: Node, content: bytes) -> bytes:
    count = 1 << (node.level % TILE_HEIGHT)
    first = (node.number * count) % TILE_WIDTH
    return _subtree(content[first * HASH_BYTES : (first + count) * HASH_BYTES])


# Proofs from one tree share its upper tiles and its right edge: two thirds of a proof's hashing.
@lru_cache(maxsize=1024)  # at most 4 kB each
def _subtree(content: bytes) -> bytes:
    return subtree(split_hashes(content))


def _address(index: int, width: int) -> str:
    index, low = divmod(index, _GROUP)
    text = f"{low:03d}"
    while index:
        index, group = divmod(index, _GROUP)
        text = f"x{group:03d}/{text}"
    return text if width == TILE_WIDTH else f"{text}.p/{width}"


def _no_address() -> InputError:
    return InputError("Expected a tile's address as C2SP tlog-tiles has it: <L>/<N>[.p/<W>].")
