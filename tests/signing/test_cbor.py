"""Deterministic CBOR against the RFC's examples and another library, and all that is not deterministic."""

from collections.abc import Mapping
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import cbor
from signing.cbor import Cbor, Tagged
from vault.errors import InputError

# RFC 8949, appendix A, what there is of these types.
EXAMPLES: list[tuple[Cbor, str]] = [
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (b"", "40"),
    (b"\x01\x02\x03\x04", "4401020304"),
    ("", "60"),
    ("IETF", "6449455446"),
    ("\u6c34", "63e6b0b4"),
    ([], "80"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ({}, "a0"),
    ({1: 2, 3: 4}, "a201020304"),
    (Tagged(1, 1363896240), "c11a514b67b0"),
]

_VALUES = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.integers(-(2**64), 2**64 - 1), inner, max_size=5)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(("value", "written"), EXAMPLES)
def test_the_examples_of_the_rfc(value: Cbor, written: str) -> None:
    assert cbor.encode(value).hex() == written
    assert cbor.decode(bytes.fromhex(written)) == value


@given(_VALUES)
def test_another_library_writes_and_reads_the_same(value: Any) -> None:  # noqa: ANN401 - any value of CBOR
    written = cbor.encode(value)
    # The older canonical form (RFC 7049, 3.9), which this library writes, has another order of keys.
    assert not _keyless(value) or written == cbor2.dumps(value, canonical=True)
    assert _plain(cbor2.loads(written)) == value
    assert cbor.decode(written) == value


def _keyless(value: object) -> bool:
    return not isinstance(value, dict) and (not isinstance(value, list) or all(map(_keyless, value)))


def _plain(value: object) -> object:
    """The library's own kinds of map and list as Python's."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_or_the_only_way_to_write_what_they_say(content: bytes) -> None:
    try:
        value = cbor.decode(content)
    except InputError:
        return
    assert cbor.encode(value) == content


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "too soon"),
        ("0000", "behind its end"),
        ("1817", "shortest"),
        ("1900ff", "shortest"),
        ("1a0000ffff", "shortest"),
        ("1b00000000ffffffff", "shortest"),
        ("5f4101ff", "indefinite"),
        ("7f6161ff", "indefinite"),
        ("9f01ff", "indefinite"),
        ("bf0102ff", "indefinite"),
        ("1c", "reserved"),
        ("ff", "indefinite"),
        ("a201020103", "twice"),
        ("a203040102", "out of order"),
        ("a1616101", "not a number"),
        ("61ff", "UTF-8"),
        ("4401", "too soon"),
        ("9b7fffffffffffffff", "too soon"),
        ("bb7fffffffffffffff", "too soon"),
        ("5b7fffffffffffffff", "too soon"),
        ("f4", "boolean"),
        ("f6", "null"),
        ("f93c00", "float"),
        ("81" * 9 + "00", "deep"),
        ("c1" * 9 + "00", "deep"),
    ],
)
def test_what_is_not_deterministic_is_refused_with_its_reason(written: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        cbor.decode(bytes.fromhex(written))


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, "\ud800"])
def test_what_cannot_be_written_is_refused(value: Cbor) -> None:
    with pytest.raises(InputError):
        cbor.encode(value)
