"""Envelopes open in their own place only, and indexes tell columns apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.envelope import (
    KeyRing,
    RingKey,
    RingKeys,
    new_key_ring_document,
    open_json,
    read_key_ring,
    seal_json,
)
from vault.errors import InputError, IntegrityError

RING = read_key_ring(new_key_ring_document())


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_what_is_sealed_opens_again(value: dict[str, object]) -> None:
    key = RING.new_data_key("t.k:1")
    sealed = seal_json(key, value, "t.c:1")
    assert open_json(RING.data_key(key.wrapped, "t.k:1"), sealed, "t.c:1") == value


def test_an_envelope_moved_to_another_row_does_not_open() -> None:
    key = RING.new_data_key("t.k:1")
    sealed = seal_json(key, "x", "t.c:1")
    with pytest.raises(IntegrityError):
        open_json(key, sealed, "t.c:2")
    with pytest.raises(IntegrityError):
        RING.data_key(key.wrapped, "t.k:2")


@given(st.integers(min_value=0, max_value=10_000))
def test_a_flipped_bit_does_not_open(position: int) -> None:
    key = RING.new_data_key("t.k:1")
    sealed = bytearray(seal_json(key, "personal", "t.c:1"))
    sealed[position % len(sealed)] ^= 1 << (position % 8)
    with pytest.raises(IntegrityError):
        open_json(key, bytes(sealed), "t.c:1")


def test_an_index_depends_on_key_purpose_and_text() -> None:
    other = read_key_ring(new_key_ring_document())
    assert RING.index("a", "x") == RING.index("a", "x")
    assert len({RING.index("a", "x"), RING.index("b", "x"), RING.index("a", "y"), other.index("a", "x")}) == 4


def test_the_newest_key_seals_and_older_ones_still_open() -> None:
    first, second = bytes(32), bytes([1]) * 32
    old = KeyRing(RingKeys({1: RingKey(first)}, {1: RingKey(first)}))
    two = {1: RingKey(first), 2: RingKey(second)}
    both = KeyRing(RingKeys(two, two))
    wrapped = old.new_data_key("t.k:1").wrapped
    assert both.data_key(wrapped, "t.k:1").key == old.data_key(wrapped, "t.k:1").key
    assert both.index_version == 2
    with pytest.raises(IntegrityError):
        old.data_key(both.new_data_key("t.k:1").wrapped, "t.k:1")


@pytest.mark.parametrize(
    "document",
    ["", "{}", "[]", '{"index_keys": {"1": "AAAA"}, "wrapping_keys": {"1": "AAAA"}}', '{"index_keys": 1}'],
)
def test_a_broken_key_ring_is_refused(document: str) -> None:
    with pytest.raises(InputError):
        read_key_ring(document)


def test_keys_are_not_shown() -> None:
    key = RING.new_data_key("t.k:1")
    assert key.key.hex() not in repr(key)
    assert repr(key.key) not in repr(key)
