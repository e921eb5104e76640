"""What a certificate's page shows: every value as the reader sees it, and the template's texts filled in."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from vault.model.catalogue import CertificateType, FaceField
from vault.model.holders import HOLDER_CODE_TYPES, Holder

LONG_TERM: Final = "长期"
# Which copy the page is when its kind does not say: the original one.
ORIGINAL: Final = "正本"
_LIST_COMMA: Final = "、"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")

# Names that a text may use beside the face fields; no face field may be called like one of them.
RESERVED_NAMES: Final = frozenset(
    {"number", "holder", "holder_code", "authority", "issued_on", "valid_from", "valid_to", "validity"}
)


def page_data(
    kind: CertificateType,
    *,
    number: str,
    holders: Sequence[Holder],
    identifier: str,
    verification_code: str,
    authority_name: str,
    issued_on: date,
    valid_from: date,
    valid_to: date | None,
    fields: Mapping[str, Any],
) -> dict[str, Any]:
    """The JSON that a Typst template gets. `fields` has passed `check_face`.

    `issued_on`, `valid_from`, `valid_to` are ISO dates (`valid_to` null: long-term), `validity` the same in
    words; `face` holds the fields given, in page order, without the photo and without those that a text of
    `layout` already says: `value` is a text, or a list of texts where a list has lines of its own (`wide`).
    """
    given = [f for f in kind.face if f.key in fields]
    photo = next((f for f in given if f.photo_media_type is not None), None)
    values = {f.key: _value_text(f, fields[f.key]) for f in given if f is not photo}
    words = {key: _joined(value) for key, value in values.items()}
    words |= {
        "number": number,
        "holder": _LIST_COMMA.join(holder.name for holder in holders),
        "holder_code": _LIST_COMMA.join(holder.code.value for holder in holders),
        "authority": authority_name,
        "issued_on": date_text(issued_on),
        "valid_from": date_text(valid_from),
        "valid_to": LONG_TERM if valid_to is None else date_text(valid_to),
        "validity": validity_text(valid_from, valid_to),
    }
    said = placeholders(kind.layout)
    return {
        "type_name": kind.name,
        "type_name_en": kind.name_en,
        "title_lines": list(kind.title_lines) or [kind.name],
        "number": number,
        "identifier": identifier,
        "verification_code": verification_code,
        "authority": authority_name,
        "issued_on": issued_on.isoformat(),
        "valid_from": valid_from.isoformat(),
        "valid_to": None if valid_to is None else valid_to.isoformat(),
        "validity": words["validity"],
        "holders": [
            {
                "name": holder.name,
                "code_type_name": HOLDER_CODE_TYPES[holder.code.code_type].zh,
                "code": holder.code.value,
            }
            for holder in holders
        ],
        "face": [
            {"key": f.key, "label": f.label, "label_en": f.label_en, "value": values[f.key], "wide": f.wide}
            for f in given
            if f.key in values and f.key not in said
        ],
        "fields": {f.key: fields[f.key] for f in given if f is not photo},
        "photo": None if photo is None else _data_uri(photo, fields[photo.key]),
        "copy": kind.layout.get("copy", ORIGINAL),
        "layout": {key: _filled(value, words) for key, value in kind.layout.items()},
    }


def face_texts(kind: CertificateType, fields: Mapping[str, Any]) -> list[tuple[FaceField, str]]:
    """Fields of a face in page order with what the reader sees, without the photo. `fields`: as deposited."""
    shown = [f for f in kind.face if f.key in fields and f.photo_media_type is None]
    return [(f, _joined(_value_text(f, fields[f.key]))) for f in shown]


def date_text(day: date) -> str:
    """A date as certificates print it: 2026年10月26日."""
    return f"{day.year}年{day.month}月{day.day}日"


def validity_text(valid_from: date, valid_to: date | None) -> str:
    """A period of validity in words; 长期 where it has no end."""
    return LONG_TERM if valid_to is None else f"{date_text(valid_from)}至{date_text(valid_to)}"


def placeholders(layout: Mapping[str, Any]) -> frozenset[str]:
    """The names in braces that the texts of a layout use."""
    texts: list[str] = []
    for value in layout.values():
        texts.extend(value if isinstance(value, list) else [value] if isinstance(value, str) else [])
    return frozenset(name for text in texts for name in _PLACEHOLDER.findall(text))


def without_placeholders(text: str) -> str:
    """The text with every `{name}` taken out."""
    return _PLACEHOLDER.sub("", text)


def _filled(value: object, words: Mapping[str, str]) -> object:
    """A layout hint with its texts filled; a paragraph that names a field not given is left out."""
    match value:
        case str():
            paragraphs = [_filled_paragraph(p, words) for p in value.split("\n")]
            return "\n".join(p for p in paragraphs if p is not None)
        case list():
            return [p for p in (_filled_paragraph(entry, words) for entry in value) if p is not None]
    return value


def _filled_paragraph(text: str, words: Mapping[str, str]) -> str | None:
    if any(name not in words for name in _PLACEHOLDER.findall(text)):
        return None
    return _PLACEHOLDER.sub(lambda match: words[match[1]], text)


def _value_text(field: FaceField, value: object) -> str | list[str]:
    if isinstance(value, list):
        entries = [_scalar_text(field, field.schema["items"], entry) for entry in value]
        return entries if field.wide else _LIST_COMMA.join(entries)
    return _scalar_text(field, field.schema, value)


def _scalar_text(field: FaceField, schema: Mapping[str, Any], value: object) -> str:
    match value:
        case bool():
            return "是" if value else "否"
        case str() if schema.get("format") == "date":
            return date_text(date.fromisoformat(value))
        case float():
            return f"{value:.10f}".rstrip("0").rstrip(".") + field.unit
    return f"{value}{field.unit}"


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else _LIST_COMMA.join(value)


def _data_uri(field: FaceField, value: str) -> str:
    return f"data:{field.photo_media_type};base64,{value}"
