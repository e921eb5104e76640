"""Running `certvault` as a program, and seeing what it leaves behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from api.settings import Settings, child_environment
from tests import preloaded

Found = TypeVar("Found")

PROJECT = Path(__file__).parents[1]
COMMAND = (sys.executable, "-P", "-m", "api.cli")
# Everything here is over in a few seconds; a machine that is busy with other suites takes longer.
PATIENCE_S = 160.0


def certvault(
    *arguments: str, settings: Mapping[str, str] | None = None, patience_s: float = PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    """The command, run to its end, with no settings in its environment but these."""
    done = preloaded.run(COMMAND[-1], arguments, env=environment(settings), cwd="/", timeout_s=patience_s)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def dying(
    module: str, *arguments: str, settings: Settings, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """A module of the tests as a program with these settings, run to its end."""
    env = child_environment(settings)
    return preloaded.run(module, arguments, env=env, cwd=str(PROJECT), given=given, timeout_s=PATIENCE_S)


@contextmanager
def running(
    *arguments: str, settings: Mapping[str, str] | None = None, output: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The command while the block runs, writing to `output`; stopped by SIGTERM if it is still there."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=environment(settings), cwd="/", stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def environment(settings: Mapping[str, str] | None) -> dict[str, str]:
    """This process's environment with these settings instead of any others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CERTVAULT_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # every program would compile every library anew: 4 s each
    return {**kept, "PYTHONPATH": str(PROJECT), **(settings or {})}


def eventually(look: Callable[[], Found], what: str) -> Found:
    """What `look` gives once it gives something true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


def children_of(parent: int) -> dict[int, str]:
    """Server and worker children of this parent that run now, dead parents included: their roles by id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            arguments = command_line(int(entry.name))
            if "api.child" in arguments:
                owner, role = arguments[arguments.index("api.child") + 1 :][:2]
                if owner == str(parent):
                    found[int(entry.name)] = role
    return found


def engines_of(data: Path) -> list[str]:
    """Programs that run on this data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            arguments = command_line(int(entry.name))
            if any(str(data) in argument for argument in arguments):
                found.append(arguments[0])
    return found


def command_line(pid: int) -> list[str]:
    """The arguments of a process; none where it has ended."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return os.fsdecode(raw).rstrip("\0").split("\0")


def kill(pid: int) -> None:
    """SIGKILL: nothing that the process could do about it."""
    os.kill(pid, signal.SIGKILL)
