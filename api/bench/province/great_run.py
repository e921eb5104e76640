"""The great run: a province generated, imported with faults and a `kill -9`, examined, then asked.

What it writes lies in one folder: `register/` as handed over, `vault/`, `run.log` with every step and its
time, `run.json`, `run.md`, and the plots.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TextIO

from api.bench.figures import Result, Run, Series
from api.bench.machine import machine
from api.bench.plot import Axis, line_plot
from api.bench.province.importing import (
    Outcome,
    environment,
    finish_import,
    kill_at,
    outcome,
    program,
    start_import,
)
from api.bench.province.kinds import CATALOGUE_FOLDER
from api.bench.province.measuring import IMPORT_EXISTING_BUDGET, row_bytes
from api.bench.province.register import ZIP_FILES_MAX, Files, Manifest, Order, Written, write_register
from api.bench.province.sample import drawn_sample, measure_stock_holdings, measure_stock_reuse
from api.bench.province.vault import settle_province
from api.bench.questions import measure_verify_code, measure_verify_file
from api.bench.report import as_json, as_markdown
from api.bench.run import Report
from api.bench.stage import Stage, stage
from api.bench.watch import Watched, database_bytes, watched
from vault.errors import IntegrityError

ERRORS: Final = 0.005
"""Issue 8: faults on purpose, in this share of the rows."""
KILLED_AT: Final = 0.5
RATE_PLOT, MEMORY_PLOT = "import-rate.svg", "import-memory.svg"
REGISTER_FOLDER, VAULT_FOLDER = "register", "vault"
_POINTS: Final = 180  # of a plot's line
_SHOWN_ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class GreatRun:
    """What came of it. `report`: the figures; `log`: every step with its time of day."""

    report: Report
    log: tuple[str, ...] = field(repr=False)


@dataclass(slots=True)
class _Log:
    """Each line told, kept, and in the file at once: a run of half an hour may be broken off."""

    file: TextIO
    tell: Callable[[str], None]
    lines: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """One step."""
        stamped = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}"
        self.lines.append(stamped)
        self.file.write(stamped + "\n")
        self.file.flush()
        self.tell(line)


def run_province(
    folder: Path, certificates: int, seed: int, *, seconds: float, tell: Callable[[str], None]
) -> GreatRun:
    """Runs it in `folder`, which is new.

    1. Generate the register, a scan for each row, faults in 0.5 % of them. 2. Found a vault and settle the
    province in it. 3. Import; `kill -9` on the whole import at half the rows. 4. The same command again, to
    its end. 5. Hold the result file against the faults put in. 6. `fsck`. 7. Look-ups and verification, so
    many `seconds` each, on that very vault. 8. Write log, figures and plots.

    Raises:
        Conflict: there is something in the folder already.
        IntegrityError: a fault was overlooked, a sound row rejected, a row counted twice or lost, or fsck
            finds something: the log says what.
        Unavailable: the import or an engine does not run.
    """
    with _logged(folder, tell) as log:
        register = folder / REGISTER_FOLDER
        files = Files.ZIP if certificates <= ZIP_FILES_MAX else Files.FOLDER
        written = write_register(register, Order(certificates, seed, Manifest.CSV, files, ERRORS), tell)  # 1
        log.say(_said(written))
        with stage(folder / VAULT_FOLDER, tell) as on:  # 2
            found = machine(on.vault.settings.database_url.get_secret_value(), folder)
            settle_province(on.vault, register / CATALOGUE_FOLDER)
            load = found["load_average_at_start"]
            log.say(f"The vault stands: {found['cores']} cores, {found['cpu']}, load {load}.")
            imported = _import(on, register, certificates, written, log)  # 3, 4, 5
            _examine(folder / VAULT_FOLDER, log)  # 6
            results = [imported, *_asked(on, seconds, certificates, log)]  # 7
        report = Report(found, seconds, tuple(results))
        _write(folder, report, imported.series)  # 8
        log.say(f"Written: run.json, run.md, {RATE_PLOT}, {MEMORY_PLOT}.")
        return GreatRun(report, tuple(log.lines))


@contextmanager
def _logged(folder: Path, tell: Callable[[str], None]) -> Iterator[_Log]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.log").open("a", encoding="utf-8") as file:
        yield _Log(file, tell)


def _said(written: Written) -> str:
    faults = ", ".join(f"{count} {fault}" for fault, count in sorted(written.faults.items()))
    return (
        f"Register: {written.rows:,} rows of {len(written.kinds)} kinds,"
        f" {written.file_bytes / 1e6:,.0f} MB of scans; {written.faults.total():,} rows spoilt: {faults}."
    )


def _import(on: Stage, register: Path, certificates: int, written: Written, log: _Log) -> Result:
    """Steps 3 to 5. The time is that of both tries, from the first's start to the second's end."""
    owner_url, client, data = on.vault.settings.migrating_url, on.vault.city.client.client_id, on.vault.data
    said = register / "import.log"
    before, began = database_bytes(owner_url), perf_counter()
    first = start_import(register, data, client, said)
    log.say("Import begun.")
    with watched(owner_url, first.pid) as seen:
        killed_s = kill_at(first, seen, round(certificates * KILLED_AT), said)  # 3
    there = seen.inserted[-1][1]
    log.say(f"kill -9 after {killed_s:,.0f} s, at {there:,.0f} certificates.")
    again_s = perf_counter() - began
    second = start_import(register, data, client, said)  # 4
    with watched(owner_url, second.pid) as resumed:
        finish_import(second, said)
    done = outcome(register, perf_counter() - began)  # 5
    imported = certificates - done.states.get("rejected", 0)
    rate = imported / done.elapsed_s
    log.say(f"Import done after {done.elapsed_s:,.0f} s: {done.states}; {rate:,.1f} a second.")
    _check(done, written, log)
    grown = (database_bytes(owner_url) - before) / imported
    both = _joined(seen, resumed, again_s)
    return Result(
        "province_import",
        f"certvault import of {certificates:,} rows with a PDF each, killed at half and begun again",
        Run(imported, done.elapsed_s, (done.elapsed_s / imported,)),
        f"the floor: gate, QR and seal alone on {len(on.cores)} cores",
        on.floor(_FLOOR_S, handed_in=True),
        IMPORT_EXISTING_BUDGET,
        f"{done.states.get('rejected', 0):,} rows rejected, all of them spoilt on purpose",
        quantities=(*both.quantities, row_bytes(grown)),
        series=(_rates(both, killed_s, again_s), both.memory_series),
    )


_FLOOR_S: Final = 5.0


def _check(done: Outcome, written: Written, log: _Log) -> None:
    log.say(
        f"Rejected as expected: {written.faults.total() - len(done.overlooked):,}"
        f" of {written.faults.total():,}; overlooked: {list(done.overlooked[:_SHOWN_ROWS])};"
        f" rejected without a fault: {list(done.unexpected[:_SHOWN_ROWS])}."
    )
    if done.overlooked or done.unexpected:
        raise IntegrityError("What was rejected is not what was spoilt: see the log.")


def _joined(first: Watched, second: Watched, after_s: float) -> Watched:
    """Both tries on one clock."""
    there = first.inserted[-1][1] if first.inserted else 0.0
    peaks = {name: max(first.peaks.get(name, 0.0), second.peaks.get(name, 0.0)) for name in second.peaks}
    return Watched(
        first.began,
        first.inserted + [(at + after_s, count + there) for at, count in second.inserted],
        first.memory + [(at + after_s, held) for at, held in second.memory],
        peaks,
    )


def _rates(both: Watched, killed_s: float, again_s: float) -> Series:
    over_s = max(1.0, both.inserted[-1][0] / _POINTS)
    marks = ((round(killed_s, 1), "kill -9"), (round(again_s, 1), "begun again"))
    return Series("certificates committed", "/s", both.rates(over_s), marks)


def _examine(data: Path, log: _Log) -> None:
    """Step 6, as an operator runs it.

    Raises:
        IntegrityError: fsck finds a problem.
    """
    began = perf_counter()
    command = program("fsck", "--data", str(data), "--json")
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise IntegrityError(f"fsck ended with {done.returncode}: {done.stderr[-500:]}") from error
    log.say(
        f"fsck after {perf_counter() - began:,.0f} s: {found['certificates']:,} certificates,"
        f" {found['objects']:,} objects, {found['problems']} problems, {found['notes']} notes"
        f" {found['findings'][:_SHOWN_ROWS]}; status {done.returncode}."
    )
    if done.returncode:
        raise IntegrityError("fsck finds problems in the imported vault: see the log.")


def _asked(on: Stage, seconds: float, certificates: int, log: _Log) -> list[Result]:
    """Step 7."""
    sample = drawn_sample(on)
    there = replace(on, seeded=sample.receipts)
    results = [
        measure_stock_holdings(on, sample, seconds, certificates),
        measure_stock_reuse(on, sample, seconds, certificates),
        measure_verify_code(there, seconds),
        measure_verify_file(there, seconds),
    ]
    for each in results:
        p99 = each.run.percentile_ms(0.99)
        log.say(
            f"{each.name}: {each.run.rate_per_s:,.0f}/s, p99 {p99:.1f} ms,"
            f" {each.ratio:.3g} of {each.reference}."
        )
    return results


def _write(folder: Path, report: Report, series: tuple[Series, ...]) -> None:
    rates, memory = series
    seconds = Axis("seconds since the import began")
    title = f"Import of {report.results[0].run.count:,} certificates with their files"
    (folder / RATE_PLOT).write_text(
        line_plot(title, [rates], seconds, Axis("certificates a second")), encoding="utf-8"
    )
    (folder / MEMORY_PLOT).write_text(
        line_plot("Memory of the largest process", [memory], seconds, Axis("MB")), encoding="utf-8"
    )
    text = json.dumps(as_json(report), ensure_ascii=False, indent=2)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")
    (folder / "run.md").write_text(as_markdown(report), encoding="utf-8")
