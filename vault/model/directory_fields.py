"""The columns of the directories of certificates, each with its rule: this table is the format.

The metadata and their short names are those of GB/T 36903-2018 as implementers show them; its text is not
free and was not read, so no clause is cited below the standard's number. What we know no name of in the
standard is marked as the vault's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto

from vault.model.certificate import Status
from vault.model.directory import STATUS_CODES, DirectoryEntry
from vault.model.holders import HOLDER_CODE_TYPES, Holder
from vault.model.legal_time import LEGAL_TIME
from vault.model.origin import origin_words

Value = str | int | tuple[str, ...] | None


class Form(Enum):
    """How a value is written; what a spreadsheet may make of it follows from that."""

    TEXT = auto()
    DATE = auto()  # YYYY-MM-DD, a day in China
    MOMENT = auto()  # RFC 3339 in China's time, to the second: 2026-10-26T16:00:00+08:00
    NUMBER = auto()


@dataclass(frozen=True, slots=True)
class DirectoryField:
    """One column. `source`: the standard that names it, or `vault`. `required`: never empty.

    `many`: one value a holder, in the order in which the certificate names them, in every such column.
    `rule`: how the value comes about, for people.
    """

    name: str
    zh: str
    source: str
    form: Form
    rule: str
    value: Callable[[DirectoryEntry], Value]
    required: bool = True
    many: bool = False


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _moment(at: datetime) -> str:
    return at.astimezone(LEGAL_TIME).isoformat(timespec="seconds")


def _of_holders(value: Callable[[Holder], str]) -> Callable[[DirectoryEntry], Value]:
    return lambda entry: tuple(value(holder) for holder in entry.holders)


_METADATA, _HOLDER_TYPES, _OWN = "GB/T 36903", "GB/T 36903 附录A", "vault"

FIELDS: tuple[DirectoryField, ...] = (
    DirectoryField(
        "ZZMC",
        "证照名称",
        _METADATA,
        Form.TEXT,
        "name of the certificate's type, as the version of the type says under which it was issued",
        lambda entry: entry.type_name,
    ),
    DirectoryField(
        "ZZLXDM",
        "证照类型代码",
        _METADATA,
        Form.TEXT,
        "21 characters: social credit code of the defining body, three digits",
        lambda entry: entry.type_code,
    ),
    DirectoryField(
        "ZZBH",
        "证照编号",
        _METADATA,
        Form.TEXT,
        "as the authority gave it; unique to its issuer at best",
        lambda entry: entry.number,
    ),
    DirectoryField(
        "ZZBS",
        "证照标识",
        _METADATA,
        Form.TEXT,
        "in full, with root and check character; the key of the row, in both directories",
        lambda entry: entry.identifier,
    ),
    DirectoryField(
        "ZZBFJG",
        "证照颁发机构",
        _METADATA,
        Form.TEXT,
        "name of the issuing authority, as that version of the type says",
        lambda entry: entry.authority_name,
    ),
    DirectoryField(
        "ZZBFJGDM",
        "证照颁发机构代码",
        _METADATA,
        Form.TEXT,
        "its social credit code (GB 32100)",
        lambda entry: entry.authority,
    ),
    DirectoryField(
        "ZZBFRQ", "证照颁发日期", _METADATA, Form.DATE, "day of issue", lambda entry: _day(entry.issued_on)
    ),
    DirectoryField(
        "CZZT",
        "持证主体",
        _METADATA,
        Form.TEXT,
        "names of all holders, also of those of the other kind",
        _of_holders(lambda holder: holder.name),
        many=True,
    ),
    DirectoryField(
        "CZZTDM",
        "持证主体代码",
        _METADATA,
        Form.TEXT,
        "their codes, in full",
        _of_holders(lambda holder: holder.code.value),
        many=True,
    ),
    DirectoryField(
        "CZZTDMLX",
        "持证主体代码类型",
        _HOLDER_TYPES,
        Form.TEXT,
        "name of each code's type; 551 to 553 are GA/T 517's",
        _of_holders(lambda holder: HOLDER_CODE_TYPES[holder.code.code_type].zh),
        many=True,
    ),
    DirectoryField(
        "CZZTDMLXDM",
        "持证主体代码类型代码",
        _HOLDER_TYPES,
        Form.TEXT,
        "three digits",
        _of_holders(lambda holder: holder.code.code_type),
        many=True,
    ),
    DirectoryField(
        "ZZYXQQSRQ",
        "证照有效期起始日期",
        _METADATA,
        Form.DATE,
        "first day of validity",
        lambda entry: _day(entry.valid_from),
    ),
    DirectoryField(
        "ZZYXQJZRQ",
        "证照有效期截止日期",
        _METADATA,
        Form.DATE,
        "last day of validity; empty where there is none (长期有效)",
        lambda entry: _day(entry.valid_to),
        required=False,
    ),
    DirectoryField(
        "ZZZT",
        "证照状态",
        _OWN,
        Form.TEXT,
        "two digits: 01, 02, 03, 04, 05, 07, 99; an expired one keeps its code",
        lambda entry: STATUS_CODES[entry.status][0],
    ),
    DirectoryField(
        "ZZZTMC",
        "证照状态名称",
        _OWN,
        Form.TEXT,
        "the code in words",
        lambda entry: STATUS_CODES[entry.status][1],
    ),
    DirectoryField(
        "ZZZTRQ",
        "证照状态日期",
        _OWN,
        Form.DATE,
        "the day from which that status holds",
        lambda entry: _day(entry.status_on),
    ),
    DirectoryField(
        "ZZBBH",
        "证照版本号",
        _OWN,
        Form.NUMBER,
        "as in the identifier, without leading zeros",
        lambda entry: entry.version,
    ),
    DirectoryField(
        "QXZZBS",
        "前序证照标识",
        _OWN,
        Form.TEXT,
        "identifier of the version that it replaces (变更、延续、补发)",
        lambda entry: entry.predecessor,
        required=False,
    ),
    DirectoryField(
        "HXZZBS",
        "后续证照标识",
        _OWN,
        Form.TEXT,
        "identifier of the version that has replaced it; only of those with code 05",
        # One that begins later is no change yet: the feed would not tell of it, nor an increment.
        lambda entry: entry.successor if entry.status is Status.SUPERSEDED else None,
        required=False,
    ),
    DirectoryField(
        "SXBM",
        "事项编码",
        _OWN,
        Form.TEXT,
        "the service item whose case brought it",
        lambda entry: entry.service_item,
    ),
    DirectoryField(
        "CJSJ",
        "创建时间",
        _METADATA,
        Form.MOMENT,
        "when the vault took it in",
        lambda entry: _moment(entry.committed_at),
    ),
    DirectoryField(
        "GXSJ",
        "更新时间",
        _OWN,
        Form.MOMENT,
        "when the vault recorded its status",
        lambda entry: _moment(entry.status_since),
    ),
    DirectoryField(
        "ZZLY",
        "证照来源",
        _OWN,
        Form.TEXT,
        "what its file is: born_sealed, typeset_anew, scan_attested or scan_unverified",
        lambda entry: entry.origin.value,
    ),
    DirectoryField(
        "ZZLYMC",
        "证照来源名称",
        _OWN,
        Form.TEXT,
        "the same in words",
        lambda entry: origin_words(entry.origin)[0],
    ),
)


def row_of(entry: DirectoryEntry) -> dict[str, Value]:
    """The row by short name, in the order of `FIELDS`; None for what is empty."""
    return {each.name: each.value(entry) for each in FIELDS}
