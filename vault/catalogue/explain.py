"""JSON Schema errors as plain sentences: what was expected, and what came.

Face fields hold names, numbers and addresses, and sentences reach logs; so of a deposit's values a sentence
tells only their kind and size.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from vault.catalogue.photos import photo_problem

# Without a checker JSON Schema only notes formats. `date` is for faces, `regex` for the definitions' shape.
_FORMATS = FormatChecker(formats=["date", "regex"])

# A quoted value longer than this says no more to a reader.
_QUOTED_MAX_CHARACTERS = 80

_JSON_NAMES: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_SCHEMA_NAMES: Mapping[str, str] = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
# What a limit bounds, in words around it.
_LIMITS: Mapping[str, str] = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "minimum": "a number of at least {}",
    "maximum": "a number of at most {}",
    "pattern": "text like {}",
}
_FORMAT_NAMES: Mapping[str, str] = {"date": "a date as YYYY-MM-DD", "regex": "a regular expression"}


def _content(
    _validator: object, media_type: str, value: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`contentMediaType` as an assertion: base64 of a photo whose header says what the schema says."""
    if not isinstance(value, str) or len(value) > schema["maxLength"]:
        return
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        yield ValidationError("expected base64 (RFC 4648, clause 4), got other text")
        return
    problem = photo_problem(content, media_type)
    if problem is not None:
        yield ValidationError(problem)


# JSON Schema 2020-12 in which `contentMediaType` is checked, not only noted.
_PhotoAwareValidator: type[Draft202012Validator] = validators.extend(  # type: ignore[no-untyped-call]  # untyped in its stubs
    Draft202012Validator, {"contentMediaType": _content}
)


def validator_for(schema: Mapping[str, Any]) -> Draft202012Validator:
    """A compiled validator of a trusted schema: formats and photo contents are asserted."""
    return _PhotoAwareValidator(schema, format_checker=_FORMATS)


def kind_of(value: object) -> str:
    """What sort of JSON value it is, in words."""
    return _JSON_NAMES.get(type(value), "null")


def sentence(error: ValidationError, *, quoting: bool = False) -> str:
    """One sentence for one error: what was expected, then what came.

    Without `quoting` only the kind or size of what came is told; the catalogue's own files may be quoted.
    """
    keyword, value = str(error.validator), error.instance
    limit: Any = error.validator_value
    if keyword in _LIMITS:
        expected = _LIMITS[keyword].format(limit)
    elif keyword == "type":
        names = [limit] if isinstance(limit, str) else limit
        expected = " or ".join(_SCHEMA_NAMES[name] for name in names)
    elif keyword in {"enum", "const"}:
        allowed = limit if keyword == "enum" else [limit]
        expected = f"one of: {', '.join(map(str, allowed))}"
    elif keyword == "format":
        expected = _FORMAT_NAMES[limit]
    elif keyword == "uniqueItems":
        return "expected each entry once, got one twice"
    elif keyword == "required":
        return f"expected the key {error.message.split(' ', 1)[0]}, got none"
    elif keyword == "additionalProperties" and quoting:
        return f"expected known keys only: {error.message}"
    else:
        return error.message
    return f"expected {expected}; got {_quoted(value) if quoting else _came(keyword, value)}"


def _came(keyword: str, value: object) -> str:
    """What came, by kind and size."""
    match value:
        case str() if keyword != "type":
            return f"{len(value)} characters" if "Length" in keyword else "other text"
        case list() if keyword != "type":
            return f"{len(value)}"
        case int() | float() if keyword != "type":
            return {"minimum": "a smaller one", "maximum": "a larger one"}.get(keyword, "another")
    return kind_of(value)


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTED_MAX_CHARACTERS else text[:_QUOTED_MAX_CHARACTERS] + "…"
