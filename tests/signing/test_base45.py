"""Base45 against the examples of RFC 9285, and there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import base45
from vault.errors import InputError

# RFC 9285, 4.3 and 4.4.
EXAMPLES = [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]


@pytest.mark.parametrize(("content", "text"), EXAMPLES)
def test_the_examples_of_the_rfc(content: bytes, text: str) -> None:
    assert base45.encode(content) == text
    assert base45.decode(text) == content


@given(st.binary(max_size=300))
def test_there_and_back(content: bytes) -> None:
    assert base45.decode(base45.encode(content)) == content


@given(st.text(alphabet=base45.ALPHABET, max_size=40))
def test_what_is_read_is_the_only_way_to_write_it(text: str) -> None:
    try:
        content = base45.decode(text)
    except InputError:
        return
    assert base45.encode(content) == text


# ":::" and "GGW" are 65,536 and more (RFC 9285, 6); "::" is above a byte.
@pytest.mark.parametrize("text", ["A", "ABCD", "GGW", ":::", "::", "abc", "AB\n", "é00"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="base45"):
        base45.decode(text)
