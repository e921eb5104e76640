"""Canonical JSON against another implementation, and what it refuses."""

import json
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import InputError
from vault.model.canonical import DEPTH_MAX, INTEGER_MAX, canonical_json


def json_values() -> st.SearchStrategy[Any]:
    whole_floats = st.integers(-INTEGER_MAX, INTEGER_MAX).map(float)
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(-INTEGER_MAX, INTEGER_MAX), whole_floats, st.text(max_size=12)
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=5),
        max_leaves=20,
    )


@given(json_values())
def test_another_implementation_writes_the_same_bytes(value: Any) -> None:  # noqa: ANN401 - any JSON value
    assert canonical_json(value) == rfc8785.dumps(value)


@given(json_values())
def test_what_is_written_reads_back(value: Any) -> None:  # noqa: ANN401 - any JSON value
    assert json.loads(canonical_json(value)) == value


def test_members_are_sorted_by_utf_16_as_in_the_rfc() -> None:
    # RFC 8785, 3.2.3: the smiley's surrogates sort before U+FB33, though its code point is larger.
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    written = list(json.loads(canonical_json(value)))
    assert written == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_strings_are_escaped_as_in_the_rfc() -> None:
    # RFC 8785, 3.2.2.2: only what must be, control characters in small hex.
    assert (
        canonical_json('\u20ac$\u000f\nA\'B"\\\\"/\x7f')
        == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'.encode()
    )


def test_text_is_left_as_it_is() -> None:
    assert canonical_json("Jose\u0301") != canonical_json("José")


class Colour(StrEnum):
    """A word of ours, as statuses are."""

    RED = "red"


class Level(IntEnum):
    """A number of ours."""

    ONE = 1


def test_our_own_words_and_mappings_are_plain_json() -> None:
    value: Any = MappingProxyType({"b": (Colour.RED, Level.ONE), "a": MappingProxyType({}), Colour.RED: True})
    assert canonical_json(value) == b'{"a":{},"b":["red",1],"red":true}'


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (0.5, ""),
        ([1, 2.5], "/1"),
        ({"a": {"b/c~d": 0.1}}, "/a/b~1c~0d"),
        (float("nan"), ""),
        (float("inf"), ""),
        (INTEGER_MAX + 1, ""),
        (-INTEGER_MAX - 1, ""),
        (1e300, ""),
        ({"a": "\ud800"}, "/a"),
        ({"\ud800": "a"}, ""),
        ({1: "a"}, ""),
        ({"a": b"bytes"}, "/a"),
        ({"a": {1, 2}}, "/a"),
        (object(), ""),
    ],
)
def test_what_cannot_be_written_is_pointed_at(value: Any, pointer: str) -> None:  # noqa: ANN401 - any value at all
    with pytest.raises(InputError) as caught:
        canonical_json(value)
    assert [p.pointer for p in caught.value.problems] == [pointer]


@pytest.mark.parametrize("number", [0.0, -0.0, 1.0, -3.0, 1e15, float(INTEGER_MAX)])
def test_whole_floats_are_whole_numbers(number: float) -> None:
    assert canonical_json(number) == str(int(number)).encode()


def test_nesting_has_a_limit() -> None:
    def nested(levels: int) -> list[Any]:
        value: list[Any] = []
        for _ in range(levels):
            value = [value]
        return value

    assert canonical_json(nested(DEPTH_MAX)).startswith(b"[[")
    with pytest.raises(InputError, match="nested"):
        canonical_json(nested(DEPTH_MAX + 1))
    with pytest.raises(InputError, match="nested"):
        canonical_json(nested(100_000))
