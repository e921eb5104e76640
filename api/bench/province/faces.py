"""What stands on a certificate: the kind's example with other people, places, amounts and days in it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from api.bench.province.people import Party, person
from vault.model.catalogue import CertificateType, FaceField

_DISTRICTS: Final = ("湖滨区", "江北区", "青溪县", "云台区", "高新区", "桃源县", "东山区", "南浦县")
_STREETS: Final = ("文昌路", "人民路", "建设街", "滨河大道", "解放路", "学府路", "工业园路", "桃源镇样例村")
# Face keys, as the catalogue's files call them.
_NAMED: Final = frozenset(
    {
        *("legal_representative", "person_in_charge", "principal", "quality_manager", "registrar"),
        *("surveyor_manager", "designer_manager", "contractor_manager", "supervisor_engineer"),
        *("mother_name", "father_name", "newborn_name", "guardian"),
    }
)
_PLACES: Final = frozenset(
    {"address", "location", "premises", "domicile", "place", "production_address", "registered_address"}
)
# Of a person's own number there is one on the page already, and an example's photo would stand on them all.
_LEFT_OUT: Final = frozenset({"photo", "shares"})
_OPTIONAL_SHARE: Final = 0.6
_AMOUNT_SPREAD: Final = 0.4


def face(kind: CertificateType, holders: Sequence[Party], issued_on: date, draw: Random) -> dict[str, Any]:
    """Values of every required face field and of most others; they fit the kind's schema."""
    example: Mapping[str, Any] = kind.example["fields"]
    values = {}
    for field in kind.face:
        if field.key in _LEFT_OUT or field.key not in example:
            continue
        if field.required or draw.random() < _OPTIONAL_SHARE:
            values[field.key] = _value(field, example[field.key], holders, issued_on, draw)
    return values


def _value(field: FaceField, example: Any, holders: Sequence[Party], issued_on: date, draw: Random) -> Any:  # noqa: ANN401 - JSON is any value
    schema, key = field.schema, field.key
    if schema["type"] == "string":
        return _text(schema, key, example, holders[0], issued_on, draw)
    if schema["type"] == "array":
        return _list(key, example, holders)
    if schema["type"] in {"integer", "number"}:
        return _amount(schema, example, draw)
    return example


def _text(
    schema: Mapping[str, Any], key: str, example: str, holder: Party, issued_on: date, draw: Random
) -> str:
    own = {"gender": holder.gender, "birth_date": holder.birth.isoformat() if holder.birth else ""}
    if own.get(key):
        return own[key]
    if schema.get("format") == "date":
        return (issued_on - timedelta(days=draw.randrange(3650))).isoformat()
    if "enum" in schema:
        return str(draw.choice(schema["enum"]))
    if key in _NAMED:
        return person(draw.randrange(1_000_000)).name
    return place(draw) if key in _PLACES else example


def place(draw: Random) -> str:
    """An address in the invented city."""
    return f"样例市{draw.choice(_DISTRICTS)}{draw.choice(_STREETS)}{draw.randrange(1, 999)}号"


def _amount(schema: Mapping[str, Any], example: float, draw: Random) -> float:
    """Around the example and within the schema's bounds; to two decimals, or whole."""
    value = example * (1 + draw.uniform(-_AMOUNT_SPREAD, _AMOUNT_SPREAD))
    bounded = float(min(max(value, schema["minimum"]), schema["maximum"]))
    return round(bounded) if schema["type"] == "integer" else round(bounded, 2)


def _list(key: str, example: Sequence[Any], holders: Sequence[Party]) -> list[Any]:
    """The example's; lists in the holders' order say what is so of them."""
    if key == "genders":
        return [each.gender for each in holders]
    if key == "birth_dates":
        return [each.birth.isoformat() for each in holders if each.birth]
    return list(example)
