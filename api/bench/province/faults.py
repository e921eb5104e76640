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
    changed = dict(row)
    match fault:
        case Fault.CHECK_CHARACTER:
            column: str = Column.HOLDER_CODE
            code = row[column]
            changed[column] = code[:-1] + ("1" if code[-1] != "1" else "2")
        case Fault.NO_SUCH_KIND:
            column = Column.KIND_CODE
            changed[column] = row[column][:-3] + "999"
        case Fault.NO_SUCH_AUTHORITY:
            column = Column.AUTHORITY_CODE
            changed[column] = "91350100M000100Y43"
        case Fault.NO_SUCH_DAY:
            column = Column.ISSUED_ON
            changed[column] = f"{row[column][:4]}-02-30"
        case Fault.ENDS_BEFORE_IT_BEGINS:
            column = Column.VALID_TO
            changed[column] = "1999-12-31"
        case Fault.NOT_IN_FORCE:
            column = Column.STATUS
            changed[column] = "注销"
        case Fault.NO_NUMBER:
            column = Column.NUMBER
            changed[column] = ""
        case Fault.NO_HOLDER_NAME:
            column = Column.HOLDER_NAME
            changed[column] = ""
        case Fault.FACE_FIELD_MISSING:
            column = faces[next(field.key for field in held.kind.face if field.required)]
            changed[column] = ""
        case Fault.FILE_MISSING | Fault.FILE_DAMAGED:
            column = Column.FILE
    return Spoilt(held, changed, fault, column)
