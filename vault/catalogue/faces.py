"""Face fields (照面) of a deposit against their kind's JSON Schema."""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final

from jsonschema import Draft202012Validator

from vault.catalogue.explain import kind_of, sentence, validator_for
from vault.errors import FieldProblem, InputError
from vault.model.catalogue import CertificateType, FaceField

# A caller who sends a thousand bad fields needs no thousand sentences to see it.
PROBLEMS_MAX: Final = 50
# A key of the caller's making stands in our answer; longer ones are cut.
KEY_SHOWN_MAX: Final = 64
# Compiled validators are kept per digest; more kinds than this and we start again rather than grow for ever.
COMPILED_MAX: Final = 2000

# What no line of a page can hold: control characters, lone surrogates, marks that reorder text (they make a
# page show another text than the one deposited), and code points that are no characters. The joiners U+200C
# and U+200D are part of some scripts' words.
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\uffff]"
)

_compiled: dict[str, Mapping[str, Draft202012Validator]] = {}


def check_face(kind: CertificateType, fields: Mapping[str, Any]) -> None:
    """Check a result's `fields` against the kind's schema.

    Raises:
        InputError: one problem per bad field, at `/fields/<key>` (RFC 6901); no sentence holds a value.
    """
    problems: list[FieldProblem] = []
    for problem in _problems(kind, fields):
        problems.append(problem)
        if len(problems) == PROBLEMS_MAX:
            break
    if problems:
        raise InputError(f"The face fields do not fit {kind.name} ({kind.code}).", *problems)


def face_schema(name: str, face: tuple[FaceField, ...]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a face: `title` is English, `x-label` and `x-unit` stand on the page."""
    properties: dict[str, Any] = {}
    for field in face:
        properties[field.key] = {"title": field.label_en, "x-label": field.label, **field.schema}
        if field.unit:
            properties[field.key]["x-unit"] = field.unit
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "type": "object",
        "properties": properties,
        "required": [field.key for field in face if field.required],
        "additionalProperties": False,
    }


def _problems(kind: CertificateType, fields: Mapping[str, Any]) -> Iterator[FieldProblem]:
    validators = _validators(kind)
    for field in kind.face:
        if field.key in fields:
            pointer = f"/fields/{field.key}"
            clean = True
            for error in validators[field.key].iter_errors(fields[field.key]):
                clean = False
                place = pointer + "".join(f"/{step}" for step in error.absolute_path)
                yield FieldProblem(place, sentence(error))
            if clean:
                yield from _content_problems(pointer, fields[field.key], field)
        elif field.required:
            yield FieldProblem(
                f"/fields/{field.key}", f"expected {field.label} ({field.label_en}), got nothing"
            )
    for key in fields:
        if key not in validators:
            yield FieldProblem(
                f"/fields/{_escaped(key)}", f"expected a field of {kind.name}, got an unknown one"
            )


def _content_problems(pointer: str, value: object, field: FaceField) -> Iterator[FieldProblem]:
    """What JSON Schema cannot say: text that a page can show, numbers that are finite."""
    match value:
        case str() if value.isspace():
            yield FieldProblem(pointer, "expected text, got only blanks")
        case str():
            lines = value.split("\n") if field.wide else [value]
            if any(_UNPRINTABLE.search(line) for line in lines):
                yield FieldProblem(
                    pointer, "expected printable text, got control or invisible characters in it"
                )
        case float() if not isfinite(value):
            yield FieldProblem(pointer, "expected a finite number, got none")
        case list():
            for index, entry in enumerate(value):
                yield from _content_problems(f"{pointer}/{index}", entry, field)


def _validators(kind: CertificateType) -> Mapping[str, Draft202012Validator]:
    compiled = _compiled.get(kind.digest)
    if compiled is None:
        if len(_compiled) >= COMPILED_MAX:
            _compiled.clear()
        compiled = {field.key: validator_for(field.schema) for field in kind.face}
        _compiled[kind.digest] = compiled
    return compiled


def _escaped(key: object) -> str:
    """A caller's key as a JSON pointer step (RFC 6901, section 3), cut to a length fit for an answer."""
    if not isinstance(key, str):
        return kind_of(key)
    shown = _UNPRINTABLE.sub("?", key[:KEY_SHOWN_MAX]) + ("…" if len(key) > KEY_SHOWN_MAX else "")
    return shown.replace("~", "~0").replace("/", "~1")
