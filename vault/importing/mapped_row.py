"""A register's row in the catalogue's terms: every value as a deposit has it, or why it cannot be told."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from vault.errors import FieldProblem, InputError
from vault.importing.mapping import RegisterMapping
from vault.importing.sheets import BadCell, Cell
from vault.model.catalogue import CertificateType

DATE_FORMATS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
SEPARATORS: Final = "、；;\n"
_DATES: Final = ("issued_on", "valid_from", "valid_to", "attested.on")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YES: Final = {"true": True, "是": True, "1": True, "false": False, "否": False, "0": False}


@dataclass(frozen=True, slots=True)
class MappedRow:
    """A row in the catalogue's terms.

    `result`: as a deposit's, with `document` None; the rest says what its file is and who answers for it.
    """

    result: Mapping[str, Any] = field(repr=False)
    file: str = field(repr=False)
    origin: str
    status: str
    officer: str = field(repr=False)
    attested_on: date | None
    attested_by: str


def map_row(
    mapping: RegisterMapping, cells: Mapping[str, Cell], types: Mapping[str, CertificateType]
) -> MappedRow:
    """A register's row as a result, every value in the form that the catalogue wants.

    Raises:
        InputError: with one problem for each field that cannot be told, at the result's pointers.
    """
    problems: list[FieldProblem] = []
    given: dict[str, str | list[str]] = dict(mapping.constants)
    for column, targets in mapping.columns.items():
        cell = cells.get(column, "")
        for target in targets:
            if isinstance(cell, BadCell):
                problems.append(FieldProblem(_pointer(target), f"The cell {cell.why}."))
            elif cell:
                given[target] = cell
    for target, codes in mapping.codes.items():
        value = given.get(target)
        if isinstance(value, str) and value in codes:
            given[target] = codes[value]
    days = {target: _day(mapping, target, given.get(target, ""), problems) for target in _DATES}
    kind = types.get(_text(given, "type"))
    result: dict[str, Any] = {
        "type": _text(given, "type"),
        "number": _text(given, "number"),
        "holders": _holders(given),
        "issued_on": days["issued_on"],
        "valid_from": days["valid_from"] or None,
        "valid_to": days["valid_to"] or None,
        "fields": _fields(mapping, given, kind, problems),
        "document": None,
    }
    if _text(given, "issuing_authority"):
        result["issuing_authority"] = _text(given, "issuing_authority")
    if problems:
        raise InputError("The row cannot be read.", *problems)
    attested_on = days["attested.on"]
    return MappedRow(
        result=result,
        file=_text(given, "file"),
        origin=_text(given, "origin"),
        status=_text(given, "status"),
        officer=_text(given, "attested.officer"),
        attested_on=date.fromisoformat(attested_on) if attested_on else None,
        attested_by=_text(given, "attested.authority"),
    )


def explained(mapping: RegisterMapping, detail: str, problems: Sequence[FieldProblem]) -> str:
    """Why a row is rejected, in one line: each problem with the register's column that it is about."""
    if not problems:
        return detail
    return " ".join(_sentence(mapping, problem) for problem in problems)


def _sentence(mapping: RegisterMapping, problem: FieldProblem) -> str:
    target = problem.pointer.lstrip("/").replace("/", ".")
    known = [target, ".".join(target.split(".")[:2]), target + ".0.code", target + ".0.name"]
    column = next((found for each in known if (found := mapping.column_of(each)) is not None), None)
    where = target if column is None else f"{column} ({target})"
    detail = problem.detail if problem.detail.endswith(".") else f"{problem.detail}."
    return f"{where}: {detail}" if where else detail


def _pointer(target: str) -> str:
    return "/" + target.replace(".", "/")


def _text(given: Mapping[str, str | list[str]], target: str) -> str:
    return _one_text(given.get(target, ""))


def _one_text(value: str | list[str]) -> str:
    return (value if isinstance(value, str) else "、".join(value)).strip()


def _day(mapping: RegisterMapping, target: str, value: str | list[str], problems: list[FieldProblem]) -> str:
    """A date as YYYY-MM-DD; empty where there is none, or where it is among the problems."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        return ""
    formats = mapping.dates.get(target) or mapping.dates.get("*") or DATE_FORMATS
    if _ISO.fullmatch(text) and formats is DATE_FORMATS:
        return text  # the reading of the result tells whether there is such a day
    for written in formats:
        try:
            return datetime.strptime(text, written).date().isoformat()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    problems.append(FieldProblem(_pointer(target), f"Expected a date written as {' or '.join(formats)}."))
    return ""


def _holders(given: Mapping[str, str | list[str]]) -> list[dict[str, str]]:
    """Every holder of whom anything is said, in order.

    The code's type, where the register says none: 111 where it begins as a citizen's, else 001.
    """
    by_place: dict[int, dict[str, str]] = {}
    for target in given:
        head, _, rest = target.partition(".")
        if head == "holders":
            place, _, what = rest.partition(".")
            if text := _text(given, target):
                by_place.setdefault(int(place), {})[what] = text
    holders = []
    for _, said in sorted(by_place.items()):
        if said.keys() <= {"code_type"}:
            continue  # a constant type, and nobody there
        code = said.get("code", "")
        holders.append(
            {"code_type": said.get("code_type") or _type_of(code), "code": code, "name": said.get("name", "")}
        )
    return holders


def _type_of(code: str) -> str:
    return "111" if code[:2].isdigit() and code[:1] != "9" else "001"


def _fields(
    mapping: RegisterMapping,
    given: Mapping[str, str | list[str]],
    kind: CertificateType | None,
    problems: list[FieldProblem],
) -> dict[str, Any]:
    schemas = {} if kind is None else {field.key: field.schema for field in kind.face}
    found = {}
    for target, value in given.items():
        head, _, key = target.partition(".")
        if head != "fields" or not value:
            continue
        try:
            found[key] = _as(
                schemas.get(key, {}), value, mapping.separators.get(target, SEPARATORS), mapping, target
            )
        except ValueError as error:
            problems.append(FieldProblem(_pointer(target), str(error)))
    return found


def _as(
    schema: Mapping[str, Any], value: str | list[str], separators: str, mapping: RegisterMapping, target: str
) -> Any:  # noqa: ANN401 - JSON is any value
    """A text as a value of this schema. Raises ValueError with a sentence."""
    wanted = schema.get("type", "string")
    if wanted == "array":
        entries = value if isinstance(value, list) else re.split(f"[{re.escape(separators)}]", value)
        items = schema.get("items", {})
        return [_as(items, each.strip(), separators, mapping, target) for each in entries if each.strip()]
    text = _one_text(value)
    if schema.get("format") == "date":
        problems: list[FieldProblem] = []
        day = _day(mapping, target, text, problems)
        if problems:
            raise ValueError(problems[0].detail)
        return day
    match wanted:
        case "integer" | "number":
            return _number(text, whole=wanted == "integer")
        case "boolean":
            if text.lower() not in _YES:
                raise ValueError("Expected yes or no: 是 or 否, true or false.")
            return _YES[text.lower()]
        case _:
            return text


def _number(text: str, *, whole: bool) -> int | float:
    plain = text.replace(",", "").replace("，", "")
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,10})?", plain, re.ASCII):
        raise ValueError("Expected a number.")
    value = float(plain)
    if value.is_integer():
        return int(value)
    if whole:
        raise ValueError("Expected a whole number.")
    return value
