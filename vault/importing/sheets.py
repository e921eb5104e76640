"""Manifests, read as streams: CSV, XLSX and JSON lines, a row at a time.

A row's number is the one that its reader sees: in a sheet the header is 1, in JSON lines the first line is.
"""

import csv
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from io import BytesIO, TextIOWrapper
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Final

from vault.errors import InputError
from vault.importing.csv_records import csv_records
from vault.importing.mapping import RegisterMapping
from vault.importing.workbook_parts import check_workbook

# The longest text of one cell that a register has: a scope of business over some pages.
CELL_MAX_CHARS = 100_000
LINE_MAX_BYTES = 4 * 1024 * 1024
COLUMNS_MAX = 2_000
# A double holds so many digits for certain; a spreadsheet has rounded what is longer.
EXACT_DIGITS: Final = 15
# Rows that a sheet may have (ECMA-376, part 1, 18.3.1.73): a number beyond it would make empty rows for ever.
SHEET_ROWS_MAX = 1_048_576
# What parsing a damaged workbook raises: a text's number beyond the texts, a part that is not there, a chart.
_DAMAGED: Final = (
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    SyntaxError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)
_JSON_NAMES = frozenset({".jsonl", ".ndjson", ".jsonlines"})


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell whose value cannot be told: `why` completes "the cell …"."""

    why: str


Cell = str | list[str] | BadCell
"""What a register has in a column: a text, the texts of a list (JSON lines), or nothing that counts."""


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row: its cells by column, empty ones left out. `problem` says why none of them can be told."""

    number: int
    cells: Mapping[str, Cell] = field(repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest: what it is says its `name`. On this machine's disk, or in memory where it was sent."""

    name: str
    place: Path | bytes = field(repr=False)

    @property
    def ending(self) -> str:
        """Of its name, lower case, with its stop: what kind of manifest it is."""
        return PurePath(self.name.lower()).suffix

    def opened(self) -> BinaryIO:
        """Its bytes, from the beginning.

        Raises:
            InputError: it is not readable.
        """
        if isinstance(self.place, bytes):
            return BytesIO(self.place)
        try:
            return self.place.open("rb")
        except OSError as error:
            raise InputError(f"The manifest is not readable: {error.strerror}.") from error


def read_manifest(manifest: Manifest, mapping: RegisterMapping) -> Iterator[ManifestRow]:
    """The rows of a manifest; empty rows are left out.

    Raises:
        InputError: it cannot be read, or lacks a column that the mapping names.
    """
    ending = manifest.ending
    with manifest.opened() as file:
        try:
            if ending in _JSON_NAMES:
                yield from _json_lines(file)
            elif ending == ".xlsx":
                yield from _workbook(file, mapping)
            elif ending == ".csv":
                yield from _csv(file, mapping)
            else:
                raise InputError("Expected a manifest called *.csv, *.xlsx or *.jsonl.")
        except OSError as error:
            raise InputError(f"The manifest is not readable: {error.strerror or 'damaged'}.") from error


def count_rows(manifest: Manifest, mapping: RegisterMapping) -> int:
    """How many rows `read_manifest` gives.

    Raises:
        InputError: as there.
    """
    return sum(1 for _ in read_manifest(manifest, mapping))


def _csv(raw: BinaryIO, mapping: RegisterMapping) -> Iterator[ManifestRow]:
    csv.field_size_limit(CELL_MAX_CHARS)
    with TextIOWrapper(raw, encoding=mapping.encoding, newline="") as file:
        try:
            sample = file.readline(COLUMNS_MAX * 200)
            file.seek(0)
            delimiter = max(",\t;|", key=sample.count)
            records = csv_records(file, delimiter)
            header = _csv_header(next(records, []), mapping)
            for number, values in enumerate(records, 2):
                if isinstance(values, str):
                    yield ManifestRow(number, {}, values)
                elif len(values) == len(header):
                    told = zip(header, map(str.strip, values), strict=True)
                    if cells := {name: text for name, text in told if text}:
                        yield ManifestRow(number, cells)
                elif any(value.strip() for value in values):
                    found = f"Expected {len(header)} cells, got {len(values)}"
                    yield ManifestRow(number, {}, f"{found}: a separator is missing or too much.")
        except UnicodeError as error:
            raise InputError(
                f"The manifest is no text in {mapping.encoding}: name its encoding in the mapping, such as"
                " gb18030."
            ) from error


def _csv_header(columns: list[str] | str, mapping: RegisterMapping) -> Sequence[str]:
    if isinstance(columns, str):
        raise InputError(f"The manifest has no header: {columns}")
    return _header([column.strip() for column in columns], mapping)


def _json_lines(file: BinaryIO) -> Iterator[ManifestRow]:
    for number, line in enumerate(iter(lambda: file.readline(LINE_MAX_BYTES + 1), b""), 1):
        if len(line) > LINE_MAX_BYTES:
            raise InputError(f"Line {number} of the manifest is over {LINE_MAX_BYTES} bytes.")
        if not line.strip():
            continue
        try:
            # Numbers as they are written: an ID number in digits is not rounded.
            value = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError):
            yield ManifestRow(number, {}, "The line is no JSON.")
            continue
        if not isinstance(value, dict):
            yield ManifestRow(number, {}, "Expected an object of values by column.")
            continue
        yield ManifestRow(number, {str(key): _json_cell(each) for key, each in value.items()})


def _json_cell(value: Any) -> Cell:  # noqa: ANN401 - JSON is any value
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value.strip() if len(value) <= CELL_MAX_CHARS else BadCell("is too long")
        case list() if all(isinstance(each, str) for each in value):
            return [each.strip() for each in value]
        case _:
            return BadCell("holds an object or a list of other than texts")


def _workbook(file: BinaryIO, mapping: RegisterMapping) -> Iterator[ManifestRow]:
    from openpyxl import load_workbook  # noqa: PLC0415 - most imports read no workbook
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - as above

    check_workbook(file)
    try:
        # With its formulas, not with what some program last computed for them.
        book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, *_DAMAGED) as error:
        raise InputError("The manifest is no workbook that can be read.") from error
    try:
        if mapping.sheet is not None and mapping.sheet not in book.sheetnames:
            raise InputError("The workbook has no sheet of the name that the mapping gives.")
        sheet = book[mapping.sheet or book.sheetnames[0]]
        sheet.reset_dimensions()  # what a sheet says of its own size may be less than it holds
        rows = sheet.iter_rows()
        header = _header([_plain(cell) for cell in islice(next(rows, ()), COLUMNS_MAX)], mapping)
        for number, cells in enumerate(rows, 2):
            if number > SHEET_ROWS_MAX:
                raise InputError(f"Expected a sheet of at most {SHEET_ROWS_MAX} rows.")
            read = dict(zip(header, (_cell(cell) for cell in cells), strict=False))
            if any(read.values()):
                yield ManifestRow(number, read)
    except _DAMAGED as error:
        raise InputError("The workbook is damaged: it cannot be read to its end.") from error
    finally:
        book.close()


def _plain(cell: Any) -> str:  # noqa: ANN401 - openpyxl's cells of many classes
    return "" if cell.value is None else str(cell.value).strip()


def _cell(cell: Any) -> Cell:  # noqa: ANN401, PLR0911 - as above; one line for each kind of value
    value = cell.value
    if cell.data_type == "f":
        return BadCell("holds a formula: put its value in its place")
    if cell.data_type == "e":
        return BadCell("holds a spreadsheet's error")
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case int() | float():
            return _number_text(value)
        case str():
            return value.strip() if len(value) <= CELL_MAX_CHARS else BadCell("is too long")
        case _:
            return BadCell("holds a value of no kind that counts")


def _number_text(value: float) -> Cell:
    """A number as people write it: one that a spreadsheet may have rounded says nothing."""
    if abs(value) >= 10**EXACT_DIGITS:
        return BadCell(
            f"holds a number of more than {EXACT_DIGITS} digits, which the spreadsheet has rounded: as text"
        )
    return str(int(value)) if float(value).is_integer() else repr(value)


def _header(columns: Sequence[str], mapping: RegisterMapping) -> Sequence[str]:
    """The columns' names, each once where the mapping asks for it.

    Raises:
        InputError: one that the mapping names is missing, or there twice.
    """
    if len(columns) > COLUMNS_MAX:
        raise InputError(f"Expected at most {COLUMNS_MAX} columns.")
    missing = [column for column in mapping.columns if column not in columns]
    if missing:
        raise InputError(f"The manifest lacks columns that the mapping names: {', '.join(missing)}.")
    twice = [column for column in mapping.columns if columns.count(column) > 1]
    if twice:
        raise InputError(f"The manifest has columns twice: {', '.join(twice)}.")
    return columns
