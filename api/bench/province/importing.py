"""The import of a register as its users run it: `certvault import` as a program, killed or not."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, Final

from api.bench.province.mapping import MAPPING_FILE
from api.bench.province.register import EXPECTED_FILE, FILES_FOLDER, FILES_ZIP, SUMMARY_FILE
from api.bench.watch import Watched
from vault.errors import IntegrityError, Unavailable

RESULT_FILE: Final = "result.csv"
_POLL_S: Final = 0.2
# A run that is told to die: every process of it is gone by then.
_GONE_WITHIN_S: Final = 30.0
_REJECTED: Final = "rejected"
_DONE: Final = frozenset({0, 1})  # all of it, and all of it but what was rejected


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import came to.

    `states`: rows by state; `unexpected`: rows that were rejected and should not have been, `overlooked`: the
    reverse, both by number.
    """

    states: Mapping[str, int]
    unexpected: tuple[int, ...]
    overlooked: tuple[int, ...]
    elapsed_s: float


def start_import(province: Path, data: Path, client_id: str, log: Path) -> subprocess.Popen[bytes]:
    """Starts `certvault import` of a generated province into the vault that runs on `data`.

    In a process group of its own, so that all of it can be killed at once; what it says goes to `log`.
    """
    summary = json.loads((province / SUMMARY_FILE).read_text(encoding="utf-8"))
    files = {"folder": [FILES_FOLDER], "zip": [FILES_ZIP], "none": []}[summary["files"]]
    arguments = [
        *("import", str(province / summary["manifest"])),
        *(str(province / name) for name in files),
        *("--map", str(province / MAPPING_FILE), "--client", client_id, "--data", str(data)),
        *("--result", str(province / RESULT_FILE), "--json"),
    ]
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - our own program
            program(*arguments), stdout=out, stderr=out, env=environment(), start_new_session=True
        )


def program(*arguments: str) -> list[str]:
    """`certvault` with these arguments, of this process's own code."""
    return [sys.executable, "-P", "-m", "api.cli", *arguments]


def environment() -> dict[str, str]:
    """What such a program is started with, installed or not."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def finish_import(running: subprocess.Popen[bytes], log: Path) -> None:
    """Waits for its end.

    Raises:
        Unavailable: it could not do its work; the sentence ends with what it said.
    """
    try:
        status = running.wait()
    except BaseException:
        # It has a session of its own: whoever stops the bench does not stop it.
        os.killpg(running.pid, signal.SIGKILL)
        raise
    if status not in _DONE:
        said = log.read_text(encoding="utf-8", errors="replace")[-1000:]
        raise Unavailable(f"certvault import ended with {running.returncode}: {said}")


def kill_at(running: subprocess.Popen[bytes], seen: Watched, certificates: int, log: Path) -> float:
    """`kill -9` on all of an import once so many certificates are there; seconds since the watch began.

    Raises:
        Unavailable: it ended before.
    """
    try:
        while not seen.inserted or seen.inserted[-1][1] < certificates:
            if running.poll() is not None:
                finish_import(running, log)
                raise Unavailable(
                    "The import was done before it could be killed: import more, or kill earlier."
                )
            sleep(_POLL_S)
        return perf_counter() - seen.began
    finally:  # also where the bench itself is stopped
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait(_GONE_WITHIN_S)


def outcome(province: Path, elapsed_s: float) -> Outcome:
    """What the result file says, held against what was put into the register.

    Raises:
        IntegrityError: a row is in it twice or not at all: the totals do not add up.
    """
    summary: dict[str, Any] = json.loads((province / SUMMARY_FILE).read_text(encoding="utf-8"))
    expected = {int(row["row"]) for row in _rows(province / EXPECTED_FILE)}
    states: Counter[str] = Counter()
    rejected: set[int] = set()
    for row in _rows(province / RESULT_FILE):
        states[row["state"]] += 1
        if row["state"] == _REJECTED:
            rejected.add(int(row["row"]))
    if states.total() != summary["certificates"]:
        raise IntegrityError(
            f"The result file has {states.total()} rows, the register {summary['certificates']}."
        )
    return Outcome(
        dict(states), tuple(sorted(rejected - expected)), tuple(sorted(expected - rejected)), elapsed_s
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
