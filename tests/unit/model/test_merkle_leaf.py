"""Leaf hashes against the vectors that Certificate Transparency implementations share."""

import pytest

from vault.tlog.merkle_leaf import leaf_hash


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (b"\x00", "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"),
        (b"L123456", "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"),
    ],
)
def test_leaf_hash_of_known_leaves(data: bytes, digest: str) -> None:
    assert leaf_hash(data).hex() == digest
