"""A certificate as a row of a register: its columns, called as a Chinese register calls them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from api.bench.province.stock import Held
from vault.model.catalogue import CertificateType

Row = Mapping[str, str]

LIST_SEPARATOR: Final = "；"
"""Between the entries of a list in one cell."""


class Column(StrEnum):
    """The columns that every row has; one for each key of a face field follows them."""

    KIND_CODE = "证照类型代码"
    KIND = "证照名称"
    NUMBER = "证照编号"
    HOLDER_NAME = "持证主体"
    HOLDER_CODE_TYPE = "持证主体代码类型"
    HOLDER_CODE = "持证主体代码"
    HOLDER_NAME_2 = "共同持证主体"
    HOLDER_CODE_TYPE_2 = "共同持证主体代码类型"
    HOLDER_CODE_2 = "共同持证主体代码"
    AUTHORITY = "颁证单位"
    AUTHORITY_CODE = "颁证单位代码"
    ISSUED_ON = "颁证日期"
    VALID_FROM = "有效期起始"
    VALID_TO = "有效期截止"
    STATUS = "证照状态"
    FILE = "电子文件"
    ORIGIN = "文件来源"
    OFFICER = "核对人员"
    COMPARED_ON = "核对日期"
    DIGITISED_BY = "数字化单位代码"


IN_FORCE: Final = "有效"
ORIGINS: Final = {
    "扫描件已核对": "scan_attested",
    "扫描件未核对": "scan_unverified",
}
"""What a register says that its files are, and what the vault calls it."""
# Of ten scans so many were compared with their originals.
_COMPARED_OF_TEN = 7
_OFFICERS: Final = ("核样一", "核样二", "核样三")
_COMPARED_ON: Final = "2026-10-15"


def face_columns(kinds: Sequence[CertificateType]) -> Mapping[str, str]:
    """The column of each face field, by its key: called as the first kind that has it labels it.

    One for each key, since a mapping says for a key which column feeds it, whatever the kind.
    """
    named: dict[str, str] = {}
    for field in (field for kind in kinds for field in kind.face):
        if field.key not in named:
            label = f"照面_{field.label}"
            named[field.key] = f"{label}（{field.key}）" if label in named.values() else label
    return named


def row_of(held: Held, faces: Mapping[str, str], file: str, digitised_by: str) -> Row:
    """The cells that a certificate fills. `file`: the name of its scan, empty without one; who made it."""
    row: dict[str, str] = {
        Column.KIND_CODE: held.kind.code,
        Column.KIND: held.kind.name,
        Column.NUMBER: held.number,
        Column.HOLDER_NAME: held.holders[0].name,
        Column.HOLDER_CODE_TYPE: held.holders[0].code_type,
        Column.HOLDER_CODE: held.holders[0].code,
        Column.AUTHORITY: held.authority.name,
        Column.AUTHORITY_CODE: held.authority.code,
        Column.ISSUED_ON: held.issued_on.isoformat(),
        Column.VALID_FROM: held.issued_on.isoformat(),
        Column.VALID_TO: "" if held.valid_to is None else held.valid_to.isoformat(),
        Column.STATUS: IN_FORCE,
    }
    if file:
        row |= _file_cells(held, file, digitised_by)
    for second in held.holders[1:2]:
        row[Column.HOLDER_NAME_2] = second.name
        row[Column.HOLDER_CODE_TYPE_2] = second.code_type
        row[Column.HOLDER_CODE_2] = second.code
    row |= {faces[key]: _cell(value) for key, value in held.fields.items()}
    return row


def _file_cells(held: Held, file: str, digitised_by: str) -> dict[str, str]:
    compared, unseen = ORIGINS
    cells: dict[str, str] = {Column.FILE: file, Column.DIGITISED_BY: digitised_by}
    if held.serial % 10 >= _COMPARED_OF_TEN:
        return {**cells, Column.ORIGIN: unseen}
    officer = _OFFICERS[held.serial % len(_OFFICERS)]
    return {**cells, Column.ORIGIN: compared, Column.OFFICER: officer, Column.COMPARED_ON: _COMPARED_ON}


def _cell(value: Any) -> str:  # noqa: ANN401 - a face value is any JSON value
    if isinstance(value, list):
        return LIST_SEPARATOR.join(map(str, value))
    return str(value)
