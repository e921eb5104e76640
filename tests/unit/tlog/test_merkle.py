"""Roots and proofs against the vectors of RFC 6962's reference and a naive tree; mutations refused."""

from collections.abc import Sequence
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tlog import naive
from vault.errors import InputError, SignatureError
from vault.tlog.merkle import (
    EMPTY_ROOT,
    GrowingTree,
    check_consistency,
    check_inclusion,
    fold,
    node_hash,
    span,
)
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.tiles import (
    Tile,
    grown_tiles,
    parse_entries,
    parse_tile,
    prove_consistency,
    prove_inclusion,
    root_from_tiles,
    tiles_between,
)

# The eight leaves and roots that Certificate Transparency implementations share.
LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Inclusion (leaf from 0, size) and consistency (old, size) proofs of the same reference.
PATH_5_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
PROOF_6_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
MANY = 300
"""Leaves of the naive tree: more than one tile of level 0."""


@lru_cache(maxsize=1)
def many() -> tuple[bytes, ...]:
    return tuple(leaf_hash(b"leaf %d" % n) for n in range(MANY))


@lru_cache(maxsize=MANY + 1)
def root_of(size: int) -> bytes:
    return naive.root(many()[:size])


def reference() -> list[bytes]:
    return [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]


def test_the_roots_of_the_reference() -> None:
    tree = GrowingTree()
    assert tree.root == EMPTY_ROOT
    for leaf, root in zip(reference(), ROOTS, strict=True):
        tree.append(leaf)
        assert tree.root.hex() == root


def test_the_proofs_of_the_reference() -> None:
    tiles = naive.NaiveTiles(reference())
    assert [h.hex() for h in prove_inclusion(5, 8, tiles)] == PATH_5_8
    assert [h.hex() for h in prove_consistency(6, 8, tiles)] == PROOF_6_8


@pytest.mark.parametrize("size", range(1, MANY + 1))
def test_every_size_has_the_naive_root_and_can_be_continued(size: int) -> None:
    tree = GrowingTree()
    for leaf in many()[:size]:
        tree.append(leaf)
    assert tree.root == root_of(size) == fold(tree.peaks)
    tiles = naive.NaiveTiles(many()[:size])
    assert root_from_tiles(size, tiles) == root_of(size)
    again = GrowingTree(size, tree.peaks)
    again.append(leaf_hash(b"one more"))
    tree.append(leaf_hash(b"one more"))
    assert again.root == tree.root


@given(st.integers(1, MANY).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_inclusion_proofs_are_the_naive_ones_and_hold(place: tuple[int, int]) -> None:
    index, size = place
    tiles = naive.NaiveTiles(many()[:size])
    proof = prove_inclusion(index, size, tiles)
    assert list(proof) == naive.path(index, many()[:size])
    assert tiles.reads <= 1
    check_inclusion(many()[index], index, size, proof, root_of(size))


@given(st.integers(0, MANY).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_consistency_proofs_are_the_naive_ones_and_hold(sizes: tuple[int, int]) -> None:
    old, size = sizes
    proof = prove_consistency(old, size, naive.NaiveTiles(many()[:size]))
    if old:
        assert list(proof) == naive.proof(old, many()[:size])
    check_consistency(old, root_of(old), size, root_of(size), proof)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_mutated_inclusion_proof_is_refused(size: int) -> None:
    tiles, root = naive.NaiveTiles(many()[:size]), root_of(size)
    for index in range(size):
        leaf, proof = many()[index], prove_inclusion(index, size, tiles)
        check_inclusion(leaf, index, size, proof, root)
        forged = [(leaf, other, size, proof, root) for other in range(size) if other != index]
        forged += [(leaf, -1, size, proof, root), (leaf, size, size, proof, root)]
        forged += [(many()[size], index, size, proof, root), (leaf, index, size, proof, many()[0][::-1])]
        forged += [(leaf, index, size, (*proof, leaf), root), (leaf, index, size, (leaf, *proof), root)]
        for n, each in enumerate(proof):
            bent = bytes([each[0] ^ 1]) + each[1:]
            forged.append((leaf, index, size, (*proof[:n], bent, *proof[n + 1 :]), root))
            forged.append((leaf, index, size, (*proof[:n], *proof[n + 1 :]), root))
        for refused in forged:
            with pytest.raises(SignatureError):
                check_inclusion(*refused)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_mutated_consistency_proof_is_refused(size: int) -> None:
    tiles, root = naive.NaiveTiles(many()[:size]), root_of(size)
    for old in range(size + 1):
        before, proof = root_of(old), prove_consistency(old, size, tiles)
        check_consistency(old, before, size, root, proof)
        bad = many()[0][::-1]
        forged = [(old, bad, size, root, proof), (old, before, size, root, (*proof, bad))]
        forged += [(size + 1, before, size, root, proof), (-1, before, size, root, proof)]
        if old:
            forged.append((old, before, size, bad, proof))
        for n, each in enumerate(proof):
            bent = bytes([each[0] ^ 1]) + each[1:]
            forged.append((old, before, size, root, (*proof[:n], bent, *proof[n + 1 :])))
            forged.append((old, before, size, root, (*proof[:n], *proof[n + 1 :])))
        for refused in forged:
            with pytest.raises(SignatureError):
                check_consistency(*refused)


def test_a_consistency_proof_of_nothing_is_refused() -> None:
    with pytest.raises(SignatureError, match="empty"):
        check_consistency(3, root_of(3), 5, root_of(5), ())


def test_a_node_is_no_leaf() -> None:
    left, right = many()[:2]
    assert node_hash(left, right) != leaf_hash(left + right)


def test_a_range_is_cut_into_perfect_subtrees() -> None:
    assert span(0, 7) == ((2, 0), (1, 2), (0, 6))
    assert span(4, 6) == ((1, 2),)
    assert span(0, 0) == ()


def test_the_tiles_of_the_specification_s_example() -> None:
    tiles = list(tiles_between(0, 70_000))
    by_level = [[tile for tile in tiles if tile.level == level] for level in range(4)]
    assert [len(level) for level in by_level] == [274, 2, 1, 0]
    assert [level[-1].width for level in by_level[:3]] == [112, 17, 1]
    assert list(tiles_between(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_tiles_between_are_those_that_the_old_tree_has_not(one: int, other: int) -> None:
    old, size = sorted((one, other))
    assert set(tiles_between(old, size)) == set(tiles_between(0, size)) - set(tiles_between(0, old))


@given(st.lists(st.integers(0, 700), min_size=1, max_size=4))
def test_tiles_grow_to_what_they_are_by_definition(steps: list[int]) -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(sum(steps))]
    there: dict[tuple[int, int], bytes] = {}

    def read(tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        return {tile: there[tile.level, tile.number] for tile in tiles}

    size = 0
    for step in steps:
        grown = grown_tiles(size, leaves[size : size + step], read)
        size += step
        assert set(grown) == set(tiles_between(size - step, size))
        there |= {(tile.level, tile.number): content for tile, content in grown.items()}
    tree = naive.NaiveTiles(leaves)
    for tile in tiles_between(0, size):
        assert there[tile.level, tile.number] == tree.tile(tile)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "0/000"),
        (Tile(63, 1234067), "63/x001/x234/067"),
        (Tile(1, 999, 1), "1/999.p/1"),
        (Tile(2, 1000, 255), "2/x001/000.p/255"),
    ],
)
def test_addresses_read_back(tile: Tile, path: str) -> None:
    assert tile.path == f"tile/{path}"
    assert parse_tile(path) == tile
    rest = path.partition("/")[2]
    assert tile.entries_path == f"tile/entries/{rest}"
    assert parse_entries(rest) == tile._replace(level=0)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "0/0",
        "0/0000",
        "00/000",
        "64/000",
        "-1/000",
        "0/001/000",
        "0/x000/000",
        "0/x001/x000",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p/",
        "0/000/",
        "0/x00/000",
        "0/../000",
        "0/٠٠٠",
        "x/000",
        "0/000\n",
        "0/" + "x001/" * 7 + "000",
    ],
)
def test_what_is_no_address_is_refused(path: str) -> None:
    with pytest.raises(InputError):
        parse_tile(path)


@given(st.text(alphabet="0123456789x/.p", max_size=24))
def test_an_address_has_one_form(path: str) -> None:
    try:
        tile = parse_tile(path)
    except InputError:
        return
    assert tile.path == f"tile/{path}"


@pytest.mark.parametrize(("index", "size"), [(5, 5), (-1, 5), (0, 0)])
def test_there_is_no_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(InputError):
        prove_inclusion(index, size, naive.NaiveTiles(many()[:size]))


def test_a_tile_that_is_too_short_makes_no_proof() -> None:
    honest = naive.NaiveTiles(many()[:5])
    with pytest.raises(SignatureError, match="does not hold 5 hashes"):
        prove_inclusion(1, 5, lambda tiles: {t: c[:-32] for t, c in honest(tiles).items()})
    with pytest.raises(SignatureError):
        prove_inclusion(1, 5, lambda _: {})
