"""Watching a vault while it works: the memory of every process, rows as they are committed, bytes on disk."""

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Final

import psycopg

from api.bench.figures import Quantity, Series

EVERY_S: Final = 1.0
MEMORY_MOST_MB: Final = 400.0
"""Issue 8: no process of ours holds more during an import."""
_ENGINES: Final = ("postgres", "weed")
# Counted when a transaction reports, at most a second after its end: near enough for a rate, and free.
_INSERTED: Final = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'certificates'"
_BYTES: Final = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'
"""


@dataclass(slots=True)
class Watched:
    """What was seen.

    `inserted`: certificates by second; `memory`: the largest of our processes then, MB; `peaks`: of each
    program, MB, engines by their names.
    """

    began: float = field(default_factory=perf_counter)
    inserted: list[tuple[float, float]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    peaks: dict[str, float] = field(default_factory=dict)

    def rates(self, over_s: float) -> tuple[tuple[float, float], ...]:
        """Certificates a second, each over about so long."""
        points = []
        (last_at, last) = self.inserted[0] if self.inserted else (0.0, 0.0)
        for at, count in self.inserted:
            if at - last_at >= over_s:
                points.append((round(at, 1), round((count - last) / (at - last_at), 1)))
                last_at, last = at, count
        return tuple(points)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Memory against its budget: the highest of our processes, and how much it grew in the end."""
        ours = max((peak for name, peak in self.peaks.items() if name not in _ENGINES), default=0.0)
        engines = ((name, peak) for name, peak in sorted(self.peaks.items()) if name in _ENGINES)
        return (
            Quantity("memory_peak", "the largest process of ours", ours, "MB", MEMORY_MOST_MB),
            Quantity(
                "memory_growth", "memory late in the run to that before its middle", self._growth(), "times"
            ),
            *(
                Quantity(f"memory_{name}", f"the largest process of {name}", peak, "MB")
                for name, peak in engines
            ),
        )

    @property
    def memory_series(self) -> Series:
        """The largest of our processes over time."""
        return Series("memory of the largest process", "MB", tuple(self.memory))

    def _growth(self) -> float:
        """The highest of the last quarter to the highest of the second."""
        quarter = len(self.memory) // 4
        if not quarter:
            return 1.0
        before = max(held for _, held in self.memory[quarter : 2 * quarter])
        return max(held for _, held in self.memory[-quarter:]) / before


@contextmanager
def watched(owner_url: str, *roots: int) -> Iterator[Watched]:
    """Looks every second at the certificates in the database and at these processes with all below them."""
    seen, stop = Watched(), threading.Event()
    with closing(psycopg.connect(owner_url, autocommit=True)) as db:
        watcher = threading.Thread(target=_watch, args=(seen, stop, db, roots), daemon=True)
        watcher.start()
        try:
            yield seen
        finally:
            stop.set()
            watcher.join()


def database_bytes(owner_url: str) -> int:
    """What the tables of the vault with their indexes take."""
    with closing(psycopg.connect(owner_url, autocommit=True)) as db:
        row = db.execute(_BYTES).fetchone()
    return 0 if row is None else int(row[0])


def certificates_inserted(db: psycopg.Connection) -> int:
    """How many rows the table of certificates ever took, as of a second ago."""
    row = db.execute(_INSERTED).fetchone()
    return 0 if row is None else int(row[0])


def _watch(seen: Watched, stop: threading.Event, db: psycopg.Connection, roots: tuple[int, ...]) -> None:
    first = certificates_inserted(db)
    while True:
        over = stop.wait(EVERY_S)
        at = round(perf_counter() - seen.began, 1)
        seen.inserted.append((at, float(certificates_inserted(db) - first)))
        seen.memory.append((at, _look_at_memory(seen, roots)))
        if over:
            return


def _look_at_memory(seen: Watched, roots: tuple[int, ...]) -> float:
    most = 0.0
    for pid in _with_all_below(roots):
        name, held, peak = _memory_of(pid)
        if name:
            seen.peaks[name] = max(seen.peaks.get(name, 0.0), peak)
            most = most if name in _ENGINES else max(most, held)
    return most


def _with_all_below(roots: tuple[int, ...]) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                stat = Path(f"/proc/{entry.name}/stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # it has ended meanwhile
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _memory_of(pid: int) -> tuple[str, float, float]:
    """Its program's name, and what it holds and held at most, in MB; no name where it has ended.

    Of PostgreSQL's processes the peak counts pages that all of them share, once in each.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", 0.0, 0.0
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if "VmRSS" not in lines:
        return "", 0.0, 0.0
    held, peak = (int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
    return lines["Name"], held, peak
