"""What one deposit, verification or look costs: processor time, bytes and syncs of every kind of process."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.rehearsal.jobs import finish_jobs
from tests.rehearsal.programs import children, stat_fields
from tests.rehearsal.stage import Stage

TICKS: Final = os.sysconf("SC_CLK_TCK")
IDLE_S = 15.0
# Asked of each before anything is counted: connections, plans and compilers are there then.
WARMING = 20
MILLI: Final = 1000
# utime, stime, and both of the children that have ended: fields 14 to 17 (proc(5)).
_OWN, _ENDED = slice(11, 13), slice(13, 15)
_ASKED = """
    SELECT (SELECT pg_current_wal_lsn() - '0/0'),
        (SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal'),
        (SELECT sum(calls) FROM pg_stat_statements)
"""
_NAMES = ("wal_bytes", "wal_syncs", "statements")
Counted = dict[str, float]


def measure_costs(stage: Stage, many: Mapping[str, int], ask: Callable[[str], None]) -> dict[str, Any]:
    """By question: what one of them cost, what the idle processes cost in that time taken off.

    `many`: how often each is asked, one after another; `ask` asks one. The workers rest meanwhile; what they
    do for the deposits is counted at the end, each deposit's part of it.
    """
    primary = stage.databases.primary
    primary.ask("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    for worker in stage.workers:
        worker.stop()
    for question in many:
        for _ in range(WARMING):
            ask(question)
    before, began = _counted(stage), time.monotonic()
    time.sleep(IDLE_S)
    idle = _less(_counted(stage), before, time.monotonic() - began)
    found: dict[str, Any] = {"idle, a second": idle}
    for question, count in many.items():
        before, began = _counted(stage), time.monotonic()
        for _ in range(count):
            ask(question)
        elapsed = time.monotonic() - began
        spent = _less(_counted(stage), before, count)
        found[question] = {
            name: round(value - idle.get(name, 0) * elapsed / count, 3) for name, value in spent.items()
        }
        found[question]["asked"] = count
    for worker in stage.workers:
        worker.start()
    time.sleep(IDLE_S)  # they read their libraries
    before, (certificates,) = _counted(stage), primary.ask("SELECT count(*) FROM certificates")[0]
    found["a deposit's jobs, in s"] = finish_jobs(primary)
    found["a deposit's jobs"] = _less(_counted(stage), before, certificates)
    return found


def _counted(stage: Stage) -> Counted:
    """CPU in ms and bytes written, by kind of process; PostgreSQL's own counts."""
    counted: Counted = {}
    for program in stage.programs:
        kind = program.kind
        if program is stage.databases.standby.program:
            kind = "standby"
        elif kind == "SeaweedFS":
            kind = f"SeaweedFS {program.name.rpartition('-')[0] or program.name}"
        for pid in (program.pid, *children(program.pid)):
            fields = stat_fields(pid)
            if fields:
                ticks = sum(map(int, fields[_OWN]))
                if pid == program.pid:
                    ticks += sum(map(int, fields[_ENDED]))
                name = f"{kind} CPU ms"
                counted[name] = counted.get(name, 0) + ticks * MILLI / TICKS
                if kind.endswith("volume"):  # a database's are its checkpoints': too rare to count here
                    name = f"{kind} bytes written"
                    counted[name] = counted.get(name, 0) + _written(pid)
    counted.update(zip(_NAMES, map(float, stage.databases.primary.ask(_ASKED)[0]), strict=True))
    return counted


def _written(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), 0)


def _less(after: Counted, before: Counted, by: float) -> Counted:
    return {name: (value - before.get(name, 0)) / by for name, value in after.items()}
