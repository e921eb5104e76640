"""Starting servers, waiting for them, and finding and stopping them: ours, or orphans of a dead owner.

A server is known by its command line, not by a remembered process id: so a server is found even if its
owner was killed before it could write the id down, and a process id that was given out again is never
taken for a server. The command line is readable in /proc without privileges, containers included.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.folder import tail
from storage.embedded.placement import Account
from vault.errors import Unavailable

# A cold laptop recovering PostgreSQL after a power cut stays well below this.
READY_TIMEOUT_S = 60.0
POLL_S = 0.02
# Each try draws new ports; five losses in a row are no accident.
PORT_TRIES = 5
# PostgreSQL writes its shutdown checkpoint (128 MB at most) in this time, SeaweedFS needs one second.
STOP_TIMEOUT_S = 15.0
KILL_TIMEOUT_S = 5.0

_PORT_TAKEN = re.compile(r"address already in use|port \d+ .*is not available", re.IGNORECASE)
_STAT_STATE, _STAT_START = 0, 19  # fields 3 and 22 of /proc/PID/stat, counted behind the name (proc(5))


@dataclass(frozen=True, slots=True)
class Engine:
    """A server of ours that was started: `ports` by purpose."""

    name: str
    process: subprocess.Popen[bytes]
    ports: dict[str, int]
    log: Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process beyond mistake: its id and its start in clock ticks after boot."""

    pid: int
    started_ticks: int

    def alive(self) -> bool:
        """Whether it still runs: a zombie does not, nor does a later process with the same id."""
        return _running_since(self.pid) == self.started_ticks

    def send(self, number: signal.Signals) -> None:
        """Signal it if it still runs."""
        with suppress(ProcessLookupError):
            if self.alive():
                os.kill(self.pid, number)


@dataclass(frozen=True, slots=True)
class Family:
    """How the processes of one engine on one data folder are told from all others.

    A leader runs one of `programs` with one of `marks` as a whole argument. A follower (a PostgreSQL
    backend) has overwritten its command line: `title` is how that begins. `stop_signal` tells which signal
    asks the leader for an orderly stop now.
    """

    programs: frozenset[str]
    marks: frozenset[str]
    title: str | None
    stop_signal: Callable[[], signal.Signals]

    def leads(self, argv: list[str]) -> bool:
        """Whether this command line is a leader's."""
        return Path(argv[0]).name in self.programs and not self.marks.isdisjoint(argv)

    def follows(self, argv: list[str]) -> bool:
        """Whether this command line is a follower's."""
        return self.title is not None and argv[0].startswith(self.title)

    def members(self) -> tuple[list[Process], list[Process]]:
        """Leaders and followers that run now."""
        leaders, followers = [], []
        for process, argv in _all_processes():
            if self.leads(argv):
                leaders.append(process)
            elif self.follows(argv):
                followers.append(process)
        return leaders, followers


def spawn(
    argv: list[str], *, log: Path, account: Account | None, cwd: Path, env: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that the terminal's Ctrl-C reaches its owner only."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the program is the wheel's own, the arguments are ours
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            umask=0o077,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


class _PortTaken(Exception):
    """A port that was free when it was chosen is not any more."""


def settle(engine: Engine, start: Callable[[], Engine], answers: Callable[[Engine], bool]) -> Engine:
    """Wait until the server answers; where a port was taken from under it, `start` it on others.

    Raises `Unavailable` with the end of the server's log where it ends or does not answer in time.
    """
    for _ in range(PORT_TRIES):
        try:
            _wait(engine, answers)
        except _PortTaken:
            engine = start()
        else:
            return engine
    raise Unavailable(f"{engine.name} found its ports taken {PORT_TRIES} times in a row; see {engine.log}.")


def _wait(engine: Engine, answers: Callable[[Engine], bool]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        status = engine.process.poll()
        if status is not None:
            end = tail(engine.log)
            if _PORT_TAKEN.search(end):
                raise _PortTaken
            raise Unavailable(
                f"{engine.name} ended at its start with status {status}. {engine.log} ends:\n{end}"
            )
        if answers(engine):
            return
        if time.monotonic() > deadline:
            raise Unavailable(
                f"{engine.name} did not answer within {READY_TIMEOUT_S:.0f} s. "
                f"{engine.log} ends:\n{tail(engine.log)}"
            )
        time.sleep(POLL_S)


def ask_to_stop(family: Family) -> None:
    """Send the leaders the signal for an orderly stop; followers without a leader are told to end."""
    leaders, followers = family.members()
    for process in leaders:
        process.send(family.stop_signal())
    if not leaders:
        for process in followers:
            process.send(signal.SIGTERM)


def see_stopped(family: Family) -> None:
    """Wait until no process of the family is left; kill what will not go in time.

    A killed engine loses nothing that it has acknowledged: it recovers at its next start.
    """
    if _gone_within(family, STOP_TIMEOUT_S):
        return
    for members in family.members():
        for process in members:
            process.send(signal.SIGKILL)
    if not _gone_within(family, KILL_TIMEOUT_S):
        raise Unavailable(f"A {'/'.join(sorted(family.programs))} process would not end, not even killed.")


def _gone_within(family: Family, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while any(family.members()):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _all_processes() -> Iterator[tuple[Process, list[str]]]:
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        pid = int(entry.name)
        started = _running_since(pid)
        try:
            raw = Path(entry.path, "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if raw and started is not None:  # kernel threads and zombies have no command line
            yield Process(pid, started), os.fsdecode(raw).split("\0")


def _running_since(pid: int) -> int | None:
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return None if fields[_STAT_STATE] in "ZX" else int(fields[_STAT_START])


@contextmanager
def undisturbed() -> Iterator[None]:
    """Finish stopping the servers even if Ctrl-C is pressed again.

    Only the main thread gets an exception from a signal, and only it may set handlers.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    try:
        before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
