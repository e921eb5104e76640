"""Faults as registers have them, put into rows on purpose: each has to be rejected, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from random import Random
from typing import Final

from api.bench.province.columns import Column, Row
from api.bench.province.stock import Held


class Fault(StrEnum):
    """What is wrong with a row. Every one is something that registers really had."""

    CHECK_CHARACTER = "check_character"  # 证件号码校验位错误
    NO_SUCH_KIND = "no_such_kind"  # 证照类型不存在
    NO_SUCH_AUTHORITY = "no_such_authority"  # 颁证单位不存在
    NO_SUCH_DAY = "no_such_day"  # 日期不存在，如2月30日
    ENDS_BEFORE_IT_BEGINS = "ends_before_it_begins"  # 有效期截止早于起始
    NOT_IN_FORCE = "not_in_force"  # 已注销的证照
    NO_NUMBER = "no_number"  # 证照编号为空
    NO_HOLDER_NAME = "no_holder_name"  # 持证主体名称为空
    FACE_FIELD_MISSING = "face_field_missing"  # 必填照面信息为空
    FILE_MISSING = "file_missing"  # 电子文件不存在
    FILE_DAMAGED = "file_damaged"  # 电子文件损坏


IN_FILES: Final = frozenset({Fault.FILE_MISSING, Fault.FILE_DAMAGED})
"""Only where rows have files."""
_WORDS: Final = {
    Fault.CHECK_CHARACTER: "持证主体代码的校验位不符",
    Fault.NO_SUCH_KIND: "目录中没有此类证照",
    Fault.NO_SUCH_AUTHORITY: "颁证单位代码不是本市单位",
    Fault.NO_SUCH_DAY: "颁证日期不存在",
    Fault.ENDS_BEFORE_IT_BEGINS: "有效期截止日早于起始日",
    Fault.NOT_IN_FORCE: "证照已注销，不在移交范围",
    Fault.NO_NUMBER: "证照编号为空",
    Fault.NO_HOLDER_NAME: "持证主体名称为空",
    Fault.FACE_FIELD_MISSING: "必填的照面信息为空",
    Fault.FILE_MISSING: "电子文件不存在",
    Fault.FILE_DAMAGED: "电子文件不是完整的PDF",
}


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A row as it stands in the register. `fault` None: as it should be."""

    held: Held
    row: Row
    fault: Fault | None = None
    column: str = ""

    @property
    def words(self) -> str:
        """What is wrong, for people."""
        return "" if self.fault is None else _WORDS[self.fault]


def spoil(
    rows: Iterable[tuple[Held, Row]], share: float, seed: int, faces: Mapping[str, str], *, files: bool
) -> Iterator[Spoilt]:
    """The same rows, this share of them with one fault each, every kind of fault in turn.

    `faces`: the columns of the face fields by their keys. `files`: whether each row has a file, which may be
    missing or damaged.
    """
    draw = Random(f"{seed}/faults")  # noqa: S311 - faults to measure with, no secret
    kinds = tuple(fault for fault in Fault if files or fault not in IN_FILES)
    turns = cycle(kinds)
    for held, row in rows:
        yield _spoilt(held, row, next(turns), faces) if draw.random() < share else Spoilt(held, row)


def _spoilt(held: Held, row: Row, fault: Fault, faces: Mapping[str, str]) -> Spoilt:
    column = _COLUMNS.get(fault)
    if column is None:
        column = faces[next(field.key for field in held.kind.face if field.required)]
    return Spoilt(held, {**row, column: _instead(fault, row.get(column, ""))}, fault, column)


_COLUMNS: Final[Mapping[Fault, str]] = {
    Fault.CHECK_CHARACTER: Column.HOLDER_CODE,
    Fault.NO_SUCH_KIND: Column.KIND_CODE,
    Fault.NO_SUCH_AUTHORITY: Column.AUTHORITY_CODE,
    Fault.NO_SUCH_DAY: Column.ISSUED_ON,
    Fault.ENDS_BEFORE_IT_BEGINS: Column.VALID_TO,
    Fault.NOT_IN_FORCE: Column.STATUS,
    Fault.NO_NUMBER: Column.NUMBER,
    Fault.NO_HOLDER_NAME: Column.HOLDER_NAME,
    Fault.FILE_MISSING: Column.FILE,
    Fault.FILE_DAMAGED: Column.FILE,
}
# A valid code of nobody who issues anything here.
_STRANGER: Final = "91350100M000100Y43"


def _instead(fault: Fault, cell: str) -> str:
    """What stands in the cell where it is spoilt; of a bad file its name, as it should be."""
    match fault:
        case Fault.CHECK_CHARACTER:
            return cell[:-1] + ("1" if cell[-1] != "1" else "2")
        case Fault.NO_SUCH_DAY:
            return f"{cell[:4]}-02-30"
        case Fault.FILE_MISSING | Fault.FILE_DAMAGED:
            return cell
        case _:
            return _TEXTS.get(fault, "")


_TEXTS: Final[Mapping[Fault, str]] = {
    Fault.NO_SUCH_KIND: "11990000MB9700011G999",
    Fault.NO_SUCH_AUTHORITY: _STRANGER,
    Fault.ENDS_BEFORE_IT_BEGINS: "1999-12-31",
    Fault.NOT_IN_FORCE: "注销",
}
