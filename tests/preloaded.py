"""Programs that start at once: forked from a process that has imported what they all import.

A fresh interpreter spends two seconds of CPU on the vault's imports before it does anything; the suite starts
some hundreds. `run` gives each the same as a fresh one: its own process, arguments, environment, folder and
standard streams, the module as `__main__`, the interpreter's own end, and the status or signal that it ended
with. What a start itself does (time, order of imports) is not seen here: tests of that start a real one.

    python -m tests.preloaded SOCKET
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

PRELOADED = (
    "api.wiring",
    "api.cli.program",
    "vault.deposit",
    "vault.fsck",
    "vault.raising",
    "vault.transparency",
)
# The server imports within this, however busy the machine is.
READY_S = 160.0
# The program's own wire, and its standard streams.
_DESCRIPTORS = 4


def run(
    module: str,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str,
    given: bytes = b"",
    timeout_s: float,
) -> subprocess.CompletedProcess[bytes]:
    """Runs a module as a program to its end, as `subprocess.run` would with all streams captured.

    Raises:
        subprocess.TimeoutExpired: it did not end in time; it is killed.
    """
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(given)
        stdin.seek(0)
        wire, theirs = socket.socketpair()
        with theirs:
            descriptors = [each.fileno() for each in (theirs, stdin, stdout, stderr)]
            socket.send_fds(_server(), [b"."], descriptors)
        order = {"module": module, "arguments": list(arguments), "env": dict(env), "cwd": cwd}
        with wire:
            status = _ended(wire, order, timeout_s)
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess([module, *arguments], status, stdout.read(), stderr.read())


def _ended(wire: socket.socket, order: Mapping[str, object], timeout_s: float) -> int:
    """What the program ended with."""
    wire.sendall(json.dumps(order).encode() + b"\n")
    with wire.makefile("r", encoding="utf-8") as lines:
        wire.settimeout(READY_S)
        pid = int(lines.readline())
        wire.settimeout(timeout_s)
        try:
            return int(lines.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(str(order["module"]), timeout_s) from None


@cache
def _server() -> socket.socket:
    """The wire to the server of this test process; it ends when nobody holds the wire any more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CERTVAULT_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.preloaded", str(theirs.fileno())],
            env={**kept, "PYTHONPATH": str(Path(__file__).parents[1])},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(_end, ours, process)
    return ours


def _end(wire: socket.socket, process: subprocess.Popen[bytes]) -> None:
    wire.close()
    process.wait(READY_S)


def main(descriptor: str) -> None:
    """Imports, then forks a program for each order; comes back in the programs only, and at the end."""
    for module in PRELOADED:
        importlib.import_module(module)
    # A thread would not be there after a fork, and what it held would stay locked.
    threads = list(Path("/proc/self/task").iterdir())
    assert len(threads) == 1, f"expected one thread after the imports, got {len(threads)}"
    gc.freeze()  # else a collection in each program would copy all of these pages
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orders = socket.socket(fileno=int(descriptor))
    while True:
        _, descriptors, _, _ = socket.recv_fds(orders, 1, _DESCRIPTORS)
        if not descriptors:
            return
        if os.fork() == 0:
            orders.close()
            _attend(*descriptors)
            return
        for each in descriptors:
            os.close(each)


def _attend(wire_descriptor: int, *streams: int) -> None:
    """One order: in the program's own process it returns, in the one that waits for it never."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    wire = socket.socket(fileno=wire_descriptor)
    with wire.makefile("r", encoding="utf-8") as lines:
        order = json.loads(lines.readline())
    if (pid := os.fork()) == 0:
        wire.close()
        _become(order, streams)
        return
    _wait(wire, pid)


def _wait(wire: socket.socket, pid: int) -> NoReturn:
    with contextlib.suppress(OSError):  # who asked may be gone
        wire.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        wire.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(order: dict[str, object], streams: tuple[int, ...]) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(str(order["cwd"]))
    env = order["env"]
    assert isinstance(env, dict)
    os.environ.clear()
    os.environ.update(env)
    arguments = order["arguments"]
    assert isinstance(arguments, list)
    sys.argv = [str(order["module"]), *arguments]
    runpy.run_module(str(order["module"]), run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
