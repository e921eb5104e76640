"""What Python's json would let through, and must not reach a flow."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.limits import read_json
from api.problems import MalformedRequestError
from vault.model.strict_json import JSON_DEPTH_MAX

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda below: st.lists(below, max_size=5) | st.dictionaries(texts, below, max_size=5),
    max_leaves=20,
)


@given(values, st.booleans())
def test_what_is_json_is_read_as_python_reads_it(value: object, ascii_only: object) -> None:
    body = json.dumps(value, ensure_ascii=bool(ascii_only)).encode()
    assert read_json(body) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"\xff", "not in UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not in UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": NaN}', "NaN"),
        (b"[-Infinity]", "NaN"),
        (b"[1e999]", "too large"),
        (b"[" + b"9" * 5000 + b"]", "too long"),
        (b'{"a": 1, "a": 1}', "twice"),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', "twice"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b'["\\u0000"]', "U+0000"),
        (b"[" * (JSON_DEPTH_MAX + 2) + b"]" * (JSON_DEPTH_MAX + 2), "too deeply"),
        (b"[" * 100_000, "too deeply"),
        (b'{"a":' * 100_000, "too deeply"),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(body: bytes, said: str) -> None:
    with pytest.raises(MalformedRequestError, match=re.escape(said)):
        read_json(body)


def test_the_deepest_that_is_allowed_is_read() -> None:
    body = b"[" * JSON_DEPTH_MAX + b"]" * JSON_DEPTH_MAX
    assert read_json(body) == json.loads(body)


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert read_json(b'"\\ud842\\udfb7"') == "\U00020bb7"  # 𠮷, a rare form of 吉 in names
