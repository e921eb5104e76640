"""What can be said of a definition by itself: codes, references, bounds, the face, the texts of the page."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from vault.catalogue.definitions import City
from vault.catalogue.files import CatalogueProblem, PathKey, SourceFile
from vault.catalogue.pages import RESERVED_NAMES, placeholders, without_placeholders
from vault.errors import InputError
from vault.model.catalogue import SealPlace
from vault.model.credit_code import SocialCreditCode
from vault.model.statement import NAMES_MAX_BYTES, QR_SIZE_MM, names_fit

# A kind's code is the defining body's USCC and a number of three digits (GB/T 36904).
_USCC_LENGTH = 18
# The page has one place for a photo, and what is wrong with it is told at `/fields/photo`.
PHOTO_KEY = "photo"

# Keywords that say something about a value of each JSON type, and those of them that bound it.
_KEYWORDS: Mapping[str, frozenset[str]] = {
    "string": frozenset(
        {"format", "enum", "pattern", "minLength", "maxLength", "contentEncoding", "contentMediaType"}
    ),
    "integer": frozenset({"minimum", "maximum"}),
    "number": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
    "array": frozenset({"items", "minItems", "maxItems"}),
}
_LOWER_UPPER = (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"))


def credit_code_problems(source: SourceFile, path: PathKey, code: str) -> Iterator[CatalogueProblem]:
    """Whether `code`, standing at `path`, is a unified social credit code with both check characters."""
    try:
        SocialCreditCode(code)
    except InputError as error:
        yield source.problem(path, f"expected a unified social credit code, got {code}: {error.detail}")


def definition_problems(
    source: SourceFile, city: City | None, seal_places: Mapping[str, SealPlace]
) -> Iterator[CatalogueProblem]:
    """What can be said of a definition before it is built: codes, references, bounds, the face, the texts."""
    data = source.data
    yield from credit_code_problems(source, ("code",), data["code"][:_USCC_LENGTH])
    if city is not None:
        known = {authority.id for authority in city.authorities}
        for index, name in enumerate(data["authorities"]):
            if name not in known:
                yield source.problem(
                    ("authorities", index), f"expected the id of an authority of the city, got {name!r}"
                )
    if data["template"] not in seal_places:
        expected = ", ".join(sorted(seal_places))
        yield source.problem(("template",), f"expected one of: {expected}; got {data['template']!r}")
    if data["holders"]["count_min"] > data["holders"]["count_max"]:
        yield source.problem(("holders", "count_max"), "expected count_min or more, got less")
    yield from _face_problems(source)
    yield from _text_problems(source)
    if city is not None:
        yield from _print_problems(source, {authority.id: authority.name for authority in city.authorities})


def _print_problems(source: SourceFile, names: Mapping[str, str]) -> Iterator[CatalogueProblem]:
    """Names too long for what the QR states offline: at its printed size they would be cut."""
    for index, authority in enumerate(source.data["authorities"]):
        name = names.get(authority)
        if name is not None and not names_fit(source.data["name"], name):
            size = len((source.data["name"] + name).encode())
            detail = (
                f"expected names of the kind and of {name} with at most {NAMES_MAX_BYTES} bytes of UTF-8"
                f" together ({NAMES_MAX_BYTES // 3} Chinese characters), got {size}: the QR that states them"
                f" is printed {QR_SIZE_MM:g} mm wide"
            )
            yield source.problem(("authorities", index), detail)


def _face_problems(source: SourceFile) -> Iterator[CatalogueProblem]:
    seen: set[str] = set()
    for index, field in enumerate(source.data["face"]):
        path: PathKey = ("face", index)
        if field["key"] in seen:
            yield source.problem((*path, "key"), f"expected each key once, got {field['key']} twice")
        if field["key"] in RESERVED_NAMES:
            detail = f"expected a name that the page does not use itself, got {field['key']}"
            yield source.problem((*path, "key"), detail)
        seen.add(field["key"])
        yield from _schema_problems(source, (*path, "schema"), field["schema"])
        if "contentMediaType" in field["schema"] and field["key"] != PHOTO_KEY:
            yield source.problem(
                (*path, "key"), f"expected the one photo to be called {PHOTO_KEY}, got {field['key']}"
            )


def _schema_problems(
    source: SourceFile, path: PathKey, schema: Mapping[str, Any]
) -> Iterator[CatalogueProblem]:
    """Bounds that a value of the schema's type needs, and keywords that mean nothing for it."""
    kind = schema["type"]
    for keyword in schema:
        if keyword != "type" and keyword not in _KEYWORDS[kind]:
            yield source.problem((*path, keyword), f"expected only keywords of type {kind}, got {keyword}")
    missing = {
        "string": () if schema.keys() & {"enum", "format"} else ("maxLength",),
        "integer": ("minimum", "maximum"),
        "number": ("minimum", "maximum"),
        "boolean": (),
        "array": ("items", "maxItems"),
    }[kind]
    if "contentMediaType" in schema:
        missing = ("contentEncoding", "maxLength")
    for keyword in missing:
        if keyword not in schema:
            yield source.problem(path, f"expected {keyword} to bound a value of type {kind}, got none")
    for lower, upper in _LOWER_UPPER:
        if lower in schema and upper in schema and schema[lower] > schema[upper]:
            yield source.problem(
                (*path, upper), f"expected {lower} ({schema[lower]}) or more, got {schema[upper]}"
            )
    if kind == "array" and "items" in schema:
        if schema["items"]["type"] == "array" or "contentMediaType" in schema["items"]:
            yield source.problem(
                (*path, "items"), "expected a list of texts or numbers, got lists or photos in it"
            )
        else:
            yield from _schema_problems(source, (*path, "items"), schema["items"])


def _text_problems(source: SourceFile) -> Iterator[CatalogueProblem]:
    """Layout texts that name what nothing fills, or hold a brace that names nothing."""
    fillable = RESERVED_NAMES | {
        f["key"] for f in source.data["face"] if "contentMediaType" not in f["schema"]
    }
    for key, value in source.data.get("layout", {}).items():
        for name in sorted(placeholders({key: value}) - fillable):
            expected = ", ".join(sorted(RESERVED_NAMES))
            detail = f"expected a placeholder of a face field or one of: {expected}; got {{{name}}}"
            yield source.problem(("layout", key), detail)
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and re.search(r"[{}]", without_placeholders(text)) for text in texts):
            yield source.problem(("layout", key), "expected braces around names only, got a stray brace")
