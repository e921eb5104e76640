"""Lines of the two formats: JSON lines for machines, CSV for people with a spreadsheet."""

import csv
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from io import StringIO

from vault.model.directory_fields import FIELDS, DirectoryField, Form, Value


class Format(StrEnum):
    """The value is the file's ending."""

    JSON_LINES = "jsonl"
    CSV = "csv"


# Excel and WPS on a Chinese Windows take a CSV without it for GBK. JSON must not have one (RFC 8259, 8.1).
BYTE_ORDER_MARK = "\ufeff"
LINE_END = "\r\n"  # RFC 4180, 2
# Between the holders of one cell: no name and no code can hold one, so the cell can be taken apart again.
BETWEEN_HOLDERS = "\n"
# In front of a cell that a spreadsheet would take for something else than text; whoever reads the cell by
# program takes one away where there is one.
TEXT_MARK = "'"

# What begins a formula, also in full width; blanks that programs cut off first; and the mark itself.
_BEGINS_FORMULA = tuple("=+-@＝＋－＠\t\r\n'")
# Numbers, dates, times, percentages, powers of ten: eighteen digits would come back as 1.10105E+17.
_LIKE_A_NUMBER = re.compile(r"[0-9.,][0-9.,:/%eE+ -]*")


def head(form: Format) -> bytes:
    """What a file begins with."""
    if form is Format.JSON_LINES:
        return b""
    return _csv_line([field.name for field in FIELDS], mark=BYTE_ORDER_MARK)


def line(form: Format, row: Mapping[str, Value]) -> bytes:
    """One row, with its line end."""
    if form is Format.JSON_LINES:
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return _csv_line([cell(field, row[field.name]) for field in FIELDS])


def cell(field: DirectoryField, value: Value) -> str:
    """A value as a spreadsheet shows it and leaves it alone."""
    match value:
        case None:
            return ""
        case tuple():
            text = BETWEEN_HOLDERS.join(value)
        case _:
            text = str(value)
    if field.form is not Form.TEXT:
        return text
    mistaken = text.startswith(_BEGINS_FORMULA) or _LIKE_A_NUMBER.fullmatch(text) is not None
    return TEXT_MARK + text if mistaken else text


def _csv_line(cells: list[str], *, mark: str = "") -> bytes:
    out = StringIO()
    csv.writer(out, lineterminator=LINE_END).writerow(cells)
    return (mark + out.getvalue()).encode()
