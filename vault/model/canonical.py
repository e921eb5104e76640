"""Canonical JSON (RFC 8785): one value, one sequence of bytes, so that a digest means the value.

Numbers: whole ones only, within ±(2^53 - 1), where every JSON reader agrees (RFC 8785, 3.2.2.3). A float that
is a whole number in that range is written as that number, as the RFC has it; fractions, infinities and NaN
are refused: what is hashed here carries amounts as text.
"""

import json
from collections.abc import Mapping, Sequence

from vault.errors import InputError

JsonValue = str | int | float | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 64  # levels; far beyond any certificate, far below the interpreter's recursion limit


def canonical_json(value: JsonValue) -> bytes:
    """The RFC 8785 form in UTF-8. Text is not normalised (RFC 8785, 3.1): NFC is the caller's business.

    Takes str, int, bool, None, whole floats, lists and tuples, and mappings with str keys. Raises
    `InputError` at the pointer of what cannot be written: a fraction, an integer out of range, half a
    surrogate pair, another type, a nesting deeper than `DEPTH_MAX`.
    """
    return json.dumps(
        _prepared(value, "", 0), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()


def _prepared(value: object, pointer: str, depth: int) -> object:
    """The value as json.dumps writes it canonically: members sorted, numbers whole."""
    if depth > DEPTH_MAX:
        raise InputError.at(pointer, f"the value is nested too deeply: expected at most {DEPTH_MAX} levels")
    match value:
        case None | bool():
            return value
        case str():
            return _text(value, pointer)
        case int() | float():
            return _whole(value, pointer)
        case list() | tuple():
            return [_prepared(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(value)]
        case Mapping():
            return _members(value, pointer, depth)
        case _:
            raise InputError.at(pointer, f"the value cannot be written as JSON: got a {type(value).__name__}")


def _members(value: Mapping[object, object], pointer: str, depth: int) -> dict[str, object]:
    keys = [_key(key, pointer) for key in value]
    # RFC 8785, 3.2.3: by UTF-16 code units, which differs from code points above U+FFFF.
    return {
        key: _prepared(value[key], f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", depth + 1)
        for key in sorted(keys, key=lambda key: key.encode("utf-16-be"))
    }


def _key(key: object, pointer: str) -> str:
    if not isinstance(key, str):
        raise InputError.at(pointer, f"a member name is no text: got a {type(key).__name__}")
    return _text(key, pointer)


def _text(text: str, pointer: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        # `from None`: the library's error carries the text.
        raise InputError.at(pointer, "the text holds half of a surrogate pair") from None
    return text


def _whole(number: float, pointer: str) -> int:
    if not (-INTEGER_MAX <= number <= INTEGER_MAX):  # also catches NaN
        raise InputError.at(pointer, "the number is too large for JSON: expected at most 2^53 - 1 either way")
    if number != int(number):
        raise InputError.at(pointer, "the number is a fraction: expected a whole number or text")
    return int(number)
