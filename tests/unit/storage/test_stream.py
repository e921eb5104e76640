"""Files as cipher text: any size, no segment moved, dropped, appended or changed, in both suites."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.envelope import DataKey, Suite, decrypted, encrypted, encrypted_size
from storage.envelope.stream import SEGMENT_BYTES
from storage.envelope.suites import TAG_BYTES
from vault.errors import IntegrityError

KEY = bytes(range(32))
PLACE = "documents.object:1:pdf"
SEGMENT = SEGMENT_BYTES + TAG_BYTES


def parts(sealed: bytes, size: int) -> Iterator[bytes]:
    yield from (sealed[start : start + size] for start in range(0, len(sealed), size))


def sealed_with(suite: Suite, content: bytes, place: str = PLACE) -> bytes:
    return b"".join(encrypted(DataKey(KEY, suite=suite), content, place))


def opened(sealed: bytes, place: str = PLACE, *, part: int = 100_000, key: bytes = KEY) -> bytes:
    return b"".join(decrypted(DataKey(key), parts(sealed, part), place))


@pytest.fixture(params=list(Suite), ids=lambda suite: suite.label)
def suite(request: pytest.FixtureRequest) -> Suite:
    chosen: Suite = request.param
    return chosen


@pytest.mark.parametrize(
    "size", [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 3 * SEGMENT_BYTES]
)
@pytest.mark.parametrize("part", [1_000, SEGMENT, 1_000_000])
def test_a_file_of_any_size_in_parts_of_any_size(suite: Suite, size: int, part: int) -> None:
    content = bytes(i % 251 for i in range(size))
    sealed = sealed_with(suite, content)
    assert len(sealed) == encrypted_size(size)
    assert opened(sealed, part=part) == content


def test_a_large_file_needs_little_memory_to_be_read() -> None:
    content = bytes(64 * 1024 * 1024)
    sealed = sealed_with(Suite.AES, content)
    assert len(sealed) == encrypted_size(len(content))
    sizes = [len(part) for part in decrypted(DataKey(KEY), parts(sealed, 300_000), PLACE)]
    assert sum(sizes) == len(content)
    assert max(sizes) == SEGMENT_BYTES


def test_the_same_file_twice_is_not_the_same_cipher_text(suite: Suite) -> None:
    first, second = sealed_with(suite, bytes(100)), sealed_with(suite, bytes(100))
    assert first[40:] != second[40:]


@given(st.sampled_from(list(Suite)), st.integers(min_value=0), st.integers(0, 7))
def test_a_flipped_bit_is_seen(suite: Suite, position: int, bit: int) -> None:
    sealed = bytearray(sealed_with(suite, bytes(SEGMENT_BYTES + 10)))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises(IntegrityError):
        opened(bytes(sealed))


@given(st.integers(min_value=1))
def test_a_cut_is_seen_wherever_it_is(cut: int) -> None:
    sealed = sealed_with(Suite.AES, bytes(2 * SEGMENT_BYTES))
    with pytest.raises(IntegrityError):
        opened(sealed[: -(cut % len(sealed) or len(sealed))])


def test_segments_cannot_be_dropped_swapped_or_appended(suite: Suite) -> None:
    sealed = sealed_with(suite, bytes(3 * SEGMENT_BYTES))
    header = len(sealed) - 3 * SEGMENT
    head, body = sealed[:header], sealed[header:]
    one, two, three = body[:SEGMENT], body[SEGMENT : 2 * SEGMENT], body[2 * SEGMENT :]
    assert opened(head + one + two + three) == bytes(3 * SEGMENT_BYTES)
    for wrong in (
        one + two,
        one + three,
        two + one + three,
        one + two + three + three,
        one + two + three + b"x",
    ):
        with pytest.raises(IntegrityError):
            opened(head + wrong)


def test_it_opens_in_its_own_place_and_with_its_own_key_only(suite: Suite) -> None:
    sealed = sealed_with(suite, b"%PDF-")
    with pytest.raises(IntegrityError):
        opened(sealed, "documents.object:1:ofd")
    with pytest.raises(IntegrityError):
        opened(sealed, key=bytes(32))
    other_suite = sealed[:5] + bytes([3 - suite]) + sealed[6:]
    with pytest.raises(IntegrityError):
        opened(other_suite)
