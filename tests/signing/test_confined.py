"""The judging children: what they may not do, what becomes of those that die, that none is left behind."""

import errno
import os
import platform
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import signing
from signing.confined import Judges, messages
from signing.confined.pool import _Child
from signing.drawing import page_webp
from signing.examination import Examined, examine, not_judged
from signing.judge.revocation import RevocationKnowledge
from signing.limits import CPU_MAX_S, KILLED_AFTER_S, MEMORY_MAX_BYTES
from signing.validate import PDF_SIZE_MAX_BYTES, ListedSeal, Trust
from signing.wire import LENGTH_BYTES, receive, send
from tests.signing import attacks
from tests.signing.ofd_judge import attacks as ofd_attacks
from tests.signing.ofd_judge.making import NOW as OFD_NOW
from tests.signing.ofd_judge.making import ours, packed
from tests.signing.ofd_judge.people import people
from tests.signing.workshop import NOW, Workshop, tiny_pdf
from vault.errors import DocumentRefused, Unavailable
from vault.model.verdict import CheckResult, Indication

GONE_WITHIN_S = 20.0


@pytest.fixture(scope="module")
def judges() -> Iterator[Judges]:
    with Judges(2) as pool:
        yield pool


def examined(pool: Judges, content: bytes, workshop: Workshop) -> Examined:
    return pool.examine(content, trust=attacks.listed(workshop), at=NOW)


def zygote_of(pool: Judges) -> int:
    zygote = pool._zygote  # noqa: SLF001 - what a test kills
    assert zygote is not None
    return zygote.pid


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_gone(process: int) -> None:
    """Until a process, by its descriptor, has ended."""
    ended, _, _ = select.select([process], [], [], GONE_WITHIN_S)
    os.close(process)
    assert ended, "it is still there"


def test_a_child_finds_what_the_judge_finds(judges: Judges, workshop: Workshop) -> None:
    sealed = attacks.by_hand(workshop).fill()
    for content in (sealed, attacks.language_between(workshop), tiny_pdf(), b"", b"%PDF-1.7\n%%EOF"):
        here = examine(content, trust=attacks.listed(workshop), at=NOW)
        assert examined(judges, content, workshop) == here


def test_a_child_judges_an_ofd_as_it_is_judged_here(judges: Judges) -> None:
    good = packed(ours())
    for content in (
        good,
        ofd_attacks.two_files_in_one(),
        ofd_attacks.doctype(),
        ofd_attacks.transplanted_value(),
        ofd_attacks.first_version(),
        good[:-1],
        b"PK",
    ):
        here = examine(content, trust=ofd_attacks.listed(), at=OFD_NOW)
        assert judges.examine(content, trust=ofd_attacks.listed(), at=OFD_NOW) == here
    as_roots_of_its_own = Trust((), national=(people().root.certificate,))
    (seal, lock) = judges.examine(good, trust=as_roots_of_its_own, at=OFD_NOW).seals
    assert seal.indication is lock.indication is Indication.TOTAL_PASSED


def test_a_child_judges_one_file_and_another_takes_its_place(judges: Judges, workshop: Workshop) -> None:
    examined(judges, tiny_pdf(), workshop)
    before = set(children_of(zygote_of(judges)))
    for _ in range(4):
        examined(judges, tiny_pdf(), workshop)
    assert not before & set(children_of(zygote_of(judges)))


def test_a_child_draws_what_is_drawn_here(judges: Judges, workshop: Workshop) -> None:
    sealed = attacks.by_hand(workshop).fill()
    assert judges.picture(sealed, side_max_pixels=300) == page_webp(sealed, side_max_pixels=300)


@pytest.mark.parametrize("content", [b"", b"PK", b"%PDF-1.7\n%%EOF"])
def test_what_cannot_be_drawn_is_refused_and_the_next_is_drawn(judges: Judges, content: bytes) -> None:
    with pytest.raises(DocumentRefused):
        judges.picture(content, side_max_pixels=300)
    assert judges.picture(tiny_pdf(), side_max_pixels=300)


def test_drawing_that_takes_too_long_is_a_refusal(workshop: Workshop) -> None:
    with Judges(1, killed_after_s=0.0001) as judges, pytest.raises(DocumentRefused):
        judges.picture(attacks.by_hand(workshop).fill(), side_max_pixels=1_600)


def test_children_work_at_once(judges: Judges, workshop: Workshop) -> None:
    sealed, found = attacks.by_hand(workshop).fill(), []
    threads = [
        Thread(target=lambda: found.append(examined(judges, sealed, workshop).seals[0].indication))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Indication.TOTAL_PASSED] * 6


def test_a_file_that_takes_too_long_becomes_a_report(workshop: Workshop) -> None:
    with Judges(1, killed_after_s=0.001) as pool:
        (report,) = examined(pool, attacks.by_hand(workshop).fill(), workshop).seals
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "FORMAT_FAILURE")
    assert [(check.name, check.result) for check in report.checks] == [("judged", CheckResult.FAILED)]
    assert "too long" in report.checks[0].detail


def test_a_file_over_the_cap_is_not_even_sent(judges: Judges, workshop: Workshop) -> None:
    (report,) = examined(judges, bytes(PDF_SIZE_MAX_BYTES + 1), workshop).seals
    assert report.checks[0].name == "readable"


@pytest.mark.parametrize("who", ["children", "zygote", "both"])
def test_the_pool_mends_itself(who: str, workshop: Workshop) -> None:
    sealed = attacks.by_hand(workshop).fill()
    with Judges(2) as pool:
        assert examined(pool, sealed, workshop).seals[0].indication is Indication.TOTAL_PASSED
        zygote = zygote_of(pool)
        killed = children_of(zygote) if who != "zygote" else []
        killed += [zygote] if who != "children" else []
        handles = handles_of(killed)
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        for handle in handles:
            wait_gone(handle)
        for _ in range(3):
            assert examined(pool, sealed, workshop).seals[0].indication is Indication.TOTAL_PASSED


def test_a_standing_child_that_ended_takes_no_other_along(workshop: Workshop) -> None:
    """While another thread's file is being judged, which is innocent of it."""
    sealed, trust = attacks.by_hand(workshop).fill(), attacks.listed(workshop)
    with Judges(1) as pool:
        child, process = pool._take(time.monotonic() + GONE_WITHIN_S)  # noqa: SLF001 - as `examine` does
        send(child.connection, messages.job(trust, NOW))
        wait_confined(process)
        ours, theirs = socket.socketpair()
        theirs.close()  # as of one that ended before it said that it was there
        pool._children.appendleft(_Child(ours))  # noqa: SLF001 - the next to be taken
        found: list[Examined] = []
        other = Thread(target=lambda: found.append(examined(pool, sealed, workshop)))
        other.start()
        other.join()
        with child.connection:
            send(child.connection, sealed)
            found.append(messages.read_answer(receive(child.connection, messages.ANSWER_MAX_BYTES)))
        os.close(process)
    assert [each.seals[0].indication for each in found] == [Indication.TOTAL_PASSED] * 2


def wait_confined(process: int) -> None:
    """Until a child, by its descriptor, is under its limits: it ends with its zygote from then on."""
    said = Path(f"/proc/self/fdinfo/{process}").read_text()
    status = Path("/proc", said.split("Pid:")[1].split()[0], "status")
    deadline = time.monotonic() + GONE_WITHIN_S
    while "Seccomp:\t2" not in status.read_text():
        assert time.monotonic() < deadline


def test_a_pool_that_cannot_be_started_again_says_so_and_tries_at_the_next_file(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Judges(1) as pool:
        examined(pool, tiny_pdf(), workshop)
        (zygote,) = handles_of([zygote_of(pool)])
        signal.pidfd_send_signal(zygote, signal.SIGKILL)
        wait_gone(zygote)
        with monkeypatch.context() as failing:
            failing.setattr(subprocess, "Popen", _no_process)
            for _ in range(2):
                with pytest.raises(Unavailable):
                    examined(pool, tiny_pdf(), workshop)
        sealed = attacks.by_hand(workshop).fill()
        assert examined(pool, sealed, workshop).seals[0].indication is Indication.TOTAL_PASSED


def descriptors() -> set[str]:
    """What this process has open."""
    return {each.name for each in Path("/proc/self/fd").iterdir()}


def _no_process(*_: object, **__: object) -> None:
    raise OSError(errno.EAGAIN, "no process more")


@pytest.mark.parametrize("sent", [None, 0, 1])
def test_a_pool_that_cannot_be_entered_leaves_nothing(
    sent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No zygote (None), or one that takes so many orders."""
    truly, orders, started = socket.send_fds, [], []
    popen = subprocess.Popen

    def starting(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as Popen
        if sent is None:
            _no_process()
        started.append(popen(*arguments, **named))
        return started[-1]

    def sending(*arguments: Any) -> int:  # noqa: ANN401 - as send_fds
        orders.append(arguments)
        if len(orders) > (sent or 0):
            raise OSError(errno.EPIPE, "nobody there")
        return truly(*arguments)

    monkeypatch.setattr(subprocess, "Popen", starting)
    monkeypatch.setattr(socket, "send_fds", sending)
    pool, before = Judges(2), descriptors()
    try:
        with pytest.raises(OSError, match=r"no process more|nobody there") as failed, pool:
            pass
        assert descriptors() == before, failed
        assert all(process.poll() is not None for process in started)
    finally:
        pool.__exit__()


def test_nothing_is_started_before_and_nothing_left_behind(workshop: Workshop) -> None:
    pool = Judges(2)
    with pytest.raises(Unavailable):
        examined(pool, tiny_pdf(), workshop)
    with pool:
        examined(pool, tiny_pdf(), workshop)
        pids = [zygote_of(pool), *children_of(zygote_of(pool))]
        handles = handles_of(pids)
    for handle in handles:
        wait_gone(handle)
    with pytest.raises(Unavailable):
        examined(pool, tiny_pdf(), workshop)


def handles_of(pids: list[int]) -> list[int]:
    """Of those that are still there: a child that has judged its one file ends by itself."""
    handles = []
    for pid in pids:
        with suppress(ProcessLookupError):
            handles.append(os.pidfd_open(pid))
    return handles


OWNER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from signing.confined import Judges
from signing.validate import Trust
with Judges(2) as pool:
    pool.examine(b"%PDF-1.7", trust=Trust(()), at=datetime.now(UTC))
    zygote = pool._zygote.pid
    print(zygote, Path(f"/proc/{zygote}/task/{zygote}/children").read_text(), flush=True)
    time.sleep(600)
"""


def test_killing_the_owner_leaves_no_child_behind() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(signing.__path__[0]).parent)}
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, env=environment) as owner:
        try:
            assert owner.stdout is not None
            zygote, *children = (int(pid) for pid in owner.stdout.readline().split())
            assert children
            handles = handles_of([zygote, *children])
            assert len(handles) > 1  # the zygote, and one at least that stands ready
        finally:
            owner.kill()
    for handle in handles:
        wait_gone(handle)


# What a child that a file has taken over would try, and what it must come to.
TRIES = {
    "connect": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "udp": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "unix socket": "import socket; socket.socket(socket.AF_UNIX)",
    "read a file": "open('/etc/passwd')",
    "write a file": "open('/tmp/certvault-child', 'w')",
    "make a pipe": "import os; os.mkfifo(name + '-pipe')",
    "make a device": "import os; os.mknod(name + '-device')",
    "give a file away": "import os; os.chown(name, 1, 1, follow_symlinks=False)",
    "set a file's time": "import os; os.utime(name)",
    "set an attribute": "import os; os.setxattr(name, 'user.x', b'x')",
    "set a descriptor's attribute": "import os; os.setxattr(log, 'user.x', b'x')",
    "take an attribute away": "import os; os.removexattr(name, 'user.x')",
    "start a program": "import os; os.execv('/bin/true', ['/bin/true'])",
    "fork": "import os; os.fork()",
    "kill": "import os; os.kill(os.getppid(), 0)",
    "queue a signal": "import os; asked(libc.sigqueue(os.getppid(), 0, None))",
    "raise its limits": "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
    "memory": "bytearray(1 << 30)",
    "write through a descriptor": "import os; os.write(log, b'x')",
}
# What else than EPERM: of a limit, or as Python words it.
ENDS = {
    "raise its limits": "ValueError None",
    "memory": "MemoryError None",
    "write through a descriptor": f"OSError {errno.EFBIG}",
}
TRY = """
import ctypes, os, resource, signal, socket, sys, tempfile
name = sys.argv[1]
log = os.open(name, os.O_RDWR | os.O_CREAT)
libc = ctypes.CDLL(None, use_errno=True)
def asked(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "refused")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from signing.limits import confine
print("confined", flush=True)
confine()
try:
{code}
except (OSError, MemoryError, ValueError) as error:
    print(type(error).__name__, getattr(error, "errno", None), flush=True)
    os._exit(7)
os._exit(0)
"""


def tried(code: str, folder: Path) -> str:
    """What a confined process that runs this ends with."""
    environment = {**os.environ, "PYTHONPATH": str(Path(signing.__path__[0]).parent)}
    done = subprocess.run(
        [sys.executable, "-c", TRY.format(code=textwrap.indent(code, "    ")), folder / "log"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("confined\n"), done.stderr
    assert done.returncode == 7, done.stdout + done.stderr
    return done.stdout.removeprefix("confined\n").strip()


@pytest.mark.parametrize("what", TRIES)
def test_what_a_child_may_not_do(what: str, tmp_path: Path) -> None:
    expected = ENDS.get(what, f"PermissionError {errno.EPERM}")
    assert tried(TRIES[what].replace("; ", "\n"), tmp_path) == expected


# Calls that no function of the C library makes, or not everywhere, by the numbers of linux/unistd.h.
BY_NUMBER = {
    "x86_64": {
        "rt_sigqueueinfo": 129,
        "rt_tgsigqueueinfo": 297,
        "mknod": 133,
        "mknodat": 259,
        "utime": 132,
        "utimes": 235,
        "futimesat": 261,
        "utimensat": 280,
        "fchownat": 260,
        "setxattr": 188,
        "lsetxattr": 189,
        "fsetxattr": 190,
        "removexattr": 197,
        "lremovexattr": 198,
        "fremovexattr": 199,
        "setxattrat": 463,
        "removexattrat": 466,
        "file_setattr": 469,
        "fchmodat2": 452,
    },
    "aarch64": {
        "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240,
        "mknodat": 33,
        "utimensat": 88,
        "fchownat": 54,
        "setxattr": 5,
        "lsetxattr": 6,
        "fsetxattr": 7,
        "removexattr": 14,
        "lremovexattr": 15,
        "fremovexattr": 16,
        "setxattrat": 463,
        "removexattrat": 466,
        "file_setattr": 469,
        "fchmodat2": 452,
    },
}


def test_calls_that_only_their_number_names_are_refused(tmp_path: Path) -> None:
    """With arguments that none of them takes: but for the filter, each says so (EFAULT, EINVAL, ENOSYS)."""
    code = f"""
for called, number in {BY_NUMBER[platform.machine()]}.items():
    libc.syscall(number, -1, -1, -1, -1, -1, -1)
    if ctypes.get_errno() != {errno.EPERM}:
        print(called, flush=True)
os._exit(7)
"""
    assert not tried(code, tmp_path)


def test_time_and_memory_are_limited_by_the_kernel() -> None:
    code = """
import resource, signal
from signing.limits import confine
said, truly = {}, resource.setrlimit
def limit(what, most):
    said[what] = most
    truly(what, most)
resource.setrlimit = limit
confine()
print(said[resource.RLIMIT_CPU], said[resource.RLIMIT_AS], round(signal.getitimer(signal.ITIMER_REAL)[0]))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(signing.__path__[0]).parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    cpu, memory = (CPU_MAX_S, CPU_MAX_S), (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES)
    assert done.stdout.strip() == f"{cpu} {memory} {round(KILLED_AFTER_S)}"
    assert MEMORY_MAX_BYTES == 1 << 30
    assert KILLED_AFTER_S < 30


def test_answers_are_read_as_strictly_as_anything_from_outside() -> None:
    good = messages.answer(not_judged("x"))
    assert messages.read_answer(good) == not_judged("x")
    for bad in (
        b"",
        b"[]",
        b"{}",
        b"{" * 100_000,
        good.replace(b"INDETERMINATE", b"genuine"),
        b'{"seals": 1}',
        good.replace(b'"sealed_at": null', b'"sealed_at": "2026-11-23T08:00:00"'),
        good.replace(b'"signer": null', b'"signer": "\\ud800"'),
    ):
        assert bad != good
        with pytest.raises((ValueError, KeyError, TypeError, RecursionError)):
            messages.read_answer(bad)


def test_a_message_that_is_too_long_or_too_slow_is_not_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall((1 << 40).to_bytes(LENGTH_BYTES, "big"))
        with pytest.raises(ValueError, match="bytes"):
            receive(ours, messages.ANSWER_MAX_BYTES)
        with suppress(OSError):
            theirs.sendall(b"\0")
        with pytest.raises(TimeoutError):
            receive(ours, messages.ANSWER_MAX_BYTES, time.monotonic())


def test_a_child_believes_what_its_parent_does() -> None:
    at = NOW
    seals = (ListedSeal("ab" * 32, "11990100MB99000131", at, None), ListedSeal("cd" * 32, "x", at, at))
    knowledge = RevocationKnowledge((b"\x30\x00",), (b"\x30\x01\x00",), required=True)
    for trust in (Trust((b"\x30",)), Trust((b"\x30", b"\x31"), seals, knowledge)):
        assert messages.read_job(messages.job(trust, at)) == (trust, at)
