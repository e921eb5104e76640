"""The province as a register hands it over: a manifest, its files, and which of its rows have to be rejected.

In the folder: `catalogue/` (98 kinds, to be applied first), `register.csv` or `register.jsonl`,
`mapping.json` for `certvault import`, `files/` or `files.zip`, `expected-rejections.csv`, and
`province.json`, which says what all of it is. Rows go out as they are made: what is in memory is one block.
"""

import csv
import hashlib
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TextIO

from api.bench.province.columns import Column, Row, face_columns, row_of
from api.bench.province.faults import Fault, Spoilt, spoil
from api.bench.province.kinds import CATALOGUE_FOLDER, write_catalogue
from api.bench.province.mapping import MAPPING_FILE, write_mapping
from api.bench.province.pages import Pages
from api.bench.province.stock import CERTIFICATES_MAX, STOCK_ON, Held, Kinds, in_force
from vault.errors import Conflict, InputError

EXPECTED_FILE: Final = "expected-rejections.csv"
SUMMARY_FILE: Final = "province.json"
FILES_FOLDER: Final = "files"
FILES_ZIP: Final = "files.zip"
ZIP_FILES_MAX: Final = 1_000_000
"""A zip's table of contents is kept in memory until its end, half a kilobyte a file; a folder has none."""
ERRORS_MAX: Final = 0.5
# A folder of many thousand files is slow to list.
_FILES_A_FOLDER: Final = 1_000
_TELL_EVERY: Final = 20_000
# A damaged file ends in its middle, as a broken transfer leaves it.
_KEPT_OF_DAMAGED: Final = 0.5


class Manifest(StrEnum):
    """How the register is written."""

    CSV = "csv"
    JSONL = "jsonl"


FIRST_ROWS: Final = {Manifest.CSV: 2, Manifest.JSONL: 1}
"""The number of the first row as its reader sees it: a sheet's header is row 1."""


class Files(StrEnum):
    """Where each row's PDF goes."""

    NONE = "none"  # rows are typeset from their data
    FOLDER = "folder"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. `errors`: the share of rows with one fault each.

    `first_block`: of the stock; registers of different blocks share no holder and no number.
    """

    certificates: int
    seed: int
    manifest: Manifest = Manifest.CSV
    files: Files = Files.NONE
    errors: float = 0.0
    first_block: int = 0


@dataclass(slots=True)
class Written:
    """What was written.

    `faults`: how many rows of each; `expired`, `together`: past their last day, of two holders; `digest`:
    SHA-256 of the manifest, hex.
    """

    rows: int = 0
    file_bytes: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    expired: int = 0
    together: int = 0
    digest: str = ""


def write_register(folder: Path, order: Order, tell: Callable[[str], None]) -> Written:
    """Writes the province into `folder`, over what an earlier run left there.

    Raises:
        Conflict: the folder has something else in it.
        InputError: more certificates, files in one zip, or faults than there may be.
    """
    _check(order)
    _make_room(folder)
    _write_summary(folder, _summary(order))
    catalogue = write_catalogue(folder / CATALOGUE_FOLDER)
    kinds = tuple(catalogue.types.values())
    faces = face_columns(kinds)
    write_mapping(folder / MAPPING_FILE, kinds, faces, files=order.files is not Files.NONE)
    pages = Pages.drawn(order.seed)
    written = Written()
    manifest = folder / f"register.{order.manifest}"
    with ExitStack() as stack:
        put_row = stack.enter_context(_rows_into(manifest, order.manifest, (*Column, *faces.values())))
        put_file = stack.enter_context(_files_into(folder, order.files))
        expect = stack.enter_context(_rows_into(folder / EXPECTED_FILE, Manifest.CSV, _EXPECTED_COLUMNS))
        held = in_force(
            Kinds.ranked(kinds), order.seed, most=order.certificates, first_block=order.first_block
        )
        rows = _spoilt(held, order, faces, catalogue.city.operator.code)
        for place, each in enumerate(rows, start=FIRST_ROWS[order.manifest]):
            put_row(each.row)
            if order.files is not Files.NONE:
                written.file_bytes += _put_page(put_file, pages, each)
            if each.fault is not None:
                expect({"row": str(place), "fault": each.fault, "column": each.column, "reason": each.words})
            _count(written, each)
            if written.rows % _TELL_EVERY == 0:
                tell(f"{written.rows:,} of {order.certificates:,} rows written.")
    written.digest = _digest(manifest)
    _write_summary(folder, {**_summary(order), **_found(written)})
    return written


_EXPECTED_COLUMNS: Final = ("row", "fault", "column", "reason")


def _check(order: Order) -> None:
    if not 1 <= order.certificates <= CERTIFICATES_MAX:
        raise InputError(f"Expected 1 to {CERTIFICATES_MAX:,} certificates, got {order.certificates:,}.")
    if not 0 <= order.errors <= ERRORS_MAX:
        raise InputError(f"Expected a share of errors from 0 to {ERRORS_MAX:g}, got {order.errors:g}.")
    if order.files is Files.ZIP and order.certificates > ZIP_FILES_MAX:
        raise InputError(f"Expected at most {ZIP_FILES_MAX:,} files in a zip, got more: choose a folder.")


def _make_room(folder: Path) -> None:
    """Takes away what an earlier run wrote, and nothing else: a file left over would be one too many.

    Raises:
        Conflict: there is something in the folder, and no province.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / SUMMARY_FILE).is_file():
        raise Conflict(f"{folder} is not empty and holds no province: choose another folder.")
    shutil.rmtree(folder / FILES_FOLDER, ignore_errors=True)
    for name in (FILES_ZIP, *(f"register.{manifest}" for manifest in Manifest)):
        (folder / name).unlink(missing_ok=True)


def _write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    (folder / SUMMARY_FILE).write_text(text + "\n", encoding="utf-8")


def file_name(held: Held) -> str:
    """Where a certificate's file lies, below the folder or in the zip."""
    return f"{held.serial // _FILES_A_FOLDER:05d}/{held.serial:08d}.pdf"


def _spoilt(
    held: Iterable[Held], order: Order, faces: Mapping[str, str], digitised_by: str
) -> Iterator[Spoilt]:
    files = order.files is not Files.NONE
    rows = ((each, row_of(each, faces, file_name(each) if files else "", digitised_by)) for each in held)
    return spoil(rows, order.errors, order.seed, faces, files=files)


def _put_page(put_file: Callable[[str, bytes], None], pages: Pages, each: Spoilt) -> int:
    if each.fault is Fault.FILE_MISSING:
        return 0
    page = pages.page(each.held)
    if each.fault is Fault.FILE_DAMAGED:
        page = page[: int(len(page) * _KEPT_OF_DAMAGED)]
    put_file(file_name(each.held), page)
    return len(page)


def _count(written: Written, each: Spoilt) -> None:
    written.rows += 1
    written.kinds[each.held.kind.name] += 1
    written.expired += each.held.valid_to is not None and each.held.valid_to < STOCK_ON
    written.together += len(each.held.holders) > 1
    if each.fault is not None:
        written.faults[each.fault] += 1


@contextmanager
def _rows_into(path: Path, manifest: Manifest, names: tuple[str, ...]) -> Iterator[Callable[[Row], None]]:
    """Writes rows as they come; a JSON line has the cells that are filled."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield _csv(file, names) if manifest is Manifest.CSV else _jsonl(file)


def _csv(file: TextIO, names: tuple[str, ...]) -> Callable[[Row], None]:
    writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
    writer.writeheader()
    return writer.writerow


def _jsonl(file: TextIO) -> Callable[[Row], None]:
    def put(row: Row) -> None:
        filled = {name: cell for name, cell in row.items() if cell}
        file.write(json.dumps(filled, ensure_ascii=False, separators=(",", ":")) + "\n")

    return put


@contextmanager
def _files_into(folder: Path, files: Files) -> Iterator[Callable[[str, bytes], None]]:
    if files is Files.ZIP:
        # Stored: the pages' streams are compressed already.
        with zipfile.ZipFile(folder / FILES_ZIP, "w", zipfile.ZIP_STORED) as archive:
            yield lambda name, page: archive.writestr(zipfile.ZipInfo(name), page)
        return
    made: set[Path] = set()

    def put(name: str, page: bytes) -> None:
        path = folder / FILES_FOLDER / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_bytes(page)

    yield put


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _summary(order: Order) -> dict[str, Any]:
    return {
        "certificates": order.certificates,
        "seed": order.seed,
        "errors": order.errors,
        "manifest": f"register.{order.manifest}",
        "files": order.files.value,
        "stock_on": STOCK_ON.isoformat(),
    }


def _found(written: Written) -> dict[str, Any]:
    return {
        "kinds": len(written.kinds),
        "expired": written.expired,
        "of_two_holders": written.together,
        "expected_rejections": written.faults.total(),
        "faults": dict(sorted(written.faults.items())),
        "file_bytes": written.file_bytes,
        "manifest_sha256": written.digest,
    }
