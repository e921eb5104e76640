"""JSON (RFC 8259) read strictly: what Python takes and others would not, or read otherwise, is refused."""

import json
import math
from collections.abc import Iterable
from typing import Any

# The deepest body of the contract has six levels; face fields may add a few.
JSON_DEPTH_MAX = 32


class NotStrictJson(ValueError):
    """It is no such text; says why in words that go on after its name, and repeats nothing of it."""


def strict_json(text: str) -> Any:  # noqa: ANN401 - JSON is any value
    """The value of a JSON text.

    Refused where Python would take it: duplicate names, NaN and infinities, lone surrogates, U+0000 (which
    PostgreSQL cannot keep), and nesting deeper than `JSON_DEPTH_MAX`.

    Raises:
        NotStrictJson: it is not such a text.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except json.JSONDecodeError as error:
        raise NotStrictJson(
            f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except NotStrictJson:
        raise
    except ValueError:
        # Python refuses to convert integers of thousands of digits (CVE-2020-10735).
        raise NotStrictJson("holds a number that is too long.") from None
    _check(value, strings="\\u" in text)
    return value


def _check(value: object, *, strings: bool) -> None:
    """Walks the value level by level; looks into strings only where an escape could hide something."""
    level: list[object] = [value]
    for _ in range(JSON_DEPTH_MAX + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                if strings:
                    _check_strings(item)
            elif isinstance(item, list):
                below.extend(item)
        if strings:
            _check_strings(item for item in level if isinstance(item, str))
        if not below:
            return
        level = below
    raise _too_deep()


def _check_strings(strings: Iterable[str]) -> None:
    for text in strings:
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise NotStrictJson("holds a text with U+0000 or half a surrogate pair.")


def _too_deep() -> NotStrictJson:
    return NotStrictJson(f"is nested too deeply: expected at most {JSON_DEPTH_MAX} levels.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrictJson("has an object that names the same field twice.")
    return found


def _refuse_constant(_: str) -> float:
    raise NotStrictJson("holds NaN or Infinity, which are not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrictJson("holds a number that is too large.")
    return number
