"""Programs of the rehearsal: started, killed without warning, started again on the same port."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from storage.embedded.folder import tail
from storage.embedded.placement import Account
from storage.embedded.processes import spawn

READY_TIMEOUT_S = 90.0
POLL_S = 0.05
STOP_TIMEOUT_S = 20.0
_PARENT = 1  # field 4 of /proc/PID/stat, counted behind the name and the state (proc(5))


@dataclass(slots=True)
class Program:
    """One program of the rehearsal. `answers`: whether it is up; `kind`: as whose its costs count."""

    name: str
    kind: str
    argv: Sequence[str] = field(repr=False)
    folder: Path
    env: Mapping[str, str] = field(repr=False)
    answers: Callable[[], bool] = field(repr=False)
    account: Account | None = None
    _killed: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self, *, wait: bool = True) -> float:
        """Starts it; the seconds until it answered."""
        began = time.monotonic()
        self._killed = False
        self._process = spawn(
            list(self.argv),
            log=self.log,
            account=self.account,
            cwd=Path("/") if self.account else self.folder,
            env=dict(self.env),
        )
        if wait:
            self.see_ready()
        return time.monotonic() - began

    def see_ready(self) -> None:
        """Waits until it answers."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self.answers():
            assert self._process is not None
            assert self._process.poll() is None, f"{self.name} ended: {tail(self.log)}"
            assert time.monotonic() < deadline, f"{self.name} does not answer: {tail(self.log)}"
            time.sleep(POLL_S)

    def kill(self) -> None:
        """SIGKILL for the program and everything that it started: as if its machine had lost its power."""
        assert self._process is not None
        self._killed = True
        victims = [self.pid, *children(self.pid)]
        for pid in victims:
            _signal(pid, signal.SIGKILL)
        self._process.wait()
        while any(_alive(pid) for pid in victims):
            time.sleep(POLL_S)

    @property
    def ended_by_itself(self) -> bool:
        """Whether it has ended, and nobody here killed it."""
        return not self._killed and self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """Asks it to end, and sees to it."""
        if self._process is None or self._process.poll() is not None:
            return
        # PostgreSQL would wait for its clients with SIGTERM.
        self._process.send_signal(signal.SIGINT if self.kind == "PostgreSQL" else signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()


def children(parent: int) -> list[int]:
    """The processes that this one started, and theirs."""
    by_parent: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and (fields := stat_fields(int(entry.name))):
            by_parent.setdefault(int(fields[_PARENT]), []).append(int(entry.name))
    found, look = [], [parent]
    while look:
        below = by_parent.get(look.pop(), [])
        found += below
        look += below
    return found


def stat_fields(pid: int) -> list[str]:
    """/proc/PID/stat behind the name: state first; empty where the process has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _alive(pid: int) -> bool:
    fields = stat_fields(pid)
    return bool(fields) and fields[0] not in "ZX"


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
