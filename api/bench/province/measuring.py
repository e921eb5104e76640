"""Rows of the bench about the province: imports of files and from data, and making the stock itself."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psycopg

from api.bench.figures import Budget, Counted, Quantity, Result, Run, Series, one_after_another
from api.bench.load import expect
from api.bench.province.importing import Outcome, finish_import, outcome, start_import
from api.bench.province.kinds import CATALOGUE_FOLDER, write_catalogue
from api.bench.province.people import company
from api.bench.province.register import SUMMARY_FILE, Files, Manifest, Order, write_register
from api.bench.province.vault import settle_province
from api.bench.province.vault_rows import fill_province
from api.bench.requests import post_json
from api.bench.sealing import SEALING_BYTES_MOST
from api.bench.stage import Stage
from api.bench.watch import Watched, database_bytes, watched
from vault.errors import Conflict, IntegrityError

IMPORT_EXISTING_BUDGET: Final = Budget(Counted.RATE, 250.0)
"""Issue 8: existing PDFs sealed, stored with read-back, indexed and logged, rows a second."""
IMPORT_TYPESET_BUDGET: Final = Budget(Counted.RATE, 100.0)
ROW_BYTES_MOST: Final = 3_000
"""Issue 8: of the database, per certificate with its history."""
# So many rows as the budget takes in the seconds asked for; never so few that starting outweighs them.
_ROWS_MIN: Final = 50
_RATE_OVER_S: Final = 2.0
_SEED: Final = 8
# Registers of the two imports share nobody with each other, nor with the stock of 10⁷ (2,350 blocks).
_EXISTING_FROM, _TYPESET_FROM = 3_000, 6_000


def measure_import_existing(on: Stage, seconds: float) -> Result:
    """A register with a scan for each row, by `certvault import`."""
    return _import(on, seconds, "import_existing", Files.ZIP, IMPORT_EXISTING_BUDGET, _EXISTING_FROM)


def measure_import_typeset(on: Stage, seconds: float) -> Result:
    """A register without files: each page is set from its row."""
    return _import(on, seconds, "import_typeset", Files.NONE, IMPORT_TYPESET_BUDGET, _TYPESET_FROM)


def measure_province_rows(on: Stage, seconds: float) -> Result:
    """The stock by COPY: how fast a vault of a size is made, and whether what was made can be asked for."""
    folder = on.vault.data / "province" / CATALOGUE_FOLDER
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_catalogue(folder)
    settle_province(on.vault, folder)
    before, began = database_bytes(on.vault.settings.migrating_url), perf_counter()
    filled = fill_province(
        on.vault.settings,
        folder,
        max(_ROWS_MIN, round(seconds * _STOCK_ROWS_PER_S)),
        _SEED,
        client_id=on.vault.city.client.client_id,
        cores=on.cores,
        tell=on.tell,
    )
    elapsed_s = perf_counter() - began
    grown = database_bytes(on.vault.settings.migrating_url) - before
    made = max(filled.made, 1)
    return Result(
        "province_rows",
        f"{made:,} certificates of the province by COPY, references checked and analysed",
        Run(made, elapsed_s, (elapsed_s / made,)),
        "the holdings of one of its companies, one at a time",
        _holdings(on),
        quantities=(row_bytes(grown / made),),
    )


_STOCK_ROWS_PER_S: Final = 2_000
# Asking for what large vaults hold takes minutes to prepare, and imports seconds more than they measure.
ONLY_BY_NAME: Final = frozenset({"province_rows", "import_existing", "import_typeset"})
MEASUREMENTS: dict[str, Callable[[Stage, float], Result]] = {
    "import_existing": measure_import_existing,
    "import_typeset": measure_import_typeset,
    "province_rows": measure_province_rows,
}


def _holdings(on: Stage) -> Run:
    """What the first companies have; each is known to have something.

    Raises:
        IntegrityError: nothing is found.
    """
    token = on.token()
    runs = []
    for n in range(10):
        asked: dict[str, Any] = {key: company(n).as_json[key] for key in ("code_type", "code")}
        job = (post_json(on.host, "/v1/holdings", {"holder": asked, "purpose": "bench"}, token),)
        heard = expect(on.apply((job,), keep=True, at_once=1), 200)
        if b'"certificate_id"' not in heard.bodies[0]:
            raise IntegrityError(f"A company's certificates are not found: {heard.bodies[0][:300]!r}")
        runs.append(heard.run)
    return one_after_another(runs)


def _import(on: Stage, seconds: float, name: str, files: Files, budget: Budget, first_block: int) -> Result:
    rows = max(_ROWS_MIN, round(seconds * budget.at_least))
    province = on.vault.data / name
    shutil.rmtree(province, ignore_errors=True)
    write_register(province, Order(rows, _SEED, Manifest.CSV, files, first_block=first_block), on.tell)
    settle_province(on.vault, province / CATALOGUE_FOLDER)
    floor = on.floor(seconds, handed_in=files is not Files.NONE)
    owner_url, log = on.vault.settings.migrating_url, province / "import.log"
    before, began = database_bytes(owner_url), perf_counter()
    running = start_import(province, on.vault.data, on.vault.city.client.client_id, log)
    with watched(owner_url, running.pid) as seen:
        finish_import(running, log)
    done = outcome(province, perf_counter() - began)
    imported = _all_imported(done)
    grown = (database_bytes(owner_url) - before) / imported
    return Result(
        name,
        f"certvault import of {rows:,} rows {'without files' if files is Files.NONE else 'with a PDF each'},"
        " from its start to its result file",
        Run(imported, done.elapsed_s, (done.elapsed_s / imported,)),
        f"the floor: {'gate, QR and seal' if files is not Files.NONE else 'page, QR and seal'} alone on"
        f" {len(on.cores)} cores",
        floor,
        budget,
        quantities=(*seen.quantities, row_bytes(grown), *_sealing(on, province, files)),
        series=_series(seen),
    )


def _all_imported(done: Outcome) -> int:
    imported = done.states.get("imported", 0)
    if done.unexpected:
        raise IntegrityError(f"Of a register without faults, rows {done.unexpected[:10]} were rejected.")
    if not imported:
        raise Conflict("This vault has imported that register before: measure in a new one.")
    return imported


def row_bytes(grown: float) -> Quantity:
    """The database's growth for each certificate, against its budget."""
    return Quantity(
        "database_bytes", "database per certificate with its history", grown, "bytes", ROW_BYTES_MOST
    )


def _series(seen: Watched) -> tuple[Series, ...]:
    rates = Series("certificates committed", "/s", seen.rates(_RATE_OVER_S))
    return rates, seen.memory_series


_SEALED_SIZES: Final = """
    SELECT sum(size_bytes)::float8, count(*) FROM documents
    JOIN certificates ON certificates.id = certificate_id WHERE certificates.origin LIKE 'scan%'
"""


def _sealing(on: Stage, province: Path, files: Files) -> tuple[Quantity, ...]:
    """By how much the sealed files are larger than those handed in, all scans of this vault together."""
    if files is Files.NONE:
        return ()
    with psycopg.connect(on.vault.settings.migrating_url) as db:
        found = db.execute(_SEALED_SIZES).fetchone()
    handed_in = json.loads((province / SUMMARY_FILE).read_text(encoding="utf-8"))["file_bytes"]
    sealed, count = (0.0, 1) if found is None else (float(found[0]), int(found[1]))
    added = (sealed - handed_in) / count
    what = "what sealing adds to a PDF, stamp and mark on its page included"
    return (Quantity("sealing_bytes", what, added, "bytes", SEALING_BYTES_MOST),)
