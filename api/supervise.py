"""Child processes of a command: started, started again when they die, stopped with it, never left behind.

A child is a process of the operating system, so that every core works and a crash takes one child with it.
All server children accept from one socket that the parent has opened before the first of them starts.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Self

from vault.errors import Conflict, InputError, NotPermitted

# A burst of new connections waits here until a child accepts; the kernel caps it at net.core.somaxconn.
BACKLOG = 2048
# Ports tried after a busy one before any free port is taken: a second demo lands next to the first.
PORTS_NEARBY = 20
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Longer than a child takes to finish the requests that it has (serving.GRACE_S); then SIGKILL.
STOP_TIMEOUT_S = 15.0
POLL_S = 0.1
# A child that lived this long had started well: its death is a new event, not the last one again.
STEADY_AFTER_S = 10.0
BACKOFF_MIN_S = 0.5
BACKOFF_MAX_S = 30.0


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes any free one.

    Raises:
        Conflict: another program has the port.
        NotPermitted: this user may not take it.
        InputError: the host is not an address of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise InputError(f"{host} is no address or name of this machine.") from error
    except PermissionError as error:
        raise NotPermitted(f"This user may not listen on port {port}: take one above 1023.") from error
    except OSError as error:
        raise Conflict(
            f"Cannot listen on {host}, port {port} ({os.strerror(error.errno or 0)}): give another --port."
        ) from error


def listen_near(host: str, preferred: int) -> socket.socket:
    """A listening socket on the preferred port or the next free one.

    Raises:
        NotPermitted, InputError: as `listen`.
    """
    for port in range(preferred, min(preferred + PORTS_NEARBY, 65536)):
        try:
            return listen(host, port)
        except Conflict:
            continue
    return listen(host, 0)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal raise `KeyboardInterrupt`, once: stopping is not disturbed.

    For the main thread. Under `nohup` a closed terminal stays ignored.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    hung_up_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = [number for number in STOP_SIGNALS if not (hung_up_ignored and number is signal.SIGHUP)]
    before = [signal.signal(number, stop) for number in heard]
    try:
        yield
    finally:
        for number, handler in zip(heard, before, strict=True):
            signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """What a child runs: arguments of `api.child`, and the descriptors that it is given."""

    name: str
    arguments: tuple[str, ...]
    descriptors: tuple[int, ...] = ()


def server_plans(listening: socket.socket, processes: int) -> tuple[ChildPlan, ...]:
    """As many server children on this socket."""
    descriptor = listening.fileno()
    return tuple(
        ChildPlan(f"server {n + 1}", ("server", str(descriptor)), (descriptor,)) for n in range(processes)
    )


def provider_plan(listening: socket.socket, book: Path) -> ChildPlan:
    """The local identity provider on this socket."""
    descriptor = listening.fileno()
    return ChildPlan("identity provider", ("provider", str(descriptor), str(book)), (descriptor,))


WORKER_PLAN = ChildPlan("worker", ("worker",))


@dataclass(slots=True)
class _Child:
    plan: ChildPlan
    process: subprocess.Popen[bytes]
    started: float
    deaths_in_a_row: int = 0
    start_again_at: float | None = None


@dataclass(slots=True)
class Supervisor:
    """Runs children while its `with` block lasts. `log`: where they write; None for where the parent does.

    `tell` hears of deaths and new starts. To be entered from the main thread: the kernel ties a child's end
    to the thread that started it.
    """

    plans: Sequence[ChildPlan]
    environment: Mapping[str, str] = field(repr=False)
    log: Path | None
    tell: Callable[[str], None]
    _children: list[_Child] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Starts every child."""
        try:
            self._children = []
            for plan in self.plans:
                self._children.append(_Child(plan, self._start(plan), time.monotonic()))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        """Stops every child: in order first, by force after `STOP_TIMEOUT_S`."""
        self._stop()

    def watch(self) -> None:
        """Starts dead children again, until a signal ends it with `KeyboardInterrupt`."""
        while True:
            self.look_after()
            time.sleep(POLL_S)

    def look_after(self) -> int:
        """One look at every child; the most deaths in a row, without a steady life between, of any."""
        now = time.monotonic()
        for child in self._children:
            if child.start_again_at is not None:
                if now >= child.start_again_at:
                    child.process = self._start(child.plan)
                    child.started, child.start_again_at = now, None
            elif (status := child.process.poll()) is not None:
                steady = now - child.started > STEADY_AFTER_S
                child.deaths_in_a_row = 1 if steady else child.deaths_in_a_row + 1
                delay = min(BACKOFF_MIN_S * 2 ** (child.deaths_in_a_row - 1), BACKOFF_MAX_S)
                child.start_again_at = now + delay
                self.tell(f"{child.plan.name} ended with status {status}; starting again in {delay:g} s.")
        return max((child.deaths_in_a_row for child in self._children), default=0)

    def _start(self, plan: ChildPlan) -> subprocess.Popen[bytes]:
        # -P: a folder `api` where the user happens to stand is not ours.
        argv = [sys.executable, "-P", "-m", "api.child", str(os.getpid()), *plan.arguments]
        with _appending(self.log) as output:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and module
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(self.environment),
                pass_fds=plan.descriptors,
                start_new_session=True,  # a terminal's Ctrl-C reaches the parent, which stops the children
            )

    def _stop(self) -> None:
        running = [child.process for child in self._children if child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _appending(log: Path | None) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    with log.open("ab") as output:
        yield output
