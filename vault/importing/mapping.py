"""A register's mapping: which of its columns is which field of the catalogue, and how its values are written.

A mapping is a small JSON or TOML file that a person writes once for a register (`docs/import.md`).
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from vault.errors import FieldProblem, InputError

# A mapping that a person has written; 98 columns are some kilobytes.
MAPPING_MAX_BYTES = 1024 * 1024

_TARGET = re.compile(
    r"type|issuing_authority|number|issued_on|valid_from|valid_to|file|origin|status"
    r"|attested\.(?:officer|on|authority)|holders\.\d{1,2}\.(?:code_type|code|name)|fields\.[^.]{1,64}"
)
# A format without a year tells no day.
_YEAR = re.compile("%[YyGcx]")
_A_DAY: Final = datetime(2024, 3, 5, tzinfo=UTC)
_KEYS: Final = frozenset({"columns", "constants", "dates", "codes", "separators", "sheet", "encoding"})


@dataclass(frozen=True, slots=True)
class RegisterMapping:
    """How a register is read. `columns`: field by column, a column for several where it feeds several.

    `dates`: formats by field (`strptime`), `*` for all others. `codes`: by field, what a value of the
    register stands for; an empty text is nothing. `separators`: by field, the characters between the entries
    of a list. `sheet`: of a workbook, else its first. `encoding`: of CSV.
    """

    columns: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, str]
    dates: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, Mapping[str, str]]
    separators: Mapping[str, str]
    sheet: str | None = None
    encoding: str = "utf-8-sig"

    def column_of(self, target: str) -> str | None:
        """The register's column that feeds a field."""
        return next((column for column, targets in self.columns.items() if target in targets), None)


def read_mapping(content: bytes, name: str) -> RegisterMapping:
    """A mapping file, JSON or TOML by its `name`.

    Raises:
        InputError: it is none, or maps to what is no field; with a pointer for each problem.
    """
    if len(content) > MAPPING_MAX_BYTES:
        raise InputError(f"Expected a mapping of at most {MAPPING_MAX_BYTES} bytes.")
    try:
        value = tomllib.loads(content.decode()) if name.endswith(".toml") else json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"The mapping cannot be read as {'TOML' if name.endswith('.toml') else 'JSON'}."
        ) from error
    return mapping_from_json(value)


def mapping_from_json(value: object) -> RegisterMapping:
    """A mapping from its JSON.

    Raises:
        InputError: with a pointer for each problem.
    """
    problems: list[FieldProblem] = []
    if not isinstance(value, dict):
        raise InputError("Expected a mapping: an object with `columns`.")
    problems += [
        FieldProblem(f"/{key}", f"Expected one of {', '.join(sorted(_KEYS))}.")
        for key in sorted(map(str, value.keys() - _KEYS))
    ]
    columns = _columns(value.get("columns"), problems)
    constants = _texts(value.get("constants", {}), "/constants", problems)
    dates = _lists(value.get("dates", {}), "/dates", problems)
    codes_given = value.get("codes", {})
    codes = {}
    if isinstance(codes_given, dict):
        codes = {str(k): _texts(v, f"/codes/{k}", problems) for k, v in codes_given.items()}
    else:
        problems.append(FieldProblem("/codes", "Expected tables of codes by field."))
    separators = _texts(value.get("separators", {}), "/separators", problems)
    problems += [
        FieldProblem(f"/separators/{target}", "Expected at least one character.")
        for target, characters in separators.items()
        if not characters
    ]
    for where, targets in (
        ("constants", constants),
        ("dates", dates.keys() - {"*"}),
        ("codes", codes),
        ("separators", separators),
    ):
        problems += [_no_target(f"/{where}/{t}") for t in targets if not _TARGET.fullmatch(t)]
    fed = [target for targets in columns.values() for target in targets]
    for target in sorted({t for t in fed if fed.count(t) > 1}):
        problems.append(FieldProblem("/columns", f"Expected one column for {target}, got several."))
    if not columns:
        problems.append(FieldProblem("/columns", "Expected at least one column."))
    sheet, encoding = value.get("sheet"), value.get("encoding", "utf-8-sig")
    if not isinstance(sheet, str | None) or not isinstance(encoding, str) or not _known_encoding(encoding):
        problems.append(
            FieldProblem("/encoding", "Expected a sheet's name and an encoding's, such as gb18030.")
        )
    if problems:
        raise InputError("The mapping cannot be used as it is.", *problems)
    return RegisterMapping(columns, constants, dates, codes, separators, sheet, str(encoding))


def _columns(value: object, problems: list[FieldProblem]) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        problems.append(FieldProblem("/columns", "Expected fields by column."))
        return {}
    columns = {}
    for column, targets in value.items():
        listed = [targets] if isinstance(targets, str) else targets
        if not isinstance(listed, list) or not all(
            isinstance(t, str) and _TARGET.fullmatch(t) for t in listed
        ):
            problems.append(_no_target(f"/columns/{column}"))
        else:
            columns[str(column)] = tuple(listed)
    return columns


def _no_target(pointer: str) -> FieldProblem:
    return FieldProblem(
        pointer,
        "Expected a field: type, issuing_authority, number, issued_on, valid_from, valid_to, file, origin,"
        " status, attested.officer, attested.on, attested.authority, holders.0.code, holders.0.code_type,"
        " holders.0.name, fields.KEY.",
    )


def _texts(value: object, pointer: str, problems: list[FieldProblem]) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, str | int) for v in value.values()):
        problems.append(FieldProblem(pointer, "Expected texts by name."))
        return {}
    return {str(k): str(v) for k, v in value.items()}


def _lists(value: object, pointer: str, problems: list[FieldProblem]) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        problems.append(FieldProblem(pointer, "Expected formats by field."))
        return {}
    found = {}
    for key, formats in value.items():
        listed = [formats] if isinstance(formats, str) else formats
        if not isinstance(listed, list) or not listed or not all(_is_date_format(f) for f in listed):
            problems.append(FieldProblem(f"{pointer}/{key}", "Expected formats such as %Y年%m月%d日."))
        else:
            found[str(key)] = tuple(listed)
    return found


def _is_date_format(written: object) -> bool:
    """Whether a day that it writes can be read by it."""
    if not isinstance(written, str) or not _YEAR.search(written):
        return False
    try:
        datetime.strptime(_A_DAY.strftime(written), written)  # noqa: DTZ007 - only whether it can be read
    except (ValueError, re.error):
        return False
    return True


def _known_encoding(name: str) -> bool:
    try:
        "a".encode(name)
    except (LookupError, ValueError):
        return False
    return True
